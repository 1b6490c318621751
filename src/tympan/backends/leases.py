"""Which workers live: one row each, renewed while it lives.

The job engine knows which worker runs what, but not which worker is dead. Here each
worker renews a row in the engine's database, and every worker looks for rows that were not.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, ProgrammingError

from tympan.backends.sql.errors import translated

_KEEP_DEAD_S = 24 * 3600.0

_metadata = sa.MetaData()
_executors = sa.Table(
    "tympan_executor",
    _metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("beat", sa.Double, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("pid_start", sa.String(32), nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """A process, told apart from every other one that has or had its number.

    Attributes:
        host: Boot of the machine and process namespace: where ``pid`` means something.
        pid: Process number.
        pid_start: When the process started, in the host's own counting.
    """

    host: str
    pid: int
    pid_start: str

    @classmethod
    def of_this_process(cls) -> ProcessIdentity:
        """Who we are."""
        pid = os.getpid()
        return cls(host=_host(), pid=pid, pid_start=_pid_start(pid) or "")

    def is_known_dead(self, observer: ProcessIdentity) -> bool:
        """Whether ``observer`` can see for certain that this process is gone."""
        return self.host == observer.host and _pid_start(self.pid) != self.pid_start


class LeaseLostError(Exception):
    """Another worker has declared this one dead and may be running its jobs already."""


class Leases:
    """The row of this worker and its view of the others. Thread-safe.

    Args:
        engine: The job engine's database.
        identity: Who this worker is.
        lease_s: A worker silent for so long is taken for dead.
    """

    def __init__(self, engine: Engine, identity: ProcessIdentity, *, lease_s: float) -> None:
        self.executor_id = f"worker-{uuid4().hex}"
        self._engine = engine
        self._identity = identity
        self._lease_s = lease_s
        self._lock = threading.Lock()
        self._renewed_at = time.monotonic()
        self._steady_since: float | None = None
        self._last_beat = 0.0

    def join(self) -> None:
        """Make the table and this worker's row; call it before any job is taken."""
        try:
            _metadata.create_all(self._engine)
        except (IntegrityError, ProgrammingError):
            # Two workers made the table at once; PostgreSQL lets only one of them.
            _metadata.create_all(self._engine)
        with self._engine.begin() as connection:
            now = _database_time(connection)
            connection.execute(
                _executors.insert().values(
                    id=self.executor_id,
                    state="alive",
                    beat=now,
                    host=self._identity.host,
                    pid=self._identity.pid,
                    pid_start=self._identity.pid_start,
                )
            )
        self._note_beat(now)

    def leave(self) -> None:
        """Give the row up: what this worker ran may be taken over at once."""
        with self._engine.begin() as connection:
            connection.execute(self._mine().values(state="dead"))

    def beat(self) -> None:
        """Renew this worker's row and declare dead those that surely or probably are.

        One whose process is seen to be gone on this host is dead. Silence alone counts
        only after this worker has itself beaten without interruption for one full lease:
        after an outage of the database every row looks silent.

        Raises:
            LeaseLostError: This worker was declared dead.
        """
        try:
            with self._engine.begin() as connection:
                now = _database_time(connection)
                renewed = connection.execute(self._mine().values(beat=now)).rowcount
        except Exception:
            with self._lock:
                self._steady_since = None
            raise
        if not renewed:
            raise LeaseLostError(f"Worker {self.executor_id} was declared dead by another one.")
        is_steady = self._note_beat(now)
        with self._engine.begin() as connection:
            self._declare_dead(connection, now, is_judging_silence=is_steady)

    def confirm(self) -> None:
        """Make sure that this worker's row is not out of date, renewing it if need be.

        Cheap while the row is fresh. After a freeze it tells before anything is started
        that another worker may be running already.

        Raises:
            LeaseLostError: This worker was declared dead.
        """
        if time.monotonic() - self._renewed_at > self._lease_s:
            self.beat()

    def living(self) -> frozenset[str]:
        """Ids of the workers that are not declared dead."""
        with self._engine.begin() as connection:
            rows = connection.execute(sa.select(_executors.c.id).where(_executors.c.state == "alive"))
            return frozenset(row.id for row in rows)

    def _mine(self) -> sa.Update:
        return _executors.update().where(_executors.c.id == self.executor_id, _executors.c.state == "alive")

    def _note_beat(self, now: float) -> bool:
        """Remember a beat; True once a full lease has passed without a gap."""
        with self._lock:
            has_gap = now - self._last_beat > self._lease_s / 2
            if self._steady_since is None or has_gap:
                self._steady_since = now
            self._last_beat = now
            self._renewed_at = time.monotonic()
            return now - self._steady_since >= self._lease_s

    def _declare_dead(self, connection: sa.Connection, now: float, *, is_judging_silence: bool) -> None:
        others = connection.execute(
            sa.select(_executors).where(_executors.c.state == "alive", _executors.c.id != self.executor_id)
        ).all()
        for row in others:
            process = ProcessIdentity(host=row.host, pid=row.pid, pid_start=row.pid_start)
            is_silent = is_judging_silence and row.beat < now - self._lease_s
            if is_silent or process.is_known_dead(self._identity):
                # The beat seen must still be the last one, else it came back meanwhile.
                connection.execute(
                    _executors.update()
                    .where(
                        _executors.c.id == row.id,
                        _executors.c.state == "alive",
                        _executors.c.beat == row.beat,
                    )
                    .values(state="dead")
                )
        connection.execute(
            _executors.delete().where(_executors.c.state == "dead", _executors.c.beat < now - _KEEP_DEAD_S)
        )


def worker_counter(engine: Engine, *, lease_s: float) -> Callable[[], int]:
    """What tells how many workers live.

    Args:
        engine: The job engine's database; nothing is written there.
        lease_s: A worker silent for twice so long is not counted.
    """

    def count() -> int:
        with translated(), engine.begin() as connection:
            if not sa.inspect(connection).has_table(_executors.name):
                return 0  # no worker was ever started
            since = _database_time(connection) - 2 * lease_s
            counted = sa.select(sa.func.count()).where(
                _executors.c.state == "alive", _executors.c.beat >= since
            )
            return int(connection.execute(counted).scalar_one())

    return count


def _database_time(connection: sa.Connection) -> float:
    """The database's clock, in seconds: the one clock that all workers share."""
    if connection.dialect.name == "postgresql":
        statement = "SELECT extract(epoch FROM clock_timestamp())"
    else:
        statement = "SELECT (julianday('now') - 2440587.5) * 86400.0"
    return float(connection.execute(sa.text(statement)).scalar_one())


def _host() -> str:
    """The machine's present boot and, within it, the namespace that numbers processes."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    if boot.exists() and namespace.is_symlink():
        return f"{boot.read_text().strip()} {namespace.readlink()}"
    return f"{os.uname().nodename} {psutil.boot_time():.0f}"


def _pid_start(pid: int) -> str | None:
    """When a process started; None when there is none or it is dead but not yet reaped."""
    try:
        # Field 2 is the name in brackets and may hold anything, so count from its end.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in ("Z", "X") else fields[19]
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.NoSuchProcess:
        return None
