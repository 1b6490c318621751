"""Are our counts sclite's? And how fast are they made, beside sclite and jiwer on the same words?"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import jiwer

from benchmarks.record import write_result
from tympan.domain.evaluation import ErrorCounts
from tympan.speech.metrics import count_words
from tympan.speech.text import normalizer_for
from tympan.testing.sclite import WordPair, random_texts, sclite_counts

T = TypeVar("T")

PAIRS = 20_000
SEED = 1


def main() -> None:
    normalize = normalizer_for("en-US").words
    begun = time.perf_counter()
    pairs = [(normalize(left), normalize(right)) for left, right in random_texts(PAIRS, seed=SEED)]
    normalizing_s = time.perf_counter() - begun
    ours, ours_s = timed(lambda: [count_words(*pair) for pair in pairs])
    theirs, sclite_s = timed(lambda: sclite_counts(pairs))
    least, jiwer_s = timed(lambda: jiwer_errors(pairs))
    long = [[word for pair in pairs[:100] for word in pair[side]][:1000] for side in (0, 1)]
    _, long_s = timed(lambda: count_words(*long))
    words = sum(len(left) for left, _ in pairs)
    equal = sum(one == other for one, other in zip(ours, theirs, strict=True))
    as_few = sum(one.errors == other for one, other in zip(ours, least, strict=True))
    fewer = sum(one.errors < other for one, other in zip(ours, least, strict=True))
    rows = [
        ("figure", "ours", "sclite", "jiwer"),
        ("pairs scored", PAIRS, PAIRS, PAIRS),
        ("pairs with all four counts equal to ours", "-", f"{equal} ({equal / PAIRS:.2%})", "-"),
        ("pairs with as many errors as ours", "-", equal, f"{as_few} ({as_few / PAIRS:.2%})"),
        ("pairs in which ours has fewer errors", "-", 0, fewer),
        ("errors in all", total(ours), total(theirs), sum(least)),
        ("seconds for all pairs", f"{ours_s:.2f}", f"{sclite_s:.2f}", f"{jiwer_s:.2f}"),
        ("times ours", "1", f"{sclite_s / ours_s:.2f}", f"{jiwer_s / ours_s:.2f}"),
    ]
    notes = (
        f"{words} reference words, made by `random_texts({PAIRS}, seed={SEED})` and normalised by "
        f"{normalizer_for('en-US').name} in {normalizing_s:.2f} s. sclite runs once over all pairs, files "
        f"and start included; jiwer once per pair, as we do. One pair of 1000 x {len(long[1])} words takes "
        f"us {long_s * 1000:.0f} ms. jiwer counts each error 1 and so finds the least number of errors; "
        "sclite's costs (4, 3, 3) prefer an insertion and a deletion around a hit now and then."
    )
    write_result(
        "sclite_agreement",
        "Word error counts beside sclite's",
        rows,
        packages=("jiwer", "rapidfuzz", "numpy"),
        notes=notes + f" sclite: Debian package sctk {sctk_version()}.",
    )


def timed(work: Callable[[], T]) -> tuple[T, float]:
    begun = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begun


def jiwer_errors(pairs: Sequence[WordPair]) -> list[int]:
    results = (jiwer.process_words(" ".join(left), " ".join(right)) for left, right in pairs)
    return [result.substitutions + result.deletions + result.insertions for result in results]


def total(counts: Sequence[ErrorCounts]) -> int:
    return sum(one.errors for one in counts)


def sctk_version() -> str:
    if shutil.which("dpkg-query") is None:
        return "unknown"
    run = subprocess.run(
        ["dpkg-query", "-W", "-f=${Version}", "sctk"], capture_output=True, text=True, check=False
    )
    return run.stdout or "unknown"


if __name__ == "__main__":
    main()
