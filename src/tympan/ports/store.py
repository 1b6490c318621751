"""Where resources and jobs are kept: transactions over repositories."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from tympan.domain.access import AccessKey
from tympan.domain.dataset import Dataset
from tympan.domain.dataset_block import DatasetBlock
from tympan.domain.endpoint import Endpoint
from tympan.domain.endpoint_log import LogFile
from tympan.domain.evaluation import Evaluation
from tympan.domain.job import Job, JobEvent, JobKind, JobProgress, JobState
from tympan.domain.model import BaseModel, CustomModel
from tympan.domain.model_copy import CopyAuthorization, ModelCopy
from tympan.domain.project import Project
from tympan.domain.query import EVERYTHING, Filter, Query
from tympan.domain.transcription import Transcription
from tympan.domain.web_hook import HookDelivery, WebHook

T = TypeVar("T")


class Repository(Protocol[T]):
    """The entities of one type."""

    def add(self, entity: T) -> None:
        """Insert a new entity.

        Raises:
            ConflictError: An entity with this id exists.
        """
        ...

    def find(self, entity_id: str) -> T | None:
        """The entity, or None."""
        ...

    def get(self, entity_id: str) -> T:
        """The entity.

        Raises:
            NotFoundError: There is none; the message names the type and the id.
        """
        ...

    def save(self, entity: T) -> None:
        """Replace the stored entity of the same id.

        Raises:
            NotFoundError: There is none (it was deleted meanwhile).
        """
        ...

    def delete(self, entity_id: str) -> bool:
        """Remove the entity; False when there was none."""
        ...

    def list(self, query: Query = EVERYTHING) -> Sequence[T]:
        """One page, ordered by ``created_at``, then ``id``.

        Raises:
            InvalidInputError: The filter names a field that cannot be filtered by
                (code ``UnsupportedFilter``).
        """
        ...

    def count(self, where: Filter | None = None) -> int:
        """How many entities the filter keeps."""
        ...


class JobRepository(Repository[Job], Protocol):
    """Jobs, their progress and their events."""

    def unfinished(self) -> Sequence[Job]:
        """Jobs that are NotStarted or Running, oldest first."""
        ...

    def counts(self) -> Mapping[tuple[JobKind, JobState], int]:
        """How many jobs of each kind are in each state, by one query; none where there are none."""
        ...

    def require_attempt(self, job_id: str, attempt: int) -> Job:
        """The job, if ``attempt`` is still its newest and it is not cancelled.

        Call it first in every write transaction of a step: the row stays locked until
        the transaction ends, so a superseded attempt can never write.

        Raises:
            SupersededError: A newer attempt has begun, the job has ended or is gone.
            CancelledError: The owner has asked for cancellation.
        """
        ...

    def put_progress(self, progress: JobProgress) -> None:
        """Write the one progress row of a job."""
        ...

    def find_progress(self, job_id: str) -> JobProgress | None:
        """The progress row, or None before the first report."""
        ...

    def add_event(self, event: JobEvent) -> None:
        """Append an event; its ``sequence`` is ignored and the next one is given."""
        ...

    def events(self, job_id: str, after: int = 0) -> Sequence[JobEvent]:
        """Events with a sequence above ``after``, in order."""
        ...

    def finished_steps(self, job_id: str) -> Sequence[str]:
        """Steps recorded as finished, in the order they were."""
        ...

    def finish_step(self, job_id: str, step: str) -> bool:
        """Record a step as finished; False when it was already."""
        ...


class DeliveryRepository(Repository[HookDelivery], Protocol):
    """What web hooks were told or are still to be told."""

    def discard(self, where: Filter) -> int:
        """Remove all that a filter keeps; returns how many there were.

        Raises:
            InvalidInputError: The filter names a field that cannot be filtered by.
        """
        ...


class Transaction(Protocol):
    """All repositories, seen through one database transaction."""

    projects: Repository[Project]
    datasets: Repository[Dataset]
    dataset_blocks: Repository[DatasetBlock]
    base_models: Repository[BaseModel]
    models: Repository[CustomModel]
    evaluations: Repository[Evaluation]
    endpoints: Repository[Endpoint]
    transcriptions: Repository[Transcription]
    keys: Repository[AccessKey]
    logs: Repository[LogFile]
    copy_authorizations: Repository[CopyAuthorization]
    model_copies: Repository[ModelCopy]
    web_hooks: Repository[WebHook]
    hook_deliveries: DeliveryRepository
    jobs: JobRepository


class Store(Protocol):
    """Opens transactions.

    A write transaction sees and excludes all other writers from its first statement on
    (SQLite: BEGIN IMMEDIATE; PostgreSQL: row locks taken by ``require_attempt`` and
    ``get`` inside ``write``), so read-then-write is atomic. It commits when the block
    ends and rolls back when the block raises.
    """

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that may write."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent snapshot; never waits for writers."""
        ...

    def ping(self) -> None:
        """Reach the database.

        Raises:
            UnavailableError: It cannot be reached.
        """
        ...
