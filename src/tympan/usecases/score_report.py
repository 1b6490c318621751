"""The results of an evaluation as a whole: totals, lists of confusions, files to download."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tympan.domain.evaluation import Comparison, ErrorCounts, Evaluation, ModelScore
from tympan.domain.manifest import Utterance
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.speech.bootstrap import DRAWS, SEED, compare, rate_interval
from tympan.speech.evaluation.sclite_files import PlacedWord, aligned_text, ctm_lines, stm_line, trn_line
from tympan.speech.metrics import DELETION_COST, INSERTION_COST, SUBSTITUTION_COST, Operation
from tympan.usecases.recording_score import RecordingScore, count_members

_TOP = 50
# A cell that begins like this is a formula to spreadsheet programs.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(slots=True)
class ModelTally:
    """What one model has scored so far.

    Attributes:
        model_id, name: The model.
        recordings: Word counts of each recording.
        confusions: How often each operation met each pair of words.
    """

    model_id: str
    name: str
    recordings: list[ErrorCounts] = field(default_factory=list)
    characters: ErrorCounts = field(default_factory=ErrorCounts)
    tokens: ErrorCounts = field(default_factory=ErrorCounts)
    token_edits: Counter[str] = field(default_factory=Counter)
    confusions: dict[Operation, Counter[tuple[str, str]]] = field(
        default_factory=lambda: {operation: Counter() for operation in Operation}
    )
    cpu_s: float = 0.0

    def add(self, score: RecordingScore) -> None:
        """Count one recording."""
        self.recordings.append(score.words)
        self.characters += score.characters
        self.tokens += score.tokens.counts
        self.token_edits.update(score.tokens.edits)
        self.cpu_s += score.hypothesis.cpu_s
        for pair in score.alignment.pairs:
            if pair.operation is not Operation.CORRECT:
                reference = "" if pair.reference is None else score.reference_words[pair.reference]
                hypothesis = "" if pair.hypothesis is None else score.hypothesis_words[pair.hypothesis]
                self.confusions[pair.operation][reference, hypothesis] += 1

    def total(self, audio_s: float) -> ModelScore:
        """The score over all recordings."""
        return ModelScore(
            model_id=self.model_id,
            words=sum(self.recordings, ErrorCounts()),
            characters=self.characters,
            tokens=self.tokens,
            token_edits=dict(self.token_edits),
            sentence_count=len(self.recordings),
            sentence_error_count=sum(counts.errors > 0 for counts in self.recordings),
            word_error_rate_interval=rate_interval(self.recordings),
            audio_s=audio_s,
            cpu_s=self.cpu_s,
        )


@dataclass(slots=True)
class ScoreReport:
    """Collects the recordings of an evaluation in their order.

    Attributes:
        evaluation: Whose results these are.
        normalizer: Name and version.
        tallies: One per tested model, in order.
    """

    evaluation: Evaluation
    normalizer: str
    tallies: Sequence[ModelTally]
    _documents: list[dict[str, Any]] = field(default_factory=list)
    _rows: list[list[object]] = field(default_factory=list)
    _sclite: dict[str, list[str]] = field(default_factory=dict)
    _audio_s: float = 0.0

    def add(self, utterance: Utterance, scores: Sequence[RecordingScore]) -> None:
        """Take in one recording with the score of each model."""
        recording_id = f"rec_{len(self._documents) + 1:06d}"
        self._audio_s += utterance.duration_s
        for tally, score in zip(self.tallies, scores, strict=True):
            tally.add(score)
        self._documents.append(
            {
                "id": recording_id,
                "audio": utterance.name,
                "durationMilliseconds": round(utterance.duration_s * 1000),
                "reference": utterance.transcript,
                "models": [_model_members(score) for score in scores],
            }
        )
        row: list[object] = [
            recording_id,
            utterance.name,
            round(utterance.duration_s, 3),
            utterance.transcript,
        ]
        row.append(scores[0].words.reference_length)
        for score in scores:
            counts = score.words
            row += [score.hypothesis.text, round(counts.rate, 4)]
            row += [counts.substitutions, counts.deletions, counts.insertions]
        self._rows.append(row)
        self._add_to_sclite(recording_id, utterance, scores)

    def _add_to_sclite(
        self, recording_id: str, utterance: Utterance, scores: Sequence[RecordingScore]
    ) -> None:
        reference = scores[0].reference_words
        lines = {
            "ref.trn": trn_line(recording_id, reference),
            "ref.stm": stm_line(recording_id, utterance.group, utterance.duration_s, reference),
        }
        for number, score in enumerate(scores, start=1):
            words = score.hypothesis_words
            lines[f"hyp{number}.trn"] = trn_line(recording_id, words)
            lines[f"hyp{number}.ctm"] = ctm_lines(recording_id, _placed_words(score))
            lines[f"hyp{number}.pra"] = aligned_text(recording_id, reference, words, score.alignment)
        for name, line in lines.items():
            self._sclite.setdefault(name, []).append(line)

    def totals(self) -> tuple[ModelScore, ...]:
        """One score per model."""
        return tuple(tally.total(self._audio_s) for tally in self.tallies)

    def comparisons(self) -> tuple[Comparison, ...]:
        """Each later model against the first."""
        first, *later = self.tallies
        baseline = (first.model_id, first.recordings)
        return tuple(compare((tally.model_id, tally.recordings), baseline) for tally in later)

    def summary(
        self, scores: Sequence[ModelScore], comparisons: Sequence[Comparison], warnings: Sequence[str]
    ) -> bytes:
        """Everything as JSON: conditions, totals, confusions, and each recording."""
        document = {
            "schemaVersion": 1,
            "evaluation": self.evaluation.id,
            "displayName": self.evaluation.display_name,
            "locale": self.evaluation.locale,
            "dataset": self.evaluation.dataset_id,
            "normalizer": self.normalizer,
            "alignmentCosts": {
                "substitution": SUBSTITUTION_COST,
                "deletion": DELETION_COST,
                "insertion": INSERTION_COST,
            },
            "bootstrap": {"unit": "recording", "draws": DRAWS, "seed": SEED},
            "models": [
                total_members(tally, score) for tally, score in zip(self.tallies, scores, strict=True)
            ],
            "comparisons": [comparison_members(one) for one in comparisons],
            "warnings": list(warnings),
            "recordings": self._documents,
        }
        return json.dumps(document, ensure_ascii=False, indent=1).encode()

    def table(self) -> bytes:
        """One row per recording as CSV, in UTF-8 with a mark so that spreadsheets read it right."""
        head = ["id", "audio", "seconds", "reference", "words"]
        for number in range(1, len(self.tallies) + 1):
            names = ("hypothesis", "word_error_rate", "substitutions", "deletions", "insertions")
            head += [f"model{number}_{name}" for name in names]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(head)
        writer.writerows([_cell(value) for value in row] for row in self._rows)
        return text.getvalue().encode("utf-8-sig")

    def confusions(self) -> bytes:
        """Every error of every model with its count as CSV, most frequent first."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["model", "operation", "reference", "hypothesis", "count"])
        for number, tally in enumerate(self.tallies, start=1):
            for operation, counter in tally.confusions.items():
                for (reference, hypothesis), count in ranked(counter):
                    cells = [f"model{number}", str(operation), reference, hypothesis, count]
                    writer.writerow(map(_cell, cells))
        return text.getvalue().encode("utf-8-sig")

    def sclite_files(self) -> Iterator[tuple[str, bytes]]:
        """The normalised texts for sclite: trn, stm and ctm files, and its own aligned text.

        ``sclite -i rm -e utf-8 -r ref.trn trn -h hyp1.trn trn`` gives the same counts.
        """
        for name, lines in self._sclite.items():
            yield name, "".join(lines).encode()


def _cell(value: object) -> object:
    """Text as a spreadsheet may hold it: never a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _model_members(score: RecordingScore) -> dict[str, Any]:
    return {
        "hypothesis": score.hypothesis.text,
        "wordErrorRate": score.words.rate,
        "counts": count_members("words", score.words),
    }


def total_members(tally: ModelTally, score: ModelScore) -> dict[str, Any]:
    """One model over all recordings, as members of a document."""
    interval = score.word_error_rate_interval
    return {
        "model": tally.model_id,
        "displayName": tally.name,
        "wordErrorRate": score.words.rate,
        "wordErrorRateInterval": {"low": interval.low, "high": interval.high, "level": interval.level},
        "counts": count_members("words", score.words),
        "sentences": score.sentence_count,
        "sentencesWithErrors": score.sentence_error_count,
        "characterErrorRate": score.characters.rate,
        "characters": count_members("characters", score.characters),
        "tokenErrorRate": score.tokens.rate,
        "tokens": {**count_members("tokens", score.tokens), "errors": score.token_edits},
        "audioSeconds": round(score.audio_s, 3),
        "cpuSeconds": round(score.cpu_s, 3),
        "topSubstitutions": [
            {"reference": reference, "hypothesis": hypothesis, "count": count}
            for (reference, hypothesis), count in _top(tally.confusions[Operation.SUBSTITUTION])
        ],
        "topDeletions": [
            {"reference": reference, "count": count}
            for (reference, _), count in _top(tally.confusions[Operation.DELETION])
        ],
        "topInsertions": [
            {"hypothesis": hypothesis, "count": count}
            for (_, hypothesis), count in _top(tally.confusions[Operation.INSERTION])
        ],
    }


def _placed_words(score: RecordingScore) -> list[PlacedWord]:
    return [
        PlacedWord(
            word=word,
            start_s=None if heard.start is None else heard.start / SAMPLE_RATE_HZ,
            end_s=None if heard.end is None else heard.end / SAMPLE_RATE_HZ,
            confidence=heard.confidence,
        )
        for word, heard in zip(score.hypothesis_words, score.heard, strict=True)
    ]


def ranked(counter: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    """The most frequent first; of equally frequent ones in the order of the alphabet."""
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def _top(counter: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return ranked(counter)[:_TOP]


def comparison_members(one: Comparison) -> dict[str, Any]:
    """A comparison as members of a document."""
    difference = one.difference
    return {
        "model": one.model_id,
        "baseline": one.baseline_id,
        "difference": {"low": difference.low, "high": difference.high, "level": difference.level},
        "relativeChange": one.relative_change,
        "probabilityBetter": one.probability_better,
        "verdict": one.verdict,
    }
