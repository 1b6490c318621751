"""How log records are written: one line each, with fields, and never a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
_SECRET_NAMES = re.compile(r"(secret|password|authorization|(^|_)token|api_?key|access_?key)$", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^:/@\s]*):[^@/\s]+@")
_HIDDEN = "***"

_TALKATIVE = ("dbos", "uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "httpx", "httpcore")


def configure_logs(
    process: str, *, secrets: Iterable[str] = (), is_text: bool | None = None, stream: TextIO | None = None
) -> None:
    """Send every log record of this process to one place.

    Args:
        process: What this process is, such as ``worker``; stands in every line.
        secrets: Strings that are replaced wherever they appear.
        is_text: Lines for people instead of JSON; None: when somebody watches.
        stream: Standard error if None.
    """
    stream = stream or sys.stderr
    is_text = stream.isatty() if is_text is None else is_text
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(process, secrets=secrets, is_text=is_text))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class LineFormatter(logging.Formatter):
    """One line per record, as JSON or for people.

    A field whose name speaks of a secret is hidden, and so are the given secrets and the
    passwords of URLs wherever they stand.
    """

    def __init__(self, process: str, *, secrets: Iterable[str] = (), is_text: bool = False) -> None:
        super().__init__()
        self._process = process
        self._secrets = tuple(secret for secret in secrets if secret)
        self._is_text = is_text

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line = self._text(record) if self._is_text else self._json(record)
        for secret in self._secrets:
            line = line.replace(secret, _HIDDEN)
        return _PASSWORD_IN_URL.sub(rf"\1:{_HIDDEN}@", line)

    def _json(self, record: logging.LogRecord) -> str:
        document = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            document["error"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False, default=str)

    def _text(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{at} {self._process:<10} {record.levelname.lower():<7} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {
        name: _HIDDEN if _SECRET_NAMES.search(name) else value
        for name, value in record.__dict__.items()
        if name not in _STANDARD
    }
