"""How sure an error rate is, and a difference of two: bootstrap over recordings.

Words of one recording go wrong together, so recordings are drawn and not words (Bisani and
Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP
2004). Two models are compared on the same draws. The seed is fixed: the same counts give the
same interval.

Draws from very few recordings look far too much alike: four that all got better would make
any model better "with 100 %". So fewer than ``LEAST_RECORDINGS`` decide nothing, and a single
one says nothing at all about others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tympan.domain.evaluation import Comparison, ErrorCounts, Interval

DRAWS = 10_000
SEED = 20_260_101
LEVEL = 0.95
LEAST_RECORDINGS = 10
"""Fewer than this make no fair sample, however narrow the interval looks."""

_LEAST_TO_DRAW = 2
_CELLS_AT_ONCE = 1 << 21  # recordings x draws held in memory, 8 bytes each


def rate_interval(recordings: Sequence[ErrorCounts], *, draws: int = DRAWS, seed: int = SEED) -> Interval:
    """The 95 % interval of the pooled error rate.

    Args:
        recordings: Counts of each recording. None or a single one gives all that a rate may
            be, since nothing is known of others.
        draws: Bootstrap draws.
        seed: Of the draws.
    """
    if len(recordings) < _LEAST_TO_DRAW:
        return Interval(low=0.0, high=max(1.0, _pooled_rate(recordings)), level=LEVEL)
    rates = _rates([recordings], draws=draws, seed=seed)[0]
    return _interval(rates)


def compare(
    model: tuple[str, Sequence[ErrorCounts]],
    baseline: tuple[str, Sequence[ErrorCounts]],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Comparison:
    """A later model against the first one, on the same recordings.

    Args:
        model: Id and counts of each recording.
        baseline: The same of the first model, recordings in the same order.
        draws: Bootstrap draws.
        seed: Of the draws.

    Raises:
        ValueError: The two have different numbers of recordings.
    """
    (model_id, counts), (baseline_id, baseline_counts) = model, baseline
    if len(counts) != len(baseline_counts):
        raise ValueError(f"{len(counts)} recordings cannot be paired with {len(baseline_counts)}")
    before, after = _pooled_rate(baseline_counts), _pooled_rate(counts)
    if len(counts) < _LEAST_TO_DRAW:
        difference = Interval(low=-max(1.0, before), high=max(1.0, after), level=LEVEL)
        probability = 0.5
    else:
        rates, baseline_rates = _rates([counts, baseline_counts], draws=draws, seed=seed)
        difference = _interval(rates - baseline_rates)
        probability = float((rates < baseline_rates).mean())
    return Comparison(
        model_id=model_id,
        baseline_id=baseline_id,
        difference=difference,
        relative_change=(after - before) / before if before else None,
        probability_better=probability,
        verdict=_verdict(difference, len(counts)),
    )


def _pooled_rate(recordings: Sequence[ErrorCounts]) -> float:
    return sum(recordings, ErrorCounts()).rate


def _verdict(difference: Interval, recordings: int) -> str:
    if recordings < LEAST_RECORDINGS:
        return "undecided"
    if difference.high < 0:
        return "better"
    return "worse" if difference.low > 0 else "undecided"


def _interval(values: NDArray[np.float64]) -> Interval:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(low=float(low), high=float(high), level=LEVEL)


def _rates(models: Sequence[Sequence[ErrorCounts]], *, draws: int, seed: int) -> NDArray[np.float64]:
    """Pooled error rates of drawn sets of recordings, shape ``(models, draws)``."""
    size = len(models[0])
    errors = np.array([[counts.errors for counts in model] for model in models])
    words = np.array([[counts.reference_length for counts in model] for model in models])
    generator = np.random.default_rng(seed)
    rates = np.empty((len(models), draws))
    for start in range(0, draws, max(1, _CELLS_AT_ONCE // size)):
        end = min(draws, start + max(1, _CELLS_AT_ONCE // size))
        chosen = generator.integers(0, size, size=(end - start, size), dtype=np.int32)
        for at in range(len(models)):
            rates[at, start:end] = _pooled(errors[at][chosen].sum(axis=1), words[at][chosen].sum(axis=1))
    return rates


def _pooled(errors: NDArray[np.int64], words: NDArray[np.int64]) -> NDArray[np.float64]:
    """The rule of ``ErrorCounts.rate``, also where no reference words were drawn."""
    return np.where(words > 0, errors / np.maximum(words, 1), (errors > 0).astype(np.float64))
