"""General speech without a network: spoken sentences, recordings at hand, and what becomes of them."""

from __future__ import annotations

import hashlib
import random
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tympan.backends.synthesizers import installed_synthesizer
from tympan.training.general import general_sentences

RATE_HZ = 16_000
ENDINGS = {".wav", ".flac", ".mp3", ".ogg", ".opus"}
LONGEST_S = 14.0
"""Longer recordings are cut: streams are recognised in stretches of at most 15 s."""
SHORTEST_S = 0.4
NOISE_EVERY = 15

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A FLAC file named by its content, and what is spoken in it; ``language`` is empty for noise."""

    path: str
    language: str
    duration_s: float


def general_speech(recordings: list[tuple[str, Path]], languages: list[str], into: Path) -> list[Sound]:
    """Everything to train on; the same input gives the same list.

    Args:
        recordings: Language and a folder or zip of recordings.
        languages: Whisper codes whose general sentences are spoken by every installed voice.
        into: Where the files go.
    """
    chance = np.random.default_rng(0)
    into.mkdir(parents=True, exist_ok=True)
    whole = [(language, samples) for language, path in recordings for samples in _recorded(path)]
    whole += [(language, samples) for language in languages for samples in _spoken(language)]
    sounds = []
    for language, samples in whole:
        sounds += [_kept(one, language, into) for one in (samples, *_variants(samples, chance))]
    sounds += [_kept(_noise(chance), "", into) for _ in range(len(whole) // NOISE_EVERY)]
    return list({sound.path: sound for sound in sounds}.values())


def chosen(sounds: list[Sound], most: int) -> list[Sound]:
    """As many sounds of each language, any of them, and noise in its share of the whole."""
    # The names are hashes, so their order is a draw.
    by_language: dict[str, list[Sound]] = {}
    for sound in sorted(sounds, key=lambda one: one.path):
        by_language.setdefault(sound.language, []).append(sound)
    noise = by_language.pop("", [])
    rounds = zip_longest(*(by_language[language] for language in sorted(by_language)))
    speech = [sound for one_round in rounds for sound in one_round if sound is not None]
    return speech[:most] + noise[: most // NOISE_EVERY]


def _spoken(language: str) -> Iterator[Samples]:
    synthesizer = installed_synthesizer()
    for index, sentence in enumerate(general_sentences(language)):
        for voice in synthesizer.voices(language):
            rate = random.Random(f"{index}{voice.id}").uniform(0.85, 1.25)
            yield synthesizer.synthesize(sentence, voice, rate=rate)


def _recorded(source: Path) -> Iterator[Samples]:
    if source.suffix == ".zip":
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(source) as zipped:
            zipped.extractall(folder)
            yield from _recorded(Path(folder))
        return
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in ENDINGS:
            samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
            mono = soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ).astype(np.float32)
            parts = max(1, int(np.ceil(mono.size / RATE_HZ / LONGEST_S)))
            yield from (p for p in np.array_split(mono, parts) if p.size > SHORTEST_S * RATE_HZ)


def _variants(samples: Samples, chance: np.random.Generator) -> Iterator[Samples]:
    """What a stream shows of a recording before it is over, and the recording in worse conditions."""
    length = samples.size
    if chance.random() < 0.6 and length > RATE_HZ:
        yield samples[: chance.integers(int(SHORTEST_S * RATE_HZ), length - RATE_HZ // 10)]
    if chance.random() < 0.3:
        level = float(np.sqrt(np.mean(samples**2))) * 10 ** (-chance.uniform(5, 25) / 20)
        yield samples + level * _coloured(length, chance)
    if chance.random() < 0.15:
        # As over a telephone.
        narrow = soxr.resample(soxr.resample(samples, RATE_HZ, 8000), 8000, RATE_HZ)
        yield narrow.astype(np.float32)[:length] * chance.uniform(0.2, 0.8)


def _noise(chance: np.random.Generator) -> Samples:
    length = int(chance.uniform(0.5, 8.0) * RATE_HZ)
    return _coloured(length, chance) * 10 ** (-chance.uniform(25, 70) / 20)


def _coloured(length: int, chance: np.random.Generator) -> Samples:
    """Noise of power 1 whose spectrum falls by 0 to 6 decibels an octave."""
    spectrum = np.fft.rfft(chance.standard_normal(length))
    fall = np.arange(1, spectrum.size + 1) ** -chance.uniform(0, 1)
    noise = np.fft.irfft(spectrum * fall, length)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def _kept(samples: Samples, language: str, into: Path) -> Sound:
    clipped = np.clip(samples, -1, 1)
    path = into / f"{hashlib.sha256(clipped.tobytes()).hexdigest()}.flac"
    if not path.exists():
        soundfile.write(path, clipped, RATE_HZ, subtype="PCM_16")
    return Sound(path=str(path), language=language, duration_s=clipped.size / RATE_HZ)
