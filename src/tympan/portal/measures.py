"""Every measure of a test as rows of a table, one column per model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tympan.domain.evaluation import Evaluation, Interval, ModelScore
from tympan.portal.reports import Members, objects
from tympan.portal.words import percent

_NONE = "—"
_WHOLE_FROM = 100
_TOKEN_EDITS = {
    "punctuation": "marks",
    "capitalization": "capitals",
    "inverseTextNormalization": "numbers and the like",
    "lexical": "words",
    "others": "others",
}
_ENTITIES = {
    "money": "Money",
    "dateTime": "Dates and times",
    "code": "Codes",
    "number": "Numbers",
    "name": "Names",
}
FLAGS = {
    "repetition": "loops",
    "tooFast": "faster than speech",
    "stockPhrase": "stock phrases",
    "wordsOnSilence": "words on silence",
    "insertionRun": "runs of inserted words",
}
"""Signs of made-up words, by their name in reports."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measure.

    Attributes:
        name: What it is.
        values: One for each model.
        is_headline: The figure the verdict is about.
    """

    name: str
    values: Sequence[str]
    is_headline: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Measures that belong together."""

    name: str
    rows: Sequence[Row]


def measure_groups(evaluation: Evaluation, report: Members | None) -> list[Group]:
    """Every measure that was taken; measures without a figure for any model are left out.

    Args:
        evaluation: One that has succeeded; any other has no figures.
        report: Its report; None gives what the evaluation itself keeps.
    """
    scores = evaluation.scores
    if not scores:
        return []
    models = objects(report, "models")
    if len(models) != len(scores):  # another version wrote it, or nobody did
        models = [{} for _ in scores]
    groups = [
        Group("Errors", list(_errors(scores, models, is_by_character=_is_by_character(report)))),
        Group("As it is written", list(_written(scores))),
        Group("Terms", list(_terms(models))),
        Group("Entities, share without an error", list(_entities(models))),
        Group("Made-up words", list(_made_up(models))),
        Group("Trust", list(_trust(models))),
        Group("Speed", list(_speed(models))),
    ]
    return [group for group in groups if group.rows]


def _is_by_character(report: Members | None) -> bool:
    return report is not None and _member(report, "conditions", "headline") == "characterErrorRate"


def _errors(
    scores: Sequence[ModelScore], models: Sequence[Members], *, is_by_character: bool
) -> Iterator[Row]:
    rate = "Character error rate" if is_by_character else "Word error rate"
    yield Row(rate, [percent(one.words.rate) for one in scores], is_headline=True)
    yield Row("95 % interval", [_interval(one.word_error_rate_interval) for one in scores])
    yield from _row("… when speakers are drawn", models, _share_interval("wordErrorRateIntervalBySpeaker"))
    yield Row("Words that were said", [f"{one.words.reference_length:,}" for one in scores])
    yield Row("Substituted", [f"{one.words.substitutions:,}" for one in scores])
    yield Row("Deleted", [f"{one.words.deletions:,}" for one in scores])
    yield Row("Inserted", [f"{one.words.insertions:,}" for one in scores])
    if not is_by_character:
        yield Row("Character error rate", [percent(one.characters.rate) for one in scores])
    whole = [one.sentence_count - one.sentence_error_count for one in scores]
    counts = [f"{right:,} of {one.sentence_count:,}" for right, one in zip(whole, scores, strict=True)]
    yield Row("Recordings without an error", counts)
    yield from _row("Mean over recordings", models, _share("meanRecordingErrorRate"))
    yield from _row("Smallest difference that shows", models, _share("power", "detectableDifference"))


def _written(scores: Sequence[ModelScore]) -> Iterator[Row]:
    yield Row("Errors with capitals and marks", [percent(one.tokens.rate) for one in scores])
    for kind, name in _TOKEN_EDITS.items():
        if any(one.token_edits.get(kind) for one in scores):
            yield Row(f"… {name}", [f"{one.token_edits.get(kind, 0):,}" for one in scores])


def _terms(models: Sequence[Members]) -> Iterator[Row]:
    yield from _row("Found of those said (recall)", models, _share("terms", "recall"))
    yield from _row("95 % interval", models, _share_interval("terms", "recallInterval"))
    yield from _row("Said of those found (precision)", models, _share("terms", "precision"))
    yield from _row("F1", models, _share("terms", "f1"))
    yield from _row("Recall of terms seen in training", models, _share("terms", "seen", "recall"))
    yield from _row("Recall of terms not seen", models, _share("terms", "unseen", "recall"))
    yield from _row("Errors on words of terms", models, _share("terms", "biasedWords", "wordErrorRate"))
    yield from _row("Errors on all other words", models, _share("terms", "unbiasedWords", "wordErrorRate"))
    yield from _row("Invented in an hour", models, _figure("terms", "inventedPerHour"))


def _entities(models: Sequence[Members]) -> Iterator[Row]:
    for kind, name in _ENTITIES.items():
        yield from _row(name, models, _share("entities", kind, "exactMatch"))


def _made_up(models: Sequence[Members]) -> Iterator[Row]:
    yield from _row("Recordings with a sign of them", models, _figure("hallucinations", "recordings"))
    yield from _row("In an hour", models, _figure("hallucinations", "perHour"))
    for flag, name in FLAGS.items():
        said = _figure("hallucinations", "flags", flag)
        if any(said(one) not in (None, "0") for one in models):
            yield from _row(f"… {name}", models, said)


def _trust(models: Sequence[Members]) -> Iterator[Row]:
    yield from _row("Confidence is off by", models, _share("calibration", "expectedError"))
    yield from _row("Normalised cross entropy", models, _figure("calibration", "normalizedCrossEntropy"))
    yield from _row("Recordings that were trained on", models, _figure("contamination", "recordings"))
    yield from _row("Sentences that were trained on", models, _figure("contamination", "sentences"))
    yield from _row("Words in text that was trained on", models, _share("contamination", "coveredWordShare"))


def _speed(models: Sequence[Members]) -> Iterator[Row]:
    yield from _row("Seconds for a second of audio", models, _figure("timing", "realTimeFactor"))
    yield from _row("CPU seconds for a second of audio", models, _figure("timing", "cpuRealTimeFactor"))


def _row(name: str, models: Sequence[Members], say: Callable[[Members], str | None]) -> Iterator[Row]:
    """The measure of each model, unless no model has it."""
    said = [say(one) for one in models]
    if any(said):
        yield Row(name, [one or _NONE for one in said])


def _member(members: Mapping[str, object], *path: str) -> object:
    """A member at a path; None where the path ends early."""
    value: object = members
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _share(*path: str) -> Callable[[Members], str | None]:
    def say(model: Members) -> str | None:
        value = _member(model, *path)
        return percent(value) if isinstance(value, int | float) else None

    return say


def _figure(*path: str) -> Callable[[Members], str | None]:
    def say(model: Members) -> str | None:
        value = _member(model, *path)
        if isinstance(value, float):
            return f"{value:,.0f}" if abs(value) >= _WHOLE_FROM else f"{value:.3g}"
        return f"{value:,}" if isinstance(value, int) else None

    return say


def _share_interval(*path: str) -> Callable[[Members], str | None]:
    def say(model: Members) -> str | None:
        low, high = _member(model, *path, "low"), _member(model, *path, "high")
        if isinstance(low, int | float) and isinstance(high, int | float):
            return f"{percent(low)} to {percent(high)}"
        return None

    return say


def _interval(interval: Interval) -> str:
    return f"{percent(interval.low)} to {percent(interval.high)}"
