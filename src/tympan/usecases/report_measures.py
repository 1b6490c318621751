"""Measures of one model as members of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tympan.domain.evaluation import ErrorCounts, Interval, ModelScore
from tympan.speech.bootstrap import rate_interval
from tympan.speech.evaluation.calibration import calibration
from tympan.speech.evaluation.entities import EntityCounts, EntityKind
from tympan.speech.evaluation.hallucination import HallucinationFlag
from tympan.speech.evaluation.terms import TermCounts
from tympan.usecases.evaluation_analysis import ModelFindings
from tympan.usecases.heard_facts import Timing
from tympan.usecases.recording_score import count_members
from tympan.usecases.training_overlap import Contamination

_HOUR_S = 3600.0


def interval_members(interval: Interval) -> dict[str, float]:
    """An interval as members of a document."""
    return {"low": interval.low, "high": interval.high, "level": interval.level}


def by_speaker(
    columns: Sequence[Mapping[str, str]], recordings: Sequence[ErrorCounts]
) -> list[ErrorCounts] | None:
    """Counts of each speaker, in the order they first occur.

    None unless all are known, and there are several with several recordings.
    What one speaker says goes wrong together, over all of the speaker's recordings.
    """
    totals: dict[str, ErrorCounts] = {}
    for known, counts in zip(columns, recordings, strict=True):
        if "speaker" not in known:
            return None
        totals[known["speaker"]] = totals.get(known["speaker"], ErrorCounts()) + counts
    return list(totals.values()) if 1 < len(totals) < len(recordings) else None


def by_speaker_interval(
    columns: Sequence[Mapping[str, str]], recordings: Sequence[ErrorCounts]
) -> dict[str, float] | None:
    """Interval of the word error rate when speakers are drawn instead of recordings."""
    speakers = by_speaker(columns, recordings)
    return None if speakers is None else interval_members(rate_interval(speakers))


def term_members(found: ModelFindings, contamination: Contamination, audio_s: float) -> dict[str, Any] | None:
    """Terms of one model; None when no term was said or heard.

    Terms are told apart by whether the model has seen them in training, where that is known.
    """
    score = found.terms
    if not score.by_term:
        return None
    total = score.total()
    seen = [term for term in score.by_term if term in contamination.seen_terms]
    unseen = [term for term in score.by_term if term not in contamination.seen_terms]
    # A share of what was missed is an error rate, so that its interval is that of one.
    missed = [ErrorCounts(hits=one.found, deletions=one.missed) for one in found.term_counts]
    interval = rate_interval([one for one in missed if one.reference_length])
    return {
        **_term_counts(total),
        "recallInterval": {
            "low": max(0.0, 1 - interval.high),
            "high": 1 - interval.low,
            "level": interval.level,
        },
        "inventedPerHour": _per_hour(total.invented, audio_s),
        "seen": _term_counts(score.total(seen)) if contamination.is_known else None,
        "unseen": _term_counts(score.total(unseen)) if contamination.is_known else None,
        "biasedWords": _rate_members(score.biased),
        "unbiasedWords": _rate_members(score.unbiased),
    }


def entity_members(entities: Mapping[EntityKind, EntityCounts]) -> dict[str, Any]:
    """Entities by class; only classes that occur."""
    return {
        str(kind): {
            "entities": counts.entities,
            "exact": counts.exact,
            "exactMatch": counts.exact / counts.entities,
            **_rate_members(counts.words),
        }
        for kind, counts in entities.items()
    }


def flag_members(flags: Sequence[tuple[HallucinationFlag, ...]], audio_s: float) -> dict[str, Any]:
    """Signs of made-up words: recordings that show any, and each sign."""
    counts = Counter(flag for some in flags for flag in some)
    recordings = sum(map(bool, flags))
    return {
        "recordings": recordings,
        "perHour": _per_hour(recordings, audio_s),
        "flags": {str(flag): counts[flag] for flag in HallucinationFlag},
    }


def calibration_members(words: Iterable[tuple[float, bool]]) -> dict[str, Any] | None:
    """How good confidences are; None where the engine gave none."""
    measured = calibration(words)
    if measured is None:
        return None
    return {
        "words": measured.words,
        "wrong": measured.wrong,
        "expectedError": measured.expected_error,
        "normalizedCrossEntropy": measured.cross_entropy,
        "bins": [
            {
                "low": one.low,
                "high": one.high,
                "words": one.words,
                "meanConfidence": one.mean_confidence,
                "accuracy": one.accuracy,
            }
            for one in measured.bins
        ],
        "review": [{"reviewed": one.reviewed, "caught": one.caught} for one in measured.review],
    }


def contamination_members(one: Contamination, recordings: int) -> dict[str, Any]:
    """What the model has seen of the test in training."""
    texts = one.texts
    return {
        "isKnown": one.is_known,
        "recordings": len(one.recordings) if one.is_known else None,
        "recordingShare": len(one.recordings) / recordings if one.is_known and recordings else None,
        "sentences": None if texts is None else len(texts.sentences),
        "comparedSentences": None if texts is None else texts.compared,
        "coveredWordShare": texts.covered_words / texts.words if texts is not None and texts.words else None,
        "missingDatasets": list(one.missing_datasets),
    }


def timing_members(timing: Timing, score: ModelScore) -> dict[str, Any]:
    """How fast it was: seconds of work for each second of audio; below 1 is faster than speech."""
    audio_s = score.audio_s
    return {
        "engine": timing.engine or None,
        "devices": list(timing.devices),
        "atOnce": timing.at_once,
        "audioSeconds": round(audio_s, 3),
        "cpuSeconds": round(score.cpu_s, 3),
        "wallSeconds": timing.wall_s,
        "cpuRealTimeFactor": score.cpu_s / audio_s if audio_s else None,
        "realTimeFactor": timing.wall_s / audio_s if timing.wall_s is not None and audio_s else None,
    }


def _term_counts(counts: TermCounts) -> dict[str, Any]:
    return {
        "found": counts.found,
        "missed": counts.missed,
        "invented": counts.invented,
        "recall": counts.recall,
        "precision": counts.precision,
        "f1": counts.f1,
    }


def _rate_members(counts: ErrorCounts) -> dict[str, Any]:
    return {"wordErrorRate": counts.rate, "counts": count_members("words", counts)}


def _per_hour(count: int, audio_s: float) -> float | None:
    return count * _HOUR_S / audio_s if audio_s else None
