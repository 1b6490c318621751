"""The Speech SDK for JavaScript in a browser that listens to its microphone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from tests.npm_packages import npm_package
from tests.running_server import RunningServer
from tests.sdk.script_sdk import PACKAGE, PATIENCE_S, PROGRAMS, VERSION, Job, Told
from tests.sdk.talk import WORDS
from tests.web_server import web_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
BUNDLE = "distrib/browser/microsoft.cognitiveservices.speech.sdk.bundle-min.js"


@pytest.fixture(scope="module")
def page(talk: Path) -> Iterator[Page]:
    """A page with the SDK in it; each time it opens the microphone, the talk begins once more."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        pytest.fail("Chromium is missing. Install it with: apt-get install -y chromium")
    microphone = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={talk}%noloop",
    )
    quiet = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    with web_server() as web, sync_playwright() as playwright:
        url = web.serve("/page", (PROGRAMS / "page.html").read_bytes(), Content_Type="text/html")
        scripts = {
            "/sdk.js": npm_package(PACKAGE, VERSION) / BUNDLE,
            "/recognise.mjs": PROGRAMS / "recognise.mjs",
        }
        for name, file in scripts.items():
            web.serve(name, file.read_bytes(), Content_Type="text/javascript")
        browser = playwright.chromium.launch(executable_path=chromium, args=[*microphone, *quiet])
        page = browser.new_page()
        page.set_default_timeout(1000 * PATIENCE_S)
        page.goto(url)
        page.wait_for_function("() => window.run !== undefined")
        yield page
        browser.close()


@pytest.fixture
def job(server: RunningServer, endpoint: str) -> Job:
    """What a page has; host, key and endpoint id are ours."""
    return {"server": server.url.replace("http", "ws"), "key": server.key, "endpoint_id": endpoint}


def in_page(page: Page, job: Job) -> Told:
    return Told(page.evaluate("(job) => window.run(job)", job))


def test_recognize_once_from_the_microphone_with_the_key_in_the_query(page: Page, job: Job) -> None:
    with page.expect_websocket() as opened:
        (found,) = in_page(page, {**job, "do": "once"}).results
    assert f"Ocp-Apim-Subscription-Key={job['key']}" in opened.value.url
    assert found["reason"] == "RecognizedSpeech"
    assert WORDS[0] in found["text"].lower()


def test_continuous_recognition_from_the_microphone(page: Page, job: Job) -> None:
    told = in_page(page, {**job, "detailed": True, "words": True, "do": "continuous", "stop_after": 2})
    first, second, *_ = told.texts  # and perhaps what was said until it stopped
    assert WORDS[0] in first.lower()
    assert WORDS[1] in second.lower()
    assert told.all("partial")
    assert not [one for one in told.all("canceled") if one["reason"] == "Error"]
    assert all(document["NBest"][0]["Words"] for document in told.documents)


def test_a_wrong_key_is_refused(page: Page, job: Job) -> None:
    (found,) = in_page(page, {**job, "key": "wrong", "do": "once"}).results
    assert found["canceled"]["reason"] == "Error"
    assert found["canceled"]["code"] == "ConnectionFailure"


def test_an_unknown_endpoint_is_named_in_the_error(page: Page, job: Job) -> None:
    unknown = {"endpoint_id": "00000000-0000-4000-8000-000000000000"}
    (found,) = in_page(page, {**job, **unknown, "do": "once"}).results
    assert found["canceled"]["code"] == "BadRequestParameters"
    assert "There is no endpoint" in found["canceled"]["details"]
