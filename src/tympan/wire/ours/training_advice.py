"""The document of what is said before a training."""

from __future__ import annotations

from collections.abc import Mapping

from tympan.domain.training_advice import Advice, DatasetAdvice, Estimate, Gain
from tympan.wire.addresses import Addresses, reference
from tympan.wire.values import Document, present


def advice_document(advice: Advice, addresses: Addresses) -> Document:
    """Advice as clients see it; a member that is absent is not known."""
    return present(
        {
            "canTrain": not advice.refusals,
            "refusals": list(advice.refusals),
            "baseModel": {
                **reference(addresses.management("models", "base", advice.base.id)),
                "displayName": advice.base.display_name,
            },
            "locale": advice.base.locale,
            "audioMinutes": round(advice.audio_s / 60, 2),
            "sentences": advice.sentences,
            "speakers": advice.speakers,
            "heldOutRecordings": advice.held_out,
            "replaySentences": advice.replay,
            "datasets": [_dataset(one) for one in advice.datasets],
            "recipe": [
                {"kind": one.kind, "lines": one.lines, "examples": one.examples, "becomes": one.becomes}
                for one in advice.recipe
            ],
            "estimate": None if advice.estimate is None else _estimate(advice.estimate),
            "expectedGain": [_gain(one) for one in advice.gains],
            "warnings": [{"code": one.code, "text": one.text} for one in advice.warnings],
        }
    )


def _dataset(one: DatasetAdvice) -> Document:
    return present(
        {
            "id": one.id,
            "kind": one.kind,
            "displayName": one.name,
            "usableLines": one.usable_lines,
            "usableAudioSeconds": one.audio_s,
            "rejectedByImport": one.rejected,
            "importFindings": dict(one.findings),
            "skipped": [{"reason": reason, "count": count} for reason, count in sorted(one.skipped.items())],
        }
    )


def _estimate(one: Estimate) -> Mapping[str, object]:
    return {
        "cpuSeconds": round(one.cpu_s, 1),
        "lowCpuSeconds": round(one.low_cpu_s, 1),
        "highCpuSeconds": round(one.high_cpu_s, 1),
        "memoryBytes": one.memory_bytes,
        "calibration": one.calibration,
        "source": one.source,
    }


def _gain(one: Gain) -> Document:
    return present(
        {
            "kind": one.kind,
            "measure": one.measure,
            "lowShare": one.low,
            "highShare": one.high,
            "source": one.source,
        }
    )
