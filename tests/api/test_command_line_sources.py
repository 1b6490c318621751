"""The command line brings datasets by URL and in blocks."""

# ruff: noqa: F811  fixtures come from another module

import random

import pytest
from tests.api.test_command_line import folder, tympan, worker_does  # noqa: F401

from tympan.cli.errors import UNREACHABLE, USAGE
from tympan.domain.errors import UnavailableError
from tympan.domain.query import EVERYTHING
from tympan.usecases.dataset_blocks import DatasetBlocks, committed_in_order


@pytest.fixture
def small_blocks(monkeypatch):
    """Ten bytes are a large file here, and five a block."""
    monkeypatch.setattr("tympan.cli.block_upload.FROM_BYTES", 10)
    monkeypatch.setattr("tympan.cli.block_upload.LARGEST_BLOCK_BYTES", 5)
    monkeypatch.setattr("tympan.cli.block_upload._PAUSES_S", (0.0,))


def received(world):
    """What the blocks that were committed make, for each dataset."""
    with world.store.read() as tx:
        return [
            b"".join(b"".join(world.blobs.stream(block.key)) for block in committed_in_order(tx, dataset.id))
            for dataset in tx.datasets.list(EVERYTHING)
        ]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "large.zip"
    path.write_bytes(random.Random(0).randbytes(33))
    return path


def test_a_file_is_fetched_by_the_server(world, tympan):
    worker_does(world, lambda job: world.imported(job.resource_id))
    url = "https://store.example.com/a.txt?sig=secret"
    status, out, err = tympan("dataset", "create", "Far", "--url", url, "--kind", "text")
    assert (status, err) == (0, "")
    assert "Succeeded" in out
    assert world.services.datasets.list(EVERYTHING)[0].source_url == url


def test_a_url_that_leads_inside_is_refused_in_a_sentence(tympan):
    status, _, err = tympan("dataset", "create", "Far", "--url", "http://127.0.0.1/", "--kind", "text")
    assert status == USAGE
    assert "may not be reached" in err


def test_a_file_or_a_url_but_not_both(tympan, file):
    assert tympan("dataset", "create", "Far", "--kind", "text")[0] == USAGE
    assert tympan("dataset", "create", "Far", file, "--url", "http://a.de/", "--kind", "text")[0] == USAGE


def test_a_large_file_goes_in_blocks_and_a_small_one_whole(world, tympan, small_blocks, file):
    tympan("project", "create", "Phone")
    worker_does(world, lambda job: world.imported(job.resource_id))
    status, out, err = tympan("dataset", "create", "L", file, "--kind", "acoustic", "--project", "Phone")
    assert (status, err) == (0, "")
    assert "Succeeded" in out
    assert received(world) == [file.read_bytes()]
    [dataset] = world.services.datasets.list(EVERYTHING)
    assert dataset.project_id is not None
    file.write_bytes(b"x" * 10)
    tympan("dataset", "create", "S", file, "--kind", "acoustic", "--no-wait", "--project", "Phone")
    small = next(one for one in world.services.datasets.list(EVERYTHING) if one.display_name == "S")
    assert not small.is_in_blocks
    assert small.project_id == dataset.project_id


def test_a_broken_upload_goes_on_where_it_stopped(world, tympan, small_blocks, file, monkeypatch):
    upload, sent = DatasetBlocks.upload, []
    broken = True

    def breaking(self, dataset_id, name, data):
        if broken and len(sent) == 3:
            raise UnavailableError("The database is away.")
        sent.append(data)
        upload(self, dataset_id, name, data)

    monkeypatch.setattr(DatasetBlocks, "upload", breaking)
    command = ("dataset", "create", "L", file, "--kind", "acoustic", "--no-wait")
    status, _, err = tympan(*command)
    assert status == UNREACHABLE
    assert "run the same command again" in err
    broken = False
    assert tympan(*command)[0] == 0
    assert b"".join(sent) == file.read_bytes(), "nothing is sent twice"
    assert received(world) == [file.read_bytes()]


def test_what_has_changed_meanwhile_is_sent_again(world, tympan, small_blocks, file, monkeypatch):
    command = ("dataset", "create", "L", file, "--kind", "acoustic", "--no-wait")
    monkeypatch.setattr(DatasetBlocks, "commit", lambda *_: (_ for _ in ()).throw(UnavailableError("Away.")))
    assert tympan(*command)[0] == UNREACHABLE
    monkeypatch.undo()
    monkeypatch.setattr("tympan.cli.block_upload.FROM_BYTES", 10)
    monkeypatch.setattr("tympan.cli.block_upload.LARGEST_BLOCK_BYTES", 5)
    file.write_bytes(file.read_bytes()[:20] + b"something else")
    assert tympan(*command)[0] == 0
    assert received(world) == [file.read_bytes()]


def test_another_dataset_of_the_same_name_is_left_alone(world, tympan, small_blocks, file):
    for kind in ("acoustic", "acoustic", "audio"):
        assert tympan("dataset", "create", "L", file, "--kind", kind, "--no-wait")[0] == 0
    assert received(world) == [file.read_bytes()] * 3
