"""Whole files: their length, and the names that clients have for models."""

import io

import pytest

from tympan.domain.errors import InvalidInputError, NotFoundError, TooLargeError
from tympan.testing.audio import WavCodec, speech_like, wav_bytes
from tympan.testing.clock import FakeClock
from tympan.testing.entities import make_base_model, make_model
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.speaker_embedder import FakeEmbedder
from tympan.testing.store import MemoryStore
from tympan.usecases.file_recognition import FileRecognition, FileRequest
from tympan.usecases.long_listening import LongListening
from tympan.usecases.serving import Serving


@pytest.fixture
def recognition():
    store, clock = MemoryStore(), FakeClock()
    recognizer = FakeRecognizer(lambda bundle, samples, options: "Yes.")
    listening = LongListening(codec=WavCodec(), recognizer=recognizer, embedder=FakeEmbedder())
    return FileRecognition(
        store=store,
        serving=Serving(store=store, clock=clock),
        codec=WavCodec(),
        listening=listening,
        limit_s=100.0,
    )


def add(recognition, *models):
    with recognition.store.write() as tx:
        for model in models:
            (tx.base_models if hasattr(model, "family") else tx.models).add(model)


def test_a_recording_beyond_the_limit_is_refused_also_where_its_end_is_silent(recognition):
    add(recognition, make_base_model())
    request = FileRequest(locales=("en-US",))
    fits = recognition.hear(io.BytesIO(wav_bytes(speech_like(99))), request)
    assert list(fits.phrases)
    long = recognition.hear(io.BytesIO(wav_bytes(speech_like(130) * 0)), request)
    with pytest.raises(TooLargeError, match="Create a transcription"):
        list(long.phrases)


def test_a_language_without_a_region_means_the_locale_that_most_people_mean(recognition):
    add(recognition, *(make_base_model(locale=one) for one in ("en-GB", "en-US", "de-AT", "de-DE", "it-IT")))
    assert recognition.request_for_language("en").locales == ("en-US",)
    assert recognition.request_for_language("en-GB").locales == ("en-GB",)
    assert recognition.request_for_language("it").locales == ("it-IT",)
    assert recognition.request_for_language(None).locales == ("en-US", "de-DE", "it-IT")
    with pytest.raises(InvalidInputError, match="fr"):
        recognition.request_for_language("fr")


def test_names_that_nothing_has_are_said_to_be_unknown(recognition):
    base = make_base_model()
    add(recognition, base, make_model(base_model_id=base.id, display_name="Clinic"))
    assert recognition.request_for("Clinic", None).locales == ("en-US",)
    assert recognition.request_for(base.family, "en").model_ids == {"en-US": base.id}
    with pytest.raises(NotFoundError, match="whisper-9"):
        recognition.request_for("whisper-9", "en")
