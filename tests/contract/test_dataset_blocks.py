"""Blocks over a real database and a real folder: memory does not grow, and racers agree."""

import base64
import hashlib
import random
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.test_dataset_import import Context

from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.domain.dataset import DatasetKind
from tympan.domain.dataset_block import BlockList, BlockReference
from tympan.domain.errors import InvalidStateError
from tympan.testing.fetcher import FakeFetcher
from tympan.usecases.dataset_blocks import DatasetBlocks
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.dataset_source import DatasetSource
from tympan.usecases.datasets import Datasets, NewDataset

MIB = 1 << 20


def name(number):
    return base64.b64encode(number.to_bytes(4, "big")).decode()


class Desk:
    def __init__(self, store, folder):
        self.shared = {
            "store": store,
            "blobs": ObstoreBlobs(folder.as_uri(), SystemClock()),
            "clock": SystemClock(),
        }
        self.store, self.blobs = store, self.shared["blobs"]
        self.blocks = DatasetBlocks(**self.shared)
        new = NewDataset(kind=DatasetKind.ACOUSTIC, display_name="d", locale="en-US")
        self.id = Datasets(fetcher=FakeFetcher(), **self.shared).create_in_blocks(new).id

    def commit(self, *numbers):
        return self.blocks.commit(
            self.id, [BlockReference(kind=BlockList.LATEST, name=name(number)) for number in numbers]
        )

    def bring(self):
        with self.store.write() as tx:
            dataset = tx.datasets.get(self.id)
            job = tx.jobs.get(dataset.job_id).begun(SystemClock().now(), step="import")
            tx.jobs.save(job)
        source = DatasetSource(fetcher=FakeFetcher(), limits=DatasetLimits(), retry_s=0, **self.shared)
        return source.bring(Context(job), dataset)


@pytest.fixture
def desk(store, tmp_path):
    return Desk(store, tmp_path / "blobs")


def test_the_file_is_what_its_blocks_were_and_never_in_memory_as_a_whole(desk):
    noise = random.Random(0)
    whole = hashlib.sha256()
    for number in range(16):
        data = noise.randbytes(8 * MIB)
        whole.update(data)
        desk.blocks.upload(desk.id, name(number), data)
    del data
    desk.commit(*range(16))
    tracemalloc.start()
    try:
        dataset, key = desk.bring()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert key == dataset.source_key == f"sha256/{whole.hexdigest()}"
    assert desk.blobs.info(key).size_bytes == 128 * MIB
    assert peak < 16 * MIB
    assert list(desk.blobs.list("blocks/")) == []


def test_blocks_that_come_at_once_are_all_kept_and_one_that_comes_twice_counts_once(desk):
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda number: desk.blocks.upload(desk.id, name(number % 8), b"%d" % number), range(32))
        )
    committed, uncommitted = desk.blocks.list(desk.id)
    assert not committed
    assert sorted(block.name for block in uncommitted) == sorted(map(name, range(8)))
    assert {info.key for info in desk.blobs.list("blocks/")} == {block.key for block in uncommitted}


def test_of_two_commits_at_once_one_counts(desk):
    for number in range(2):
        desk.blocks.upload(desk.id, name(number), b"%d" % number)

    def commit(number):
        try:
            return desk.commit(number).job_id
        except InvalidStateError:
            return None

    with ThreadPoolExecutor(2) as pool:
        jobs = [job for job in pool.map(commit, range(2)) if job is not None]
    assert len(jobs) == 1
    with desk.store.read() as tx:
        assert tx.jobs.count() == 1
        assert tx.datasets.get(desk.id).job_id == jobs[0]
