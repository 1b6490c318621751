"""Streams on real processes and a real model while things go wrong, and things that are no speech."""

import io
import os
import signal
import threading
import time
import wave
from collections.abc import Iterator

import numpy as np
import pytest
from tests.running_server import RunningServer
from tests.speech_client import SpeechClient
from tests.spoken import conversation, spoken

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TALK = (
    ("Please enter your extension, followed by the pound key.", "en-US"),
    ("The train to the airport leaves from the second platform.", "en-GB"),
    ("You have three new messages.", "en-US"),
)
RATE_HZ = 16_000


def samples_of(recording: bytes) -> bytes:
    with wave.open(io.BytesIO(recording)) as wav:
        return wav.readframes(wav.getnframes())


@pytest.fixture(scope="module")
def talk() -> bytes:
    return samples_of(conversation(TALK, pause_s=1.0)[0])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the base models of the installed packages."""
    server = RunningServer(tmp_path_factory.mktemp("live") / "data")
    server.start()
    server.wait(lambda: server.tympan("base-model", "list", "--locale", "en-US"))
    yield server
    server.close()


@pytest.fixture
def query(server: RunningServer) -> str:
    """Names an endpoint of the small English model."""
    found = server.tympan("base-model", "list", "--locale", "en-US")
    model = next(one for one in found if one["displayName"].endswith("whisper-tiny.en"))["self"]
    name = f"live {time.monotonic_ns()}"
    made = server.tympan("endpoint", "create", name, "--model", model.rsplit("/", 1)[-1], "--locale", "en-US")
    return f"cid={made.get('endpoint', made)['self'].rsplit('/', 1)[-1]}"


def heard(server: RunningServer, query: str, samples: bytes) -> SpeechClient:
    with SpeechClient(server.url, server.key, query) as client:
        client.begin()
        client.speak(samples, pace=0)
        return client.wait()


def noise(seconds: float, seed: int = 1) -> bytes:
    samples = np.random.default_rng(seed).standard_normal(int(RATE_HZ * seconds)) * 0.05
    return (samples * 32767).clip(-32768, 32767).astype("<i2").tobytes()


def tones(seconds: float, *pairs: tuple[float, float], on_s: float = 0.2) -> bytes:
    """Pairs of tones after one another with as long a pause between them, as a telephone dials."""
    length = int(RATE_HZ * on_s)
    at = np.arange(length) / RATE_HZ
    parts = [sum(np.sin(2 * np.pi * hertz * at) for hertz in pair) * 0.3 for pair in pairs]
    one = np.concatenate([np.concatenate([part, np.zeros(length)]) for part in parts])
    whole = np.tile(one, int(np.ceil(RATE_HZ * seconds / one.size)))[: int(RATE_HZ * seconds)]
    return (whole * 32767).astype("<i2").tobytes()


def music(seconds: float) -> bytes:
    """Chords with overtones that fade, four to the bar."""
    at = np.arange(int(RATE_HZ * 0.5)) / RATE_HZ
    chords = [(262, 330, 392), (294, 349, 440), (247, 294, 392), (262, 330, 392)]
    parts = [
        sum(np.sin(2 * np.pi * hertz * over * at) / over**2 for hertz in chord for over in (1, 2, 3, 4))
        * np.exp(-3 * at)
        for chord in chords
    ]
    one = np.concatenate(parts) * 0.2
    whole = np.tile(one, int(np.ceil(RATE_HZ * seconds / one.size)))[: int(RATE_HZ * seconds)]
    return (whole * 32767).astype("<i2").tobytes()


DTMF = ((697, 1209), (770, 1336), (852, 1477), (941, 1336))


@pytest.mark.parametrize(
    "samples",
    [
        bytes(RATE_HZ * 2 * 20),
        noise(20),
        tones(20, *DTMF),
        music(20),
        (np.random.default_rng(1).integers(0, 2, RATE_HZ * 20) * 400 - 200).astype("<i2").tobytes(),
    ],
    ids=["silence", "noise", "dialling", "music", "one-bit noise"],
)
def test_what_is_no_speech_gives_no_words(server: RunningServer, query: str, samples: bytes) -> None:
    client = heard(server, query, samples)
    assert client.text() == ""
    statuses = [one.document["RecognitionStatus"] for one in client.messages if one.path == "speech.phrase"]
    assert statuses[-1] == "EndOfDictation"
    assert statuses[0] in ("InitialSilenceTimeout", "NoMatch")


def test_speech_between_noises_is_heard_alone(server: RunningServer, query: str) -> None:
    said = samples_of(spoken("You have three new messages."))
    text = heard(server, query, noise(5) + bytes(32_000) + said + bytes(32_000) + tones(5, *DTMF)).text()
    assert "new messages" in text
    assert len(text.split()) <= 7


def test_a_killed_model_host_ends_its_streams_so_that_clients_begin_again(
    server: RunningServer, query: str, talk: bytes
) -> None:
    with SpeechClient(server.url, server.key, query) as client:
        client.begin()
        client.speak(talk[:96_000], pace=4, is_last=False)
        server.wait(lambda: [one for one in client.messages if one.path == "speech.hypothesis"])
        [host] = server.children("model-host")
        os.kill(host.pid, signal.SIGKILL)
        client.wait()
    assert client.closed is not None
    assert client.closed.rcvd is not None
    assert client.closed.rcvd.code == 1011
    assert "model host" in client.closed.rcvd.reason
    server.wait(lambda: _answers(server, query, talk))


def test_short_audio_is_answered_although_its_model_host_is_killed(server: RunningServer, query: str) -> None:
    recording = spoken("You have three new messages.")
    answers = []

    def ask() -> None:
        answers.extend(server.recognise(query.removeprefix("cid="), recording) for _ in range(6))

    asking = threading.Thread(target=ask)
    asking.start()
    server.wait(lambda: answers)
    [host] = server.children("model-host")
    os.kill(host.pid, signal.SIGKILL)
    asking.join()
    assert {answer.status_code for answer in answers} == {200}
    assert all("new messages" in answer.text for answer in answers)


def _answers(server: RunningServer, query: str, talk: bytes) -> bool:
    client = heard(server, query, talk)
    return "new messages" in client.text()


def test_a_stopping_server_tells_what_was_said_so_far(
    tmp_path_factory: pytest.TempPathFactory, talk: bytes
) -> None:
    server = RunningServer(tmp_path_factory.mktemp("stopping") / "data")
    server.start()
    server.wait(lambda: server.tympan("base-model", "list", "--locale", "en-US"))
    with SpeechClient(server.url, server.key) as client:
        client.begin()
        speaking = threading.Thread(target=client.speak, args=(talk[:128_000],), kwargs={"is_last": False})
        speaking.start()
        server.wait(lambda: [one for one in client.messages if one.path == "speech.hypothesis"])
        os.kill(server.pid, signal.SIGTERM)
        client.wait()
        speaking.join()
    assert client.messages[-1].path == "turn.end"
    assert "enter your" in client.text().lower()
    server.close()


def test_a_model_is_changed_under_load_and_nobody_notices(
    server: RunningServer, query: str, talk: bytes
) -> None:
    endpoint_id = query.removeprefix("cid=")
    models = [
        one["self"].rsplit("/", 1)[-1] for one in server.tympan("base-model", "list", "--locale", "en-US")
    ]
    assert len(models) >= 2
    clients: list[SpeechClient] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            clients.append(heard(server, query, talk))

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for one in asking:
        one.start()
    for turn in range(4):
        server.tympan("endpoint", "update", endpoint_id, "--model", models[turn % 2])
    is_over.set()
    for one in asking:
        one.join()
    assert len(clients) >= 4
    for client in clients:
        assert client.closed is None or client.closed.rcvd is None or client.closed.rcvd.code == 1000
        assert "new messages" in client.text()
        names = {phrase.document["Tympan"]["model"] for phrase in client.phrases()}
        assert len(names) == 1, "no stream changes its model"
    assert {phrase.document["Tympan"]["model"] for one in clients for phrase in one.phrases()} == set(
        models[:2]
    )


def test_a_client_that_never_reads_and_sends_all_at_once_fills_no_memory(
    server: RunningServer, query: str, talk: bytes
) -> None:
    with SpeechClient(server.url, server.key, query) as client:
        client.begin()
        client.speak(talk * 12, pace=0)
        client.wait(300)
        assert client.text().lower().count("new messages") == 12


def test_a_client_that_goes_away_leaves_room_for_others(
    server: RunningServer, query: str, talk: bytes
) -> None:
    for _ in range(30):
        with SpeechClient(server.url, server.key, query) as client:
            client.begin()
            client.speak(talk[:32_000], pace=0, is_last=False)
    assert "new messages" in heard(server, query, talk).text()
