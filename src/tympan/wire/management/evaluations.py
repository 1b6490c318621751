"""Evaluation documents.

The published shape knows two models. Ours knows any number: ``models`` stands beside
``model1`` and ``model2``, and figures of further models carry their number as a suffix.
"""

from __future__ import annotations

from collections.abc import Mapping

from tympan.domain.errors import InvalidInputError
from tympan.domain.evaluation import Comparison, ErrorCounts, Evaluation, Interval, ModelScore
from tympan.wire.addresses import Addresses, reference
from tympan.wire.bodies import Body
from tympan.wire.management.entities import (
    ProjectMembers,
    failure_document,
    new_project_members,
    worked_members,
)
from tympan.wire.values import Document, present
from tympan.wire.verdicts import verdicts
from tympan.wire.versions import ApiVersion

FIXED = ("locale", "dataset", "model1", "model2", "models")
"""Members an update cannot change."""

_PUBLISHED_MODELS = 2
_TOKEN_CLASSES = ("punctuation", "capitalization", "inverseTextNormalization", "lexical", "others")


class NewEvaluationMembers(ProjectMembers):
    """What an evaluation takes."""

    dataset_id: str
    model_ids: tuple[str, ...]
    terms: tuple[str, ...]


def new_evaluation_members(body: Body, version: ApiVersion) -> NewEvaluationMembers:
    """Read the members of an evaluation to create.

    Models are taken from ``model1`` and ``model2``, then from ``models``; one that is
    named twice is tested once.

    Raises:
        InvalidInputError: A required member is absent or wrong.
    """
    dataset = body.reference("dataset", "datasets")
    if dataset is None:
        raise InvalidInputError("dataset is required.", target="dataset")
    numbered = (body.reference("model1", "models"), body.reference("model2", "models"))
    named = [one for one in (*numbered, *body.references("models", "models")) if one is not None]
    if not named:
        raise InvalidInputError("model1 is required: name at least one model to test.", target="model1")
    return {
        **new_project_members(body, version),
        "dataset_id": dataset,
        "model_ids": tuple(dict.fromkeys(named)),
        "terms": body.part("tympan").texts("terms") or (),
    }


def evaluation_document(
    evaluation: Evaluation, addresses: Addresses, model_names: Mapping[str, str] | None = None
) -> Document:
    """An evaluation as clients see it; counts are -1 until it has succeeded.

    Args:
        evaluation: What to write.
        addresses: For its links.
        model_names: Names of its models by id, for the sentences that say what came out.
    """
    references = [reference(addresses.model(one)) for one in evaluation.model_ids]
    # The published shape requires two models: one model tested alone stands for both.
    pair = (references * _PUBLISHED_MODELS)[:_PUBLISHED_MODELS]
    document = worked_members(evaluation, addresses)
    ours = document.pop("tympan")
    extra = ours if isinstance(ours, dict) else {}
    return present(
        {
            "self": addresses.management("evaluations", evaluation.id),
            "model1": pair[0],
            "model2": pair[1],
            "models": references,
            "dataset": reference(addresses.management("datasets", evaluation.dataset_id)),
            **_transcriptions(evaluation, addresses),
            "links": {"files": addresses.management("evaluations", evaluation.id, "files")},
            "properties": _properties(evaluation, addresses.version),
            **document,
            "tympan": extra
            | _statistics(evaluation, addresses)
            | present({"verdicts": list(verdicts(evaluation, model_names or {})) or None}),
        }
    )


def _transcriptions(evaluation: Evaluation, addresses: Addresses) -> Document:
    """What each model heard, as entities of their own; equal models share one."""
    urls = [reference(addresses.management("transcriptions", one)) for one in evaluation.transcription_ids]
    pair = (urls * _PUBLISHED_MODELS)[:_PUBLISHED_MODELS]
    return {f"transcription{number}": url for number, url in enumerate(pair, start=1)}


def _properties(evaluation: Evaluation, version: ApiVersion) -> Document:
    scores: list[ModelScore | None] = list(evaluation.scores) or [None] * len(evaluation.model_ids)
    if len(scores) == 1:
        scores *= _PUBLISHED_MODELS
    properties: Document = {}
    for number, score in enumerate(scores, start=1):
        figures = _NOT_YET if score is None else _figures(score)
        properties |= {
            f"{name}{number}": value
            for name, value in figures.items()
            if version >= ApiVersion.V3_2 or "token" not in name.lower()
        }
    return properties | present({"error": failure_document(evaluation.failure)})


def _figures(score: ModelScore) -> Document:
    return {
        "wordErrorRate": round(score.words.rate, 4),
        "sentenceErrorRate": round(_share(score.sentence_error_count, score.sentence_count), 3),
        "sentenceCount": score.sentence_count,
        **_counts("word", score.words),
        "tokenErrorRate": round(score.tokens.rate, 4),
        **_counts("token", score.tokens),
        "tokenErrors": _token_errors(score),
    }


def _counts(what: str, counts: ErrorCounts) -> Document:
    return {
        f"{what}Count": counts.reference_length,
        f"correct{what.title()}Count": counts.hits,
        f"{what}SubstitutionCount": counts.substitutions,
        f"{what}DeletionCount": counts.deletions,
        f"{what}InsertionCount": counts.insertions,
    }


def _token_errors(score: ModelScore) -> Document:
    total = sum(score.token_edits.values())
    return {
        name: {
            "numberOfEdits": score.token_edits.get(name, 0),
            "percentageOfAllEdits": round(100 * _share(score.token_edits.get(name, 0), total), 2),
        }
        for name in _TOKEN_CLASSES
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


_NOT_YET: Document = {
    "wordErrorRate": -1.0,
    "sentenceErrorRate": -1.0,
    "tokenErrorRate": -1.0,
    "sentenceCount": -1,
    **{name: -1 for what in ("word", "token") for name in _counts(what, ErrorCounts())},
}


def _statistics(evaluation: Evaluation, addresses: Addresses) -> Document:
    return present(
        {
            "normalizer": evaluation.normalizer,
            "scores": [_score(score, addresses) for score in evaluation.scores] or None,
            "comparisons": [_comparison(one, addresses) for one in evaluation.comparisons] or None,
            "warnings": list(evaluation.warnings) or None,
            "termCount": len(evaluation.terms) or None,
            "report": _report_url(evaluation, addresses),
        }
    )


def _report_url(evaluation: Evaluation, addresses: Addresses) -> str | None:
    has_report = any(file.name == "report.json" for file in evaluation.files)
    return addresses.ours("evaluations", evaluation.id, "report") if has_report else None


def _score(score: ModelScore, addresses: Addresses) -> Document:
    return {
        "model": reference(addresses.model(score.model_id)),
        "wordErrorRate": score.words.rate,
        "wordErrorRateInterval": _interval(score.word_error_rate_interval),
        "words": score.words.reference_length,
        "substitutions": score.words.substitutions,
        "deletions": score.words.deletions,
        "insertions": score.words.insertions,
        "characterErrorRate": score.characters.rate,
        "audioSeconds": score.audio_s,
        "cpuSeconds": score.cpu_s,
    }


def _comparison(one: Comparison, addresses: Addresses) -> Document:
    return {
        "model": reference(addresses.model(one.model_id)),
        "baseline": reference(addresses.model(one.baseline_id)),
        "difference": _interval(one.difference),
        "relativeChange": one.relative_change,
        "probabilityBetter": one.probability_better,
        "verdict": one.verdict,
    }


def _interval(interval: Interval) -> Document:
    return {"low": interval.low, "high": interval.high, "level": interval.level}
