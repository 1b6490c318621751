"""A model goes from one running server to another, whatever is killed meanwhile."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.running_server import RunningServer
from tests.spoken import spoken

from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.model_files import LocalModelFiles
from tympan.backends.sql.store import SqlStore
from tympan.domain.job import Job, JobState
from tympan.domain.model import CustomModel
from tympan.domain.resource import Status
from tympan.testing.entities import make_model
from tympan.testing.tiny_whisper import write_tiny_whisper
from tympan.usecases.jobs import Jobs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PADDING_BYTES = 192 * 1024 * 1024


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, RunningServer]]:
    """Source and target, each with its own data folder; both may reach loopback."""
    folder = tmp_path_factory.mktemp("copies")
    known = {"fetch_allow": "127.0.0.1", "engine_compute_type": "float32"}
    both = (RunningServer(folder / "source", **known), RunningServer(folder / "target", **known))
    for server in both:
        server.start()
    yield both
    for server in both:
        server.close()


@pytest.fixture
def model(servers: tuple[RunningServer, RunningServer], tmp_path: Path) -> CustomModel:
    """A custom model of the source: a tiny network, and a file that takes a while to send."""
    source, _ = servers
    bundle_folder = write_tiny_whisper(tmp_path / "tiny")
    (bundle_folder / "padding.bin").write_bytes(secrets.token_bytes(PADDING_BYTES))
    clock = SystemClock()
    blobs = ObstoreBlobs((source.folder / "blobs").resolve().as_uri(), clock)
    bundle = LocalModelFiles(blobs, tmp_path / "models").store("whisper-ct2", bundle_folder)
    now = clock.now()
    made = make_model(
        display_name=f"tiny {secrets.token_hex(4)}",
        status=Status.SUCCEEDED,
        bundle=bundle,
        created_at=now,
        last_action_at=now,
    )
    with source.store().write() as tx:
        tx.models.add(made)
    return made


def start_copy(source: RunningServer, target: RunningServer, model: CustomModel) -> tuple[str, str]:
    """The id of the operation and of its job."""
    there = ("--to", target.url, "--key", target.key)
    operation = source.tympan("model", "copy", model.id, *there, "--no-wait")
    return operation["id"], operation["tympan"]["job"]["self"].rpartition("/")[2]


def wait_for_bytes(source: RunningServer, store: SqlStore, job_id: str, least: float) -> float:
    """How many bytes have been sent, once there are some."""

    def look() -> float | None:
        with store.read() as tx:
            job, progress = tx.jobs.get(job_id), tx.jobs.find_progress(job_id)
        assert not job.state.is_terminal, f"the copy was over before anything could be killed: {job}"
        sent = progress.counters.get("bytes", 0.0) if progress else 0.0
        return sent if sent > least else None

    return source.wait(look)


def wait_until_done(source: RunningServer, operation_id: str) -> str:
    """The id of the copy at the target."""

    def look() -> str | None:
        with source.store().read() as tx:
            copy = tx.model_copies.get(operation_id)
        assert copy.status is not Status.FAILED, copy.failure
        return copy.target_model_id

    return source.wait(look)


def assert_same_answers(
    source: RunningServer, target: RunningServer, model: CustomModel, copy_id: str
) -> None:
    """The copy is the model: the same files, and the same text for the same recording."""
    with target.store().read() as tx:
        copy = tx.models.get(copy_id)
    assert copy.bundle == model.bundle
    answers = []
    for server, model_id in ((source, model.id), (target, copy_id)):
        made = server.tympan("endpoint", "create", f"with {model_id}", "--model", model_id)
        endpoint_id = made["endpoint"]["self"].rsplit("/", 1)[-1]
        answer = server.recognise(endpoint_id, spoken("Please hold the line."))
        assert answer.status_code == 200, answer.text
        assert answer.json()["Tympan"]["model"] == model_id
        answers.append({**answer.json(), "Tympan": None})
    assert answers[0] == answers[1]


def test_a_copy_survives_the_death_of_its_attempt(
    servers: tuple[RunningServer, RunningServer], model: CustomModel
) -> None:
    source, target = servers
    store = source.store()
    operation_id, job_id = start_copy(source, target, model)
    job, process = source.wait_for_attempt(store, job_id, "copy", 0)
    sent = wait_for_bytes(source, store, job_id, 0)
    os.kill(process.pid, 9)
    copy_id = wait_until_done(source, operation_id)
    done = source.wait(lambda: ended_job(store, job_id))
    assert done.attempt > job.attempt
    with store.read() as tx:
        events = tx.jobs.events(job_id)
    assert "retry" in {event.kind for event in events}
    (note,) = [event for event in events if event.kind == "note"]
    assert sent <= note.payload["bytes"] < PADDING_BYTES, "it went on where it was"
    assert list((target.folder / "blobs").glob("copies/*/*/*")) == []
    assert_same_answers(source, target, model, copy_id)


def test_a_copy_waits_for_a_target_that_dies(
    servers: tuple[RunningServer, RunningServer], model: CustomModel
) -> None:
    source, target = servers
    store = source.store()
    operation_id, job_id = start_copy(source, target, model)
    wait_for_bytes(source, store, job_id, 0)
    (gateway,) = [one for one in psutil.Process(target.pid).children() if "gateway" in one.cmdline()]
    gateway.kill()
    copy_id = wait_until_done(source, operation_id)
    assert source.wait(lambda: ended_job(store, job_id)).state is JobState.SUCCEEDED
    with target.store().read() as tx:
        assert tx.models.get(copy_id).bundle == model.bundle


def test_a_wrong_key_of_the_target_copies_nothing(
    servers: tuple[RunningServer, RunningServer], model: CustomModel
) -> None:
    source, target = servers
    done = source.run("model", "copy", model.id, "--to", target.url, "--key", "a-wrong-key")
    assert done.returncode == 4
    assert "a-wrong-key" not in done.stdout + done.stderr
    with source.store().read() as tx:
        assert [one for one in tx.model_copies.list() if one.model_id == model.id] == []


def test_a_cancelled_copy_ends(servers: tuple[RunningServer, RunningServer], model: CustomModel) -> None:
    source, target = servers
    store = source.store()
    operation_id, job_id = start_copy(source, target, model)
    wait_for_bytes(source, store, job_id, 0)
    Jobs(store=store, clock=SystemClock()).cancel(job_id)
    ended = source.wait(lambda: ended_job(store, job_id))
    assert ended.state is JobState.CANCELLED
    with store.read() as tx:
        assert tx.model_copies.get(operation_id).status is Status.FAILED


def ended_job(store: SqlStore, job_id: str) -> Job | None:
    """The job, once it has ended."""
    with store.read() as tx:
        job = tx.jobs.get(job_id)
    return job if job.state.is_terminal else None
