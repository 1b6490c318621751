"""What people do on pages, without a browser."""

import pytest
from tests.portal.conftest import HOSTILE

from tympan.portal.pages import make_pages
from tympan.portal.site import all_actions
from tympan.rest import (
    datasets,
    endpoint_logs,
    endpoints,
    evaluation_reports,
    evaluations,
    jobs,
    models,
    ours,
    projects,
    tokens,
)
from tympan.testing.entities import make_base_model, make_dataset, make_endpoint, make_log, make_project
from tympan.wire.addresses import OURS
from tympan.wire.versions import ROOT


@pytest.fixture
def endpoint(signed_in, project):
    base = signed_in.add("base_models", make_base_model(display_name="Base"))
    return signed_in.add("endpoints", make_endpoint(project_id=project.id, model_id=base.id))


@pytest.fixture
def place(endpoint):
    return f"/projects/{endpoint.project_id}/deployment/{endpoint.id}"


def test_every_action_has_a_route_in_the_public_api(site):
    routers = [(ROOT, one.router) for one in (projects, datasets, endpoints, evaluations, models)]
    routers += [
        (OURS, ours.router),
        (OURS, endpoint_logs.our_router),
        (OURS, jobs.router),
        (OURS, evaluation_reports.router),
        ("", tokens.router),
    ]
    public = {
        (method, prefix + route.path)
        for prefix, router in routers
        for route in router.routes
        for method in route.methods
    }
    actions = all_actions(make_pages(site.services))
    assert len(actions) > 10
    assert not {action.api for action in actions} - public


def test_no_action_is_done_without_session_or_with_a_forged_form(site, endpoint, place):
    gone = site.client.post(f"{place}/delete")  # the fixture signed in; the form is forged
    assert gone.status_code == 403
    site.client.cookies.clear()
    answer = site.client.post(f"{place}/delete")
    assert answer.headers["location"] == "/sign-in?expired=1"
    assert "session has ended" in site.page("/sign-in?expired=1").text
    assert site.services.endpoints.get(endpoint.id)


def test_a_project_is_made_changed_and_deleted(signed_in, send):
    there = send("/projects", name=HOSTILE, locale="en-us").headers["location"]
    assert HOSTILE in signed_in.page(there).text
    project = there.removesuffix("/data")
    send(f"{project}/settings", name="Phone", description="Calls")
    assert signed_in.page(f"{project}/settings").all("input", name="description")[0]["value"] == "Calls"
    assert send(f"{project}/delete").headers["location"] == "/projects"
    assert signed_in.client.get(there).status_code == 404


def test_a_refused_form_says_why_and_keeps_what_was_typed(send):
    answer = send("/projects", name=HOSTILE, locale="klingon")
    assert answer.status_code == 422
    assert "data-refused" in answer.text
    assert "klingon" in answer.text
    assert "<script>alert" not in answer.text
    assert 'role="alert"' in answer.text


def test_logging_wants_consent_when_deploying_and_later(signed_in, send, endpoint, place):
    table = f"/projects/{endpoint.project_id}/deployment"
    new = {"name": "Calls", "model": endpoint.model_id, "logging": "on"}
    assert "Confirm that they know" in send(table, **new).text
    there = send(table, **new, consent="on").headers["location"]
    made = signed_in.services.endpoints.get(there.rsplit("/", 1)[1])
    assert (made.display_name, made.is_logging) == ("Calls", True)
    assert send(f"{place}/logging", logging="on").status_code == 422
    send(f"{place}/logging", logging="on", consent="on")
    assert signed_in.services.endpoints.get(endpoint.id).is_logging


def test_an_endpoint_is_suspended_resumed_given_another_model_and_deleted(signed_in, send, endpoint, place):
    other = signed_in.add("base_models", make_base_model(display_name="Other"))
    send(f"{place}/suspend")
    assert signed_in.services.endpoints.get(endpoint.id).is_suspended
    send(f"{place}/resume")
    assert send(f"{place}/change-model", model=other.id).headers["location"] == place
    changed = signed_in.services.endpoints.get(endpoint.id)
    assert (changed.is_suspended, changed.model_id) == (False, other.id)
    send(f"{place}/delete")
    assert signed_in.client.get(place).status_code == 404


def test_a_key_is_shown_once_and_works_until_it_is_deleted(signed_in, send, endpoint, place):
    assert send(f"{place}/keys", name=" ").status_code == 422
    answer = send(f"{place}/keys", name=HOSTILE)
    secret = answer.text.partition('<code id="issued">')[2].partition("<")[0]
    assert signed_in.services.access.authenticate(secret).endpoint_id == endpoint.id
    assert secret not in signed_in.client.get(place).text
    assert "<script>alert" not in answer.text
    [key] = signed_in.services.access.list_endpoint_keys(endpoint.id)
    send(f"{place}/keys/{key.id}/delete")
    assert not signed_in.services.access.list_endpoint_keys(endpoint.id)


def test_a_log_is_played_downloaded_and_deleted(signed_in, send, project):
    endpoint = signed_in.add("endpoints", make_endpoint(project_id=project.id, is_logging=True))
    place = f"/projects/{project.id}/deployment/{endpoint.id}"
    log = signed_in.add("logs", make_log(place=endpoint.id))
    signed_in.blobs.put(log.key, [b"x" * log.size_bytes])
    [player] = signed_in.page(place).all("audio")
    answer = signed_in.client.get(player["src"])
    assert answer.headers["content-type"] == "audio/wav"
    assert send(f"{place}/logs/delete").headers["location"] == place
    assert [job.arguments["place"] for job in signed_in.services.jobs.list()] == [endpoint.id]


def test_an_endpoint_of_another_project_is_not_touched(signed_in, send, endpoint):
    other = signed_in.add("projects", make_project())
    assert send(f"/projects/{other.id}/deployment/{endpoint.id}/delete").status_code == 404
    assert signed_in.services.endpoints.get(endpoint.id)


def test_every_form_on_a_page_goes_to_an_action(signed_in, endpoint, place):
    signed_in.services.access.create_endpoint_key(endpoint.id, "phone app")
    table = place.rsplit("/", 1)[0]
    settings = f"/projects/{endpoint.project_id}/settings"
    dataset = signed_in.add("datasets", make_dataset(project_id=endpoint.project_id))
    data = f"/projects/{endpoint.project_id}/data"
    for path in ("/projects", settings, table, place, data, f"{data}/{dataset.id}"):
        forms = {form["action"] for form in signed_in.page(path).all("form")} - {"/sign-out"}
        assert forms, path
        for address in forms:
            # Without a token an action refuses; an address without an action is not found.
            assert signed_in.client.post(address).status_code == 403, address


def test_a_sample_holds_nothing_that_ends_a_string(signed_in, place):
    answer = signed_in.client.get(place, headers={"X-Forwarded-Host": 'a";rm -rf /;"'})
    assert "rm -rf" not in answer.text.partition("Sample code")[2]


def test_every_tab_of_a_project_is_marked_where_one_is(signed_in, project):
    for tab in ("data", "testing", "training", "deployment", "try", "settings"):
        address = f"/projects/{project.id}/{tab}"
        assert signed_in.page(address).all("a", href=address) == [{"href": address, "aria-current": "page"}]
