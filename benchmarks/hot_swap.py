"""Changing the model of an endpoint, and losing the model host, while people use it.

Clients ask the short-audio route at a steady pace and others stream, one turn after the other.
First nothing else happens; then the endpoint is given another model again and again; then the
model host is killed again and again. The models are two of the small random ones that the tests
use, so that the engine is real and its work is quick.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import tempfile
import threading
import time
import wave
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray
from tests.running_server import RunningServer
from tests.speech_client import SpeechClient

from benchmarks.realtime import spoken_sentences
from benchmarks.record import write_result
from tympan.testing.tiny_whisper import write_tiny_whisper

STREAM_SENTENCES = 2
RECORDING_SAMPLES = 16_000
"""Random models write on until the limit that the length of the audio sets."""
PATIENCE_S = 60.0
LOOK_S = 0.2
SERVICE_FAILED = 1011
API = "speechtotext/v3.2"
ENDED = "ended with turn.end"
AGAIN = "were closed so that clients begin again"
BROKEN = "broke off otherwise"
HUNG = "were left without an end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request and what came of it; ``status`` is 0 where no answer came."""

    seconds: float
    status: int
    model: str


@dataclass(slots=True)
class Load:
    """Clients at work, and what they were told.

    Attributes:
        asked: Every request.
        turns: Every turn of a stream.
    """

    server: RunningServer
    endpoint_id: str
    recording: bytes
    speech: bytes
    asked: list[Asked] = field(default_factory=list)
    turns: list[SpeechClient] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self, clients: int, pace_s: float, streams: int) -> Iterator[Load]:
        """Keep clients asking, each once in ``pace_s``, and streams going for the block."""
        threads = [threading.Thread(target=self._ask, args=(pace_s,)) for _ in range(clients)]
        threads += [threading.Thread(target=self._stream) for _ in range(streams)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.is_over.set()
            for thread in threads:
                thread.join()

    def _ask(self, pace_s: float) -> None:
        url = f"{self.server.url}/speech/recognition/conversation/cognitiveservices/v1"
        headers = {"Ocp-Apim-Subscription-Key": self.server.key, "Content-Type": "audio/wav"}
        query = {"cid": self.endpoint_id, "language": "en-US", "format": "detailed"}
        with httpx.Client(headers=headers, params=query, timeout=PATIENCE_S) as client:
            while not self.is_over.is_set():
                begun = time.monotonic()
                try:
                    answer = client.post(url, content=self.recording)
                    status, model = answer.status_code, answer.headers.get("X-Model-Id", "")
                except httpx.TransportError:
                    status, model = 0, ""
                self.asked.append(Asked(seconds=time.monotonic() - begun, status=status, model=model))
                time.sleep(max(0.0, pace_s - (time.monotonic() - begun)))

    def _stream(self) -> None:
        while not self.is_over.is_set():
            client = SpeechClient(self.server.url, self.server.key, f"cid={self.endpoint_id}")
            self.turns.append(client)
            with client:
                client.begin()
                client.speak(self.speech)
                client.ended.wait(PATIENCE_S)


def main() -> None:
    """Measure and write the result page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=1000, help="while the model changes")
    parser.add_argument("--others", type=int, default=1000, help="requests before that, and after it")
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--streams", type=int, default=2)
    parser.add_argument(
        "--pace", type=float, default=0.2, help="seconds from one request of a client to its next"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = RunningServer(folder / "data", management_rate=0, poll_s=0.25)
        server.start()
        try:
            columns: dict[str, dict[str, object]] = {}
            for what, load in _loads(server, folder, asked):
                columns[what] = _column(load)
                _write(columns, asked)  # what is measured is kept, whatever comes next
        finally:
            server.close()


def _write(columns: dict[str, dict[str, object]], asked: argparse.Namespace) -> None:
    first = next(iter(columns.values()))
    rows = [[what, *(column[what] for column in columns.values())] for what in first]
    write_result(
        "hot_swap",
        "A model changed, and a model host lost, under load",
        [["", *columns], *rows],
        arguments=" ".join(sys.argv[1:]),
        packages=("ctranslate2", "uvicorn"),
        notes=f"{asked.clients} clients, each with a request every {asked.pace:g} s, and {asked.streams} "
        "streams at the pace of speech, on the machine of the server. The models are two small random ones: "
        "the real engine, little work; a recording lasts a second. A change is a deployment; the next one "
        "begins when it has succeeded. "
        f"Clients begin again after {SERVICE_FAILED} with a reason.",
    )


def _loads(server: RunningServer, folder: Path, asked: argparse.Namespace) -> Iterator[tuple[str, Load]]:
    """Each load once it is over, and what was done meanwhile."""
    models = [_imported(server, folder, seed) for seed in range(2)]
    endpoint_id = _deployed(server, models[0])
    sentences = [samples for _, samples in spoken_sentences()]
    speech = np.concatenate(sentences[:STREAM_SENTENCES]).tobytes()

    def load() -> Load:
        return Load(server, endpoint_id, _wave(sentences[0][:RECORDING_SAMPLES]), speech)

    sys.stderr.write("requests alone\n")
    with load().running(asked.clients, asked.pace, asked.streams) as calm:
        _wait_for(calm, asked.others)
    yield "nothing else", calm
    with load().running(asked.clients, asked.pace, asked.streams) as swapped:
        for number in range(asked.swaps):
            _swap(server, endpoint_id, models[(number + 1) % 2])
            sys.stderr.write(f"change {number + 1} after {len(swapped.asked)} requests\n")
            # Spread over all of the requests.
            _wait_for(swapped, asked.requests * (number + 1) // asked.swaps)
    yield f"model changed {asked.swaps} times", swapped
    with load().running(asked.clients, asked.pace, asked.streams) as killed:
        for number in range(asked.kills):
            _kill_host(server)
            sys.stderr.write(f"kill {number + 1} after {len(killed.asked)} requests\n")
            _wait_for(killed, asked.others * (number + 1) // asked.kills)
    yield f"model host killed {asked.kills} times", killed


def _column(load: Load) -> dict[str, object]:
    """What came of a load, by what the rows are called."""
    statuses = Counter(one.status or "none" for one in load.asked)
    good = statuses.pop(httpx.codes.OK, 0)
    seconds = [one.seconds for one in load.asked if one.status == httpx.codes.OK]
    models = Counter(one.model for one in load.asked if one.model)
    ends = Counter(map(_end, load.turns))
    return {
        "requests": len(load.asked),
        "of these answered with 200": good,
        "other answers": ", ".join(f"{count} x {status}" for status, count in statuses.items()) or 0,
        "answered by each model": " / ".join(str(count) for _, count in sorted(models.items())),
        "answered after, P50 s": f"{np.percentile(seconds, 50):.3f}",
        "answered after, P95 s": f"{np.percentile(seconds, 95):.3f}",
        "answered after, most s": f"{max(seconds):.3f}",
        "turns of streams": len(load.turns),
        **{f"turns that {end}": ends[end] for end in (ENDED, AGAIN, BROKEN, HUNG)},
        "phrases in turns": sum(len(_models(client)) for client in load.turns),
        "turns that changed model": sum(len(set(_models(client))) > 1 for client in load.turns),
    }


def _end(client: SpeechClient) -> str:
    if any(message.path == "turn.end" for message in client.messages):
        return ENDED
    if client.closed is None:
        return HUNG
    said = client.closed.rcvd
    return AGAIN if said is not None and said.code == SERVICE_FAILED and said.reason else BROKEN


def _models(client: SpeechClient) -> list[str]:
    """The model of each phrase."""
    phrases = [one.document for one in client.messages if one.path == "speech.phrase"]
    return [one["Tympan"]["model"] for one in phrases if "Tympan" in one]


def _imported(server: RunningServer, folder: Path, seed: int) -> str:
    """A base model of its own; its id."""
    name = f"random-{seed}"
    server.tympan("base-model", "import", write_tiny_whisper(folder / name, seed=seed), "--locale", "en-US")
    [made] = [one for one in server.tympan("base-model", "list") if name in one["displayName"]]
    return _id(made)


def _deployed(server: RunningServer, model: str) -> str:
    made = server.tympan("endpoint", "create", "busy", "--model", model, "--locale", "en-US")
    return _id(made.get("endpoint", made))


def _swap(server: RunningServer, endpoint_id: str, model: str) -> None:
    """Give the endpoint another model, until that one serves."""
    address = f"{server.url}/{API}/endpoints/{endpoint_id}"
    headers = {"Ocp-Apim-Subscription-Key": server.key}
    document = {"model": {"self": f"{server.url}/{API}/models/base/{model}"}}
    httpx.patch(address, json=document, headers=headers, timeout=PATIENCE_S).raise_for_status()

    def is_done() -> bool:
        status = httpx.get(address, headers=headers, timeout=PATIENCE_S).raise_for_status().json()["status"]
        assert status != "Failed", server.log()
        return status == "Succeeded"

    while not is_done():
        time.sleep(LOOK_S)


def _kill_host(server: RunningServer) -> None:
    [host] = server.wait(lambda: server.children("model-host"))
    os.kill(host.pid, signal.SIGKILL)


def _wait_for(load: Load, requests: int) -> None:
    while len(load.asked) < requests:
        time.sleep(LOOK_S)


def _id(document: dict) -> str:
    return document["self"].rsplit("/", 1)[-1]


def _wave(samples: NDArray[np.int16]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(16_000)
        wav.writeframes(samples.tobytes())
    return file.getvalue()


if __name__ == "__main__":
    main()
