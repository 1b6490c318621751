"""Reports and score files, read from the blob store for pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tympan.domain.dataset import StoredFile
from tympan.domain.evaluation import Evaluation
from tympan.ports.blobs import BlobStore

_LARGEST = 64 * 1024 * 1024

Members = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AlignedHypothesis:
    """One model on one recording, word by word.

    Attributes:
        model: Name of the model.
        rate: Its word error rate on this recording.
        columns: ``op`` (C, S, D, I) with ``ref`` and ``hyp`` where there are such words.
    """

    model: str
    rate: float
    columns: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class AlignedRecording:
    """One recording as every model heard it."""

    name: str
    reference: str
    hypotheses: Sequence[AlignedHypothesis]


def read_report(blobs: BlobStore, files: Sequence[StoredFile], name: str) -> Members | None:
    """A JSON file of a resource; None when there is none, or none that fits a page."""
    for file in files:
        if file.name == name and file.size_bytes <= _LARGEST:
            value = json.loads(b"".join(blobs.stream(file.key)))
            return value if isinstance(value, dict) else None
    return None


def objects(members: Members | None, name: str) -> list[Members]:
    """The objects of a list member; empty when it is absent."""
    value = None if members is None else members.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def worst_recordings(
    blobs: BlobStore, evaluation: Evaluation, names: Mapping[str, str], count: int
) -> Iterator[AlignedRecording]:
    """The recordings with the most word errors of the last model, aligned word by word."""
    summary = read_report(blobs, evaluation.files, "summary.json")
    by_name = {file.name: file for file in evaluation.files}
    for recording in sorted(objects(summary, "recordings"), key=_errors, reverse=True)[:count]:
        if _errors(recording) == 0:
            return
        audio = str(recording.get("audio", ""))
        hypotheses = []
        for number, model_id in enumerate(evaluation.model_ids, start=1):
            file = by_name.get(f"{audio}.model{number}_score.json")
            score = None if file is None else read_report(blobs, [file], file.name)
            rate = None if score is None else score.get("wordErrorRate")
            columns = [
                {key: str(value) for key, value in column.items()} for column in objects(score, "alignment")
            ]
            shown = float(rate) if isinstance(rate, int | float) else 0.0
            hypotheses.append(AlignedHypothesis(names[model_id], shown, columns))
        yield AlignedRecording(audio, str(recording.get("reference") or ""), hypotheses)


def _errors(recording: Members) -> int:
    models = objects(recording, "models")
    counts = models[-1].get("counts") if models else None
    if not isinstance(counts, dict):
        return 0
    return sum(int(counts.get(kind, 0)) for kind in ("substitutions", "deletions", "insertions"))
