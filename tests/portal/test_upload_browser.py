"""Uploading in Debian's Chromium: broken connections, reloads and pauses cost a block, not the file."""

import asyncio
import hashlib
import io
import os
import re
import threading
import time
import zipfile
from urllib.parse import parse_qs

import pytest
import uvicorn
from playwright.sync_api import expect
from tests.api.conftest import make_world
from tests.portal.conftest import OWNER_KEY, violations

from tympan.domain.query import EVERYTHING
from tympan.portal.services import PortalServices
from tympan.portal.site import create_portal
from tympan.rest.server import create_app
from tympan.testing.entities import make_project
from tympan.usecases.dataset_blocks import committed_in_order

pytestmark = pytest.mark.timeout(60)

BLOCK_BYTES = 64 * 1024
PATIENCE_MS = 15_000
HOSTILE = "<img src=x onerror=alert(1)>"


class Server:
    """API and portal on one port; notes each block it took, and may stop in the middle of one."""

    def __init__(self, world):
        self.app = create_app(world.services)
        shared = {
            name: getattr(world.services, name)
            for name in ("access", "projects", "datasets", "base_models", "models", "evaluations")
        }
        more = {name: getattr(world.services, name) for name in ("endpoints", "jobs", "logs", "blobs")}
        self.app.mount(
            "/", create_portal(PortalServices(secret=b"s" * 32, block_bytes=BLOCK_BYTES, **shared, **more))
        )
        self.taken, self.asked, self.port, self.holds_after = [], [], 0, None
        self.is_holding = threading.Event()

    async def __call__(self, scope, receive, send):
        is_api = scope["type"] == "http" and scope["path"].startswith("/speechtotext")
        if is_api:
            self.asked.append((scope["method"], scope["path"]))
        is_block = is_api and scope["method"] == "PUT"
        if is_block and self.holds_after is not None and len(self.taken) >= self.holds_after:
            await receive()
            self.is_holding.set()
            await asyncio.sleep(30)  # until it is killed, or the browser gives up
        await self.app(scope, receive, send)
        if is_block:
            self.taken.append(parse_qs(scope["query_string"].decode())["blockid"][0])

    def start(self):
        config = uvicorn.Config(self, port=self.port, log_level="critical", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def kill(self):
        self.server.force_exit = self.server.should_exit = True
        self.thread.join()

    def wait_until_held(self):
        """Until it has taken what it shall take, and holds the block after that."""
        assert self.is_holding.wait(PATIENCE_MS / 1000), self.asked
        self.is_holding.clear()


@pytest.fixture
def world(tmp_path):
    return make_world(tmp_path / "world")


@pytest.fixture
def server(world):
    server = Server(world)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def project(world):
    return world.add(make_project(display_name="Phone"))


def signed_in(context, project):
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("Key").fill(OWNER_KEY)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"/projects/{project.id}/data")
    return page


@pytest.fixture
def context(browser, server):
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.port}")
    yield context
    context.close()


@pytest.fixture
def page(context, project):
    return signed_in(context, project)


@pytest.fixture
def recording(tmp_path):
    """A file of five blocks, the last of them short; its name is hostile."""
    file = tmp_path / f"{HOSTILE.replace('/', '')}.wav"
    file.write_bytes(b"RIFF" + os.urandom(4 * BLOCK_BYTES))
    return file


def begin(page, file):
    if not page.get_by_label("File", exact=True).is_visible():
        page.get_by_text("Upload data").click()
    page.get_by_label("What it holds").select_option("AudioFiles")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()


def line_of(page, file):
    return page.get_by_role("listitem").filter(has=page.get_by_text(file.name, exact=True))


def said(page, file, words):
    expect(line_of(page, file)).to_contain_text(words, timeout=PATIENCE_MS)


def assert_whole(world, server, file):
    """The server has the file, and was sent no block of it twice."""
    [dataset] = world.services.datasets.list(EVERYTHING)
    assert len(server.taken) == len(set(server.taken)) == 5
    digest = hashlib.sha256()
    with world.store.read() as tx:
        for block in committed_in_order(tx, dataset.id):
            digest.update(b"".join(world.blobs.stream(block.key)))
    assert digest.digest() == hashlib.sha256(file.read_bytes()).digest()
    assert (dataset.source_name, dataset.display_name) == (file.name, file.stem)
    return dataset


def test_a_killed_server_costs_the_block_under_way_and_nothing_else(page, world, server, recording):
    server.holds_after = 2
    begin(page, recording)
    server.wait_until_held()
    server.kill()
    said(page, recording, "Trying again in")
    server.holds_after = None
    server.start()
    said(page, recording, "Uploaded")
    dataset = assert_whole(world, server, recording)
    expect(page.get_by_role("row", name=dataset.display_name)).to_contain_text(
        "Processing", timeout=PATIENCE_MS
    )


def test_a_reloaded_page_goes_on_once_the_same_file_is_chosen(page, world, server, recording):
    server.holds_after = 2
    begin(page, recording)
    server.wait_until_held()
    page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?"
    page.reload()
    server.holds_after = None
    said(page, recording, "Choose the same file again")
    said(page, recording, "49 %")
    expect(page.get_by_role("row", name=recording.stem)).to_contain_text("Upload unfinished")
    page.get_by_label("File", exact=True).set_input_files(recording)  # also works while the form is folded
    said(page, recording, "Uploaded")
    assert_whole(world, server, recording)
    page.reload()
    expect(page.get_by_role("heading", name="Uploads")).to_be_hidden()


def test_a_pause_sends_nothing_until_it_ends_and_a_discarded_upload_is_gone(
    page, world, server, recording, axe
):
    server.holds_after = 1
    begin(page, recording)
    server.wait_until_held()
    page.get_by_role("button", name=f"Pause {recording.name}").click()
    said(page, recording, "Paused")
    server.holds_after = None
    assert not violations(page, axe)
    assert page.locator("img").count() == 0, "a name was taken for markup"
    assert len(server.taken) == 1
    page.get_by_role("button", name=f"Resume {recording.name}").click()
    said(page, recording, "Uploaded")
    assert_whole(world, server, recording)

    server.holds_after = len(server.taken)
    other = recording.with_name("other.wav")
    other.write_bytes(b"RIFF" + bytes(9))
    begin(page, other)
    server.wait_until_held()
    page.get_by_role("button", name="Discard other.wav").click()
    page.get_by_role("button", name="Discard for good? other.wav").click()
    expect(line_of(page, other)).to_have_count(0)
    assert world.services.datasets.count() == 1


def test_a_file_that_changes_on_its_way_is_not_stitched_together(page, world, server, recording):
    server.holds_after = 1
    begin(page, recording)
    server.wait_until_held()
    page.get_by_role("button", name=f"Pause {recording.name}").click()
    server.holds_after = None
    recording.write_bytes(b"another take")
    page.get_by_role("button", name=f"Resume {recording.name}").click()
    said(page, recording, "The file has changed or is gone")
    assert len(server.taken) == 1
    assert [one.job_id for one in world.services.datasets.list(EVERYTHING)] == [None]


def test_what_would_be_refused_is_not_sent(page, server, tmp_path):
    untranscribed = io.BytesIO()
    with zipfile.ZipFile(untranscribed, "w") as archive:
        archive.writestr("a.wav", b"RIFF")
    for name, content, why in (
        ("calls.zip", untranscribed.getvalue(), "holds no transcript"),
        ("calls.zip", b"PK no zip", "no zip archive"),
        ("empty.zip", b"", "is empty"),
        ("calls.exe", b"MZ", "takes .zip"),
    ):
        file = {"name": name, "mimeType": "x/y", "buffer": content}
        page.get_by_label("File", exact=True).set_input_files(file)
        expect(page.locator("#chosen")).to_contain_text(why)
        page.get_by_role("button", name="Upload", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was sent")
    assert server.asked == []


def test_files_are_dropped_and_sent_each_on_its_own(page, world, tmp_path):
    page.get_by_label("What it holds").select_option("Language")
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            for (const name of ["one.txt", "two.txt"]) data.items.add(new File(["hello\\n"], name));
            dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
        }"""
    )
    expect(page.locator("#chosen")).to_contain_text("two.txt")
    page.get_by_role("button", name="Upload", exact=True).click()
    for name in ("one", "two"):
        expect(page.get_by_role("row", name=name)).to_contain_text("Processing", timeout=PATIENCE_MS)
    expect(page.get_by_text("Uploaded;")).to_have_count(2)
    assert {one.source_name for one in world.services.datasets.list(EVERYTHING)} == {"one.txt", "two.txt"}


def test_without_scripts_a_plain_form_brings_a_file(browser, server, project, tmp_path, world):
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.port}", java_script_enabled=False)
    page = signed_in(context, project)
    file = tmp_path / "lines.txt"
    file.write_text("hello\n")
    page.get_by_label("What it holds").select_option("Language")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page).to_have_url(re.compile(r"/data/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", name="lines")).to_be_visible()
    context.close()
