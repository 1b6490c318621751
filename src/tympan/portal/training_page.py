"""The page of one training: stages, curves, events, and what the promotion gate found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from tympan.domain.errors import NotFoundError
from tympan.domain.job import Job, JobEvent, JobState
from tympan.domain.model import CustomModel
from tympan.portal.actions import Show
from tympan.portal.curves import Curve, curve_of
from tympan.portal.entity_values import dataset_names, entity_values, job_of
from tympan.portal.pages import Pages
from tympan.portal.projects import model_names
from tympan.portal.reports import Members, objects, read_report
from tympan.portal.trainings import TEST_PROPERTY
from tympan.portal.words import percent
from tympan.speech.promotion import Outcome
from tympan.usecases.promotion import gate_note, refusal

_CURVES = {"loss": "Training loss", "dev_wer": "Word error rate on held-out recordings"}
_STAGES = {
    "prepare": "Collect the data",
    "train": "Train",
    "export": "Write the model",
    "check": "Compare with the base model",
    "publish": "Publish",
}
_EVENTS = {
    "note": ("Note", "busy", "i"),
    "warning": ("Warning", "bad", "!"),
    "retry": ("Began again", "bad", "!"),
    "pause": ("Paused", "busy", "…"),
    "wait": ("Waits", "busy", "…"),
    "dev_wer": ("Measured", "busy", "i"),
}
_MOST_EVENTS = 100
_CHECKS = {
    "gain": "Held-out recordings",
    "general": "Everyday speech",
    "style": "Capitals and marks",
    "length": "Long recordings",
    "invention": "Noise without speech",
}
_OUTCOMES = {
    Outcome.PASSED: ("Passed", "good", "✓"),
    Outcome.FAILED: ("Failed", "bad", "✕"),
    Outcome.NOT_MEASURED: ("Not measured", "busy", "?"),
}
_GATE_MEMBERS = frozenset({"gate", "gate_reasons", "approval", "note"})


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the training.

    Attributes:
        name: What it does.
        style: ``done``, ``now``, ``failed`` or ``later``.
        said: The same as a word.
    """

    name: str
    style: str
    said: str


@dataclass(frozen=True, slots=True)
class Said:
    """An event in plain words.

    Attributes:
        state: Word, style and sign of its kind.
    """

    at: datetime
    state: tuple[str, str, str]
    text: str


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check of the gate.

    Attributes:
        state: Word, style and sign of its outcome.
    """

    name: str
    state: tuple[str, str, str]
    text: str


def routes(pages: Pages) -> dict[str, Show]:
    """Pages by path."""
    return {"/projects/{project_id}/training/{entity_id}": _TrainingPage(pages).show}


class _TrainingPage:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._services = pages.services

    def show(self, request: Request) -> Response:
        model = self._services.models.get(request.path_params["entity_id"])
        names = model_names(self._pages, {model.base_model_id})
        datasets = dataset_names(self._pages, model.dataset_ids)
        job = job_of(self._pages, model)
        events = self._services.jobs.events(job.id) if job else ()
        report = read_report(self._services.blobs, model.files, "report.json")
        gate = _gate(report)
        values = entity_values(self._pages, request, "training", model) | {
            "model": model,
            "now": self._services.access.clock.now(),
            "base_name": names[model.base_model_id],
            "datasets": [(one, datasets[one]) for one in model.dataset_ids],
            "test": self._test(model),
            "stages": _stages(job),
            "is_stopping": job is not None and job.is_cancel_requested and not job.state.is_terminal,
            "events": _said(events),
            "summary": _figures(model),
            "curves": _curves(events),
            "gate_note": gate_note(gate) if gate else None,
            "checks": [_check(one) for one in objects(gate, "checks")],
            "refusal": refusal(model),
            "report": None if report is None else json.dumps(report, indent=2, ensure_ascii=False),
        }
        return self._pages.page(request, "model.html", values)

    def _test(self, model: CustomModel) -> tuple[str, str] | None:
        """Id and name of the dataset the model shall be tested on; None when there is none any more."""
        chosen = model.custom_properties.get(TEST_PROPERTY)
        if not chosen:
            return None
        try:
            return chosen, self._services.datasets.get(chosen).display_name
        except NotFoundError:
            return None


def _stages(job: Job | None) -> list[Stage]:
    """Every step with where it stands; none for a model that was not trained here."""
    if job is None:
        return []
    steps = job.kind.steps
    reached = steps.index(job.step) if job.step in steps else -1
    stages = []
    for place, step in enumerate(steps):
        if job.state is JobState.SUCCEEDED or place < reached:
            style, said = "done", "done"
        elif place == reached and job.state.is_terminal:
            style, said = "failed", "stopped here"
        elif place == reached:
            style, said = "now", "at work"
        else:
            style, said = "later", "to come"
        stages.append(Stage(_STAGES.get(step, step), style, said))
    return stages


def _said(events: Sequence[JobEvent]) -> list[Said]:
    """The newest events that are no point of the loss curve, newest first."""
    told = [event for event in events if event.kind in _EVENTS]
    return [Said(one.at, _EVENTS[one.kind], _event_text(one)) for one in reversed(told[-_MOST_EVENTS:])]


def _event_text(event: JobEvent) -> str:
    if event.kind == "dev_wer":
        wer, step = event.payload.get("wer"), event.payload.get("step")
        rate = percent(wer) if isinstance(wer, int | float) else "not known"
        return f"Word error rate on held-out recordings after step {step}: {rate}."
    return str(event.payload.get("text") or event.payload.get("message") or json.dumps(event.payload))


def _curves(events: Sequence[JobEvent]) -> list[Curve]:
    drawn = (curve_of(title, _points(events, kind), is_rate="wer" in kind) for kind, title in _CURVES.items())
    return [curve for curve in drawn if curve is not None]


def _points(events: Sequence[JobEvent], kind: str) -> list[tuple[float, float]]:
    """The figures of one kind of event by step, or by place when it names none.

    An attempt that goes on from a checkpoint says some steps again: the newest figure counts.
    """
    points: dict[float, float] = {}
    for event in events:
        if event.kind == kind:
            value = next(
                (event.payload[name] for name in (kind, "value", "wer") if name in event.payload), None
            )
            step = event.payload.get("step", event.sequence)
            if isinstance(value, int | float) and isinstance(step, int | float):
                points[float(step)] = float(value)
    return sorted(points.items())


def _gate(report: Members | None) -> Members | None:
    gate = None if report is None else report.get("gate")
    return gate if isinstance(gate, dict) and "verdict" in gate and "checks" in gate else None


def _check(check: Members) -> CheckRow:
    name, outcome = str(check.get("name")), str(check.get("outcome"))
    state = _OUTCOMES[Outcome(outcome)] if outcome in set(Outcome) else (outcome, "busy", "?")
    return CheckRow(_CHECKS.get(name, name), state, str(check.get("text", "")))


def _figures(model: CustomModel) -> list[tuple[str, str]]:
    """What the summary says, without what the gate found, which has a place of its own."""
    return [
        (_label(name), _figure(name, value))
        for name, value in model.summary.items()
        if name not in _GATE_MEMBERS and value is not None
    ]


def _label(name: str) -> str:
    text = name.replace("_", " ").replace("dev wer", "held-out WER")
    return text[:1].upper() + text[1:]


def _figure(name: str, value: object) -> str:
    if isinstance(value, float) and "wer" in name.split("_"):
        return percent(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
