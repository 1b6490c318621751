"""Every implementation of LiveRecognizer keeps the port's promises."""

import io
import socket
import threading
import time
import wave

import numpy as np
import pytest
import uvicorn
from tests.spoken import conversation

from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.model_files import LocalModelFiles
from tympan.backends.model_host.live_client import ModelHostLive
from tympan.backends.model_host.server import Engines, host_application
from tympan.backends.whisper.engine_name import ENGINE
from tympan.backends.whisper.live import WhisperLive
from tympan.backends.whisper.recognizer import EngineSettings, WhisperRecognizer
from tympan.domain.errors import InvalidInputError, ModelDamagedError, UnavailableError
from tympan.ports.live_recognition import Ended, Final, Listened, LiveOptions, Partial, SpeechBegan
from tympan.testing.live_recognizer import FakeLive
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.speaker_embedder import FakeEmbedder
from tympan.testing.tiny_whisper import write_tiny_whisper

SECRET = "a-shared-secret"
ENGLISH = LiveOptions(locale="en-US", wants_words=True)
CHUNK = 1600
PATIENCE_S = 60


@pytest.fixture(scope="module")
def talk():
    """Two sentences with a pause of a second, and where they are in samples."""
    recording, places = conversation(
        [("Seven, eight, nine, ten, eleven.", "en-US"), ("Please hold the line.", "en-GB")], pause_s=1.0
    )
    with wave.open(io.BytesIO(recording)) as wav:
        samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").astype(np.float32) / 32768
    return samples, [(int(start * 16_000), int(end * 16_000)) for start, end in places]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    files = LocalModelFiles(ObstoreBlobs((folder / "blobs").as_uri(), SystemClock()), folder / "models")
    return files, files.store(ENGINE, write_tiny_whisper(folder / "english"))


class Host:
    """A model host on a thread of this process."""

    def __init__(self, engines):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = uvicorn.Config(host_application(engines, SECRET), port=port, log_config=None)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self):
        self.thread.start()
        deadline = time.monotonic() + 30
        while not self.server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture(params=["fake", "whisper", "host"])
def live(request, stored):
    """A recogniser of streams of each kind; three streams at once."""
    files, _ = stored
    if request.param == "fake":
        yield FakeLive(FakeRecognizer(lambda bundle, samples, options: "some words"), most=3)
        return
    recognizer = WhisperRecognizer(files, SystemClock(), EngineSettings(workers=2))
    own = WhisperLive(recognizer, threads=2, most=3)
    if request.param == "whisper":
        yield own
    else:
        engines = Engines(recognizer=recognizer, live=own, embedder=FakeEmbedder())
        with Host(engines) as host:
            yield ModelHostLive(host.url, SECRET)
    own.close()
    recognizer.close()


class Listener:
    """Keeps what a stream tells."""

    def __init__(self):
        self.events, self.ended = [], threading.Event()

    def __call__(self, event):
        self.events.append(event)
        if isinstance(event, Ended):
            self.ended.set()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def wait(self):
        assert self.ended.wait(PATIENCE_S), self.events
        return self


def heard(live, bundle, samples, options=ENGLISH, chunk=CHUNK):
    listener = Listener()
    stream = live.open(bundle, options, listener)
    for first in range(0, samples.size, chunk):
        stream.feed(samples[first : first + chunk])
    stream.finish()
    return listener.wait()


def test_each_stretch_of_voice_becomes_one_phrase_in_its_place(live, stored, talk):
    samples, places = talk
    listener = heard(live, stored[1], samples)
    finals = listener.of(Final)
    assert len(finals) == 2
    for final, (start, end) in zip(finals, places, strict=True):
        if final.phrase is not None:  # the tiny model may find nothing to say
            assert abs(final.phrase.start - start) < 5000
            assert abs(final.phrase.end - end) < 10_000
            words = final.phrase.words
            assert all(final.phrase.start <= word.start <= word.end <= final.phrase.end for word in words)
        assert final.waited_s >= 0
    assert finals[0].until <= finals[1].until <= samples.size + 512
    began = [event.at for event in listener.of(SpeechBegan)]
    assert len(began) == 2
    assert all(abs(at - start) < 5000 for at, (start, _) in zip(began, places, strict=True))


def test_the_end_comes_once_and_last(live, stored, talk):
    listener = heard(live, stored[1], talk[0])
    assert isinstance(listener.events[-1], Ended)
    assert listener.of(Ended) == [Ended(samples=talk[0].size)]


def test_how_samples_are_cut_changes_nothing(live, stored, talk):
    quiet = LiveOptions(locale="en-US", wants_partials=False)
    whole = heard(live, stored[1], talk[0], quiet, chunk=talk[0].size).of(Final)
    pieces = heard(live, stored[1], talk[0], quiet, chunk=777).of(Final)
    assert [one.phrase for one in whole] == [one.phrase for one in pieces]
    assert [one.until for one in whole] == [one.until for one in pieces]


def test_a_partial_comes_before_every_phrase_even_of_speech_that_comes_all_at_once(live, stored, talk):
    told = heard(live, stored[1], talk[0], chunk=talk[0].size).events
    for place, event in enumerate(told):
        if isinstance(event, Final) and event.phrase is not None:
            start, end = event.phrase.start, event.phrase.end
            assert any(isinstance(one, Partial) and start <= one.start < end for one in told[:place])
    assert any(isinstance(event, Final) and event.phrase is not None for event in told)


def test_silence_has_no_phrases_but_is_listened_to(live, stored):
    listener = heard(live, stored[1], np.zeros(16_000 * 5, np.float32))
    assert listener.of(Final) == listener.of(Partial) == listener.of(SpeechBegan) == []
    until = [event.until for event in listener.of(Listened)]
    assert until == sorted(until)
    assert len(until) >= 5
    assert not any(event.is_speech for event in listener.of(Listened))


def test_an_empty_stream_ends(live, stored):
    assert heard(live, stored[1], np.zeros(0, np.float32)).events == [Ended(samples=0)]


def test_what_is_stable_stays_and_begins_the_partial(live, stored, talk):
    listener = Listener()
    stream = live.open(stored[1], ENGLISH, listener)
    for first in range(0, talk[0].size, CHUNK):
        stream.feed(talk[0][first : first + CHUNK])
        time.sleep(0.03)
    stream.finish()
    listener.wait()
    partials = listener.of(Partial)
    assert all(partial.text.startswith(partial.stable) for partial in partials)
    assert all(partial.start < partial.end for partial in partials)


def test_partials_are_left_out_where_nobody_wants_them(live, stored, talk):
    options = LiveOptions(locale="en-US", wants_partials=False)
    assert heard(live, stored[1], talk[0], options).of(Partial) == []


def test_one_stream_too_many_is_refused_until_another_ends(live, stored):
    opened = [live.open(stored[1], ENGLISH, Listener()) for _ in range(3)]
    with pytest.raises(UnavailableError) as refused:
        live.open(stored[1], ENGLISH, Listener())
    assert refused.value.code == "TooManyRequests"
    assert refused.value.retry_after_s >= 1
    opened[0].close()
    deadline = time.monotonic() + 10
    while True:
        try:
            opened.append(live.open(stored[1], ENGLISH, Listener()))
            break
        except UnavailableError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    for stream in opened:
        stream.close()


def test_streams_do_not_hear_each_other(live, stored, talk):
    quiet = LiveOptions(locale="en-US", wants_partials=False)
    alone = [one.phrase for one in heard(live, stored[1], talk[0], quiet).of(Final)]
    listeners = [Listener() for _ in range(3)]
    streams = [live.open(stored[1], quiet, listener) for listener in listeners]
    for first in range(0, talk[0].size, CHUNK):
        for stream in streams:
            stream.feed(talk[0][first : first + CHUNK])
    for stream in streams:
        stream.finish()
    for listener in listeners:
        assert [one.phrase for one in listener.wait().of(Final)] == alone


def test_a_closed_stream_says_nothing_more(live, stored, talk):
    listener = Listener()
    stream = live.open(stored[1], ENGLISH, listener)
    stream.feed(talk[0][:CHUNK])
    stream.close()
    stream.close()
    count = len(listener.events)
    stream.feed(talk[0])
    time.sleep(0.3)
    assert len(listener.events) <= count + 2, "what was on its way may still come"
    assert not listener.ended.is_set()


def test_a_language_the_model_does_not_know_is_refused(live, stored):
    with pytest.raises(InvalidInputError) as refused:
        live.open(stored[1], LiveOptions(locale="xx-XX"), Listener())
    assert refused.value.code == "InvalidLocale"


def test_a_host_that_is_away_is_said_to_be(stored):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UnavailableError):
        ModelHostLive(f"http://127.0.0.1:{port}", SECRET).open(stored[1], ENGLISH, Listener())


def test_a_wrong_secret_opens_nothing(stored):
    recognizer = FakeRecognizer()
    engines = Engines(recognizer=recognizer, live=FakeLive(recognizer), embedder=FakeEmbedder())
    with Host(engines) as host, pytest.raises(UnavailableError):
        ModelHostLive(host.url, "another").open(stored[1], ENGLISH, Listener())


def test_a_host_that_dies_ends_its_streams_with_an_error(stored, talk):
    recognizer = FakeRecognizer()
    engines = Engines(recognizer=recognizer, live=FakeLive(recognizer), embedder=FakeEmbedder())
    listener = Listener()
    with Host(engines) as host:
        stream = ModelHostLive(host.url, SECRET).open(stored[1], ENGLISH, listener)
        stream.feed(talk[0][:CHUNK])
    listener.wait()
    assert isinstance(listener.events[-1].error, UnavailableError)


def test_an_error_of_the_engine_ends_the_stream_as_itself(stored, talk):
    recognizer = FakeRecognizer()
    fake = FakeLive(recognizer)
    engines = Engines(recognizer=recognizer, live=fake, embedder=FakeEmbedder())
    with Host(engines) as host:
        listener = Listener()
        stream = ModelHostLive(host.url, SECRET).open(stored[1], ENGLISH, listener)
        fake.failure = ModelDamagedError("model.bin is damaged.", target="model.bin")
        stream.feed(talk[0][:CHUNK])
        error = listener.wait().events[-1].error
    assert isinstance(error, ModelDamagedError)
    assert (error.message, error.target) == ("model.bin is damaged.", "model.bin")
