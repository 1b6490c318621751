"""Datasets: uploading, listing, changing, deleting."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.errors import ConflictError, InvalidInputError, TooLargeError
from tympan.domain.job import Job, JobKind
from tympan.domain.query import Compare, Filter, Or, Query, every
from tympan.domain.resource import Status
from tympan.ports.blobs import BlobStore, StoredBlob
from tympan.ports.clock import Clock
from tympan.ports.store import Store, Transaction
from tympan.usecases.change import UNCHANGED, Unchanged, changed
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.resource_rules import canonical_locale, check_project, checked_name, checked_properties


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
        dataset = replace(dataset, source_key=source.key)
        job = Job(
            id=str(dataset.job_id),
            kind=JobKind.IMPORT_DATASET,
            resource_id=dataset.id,
            created_at=dataset.created_at,
        )
        with self.store.write() as tx:
            self._check_room(tx, dataset)
            tx.datasets.add(dataset)
            tx.jobs.add(job)
        return dataset

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
            job_id=str(uuid.uuid4()),
            created_at=now,
            api_version=new.api_version,
            last_action_at=now,
        )

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
    users = [
        *(f"test '{evaluation.display_name}'" for evaluation in tx.evaluations.list(Query(where=uses))),
        *(f"training '{model.display_name}'" for model in tx.models.list(Query(where=uses))),
    ]
    if users:
        raise ConflictError(
            f"Dataset '{dataset.display_name}' is used by {', '.join(users)}. "
            "Wait for it, or cancel its job first.",
            target="dataset",
        )
