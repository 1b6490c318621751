"""A real file system that runs full under a real server: everything waits, and nothing is lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.running_server import RunningServer
from tests.spoken import SENTENCES, archive

from tympan.domain.job import Job, JobState
from tympan.testing.tiny_whisper import write_tiny_whisper

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROJECT = ("--project", "small")
_ROOT = () if os.geteuid() == 0 else ("sudo", "-n")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 700 MB, mounted."""
    folder = tmp_path_factory.mktemp("disk")
    options = f"size=700m,uid={os.geteuid()},mode=700"
    subprocess.run([*_ROOT, "mount", "-t", "tmpfs", "-o", options, "tympan-test", folder], check=True)
    yield folder
    subprocess.run([*_ROOT, "umount", "--lazy", folder], check=True)


@pytest.fixture(scope="module")
def server(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server on that file system, with a tiny base model and a project."""
    log = tmp_path_factory.mktemp("log") / "server.log"  # must tell what happens on a full disk
    server = RunningServer(disk / "data", log=log, engine_compute_type="float32")
    server.start()
    bundle = write_tiny_whisper(tmp_path_factory.mktemp("model") / "tiny")
    server.tympan("base-model", "import", bundle, "--locale", "en-US")
    server.tympan("project", "create", "small", "--locale", "en-US")
    yield server
    server.close()


class Ballast:
    """A file that takes up room."""

    def __init__(self, disk: Path) -> None:
        self._disk, self._path = disk, disk / "ballast"

    def leave(self, free_bytes: int) -> None:
        """Grow until so much is left."""
        size = os.statvfs(self._disk)
        with self._path.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, file.tell() + size.f_bavail * size.f_frsize - free_bytes)

    def go(self) -> None:
        """Give all of it back."""
        self._path.unlink(missing_ok=True)


@pytest.fixture
def ballast(disk: Path) -> Iterator[Ballast]:
    """Room that is taken, and given back after each test."""
    made = Ballast(disk)
    yield made
    made.go()


def test_an_upload_that_does_not_fit_is_refused_and_leaves_nothing(
    server: RunningServer, ballast: Ballast, tmp_path: Path
) -> None:
    _write(tmp_path / "large.txt", b"One sentence that is long enough to matter.\n" * 400_000)
    ballast.leave(4 << 20)
    refused = server.run("dataset", "create", "large", tmp_path / "large.txt", "--kind", "text", *PROJECT)
    assert refused.returncode != 0
    assert "room" in refused.stderr, refused
    assert "Traceback" not in refused.stderr + server.log()
    assert server.tympan("dataset", "list", *PROJECT) == []
    assert list((server.folder / "uploads").iterdir()) == []


def test_an_import_waits_for_room_and_then_goes_on(
    server: RunningServer, ballast: Ballast, tmp_path: Path
) -> None:
    texts = {f"{number}.wav": SENTENCES[number % len(SENTENCES)] for number in range(60)}
    _write(tmp_path / "train.zip", archive(texts))
    made = server.tympan(
        "dataset", "create", "train", tmp_path / "train.zip", "--kind", "acoustic", "--no-wait", *PROJECT
    )
    ballast.leave(256 << 10)  # the process that imports takes a second to start
    job = _job_of(server, made)
    _until_out_of_room(server, job)
    ballast.go()
    assert _end(server, job).state is JobState.SUCCEEDED
    report = server.tympan("dataset", "show", "train", *PROJECT)
    assert report["properties"]["acceptedLineCount"] == 60


def test_a_training_waits_for_room_and_then_goes_on(server: RunningServer, ballast: Ballast) -> None:
    found = server.tympan("base-model", "list", "--locale", "en-US")
    base = next(_id(model) for model in found if model["displayName"].endswith("whisper-tiny"))
    data = ("--dataset", "train", "--base", base)
    made = server.tympan("model", "train", "custom", *data, "--no-wait", *PROJECT)
    ballast.leave(256 << 10)
    job = _job_of(server, made)
    _until_out_of_room(server, job)
    ballast.go()
    assert _end(server, job).state is JobState.SUCCEEDED


def _job_of(server: RunningServer, made: dict[str, object]) -> str:
    entity_id = _id(made)
    with server.store().read() as tx:
        entity = tx.datasets.find(entity_id) or tx.models.find(entity_id)
    assert entity is not None
    assert entity.job_id is not None
    return entity.job_id


def _until_out_of_room(server: RunningServer, job_id: str) -> None:
    """Wait until an attempt has ended for want of room, and see that the job has not.

    The job's events may not say it yet: they need room too.
    """

    def look() -> bool:
        with server.store().read() as tx:
            job = tx.jobs.get(job_id)
        assert not job.state.is_terminal, job
        said = [line for line in server.log().splitlines() if job_id in line and "no room is left" in line]
        return bool(said)

    server.wait(look)


def _end(server: RunningServer, job_id: str) -> Job:
    def look() -> Job | None:
        with server.store().read() as tx:
            job = tx.jobs.get(job_id)
        return job if job.state.is_terminal else None

    return server.wait(look)


def _id(document: dict[str, object]) -> str:
    return str(document["self"]).rsplit("/", 1)[-1]


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
