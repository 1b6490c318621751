"""The gate between a trained model and its first endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import EngineError
from tympan.domain.model import Bundle, CustomModel
from tympan.ports.audio import SAMPLE_RATE_HZ, AudioCodec
from tympan.ports.recognizer import RecognitionOptions, Recognizer
from tympan.ports.synthesizer import Synthesizer
from tympan.ports.trainer import TrainingExample
from tympan.speech.display_format import Profanity
from tympan.speech.promotion import (
    Check,
    Heard,
    Outcome,
    gain_check,
    general_check,
    invention_check,
    length_check,
    recordings_check,
    style_check,
    verdict,
)
from tympan.speech.text import normalizer_for

_SPEECH_OVER_NOISE_DB = 10.0
_GAP = SAMPLE_RATE_HZ // 2
_LONG = 24 * SAMPLE_RATE_HZ
_LONG_RECORDINGS = 2
_NOISES = 4
_NOISE = 4 * SAMPLE_RATE_HZ
_BATCH = 8

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionGate:
    """Hears the same recordings with a model and with its base model, as they are served.

    Attributes:
        sentences: General sentences that no training has seen.
        report: Takes a fraction, 0 to 1, and a sentence.
    """

    recognizer: Recognizer
    synthesizer: Synthesizer
    codec: AudioCodec
    locale: str
    sentences: Sequence[str]
    report: Callable[[float, str], None]

    def document(
        self,
        base: Bundle,
        model: Bundle,
        held_out: Sequence[TrainingExample],
        general: Sequence[TrainingExample] = (),
    ) -> dict[str, Any]:
        """The verdict and its reasons, for the report of the training.

        Args:
            base: The base model's files.
            model: The trained model's.
            held_out: Recordings that the training did not see.
            general: Everyday recordings of the owner's, which it did not see either.

        Raises:
            EngineError: The engine failed.
        """
        checks = self._checks(base, model, held_out, general)
        outcome = verdict(checks)
        return {"verdict": outcome.value, "checks": [asdict(check) for check in checks]}

    def _checks(
        self,
        base: Bundle,
        model: Bundle,
        held_out: Sequence[TrainingExample],
        recorded: Sequence[TrainingExample],
    ) -> list[Check]:
        normalize = normalizer_for(self.locale).normalize
        own, everyday = (
            [(example.text, self._read(example.audio)) for example in of] for of in (held_out, recorded)
        )
        general = self._general()
        long = _joined(general or own)
        noise = [("", samples) for samples in _noises()]
        sets = {
            "held-out recordings": own,
            "general sentences": general,
            "general recordings": everyday,
            "long recordings": long,
            "noise": noise,
        }
        heard = {
            name: self._heard(base, model, recordings, place / len(sets), name)
            for place, (name, recordings) in enumerate(sets.items())
        }
        of_style = heard["general sentences"] if general else heard["held-out recordings"]
        return [
            gain_check(heard["held-out recordings"], normalize),
            general_check(heard["general sentences"], normalize),
            *([recordings_check(heard["general recordings"], normalize)] if everyday else []),
            style_check(of_style),
            length_check(heard["long recordings"]),
            invention_check(heard["noise"]),
        ]

    def _heard(
        self, base: Bundle, model: Bundle, recordings: Sequence[tuple[str, Samples]], done: float, name: str
    ) -> Heard:
        self.report(done, f"Hearing {name} with the base model and the trained one")
        samples = [one for _, one in recordings]
        return Heard(
            references=[text for text, _ in recordings],
            base=self._texts(base, samples),
            model=self._texts(model, samples),
        )

    def _texts(self, bundle: Bundle, samples: Sequence[Samples]) -> list[str]:
        options = RecognitionOptions(locale=self.locale, profanity=Profanity.RAW)
        texts: list[str] = []
        for first in range(0, len(samples), _BATCH):
            heard = self.recognizer.recognize(bundle, samples[first : first + _BATCH], options)
            texts += [one.text for one in heard]
        return texts

    def _general(self) -> list[tuple[str, Samples]]:
        """Every sentence clean by one voice and in noise by another."""
        voices = self.synthesizer.voices(self.locale)
        if not voices:
            return []
        chance = np.random.default_rng(0)
        ways = cycle((voice, is_noisy) for is_noisy in (False, True) for voice in voices)
        made = []
        for sentence in (one for one in self.sentences for _ in range(2)):
            voice, is_noisy = next(ways)
            try:
                samples = self.synthesizer.synthesize(sentence, voice)
            except EngineError:
                continue  # a sentence that this voice cannot speak says nothing of either model
            made.append((sentence, _in_noise(samples, chance) if is_noisy else samples))
        return made

    def _read(self, path: str) -> Samples:
        with Path(path).open("rb") as file:
            return self.codec.read_flac(file)


def gate_note(document: Mapping[str, Any]) -> str:
    """The verdict in one plain sentence, with what speaks against the model."""
    against = _against(document)
    match document["verdict"]:
        case Outcome.PASSED:
            return "The model is better than its base model where it was meant to be, and worse nowhere."
        case Outcome.FAILED:
            return f"The model may not take its base model's place: {' '.join(against)}"
    return "Whether the model is better was not measured. Test it on recordings of its own."


def gate_summary(document: Mapping[str, Any]) -> dict[str, str]:
    """The members of a model's summary that say what the gate found; none where nothing was checked."""
    if not document:
        return {}
    reasons = {"gate_reasons": " ".join(_against(document))} if _against(document) else {}
    return {"gate": document["verdict"], **reasons}


def refusal(model: CustomModel) -> str | None:
    """Why a model may not be deployed, if the gate found it worse and nobody has approved it."""
    summary = model.summary
    if summary.get("gate") != Outcome.FAILED.value or summary.get("approval"):
        return None
    return str(summary.get("gate_reasons", ""))


def _against(document: Mapping[str, Any]) -> list[str]:
    return [check["text"] for check in document["checks"] if check["outcome"] == Outcome.FAILED]


def _in_noise(samples: Samples, chance: np.random.Generator) -> Samples:
    level = float(np.sqrt(np.mean(samples**2))) * 10 ** (-_SPEECH_OVER_NOISE_DB / 20)
    return (samples + level * chance.standard_normal(samples.size)).astype(np.float32).clip(-1, 1)


def _joined(recordings: Sequence[tuple[str, Samples]]) -> list[tuple[str, Samples]]:
    """Long recordings made of short ones, with half a second between."""
    made: list[tuple[str, Samples]] = []
    texts: list[str] = []
    parts: list[Samples] = []
    for text, samples in recordings:
        if sum(part.size for part in parts) + samples.size > _LONG and parts:
            made.append((" ".join(texts), np.concatenate(parts)))
            texts, parts = [], []
        if len(made) == _LONG_RECORDINGS:
            break
        texts.append(text)
        parts += [samples, np.zeros(_GAP, np.float32)]
    return made


def _noises() -> list[Samples]:
    """Noise from hiss to rumble, quiet and loud; nobody speaks."""
    chance = np.random.default_rng(0)
    made = []
    for number in range(_NOISES):
        spectrum = np.fft.rfft(chance.standard_normal(_NOISE))
        spectrum *= np.arange(1, spectrum.size + 1) ** (-number / _NOISES)
        noise = np.fft.irfft(spectrum, _NOISE)
        made.append((noise / np.abs(noise).max() * 10 ** (-chance.uniform(6, 40) / 20)).astype(np.float32))
    return made
