"""What every synthesiser promises."""

import numpy as np
import pytest

from tympan.backends.synth_pico import PicoSynthesizer
from tympan.domain.errors import EngineError
from tympan.testing.synthesizer import FakeSynthesizer


@pytest.fixture(scope="module", params=["pico", "fake"])
def synthesizer(request):
    if request.param == "fake":
        yield FakeSynthesizer()
        return
    pico = PicoSynthesizer()
    yield pico
    pico.close()


def test_voices_of_a_locale_speak_its_language_and_are_told_apart(synthesizer):
    voices = synthesizer.voices("en-US")
    assert len(voices) >= 2
    assert len({voice.id for voice in voices}) == len({voice.speaker for voice in voices}) == len(voices)
    assert voices[0].language == "en-US"
    assert all(voice.language.startswith("en") for voice in voices)


def test_a_language_without_a_voice_has_an_empty_list(synthesizer):
    assert list(synthesizer.voices("zu-ZA")) == []


def test_speech_is_16_khz_mono_within_full_scale(synthesizer):
    samples = synthesizer.synthesize("Please call the front desk.", synthesizer.voices("en-US")[0])
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert 0.5 < len(samples) / 16_000 < 5
    assert 0.05 < np.abs(samples).max() <= 1


def test_the_same_text_gives_the_same_samples_whatever_was_said_before(synthesizer):
    voice, other = synthesizer.voices("en-US")[:2]
    first = synthesizer.synthesize("Good morning.", voice)
    synthesizer.synthesize("Something else entirely, and rather longer.", voice)
    assert not np.array_equal(synthesizer.synthesize("Good morning.", other), first)
    assert np.array_equal(synthesizer.synthesize("Good morning.", voice), first)


def test_a_higher_rate_is_shorter(synthesizer):
    voice = synthesizer.voices("en-US")[0]
    slow, fast = (synthesizer.synthesize("Good morning to you.", voice, rate=rate) for rate in (0.8, 1.25))
    assert len(fast) < len(slow)


def test_text_that_cannot_be_spoken_is_an_error_and_the_next_text_is_spoken(synthesizer):
    voice = synthesizer.voices("en-US")[0]
    with pytest.raises(EngineError, match="cannot speak"):
        synthesizer.synthesize("  ", voice)
    assert len(synthesizer.synthesize("Good morning.", voice))


def test_an_unknown_voice_of_pico_is_an_error():
    pico = PicoSynthesizer()
    voice = FakeSynthesizer().voices("en-US")[0]
    with pytest.raises(EngineError, match="no voice"):
        pico.synthesize("Good morning.", voice)
    pico.close()
