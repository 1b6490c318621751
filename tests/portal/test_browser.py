"""The portal in Debian's Chromium: scripts, keyboard, accessibility, what it asks of whom."""

import threading
import time
from dataclasses import replace

import pytest
import uvicorn
from playwright.sync_api import expect
from tests.portal.conftest import violations
from tests.portal.test_data import CLIPPED, SILENT, imported, row
from tests.portal.test_pages import stored

from tympan.domain.job import JobEvent, JobKind, JobState
from tympan.domain.resource import Failure, Status
from tympan.portal.site import create_portal
from tympan.testing.entities import (
    make_base_model,
    make_endpoint,
    make_job,
    make_log,
    make_model,
    make_project,
)
from tympan.usecases.job_states import begin_attempt, end_job

pytestmark = pytest.mark.timeout(120)

HEAVIEST_PAGE_BYTES = 120_000
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def live(site):
    """The address of a server in this process."""
    server = uvicorn.Server(uvicorn.Config(create_portal(site.services), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def context(browser, live):
    context = browser.new_context(base_url=live, timezone_id="Asia/Tokyo", locale="en-GB")
    context.set_default_timeout(5000)
    yield context
    context.close()


@pytest.fixture
def page(context, live):
    """A page of somebody who signed in; complaints of the browser fail the test."""
    page, complaints = context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if foreign(asked.url, live) else None)
    page.goto("/sign-in")
    page.get_by_label("Key").fill("0123456789abcdef" * 4)
    page.get_by_role("button", name="Sign in").click()
    yield page
    assert not complaints


def is_complaint(said):
    # Chromium notes the status of a page that says 404 or 422; that is no fault of the page.
    is_own_status = "status of 4" in said.text and "/static/" not in said.location["url"]
    return said.type == "error" and not is_own_status


def foreign(url, live):
    return not url.startswith((live, "data:"))


@pytest.fixture
def endpoint(site, project):
    base = site.add("base_models", make_base_model(display_name=HOSTILE))
    site.add("endpoints", make_endpoint(project_id=project.id, model_id=base.id))
    named = {"display_name": HOSTILE, "project_id": project.id, "model_id": base.id}
    endpoint = site.add("endpoints", make_endpoint(is_logging=True, serving_model_id=base.id, **named))
    site.add("logs", make_log(place=endpoint.id))
    site.services.access.create_endpoint_key(endpoint.id, HOSTILE)
    return endpoint


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_or_dialog_is_inaccessible(page, axe, site, project, endpoint, scheme):
    page.emulate_media(color_scheme=scheme)
    dataset = imported(site, project, [row(1), row(2, CLIPPED), row(3, SILENT)])
    project = f"/projects/{endpoint.project_id}"
    tabs = ("data", "testing", "training", "deployment", "try", "settings", f"deployment/{endpoint.id}")
    for path in (
        "/projects",
        "/base-models",
        "/limits",
        "/nothing",
        dataset,
        *(f"{project}/{tab}" for tab in tabs),
    ):
        page.goto(path)
        assert not violations(page, axe), path
        for opener in page.locator("button[data-opens]").all():
            opener.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            assert not violations(page, axe), (path, opener.inner_text())
            page.keyboard.press("Escape")
        assert page.locator("img").count() == 0, "a name was taken for markup"


@pytest.fixture
def running(site, project, endpoint):
    """A training at work, with curves and a warning."""
    model = make_model(
        project_id=project.id, base_model_id=endpoint.model_id, display_name=HOSTILE, status=Status.RUNNING
    )
    job = make_job(kind=JobKind.TRAIN_MODEL, resource_id=model.id, state=JobState.RUNNING, step="train")
    site.add("jobs", job)
    with site.store.write() as tx:
        for step in range(3):
            tx.jobs.add_event(event(job, "loss", step=step, loss=3 - step))
            tx.jobs.add_event(event(job, "dev_wer", step=step, wer=0.3 - step / 10))
        tx.jobs.add_event(event(job, "warning", text=HOSTILE))
    return site.add("models", replace(model, job_id=job.id))


def event(job, kind, **payload):
    return JobEvent(job_id=job.id, sequence=0, kind=kind, payload=payload, at=job.created_at)


@pytest.fixture
def held_back(site, project, endpoint):
    """A model the gate found worse than its base model."""
    checks = [
        {"name": name, "outcome": outcome, "text": HOSTILE}
        for name, outcome in (("gain", "passed"), ("general", "failed"), ("length", "notMeasured"))
    ]
    report = stored(site, "report.json", {"gate": {"verdict": "failed", "checks": checks}}, "ModelReport")
    found = {"status": Status.SUCCEEDED, "summary": {"gate": "failed"}, "files": (report,)}
    return site.add("models", make_model(project_id=project.id, base_model_id=endpoint.model_id, **found))


def test_no_page_of_trainings_and_tests_is_inaccessible(page, axe, tested, running, held_back):
    project = f"/projects/{running.project_id}"
    trained = [f"training/{one}" for one in ("new", running.id, held_back.id, f"new?copy={held_back.id}")]
    for path in ("training", "testing", "testing/new", *trained, tested.removeprefix(f"{project}/")):
        page.goto(f"{project}/{path}")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # colours change at once
            assert not violations(page, axe), (path, scheme)
        assert page.locator("img").count() == 0, "a name was taken for markup"
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        page.set_viewport_size({"width": 1280, "height": 800})


def test_a_training_is_started_by_keyboard_and_watched_to_its_end(page, site, project, endpoint):
    page.goto(f"/projects/{project.id}/training/new")
    page.get_by_role("radio", name=HOSTILE).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Text to learn").fill("Call Ann Bell.")
    page.get_by_role("button", name="Next").press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Clinic")
    page.get_by_text("Settings", exact=True).last.press("Enter")
    page.get_by_label("Passes over the data").fill("2")
    page.get_by_role("button", name="Train").press("Enter")
    expect(page.get_by_text("Waits for its turn")).to_be_visible()
    [model] = site.services.models.list()
    assert (model.settings, model.text) == ({"epochs": 2}, "Call Ann Bell.")
    with site.store.write() as tx:
        job = begin_attempt(tx, tx.jobs.get(model.job_id), site.clock.now(), step="train")
        for step in range(2):
            tx.jobs.add_event(event(job, "loss", step=step, loss=3 - step))
    expect(page.get_by_role("img", name="Training loss")).to_be_visible()
    page.get_by_text("As a table").click()
    with site.store.write() as tx:
        failure = Failure(code="Diverged", message=HOSTILE)
        end_job(tx, tx.jobs.get(job.id), site.clock.now(), JobState.FAILED, failure)
    expect(page.get_by_text("Diverged")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Failed")
    expect(page.get_by_role("cell", name="3", exact=True)).to_be_visible()  # the table was left open
    expect(page.get_by_text("Try again").first).to_be_visible()


def test_a_first_project_is_made_by_keyboard_alone(page):
    page.get_by_role("button", name="New project").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Name")).to_be_focused()
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Tab")
    page.keyboard.type("klingon")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_label("Name")).to_have_value(HOSTILE)
    page.get_by_label("Locale").fill("en-US")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Data")).to_be_visible()


def test_an_endpoint_is_deployed_and_its_key_made(page, endpoint):
    page.goto(f"/projects/{endpoint.project_id}/deployment")
    page.get_by_role("button", name="Deploy model").click()
    page.get_by_label("Name").fill("Calls")
    page.keyboard.press("Enter")  # goes to the next step; the form is not sent yet
    page.get_by_label("Keep sound").check()
    page.get_by_label("The people who speak").check()
    page.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.get_by_role("heading", name="Calls")).to_be_visible()
    page.get_by_label("Name of a new key").fill("phone app")
    page.get_by_role("button", name="Make key").click()
    expect(page.get_by_text("it is not shown again")).to_be_visible()
    page.get_by_role("tab", name="curl").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="Python Speech SDK")).to_be_visible()
    expect(page.get_by_role("tabpanel")).to_have_count(1)


def test_times_are_in_the_zone_of_the_reader(page, site):
    project = site.add("projects", make_project())
    page.goto("/projects")
    cell = page.get_by_role("row", name=project.display_name).locator("time")
    expect(cell).to_contain_text("18:00")  # 09:00 UTC in Tokyo


def test_pages_are_light_and_fit_a_phone(context, page, endpoint):
    sizes = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.set_viewport_size({"width": 375, "height": 700})
    path = f"/projects/{endpoint.project_id}/deployment"
    for one in (path, f"{path}/{endpoint.id}"):
        page.goto(one)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, one
        assert sum(sizes) < HEAVIEST_PAGE_BYTES
        sizes.clear()
