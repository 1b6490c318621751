"""What every compute promises, and what the local one adds with real processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tympan.backends.compute_local import LocalCompute
from tympan.ports.jobs import EXIT_FAILED, Compute
from tympan.testing.compute import MemoryCompute

PROGRAM = textwrap.dedent(
    """
    import os, signal, subprocess, sys, time
    from tympan.backends.process_bond import die_with_parent

    job, step, parent = sys.argv[1:]
    die_with_parent(int(parent))
    print("step", step, "of", job, "reads", repr(sys.stdin.read()), flush=True)
    if step == "failed":
        sys.exit(20)
    if step == "crashed":
        raise RuntimeError("it went wrong")
    if step == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if step == "parent":
        child = subprocess.Popen(["sleep", "60"])
        print("child", child.pid, flush=True)
    if step != "done":
        print("waiting", os.getpid(), flush=True)
        time.sleep(60)
    """
)

WORKER = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from tympan.backends.compute_local import LocalCompute

    folder = Path(sys.argv[1])
    command = [sys.executable, str(folder / "program.py")]
    compute = LocalCompute(command=command, log_folder=folder / "logs", environment=os.environ)
    compute.run("job", "slow", is_stopping=lambda: False)
    """
)


def attempt_in_memory(job_id: str, step: str) -> int:
    if step == "crashed":
        raise RuntimeError("it went wrong")
    if step == "slow":
        time.sleep(5)
    return EXIT_FAILED if step == "failed" else 0


@pytest.fixture
def local(tmp_path: Path) -> LocalCompute:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    return LocalCompute(
        command=[sys.executable, str(program)],
        log_folder=tmp_path / "logs",
        environment=os.environ,  # noqa: TID251  a child needs the whole of it
        poll_s=0.02,
        grace_s=0.5,
    )


@pytest.fixture(params=["memory", "local"])
def compute(request: pytest.FixtureRequest) -> Compute:
    if request.param == "memory":
        return MemoryCompute(attempt_in_memory)
    return request.getfixturevalue("local")


def never() -> bool:
    return False


def said(tmp_path: Path, word: str) -> Callable[[], bool]:
    """True once a line of any attempt's log begins with the word."""
    return lambda: number_after(tmp_path, word) is not None


def number_after(tmp_path: Path, word: str) -> int | None:
    for path in (tmp_path / "logs").glob("*.log"):
        for line in path.read_text().splitlines():
            if line.startswith(f"{word} "):
                return int(line.split()[1])
    return None


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for(condition: Callable[[], bool], limit_s: float = 10) -> float:
    """How long it took until the condition held."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < limit_s
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.mark.parametrize(("step", "status"), [("done", 0), ("failed", EXIT_FAILED), ("crashed", 1)])
def test_the_status_is_the_attempts_own(compute: Compute, step: str, status: int) -> None:
    assert compute.run("job", step, is_stopping=never) == status


def test_an_attempt_that_is_told_to_stop_ends_soon_and_is_not_done(compute: Compute) -> None:
    began = time.monotonic()
    assert compute.run("job", "slow", is_stopping=lambda: time.monotonic() > began + 0.3) != 0
    assert time.monotonic() - began < 3


def test_the_last_words_of_a_crash_name_the_error(compute: Compute) -> None:
    assert compute.last_words("job", "crashed") == ""
    compute.run("job", "crashed", is_stopping=never)
    assert "it went wrong" in compute.last_words("job", "crashed")


def test_each_attempt_keeps_a_log_of_its_own_and_reads_no_input(local: LocalCompute, tmp_path: Path) -> None:
    for _ in range(2):
        local.run("job", "done", is_stopping=never)
    assert [path.name for path in sorted((tmp_path / "logs").iterdir())] == [
        "job-done-1.log",
        "job-done-2.log",
    ]
    assert (tmp_path / "logs/job-done-2.log").read_text() == "step done of job reads ''\n"


def test_an_attempt_that_ignores_the_request_is_killed_after_the_grace(
    local: LocalCompute, tmp_path: Path
) -> None:
    assert local.run("job", "deaf", is_stopping=said(tmp_path, "waiting")) == -signal.SIGKILL


def test_stopping_an_attempt_ends_what_it_started(local: LocalCompute, tmp_path: Path) -> None:
    local.run("job", "parent", is_stopping=said(tmp_path, "waiting"))
    child = number_after(tmp_path, "child")
    assert child is not None
    wait_for(lambda: is_gone(child), 2)


def test_an_attempt_dies_with_its_worker(tmp_path: Path, local: LocalCompute) -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)])
    wait_for(said(tmp_path, "waiting"))
    attempt = number_after(tmp_path, "waiting")
    assert attempt is not None
    worker.kill()
    worker.wait()
    assert wait_for(lambda: is_gone(attempt)) < 2
