"""What every synthesiser promises."""

import sys

import numpy as np
import pytest

from tympan.backends.synth_flite import FliteSynthesizer
from tympan.backends.synth_pico import PicoSynthesizer
from tympan.backends.synthesizers import JoinedSynthesizer
from tympan.domain.errors import EngineError
from tympan.testing.synthesizer import FakeSynthesizer

FLITE = """#!{python}
# Speaks as flite does on its command line: a tone as long as the text.
import math, struct, sys, wave
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if not options["-t"].strip():
    sys.exit("nothing to say")
stretch = float(options["--setf"].partition("=")[2])
pitch = 100 + 50 * len(options["-voice"]) + ord(options["-voice"][0])
count = int(8000 * stretch * (0.3 + 0.06 * len(options["-t"])))
with wave.open(options["-o"], "wb") as out:
    out.setparams((1, 2, 8000, 0, "NONE", ""))
    out.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i * pitch / 1273))) for i in range(count)))
"""


@pytest.fixture(scope="module", params=["pico", "flite", "joined", "fake"])
def synthesizer(request, tmp_path_factory):
    program = tmp_path_factory.mktemp("bin") / "flite"
    program.write_text(FLITE.format(python=sys.executable))
    program.chmod(0o755)
    pico, flite = PicoSynthesizer(), FliteSynthesizer(str(program))
    joined = JoinedSynthesizer({"pico": pico, "flite": flite})
    yield {"pico": pico, "flite": flite, "joined": joined, "fake": FakeSynthesizer()}[request.param]
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


@pytest.mark.parametrize("engine", [PicoSynthesizer(), FliteSynthesizer(), JoinedSynthesizer({})])
def test_an_unknown_voice_is_an_error(engine):
    with pytest.raises(EngineError, match="no voice"):
        engine.synthesize("Good morning.", FakeSynthesizer().voices("en-US")[0])


def test_without_the_program_flite_has_no_voices(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert list(FliteSynthesizer().voices("en-US")) == []


def test_joined_engines_take_turns():
    joined = JoinedSynthesizer({"a": FakeSynthesizer(), "pico": PicoSynthesizer()})
    ids = [voice.id for voice in joined.voices("en-US")]
    assert ids == ["fake:en-anna", "pico:en-US", "fake:en-bert", "pico:en-GB"]
