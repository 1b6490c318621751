"""References that are probably wrong, so that people listen there first.

Test sets hold mistakes too. Models that were trained on different data seldom make the same
mistake at the same place; where all of them write the same other words, the transcript is worth
a look. A suspicion changes no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tympan.speech.metrics import Alignment, Operation

LEAST_MODELS = 2
FASTEST_WORDS_PER_S = 7.0
FASTEST_CHARACTERS_PER_S = 15.0
"""Written faster than anybody speaks: the transcript belongs to more than this recording."""

UNLIKE_RATE = 0.8
SURE = 0.7
"""A model that is this sure of words with this error rate was probably given another text."""

_LEAST_WORDS = 4


class Suspicion(StrEnum):
    """Why a reference is suspected."""

    MODELS_AGREE = "modelsAgree"
    NOTHING_MATCHES = "nothingMatches"
    IMPOSSIBLE_RATE = "impossibleRate"
    NOT_SILENT = "notSilent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one model heard.

    Attributes:
        words: Normalised.
        alignment: With the reference.
        confidence: Mean over its words; None when the engine gave none.
    """

    words: Sequence[str]
    alignment: Alignment
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedChange:
    """Words of the reference, and what every model heard instead.

    Attributes:
        start, end: Reference words ``[start, end)``; equal where words are missing there.
        reference: Those words.
        heard: What all models heard there; empty where all heard nothing.
    """

    start: int
    end: int
    reference: tuple[str, ...]
    heard: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A suspected reference.

    Attributes:
        reasons: At least one.
        changes: Where all models agree against it.
        weight: Suspected words, to rank by.
    """

    reasons: tuple[Suspicion, ...]
    changes: tuple[AgreedChange, ...]
    weight: int


def suspect_reference(
    reference: Sequence[str], readings: Sequence[Reading], *, duration_s: float, is_unspaced: bool = False
) -> Suspect | None:
    """Judge one reference by what all models heard.

    Args:
        reference: Normalised words.
        readings: Of different models; agreement takes at least two.
        duration_s: Length of the recording.
        is_unspaced: Words are characters.
    """
    changes = agreed_changes(reference, readings) if len(readings) >= LEAST_MODELS else ()
    fastest = FASTEST_CHARACTERS_PER_S if is_unspaced else FASTEST_WORDS_PER_S
    signs = {
        Suspicion.MODELS_AGREE: bool(changes),
        Suspicion.NOTHING_MATCHES: len(reference) >= _LEAST_WORDS and all(map(_is_sure_of_other, readings)),
        Suspicion.IMPOSSIBLE_RATE: len(reference) >= _LEAST_WORDS and len(reference) > fastest * duration_s,
        Suspicion.NOT_SILENT: not reference and all(map(_is_sure_of_words, readings)),
    }
    reasons = tuple(one for one in Suspicion if signs[one])
    if not reasons or not readings:
        return None
    agreed = sum(max(len(one.reference), len(one.heard)) for one in changes)
    whole = max(len(reference), len(readings[0].words)) if set(reasons) - {Suspicion.MODELS_AGREE} else 0
    return Suspect(reasons=reasons, changes=changes, weight=max(agreed, whole))


def agreed_changes(reference: Sequence[str], readings: Sequence[Reading]) -> tuple[AgreedChange, ...]:
    """Stretches of the reference for which all models wrote the same other words."""
    changes = [_changes(one) for one in readings]
    shared = set(changes[0]).intersection(*changes[1:])
    return tuple(
        AgreedChange(start=start, end=end, reference=tuple(reference[start:end]), heard=heard)
        for start, end, heard in sorted(shared)
    )


def _changes(reading: Reading) -> list[tuple[int, int, tuple[str, ...]]]:
    """Runs of errors: the reference words they replace, and the words put there."""
    found: list[tuple[int, int, tuple[str, ...]]] = []
    start, at = 0, 0
    heard: list[str] = []
    is_open = False
    for pair in reading.alignment.pairs:
        if pair.operation is Operation.CORRECT:
            if is_open:
                found.append((start, at, tuple(heard)))
            at += 1
            start, heard, is_open = at, [], False
            continue
        is_open = True
        at += pair.reference is not None
        if pair.hypothesis is not None:
            heard.append(reading.words[pair.hypothesis])
    if is_open:
        found.append((start, at, tuple(heard)))
    return found


def _is_sure_of_other(reading: Reading) -> bool:
    counts = reading.alignment.counts
    return bool(reading.words) and counts.rate >= UNLIKE_RATE and (reading.confidence or 0.0) >= SURE


def _is_sure_of_words(reading: Reading) -> bool:
    return bool(reading.words) and (reading.confidence or 0.0) >= SURE
