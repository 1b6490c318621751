"""What an evaluation found, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tympan.domain.evaluation import Comparison, Evaluation, Interval, ModelScore
from tympan.speech.bootstrap import LEAST_RECORDINGS


def verdicts(evaluation: Evaluation, model_names: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each later model against the first; one for a model tested alone.

    Args:
        evaluation: One that has succeeded; any other has no sentences.
        model_names: Names by id; a model without one is called by its place.
    """
    scores = {score.model_id: score for score in evaluation.scores}
    names = {one: model_names.get(one, f"model {i}") for i, one in enumerate(evaluation.model_ids, start=1)}
    if len(evaluation.scores) == 1:
        yield _alone(evaluation.scores[0], names[evaluation.scores[0].model_id])
    for comparison in evaluation.comparisons:
        yield _against(comparison, scores[comparison.baseline_id], scores[comparison.model_id], names)


def percent(rate: float) -> str:
    """A rate as a percentage.

    >>> percent(0.1184)
    '11.8 %'
    """
    return f"{100 * rate:.1f} %"


def interval_text(interval: Interval) -> str:
    """An interval of rates, such as ``10.2 % to 13.4 %``."""
    return f"{percent(interval.low)} to {percent(interval.high)}"


def _alone(score: ModelScore, name: str) -> str:
    level = f"{100 * score.word_error_rate_interval.level:.0f} %"
    return (
        f"{name} has a word error rate of {percent(score.words.rate)} "
        f"({level} interval {interval_text(score.word_error_rate_interval)})."
    )


def _against(one: Comparison, baseline: ModelScore, score: ModelScore, names: Mapping[str, str]) -> str:
    better, worse = f"{names[one.model_id]} is better than", f"{names[one.model_id]} is worse than"
    neither = f"{names[one.model_id]} cannot be told apart from"
    opening = {"better": better, "worse": worse}.get(one.verdict, neither)
    change = "" if one.relative_change is None else f", {100 * one.relative_change:+.1f} % relative"
    low, high = (f"{100 * bound:+.1f}" for bound in (one.difference.low, one.difference.high))
    if one.verdict in ("better", "worse"):
        advice = ""
    elif score.sentence_count < LEAST_RECORDINGS:
        advice = (
            f" Only {score.sentence_count} recordings were tested; "
            f"fewer than {LEAST_RECORDINGS} decide nothing."
        )
    else:
        advice = " More test recordings would tell."
    return (
        f"{opening} {names[one.baseline_id]}: word error rate {percent(baseline.words.rate)} to "
        f"{percent(score.words.rate)}{change} (difference {low} to {high} points with "
        f"{100 * one.difference.level:.0f} % confidence; better with probability "
        f"{100 * one.probability_better:.1f} %).{advice}"
    )
