"""A throw-away PostgreSQL server for every suite that needs one."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, and no verdict about the speed of the machine.
settings.register_profile(
    "tympan", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tympan")


class PostgresServer:
    """A cluster of its own on a free loopback port, gone after the tests.

    Its locale sorts as people do, so a test notices where the product relies on code points.
    """

    def __init__(self) -> None:
        packaged = Path("/usr/lib/postgresql").glob("*/bin/initdb")
        initdb = shutil.which("initdb") or max(packaged, default=None)
        if initdb is None:
            pytest.fail("PostgreSQL is missing. Install it with: apt-get install -y postgresql")
        self._programs = Path(initdb).resolve().parent
        # The server refuses to run as root.
        self._owner = "postgres" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="tympan-postgres-"))
        if self._owner:
            owner = pwd.getpwnam(self._owner)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        self.port = free_port()
        locale = ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8", "--encoding=UTF8")
        self._run("initdb", "--username=tympan", "--auth=trust", "--no-sync", *locale)
        self.start()

    @property
    def url(self) -> str:
        """The database every server has."""
        return f"postgresql://tympan@127.0.0.1:{self.port}/postgres"

    def new_database(self, template: str = "template1") -> str:
        """The URL of a new database, copied from another one."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql://tympan@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self._folder} -c fsync=off -c max_connections=200"
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self._folder}/log", "-o", options)

    def stop(self) -> None:
        """Stop the server as a crash would."""
        self._run("pg_ctl", "stop", "--wait", "--silent", "--mode=immediate")

    def remove(self) -> None:
        """Stop the server and delete its files."""
        self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), f"--pgdata={self._folder}/data", *arguments]
        done = subprocess.run(
            command, user=self._owner, group=self._owner, cwd=self._folder, capture_output=True, check=False
        )
        if done.returncode:
            pytest.fail(f"{program} failed: {done.stderr.decode()}{done.stdout.decode()}")


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server. A test that stops it must start it again."""
    server = PostgresServer()
    yield server
    server.remove()
