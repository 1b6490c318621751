"""Endpoints: deploying models, changing them, suspending and resuming."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tympan.domain.endpoint import Endpoint
from tympan.domain.errors import InvalidInputError, ModelExpiredError, TooLargeError
from tympan.domain.job import Job, JobKind, JobState
from tympan.domain.lifecycle import has_passed
from tympan.domain.model import CustomModel
from tympan.domain.query import EVERYTHING, Compare, Filter, Query
from tympan.domain.resource import Status
from tympan.ports.clock import Clock
from tympan.ports.store import Store, Transaction
from tympan.usecases.change import UNCHANGED, Unchanged, changed
from tympan.usecases.endpoint_logs import deletion_job
from tympan.usecases.model_lookup import find_model, newest_base_model
from tympan.usecases.promotion import refusal
from tympan.usecases.resource_rules import (
    canonical_locale,
    check_project,
    check_same_locale,
    checked_name,
    checked_properties,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """What it takes to create an endpoint.

    Attributes:
        model_id: Base or custom model; None takes the newest base model of the locale.
        is_logging: Whether audio and results are kept.
        time_to_live_s: The endpoint is deleted so long after its deployment ended; None never.
    """

    display_name: str
    locale: str
    model_id: str | None = None
    is_logging: bool = False
    time_to_live_s: int | None = None
    description: str | None = None
    project_id: str | None = None
    custom_properties: Mapping[str, str] = field(default_factory=dict)
    api_version: str = "v3.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChange:
    """What an update may change."""

    display_name: str | Unchanged = UNCHANGED
    description: str | Unchanged | None = UNCHANGED
    project_id: str | Unchanged | None = UNCHANGED
    custom_properties: Mapping[str, str] | Unchanged = UNCHANGED
    model_id: str | Unchanged = UNCHANGED
    is_logging: bool | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """What users can do with endpoints.

    Attributes:
        limit: Most endpoints on this server.
    """

    store: Store
    clock: Clock
    limit: int = 50

    def create(self, new: NewEndpoint) -> Endpoint:
        """Deploy a model behind a new endpoint.

        The endpoint and its deployment job are written in one transaction, so neither
        exists without the other. Returns at once; the endpoint is ``NotStarted`` until a
        worker takes the job.

        Raises:
            InvalidInputError: Name, locale, project or custom properties break a rule, the
                model is unknown, or its training has not succeeded.
            LocaleMismatchError: Model or project has another locale.
            ModelExpiredError: The model's decoding date has passed.
            TooLargeError: There are as many endpoints as may be (code ``QuotaViolation``).

        Source:
            Speech to text REST v3.2, operation ``Endpoints_Create``.
        """
        now = self.clock.now()
        locale = canonical_locale(new.locale)
        name, properties = checked_name(new.display_name), checked_properties(new.custom_properties)
        with self.store.write() as tx:
            if tx.endpoints.count() >= self.limit:
                raise TooLargeError(
                    f"There are {self.limit} endpoints, the most that are kept. Delete one first.",
                    code="QuotaViolation",
                )
            check_project(tx, new.project_id, locale)
            endpoint = Endpoint(
                id=str(uuid.uuid4()),
                display_name=name,
                description=new.description,
                locale=locale,
                custom_properties=properties,
                project_id=new.project_id,
                model_id=_deployable(tx, new.model_id, locale, now),
                is_logging=new.is_logging,
                has_logged=new.is_logging,
                time_to_live_s=new.time_to_live_s,
                created_at=now,
                api_version=new.api_version,
                last_action_at=now,
            )
            endpoint = _with_deployment(tx, endpoint, now)
            tx.endpoints.add(endpoint)
        return endpoint

    def get(self, endpoint_id: str) -> Endpoint:
        """The endpoint.

        Raises:
            NotFoundError: There is none.
        """
        with self.store.read() as tx:
            return tx.endpoints.get(endpoint_id)

    def list(self, query: Query = EVERYTHING) -> Sequence[Endpoint]:
        """One page of endpoints."""
        with self.store.read() as tx:
            return tx.endpoints.list(query)

    def count(self, where: Filter | None = None) -> int:
        """How many endpoints the filter keeps."""
        with self.store.read() as tx:
            return tx.endpoints.count(where)

    def update(self, endpoint_id: str, change: EndpointChange) -> Endpoint:
        """Rename an endpoint, switch its logging, or have it serve another model.

        A new model is warmed first; until then the old one answers under the same id. A
        deployment still under way is given up for the new one. Naming the model of a
        failed deployment again repeats it.

        Raises:
            NotFoundError: There is no such endpoint.
            InvalidInputError: As for ``create``.
            LocaleMismatchError: Model or project has another locale.
            ModelExpiredError: The model's decoding date has passed.
        """
        now = self.clock.now()
        with self.store.write() as tx:
            endpoint = tx.endpoints.get(endpoint_id)
            wanted = changed(endpoint.model_id, change.model_id)
            is_failed = endpoint.status is Status.FAILED and not isinstance(change.model_id, Unchanged)
            if wanted != endpoint.model_id or is_failed:
                endpoint = replace(endpoint, model_id=_deployable(tx, wanted, endpoint.locale, now))
                endpoint = _with_deployment(tx, endpoint, now).running(now)
            endpoint = replace(
                endpoint,
                display_name=checked_name(changed(endpoint.display_name, change.display_name)),
                description=changed(endpoint.description, change.description),
                project_id=changed(endpoint.project_id, change.project_id),
                custom_properties=checked_properties(
                    changed(endpoint.custom_properties, change.custom_properties)
                ),
                is_logging=changed(endpoint.is_logging, change.is_logging),
                has_logged=endpoint.has_logged or change.is_logging is True,
                last_action_at=now,
            )
            check_project(tx, endpoint.project_id, endpoint.locale)
            tx.endpoints.save(endpoint)
        return endpoint

    def suspend(self, endpoint_id: str) -> Endpoint:
        """Refuse requests from now on; id, keys and model stay. Twice is harmless.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        return self._set_suspended(endpoint_id, is_suspended=True)

    def resume(self, endpoint_id: str) -> Endpoint:
        """Answer requests again. Twice is harmless.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        return self._set_suspended(endpoint_id, is_suspended=False)

    def delete(self, endpoint_id: str) -> None:
        """Undeploy, also while it is being deployed; harmless when there is no such endpoint.

        Keys that open only this endpoint go with it, and so do its logs, in the background.
        """
        with self.store.write() as tx:
            endpoint = tx.endpoints.find(endpoint_id)
            if endpoint is None:
                return
            _give_up(tx, endpoint.job_id, self.clock.now())
            for key in tx.keys.list(Query(where=Compare("endpoint_id", "eq", endpoint_id))):
                tx.keys.delete(key.id)
            if endpoint.has_logged:
                tx.jobs.add(deletion_job(endpoint_id, self.clock.now()))
            tx.endpoints.delete(endpoint_id)

    def delete_expired(self) -> None:
        """Delete the endpoints whose time to live is over."""
        for endpoint in self.list():
            if has_passed(endpoint.deleted_at, self.clock.now()):
                self.delete(endpoint.id)

    def _set_suspended(self, endpoint_id: str, *, is_suspended: bool) -> Endpoint:
        with self.store.write() as tx:
            endpoint = tx.endpoints.get(endpoint_id)
            if endpoint.is_suspended is not is_suspended:
                endpoint = replace(endpoint, is_suspended=is_suspended, last_action_at=self.clock.now())
                tx.endpoints.save(endpoint)
        return endpoint


def _deployable(tx: Transaction, model_id: str | None, locale: str, now: datetime) -> str:
    """The id of a model that may be deployed for a locale."""
    model = newest_base_model(tx, locale, now) if model_id is None else find_model(tx, model_id)
    if model is None:
        what = f"There is no model with id '{model_id}'" if model_id else f"No base model can serve {locale}"
        raise InvalidInputError(
            f"{what}. List the models to find one that can be deployed.", code="InvalidModel", target="model"
        )
    check_same_locale("model", model.locale, locale)
    if isinstance(model, CustomModel) and model.status is not Status.SUCCEEDED:
        is_failed = model.status is Status.FAILED
        raise InvalidInputError(
            f"The training of model '{model.display_name}' is {model.status}; only a Succeeded model can be "
            f"deployed. {'Train it again' if is_failed else 'Wait for it'}, or choose another.",
            code="DeployingFailedModel" if is_failed else "ModelNotDeployable",
            target="model",
        )
    if isinstance(model, CustomModel) and (why := refusal(model)) is not None:
        raise InvalidInputError(
            f"Model '{model.display_name}' was not found to be better than its base model: {why} Train it "
            f"with other data, or approve it all the same: tympan model approve {model.id} --reason WHY.",
            code="ModelNotBetter",
            target="model",
        )
    if has_passed(model.decoding_expires_at, now):
        raise ModelExpiredError(
            f"Model '{model.display_name}' expired on {model.decoding_expires_at:%Y-%m-%d} and cannot be "
            "deployed. Choose a newer one.",
            target="model",
        )
    return model.id


def _with_deployment(tx: Transaction, endpoint: Endpoint, now: datetime) -> Endpoint:
    """The endpoint with a new deployment job, in place of the one before."""
    _give_up(tx, endpoint.job_id, now)
    job = Job(id=str(uuid.uuid4()), kind=JobKind.DEPLOY_ENDPOINT, resource_id=endpoint.id, created_at=now)
    tx.jobs.add(job)
    return replace(endpoint, job_id=job.id)


def _give_up(tx: Transaction, job_id: str | None, now: datetime) -> None:
    """Stop a deployment nobody waits for any more."""
    job = tx.jobs.find(job_id) if job_id else None
    if job is None or job.state.is_terminal:
        return
    marked = replace(job, is_cancel_requested=True)
    is_waiting = job.state is JobState.NOT_STARTED
    tx.jobs.save(marked.ended(now, JobState.CANCELLED) if is_waiting else marked)
