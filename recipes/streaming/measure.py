"""Measure bundles in several audio contexts: word errors, loops, and CPU seconds.

    python recipes/streaming/measure.py --model BUNDLE=30,15,+1,partials+1 --set en-US=SET/test.tsv

Every recording is decoded in one piece, on one thread, int8, without the product's guards, so
that loops count. ``+1`` is the recording and one second; a number is the context in seconds,
or 30 where the recording is too long for it; ``partials`` before it takes the weights for
partials. A set is a TSV with the columns path, lang and transcript. Partials are the same
recordings cut after 0.5, 1, 1.5 ... seconds, decoded greedily; their errors are counted
against what the first model writes in its first context.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tympan.backends.whisper.network import Decoded, DecodingSettings, WhisperNetwork
from tympan.domain.evaluation import ErrorCounts
from tympan.speech.audio_context import FULL_CONTEXT_S, reduced_context_s, token_cap
from tympan.speech.metrics import count_words
from tympan.speech.plausibility import is_loop
from tympan.speech.text import normalizer_for

RATE_HZ = 16_000
LONGEST_S = 28.0
SILENCE_NEEDED_S = 3.0
PARTIAL_STEP_S = 0.5
PARTIALS_A_RECORDING = 3

Samples = NDArray[np.float32]


def main() -> None:
    """Print one line for each set, model and context."""
    arguments = _arguments()
    print("| set | model | context | WER | words | S/D/I | loops | encoder CPU-s/s | decoder CPU-s/s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for locale, path in arguments.set:
        recordings = list(_recordings(path, locale, arguments.every))
        if arguments.partials:
            recordings = _partials(recordings)
        beam_size = 1 if arguments.partials else arguments.beam
        wanted: list[str] | None = None
        for folder, contexts in arguments.model:
            for context in contexts:
                shown = context.removeprefix("partials")
                network = WhisperNetwork(
                    folder, threads=1, workers=1, compute_type="int8", is_for_partials=shown != context
                )
                heard = _heard(network, recordings, locale, shown, beam_size)
                if arguments.partials:
                    wanted = wanted or [text for text, _, _, _ in heard]
                references = wanted or [text for text, _ in recordings]
                name = f"{path.parent.name} | {network.info.family} | {context}"
                print(f"| {name} | {_figures(references, recordings, heard, locale)} |", flush=True)


def _heard(
    network: WhisperNetwork, recordings: list[tuple[str, Samples]], locale: str, context: str, beam: int
) -> list[tuple[str, bool, float, float]]:
    """Text, whether it loops, and CPU seconds of encoder and decoder of each recording."""
    language = network.language_of(locale)
    heard = []
    for _, samples in recordings:
        duration_s = samples.size / RATE_HZ
        cap = token_cap(duration_s, language)
        started = time.process_time()
        encoding = network.encode(samples, _context_s(context, duration_s))
        np.array(encoding)  # waits for the engine
        encoded = time.process_time()
        settings = DecodingSettings(language=language, beam_size=beam, token_cap=cap)
        [decoded] = network.decode([encoding], settings)
        spent = time.process_time()
        heard.append((decoded.text, _loops(decoded, cap), encoded - started, spent - encoded))
    return heard


def _context_s(context: str, duration_s: float) -> float:
    if context.startswith("+"):
        return reduced_context_s(duration_s + float(context) - 1.0)
    wanted_s = float(context)
    return wanted_s if duration_s + SILENCE_NEEDED_S <= wanted_s else FULL_CONTEXT_S


def _loops(decoded: Decoded, cap: int) -> bool:
    return len(decoded.ids) >= cap or is_loop(decoded.text)


def _figures(
    references: list[str],
    recordings: list[tuple[str, Samples]],
    heard: list[tuple[str, bool, float, float]],
    locale: str,
) -> str:
    normalize = normalizer_for(locale).normalize
    counts = ErrorCounts()
    for reference, (text, *_) in zip(references, heard, strict=True):
        counts += count_words(normalize(reference).split(), normalize(text).split())
    seconds = sum(samples.size for _, samples in recordings) / RATE_HZ
    errors = f"{counts.substitutions}/{counts.deletions}/{counts.insertions}"
    loops = f"{sum(is_looping for _, is_looping, _, _ in heard)} of {len(heard)}"
    cpu = " | ".join(f"{sum(one[i] for one in heard) / seconds:.4f}" for i in (2, 3))
    return f"{100 * counts.rate:.2f} | {counts.reference_length} | {errors} | {loops} | {cpu}"


def _recordings(path: Path, locale: str, every: int) -> Iterator[tuple[str, Samples]]:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    own = [row for row in rows if row["lang"][:2] == locale[:2]]
    for row in own[::every]:
        samples, rate_hz = soundfile.read(path.parent / row["path"], dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ).astype(np.float32)
        if mono.size <= LONGEST_S * RATE_HZ:
            yield row["transcript"], mono


def _partials(recordings: list[tuple[str, Samples]]) -> list[tuple[str, Samples]]:
    chance = np.random.default_rng(0)
    made = []
    for _, samples in recordings:
        steps = np.arange(PARTIAL_STEP_S, samples.size / RATE_HZ, PARTIAL_STEP_S)
        chosen = chance.choice(steps, min(PARTIALS_A_RECORDING, steps.size), replace=False)
        made += [("", samples[: int(step * RATE_HZ)]) for step in chosen]
    return made


def _named_set(text: str) -> tuple[str, Path]:
    locale, _, path = text.partition("=")
    return locale, Path(path)


def _model(text: str) -> tuple[Path, list[str]]:
    folder, _, contexts = text.rpartition("=")
    return Path(folder), contexts.split(",")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=_model, action="append", required=True, help="BUNDLE=CONTEXT,...")
    parser.add_argument("--set", type=_named_set, action="append", required=True, help="LOCALE=TSV")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--every", type=int, default=1, help="take every n-th recording only")
    parser.add_argument("--partials", action="store_true", help="cut the recordings as a stream does")
    return parser.parse_args()


if __name__ == "__main__":
    main()
