"""``tympan serve``: one process that starts the others and starts again those that die."""

from __future__ import annotations

import errno
import secrets
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from tympan.app.children import Child, Patience, Supervisor
from tympan.app.data_folder import DataFolder
from tympan.app.logs import configure_logs
from tympan.app.settings import Settings, child_environment, secrets_of
from tympan.app.tracing import check_tracing
from tympan.domain.errors import ConflictError, InvalidInputError

_LOOK_S = 0.1
_BIND_PATIENCE_S = 2.0
_BACKLOG = 1024


def _process(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tympan.app.processes", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """What the supervisor runs; each is given the supervisor's pid, the gateway its socket too."""

    prepare: Sequence[str] = _process("prepare")
    model_host: Sequence[str] = _process("model-host")
    gateway: Sequence[str] = _process("gateway")
    worker: Sequence[str] = _process("worker")


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def serve(
    settings: Settings,
    *,
    programs: Programs | None = None,
    patience: Patience | None = None,
    announce: Callable[[str], object] = _say,
) -> None:
    """Run a whole server on one data folder until asked to end (Ctrl-C or SIGTERM).

    Children live in sessions of their own, so a Ctrl-C reaches the supervisor only, which
    lets them end in order. If the supervisor is killed, they die with it; the next start
    goes on with every job.

    Args:
        settings: Of the server; port 0 picks a free one.
        programs: What to run; the real processes unless a test says otherwise.
        patience: As above.
        announce: Told a sentence with the URL once the server is ready; prints it.

    Raises:
        ConflictError: Another server uses the data folder, or the port is taken.
        InvalidInputError: The folder or the address cannot be used, or traces cannot be sent.
        UnavailableError: The databases cannot be prepared, or a process cannot start.
    """
    check_tracing(settings)
    programs, patience = programs or Programs(), patience or Patience()
    folder = DataFolder(settings.data_dir, settings.server_file)
    with folder.claimed(), listening(settings.host, settings.port) as listener:
        has_own_model_host = settings.model_host_url is None
        settings = _completed(settings, port=listener.getsockname()[1])
        configure_logs("supervisor", secrets=secrets_of(settings))
        url = _local_url(settings)

        def ready() -> None:
            folder.announce(url)
            announce(f"Tympan is ready at {settings.public_url or url}. Press Ctrl-C to stop it.")

        def child(name: str, program: Sequence[str], descriptor: int | None = None) -> Child:
            return Child(name, program, child_environment(settings), patience, descriptor)

        children = [child("gateway", programs.gateway, listener.fileno()), child("worker", programs.worker)]
        needed = [child("model-host", programs.model_host)] if has_own_model_host else []
        Supervisor(child("prepare", programs.prepare), children, needed, patience).run(url, ready)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens already, so that no request is refused while a gateway starts.

    Raises:
        ConflictError: The port is taken.
        InvalidInputError: The address cannot be used on this machine.
    """
    # The gateway of a server that was just killed may need a moment to be gone.
    until = time.monotonic() + _BIND_PATIENCE_S
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        try:
            return socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise InvalidInputError(
                    f"Port {port} on {host} cannot be used: {error.strerror or error}. "
                    "Choose others with --host and --port.",
                    target="port",
                ) from error
            if time.monotonic() > until:
                raise ConflictError(
                    f"Port {port} on {host} is taken by another program. "
                    "Choose another with --port, or --port 0 for a free one.",
                    target="port",
                ) from error
        time.sleep(_LOOK_S)


def _completed(settings: Settings, *, port: int) -> Settings:
    """The settings with the port, and with a model host of our own if none is named."""
    found: dict[str, object] = {"port": port}
    if settings.model_host_url is None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            found["model_host_url"] = f"http://127.0.0.1:{free.getsockname()[1]}"
        found["model_host_secret"] = SecretStr(secrets.token_hex(32))
    return settings.model_copy(update=found)


def _local_url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
