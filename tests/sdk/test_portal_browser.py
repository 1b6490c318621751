"""The portal on a whole server: samples run as pasted, and its own client of the speech protocol hears."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright
from tests.running_server import RunningServer
from tests.sdk.talk import WORDS, heard_all

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 30_000
PROGRAMS = {"curl": ("bash", "-c"), "python": (sys.executable, "-c"), "openai": (sys.executable, "-c")}


@pytest.fixture(scope="module")
def project(server: RunningServer, endpoint: str) -> str:
    """The address of a project with two endpoints that hear English."""
    made = server.tympan("project", "create", "Phone", "--locale", "en-US")
    found = made["self"].rsplit("/", 1)[-1]
    for one in (endpoint, second_endpoint(server, endpoint)):
        change = {"project": {"self": made["self"]}}
        answer = httpx.patch(
            f"{server.url}/speechtotext/v3.2/endpoints/{one}",
            json=change,
            headers={"Ocp-Apim-Subscription-Key": server.key},
        )
        assert answer.status_code == 200, answer.text
    return f"{server.url}/projects/{found}"


def second_endpoint(server: RunningServer, endpoint: str) -> str:
    with server.store().read() as tx:
        model = tx.endpoints.get(endpoint).model_id
    made = server.tympan("endpoint", "create", "other", "--model", model, "--locale", "en-US")
    return str(made.get("endpoint", made)["self"].rsplit("/", 1)[-1])


@pytest.fixture(scope="module")
def page(server: RunningServer, talk: Path) -> Iterator[Page]:
    """A page of somebody who signed in; the talk comes out of the microphone."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        pytest.fail("Chromium is missing. Install it with: apt-get install -y chromium")
    microphone = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={talk}%noloop",
    )
    quiet = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*microphone, *quiet])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{server.url}/sign-in")
        page.get_by_label("Key").fill(server.key)
        page.get_by_role("button", name="Sign in").click()
        yield page
        browser.close()


def test_the_microphone_is_heard_by_two_endpoints_while_phrases_change(page: Page, project: str) -> None:
    page.goto(f"{project}/try")
    page.get_by_label("Endpoint", exact=True).select_option(label="live")
    page.get_by_label("Second endpoint").select_option(label="other")
    page.get_by_role("button", name="Start").click()
    for name in ("live", "other"):
        column = page.get_by_role("region", name=name)
        expect(column.locator(".finals")).to_contain_text(WORDS[0], ignore_case=True, timeout=PATIENCE_MS)
        expect(column.locator(".lag")).to_contain_text("s behind")
    page.get_by_label("Phrases").fill("platform\nairport")
    page.get_by_label("Phrases").blur()
    finals = page.get_by_role("region", name="live").locator(".finals")
    expect(finals).to_contain_text(WORDS[2], ignore_case=True, timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Start")).to_be_enabled(timeout=PATIENCE_MS)
    assert page.get_by_role("alert").inner_text() == ""


def test_a_recording_is_heard_to_its_end(page: Page, project: str, talk: Path) -> None:
    page.goto(f"{project}/try")
    page.get_by_label("Endpoint", exact=True).select_option(label="live")
    page.get_by_label("Recording instead").set_input_files(talk)
    page.get_by_role("button", name="Start").click()
    finals = page.get_by_role("region", name="live").locator(".finals")
    expect(finals).to_contain_text(WORDS[2], ignore_case=True, timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Start")).to_be_enabled(timeout=PATIENCE_MS)
    assert heard_all([finals.inner_text()])


@pytest.mark.parametrize("sample", PROGRAMS)
def test_a_sample_runs_as_pasted(
    page: Page, project: str, endpoint: str, sample: str, talk: Path, tmp_path: Path
) -> None:
    page.goto(f"{project}/deployment/{endpoint}")
    page.get_by_label("Name of a new key").fill(sample)
    page.get_by_role("button", name="Make key").click()
    key = page.locator("#issued").inner_text()
    code = page.locator(f"#code-{sample}").text_content() or ""
    shutil.copyfile(talk, tmp_path / "recording.wav")
    done = subprocess.run(
        [*PROGRAMS[sample], code],
        cwd=tmp_path,
        env=os.environ | {"SPEECH_KEY": key},  # noqa: TID251  the program needs the whole of it
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert WORDS[0] in done.stdout.lower()
