"""Custom models: creating, listing, changing, deleting."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tympan.domain.errors import (
    ConflictError,
    InvalidInputError,
    InvalidStateError,
    ModelExpiredError,
    TooLargeError,
)
from tympan.domain.job import Job, JobKind
from tympan.domain.lifecycle import LifecycleRule, expiry, has_passed
from tympan.domain.model import BaseModel, CustomModel
from tympan.domain.query import EVERYTHING, Compare, Filter, Or, Query, every
from tympan.domain.resource import Status
from tympan.ports.clock import Clock
from tympan.ports.store import Store, Transaction
from tympan.usecases.change import UNCHANGED, Unchanged, changed
from tympan.usecases.promotion import refusal
from tympan.usecases.resource_rules import (
    canonical_locale,
    check_project,
    check_same_locale,
    checked_name,
    checked_properties,
)
from tympan.usecases.training_rules import check_dataset, check_general
from tympan.usecases.training_settings import checked_settings

_LONGEST_REASON = 500

TEXT_LIMIT_BYTES = 500 * 1024
"""Most inline text. Source: Speech service quotas, "inline model text"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModel:
    """What it takes to train a model.

    Attributes:
        base_model_id: None takes the newest base model of the locale that may be adapted.
        dataset_ids: What to train on; may be empty only where ``text`` is given.
        text: Adaptation text, one sentence a line, treated like a Language dataset.
        weight_percent: customModelWeightPercent; None is 100.
        settings: Fields of ``ports.trainer.TrainingSettings`` by name; the rest are defaults.
    """

    display_name: str
    locale: str
    base_model_id: str | None = None
    dataset_ids: Sequence[str] = ()
    text: str | None = None
    weight_percent: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None
    project_id: str | None = None
    custom_properties: Mapping[str, str] = field(default_factory=dict)
    api_version: str = "v3.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """What an update may change."""

    display_name: str | Unchanged = UNCHANGED
    description: str | Unchanged | None = UNCHANGED
    project_id: str | Unchanged | None = UNCHANGED
    custom_properties: Mapping[str, str] | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What users can do with custom models.

    Attributes:
        rule: Gives new models their decoding date.
        audio_limit_s: Most audio in the datasets of one training.
    """

    store: Store
    clock: Clock
    rule: LifecycleRule
    audio_limit_s: float = 100 * 3600.0

    def create(self, new: NewModel) -> CustomModel:
        """Train a model.

        The model and its training job are written in one transaction, so neither exists
        without the other. Returns at once; the model is ``NotStarted`` until a worker takes
        the job.

        Raises:
            InvalidInputError: Name, locale, settings, weight, project or custom properties
                break a rule; the base model or a dataset is unknown, has failed or is of a
                kind the base model does not take; there is nothing to train on.
            InvalidStateError: A dataset is still being imported.
            LocaleMismatchError: Base model, dataset or project has another locale.
            ModelExpiredError: The base model's adaptation date has passed.
            TooLargeError: The inline text, or the audio of the datasets, is over its limit.

        Source:
            Speech to text REST v3.2, operation ``Models_Create``; order of checks as in
            section 11 of the developer reference.
        """
        name, properties = checked_name(new.display_name), checked_properties(new.custom_properties)
        locale = canonical_locale(new.locale)
        with self.store.write() as tx:
            base_model_id = self._checked_base(tx, new, locale)
            check_project(tx, new.project_id, locale)
            model = replace(
                self._described(new, locale, base_model_id), display_name=name, custom_properties=properties
            )
            tx.models.add(model)
            job_id = str(model.job_id)
            tx.jobs.add(
                Job(id=job_id, kind=JobKind.TRAIN_MODEL, resource_id=model.id, created_at=model.created_at)
            )
        return model

    def check(self, new: NewModel) -> BaseModel:
        """The base model that a training would start from, once it, the data and the settings fit together.

        Raises:
            ServiceError: As ``create``, but for name, project and custom properties.
        """
        with self.store.read() as tx:
            return tx.base_models.get(self._checked_base(tx, new, canonical_locale(new.locale)))

    def get(self, model_id: str) -> CustomModel:
        """The custom model.

        Raises:
            NotFoundError: There is none.
        """
        with self.store.read() as tx:
            return tx.models.get(model_id)

    def list(self, query: Query = EVERYTHING) -> Sequence[CustomModel]:
        """One page of custom models."""
        with self.store.read() as tx:
            return tx.models.list(query)

    def count(self, where: Filter | None = None) -> int:
        """How many custom models the filter keeps."""
        with self.store.read() as tx:
            return tx.models.count(where)

    def update(self, model_id: str, change: ModelChange) -> CustomModel:
        """Rename a model, move it to another project, or change what is said of it.

        Raises:
            NotFoundError: There is none.
            InvalidInputError: Name, project or custom properties break a rule.
            LocaleMismatchError: The project has another locale.
        """
        with self.store.write() as tx:
            model = tx.models.get(model_id)
            model = replace(
                model,
                display_name=checked_name(changed(model.display_name, change.display_name)),
                description=changed(model.description, change.description),
                project_id=changed(model.project_id, change.project_id),
                custom_properties=checked_properties(
                    changed(model.custom_properties, change.custom_properties)
                ),
                last_action_at=self.clock.now(),
            )
            check_project(tx, model.project_id, model.locale)
            tx.models.save(model)
        return model

    def approve(self, model_id: str, reason: str) -> CustomModel:
        """Let a model be deployed that was not found to be better than its base model.

        The reason and the time are kept with the model.

        Raises:
            NotFoundError: There is none.
            InvalidInputError: No reason was given.
            InvalidStateError: Nothing keeps this model from being deployed.
        """
        if not reason.strip() or len(reason) > _LONGEST_REASON:
            raise InvalidInputError(
                f"Say in at most {_LONGEST_REASON} characters why the model shall be deployed all the same.",
                target="reason",
            )
        with self.store.write() as tx:
            model = tx.models.get(model_id)
            if refusal(model) is None:
                raise InvalidStateError(
                    f"Nothing keeps model '{model.display_name}' from being deployed; it needs no approval."
                )
            now = self.clock.now()
            approval = f"{now.isoformat(timespec='seconds').replace('+00:00', 'Z')}: {reason.strip()}"
            model = replace(model, summary={**model.summary, "approval": approval}, last_action_at=now)
            tx.models.save(model)
        return model

    def delete(self, model_id: str) -> None:
        """Remove a model; harmless when there is none.

        Raises:
            ConflictError: It is being trained, an endpoint serves it, or a running test uses it.
        """
        with self.store.write() as tx:
            model = tx.models.find(model_id)
            if model is not None:
                _check_unused(tx, model)
                tx.models.delete(model_id)

    def _checked_base(self, tx: Transaction, new: NewModel, locale: str) -> str:
        """The id of the base model, once it, the data and the settings are found to fit together."""
        base = _base_model(tx, new.base_model_id, locale, self.clock.now())
        for dataset_id in new.dataset_ids:
            check_dataset(tx, dataset_id, base)
        self._check_audio(tx, new.dataset_ids)
        _check_text(new)
        checked_settings(new.settings, _weight_percent(new))
        check_general(tx, new.settings, new.dataset_ids, base)
        return base.id

    def _check_audio(self, tx: Transaction, dataset_ids: Sequence[str]) -> None:
        found = [tx.datasets.get(dataset_id) for dataset_id in dict.fromkeys(dataset_ids)]
        audio_s = sum(one.counts.duration_s or 0.0 for one in found if one.counts is not None)
        if audio_s > self.audio_limit_s:
            raise TooLargeError(
                f"The datasets hold {audio_s / 3600:.1f} h of audio; at most {self.audio_limit_s / 3600:.1f} "
                "h are trained on at once. Leave datasets out.",
                target="datasets",
            )

    def _described(self, new: NewModel, locale: str, base_model_id: str) -> CustomModel:
        now = self.clock.now()
        return CustomModel(
            id=str(uuid.uuid4()),
            display_name=new.display_name,
            description=new.description,
            locale=locale,
            project_id=new.project_id,
            base_model_id=base_model_id,
            dataset_ids=tuple(dict.fromkeys(new.dataset_ids)),
            text=new.text,
            weight_percent=_weight_percent(new),
            settings=dict(new.settings),
            decoding_expires_at=expiry(now, self.rule).decoding_at,
            job_id=str(uuid.uuid4()),
            created_at=now,
            api_version=new.api_version,
            last_action_at=now,
        )


def _base_model(tx: Transaction, model_id: str | None, locale: str, now: datetime) -> BaseModel:
    """The base model to train from: the one named, or the newest of the locale."""
    offered = tx.base_models.list(Query(where=Compare("locale", "eq", locale)))
    if model_id is None:
        return _newest(offered, locale, now)
    base = tx.base_models.find(model_id)
    if base is None:
        custom = tx.models.find(model_id)
        reason = (
            f"Model '{custom.display_name}' is a custom model; training starts from base models only."
            if custom
            else "The value of baseModel.Self does not reference an entity."
        )
        raise InvalidInputError(
            f"{reason} List the base models to find one.", code="InvalidModel", target="baseModel"
        )
    check_same_locale(f"base model '{base.display_name}'", base.locale, locale)
    if has_passed(base.adaptation_expires_at, now):
        raise _expired(base, offered, now)
    return base


def _newest(offered: Sequence[BaseModel], locale: str, now: datetime) -> BaseModel:
    if not offered:
        raise InvalidInputError(
            f"There is no base model for {locale}. List the base models to see their locales, or import one.",
            code="InvalidLocale",
            target="locale",
        )
    newest = _newest_adaptable(offered, now)
    if newest is None:
        latest = max(offered, key=lambda model: (model.released_at, model.created_at, model.id))
        raise _expired(latest, offered, now)
    return newest


def _newest_adaptable(offered: Sequence[BaseModel], now: datetime) -> BaseModel | None:
    usable = [model for model in offered if not has_passed(model.adaptation_expires_at, now)]
    return max(usable, key=lambda model: (model.released_at, model.created_at, model.id), default=None)


def _expired(base: BaseModel, offered: Sequence[BaseModel], now: datetime) -> ModelExpiredError:
    newest = _newest_adaptable(offered, now)
    advice = (
        f"Train from '{newest.display_name}' ({newest.id}) instead."
        if newest
        else "Import a newer base model."
    )
    return ModelExpiredError(
        f"Base model '{base.display_name}' could be adapted until "
        f"{base.adaptation_expires_at:%Y-%m-%d}. {advice}",
        target="baseModel",
    )


def _check_text(new: NewModel) -> None:
    size_bytes = len((new.text or "").encode())
    if size_bytes > TEXT_LIMIT_BYTES:
        raise TooLargeError(
            f"text has {size_bytes:,} bytes; at most {TEXT_LIMIT_BYTES:,} are taken. "
            "Upload it as a Language dataset.",
            target="text",
        )
    if not new.dataset_ids and not (new.text and new.text.strip()):
        raise InvalidInputError(
            "There is nothing to train on: give at least one dataset, or text.", target="datasets"
        )


def _weight_percent(new: NewModel) -> int:
    return 100 if new.weight_percent is None else new.weight_percent


def _check_unused(tx: Transaction, model: CustomModel) -> None:
    job = tx.jobs.find(model.job_id) if model.job_id else None
    if job is not None and not job.state.is_terminal:
        raise ConflictError(
            f"Model '{model.display_name}' is being trained. Wait for it, or cancel job {job.id} first.",
            target="model",
        )
    serving = Or(Compare("model_id", "eq", model.id), Compare("serving_model_id", "eq", model.id))
    endpoints = tx.endpoints.list(Query(where=serving))
    working = Or(
        Compare("status", "eq", Status.NOT_STARTED.value), Compare("status", "eq", Status.RUNNING.value)
    )
    tests = tx.evaluations.list(Query(where=every(working, Compare("model_id", "eq", model.id))))
    users = [f"endpoint '{one.display_name}'" for one in endpoints]
    users += [f"running test '{one.display_name}'" for one in tests]
    users += [
        f"transcription '{one.display_name}'"
        for one in tx.transcriptions.list(Query(where=working))
        if model.id in one.model_ids.values() and one.evaluation_id is None
    ]
    if users:
        raise ConflictError(
            f"Model '{model.display_name}' is used by {', '.join(users)}. "
            "Give the endpoint another model or delete it, or wait for the work; then delete the model.",
            target="model",
        )
