"""The training tab: its table, the form that starts a training, and what is done with models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.errors import InvalidInputError, InvalidStateError
from tympan.domain.model import BaseModel, CustomModel
from tympan.domain.query import Compare, Query, every
from tympan.domain.resource import Status
from tympan.portal.actions import Action, RefusedForm, Show, text_of, texts_of
from tympan.portal.entity_values import check_place, dataset_names
from tympan.portal.pages import Pages
from tympan.portal.projects import project_values, sheet_of
from tympan.ports.trainer import TrainingSettings
from tympan.usecases.models import NewModel
from tympan.usecases.projects import members_of
from tympan.usecases.training_settings import DEVICES, PERCENT, RANGES

_TAB = "/projects/{project_id}/training"
_ONE = f"{_TAB}/{{entity_id}}"
_FORM = "new-model"
_WEIGHT = "weight_percent"

TEST_PROPERTY = "testDataset"
"""Custom property of a model that names the dataset it shall be tested on."""

_SAID = {
    "epochs": ("Passes over the data", "Most of them; it ends sooner when nothing is gained any more."),
    "learning_rate": ("Learning rate", "Peak of it. Empty takes what was measured best for the base model."),
    "batch_size": ("Recordings a step", "More need more memory."),
    "lora_rank": ("Rank of the change", "How much the weights can change. More needs more data."),
    "patience": (
        "Patience",
        "Measurements in a row, clearly worse than the best, before it ends.",
    ),
    "seed": ("Seed", "Of every random choice. The same seed and data give the same model."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """A number that may be set.

    Attributes:
        low, high, step: As the browser checks them.
        default: What is taken when nothing is given; empty when it depends on the base model.
    """

    name: str
    label: str
    hint: str
    low: str
    high: str
    step: str
    default: str


def routes(pages: Pages) -> dict[str, Show]:
    """Pages by path."""
    shown = _Trainings(pages)
    return {_TAB: shown.table, f"{_TAB}/new": shown.form}


def actions(pages: Pages, page: Show) -> list[Action]:
    """Every form about trainings.

    Args:
        pages: What is rendered with.
        page: The page of one model.
    """
    do = _Trainings(pages)
    jobs, models = "/api/v1/jobs/{job_id}", "/speechtotext/models"
    forms = [
        ("cancel", do.cancel, ("POST", f"{jobs}:cancel")),
        ("retry", do.retry, ("POST", f"{jobs}:retry")),
        ("approve", do.approve, ("POST", "/api/v1/models/{model_id}:approve")),
        ("delete", do.delete, ("DELETE", f"{models}/{{model_id}}")),
    ]
    new = Action(path=_TAB, name=_FORM, act=do.create, show=do.form, api=("POST", models))
    return [
        new,
        *(Action(path=f"{_ONE}/{name}", name=name, act=act, show=page, api=api) for name, act, api in forms),
    ]


def trainable(pages: Pages, project_id: str) -> tuple[list[BaseModel], list[Dataset]]:
    """Base models and datasets that a training in a project can use, newest first."""
    services = pages.services
    locale, now = services.projects.get(project_id).locale, services.access.clock.now()
    bases = [
        one
        for one in services.base_models.list(Query(where=Compare("locale", "eq", locale)))
        if one.adaptation_expires_at is None or one.adaptation_expires_at > now
    ]
    bases.sort(key=lambda one: (one.released_at, one.created_at, one.id), reverse=True)
    return bases, imported_datasets(pages, project_id)


def imported_datasets(pages: Pages, project_id: str) -> list[Dataset]:
    """Datasets of a project that were imported without failure, newest first."""
    where = every(members_of(project_id), Compare("status", "eq", Status.SUCCEEDED.value))
    return list(pages.services.datasets.list(Query(where=where)))[::-1]


class _Trainings:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._services = pages.services

    def table(self, request: Request) -> Response:
        project_id = request.path_params["project_id"]
        values = project_values(self._pages, project_id, "training")
        sheet = sheet_of(request, self._services.models, members_of(project_id))
        rows = [one for one in sheet.rows if isinstance(one, CustomModel)]
        used = {one for row in rows for one in row.dataset_ids}
        shown = {
            "sheet": sheet,
            "bases": {one.id: one for one in self._services.base_models.list()},
            "datasets": dataset_names(self._pages, used),
            "now": self._services.access.clock.now(),
        }
        return self._pages.page(request, "training.html", values | shown)

    def form(self, request: Request) -> Response:
        project_id = request.path_params["project_id"]
        values = project_values(self._pages, project_id, "training")
        bases, datasets = trainable(self._pages, project_id)
        typed, chosen = self._filled(request, project_id)
        shown = {
            "bases": bases,
            "datasets": datasets,
            "tests": [one for one in datasets if one.kind is DatasetKind.ACOUSTIC],
            "settings": _setting_fields(),
            "devices": DEVICES,
            "typed": defaultdict(str, typed),
            "chosen": chosen,
            "has_settings": any(typed.get(name) for name in (*RANGES, _WEIGHT, "device")),
            "now": self._services.access.clock.now(),
        }
        return self._pages.page(request, "training_new.html", values | shown)

    def _filled(self, request: Request, project_id: str) -> tuple[Mapping[str, str], Sequence[str]]:
        """What the form shows at first: what was refused, the settings of a model, or nothing."""
        refused: RefusedForm | None = getattr(request.state, "refused_form", None)
        if refused is not None:
            return refused.values, refused.chosen.get("dataset", ())
        if "copy" not in request.query_params:
            return {}, ()
        model = self._services.models.get(request.query_params["copy"])
        check_place(model, project_id)
        given = {name: str(value) for name, value in model.settings.items() if value is not None}
        copied = {
            "base": model.base_model_id,
            "name": f"{model.display_name} (copy)",
            "description": model.description or "",
            "text": model.text or "",
            "test": model.custom_properties.get(TEST_PROPERTY, ""),
            _WEIGHT: str(model.weight_percent),
        }
        return copied | given, model.dataset_ids

    def create(self, request: Request, form: FormData) -> str:
        project = self._services.projects.get(request.path_params["project_id"])
        test = text_of(form, "test")
        weight = text_of(form, _WEIGHT)
        if weight and not weight.isdecimal():
            raise InvalidInputError(f"The weight is '{weight}'; it must be a whole number from 1 to 100.")
        model = self._services.models.create(
            NewModel(
                display_name=text_of(form, "name"),
                description=text_of(form, "description") or None,
                locale=project.locale,
                base_model_id=text_of(form, "base") or None,
                dataset_ids=tuple(texts_of(form, "dataset")),
                text=text_of(form, "text") or None,
                weight_percent=int(weight) if weight else None,
                settings=_settings(form),
                project_id=project.id,
                custom_properties={TEST_PROPERTY: test} if test else {},
            )
        )
        return f"/projects/{project.id}/training/{model.id}"

    def cancel(self, request: Request, _form: FormData) -> str:
        self._services.jobs.cancel(self._job_id(request))
        return _address(request)

    def retry(self, request: Request, _form: FormData) -> str:
        self._services.jobs.retry(self._job_id(request))
        return _address(request)

    def approve(self, request: Request, form: FormData) -> str:
        self._services.models.approve(self._model(request).id, text_of(form, "reason"))
        return _address(request)

    def delete(self, request: Request, _form: FormData) -> str:
        self._services.models.delete(self._model(request).id)
        return f"/projects/{request.path_params['project_id']}/training"

    def _model(self, request: Request) -> CustomModel:
        model = self._services.models.get(request.path_params["entity_id"])
        check_place(model, request.path_params["project_id"])
        return model

    def _job_id(self, request: Request) -> str:
        model = self._model(request)
        if model.job_id is None:
            raise InvalidStateError(f"'{model.display_name}' was not trained here.")
        return model.job_id


def _address(request: Request) -> str:
    return _ONE.format_map(request.path_params)


def _setting_fields() -> list[SettingField]:
    defaults = TrainingSettings()
    fields = [
        SettingField(
            name=_WEIGHT,
            label="Weight in per cent",
            hint="How far from the base model: 100 is all that was learnt, less is nearer to it.",
            low=f"{PERCENT.low:g}",
            high=f"{PERCENT.high:g}",
            step="1",
            default=str(defaults.weight_percent),
        )
    ]
    for name, (label, hint) in _SAID.items():
        default = getattr(defaults, name)
        fields.append(
            SettingField(
                name=name,
                label=label,
                hint=hint,
                low=_plain(RANGES[name].low),
                high=_plain(RANGES[name].high),
                step="1" if RANGES[name].is_whole else "any",
                default="" if default is None else str(default),
            )
        )
    return fields


def _plain(value: float) -> str:
    """A bound as HTML writes numbers.

    >>> _plain(2**31 - 1), _plain(1e-7)
    ('2147483647', '1e-07')
    """
    return str(int(value)) if value == int(value) else f"{value:g}"


def _settings(form: FormData) -> dict[str, object]:
    """What was set. A value that is no number is passed on, to be refused with its range."""
    given: dict[str, object] = {}
    for name, wanted in RANGES.items():
        text = text_of(form, name)
        if text:
            given[name] = _number(text, is_whole=wanted.is_whole)
    device = text_of(form, "device")
    return given | ({"device": device} if device else {})


def _number(text: str, *, is_whole: bool) -> object:
    try:
        return int(text) if is_whole else float(text)
    except ValueError:
        return text
