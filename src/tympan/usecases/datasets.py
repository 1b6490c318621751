"""Datasets: uploading, listing, changing, deleting."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.errors import ConflictError, FetchError, InvalidInputError, TooLargeError
from tympan.domain.job import Job, JobKind
from tympan.domain.query import Compare, Filter, Or, Query, every
from tympan.domain.resource import Status
from tympan.ports.blobs import BlobStore, StoredBlob
from tympan.ports.clock import Clock
from tympan.ports.fetcher import Fetcher
from tympan.ports.store import Store, Transaction
from tympan.usecases.change import UNCHANGED, Unchanged, changed
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.resource_rules import canonical_locale, check_project, checked_name, checked_properties
from tympan.usecases.transcriptions import LISTED


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDataset:
    """What it takes to create a dataset.

    Attributes:
        source_name: The file name the user gave; its ending tells an archive from one recording.
        is_text_normalized: False for textNormalizationKind None.
    """

    kind: DatasetKind
    display_name: str
    locale: str
    source_name: str | None = None
    description: str | None = None
    project_id: str | None = None
    custom_properties: Mapping[str, str] = field(default_factory=dict)
    api_version: str = "v3.2"
    is_text_normalized: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetChange:
    """What an update may change."""

    display_name: str | Unchanged = UNCHANGED
    description: str | Unchanged | None = UNCHANGED
    project_id: str | Unchanged | None = UNCHANGED
    custom_properties: Mapping[str, str] | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasets:
    """What users can do with datasets."""

    store: Store
    blobs: BlobStore
    clock: Clock
    fetcher: Fetcher
    limits: DatasetLimits = field(default_factory=DatasetLimits)

    def create(self, new: NewDataset, chunks: Iterable[bytes]) -> Dataset:
        """Keep an upload and have it imported.

        The bytes go to the blob store first, as they come; then the dataset and its import
        job are written in one transaction. Returns at once; the dataset is ``NotStarted``
        until a worker takes the job.

        Raises:
            InvalidInputError: Name, locale, project or custom properties break a rule, or
                nothing was uploaded.
            LocaleMismatchError: The project has another locale.
            TooLargeError: The upload, or the number of datasets, is over its limit.
            StorageFullError: No room is left.

        Source:
            Speech to text REST v3.2, operation ``Datasets_Upload``.
        """
        dataset = self._described(new)
        with self.store.read() as tx:  # before the upload, which may take long
            self._check_room(tx, dataset)
        source = self._keep(new.kind, chunks)
        return self._add(replace(dataset, source_key=source.key, job_id=str(uuid.uuid4())))

    def create_from_url(self, new: NewDataset, url: str) -> Dataset:
        """Have a file fetched and imported.

        Returns at once; the dataset is ``NotStarted`` until a worker takes the job, which
        fetches the file first. The URL is told to nobody.

        Raises:
            InvalidInputError: As for ``create``, or the URL leads where this server does not go.
            LocaleMismatchError: The project has another locale.
            TooLargeError: The number of datasets is over its limit.

        Source:
            Speech to text REST v3.2, operation ``Datasets_Create``.
        """
        try:
            self.fetcher.check(url)
        except FetchError as error:
            raise InvalidInputError(error.message, target="contentUrl") from error
        return self._add(replace(self._described(new), source_url=url, job_id=str(uuid.uuid4())))

    def create_in_blocks(self, new: NewDataset) -> Dataset:
        """Begin a dataset whose file comes in blocks (``DatasetBlocks``).

        It stays ``NotStarted`` until its blocks are committed.

        Raises:
            InvalidInputError: Name, locale, project or custom properties break a rule.
            LocaleMismatchError: The project has another locale.
            TooLargeError: The number of datasets is over its limit.

        Source:
            Speech to text REST v3.2, operation ``Datasets_Create`` without ``contentUrl``.
        """
        return self._add(replace(self._described(new), is_in_blocks=True))

    def get(self, dataset_id: str) -> Dataset:
        """The dataset.

        Raises:
            NotFoundError: There is none.
        """
        with self.store.read() as tx:
            return tx.datasets.get(dataset_id)

    def list(self, query: Query) -> Sequence[Dataset]:
        """One page of datasets."""
        with self.store.read() as tx:
            return tx.datasets.list(query)

    def count(self, where: Filter | None = None) -> int:
        """How many datasets the filter keeps."""
        with self.store.read() as tx:
            return tx.datasets.count(where)

    def update(self, dataset_id: str, change: DatasetChange) -> Dataset:
        """Rename a dataset, move it to another project, or change what is said of it.

        Raises:
            NotFoundError: There is none.
            InvalidInputError: Name, project or custom properties break a rule.
            LocaleMismatchError: The project has another locale.
        """
        with self.store.write() as tx:
            dataset = tx.datasets.get(dataset_id)
            dataset = replace(
                dataset,
                display_name=checked_name(changed(dataset.display_name, change.display_name)),
                description=changed(dataset.description, change.description),
                project_id=changed(dataset.project_id, change.project_id),
                custom_properties=checked_properties(
                    changed(dataset.custom_properties, change.custom_properties)
                ),
                last_action_at=self.clock.now(),
            )
            check_project(tx, dataset.project_id, dataset.locale)
            tx.datasets.save(dataset)
        return dataset

    def delete(self, dataset_id: str) -> None:
        """Remove a dataset; harmless when there is none.

        Its blobs are swept later, unless another resource holds the same bytes.

        Raises:
            ConflictError: It is being imported, or a running test or training uses it.
        """
        with self.store.write() as tx:
            dataset = tx.datasets.find(dataset_id)
            if dataset is not None:
                _check_unused(tx, dataset)
                for block in tx.dataset_blocks.list(Query(where=Compare("dataset_id", "eq", dataset_id))):
                    tx.dataset_blocks.delete(block.id)
                tx.datasets.delete(dataset_id)

    def _described(self, new: NewDataset) -> Dataset:
        now = self.clock.now()
        return Dataset(
            id=str(uuid.uuid4()),
            kind=new.kind,
            display_name=checked_name(new.display_name),
            description=new.description,
            locale=canonical_locale(new.locale),
            custom_properties=checked_properties(new.custom_properties),
            project_id=new.project_id,
            source_name=new.source_name,
            is_text_normalized=new.is_text_normalized,
            created_at=now,
            api_version=new.api_version,
            last_action_at=now,
        )

    def _add(self, dataset: Dataset) -> Dataset:
        """Keep a dataset with its import job, unless that waits for blocks."""
        with self.store.write() as tx:
            self._check_room(tx, dataset)
            tx.datasets.add(dataset)
            if dataset.job_id is not None:
                tx.jobs.add(import_job(dataset.job_id, dataset, self.clock.now()))
        return dataset

    def _check_room(self, tx: Transaction, dataset: Dataset) -> None:
        check_project(tx, dataset.project_id, dataset.locale)
        if tx.datasets.count() >= self.limits.datasets:
            raise TooLargeError(
                f"There are {self.limits.datasets} datasets, the most that are kept. Delete one first.",
                code="QuotaViolation",
            )

    def _keep(self, kind: DatasetKind, chunks: Iterable[bytes]) -> StoredBlob:
        stored = self.blobs.put_content(_limited(chunks, self.limits.upload_bytes(kind)))
        if stored.size_bytes == 0:
            raise InvalidInputError(
                "The upload is empty (0 bytes). Choose the file again.", code="EmptyRequest", target="data"
            )
        return stored


def import_job(job_id: str, dataset: Dataset, now: datetime) -> Job:
    """The job that imports a dataset."""
    return Job(id=job_id, kind=JobKind.IMPORT_DATASET, resource_id=dataset.id, created_at=now)


def _limited(chunks: Iterable[bytes], limit_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit_bytes:
            raise TooLargeError(
                f"The upload is larger than {limit_bytes / 1024**2:,.0f} MiB, the most for this kind of "
                "dataset. Split it.",
                target="data",
            )
        yield chunk


def _check_unused(tx: Transaction, dataset: Dataset) -> None:
    job = tx.jobs.find(dataset.job_id) if dataset.job_id else None
    if job is not None and not job.state.is_terminal:
        raise ConflictError(
            f"Dataset '{dataset.display_name}' is being imported. Wait for it, or cancel job {job.id} first.",
            target="dataset",
        )
    is_working = Or(
        Compare("status", "eq", Status.NOT_STARTED.value), Compare("status", "eq", Status.RUNNING.value)
    )
    uses = every(is_working, Compare("dataset_id", "eq", dataset.id))
    heard = tx.transcriptions.list(Query(where=every(uses, LISTED)))
    users = [
        *(f"test '{evaluation.display_name}'" for evaluation in tx.evaluations.list(Query(where=uses))),
        *(f"training '{model.display_name}'" for model in tx.models.list(Query(where=uses))),
        *(f"transcription '{one.display_name}'" for one in heard),
    ]
    if users:
        raise ConflictError(
            f"Dataset '{dataset.display_name}' is used by {', '.join(users)}. "
            "Wait for it, or cancel its job first.",
            target="dataset",
        )
