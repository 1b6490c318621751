"""The page of one test: verdict, measures, what changed, and every recording word by word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tympan.domain.errors import NotFoundError
from tympan.domain.evaluation import Evaluation
from tympan.portal.actions import Show
from tympan.portal.entity_values import check_place, dataset_names, entity_values
from tympan.portal.measures import measure_groups
from tympan.portal.pages import HEADERS, Pages
from tympan.portal.projects import model_names
from tympan.portal.recordings import recording_sheet
from tympan.portal.reports import Members, objects, read_report
from tympan.portal.words import percent
from tympan.wire.verdicts import verdicts

_ONE = "/projects/{project_id}/testing/{entity_id}"
_MOST_CONFUSIONS = 30
_MOST_ROWS = 25
_LISTED_ERRORS = {"topSubstitutions": "S", "topDeletions": "D", "topInsertions": "I"}
_REPORT_KEEPS = 50
"""Errors of a kind that a report lists; a list of fewer is whole. Source: ``usecases.score_report``."""

_REASONS = {
    "modelsAgree": "all models heard the same other words",
    "nothingMatches": "nothing matches",
    "impossibleRate": "more words than anybody speaks",
    "notSilent": "words were heard where the transcript has none",
}
_COLUMNS = {
    "duration": "Length",
    "signalToNoise": "Signal to noise",
    "sampleRate": "Sample rate",
    "speaker": "Speaker",
    "folder": "Folder",
}


@dataclass(frozen=True, slots=True)
class Confusion:
    """An error and how often each model made it.

    Attributes:
        op: S, D or I.
        counts: One for each model; None where its report does not say.
    """

    op: str
    said: str
    heard: str
    counts: Sequence[int | None]


def routes(pages: Pages) -> dict[str, Show]:
    """Pages by path."""
    return {_ONE: _EvaluationPage(pages).show}


def downloads(pages: Pages) -> dict[str, Show]:
    """Recordings by path."""
    return {f"{_ONE}/audio/{{recording_id}}": _EvaluationPage(pages).audio}


class _EvaluationPage:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._services = pages.services

    def show(self, request: Request) -> Response:
        evaluation = self._services.evaluations.get(request.path_params["entity_id"])
        names = model_names(self._pages, set(evaluation.model_ids))
        report = self._report(evaluation)
        models = objects(report, "models")
        asked = request.query_params
        number = asked.get("page", "1")
        results = report or read_report(self._services.blobs, evaluation.files, "summary.json")
        compared = objects(report, "comparisons")
        suspects = objects(report, "suspects")
        values = entity_values(self._pages, request, "testing", evaluation) | {
            "evaluation": evaluation,
            "names": [names[one] for one in evaluation.model_ids],
            "verdicts": list(verdicts(evaluation, names)),
            "dataset_name": dataset_names(self._pages, [evaluation.dataset_id])[evaluation.dataset_id],
            "groups": measure_groups(evaluation, report),
            "changes": compared[-1] if compared else None,
            "sheet": recording_sheet(
                self._services.blobs,
                evaluation,
                results,
                asked.get("show", ""),
                int(number) if number.isascii() and number.isdigit() else 1,
            ),
            "confusions": _confusions(models)[:_MOST_CONFUSIONS],
            "slices": _slices(objects(report, "slices")),
            "terms": objects(report, "terms")[:_MOST_ROWS],
            "term_count": len(objects(report, "terms")),
            "suspects": [_suspect(one) for one in suspects[:_MOST_ROWS]],
            "suspect_count": len(suspects),
            # Score files of single recordings may be tens of thousands; the API lists them.
            "downloads": [file for file in evaluation.files if not file.name.endswith("_score.json")],
        }
        return self._pages.page(request, "evaluation.html", values)

    def audio(self, request: Request) -> Response:
        """A recording to listen to."""
        evaluation = self._services.evaluations.get(request.path_params["entity_id"])
        check_place(evaluation, request.path_params["project_id"])
        wanted = request.path_params["recording_id"]
        for one in objects(self._report(evaluation), "recordings"):
            key = one.get("audioKey")
            if one.get("id") == wanted and isinstance(key, str):
                size = self._services.blobs.info(key).size_bytes
                headers = HEADERS | {"Content-Length": str(size)}
                chunks = self._services.blobs.stream(key)
                return StreamingResponse(chunks, headers=headers, media_type="audio/flac")
        raise NotFoundError(f"There is no recording '{wanted}' here.")

    def _report(self, evaluation: Evaluation) -> Members | None:
        return read_report(self._services.blobs, evaluation.files, "report.json")


def _confusions(models: Sequence[Members]) -> list[Confusion]:
    """Errors of any model that a report lists, most frequent first."""
    found: dict[tuple[str, str, str], dict[int, int]] = {}
    whole: dict[tuple[int, str], bool] = {}
    for at, model in enumerate(models):
        for member, op in _LISTED_ERRORS.items():
            listed = objects(model, member)
            whole[at, op] = len(listed) < _REPORT_KEEPS
            for one in listed:
                said, heard, count = one.get("reference", ""), one.get("hypothesis", ""), one.get("count")
                if isinstance(count, int):
                    found.setdefault((op, str(said), str(heard)), {})[at] = count
    rows = [
        Confusion(
            op, said, heard, [counts.get(at, 0 if whole[at, op] else None) for at in range(len(models))]
        )
        for (op, said, heard), counts in found.items()
    ]
    return sorted(rows, key=lambda one: (-max(count or 0 for count in one.counts), one.said, one.heard))


def _slices(slices: Sequence[Members]) -> list[tuple[str, list[Mapping[str, object]]]]:
    """Parts of the test set by what they have in common."""
    parts = groupby(slices, key=lambda one: str(one.get("column")))
    return [(_COLUMNS.get(column, column), [_slice(one) for one in rows]) for column, rows in parts]


def _slice(one: Members) -> Mapping[str, object]:
    return {
        "value": str(one.get("value")),
        "recordings": one.get("recordings"),
        "is_small": bool(one.get("isSmall")),
        "rates": [_rate_words(model) for model in objects(one, "models")],
    }


def _rate_words(model: Members) -> tuple[str, str]:
    """The rate and its interval."""
    rate, interval = model.get("wordErrorRate"), model.get("wordErrorRateInterval")
    low, high = (interval.get("low"), interval.get("high")) if isinstance(interval, dict) else (None, None)
    said = percent(rate) if isinstance(rate, int | float) else ""
    if isinstance(low, int | float) and isinstance(high, int | float):
        return said, f"{percent(low)} to {percent(high)}"
    return said, ""


def _suspect(one: Members) -> Mapping[str, object]:
    reasons = one.get("reasons")
    return {
        "id": str(one.get("recording", "")),
        "audio": str(one.get("audio", "")),
        "reference": str(one.get("reference") or ""),
        "reasons": [_REASONS.get(str(reason), str(reason)) for reason in _list(reasons)],
        "changes": list(_changes(objects(one, "changes"))),
    }


def _changes(changes: Sequence[Members]) -> Iterator[tuple[str, str]]:
    for one in changes:
        yield str(one.get("reference", "")), str(one.get("heard", ""))


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
