"""The data folder: who may use it, and where its server is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tympan.domain.errors import ConflictError, InvalidInputError


class DataFolder:
    """A folder that one server at a time may use.

    Args:
        path: The setting ``data_dir``.
        server_file: Where the running server says how to reach it.
    """

    def __init__(self, path: Path, server_file: Path) -> None:
        self._path = path
        self._server_file = server_file
        self._pid_file = path / "server.pid"

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other servers out; made if need be. A killed server's claim ends with it.

        Raises:
            ConflictError: Another server uses the folder; the message names both.
            InvalidInputError: The folder cannot be made or written.
        """
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._path / "server.lock")
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ConflictError(
                f"Another server (process {self._owner()}) uses the data folder {self._path.resolve()}. "
                "Stop it, or choose another folder with --data-dir."
            ) from error
        except OSError as error:
            raise InvalidInputError(
                f"The data folder {self._path} cannot be used: {error.strerror}. "
                "Make it writable, or choose another with --data-dir.",
                target="data_dir",
            ) from error
        try:
            self._pid_file.write_text(f"{os.getpid()}\n")
            # What a killed server left behind names an address where nobody listens.
            self._server_file.unlink(missing_ok=True)
            yield
        finally:
            self._server_file.unlink(missing_ok=True)
            self._pid_file.unlink(missing_ok=True)
            lock.release()

    def announce(self, url: str) -> None:
        """Tell the local command line where the server is."""
        whole = self._server_file.with_suffix(".new")
        whole.write_text(json.dumps({"url": url, "pid": os.getpid()}) + "\n")
        whole.replace(self._server_file)

    def _owner(self) -> str:
        try:
            return self._pid_file.read_text().strip() or "unknown"
        except OSError:
            return "unknown"
