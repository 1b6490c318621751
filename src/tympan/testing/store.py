"""A store in memory, with the same transactions as the real one."""

from __future__ import annotations

import json
import operator
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from pydantic import TypeAdapter

from tympan.domain.access import AccessKey
from tympan.domain.catalogue import CATALOGUE, EntityKind
from tympan.domain.dataset import Dataset
from tympan.domain.dataset_block import DatasetBlock
from tympan.domain.endpoint import Endpoint
from tympan.domain.endpoint_log import LogFile
from tympan.domain.errors import SupersededError
from tympan.domain.evaluation import Evaluation
from tympan.domain.job import Job, JobEvent, JobKind, JobProgress, JobState
from tympan.domain.model import BaseModel, CustomModel
from tympan.domain.model_copy import CopyAuthorization, ModelCopy
from tympan.domain.project import Project
from tympan.domain.query import EVERYTHING, And, Compare, Filter, Not, Or, Query
from tympan.domain.transcription import Transcription
from tympan.domain.web_hook import HookDelivery, WebHook
from tympan.ports.store import DeliveryRepository, JobRepository, Repository, Transaction

T = TypeVar("T")

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}

_ADAPTERS: dict[type, TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in CATALOGUE}


@dataclass(slots=True)
class _State:
    """One committed state; a write transaction changes a copy of it."""

    entities: dict[type, dict[str, Any]] = field(default_factory=lambda: {kind: {} for kind in CATALOGUE})
    progress: dict[str, JobProgress] = field(default_factory=dict)
    events: dict[str, tuple[JobEvent, ...]] = field(default_factory=dict)
    steps: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def copied(self) -> _State:
        return _State(
            {kind: dict(kept) for kind, kept in self.entities.items()},
            dict(self.progress),
            dict(self.events),
            dict(self.steps),
        )


class MemoryStore:
    """Keeps everything in dictionaries; writers exclude each other, readers see a snapshot."""

    def __init__(self) -> None:
        self._state = _State()
        self._writing = threading.Lock()
        self._writer: int | None = None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that may write."""
        if self._writer == threading.get_ident():
            raise RuntimeError("store.write() was called inside store.write() on the same thread.")
        with self._writing:
            self._writer = threading.get_ident()
            try:
                state = self._state.copied()
                yield MemoryTransaction(state, is_writable=True)
                self._state = state
            finally:
                self._writer = None

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent snapshot."""
        yield MemoryTransaction(self._state, is_writable=False)

    def ping(self) -> None:
        """Always there."""


class MemoryTransaction:
    """All repositories over one state."""

    def __init__(self, state: _State, *, is_writable: bool) -> None:
        self.projects: Repository[Project] = MemoryRepository(Project, state, is_writable)
        self.datasets: Repository[Dataset] = MemoryRepository(Dataset, state, is_writable)
        self.dataset_blocks: Repository[DatasetBlock] = MemoryRepository(DatasetBlock, state, is_writable)
        self.base_models: Repository[BaseModel] = MemoryRepository(BaseModel, state, is_writable)
        self.models: Repository[CustomModel] = MemoryRepository(CustomModel, state, is_writable)
        self.evaluations: Repository[Evaluation] = MemoryRepository(Evaluation, state, is_writable)
        self.endpoints: Repository[Endpoint] = MemoryRepository(Endpoint, state, is_writable)
        self.transcriptions: Repository[Transcription] = MemoryRepository(Transcription, state, is_writable)
        self.keys: Repository[AccessKey] = MemoryRepository(AccessKey, state, is_writable)
        self.logs: Repository[LogFile] = MemoryRepository(LogFile, state, is_writable)
        self.copy_authorizations: Repository[CopyAuthorization] = MemoryRepository(
            CopyAuthorization, state, is_writable
        )
        self.model_copies: Repository[ModelCopy] = MemoryRepository(ModelCopy, state, is_writable)
        self.web_hooks: Repository[WebHook] = MemoryRepository(WebHook, state, is_writable)
        self.hook_deliveries: DeliveryRepository = MemoryDeliveries(HookDelivery, state, is_writable)
        self.jobs: JobRepository = MemoryJobs(Job, state, is_writable)


class MemoryRepository(Generic[T]):
    """The entities of one type."""

    def __init__(self, entity_type: type[T], state: _State, is_writable: bool) -> None:  # noqa: FBT001
        self._kind: EntityKind = CATALOGUE[entity_type]
        self._kept: dict[str, T] = state.entities[entity_type]
        self._state = state
        self._is_writable = is_writable
        self._entity_type: type[Any] = entity_type

    def add(self, entity: T) -> None:
        """Insert a new entity."""
        self._require_writing()
        if _id(entity) in self._kept or self._is_known_secret(entity):
            raise self._kind.exists(_id(entity))
        self._kept[_id(entity)] = self._stored(entity)

    def find(self, entity_id: str) -> T | None:
        """The entity, or None."""
        return self._kept.get(entity_id)

    def get(self, entity_id: str) -> T:
        """The entity."""
        entity = self.find(entity_id)
        if entity is None:
            raise self._kind.not_found(entity_id)
        return entity

    def save(self, entity: T) -> None:
        """Replace the stored entity of the same id."""
        self._require_writing()
        self.get(_id(entity))
        self._kept[_id(entity)] = self._stored(entity)

    def delete(self, entity_id: str) -> bool:
        """Remove the entity; False when there was none."""
        self._require_writing()
        return self._kept.pop(entity_id, None) is not None

    def list(self, query: Query = EVERYTHING) -> Sequence[T]:
        """One page, ordered by ``created_at``, then ``id``."""
        kept = sorted(self._matching(query.where), key=_place)
        if query.after is not None:
            kept = [entity for entity in kept if _place(entity) > query.after]
        end = None if query.top is None else query.skip + query.top
        return kept[query.skip : end]

    def count(self, where: Filter | None = None) -> int:
        """How many entities the filter keeps."""
        return sum(1 for _ in self._matching(where))

    def _matching(self, where: Filter | None) -> Iterator[T]:
        self._kind.check(where)
        return (entity for entity in self._kept.values() if _holds(where, entity, self._kind))

    def _stored(self, entity: T) -> T:
        # What a database could not keep fails here too, and later changes of a dictionary
        # inside the entity do not reach the store.
        adapter: TypeAdapter[T] = _ADAPTERS[self._entity_type]
        text = json.dumps(adapter.dump_python(entity), allow_nan=False, default=datetime.isoformat)
        return adapter.validate_python(json.loads(text))

    def _is_known_secret(self, entity: T) -> bool:
        return isinstance(entity, AccessKey) and any(
            cast("AccessKey", kept).sha256 == entity.sha256 for kept in self._kept.values()
        )

    def _require_writing(self) -> None:
        if not self._is_writable:
            raise RuntimeError("This transaction was opened with store.read(); use store.write() to change.")


class MemoryDeliveries(MemoryRepository[HookDelivery]):
    """Deliveries; many are removed at once."""

    def discard(self, where: Filter) -> int:
        """Remove all that a filter keeps."""
        self._require_writing()
        removed = [delivery.id for delivery in self._matching(where)]
        return sum(self.delete(delivery_id) for delivery_id in removed)


class MemoryJobs(MemoryRepository[Job]):
    """Jobs, their progress and their events."""

    def delete(self, entity_id: str) -> bool:
        """Remove the job with all that was recorded of it."""
        is_deleted = super().delete(entity_id)
        self._state.progress.pop(entity_id, None)
        self._state.events.pop(entity_id, None)
        self._state.steps.pop(entity_id, None)
        return is_deleted

    def unfinished(self) -> Sequence[Job]:
        """Jobs that are NotStarted or Running, oldest first."""
        states = (JobState.NOT_STARTED, JobState.RUNNING)
        return [job for job in self.list() if job.state in states]

    def counts(self) -> Mapping[tuple[JobKind, JobState], int]:
        """How many jobs of each kind are in each state."""
        return Counter((job.kind, job.state) for job in self._kept.values())

    def require_attempt(self, job_id: str, attempt: int) -> Job:
        """The job, if this attempt may still write."""
        job = self.find(job_id)
        if job is None:
            raise SupersededError(f"Job {job_id} was deleted; attempt {attempt} must stop.")
        job.check_attempt(attempt)
        return job

    def put_progress(self, progress: JobProgress) -> None:
        """Write the one progress row of a job."""
        self._require_writing()
        self.get(progress.job_id)
        self._state.progress[progress.job_id] = progress

    def find_progress(self, job_id: str) -> JobProgress | None:
        """The progress row, or None before the first report."""
        return self._state.progress.get(job_id)

    def add_event(self, event: JobEvent) -> None:
        """Append an event."""
        self._require_writing()
        self.get(event.job_id)
        events = self._state.events.get(event.job_id, ())
        payload = json.loads(json.dumps(dict(event.payload), allow_nan=False))
        numbered = replace(event, sequence=len(events) + 1, payload=payload)
        self._state.events[event.job_id] = (*events, numbered)

    def events(self, job_id: str, after: int = 0) -> Sequence[JobEvent]:
        """Events with a sequence above ``after``, in order."""
        return self._state.events.get(job_id, ())[after:]

    def finished_steps(self, job_id: str) -> Sequence[str]:
        """Steps recorded as finished, in the order they were."""
        return self._state.steps.get(job_id, ())

    def finish_step(self, job_id: str, step: str) -> bool:
        """Record a step as finished; False when it was already."""
        self._require_writing()
        self.get(job_id)
        steps = self._state.steps.get(job_id, ())
        self._state.steps[job_id] = steps if step in steps else (*steps, step)
        return step not in steps


def _id(entity: object) -> str:
    return cast("Project", entity).id


def _place(entity: object) -> tuple[Any, str]:
    return cast("Project", entity).created_at, _id(entity)


def _holds(where: Filter | None, entity: object, kind: EntityKind) -> bool:
    match where:
        case None:
            return True
        case And(left, right):
            return _holds(left, entity, kind) and _holds(right, entity, kind)
        case Or(left, right):
            return _holds(left, entity, kind) or _holds(right, entity, kind)
        case Not(inner):
            return not _holds(inner, entity, kind)
        case Compare(name, op, value) if name in kind.members:
            return (value in getattr(entity, kind.members[name])) == (op == "eq")
        case Compare(name, op, value):
            actual = getattr(entity, name)
            return op == "ne" if actual is None else _OPERATORS[op](actual, value)
