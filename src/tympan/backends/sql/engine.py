"""Database engines: every engine of the product is made here.

Python's SQLite driver opens a transaction only at the first write, so reading a row and
then writing it loses updates without an error. Engines made here begin at once with
``BEGIN IMMEDIATE`` instead.
"""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError

from tympan.domain.errors import InvalidInputError, UnavailableError

_BUSY_TIMEOUT_MS = 30_000
_POOL_TIMEOUT_S = 30.0
# A worker that freezes inside a transaction must not hold its row locks for ever: the
# server ends its session, and the next attempt goes on.
_POSTGRES_SETTINGS = (
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET lock_timeout = '30s'",
    "SET TimeZone = 'UTC'",
)
# A server that went away without a word is noticed after about a minute.
_POSTGRES_CONNECT: dict[str, Any] = {
    "connect_timeout": 10,
    "application_name": "tympan",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How an engine behaves.

    Attributes:
        is_durable: SQLite only: a commit also survives a power failure, not only a killed
            process (``synchronous=FULL``). For the database of the job engine.
        is_read_only: SQLite only: plain ``BEGIN``, and every write is refused.
        has_foreign_keys: SQLite only: off for migrations, which rebuild tables.
        begins_immediately: SQLite only: off when somebody else issues ``BEGIN`` at first;
            ``begin_immediately`` switches it on later.
        pool_size: Connections kept open. A child process needs one or two.
        overflow: Connections opened beyond that in a rush and closed again.
    """

    is_durable: bool = False
    is_read_only: bool = False
    has_foreign_keys: bool = True
    begins_immediately: bool = True
    pool_size: int = 5
    overflow: int = 35


def make_engine(url: str, options: EngineOptions | None = None) -> Engine:
    """Make an engine; nothing is connected yet.

    Args:
        url: ``sqlite:///<path>``, ``postgresql://…`` or ``postgres://…``.
        options: As above.

    Raises:
        InvalidInputError: The URL names no database this product can use, or psycopg is
            not installed.
    """
    options = options or EngineOptions()
    parsed = parse_url(url)
    common: dict[str, Any] = {
        "pool_size": options.pool_size,
        "max_overflow": options.overflow,
        "pool_timeout": _POOL_TIMEOUT_S,
        "json_serializer": _to_json,
    }
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000}, **common)
        _set_up_sqlite(engine, options)
        return engine
    try:
        engine = sa.create_engine(
            parsed, connect_args=_POSTGRES_CONNECT, pool_pre_ping=True, pool_recycle=1800, **common
        )
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            "PostgreSQL needs the psycopg driver. Install it with: pip install 'tympan[postgres]'",
            target="database_url",
        ) from error
    event.listen(engine, "connect", _set_up_postgres)
    return engine


def parse_url(url: str) -> URL:
    """The URL with the driver this product uses.

    Raises:
        InvalidInputError: It names no database this product can use.
    """
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise _unusable("It cannot be read as a URL.") from error
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            if parsed.database in (None, "", ":memory:"):
                raise _unusable("SQLite needs a file here, as in sqlite:////var/lib/tympan/app.db.")
            return parsed
        case "postgres" | "postgresql" | "postgresql+psycopg":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise _unusable(f"'{other}' is not supported; use sqlite:///… or postgresql://….")


def make_folder(url: str) -> None:
    """Make the folder a SQLite file goes into; nothing to do for PostgreSQL."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database is not None:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)


def begin_immediately(engine: Engine) -> None:
    """Let every transaction of a SQLite engine lock the database as it begins.

    For an engine made with ``begins_immediately=False``: DBOS issues ``BEGIN`` itself while
    it migrates, and needs this from then on. Harmless for PostgreSQL and when repeated.
    """
    if engine.dialect.name == "sqlite" and not event.contains(engine, "begin", _begin_immediate):
        event.listen(engine, "begin", _begin_immediate)


def _to_json(value: object) -> str:
    # NaN is not JSON: PostgreSQL refuses it, so SQLite must not take it either.
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=datetime.isoformat)


def _unusable(reason: str) -> InvalidInputError:
    # The URL itself may hold a password, so the message does not repeat it.
    return InvalidInputError(f"The database URL cannot be used. {reason}", target="database_url")


def _set_up_sqlite(engine: Engine, options: EngineOptions) -> None:
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        _switch_to_wal(connection)
        connection.execute(f"PRAGMA synchronous={'FULL' if options.is_durable else 'NORMAL'}")
        connection.execute(f"PRAGMA foreign_keys={'ON' if options.has_foreign_keys else 'OFF'}")
        connection.execute(f"PRAGMA query_only={'ON' if options.is_read_only else 'OFF'}")

    event.listen(engine, "connect", on_connect)
    if options.is_read_only:
        event.listen(engine, "begin", _begin)
    elif options.begins_immediately:
        begin_immediately(engine)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for the busy timeout here, so two processes that open a new
    # file together would make one of them fail.
    deadline = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise UnavailableError(
                f"SQLite cannot keep a write-ahead log here (it uses '{mode}'). "
                "Put the data folder on a local disk, not on a network file system."
            )
        return


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _set_up_postgres(connection: Any, _record: object) -> None:  # noqa: ANN401  psycopg is optional
    connection.autocommit = True
    for statement in _POSTGRES_SETTINGS:
        connection.execute(statement)
    connection.autocommit = False
