"""Creating, changing and deleting datasets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tympan.domain.dataset import DatasetKind
from tympan.domain.errors import (
    ConflictError,
    InvalidInputError,
    LocaleMismatchError,
    NotFoundError,
    StorageFullError,
    TooLargeError,
)
from tympan.domain.evaluation import Evaluation
from tympan.domain.job import JobKind, JobState
from tympan.domain.model import CustomModel
from tympan.domain.query import Compare, Query
from tympan.domain.resource import Status
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import START, FakeClock
from tympan.testing.fetcher import FakeFetcher
from tympan.testing.store import MemoryStore
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.datasets import DatasetChange, Datasets, NewDataset
from tympan.usecases.projects import NewProject, Projects

NEW = NewDataset(kind=DatasetKind.LANGUAGE, display_name=" Words ", locale="en-us", source_name="words.txt")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def datasets(store: MemoryStore, blobs: MemoryBlobs) -> Datasets:
    return Datasets(store=store, blobs=blobs, clock=FakeClock(), fetcher=FakeFetcher())


def finish(store: MemoryStore, job_id: str | None) -> None:
    with store.write() as tx:
        tx.jobs.save(tx.jobs.get(str(job_id)).ended(START, JobState.SUCCEEDED))


def test_create_keeps_the_upload_and_leaves_a_job(datasets: Datasets, store: MemoryStore, blobs: MemoryBlobs):
    dataset = datasets.create(NEW, [b"hello\n", b"world\n"])
    assert (dataset.display_name, dataset.locale, dataset.status) == ("Words", "en-US", Status.NOT_STARTED)
    assert b"".join(blobs.stream(str(dataset.source_key))) == b"hello\nworld\n"
    assert datasets.get(dataset.id) == dataset
    with store.read() as tx:
        (job,) = tx.jobs.list()
    assert (job.id, job.kind, job.resource_id) == (dataset.job_id, JobKind.IMPORT_DATASET, dataset.id)
    assert job.state is JobState.NOT_STARTED


def test_an_upload_over_the_limit_of_its_kind_leaves_nothing(store: MemoryStore, blobs: MemoryBlobs):
    datasets = Datasets(
        store=store,
        blobs=blobs,
        clock=FakeClock(),
        fetcher=FakeFetcher(),
        limits=DatasetLimits(text_bytes=10, archive_bytes=100),
    )

    def endless() -> Iterator[bytes]:
        while True:
            yield b"four"

    with pytest.raises(TooLargeError):
        datasets.create(NEW, endless())
    assert datasets.count() == 0
    assert list(blobs.list("")) == []


def test_a_full_disk_is_told_and_leaves_nothing(store: MemoryStore):
    blobs = MemoryBlobs(capacity_bytes=5)
    datasets = Datasets(store=store, blobs=blobs, clock=FakeClock(), fetcher=FakeFetcher())
    with pytest.raises(StorageFullError):
        datasets.create(NEW, [b"more than five"])
    assert datasets.count() == 0
    assert list(blobs.list("")) == []


def test_an_upload_of_nothing_is_refused(datasets: Datasets):
    with pytest.raises(InvalidInputError) as caught:
        datasets.create(NEW, [])
    assert caught.value.code == "EmptyRequest"
    assert datasets.count() == 0


def test_wrong_members_are_refused_before_the_upload_is_read(datasets: Datasets, store: MemoryStore):
    def unread() -> Iterator[bytes]:
        raise AssertionError("the upload was read")
        yield b""

    project = Projects(store=store, clock=FakeClock()).create(NewProject(display_name="p", locale="de-DE"))
    for members, error in [
        ({"display_name": " "}, InvalidInputError),
        ({"locale": "english"}, InvalidInputError),
        ({"project_id": "unknown"}, InvalidInputError),
        ({"project_id": project.id}, LocaleMismatchError),
    ]:
        new = NewDataset(**({"kind": NEW.kind, "display_name": "x", "locale": "en-US"} | members))
        with pytest.raises(error):
            datasets.create(new, unread())


def test_there_is_a_most_number_of_datasets(store: MemoryStore, blobs: MemoryBlobs):
    datasets = Datasets(
        store=store, blobs=blobs, clock=FakeClock(), fetcher=FakeFetcher(), limits=DatasetLimits(datasets=1)
    )
    datasets.create(NEW, [b"x"])
    with pytest.raises(TooLargeError) as caught:
        datasets.create(NEW, [b"x"])
    assert caught.value.code == "QuotaViolation"


def test_update_changes_what_it_names_and_clears_what_is_none(datasets: Datasets):
    dataset = datasets.create(NEW, [b"x"])
    changed = datasets.update(
        dataset.id, DatasetChange(display_name="New", description="d", custom_properties={"a": "b"})
    )
    assert (changed.display_name, changed.description, changed.custom_properties) == ("New", "d", {"a": "b"})
    assert datasets.update(dataset.id, DatasetChange(description=None)).description is None
    assert datasets.get(dataset.id).display_name == "New"
    with pytest.raises(InvalidInputError):
        datasets.update(dataset.id, DatasetChange(project_id="unknown"))
    with pytest.raises(NotFoundError):
        datasets.update("unknown", DatasetChange())


def test_lists_are_filtered_and_counted(datasets: Datasets):
    datasets.create(NEW, [b"x"])
    where = Compare("kind", "eq", "Language")
    assert len(datasets.list(Query(where=where))) == datasets.count(where) == 1
    assert datasets.count(Compare("kind", "eq", "Acoustic")) == 0


def test_a_dataset_being_imported_cannot_be_deleted(datasets: Datasets, store: MemoryStore):
    dataset = datasets.create(NEW, [b"x"])
    with pytest.raises(ConflictError, match="imported") as caught:
        datasets.delete(dataset.id)
    assert caught.value.code == "InUseViolation"
    finish(store, dataset.job_id)
    datasets.delete(dataset.id)
    datasets.delete(dataset.id)
    with pytest.raises(NotFoundError):
        datasets.get(dataset.id)


@pytest.mark.parametrize("use", ["evaluation", "training"])
def test_a_dataset_in_use_by_running_work_cannot_be_deleted(datasets: Datasets, store: MemoryStore, use: str):
    dataset = datasets.create(NEW, [b"x"])
    finish(store, dataset.job_id)
    members = {
        "id": "u",
        "display_name": "my use",
        "locale": "en-US",
        "created_at": START,
        "last_action_at": START,
    }
    with store.write() as tx:
        if use == "evaluation":
            tx.evaluations.add(Evaluation(**members, dataset_id=dataset.id, model_ids=("m",)))
        else:
            tx.models.add(CustomModel(**members, base_model_id="b", dataset_ids=("other", dataset.id)))
    with pytest.raises(ConflictError, match="my use"):
        datasets.delete(dataset.id)
    with store.write() as tx:
        users = tx.evaluations if use == "evaluation" else tx.models
        users.delete("u")
    datasets.delete(dataset.id)
