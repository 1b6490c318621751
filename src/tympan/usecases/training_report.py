"""The report of a training, and the parity check before a model may be published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tympan.domain.model import CustomModel
from tympan.ports.trainer import ParityOutcome, TrainingOutcome, TrainingSettings
from tympan.speech.audio_context import unadapted_context_s
from tympan.speech.metrics import count_words
from tympan.usecases.training_plan import DatasetUse, StoredPlan

PARITY_TOLERANCE = 0.02
"""Most that the serving engine's WER may lie above the trainer's."""

_PARITY_WORDS = 2
"""On few words a point is less than a word; so many more word errors are always allowed."""


def compare_engines(
    references: Sequence[str],
    trainer_texts: Sequence[str],
    engine_texts: Sequence[str],
    normalize: Callable[[str], str],
) -> ParityOutcome:
    """Hold the exported bundle against the weights that were trained.

    The engine must not be worse: its word errors may exceed the trainer's by 2 points of
    WER or by two words. The recording that speaks most against it is left aside, since a
    single one at the edge of a loop may tip over in another precision. It may be better: it
    cuts out loops, which the trainer does not.

    Args:
        references: Human texts; the other two are in the same order.
        trainer_texts: From the merged weights in the trainer, greedy.
        engine_texts: From the bundle in the serving engine, greedy.
        normalize: For scoring.
    """
    excess: list[int] = []
    words = trainer_errors = engine_errors = differing = 0
    for reference, ours, theirs in zip(references, trainer_texts, engine_texts, strict=True):
        expected, trained, served = (normalize(text).split() for text in (reference, ours, theirs))
        one, other = count_words(expected, trained), count_words(expected, served)
        words += one.reference_length
        trainer_errors += one.errors
        engine_errors += other.errors
        differing += trained != served
        excess.append(other.errors - one.errors)
    worse_by = sum(excess) - max([0, *excess]) if len(excess) > 1 else sum(excess)
    return ParityOutcome(
        trainer_wer=trainer_errors / words if words else None,
        engine_wer=engine_errors / words if words else None,
        differing=differing,
        total=len(excess),
        is_passed=worse_by <= max(_PARITY_WORDS, PARITY_TOLERANCE * words),
    )


def training_note(plan: StoredPlan, outcome: TrainingOutcome | None) -> str:
    """One plain sentence on what the training reached."""
    if outcome is None:
        return (
            "Nothing was trained: the base model's weights are used, with your rules applied to its results."
        )
    before, after = outcome.dev_wer_before, outcome.dev_wer_after
    if before is None or after is None:
        return (
            "There were too few uploaded recordings to hold any out, so nothing was measured. "
            "Test the model to see what it gained."
        )
    on_dev = f"on {len(plan.dev)} held-out recordings"
    if outcome.best_step == 0:
        return (
            f"The trained weights made clearly more errors than the base model {on_dev}, so the base model's "
            f"weights were kept (WER {before:.1%})."
        )
    change = f"WER {on_dev} went from {before:.1%} to {after:.1%}"
    if after < before:
        return f"{change}. Test the model on recordings of its own before you deploy it."
    return f"The model is not better than its base model: {change}. Test it before you deploy it."


def model_report(
    model: CustomModel,
    plan: StoredPlan,
    settings: TrainingSettings,
    outcome: TrainingOutcome | None,
    parity: ParityOutcome | None,
) -> dict[str, Any]:
    """The members of ``report.json`` that do not depend on the time or the machine.

    Source: developer reference, section 11, ModelReport.
    """
    origins = [example.origin for example in plan.examples]
    return {
        "schemaVersion": 1,
        "kind": "ModelReport",
        "model": model.id,
        "baseModel": model.base_model_id,
        "locale": model.locale,
        "datasets": [_dataset_part(use) for use in plan.uses],
        "warnings": list(plan.warnings),
        "note": training_note(plan, outcome),
        "weights": {"customModelWeightPercent": model.weight_percent},
        "settings": {
            "seed": settings.seed,
            "epochs": settings.epochs,
            "learningRate": settings.learning_rate,
            "batchSize": settings.batch_size,
            "loraRank": settings.lora_rank,
            "patience": settings.patience,
            "device": settings.device,
        },
        "examples": {origin: origins.count(origin) for origin in sorted(set(origins))},
        "exampleSeconds": round(sum(example.duration_s for example in plan.examples), 1),
        "shownSeconds": sum(unadapted_context_s(one.duration_s) for one in (*plan.examples, *plan.dev)),
        "heldOutRecordings": len(plan.dev),
        "metrics": _metrics(outcome),
        "parity": _parity_part(parity),
    }


def timing_part(started_at: datetime, finished_at: datetime) -> dict[str, Any]:
    """When it was trained, and for how long."""
    return {
        "startedDateTime": started_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "finishedDateTime": finished_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "trainingSeconds": round((finished_at - started_at).total_seconds(), 1),
    }


def model_summary(plan: StoredPlan, outcome: TrainingOutcome | None) -> Mapping[str, Any]:
    """The figures worth showing in a list."""
    return {
        "dev_wer_before": outcome.dev_wer_before if outcome else None,
        "dev_wer_after": outcome.dev_wer_after if outcome else None,
        "used_lines": sum(use.used_lines for use in plan.uses),
        "skipped_lines": sum(sum(use.skipped.values()) for use in plan.uses),
        "note": training_note(plan, outcome),
    }


def _dataset_part(use: DatasetUse) -> dict[str, Any]:
    return {
        "id": use.id,
        "kind": use.kind,
        "displayName": use.name,
        "usedLines": use.used_lines,
        "skippedLines": sum(use.skipped.values()),
        "usedAudioSeconds": use.used_audio_s,
        "textOnly": use.is_text_only,
        "skipped": [
            {"reason": reason, "count": count, "samples": list(use.samples.get(reason, ()))}
            for reason, count in sorted(use.skipped.items())
        ],
        "warnings": list(use.warnings),
    }


def _metrics(outcome: TrainingOutcome | None) -> dict[str, Any]:
    if outcome is None:
        return {}
    return {
        "devWerBefore": outcome.dev_wer_before,
        "devWerAfter": outcome.dev_wer_after,
        "keptStep": outcome.best_step,
        "steps": outcome.steps,
        "lossPerEpoch": [round(loss, 4) for loss in outcome.losses],
        "cpuSeconds": outcome.cpu_s,
        "peakMemoryBytes": outcome.peak_memory_bytes,
        "device": outcome.device,
    }


def _parity_part(parity: ParityOutcome | None) -> dict[str, Any]:
    if parity is None:
        return {}
    return {
        "trainerWer": parity.trainer_wer,
        "engineWer": parity.engine_wer,
        "differingRecordings": parity.differing,
        "recordings": parity.total,
        "tolerance": PARITY_TOLERANCE,
        "isPassed": parity.is_passed,
    }
