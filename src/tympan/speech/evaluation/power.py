"""What a test set can show before anything is tested."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from tympan.domain.evaluation import ErrorCounts

TYPICAL_DESIGN_EFFECT = 2.0
"""How many times wider intervals are, squared, than if words went wrong independently.

Errors come in bunches. Measured values of ordinary test sets lie between 1.5 and 4; an
evaluation says the value of its own (``design_effect``).
"""

_ALPHA = 0.05
_POWER = 0.8
_LEAST_RECORDINGS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """What a test set can show.

    Attributes:
        recordings, words, audio_s: How much there is; words about as they will be counted.
        detectable_difference: Of word error rates, see below.
        is_fair_sample: Whether there are recordings enough for any verdict.
    """

    recordings: int
    words: int
    audio_s: float
    detectable_difference: float
    is_fair_sample: bool


def detectable_difference(
    word_error_rate: float, words: int, *, design_effect: float = TYPICAL_DESIGN_EFFECT
) -> float:
    """The smallest difference in word error rate that will be seen four times in five.

    ``(z(1 - alpha/2) + z(power)) * sqrt(D * deff / words)``, alpha 5 %, power 80 %. ``D`` is the
    share of words that only one of the two models has right. It is not known beforehand and
    taken as the word error rate: half of the errors of each model are its own.

    Args:
        word_error_rate: About what the baseline reaches, from 0 to 1.
        words: Of the reference.
        design_effect: How much errors bunch.

    Returns:
        A difference of rates; 0.016 are 1.6 points.

    Raises:
        ValueError: There are no words, or a rate or effect is negative.

    Source:
        The sample size formula for paired proportions (Connor, "Sample size for testing
        differences in proportions for the paired-sample design", Biometrics 43, 1987).

    >>> round(detectable_difference(0.1, 5000), 4)
    0.0177
    """
    if words < 1 or word_error_rate < 0 or design_effect <= 0:
        raise ValueError("There must be words, and no rate below 0.")
    return _reach() * math.sqrt(word_error_rate * design_effect / words)


def words_needed(
    word_error_rate: float, difference: float, *, design_effect: float = TYPICAL_DESIGN_EFFECT
) -> int:
    """How many words it takes to see a difference; the inverse of ``detectable_difference``.

    >>> words_needed(0.1, 0.01)
    15698

    Raises:
        ValueError: The difference is not above 0.
    """
    if difference <= 0:
        raise ValueError("The difference to be seen must be above 0.")
    return math.ceil(word_error_rate * design_effect * (_reach() / difference) ** 2)


def design_effect(recordings: Sequence[ErrorCounts]) -> float | None:
    """How much the errors of a test bunch in recordings.

    The variance of the pooled rate by the ratio estimator (Cochran, "Sampling techniques", 1977,
    section 6.4), over the variance if words went wrong independently. None where there
    are fewer than two recordings, no words, no errors or nothing but errors.
    """
    words = sum(one.reference_length for one in recordings)
    errors = sum(one.errors for one in recordings)
    count = len(recordings)
    if count < _LEAST_RECORDINGS or not 0 < errors < words:
        return None
    rate = errors / words
    residuals = sum((one.errors - rate * one.reference_length) ** 2 for one in recordings)
    variance = residuals * count / (count - 1) / words**2
    return variance / (rate * (1 - rate) / words)


def _reach() -> float:
    normal = NormalDist()
    return normal.inv_cdf(1 - _ALPHA / 2) + normal.inv_cdf(_POWER)
