"""Builds what a worker needs to run jobs; the part of ``app.build`` that only workers load."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tympan.app.foundation import Foundation
from tympan.app.settings import Settings, child_environment
from tympan.backends.clock import SystemClock
from tympan.backends.compute_local import LocalCompute
from tympan.backends.jobs_dbos import DbosJobEngine, EngineSettings
from tympan.backends.leases import ProcessIdentity
from tympan.backends.sql.engine import EngineOptions
from tympan.backends.sql.store import SqlStore
from tympan.ports.jobs import JobLimits
from tympan.usecases.dataset_blocks import DatasetBlocks
from tympan.worker.housekeeping import Chore, Housekeeping
from tympan.worker.runner import AttemptRunner

ATTEMPT = (sys.executable, "-m", "tympan.app.attempt")
"""The program that runs one attempt; see ``app.attempt``."""


def build_job_engine(
    settings: Settings, *, attempt: Sequence[str] = ATTEMPT, identity: ProcessIdentity | None = None
) -> DbosJobEngine:
    """The engine of a worker, which runs each attempt in a child process.

    Args:
        settings: Of the server.
        attempt: The program that runs one attempt.
        identity: Who the worker is; None: the process it runs in.
    """
    store, clock = SqlStore(settings.sql_url), SystemClock()
    compute = LocalCompute(
        command=attempt,
        log_folder=settings.data_dir / "logs" / "jobs",
        environment=child_environment(settings),
        poll_s=settings.poll_s,
    )
    runner = AttemptRunner(
        store=store, clock=clock, compute=compute, max_step_attempts=settings.max_step_attempts
    )
    limits = JobLimits(jobs=settings.job_concurrency, trainings=settings.training_concurrency)
    engine_settings = EngineSettings(
        url=settings.jobs_sql_url,
        limits=limits,
        lease_s=settings.lease_s,
        poll_s=settings.poll_s,
        identity=identity,
    )
    return DbosJobEngine(store=store, runner=runner, settings=engine_settings)


def build_housekeeping(settings: Settings) -> Housekeeping:
    """What a worker does besides jobs."""
    base = Foundation(settings, EngineOptions(pool_size=1, overflow=2))
    blocks = DatasetBlocks(store=base.store, blobs=base.blobs, clock=base.clock, limits=base.dataset_limits)
    chores = [Chore(name="expire uploads in blocks", every_s=3600.0, run=blocks.expire)]
    return Housekeeping(chores)
