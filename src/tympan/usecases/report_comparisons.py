"""Models against each other as members of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tympan.domain.evaluation import Comparison, ModelScore
from tympan.speech.bootstrap import compare
from tympan.speech.evaluation.matched_pairs import (
    SIGNIFICANCE,
    MatchedPairs,
    holm,
    indistinct_groups,
    matched_pairs,
)
from tympan.usecases.evaluation_analysis import Analysis, ModelFindings
from tympan.usecases.report_measures import by_speaker, interval_members
from tympan.usecases.score_report import comparison_members

_TOP = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTests:
    """Every pair of models tested.

    Attributes:
        tests: Members of each test, by the places of its two models.
        members: The same as a list.
        ranking: Places of models, best first, and which of them cannot be told apart.
    """

    tests: Mapping[tuple[int, int], dict[str, Any]]
    members: Sequence[dict[str, Any]]
    ranking: Mapping[str, Any]


def pair_members(analysis: Analysis, scores: Sequence[ModelScore]) -> PairTests:
    """Test every pair, with p values that hold for all pairs together."""
    results = {pair: matched_pairs(found.segments) for pair, found in analysis.pairs.items()}
    adjusted = dict(zip(results, holm([one.p_value for one in results.values()]), strict=True))
    tests = {pair: _test_members(one, adjusted[pair]) for pair, one in results.items()}
    order = sorted(range(len(scores)), key=lambda at: (scores[at].words.rate, at))
    rank = {at: place for place, at in enumerate(order)}
    differing = {
        (min(rank[first], rank[second]), max(rank[first], rank[second]))
        for (first, second) in results
        if tests[first, second]["differ"]
    }
    groups = indistinct_groups(len(order), differing)
    return PairTests(
        tests=tests,
        members=[{"models": list(pair), **members} for pair, members in tests.items()],
        ranking={"order": order, "indistinct": [[order[place] for place in group] for group in groups]},
    )


def compared_members(
    analysis: Analysis, at: int, comparison: Comparison, test: Mapping[str, Any]
) -> dict[str, Any]:
    """A later model with the first one: interval, test, and what became right or wrong."""
    pair = analysis.pairs[0, at]
    return {
        **comparison_members(comparison),
        "bySpeaker": _by_speaker(analysis, at, comparison),
        "matchedPairs": dict(test),
        "recordings": _recordings(analysis.models[0], analysis.models[at]),
        "words": {
            "fixed": pair.fixed.total(),
            "broken": pair.broken.total(),
            "bothRight": pair.both_right,
            "bothWrong": pair.both_wrong,
            "topFixed": _top(pair.fixed),
            "topBroken": _top(pair.broken),
        },
    }


def _by_speaker(analysis: Analysis, at: int, comparison: Comparison) -> dict[str, Any] | None:
    """The same comparison when speakers are drawn instead of recordings."""
    sides = [by_speaker(analysis.columns, analysis.models[one].recordings) for one in (0, at)]
    if sides[0] is None or sides[1] is None:
        return None
    result = compare((comparison.model_id, sides[1]), (comparison.baseline_id, sides[0]))
    return {
        "speakers": len(sides[0]),
        "difference": interval_members(result.difference),
        "probabilityBetter": result.probability_better,
        "verdict": result.verdict,
    }


def _test_members(result: MatchedPairs, adjusted: float) -> dict[str, Any]:
    return {
        "segments": result.segments,
        "meanDifference": result.mean_difference,
        "statistic": result.statistic,
        "pValue": result.p_value,
        "holmPValue": adjusted,
        "isReliable": result.is_reliable,
        # A handful of segments gives tiny p values by chance alone.
        "differ": result.is_reliable and adjusted < SIGNIFICANCE,
    }


def _recordings(baseline: ModelFindings, model: ModelFindings) -> dict[str, int]:
    """Recordings by whether each of the two has them without an error."""
    pairs = zip(baseline.recordings, model.recordings, strict=True)
    kinds = Counter((one.errors == 0, other.errors == 0) for one, other in pairs)
    return {
        "fixed": kinds[False, True],
        "broken": kinds[True, False],
        "bothRight": kinds[True, True],
        "bothWrong": kinds[False, False],
    }


def _top(words: Counter[str]) -> list[dict[str, Any]]:
    ranked = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:_TOP]
    return [{"word": word, "count": count} for word, count in ranked]
