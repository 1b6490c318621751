"""Documents of comparisons across evaluations, and of what a test set can show."""

from __future__ import annotations

from tympan.domain.evaluation import ErrorCounts
from tympan.speech.evaluation.matched_pairs import CrossComparison
from tympan.speech.evaluation.power import SetPlan
from tympan.wire.addresses import Addresses, reference
from tympan.wire.values import Document


def comparison_document(compared: CrossComparison, addresses: Addresses) -> Document:
    """Two models of different evaluations side by side."""
    one, test = compared.comparison, compared.test
    return {
        "baseline": _side(one.baseline_id, compared.baseline, addresses),
        "model": _side(one.model_id, compared.model, addresses),
        "difference": {"low": one.difference.low, "high": one.difference.high, "level": one.difference.level},
        "relativeChange": one.relative_change,
        "probabilityBetter": one.probability_better,
        "verdict": one.verdict,
        "matchedPairs": {
            "segments": test.segments,
            "statistic": test.statistic,
            "pValue": test.p_value,
            "isReliable": test.is_reliable,
        },
        "words": {"fixed": compared.fixed, "broken": compared.broken},
    }


def plan_document(plan: SetPlan) -> Document:
    """What a test set can show."""
    return {
        "recordings": plan.recordings,
        "words": plan.words,
        "audioSeconds": plan.audio_s,
        "detectableDifference": plan.detectable_difference,
        "isFairSample": plan.is_fair_sample,
    }


def _side(model_id: str, counts: ErrorCounts, addresses: Addresses) -> Document:
    return {
        "model": reference(addresses.model(model_id)),
        "wordErrorRate": counts.rate,
        "words": counts.reference_length,
        "substitutions": counts.substitutions,
        "deletions": counts.deletions,
        "insertions": counts.insertions,
    }
