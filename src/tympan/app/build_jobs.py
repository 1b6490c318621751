"""Builds what a worker needs to run jobs; the part of ``app.build`` that only workers load."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tympan.app.foundation import Foundation
from tympan.app.settings import Settings, child_environment
from tympan.backends.compute_local import LocalCompute
from tympan.backends.jobs_dbos import DbosJobEngine, EngineSettings
from tympan.backends.leases import ProcessIdentity
from tympan.backends.sql.engine import EngineOptions
from tympan.domain.job import JobKind
from tympan.ports.jobs import JobLimits
from tympan.usecases.dataset_blocks import DatasetBlocks
from tympan.usecases.endpoints import Endpoints
from tympan.usecases.jobs import Jobs
from tympan.worker.housekeeping import Chore, Housekeeping
from tympan.worker.runner import AttemptRunner

_MINUTE_S, _HOUR_S = 60.0, 3600.0

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
    base = Foundation(settings)
    store, clock = base.store, base.clock
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
    from tympan.app.build_hooks import hook_chores

    base = Foundation(settings, EngineOptions(pool_size=2, overflow=4))
    blocks = DatasetBlocks(store=base.store, blobs=base.blobs, clock=base.clock, limits=base.dataset_limits)
    endpoints = Endpoints(store=base.store, clock=base.clock)
    jobs = Jobs(store=base.store, clock=base.clock)

    def end_overlong() -> None:
        for kind in (JobKind.TRAIN_MODEL, JobKind.VERIFY_MODEL):
            jobs.end_overlong(kind, settings.training_time_limit_s)

    chores = [
        Chore(name="expire uploads in blocks", every_s=_HOUR_S, run=blocks.expire),
        Chore(name="old-logs", every_s=_HOUR_S, run=base.endpoint_logs.remove_old),
        Chore(name="expired-copies", every_s=_HOUR_S, run=base.receiving().clear_expired),
        Chore(name="overlong-trainings", every_s=_MINUTE_S, run=end_overlong),
        Chore(name="expired-endpoints", every_s=_MINUTE_S, run=endpoints.delete_expired),
        Chore(name="expired-transcriptions", every_s=_MINUTE_S, run=base.transcriptions.expire),
        *hook_chores(base),
    ]
    return Housekeeping(chores)
