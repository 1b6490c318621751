"""Web hooks on real processes, with real receivers that fail, hang, are gone, and come back."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from standardwebhooks import Webhook
from tests.running_server import ROOT, RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SECRET = "a secret of the test"
VERIFIER = Webhook(b64encode(SECRET.encode()).decode())
LIFE = ["DatasetCreation", "DatasetProcessing", "DatasetCompletion"]
V32 = "/speechtotext/v3.2"


@dataclass
class Receivers:
    """One HTTP server; each path is a receiver. It takes everything, unless a test says otherwise.

    Attributes:
        statuses: What a receiver answers instead of 200, by path.
        held: Receivers that do not answer before ``release`` is set.
        taken: Path, event and id of each message as it came, its signature verified.
    """

    statuses: dict[str, int] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    release: threading.Event = field(default_factory=threading.Event)
    taken: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""

    def events(self, path: str) -> list[str]:
        """Events that a receiver got, without the challenge."""
        return [event for at, event, _ in list(self.taken) if at == path and event != "Challenge"]

    def ids(self, path: str, event: str) -> list[str]:
        return [one for at, what, one in list(self.taken) if (at, what) == (path, event)]


class _Handler(BaseHTTPRequestHandler):
    receivers: Receivers

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        address = urlsplit(self.path)
        token = parse_qs(address.query).get("validationToken", [""])[0].encode()
        VERIFIER.verify(body, dict(self.headers))
        event = self.headers["X-MicrosoftSpeechServices-Event"]
        self.receivers.taken.append((address.path, event, self.headers["webhook-id"]))
        if not token and address.path in self.receivers.held:
            self.receivers.release.wait(30)
        status = 200 if token else self.receivers.statuses.get(address.path, 200)
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(token)))
            self.end_headers()
            self.wfile.write(token)
        except OSError:
            pass  # the caller was killed, or did not wait

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    kept = Receivers()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"receivers": kept}))
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield kept
    kept.release.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    server = RunningServer(
        tmp_path / "data",
        fetch_allow="127.0.0.1",
        hook_answer_s=2,
        hook_retry_first_s=0.5,
        hook_retry_total_s=60,
    )
    server.start()
    yield server
    server.close()


def call(server: RunningServer, method: str, path: str, **options: object) -> httpx.Response:
    headers = {"Ocp-Apim-Subscription-Key": server.key}
    answer = httpx.request(method, server.url + path, headers=headers, timeout=30, **options)
    assert answer.status_code < 300, answer.text
    return answer


def hook(server: RunningServer, url: str, secret: str = SECRET) -> str:
    """A web hook for all that happens to datasets, once it was confirmed; returns its id."""
    events = {f"dataset{what}": True for what in ("Creation", "Processing", "Completion", "Deletion")}
    body = {"displayName": url, "webUrl": url, "events": events, "properties": {"secret": secret}}
    made = call(server, "POST", f"{V32}/webhooks", json=body).json()["self"].rsplit("/", 1)[-1]
    server.wait(lambda: call(server, "GET", f"{V32}/webhooks/{made}").json()["status"] == "Succeeded")
    return str(made)


def upload(server: RunningServer) -> str:
    form = {"displayName": "Lines", "locale": "en-US", "kind": "Language"}
    made = call(server, "POST", f"{V32}/datasets/upload", data=form, files={"data": b"one line of text\n"})
    return str(made.json()["self"])


def log(server: RunningServer, hook_id: str) -> list[tuple[str, str, int]]:
    """Event, state and attempts of each delivery, without the challenge."""
    listed = call(server, "GET", f"/api/v1/webhooks/{hook_id}/deliveries").json()["values"]
    return [(one["event"], one["state"], one["attempts"]) for one in listed if one["event"] != "Challenge"]


def test_nobody_waits_for_those_that_fail_hang_or_are_gone(
    server: RunningServer, receivers: Receivers
) -> None:
    """One receiver takes everything within seconds while one hangs, one fails and one is gone."""
    hooks = {name: hook(server, f"{receivers.url}/{name}") for name in ("good", "hangs", "fails", "gone")}
    receivers.statuses |= {"/fails": 503, "/gone": 410}
    receivers.held.add("/hangs")
    start = time.monotonic()
    url = upload(server)
    server.wait(lambda: receivers.events("/good") == LIFE)
    time.monotonic() - start
    server.wait(lambda: [state for _, state, _ in log(server, hooks["gone"])] == ["dead"] * 3)
    assert {attempts for *_, attempts in log(server, hooks["gone"])} == {1}
    # Both come back, and are told all they missed, under the ids it had.
    server.wait(lambda: len(receivers.events("/fails")) > 3)
    receivers.statuses.clear()
    receivers.held.clear()
    receivers.release.set()
    for name in ("fails", "hangs"):
        server.wait(lambda name=name: {state for _, state, _ in log(server, hooks[name])} == {"delivered"})
        assert {event for event, *_ in log(server, hooks[name])} == set(LIFE)
        assert {len(set(receivers.ids(f"/{name}", event))) for event in LIFE} == {1}
    # What was given up is sent again when its owner asks.
    replayed = call(server, "POST", f"/api/v1/webhooks/{hooks['gone']}/deliveries:replay").json()
    assert replayed == {"replayed": 3}
    server.wait(lambda: {state for _, state, _ in log(server, hooks["gone"])} == {"delivered"})
    call(server, "DELETE", url.removeprefix(server.url))
    server.wait(lambda: all(receivers.events(f"/{name}")[-1] == "DatasetDeletion" for name in hooks))


def test_a_worker_killed_in_the_middle_of_a_delivery_loses_nothing(
    server: RunningServer, receivers: Receivers
) -> None:
    hook_id = hook(server, f"{receivers.url}/held")
    receivers.held.add("/held")
    upload(server)
    server.wait(lambda: receivers.events("/held") == LIFE[:1])
    [worker] = server.children("tympan.app.processes", "worker")
    worker.send_signal(signal.SIGKILL)
    receivers.held.clear()
    receivers.release.set()
    server.wait(lambda: {state for _, state, _ in log(server, hook_id)} == {"delivered"})
    assert {event for event, *_ in log(server, hook_id)} == set(LIFE)
    ids = receivers.ids("/held", LIFE[0])
    assert len(ids) >= 2
    assert len(set(ids)) == 1
    assert {event: attempts for event, _, attempts in log(server, hook_id)}[LIFE[0]] >= 2


def test_a_server_killed_with_much_to_tell_tells_it_after_its_next_start(
    server: RunningServer, receivers: Receivers
) -> None:
    hook_id = hook(server, f"{receivers.url}/away")
    receivers.statuses["/away"] = 503
    urls = [upload(server) for _ in range(3)]
    server.wait(lambda: len(log(server, hook_id)) == 9)
    server.kill()
    receivers.statuses.clear()
    seen = len(receivers.taken)
    server.start()
    server.wait(lambda: [state for _, state, _ in log(server, hook_id)] == ["delivered"] * 9)
    after = {one for _, _, one in receivers.taken[seen:]}
    assert len(after) == 9
    assert len(set(urls)) == 3


def test_the_receiver_of_the_documentation_verifies_and_answers(
    server: RunningServer, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text("utf-8")
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "receiver.py").write_text(program, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "error", str(tmp_path / "receiver.py"), str(port), SECRET]
    with (tmp_path / "out").open("w+b") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            hook(server, f"http://127.0.0.1:{port}/speech?who=me")
            url = upload(server)
            wanted = [f"{event} {url}" for event in LIFE]
            server.wait(lambda: all(one in (tmp_path / "out").read_text() for one in wanted))
            # One with another secret is not answered, so it is never told anything.
            body = {"displayName": "x", "webUrl": f"http://127.0.0.1:{port}/", "events": {"ping": True}}
            stranger = body | {"properties": {"secret": "wrong"}}
            made = call(server, "POST", f"{V32}/webhooks", json=stranger).json()["self"]
            path = made.removeprefix(server.url)
            server.wait(lambda: call(server, "GET", path).json()["status"] == "Failed")
            assert "401" in call(server, "GET", path).json()["properties"]["error"]["message"]
        finally:
            process.terminate()
