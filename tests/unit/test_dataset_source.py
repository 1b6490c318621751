"""Imports of files that are fetched, or put together from blocks."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from tests.unit.test_dataset_import import GOOD, Bench

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.dataset_block import BlockList, BlockReference
from tympan.domain.errors import InvalidInputError, StorageFullError, TooLargeError, UnavailableError
from tympan.domain.resource import Status
from tympan.testing.audio import zip_bytes
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import FakeClock
from tympan.testing.fetcher import Page
from tympan.usecases.dataset_blocks import DatasetBlocks
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.datasets import NewDataset

HOST = "https://store.example.com"
DAY_S = 86400


@pytest.fixture
def bench() -> Bench:
    return Bench()


def new(kind: DatasetKind = DatasetKind.LANGUAGE) -> NewDataset:
    return NewDataset(kind=kind, display_name="d", locale="en-US")


def by_url(
    bench: Bench, page: Page, kind: DatasetKind = DatasetKind.LANGUAGE, path: str = "/data/w%C3%B6rter.txt"
) -> Dataset:
    url = f"{HOST}{path}?sig=secret"
    bench.fetcher.pages[url] = page
    return bench.datasets().create_from_url(new(kind), url)


def run_late(bench: Bench, dataset: Dataset, seconds: float) -> None:
    """Run an attempt so long after the first one began."""
    with bench.store.write() as tx:
        job = tx.jobs.get(str(dataset.job_id))
        tx.jobs.save(replace(job, started_at=job.started_at or FakeClock().now()))
    clock = FakeClock()
    clock.advance(seconds)
    bench.run(dataset, clock=clock)


def test_a_file_is_fetched_and_imported_under_the_name_in_its_url(bench: Bench):
    dataset = by_url(bench, Page(body=b"hello world\nsecond line\n"))
    context = bench.run(dataset)
    seen = bench.seen(dataset)
    assert seen.dataset.status is Status.SUCCEEDED
    assert seen.dataset.source_name == "wörter.txt"
    assert seen.dataset.source_url is None, "the URL may hold a secret, and is needed no more"
    assert seen.dataset.counts.accepted == 2
    assert seen.file("languagedata") == b"hello world\nsecond line\n"
    assert context.messages[0][1] == "Fetching the source"
    assert not [message for _, message, _ in context.messages if "secret" in message]


def test_an_archive_is_known_by_its_content_where_its_url_has_no_name(bench: Bench):
    data = zip_bytes({"a.wav": GOOD, "trans.txt": b"a.wav\thello"})
    dataset = by_url(bench, Page(body=data), DatasetKind.ACOUSTIC, "/")
    bench.run(dataset)
    seen = bench.seen(dataset).dataset
    assert (seen.counts.accepted, seen.source_name) == (1, "acoustic.zip")


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (Page(status=404), "404"),
        (Page(location="http://169.254.169.254/"), "may not be reached"),
        (Page(body=b"x" * 101), "larger than 100"),
        (Page(body=b""), "empty"),
    ],
)
def test_what_cannot_be_had_fails_the_dataset_and_says_why(page: Page, said: str):
    bench = Bench(limits=DatasetLimits(text_bytes=100))
    dataset = by_url(bench, page)
    with pytest.raises(InvalidInputError, match=said) as caught:
        bench.run(dataset)
    assert caught.value.code == "InvalidDataset"
    assert HOST not in caught.value.message


def test_the_limit_is_that_of_the_kind():
    bench = Bench(limits=DatasetLimits(text_bytes=100, pronunciation_bytes=10))
    bench.run(by_url(bench, Page(body=b"hello world\n" * 8)))
    with pytest.raises(InvalidInputError, match="larger than 10 "):
        bench.run(by_url(bench, Page(body=b"a\tb\n" * 25), DatasetKind.PRONUNCIATION))


@pytest.mark.parametrize("page", [Page(status=503), Page(is_silent=True), Page(body=b"x" * 99, breaks_at=50)])
def test_a_source_that_may_come_back_is_waited_for_a_while(bench: Bench, page: Page):
    dataset = by_url(bench, page)
    with pytest.raises(UnavailableError):
        bench.run(dataset)
    with pytest.raises(UnavailableError):
        run_late(bench, dataset, 599)
    assert bench.seen(dataset).dataset == dataset
    assert not list(bench.blobs.list(""))
    with pytest.raises(InvalidInputError) as caught:
        run_late(bench, dataset, 601)
    assert caught.value.code == "InvalidDataset"
    by_url(bench, Page(body=b"back again\n"))
    run_late(bench, dataset, 602)
    assert bench.seen(dataset).dataset.counts.accepted == 1


def test_what_was_fetched_is_not_fetched_again_when_the_import_is_repeated(bench: Bench):
    dataset = by_url(bench, Page(body=b"hello world\n"))
    with pytest.raises(KeyboardInterrupt):
        bench.run(dataset, stop_at="Reading the upload", stop_with=KeyboardInterrupt())
    bench.run(dataset)
    assert len(bench.fetcher.fetched) == 1
    assert bench.seen(dataset).dataset.status is Status.SUCCEEDED


def name(number: int) -> str:
    return base64.b64encode(number.to_bytes(2, "big")).decode()


class Uploads:
    """A dataset in blocks and what is done to it."""

    def __init__(self, bench: Bench, kind: DatasetKind = DatasetKind.LANGUAGE) -> None:
        self.bench = bench
        self.clock = FakeClock()
        self.blocks = DatasetBlocks(
            store=bench.store, blobs=bench.blobs, clock=self.clock, limits=bench.limits
        )
        self.id = bench.datasets().create_in_blocks(new(kind)).id

    def put(self, number: int, data: bytes) -> None:
        self.blocks.upload(self.id, name(number), data)

    def commit(self, *numbers: int) -> Dataset:
        references = [BlockReference(kind=BlockList.LATEST, name=name(number)) for number in numbers]
        return self.blocks.commit(self.id, references)

    @property
    def dataset(self) -> Dataset:
        return self.bench.datasets().get(self.id)

    @property
    def blobs(self) -> int:
        return len(list(self.bench.blobs.list("blocks/")))


def test_blocks_become_one_file_and_are_removed_after_that(bench: Bench):
    uploads = Uploads(bench)
    for number, data in ((3, b"rld\n"), (1, b"hello "), (2, b"wo")):
        uploads.put(number, data)
    dataset = uploads.commit(1, 2, 3, 1, 2, 3)
    bench.run(dataset)
    seen = bench.seen(dataset)
    assert seen.dataset.counts.accepted == 2
    assert seen.file("languagedata") == b"hello world\nhello world\n"
    assert seen.dataset.source_name == "language.txt"
    assert uploads.blobs == 0
    committed, _ = uploads.blocks.list(dataset.id)
    assert [block.name for block in committed] == [name(number) for number in (1, 2, 3, 1, 2, 3)]


def test_an_archive_comes_in_blocks_too(bench: Bench):
    data = zip_bytes({"a.wav": GOOD, "trans.txt": b"a.wav\thello"})
    uploads = Uploads(bench, DatasetKind.ACOUSTIC)
    middle = len(data) // 2
    uploads.put(2, data[middle:])
    uploads.put(1, data[:middle])
    dataset = uploads.commit(1, 2)
    bench.run(dataset)
    assert (bench.seen(dataset).dataset.counts.accepted, bench.seen(dataset).dataset.source_name) == (
        1,
        "acoustic.zip",
    )


def test_an_import_that_was_killed_between_the_blocks_finds_them_again(bench: Bench):
    uploads = Uploads(bench)
    uploads.put(1, b"hello ")
    uploads.put(2, b"world\n")
    dataset = uploads.commit(1, 2)
    with pytest.raises(KeyboardInterrupt):
        bench.run(dataset, stop_at="Putting block 2", stop_with=KeyboardInterrupt())
    assert uploads.blobs == 2
    bench.run(dataset)
    assert bench.seen(dataset).dataset.counts.accepted == 1


def test_all_blocks_together_are_held_to_the_limit_of_the_kind():
    bench = Bench(limits=DatasetLimits(text_bytes=10))
    uploads = Uploads(bench)
    uploads.put(1, b"123456")
    with pytest.raises(TooLargeError):
        uploads.put(2, b"12345")
    uploads.put(2, b"1234")
    uploads.put(1, b"12345")
    with pytest.raises(TooLargeError):
        uploads.commit(1, 2, 2)
    assert uploads.blobs == 2
    uploads.commit(1, 2)


def test_a_full_disk_is_told_and_the_upload_goes_on_when_there_is_room():
    bench = Bench(blobs=MemoryBlobs(capacity_bytes=10))
    uploads = Uploads(bench)
    uploads.put(1, b"12345678")
    with pytest.raises(StorageFullError):
        uploads.put(2, b"12345678")
    uploads.put(2, b"12")
    assert uploads.blobs == 2


def test_an_upload_that_nobody_goes_on_with_expires_after_a_week(bench: Bench):
    uploads, empty, busy, committed = (Uploads(bench) for _ in range(4))
    for one in (uploads, busy, committed):
        one.put(1, b"hello\n")
    committed.commit(1)
    for one in (uploads, empty, busy, committed):
        one.clock.advance(6 * DAY_S)
    busy.put(2, b"still here\n")
    uploads.clock.advance(DAY_S + 1)
    uploads.blocks.expire()
    uploads.blocks.expire()
    for one in (uploads, empty):
        assert one.dataset.status is Status.FAILED
        assert one.dataset.failure is not None
        assert "7 days" in one.dataset.failure.message
    assert busy.dataset.takes_blocks
    assert committed.dataset.status is Status.RUNNING
    busy.commit(1, 2)
    bench.run(busy.dataset)
    bench.run(committed.dataset)
    assert uploads.blobs == 0


def test_only_blobs_that_no_row_names_are_swept_and_only_after_a_day(bench: Bench):
    uploads = Uploads(bench)
    uploads.put(1, b"hello\n")
    bench.blobs.put(f"blocks/{uploads.id}/lost", [b"x"])
    bench.blobs.put("blocks/another/lost", [b"x"])
    uploads.blocks.expire()
    assert uploads.blobs == 3
    uploads.clock.advance(DAY_S + 1)
    uploads.blocks.expire()
    assert uploads.blobs == 1
    bench.run(uploads.commit(1))
