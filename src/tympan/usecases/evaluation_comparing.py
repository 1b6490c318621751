"""Comparing models across evaluations, and saying beforehand what a test set can show."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tympan.domain.errors import InvalidInputError, InvalidStateError
from tympan.domain.evaluation import ErrorCounts, Evaluation
from tympan.domain.manifest import Utterance
from tympan.ports.blobs import BlobStore
from tympan.ports.store import Store
from tympan.speech.bootstrap import LEAST_RECORDINGS, compare
from tympan.speech.evaluation.contamination import plain_words
from tympan.speech.evaluation.matched_pairs import CrossComparison, matched_pairs, segment_errors
from tympan.speech.evaluation.power import TYPICAL_DESIGN_EFFECT, SetPlan, detectable_difference
from tympan.speech.manifest_lines import read_records
from tympan.speech.metrics import Alignment
from tympan.usecases.evaluation_report import REPORT_NAME
from tympan.usecases.hearing_rules import check_heard_dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedModel:
    """A model of an evaluation, by its place from 1; None is the last."""

    evaluation_id: str
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """Works on the reports that evaluations have left; hears and aligns nothing again."""

    store: Store
    blobs: BlobStore

    def compare(self, baseline: ComparedModel, later: ComparedModel) -> CrossComparison:
        """Compare a model of one evaluation with a model of another.

        Raises:
            NotFoundError: An evaluation does not exist.
            InvalidStateError: One has no report.
            InvalidInputError: They were made with different recordings or normalisers, or there
                is no such model.
        """
        reports = [self._report(one.evaluation_id) for one in (baseline, later)]
        _check_same(reports)
        places = [_place(report, one) for report, one in zip(reports, (baseline, later), strict=True)]
        pairs = list(_aligned(reports, places))
        counts = [[one[side].counts for one in pairs] for side in (0, 1)]
        ids = [str(report["models"][at]["model"]) for report, at in zip(reports, places, strict=True)]
        fixed, broken = 0, 0
        for one, other in pairs:
            for was, now in zip(one.hits(), other.hits(), strict=True):
                fixed += now and not was
                broken += was and not now
        return CrossComparison(
            baseline=sum(counts[0], ErrorCounts()),
            model=sum(counts[1], ErrorCounts()),
            comparison=compare((ids[1], counts[1]), (ids[0], counts[0])),
            test=matched_pairs(segment for one, other in pairs for segment in segment_errors(one, other)),
            fixed=fixed,
            broken=broken,
        )

    def plan(self, dataset_id: str, word_error_rate: float) -> SetPlan:
        """Say what a dataset can show before anything is tested on it.

        Raises:
            InvalidInputError: It is unknown, has no transcripts or no words, or the rate is not above
                0 and below 1.
            InvalidStateError: It is still being imported.
        """
        if not 0 < word_error_rate < 1:
            raise InvalidInputError(
                "wordErrorRate must be above 0 and below 1, such as 0.12.", target="wordErrorRate"
            )
        with self.store.read() as tx:
            found = tx.datasets.find(dataset_id)
        dataset = check_heard_dataset(found, found.locale if found else "")
        utterances = list(read_records(self.blobs.stream(str(dataset.manifest_key)), Utterance))
        words = sum(len(plain_words(one.transcript or "")) for one in utterances)
        if words == 0:
            raise InvalidInputError(
                f"Dataset '{dataset.display_name}' has no transcripts. Name an Acoustic dataset.",
                target="dataset",
            )
        return SetPlan(
            recordings=len(utterances),
            words=words,
            audio_s=round(sum(one.duration_s for one in utterances), 3),
            detectable_difference=detectable_difference(
                word_error_rate, words, design_effect=TYPICAL_DESIGN_EFFECT
            ),
            is_fair_sample=len(utterances) >= LEAST_RECORDINGS,
        )

    def _report(self, evaluation_id: str) -> Mapping[str, Any]:
        with self.store.read() as tx:
            evaluation: Evaluation = tx.evaluations.get(evaluation_id)
        for file in evaluation.files:
            if file.name == REPORT_NAME:
                report: Mapping[str, Any] = json.loads(b"".join(self.blobs.stream(file.key)))
                return report
        raise InvalidStateError(
            f"Evaluation '{evaluation.display_name}' is {evaluation.status} and has no report. Wait for it, "
            "or score it again.",
            target="evaluation",
        )


def _check_same(reports: Sequence[Mapping[str, Any]]) -> None:
    first, second = reports
    if first["dataset"]["manifest"] != second["dataset"]["manifest"]:
        raise InvalidInputError(
            "The evaluations were made with different recordings or transcripts. Compare evaluations "
            "of one dataset.",
            target="second",
        )
    normalizers = [report["conditions"]["normalizer"] for report in reports]
    if [one["fingerprint"] for one in normalizers[:1]] != [one["fingerprint"] for one in normalizers[1:]]:
        names = " and ".join(f"{one['name']} ({one['fingerprint']})" for one in normalizers)
        raise InvalidInputError(
            f"The evaluations were scored with different normalisers, {names}. Score the older one again.",
            target="second",
        )


def _place(report: Mapping[str, Any], wanted: ComparedModel) -> int:
    count = len(report["models"])
    number = count if wanted.number is None else wanted.number
    if not 1 <= number <= count:
        raise InvalidInputError(
            f"Evaluation '{report['evaluation']['displayName']}' has models 1 to {count}, none with number "
            f"{number}.",
            target="model",
        )
    return number - 1


def _aligned(
    reports: Sequence[Mapping[str, Any]], places: Sequence[int]
) -> Iterator[tuple[Alignment, Alignment]]:
    for one, other in zip(reports[0]["recordings"], reports[1]["recordings"], strict=True):
        first, second = one["models"][places[0]], other["models"][places[1]]
        yield Alignment.from_operations(first["alignment"]), Alignment.from_operations(second["alignment"])
