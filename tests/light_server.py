"""A server whose steps take a moment and do nothing: for trying what happens when it is killed.

``python tests/light_server.py serve|serve-broken|worker|gateway|attempt …``. Everything but the steps
and the gateway is the real thing. The steps of a training leave lines in ``journal.jsonl``
and a file each, and write one custom property each under the fencing of their attempt.

A job's arguments say more: ``ticks`` and ``tick_s`` how long a step takes, ``dies_after``
the step whose process kills itself once between its effect and the record of it,
``takes_worker`` that its worker dies instead, ``is_deaf`` that it never reports.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer

from tympan.app import attempt
from tympan.app.logs import configure_logs
from tympan.app.settings import Settings
from tympan.backends.clock import SystemClock
from tympan.backends.process_bond import die_with_parent
from tympan.backends.sql.store import SqlStore
from tympan.domain.job import JobKind
from tympan.domain.model import Bundle, BundleFile
from tympan.ports.jobs import JobContext
from tympan.ports.tracing import NO_TRACES, Tracer
from tympan.worker.steps import Step, StepTable

BUNDLE = Bundle(engine="none", files=(BundleFile(name="model.bin", sha256="a" * 64, size_bytes=1),))


@dataclass(frozen=True)
class LightApp:
    """What an attempt needs."""

    settings: Settings
    store: SqlStore
    clock: SystemClock

    @property
    def tracer(self) -> Tracer:
        return NO_TRACES

    @property
    def steps(self) -> StepTable:
        return {(JobKind.TRAIN_MODEL, step): self._step(step) for step in JobKind.TRAIN_MODEL.steps}

    def _step(self, step: str) -> Step:
        def run(context: JobContext) -> None:
            options = {"ticks": 8, "tick_s": 0.05, **context.job.arguments}
            self._note(context, step, "start")
            for tick in range(options["ticks"]):
                time.sleep(options["tick_s"])
                self._note(context, step, "tick", tick)
                if not options.get("is_deaf"):
                    context.progress((tick + 1) / options["ticks"], f"Tick {tick}")
            self._do(context, step)
            self._note(context, step, "effect")
            if options.get("dies_after") == step:
                self._die_once(context, step, takes_worker="takes_worker" in options)

        return run

    def _do(self, context: JobContext, step: str) -> None:
        (self.settings.data_dir / f"{context.job.id}-{step}").write_text(str(context.job.attempt))
        with self.store.write() as tx:
            tx.jobs.require_attempt(context.job.id, context.job.attempt)
            model = tx.models.get(context.job.resource_id)
            done = dict(model.custom_properties) | {step: str(context.job.attempt)}
            model = replace(model, custom_properties=done)
            if step == "publish":
                model = model.published(self.clock.now(), bundle=BUNDLE, files=(), summary={})
            tx.models.save(model)

    def _die_once(self, context: JobContext, step: str, *, takes_worker: bool) -> None:
        mark = self.settings.data_dir / f"{context.job.id}-{step}-died"
        if not mark.exists():
            mark.touch()
            os.kill(os.getppid() if takes_worker else os.getpid(), signal.SIGKILL)
            time.sleep(5)

    def _note(self, context: JobContext, step: str, what: str, tick: int = -1) -> None:
        line = {"job": context.job.id, "step": step, "what": what, "attempt": context.job.attempt}
        line |= {"tick": tick, "pid": os.getpid(), "worker": os.getppid(), "at": time.time()}
        with (self.settings.data_dir / "journal.jsonl").open("a") as journal:
            journal.write(json.dumps(line) + "\n")


def build(settings: Settings) -> LightApp:
    return LightApp(settings, SqlStore(settings.sql_url), SystemClock())


def program(role: str) -> tuple[str, ...]:
    return (sys.executable, __file__, role)


def serve(gateway: str = "gateway") -> None:
    # Attempts start faster for not loading what only the server needs.
    from tympan.app import supervisor  # noqa: PLC0415
    from tympan.app.children import Patience  # noqa: PLC0415

    programs = supervisor.Programs(gateway=program(gateway), worker=program("worker"))
    supervisor.serve(Settings(), programs=programs, patience=Patience(healthy_after_s=0.5))


def work() -> None:
    from tympan.app import processes  # noqa: PLC0415
    from tympan.app.build_jobs import build_job_engine  # noqa: PLC0415
    from tympan.backends.leases import ProcessIdentity  # noqa: PLC0415

    configure_logs("worker")
    here = ProcessIdentity.of_this_process()
    # A machine of another name: nobody here can see whether its processes live.
    machine = os.environ.get("LIGHT_MACHINE")  # noqa: TID251  not a setting of the product
    identity = here if machine is None else replace(here, host=machine)
    processes.serve_jobs(build_job_engine(Settings(), attempt=program("attempt"), identity=identity))


class Health(BaseHTTPRequestHandler):
    """Always ready."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def answer(descriptor: int) -> None:
    server = HTTPServer(("127.0.0.1", 0), Health, bind_and_activate=False)
    server.socket = socket.socket(fileno=descriptor)
    server.serve_forever()


def main(role: str, *rest: str) -> None:
    if role == "serve":
        serve()
    elif role == "serve-broken":
        serve("broken")
    elif role == "broken":
        sys.exit("this gateway never starts")
    elif role == "attempt":
        attempt.leave(attempt.main(rest, build))
    else:
        if rest:
            die_with_parent(int(rest[0]))
        work() if role == "worker" else answer(int(rest[1]))
        attempt.leave(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
