"""Whether confidences mean what they say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
REVIEWED_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)

_CERTAIN = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Words whose confidence lies in ``[low, high)``; the last bin holds 1 as well.

    Attributes:
        mean_confidence, accuracy: None for an empty bin.
    """

    low: float
    high: float
    words: int
    mean_confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPoint:
    """What a reviewer finds who looks at the words of the lowest confidence.

    Attributes:
        reviewed: Share of words looked at.
        caught: Share of wrong words among them.
    """

    reviewed: float
    caught: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How well confidences tell right words from wrong ones.

    Attributes:
        words, wrong: Heard words with a confidence, and how many of them are wrong.
        expected_error: Expected calibration error: 0 is perfect.
        cross_entropy: Normalised cross entropy: 1 is perfect, 0 says no more than the mean;
            None when all words are right, or all wrong.
        bins: Ten of equal width.
        review: The cost curve; empty when nothing is wrong.
    """

    words: int
    wrong: int
    expected_error: float
    cross_entropy: float | None
    bins: tuple[Bin, ...]
    review: tuple[ReviewPoint, ...]


def calibration(words: Iterable[tuple[float, bool]]) -> Calibration | None:
    """Measure confidences.

    Args:
        words: Confidence of each heard word, 0 to 1, and whether it is right.

    Returns:
        None when there are no words.

    Source:
        Expected calibration error: Guo et al., "On calibration of modern neural networks",
        ICML 2017, equation 3. Normalised cross entropy: NIST, "The 2000 evaluation plan for
        Hub-5", appendix on confidence.
    """
    pairs = list(words)
    if not pairs:
        return None
    sure = np.clip(np.array([confidence for confidence, _ in pairs], dtype=np.float64), 0.0, 1.0)
    right = np.array([is_right for _, is_right in pairs], dtype=bool)
    places = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    bins = tuple(_bin(at, sure[places == at], right[places == at]) for at in range(BINS))
    error = sum(
        one.words * abs(one.accuracy - one.mean_confidence)
        for one in bins
        if one.accuracy is not None and one.mean_confidence is not None
    )
    wrong = int((~right).sum())
    return Calibration(
        words=len(pairs),
        wrong=wrong,
        expected_error=error / len(pairs),
        cross_entropy=_cross_entropy(sure, right),
        bins=bins,
        review=_review(sure, ~right) if wrong else (),
    )


def _bin(at: int, sure: NDArray[np.float64], right: NDArray[np.bool_]) -> Bin:
    return Bin(
        low=at / BINS,
        high=(at + 1) / BINS,
        words=int(sure.size),
        mean_confidence=float(sure.mean()) if sure.size else None,
        accuracy=float(right.mean()) if sure.size else None,
    )


def _cross_entropy(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> float | None:
    share = float(right.mean())
    if share in (0.0, 1.0):
        return None
    most = -(share * math.log2(share) + (1 - share) * math.log2(1 - share))
    sure = np.clip(sure, _CERTAIN, 1 - _CERTAIN)
    said = -float(np.where(right, np.log2(sure), np.log2(1 - sure)).mean())
    return (most - said) / most


def _review(sure: NDArray[np.float64], wrong: NDArray[np.bool_]) -> tuple[ReviewPoint, ...]:
    """Words of one confidence come in no order: of a part of them, the same part is wrong."""
    levels, places = np.unique(sure, return_inverse=True)
    sizes = np.bincount(places, minlength=levels.size)
    errors = np.bincount(places, weights=wrong, minlength=levels.size)
    seen = np.concatenate(([0], np.cumsum(sizes)))
    caught = np.concatenate(([0.0], np.cumsum(errors)))
    total = float(caught[-1])
    return tuple(
        ReviewPoint(reviewed=share, caught=_at(share * sure.size, seen, caught) / total)
        for share in REVIEWED_SHARES
    )


def _at(count: float, seen: Sequence[float] | NDArray[np.int64], caught: NDArray[np.float64]) -> float:
    return float(np.interp(count, seen, caught))
