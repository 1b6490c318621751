"""A real training survives three kills in each of its steps, and publishes one model."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.running_server import RunningServer
from tests.servers import KillTable, wait_until_gone
from tests.spoken import SENTENCES, archive

from tympan.backends.sql.store import SqlStore
from tympan.domain.job import JobKind, JobState
from tympan.domain.resource import Status
from tympan.testing.tiny_whisper import write_tiny_whisper

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LOCALE = ("--locale", "en-US")
TARGETS = ("attempt", "worker", "supervisor")
LATEST_S = {"publish": 0.05}
"""After which a step is killed at the latest, so that it has not ended before; half a second in others."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with a tiny base model and recordings to train on."""
    # A random model is never sure, so whole numbers for weights would change what it says.
    server = RunningServer(tmp_path / "data", lease_s=2, engine_compute_type="float32")
    server.start()
    bundle = write_tiny_whisper(tmp_path / "tiny")
    server.tympan("base-model", "import", bundle, *LOCALE)
    recordings = archive({f"{n}.wav": text for n, text in enumerate(SENTENCES)})
    (tmp_path / "train.zip").write_bytes(recordings)
    server.tympan("dataset", "create", "train", tmp_path / "train.zip", "--kind", "acoustic", *LOCALE)
    yield server
    server.close()


def test_a_training_killed_three_times_in_every_step_publishes_one_model(
    server: RunningServer, kill_table: KillTable
) -> None:
    moments = random.Random(11)
    model = server.tympan(
        "model", "train", "custom", "--dataset", "train", *LOCALE, "--base", _tiny(server), "--no-wait"
    )
    model_id = model["self"].rsplit("/", 1)[-1]
    store = server.store()
    with store.read() as tx:
        job_id = tx.models.get(model_id).job_id
    assert job_id is not None
    killed, killed_at, attempts = ("", ""), 0.0, 0
    for step in JobKind.TRAIN_MODEL.steps:
        for target in moments.sample(TARGETS, len(TARGETS)):
            job, working = server.wait_for_attempt(store, job_id, step, attempts)
            if killed_at:
                kill_table.add("sqlite, real training", *killed, time.time() - killed_at)
            time.sleep(moments.random() * LATEST_S.get(step, 0.5))
            attempts = job.attempt
            killed, killed_at = (target, step), _kill(server, target, working)
    server.wait(lambda: _has_ended(store, job_id), 300)
    with store.read() as tx:
        job, trained = tx.jobs.get(job_id), tx.models.get(model_id)
        steps = tx.jobs.finished_steps(job_id)
    assert job.state is JobState.SUCCEEDED, job.failure
    assert tuple(steps) == JobKind.TRAIN_MODEL.steps
    assert trained.status is Status.SUCCEEDED
    assert trained.bundle is not None
    assert [file.name for file in trained.files].count("report.json") == 1
    store.close()


def _has_ended(store: SqlStore, job_id: str) -> bool:
    with store.read() as tx:
        return tx.jobs.get(job_id).state.is_terminal


def _kill(server: RunningServer, target: str, working: psutil.Process) -> float:
    """Kill, see all that was started by it end too, and return when it was."""
    if target == "supervisor":
        doomed = psutil.Process(server.pid).children(recursive=True)
        killed_at = time.time()
        server.kill()
        assert wait_until_gone(doomed, 3) == []
        server.start()
        return killed_at
    pid = working.pid if target == "attempt" else server.children("tympan.app.processes", "worker")[0].pid
    killed_at = time.time()
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pytest.fail(f"the {target} had ended before it could be killed")
    assert wait_until_gone([working], 3) == []
    return killed_at


def _tiny(server: RunningServer) -> str:
    found = server.tympan("base-model", "list", *LOCALE)
    model = next(one for one in found if one["displayName"].endswith("whisper-tiny"))
    return str(model["self"].rsplit("/", 1)[-1])
