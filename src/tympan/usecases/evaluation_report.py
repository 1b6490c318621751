"""The report of an evaluation: every measure, and what it takes to repeat them.

Same inputs, same bytes: nothing in it depends on when it is written. The form is
``docs/evaluation-report.schema.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tympan.domain.dataset import Dataset
from tympan.domain.evaluation import Comparison, Evaluation, ModelScore
from tympan.domain.manifest import Utterance
from tympan.domain.model import CustomModel, Model
from tympan.ports.blobs import BlobStore
from tympan.ports.recognizer import BUNDLE_INFO_FILE, BundleInfo
from tympan.speech.bootstrap import DRAWS, LEAST_RECORDINGS, SEED
from tympan.speech.evaluation.matched_pairs import SIGNIFICANCE
from tympan.speech.evaluation.power import TYPICAL_DESIGN_EFFECT, design_effect, detectable_difference
from tympan.speech.evaluation.slices import Slice, slices
from tympan.speech.evaluation.suspects import Suspect
from tympan.speech.metrics import DELETION_COST, INSERTION_COST, SUBSTITUTION_COST
from tympan.usecases.evaluation_analysis import Analysis, ModelFindings
from tympan.usecases.heard_facts import Timing
from tympan.usecases.model_lookup import adaptation_of, bundle_of
from tympan.usecases.recording_score import count_members
from tympan.usecases.report_comparisons import compared_members, pair_members
from tympan.usecases.report_measures import (
    by_speaker_interval,
    calibration_members,
    contamination_members,
    entity_members,
    flag_members,
    interval_members,
    term_members,
    timing_members,
)
from tympan.usecases.score_report import ModelTally, total_members
from tympan.usecases.training_overlap import Contamination

REPORT_NAME = "report.json"
SCHEMA_VERSION = 1

_MOST_SUSPECTS = 500
_MOST_WORDS = 2000
_LEAST_SAID = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInputs:
    """What the report is written from.

    Attributes:
        models: In the order of the evaluation.
        tallies, scores: One per model.
        comparisons: Each later model with the first.
        contaminations: One per model.
        timings: One per model.
        warnings: As shown with the evaluation.
    """

    evaluation: Evaluation
    dataset: Dataset
    utterances: Sequence[Utterance]
    models: Sequence[Model]
    analysis: Analysis
    tallies: Sequence[ModelTally]
    scores: Sequence[ModelScore]
    comparisons: Sequence[Comparison]
    contaminations: Sequence[Contamination]
    timings: Sequence[Timing]
    warnings: Sequence[str]


def report_bytes(inputs: ReportInputs, blobs: BlobStore) -> bytes:
    """The whole report as JSON."""
    analysis, evaluation = inputs.analysis, inputs.evaluation
    pairs = pair_members(analysis, inputs.scores)
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "evaluation": {
            "id": evaluation.id,
            "displayName": evaluation.display_name,
            "locale": evaluation.locale,
        },
        "dataset": _dataset_members(inputs),
        "conditions": _conditions(analysis),
        "warnings": list(inputs.warnings),
        "models": [_model_members(inputs, at, blobs) for at in range(len(inputs.models))],
        "comparisons": [
            compared_members(analysis, at, one, pairs.tests[0, at])
            for at, one in enumerate(inputs.comparisons, start=1)
        ],
        "pairs": pairs.members,
        "ranking": pairs.ranking,
        "slices": [
            _slice_members(one) for one in slices(analysis.columns, [m.recordings for m in analysis.models])
        ],
        "terms": _terms(analysis),
        "words": list(_words(analysis)),
        "suspects": list(_suspects(inputs)),
        "recordings": [_recording_members(inputs, at) for at in range(len(inputs.utterances))],
    }
    document["digest"] = hashlib.sha256(_json(document)).hexdigest()
    return _json(document)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()


def _dataset_members(inputs: ReportInputs) -> dict[str, Any]:
    columns = inputs.analysis.columns
    speakers = {one["speaker"] for one in columns if "speaker" in one}
    measured = [one for one in inputs.analysis.signal_to_noise if one is not None]
    return {
        "id": inputs.dataset.id,
        "displayName": inputs.dataset.display_name,
        "manifest": inputs.dataset.manifest_key,
        "recordings": len(inputs.utterances),
        "audioSeconds": round(sum(one.duration_s for one in inputs.utterances), 3),
        "words": sum(inputs.analysis.said.values()),
        "differentWords": len(inputs.analysis.said),
        "speakers": len(speakers) or None,
        "meanSignalToNoise": round(sum(measured) / len(measured), 1) if measured else None,
    }


def _conditions(analysis: Analysis) -> dict[str, Any]:
    normalizer = analysis.normalizer
    return {
        "normalizer": {
            "name": normalizer.name,
            "fingerprint": normalizer.fingerprint,
            "steps": [step.name for step in normalizer.steps],
        },
        # Words of scripts without spaces are characters, so that there the two rates are one.
        "headline": "characterErrorRate" if normalizer.is_unspaced else "wordErrorRate",
        "alignmentCosts": {
            "substitution": SUBSTITUTION_COST,
            "deletion": DELETION_COST,
            "insertion": INSERTION_COST,
        },
        "bootstrap": {"unit": "recording", "draws": DRAWS, "seed": SEED, "leastRecordings": LEAST_RECORDINGS},
        "significance": SIGNIFICANCE,
    }


def _model_members(inputs: ReportInputs, at: int, blobs: BlobStore) -> dict[str, Any]:
    analysis = inputs.analysis
    model, found, score = inputs.models[at], analysis.models[at], inputs.scores[at]
    bundle = bundle_of(model)
    contamination = inputs.contaminations[at]
    rates = [one.rate for one in found.recordings]
    return {
        **total_members(inputs.tallies[at], score),
        "version": bundle.digest,
        "kind": "custom" if isinstance(model, CustomModel) else "base",
        "adaptation": list(adaptation_of(model)),
        "decoding": _decoding(model, blobs),
        "timing": timing_members(inputs.timings[at], score),
        "wordErrorRateIntervalBySpeaker": by_speaker_interval(analysis.columns, found.recordings),
        "meanRecordingErrorRate": sum(rates) / len(rates) if rates else None,
        "power": _power_members(found, score),
        "terms": term_members(found, contamination, score.audio_s),
        "entities": entity_members(found.entities),
        "hallucinations": flag_members(found.flags, score.audio_s),
        "calibration": calibration_members(found.words),
        "contamination": contamination_members(contamination, len(inputs.utterances)),
    }


def _decoding(model: Model, blobs: BlobStore) -> dict[str, Any]:
    """How hypotheses were found; beam and context are the bundle's own."""
    bundle = bundle_of(model)
    keys = [file.key for file in bundle.files if file.name == BUNDLE_INFO_FILE]
    info = BundleInfo.from_json(b"".join(blobs.stream(keys[0])).decode()) if keys else None
    return {
        "engine": bundle.engine,
        "family": info.family if info else None,
        "beamSize": info.beam_size if info else None,
        "reducedContext": info.has_reduced_context if info else None,
        "voiceGated": True,
        "guarded": True,
        "profanity": "Raw",
        "phrases": 0,
    }


def _power_members(found: ModelFindings, score: ModelScore) -> dict[str, Any] | None:
    """What difference from this model the test set can show."""
    words, rate = score.words.reference_length, score.words.rate
    if words == 0:
        return None
    effect = design_effect(found.recordings)
    used = TYPICAL_DESIGN_EFFECT if effect is None else max(effect, 1.0)
    return {
        "designEffect": effect,
        "detectableDifference": detectable_difference(rate, words, design_effect=used),
    }


def _slice_members(one: Slice) -> dict[str, Any]:
    return {
        "column": one.column,
        "value": one.value,
        "recordings": one.recordings,
        "isSmall": one.is_small,
        "models": [
            {
                "wordErrorRate": counts.rate,
                "wordErrorRateInterval": interval_members(interval),
                "counts": count_members("words", counts),
            }
            for counts, interval in zip(one.words, one.intervals, strict=True)
        ],
    }


def _terms(analysis: Analysis) -> list[dict[str, Any]]:
    """Terms that were said or heard, most often said first."""
    first = analysis.models[0].by_term
    met = [
        (first[name].found + first[name].missed if name in first else 0, name)
        for name in analysis.terms.sources
        if any(name in model.by_term for model in analysis.models)
    ]
    return [
        {
            "term": name,
            "sources": list(analysis.terms.sources[name]),
            "said": said,
            "models": [
                {
                    "found": counts.found if counts else 0,
                    "missed": counts.missed if counts else 0,
                    "invented": counts.invented if counts else 0,
                }
                for counts in (model.by_term.get(name) for model in analysis.models)
            ],
        }
        for said, name in sorted(met, key=lambda item: (-item[0], item[1]))
    ]


def _words(analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Frequent reference words and how often each model has them right."""
    frequent = sorted(analysis.said.items(), key=lambda item: (-item[1], item[0]))[:_MOST_WORDS]
    for word, said in frequent:
        if said >= _LEAST_SAID:
            yield {"word": word, "said": said, "right": [model.right[word] for model in analysis.models]}


def _suspects(inputs: ReportInputs) -> Iterator[dict[str, Any]]:
    ranked = sorted(inputs.analysis.suspects.items(), key=lambda item: (-item[1].weight, item[0]))
    for place, suspect in ranked[:_MOST_SUSPECTS]:
        yield {
            "recording": recording_id(place),
            "audio": inputs.utterances[place].name,
            "reference": inputs.utterances[place].transcript,
            **_suspect_members(suspect),
        }


def _suspect_members(suspect: Suspect) -> dict[str, Any]:
    return {
        "reasons": [str(reason) for reason in suspect.reasons],
        "weight": suspect.weight,
        "changes": [
            {
                "start": one.start,
                "end": one.end,
                "reference": " ".join(one.reference),
                "heard": " ".join(one.heard),
            }
            for one in suspect.changes
        ],
    }


def _recording_members(inputs: ReportInputs, at: int) -> dict[str, Any]:
    utterance, analysis = inputs.utterances[at], inputs.analysis
    ratio = analysis.signal_to_noise[at]
    return {
        "id": recording_id(at),
        "audio": utterance.name,
        "audioKey": utterance.audio_key,
        "seconds": round(utterance.duration_s, 3),
        "signalToNoise": None if ratio is None else round(ratio, 1),
        "columns": analysis.columns[at],
        "isSuspected": at in analysis.suspects,
        "models": [
            {
                "wordErrorRate": model.recordings[at].rate,
                "counts": count_members("words", model.recordings[at]),
                "alignment": model.alignments[at],
                "confidence": model.confidences[at],
                "flags": [str(flag) for flag in model.flags[at]],
            }
            for model in analysis.models
        ],
    }


def recording_id(place: int) -> str:
    """The name of a recording in all files of an evaluation."""
    return f"rec_{place + 1:06d}"
