"""What each process of a server runs: ``python -m tympan.app.processes NAME PARENT_PID [FD]``.

The supervisor starts them so. ``run_worker``, ``run_gateway`` and ``run_model_host`` are
also called alone, on machines of their own.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from collections.abc import Sequence

from tympan.app.logs import configure_logs
from tympan.app.settings import Settings, secrets_of
from tympan.app.tracing import check_tracing
from tympan.backends.process_bond import die_with_parent
from tympan.domain.errors import ServiceError
from tympan.ports.jobs import JobEngine

_DRAIN_S = 20

log = logging.getLogger(__name__)


def prepare(settings: Settings) -> None:
    """Make the tables and, at the very first start, the keys; harmless when they are there.

    New keys are written to the owner's file and shown this once.

    Raises:
        ServiceError: The database cannot be reached, or the chosen key is too short.
    """
    from tympan.app.secret_file import keep_keys, server_secret
    from tympan.backends.clock import SystemClock
    from tympan.backends.sql.migrate import migrate
    from tympan.backends.sql.store import SqlStore
    from tympan.usecases.access import Access

    migrate(settings.sql_url)
    server_secret(settings.secret_file)
    chosen = settings.bootstrap_key.get_secret_value() if settings.bootstrap_key else None
    keys = Access(store=SqlStore(settings.sql_url), clock=SystemClock()).bootstrap(chosen)
    if not keys:
        return
    keep_keys(settings.keys_file, keys)
    shown = {name: key for name, key in keys.items() if key != chosen}
    lines = [f"New keys, shown only now and kept in {settings.keys_file.resolve()}:"]
    lines += [f"  {name}  {key}" for name, key in shown.items()]
    if shown:
        sys.stdout.write("\n".join(lines) + "\n")


def run_worker(settings: Settings) -> None:
    """Run jobs and chores until the process is asked to end; running ones go on at the next start."""
    from tympan.app.build_jobs import build_housekeeping, build_job_engine

    check_tracing(settings)  # the first attempt would be late to find out
    configure_logs("worker", secrets=secrets_of(settings))
    housekeeping = build_housekeeping(settings)
    housekeeping.start()
    serve_jobs(build_job_engine(settings))
    housekeeping.stop()


def serve_jobs(engine: JobEngine) -> None:
    """Let an engine run until the process is asked to end."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    engine.start()
    ending.wait()
    log.info("worker stops")
    engine.stop()


def run_gateway(settings: Settings, listener: socket.socket | None = None) -> None:
    """Serve REST, the speech protocol and the portal until the process is asked to end.

    Requests that run then are answered first, and turns end with what was said so far, for at
    most 20 s.

    Args:
        settings: Of the server.
        listener: A listening socket; None: one is made from the settings.
    """
    import uvicorn

    from tympan.app.build import build_web
    from tympan.app.draining import DrainingServer

    configure_logs("gateway", secrets=secrets_of(settings))
    application = build_web(settings)
    config = uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    server = DrainingServer(config, lambda: application.state.drain(_DRAIN_S))
    server.run(sockets=[listener] if listener else None)


def run_model_host(settings: Settings) -> None:
    """Serve the recogniser until the process is asked to end."""
    from tympan.app.build import serve_model_host

    configure_logs("model-host", secrets=secrets_of(settings))
    serve_model_host(settings)


def main(arguments: Sequence[str]) -> int:
    """Run the process of a name as a child of the supervisor.

    Args:
        arguments: Name, the supervisor's pid and, for the gateway, its listening socket.
    """
    name, parent_pid, *descriptor = arguments
    die_with_parent(int(parent_pid))
    settings = Settings()
    try:
        match name:
            case "prepare":
                prepare(settings)
            case "worker":
                run_worker(settings)
            case "gateway":
                run_gateway(settings, socket.socket(fileno=int(descriptor[0])) if descriptor else None)
            case "model-host":
                run_model_host(settings)
            case _:
                sys.stderr.write(f"There is no process '{name}'.\n")
                return 2
    except ServiceError as error:
        sys.stderr.write(f"tympan {name}: {error.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    from tympan.app.attempt import leave

    leave(main(sys.argv[1:]))
