"""How well and how fast are spoken numbers written, locale by locale?

The cases are ``data/display_text.tsv``: locale, class, what the model writes, what shall be shown.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.record import write_result
from tympan.backends.inverse_text.normalizer import LibraryInverseNormalizer
from tympan.speech.display_format import DisplayFormatter
from tympan.speech.profane_words import profane_words

CASES = Path(__file__).parent / "data" / "display_text.tsv"
ROUNDS = 20
HEAD = (
    "locale",
    "cases right",
    "ordinary text unharmed",
    "classes with misses",
    "first text ms",
    "number ms",
    "ordinary text ms",
    "all of display ms",
)
PLAIN = ("plain", "small", "kept")


@dataclass(frozen=True)
class Case:
    locale: str
    kind: str
    spoken: str
    written: str


def main() -> None:
    cases = [Case(*line.split("\t")) for line in CASES.read_text("utf-8").splitlines()[1:]]
    inverse = LibraryInverseNormalizer()
    begun_s = {}
    for locale in dict.fromkeys(case.locale for case in cases):
        begun = time.perf_counter()
        inverse.normalize("twenty zwanzig veinte vingt venti vinte twintig", locale)
        begun_s[locale] = time.perf_counter() - begun
    rows: list[Sequence[object]] = [
        HEAD,
    ]
    for locale, first_s in begun_s.items():
        rows.append(measured(locale, [case for case in cases if case.locale == locale], inverse, first_s))
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        by_kind[case.kind].append(inverse.normalize(case.spoken, case.locale) == case.written)
    kinds = ", ".join(f"{kind} {sum(right)}/{len(right)}" for kind, right in sorted(by_kind.items()))
    numberless = Case("en-US", "none", "I think that all of us should go to the market today.", "")
    numberless_ms = median_ms([numberless], lambda text: inverse.normalize(text, "en-US"))
    without = f"A sentence without any number word takes {numberless_ms} ms."
    shown = {case: inverse.normalize(case.spoken, case.locale) for case in cases}
    misses = [
        f"- {case.locale}: {case.spoken} -> {text} (wanted: {case.written})"
        for case, text in shown.items()
        if text != case.written
    ]
    write_result(
        "display_text",
        "Spoken numbers in display text",
        rows,
        packages=("damga", "text2num"),
        notes="\n\n".join((f"By class: {kinds}.", f"{NOTES} {without}", "Misses:", "\n".join(misses))),
    )


NOTES = (
    f'Median over {ROUNDS} rounds of one call at a time. "First text" loads the language. "Number" is a '
    'sentence of the list with a number in it; "ordinary text" is one of the classes plain, small and kept, '
    'whose text must stay as it is. "All of display" is a sentence through numbers, owner\'s rules (none '
    "here) and profane words."
)


def measured(
    locale: str, cases: Sequence[Case], inverse: LibraryInverseNormalizer, first_s: float
) -> Sequence[object]:
    right = [case for case in cases if inverse.normalize(case.spoken, locale) == case.written]
    plain = [case for case in cases if case.kind in PLAIN]
    missed = dict.fromkeys(case.kind for case in cases if case not in right)
    formatter = DisplayFormatter(
        (), locale, profane=profane_words(locale), write_numbers=lambda text: inverse.normalize(text, locale)
    )
    numbers = [case for case in cases if case.kind not in PLAIN]
    return (
        locale,
        f"{len(right)}/{len(cases)}",
        f"{len([case for case in right if case in plain])}/{len(plain)}",
        ", ".join(missed) or "-",
        f"{first_s * 1000:.0f}",
        median_ms(numbers, lambda text: inverse.normalize(text, locale)),
        median_ms(plain, lambda text: inverse.normalize(text, locale)),
        median_ms(cases, formatter.format_display),
    )


def median_ms(cases: Sequence[Case], write: Callable[[str], object]) -> str:
    times = []
    for _ in range(ROUNDS):
        for case in cases:
            begun = time.perf_counter()
            write(case.spoken)
            times.append(time.perf_counter() - begun)
    return f"{statistics.median(times) * 1000:.2f}"


if __name__ == "__main__":
    main()
