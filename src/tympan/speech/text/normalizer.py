"""A normaliser: named steps in a fixed order."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from tympan.speech.text.rewriting import Span, Step

PROBES = (
    "It's 5 o'clock, Ann-Marie — “don't”… U.S.A. & 3rd @ 1999, $5.10, 50 %, 1,234.5, 10:30 a.m. 2½ 007",
    "Am 21. Mai 2024 um 12:23 Uhr, 3,50 €, 1.000 Stück, zwei und dreißig, 1990er, ß, Straße 105",
    "Le 3e à 12h30 : 1 000,5 € l'été, vingt et un, Nº 5. El 3º, ¿qué? 1.º años 2,5 £",
    "Één 2e 21ste, quinta-feira 3ª, perché 1°, São 10 reais; Ёлка 21, İstanbul, ΟΔΟΣ 7",
    "￥3.5，我用ａbc在2024年10:05，104个。ガイドは２人！안녕 21명 ١٢٣ ไทย 5",
)
"""Texts that touch every rule; what becomes of them tells versions of a normaliser apart."""


@dataclass(frozen=True, slots=True)
class StepTrace:
    """What one step did to a text."""

    step: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class WordTrace:
    """Where a normalised word came from.

    Attributes:
        word: The word as it is compared.
        start: First character of its source in the text as it came.
        end: One past the last.
        source: ``text[start:end]``. Several words share one source when an expression such
            as ``$5`` becomes words.
    """

    word: str
    start: int
    end: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalizer:
    """Turns text into the words that are compared.

    Normalising twice is the same as normalising once.

    Attributes:
        name: Language and version, such as ``tympan-en/1``. Scores are comparable only when
            their normalisers have the same name, so any change of a rule needs a new version.
        steps: In the order they are applied.
        is_unspaced: Words are characters, for scripts written without spaces.
    """

    name: str
    steps: tuple[Step, ...]
    is_unspaced: bool = False

    def normalize(self, text: str) -> str:
        """The compared words, joined by single spaces; empty when nothing is left."""
        for step in self.steps:
            text = step.apply(text)
        return text

    @property
    def fingerprint(self) -> str:
        """12 characters that change when the rules do: of the steps, and what they make of ``PROBES``."""
        parts = [self.name, *(step.name for step in self.steps), *map(self.normalize, PROBES)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    def words(self, text: str) -> list[str]:
        """The compared words."""
        return self.normalize(text).split()

    def trace(self, text: str) -> list[StepTrace]:
        """Every step, also those that changed nothing."""
        traces: list[StepTrace] = []
        for step in self.steps:
            after = step.apply(text)
            traces.append(StepTrace(step.name, text, after))
            text = after
        return traces

    def trace_words(self, text: str) -> list[WordTrace]:
        """The compared words, each with the stretch of ``text`` it came from."""
        spans: list[Span] = [(at, at + 1) for at in range(len(text))]
        after = text
        for step in self.steps:
            after, spans = step.apply_traced(after, spans)
        traces: list[WordTrace] = []
        for match in re.finditer(r"\S+", after):
            touched = spans[match.start() : match.end()]
            start, end = min(start for start, _ in touched), max(end for _, end in touched)
            traces.append(WordTrace(match.group(), start, end, text[start:end]))
        return traces
