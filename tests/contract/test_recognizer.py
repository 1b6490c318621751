"""Every implementation of Recognizer keeps the port's promises."""

import functools
import io
import itertools
import multiprocessing
import socket
import threading
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import numpy as np
import pytest
from tests.spoken import spoken

from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.model_files import LocalModelFiles
from tympan.backends.model_host.client import ModelHostClient
from tympan.backends.model_host.frames import error_document
from tympan.backends.model_host.server import Engines, serve
from tympan.backends.speakers.embedder import CampplusEmbedder
from tympan.backends.whisper.engine_name import ENGINE
from tympan.backends.whisper.live import WhisperLive
from tympan.backends.whisper.recognizer import EngineSettings, WhisperRecognizer
from tympan.domain.errors import ForbiddenError, InvalidInputError, ModelDamagedError, UnavailableError
from tympan.ports.recognizer import RecognitionOptions
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.tiny_whisper import write_tiny_whisper

ENGLISH = RecognitionOptions(locale="en-US")
UNGATED = RecognitionOptions(locale="en-GB", is_voice_gated=False)
SECRET = "a-shared-secret"


def noise(seconds, seed=0):
    samples = np.random.default_rng(seed).standard_normal(int(16_000 * seconds))
    return (0.1 * samples).astype(np.float32)


@functools.cache
def voice(locale):
    """A few words that a machine says."""
    with wave.open(io.BytesIO(spoken("Seven, eight, nine, ten, eleven.", voice=locale))) as wav:
        return np.frombuffer(wav.readframes(wav.getnframes()), "<i2").astype(np.float32) / 32768


@pytest.fixture(scope="module")
def blobs_url(tmp_path_factory):
    return tmp_path_factory.mktemp("blobs").as_uri()


@pytest.fixture(scope="module")
def blobs(blobs_url):
    return ObstoreBlobs(blobs_url, SystemClock())


@pytest.fixture(scope="module")
def bundles(tmp_path_factory, blobs):
    """Two English models and one that also knows German."""
    folder = tmp_path_factory.mktemp("bundles")
    files = LocalModelFiles(blobs, folder / "unused")
    made = [
        write_tiny_whisper(folder / "english", seed=0),
        write_tiny_whisper(folder / "other", seed=1),
        write_tiny_whisper(folder / "german", is_multilingual=True),
    ]
    return [files.store(ENGINE, one) for one in made]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run_host(blobs_url, folder, port):
    files = LocalModelFiles(ObstoreBlobs(blobs_url, SystemClock()), folder)
    recognizer = WhisperRecognizer(files, SystemClock(), EngineSettings(workers=2))
    engines = Engines(
        recognizer=recognizer, live=WhisperLive(recognizer, threads=2), embedder=CampplusEmbedder()
    )
    serve(engines, "127.0.0.1", port, SECRET, at_once=2)


@pytest.fixture(scope="module")
def host(tmp_path_factory, blobs_url, bundles):
    """A live model host process; gives its URL and its folder of models."""
    port, folder = free_port(), tmp_path_factory.mktemp("host")
    # Spawned: threads of the engine do not live through a fork.
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=run_host, args=(blobs_url, folder, port))
    process.start()
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}/health", trust_env=False)
            break
        except httpx.TransportError:
            if not process.is_alive() or time.monotonic() > deadline:
                pytest.fail("the model host does not answer")
            time.sleep(0.05)
    yield url, folder
    process.terminate()
    process.join(30)
    assert process.exitcode is not None


@pytest.fixture(params=["fake", "whisper", "host"])
def subject(request, tmp_path, blobs):
    """A recogniser of each kind, and a way to damage a bundle for it."""
    if request.param == "fake":
        fake = FakeRecognizer(
            lambda bundle, samples, options: f"these are the words that are of the model {bundle.digest[:6]}"
        )
        fake.monolingual.update(bundle.digest for bundle in request.getfixturevalue("bundles")[:2])
        yield fake, lambda bundle: fake.damaged.add(bundle.digest)
    elif request.param == "whisper":
        recognizer = WhisperRecognizer(LocalModelFiles(blobs, tmp_path), SystemClock())
        yield recognizer, None
        recognizer.close()
    else:
        url, _ = request.getfixturevalue("host")
        client = ModelHostClient(url, SECRET)
        yield client, None
        for digest in client.state().loaded:
            client.unload(digest)
        client.close()


@pytest.fixture
def recognizer(subject):
    return subject[0]


def test_results_come_in_the_order_of_the_recordings(recognizer, bundles):
    recordings = [noise(1, 1), np.zeros(16_000, np.float32), noise(2.5, 2), noise(1, 1)]
    together = recognizer.recognize(bundles[0], recordings, UNGATED)
    assert len(together) == 4
    alone = [recognizer.recognize(bundles[0], [one], UNGATED)[0] for one in recordings]
    assert [one.text for one in together] == [one.text for one in alone]
    assert together[0].text == together[3].text


def test_no_recordings_give_no_results(recognizer, bundles):
    assert list(recognizer.recognize(bundles[0], [], ENGLISH)) == []


@pytest.mark.parametrize("seconds", [0, 0.01, 1, 40])
def test_silence_of_any_length_gives_no_words(recognizer, bundles, seconds):
    silence = np.zeros(int(16_000 * seconds), np.float32)
    [heard] = recognizer.recognize(bundles[0], [silence], ENGLISH)
    assert heard.phrases == ()
    assert heard.text == ""
    assert heard.cpu_s >= 0


@pytest.mark.parametrize("seconds", [0.3, 2, 70])
def test_phrases_and_words_lie_in_the_recording_in_time_order(recognizer, bundles, seconds):
    samples = noise(seconds)
    options = RecognitionOptions(locale="en-US", is_voice_gated=False, wants_words=True, beam_size=1)
    [heard] = recognizer.recognize(bundles[0], [samples], options)
    assert heard.phrases
    after = 0
    for phrase in heard.phrases:
        assert after <= phrase.start < phrase.end <= samples.size
        assert 0 <= phrase.confidence <= 1
        assert phrase.words
        place = phrase.start
        for word in phrase.words:
            assert place <= word.start <= word.end <= phrase.end
            assert 0 <= word.confidence <= 1
            place = word.start
        after = phrase.end


def test_words_come_only_when_wanted(recognizer, bundles):
    [heard] = recognizer.recognize(bundles[0], [noise(1)], UNGATED)
    assert all(phrase.words == () for phrase in heard.phrases)


def test_other_readings_come_only_when_wanted_and_are_other_texts(recognizer, bundles):
    [alone] = recognizer.recognize(bundles[0], [noise(2)], UNGATED)
    assert [phrase.alternatives for phrase in alone.phrases] == [()]
    [heard] = recognizer.recognize(bundles[0], [noise(2)], replace(UNGATED, alternatives=3))
    for phrase in heard.phrases:
        texts = [phrase.text, *(one.text for one in phrase.alternatives)]
        assert len(set(texts)) == len(texts) <= 4
        assert all(0 <= one.confidence <= phrase.confidence for one in phrase.alternatives)
    assert any(phrase.alternatives for phrase in heard.phrases)


def test_each_model_answers_for_itself(recognizer, bundles):
    texts = [recognizer.recognize(bundle, [noise(2)], UNGATED)[0].text for bundle in bundles[:2]]
    assert texts[0] != texts[1]


def test_an_unknown_language_is_an_error_that_says_what_is_known(recognizer, bundles):
    with pytest.raises(InvalidInputError, match="en"):
        recognizer.recognize(bundles[0], [noise(1)], RecognitionOptions(locale="zu-ZA"))


def test_a_multilingual_model_takes_the_language_of_the_locale(recognizer, bundles):
    options = RecognitionOptions(locale="de-AT", is_voice_gated=False)
    assert len(recognizer.recognize(bundles[2], [noise(1)], options)) == 1


def dialogue():
    """Two voices, and the middle of the pause between them."""
    first, pause = voice("en-US"), np.zeros(8_000, np.float32)
    return np.concatenate([first, pause, voice("en-GB")]), first.size + pause.size // 2


@pytest.mark.parametrize("wants_words", [True, False])
def test_no_phrase_holds_words_of_two_speakers(recognizer, bundles, wants_words):
    samples, change = dialogue()
    options = RecognitionOptions(locale="en-US", wants_words=wants_words, changes=((change,),))
    [heard] = recognizer.recognize(bundles[0], [samples], options)
    assert len(heard.phrases) >= 2
    # A word has its place to within a few tenths of a second.
    assert all(one.end <= change + 8_000 or one.start >= change - 8_000 for one in heard.phrases)
    assert all(a.end <= b.start for a, b in itertools.pairwise(heard.phrases))
    assert all(bool(one.words) == wants_words for one in heard.phrases)


def test_changes_belong_to_their_recording(recognizer, bundles):
    samples, change = dialogue()
    options = RecognitionOptions(locale="en-US", changes=((), (change,)))
    whole, cut = recognizer.recognize(bundles[0], [samples, samples], options)
    assert len(whole.phrases) == 1
    assert len(cut.phrases) == 2


def test_languages_are_told_for_each_stretch_of_voice(recognizer, bundles):
    recordings = [voice("en-US"), np.zeros(16_000, np.float32), voice("de-DE"), np.zeros(0, np.float32)]
    found = recognizer.identify_languages(bundles[2], recordings, ["de-DE", "en-GB"])
    assert [bool(stretches) for stretches in found] == [True, False, True, False]
    for samples, stretches in zip(recordings, found, strict=True):
        after = 0
        for stretch in stretches:
            assert after <= stretch.start < stretch.end <= samples.size
            assert stretch.end - stretch.start <= 15 * 16_000
            assert len(stretch.probabilities) == 2
            assert min(stretch.probabilities) >= 0
            assert 0 < sum(stretch.probabilities) <= 1 + 1e-5
            after = stretch.end


def test_of_two_locales_of_one_language_the_first_has_it_all(recognizer, bundles):
    [[first, *_]] = recognizer.identify_languages(bundles[2], [voice("en-US")], ["en-GB", "de-DE", "en-US"])
    [[again, *_]] = recognizer.identify_languages(bundles[2], [voice("en-US")], ["en-US", "de-DE", "en-GB"])
    assert first.probabilities == again.probabilities
    assert first.probabilities[0] > 0
    assert first.probabilities[2] == 0


def test_long_voice_is_told_in_pieces(recognizer, bundles):
    [stretches] = recognizer.identify_languages(bundles[2], [np.tile(voice("en-US"), 20)], ["en-US", "de-DE"])
    assert len(stretches) > 1


def test_languages_need_a_model_that_knows_them(recognizer, bundles):
    for recordings in ([voice("en-US")], []):
        with pytest.raises(InvalidInputError) as caught:
            recognizer.identify_languages(bundles[0], recordings, ["en-US", "de-DE"])
        assert caught.value.code == "InvalidModel"
        with pytest.raises(InvalidInputError) as caught:
            recognizer.identify_languages(bundles[2], recordings, ["en-US", "zu-ZA"])
        assert caught.value.code == "InvalidLocale"


def test_state_tells_what_is_loaded_and_how_often_something_was(recognizer, bundles):
    recognizer.unload(bundles[0].digest)
    before = recognizer.state()
    recognizer.warm(bundles[0])
    recognizer.warm(bundles[0])
    state = recognizer.state()
    assert state.loaded == (bundles[0].digest,)
    assert state.loads == before.loads + 1
    assert state.load_s > before.load_s or state.engine == "fake"
    recognizer.unload(bundles[0].digest)
    recognizer.unload(bundles[0].digest)
    assert recognizer.state().loaded == ()


def test_calls_go_on_while_their_model_is_unloaded(recognizer, bundles):
    expected = recognizer.recognize(bundles[0], [noise(2)], UNGATED)[0].text
    done = threading.Event()

    def unload():
        while not done.is_set():
            recognizer.unload(bundles[0].digest)

    disturber = threading.Thread(target=unload)
    disturber.start()
    with ThreadPoolExecutor(4) as pool:
        texts = list(
            pool.map(
                lambda _: recognizer.recognize(bundles[0], [noise(2)], UNGATED)[0].text,
                range(12),
            )
        )
    done.set()
    disturber.join()
    assert texts == [expected] * 12


def test_a_damaged_model_is_an_error_that_names_the_file(subject, blobs, bundles):
    recognizer, damage = subject
    bundle = bundles[1]
    weights = next(file for file in bundle.files if file.name == "model.bin")
    if damage is not None:
        damage(bundle)
    else:
        # No blob has this hash.
        lost = type(weights)(name="model.bin", sha256="0" * 64, size_bytes=weights.size_bytes)
        files = tuple(lost if file is weights else file for file in bundle.files)
        bundle = type(bundle)(engine=bundle.engine, files=files)
    for call in (recognizer.warm, lambda b: recognizer.recognize(b, [noise(1)], ENGLISH)):
        with pytest.raises(ModelDamagedError, match=r"model\.bin"):
            call(bundle)
    assert recognizer.state().loaded == ()


def test_a_host_that_is_away_is_unavailable(bundles):
    client = ModelHostClient(f"http://127.0.0.1:{free_port()}", SECRET)
    for call in (client.state, lambda: client.recognize(bundles[0], [noise(1)], ENGLISH)):
        with pytest.raises(UnavailableError) as caught:
            call()
        assert caught.value.retry_after_s > 0
    client.close()


def test_a_host_that_hangs_does_not_make_a_monitor_hang():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = ModelHostClient(f"http://127.0.0.1:{silent.getsockname()[1]}", SECRET)
        began = time.monotonic()
        with pytest.raises(UnavailableError):
            client.state()
        assert time.monotonic() - began < 5
        client.close()


def test_the_host_answers_only_to_its_secret(host, bundles):
    url, _ = host
    client = ModelHostClient(url, "another")
    with pytest.raises(ForbiddenError, match="secret"):
        client.state()
    client.close()
    assert httpx.post(f"{url}/recognize", content=b"", trust_env=False).status_code == 403


def test_the_host_refuses_bodies_that_do_not_add_up(host):
    url, _ = host
    headers = {"Authorization": f"Bearer {SECRET}"}
    for body in (b"", b"\xff\xff\xff\xff{}", b"\x02\x00\x00\x00{}"):
        answer = httpx.post(f"{url}/recognize", content=body, headers=headers, trust_env=False)
        assert answer.status_code == 400
        assert answer.json()["error"] == "InvalidInputError"


def test_a_full_host_asks_callers_to_come_back_and_patient_ones_do(bundles):
    asked = []

    def answer(request):
        asked.append(request)
        if len(asked) < 3:
            error = UnavailableError("The model host is full.", retry_after_s=0, code="TooManyRequests")
            return httpx.Response(503, json=error_document(error))
        return httpx.Response(200, content=b"[]")

    for patience_s in (0.0, 60.0):
        client = ModelHostClient("http://host", SECRET, patience_s=patience_s)
        client._http = httpx.Client(base_url="http://host", transport=httpx.MockTransport(answer))
        if patience_s:
            assert list(client.recognize(bundles[0], [], ENGLISH)) == []
        else:
            with pytest.raises(UnavailableError) as caught:
                client.recognize(bundles[0], [], ENGLISH)
            assert caught.value.code == "TooManyRequests"
        client.close()


def test_a_model_of_another_engine_is_refused(tmp_path, blobs, bundles):
    with pytest.raises(InvalidInputError, match="other-engine"):
        WhisperRecognizer(LocalModelFiles(blobs, tmp_path), SystemClock()).warm(
            type(bundles[0])(engine="other-engine", files=bundles[0].files)
        )
