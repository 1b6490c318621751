"""Every implementation of the storage ports, each fresh for its test."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.sql.migrate import migrate
from tympan.backends.sql.store import SqlStore
from tympan.ports.blobs import BlobStore
from tympan.ports.store import Store
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import FakeClock
from tympan.testing.store import MemoryStore
from tympan.usecases.announcing import AnnouncingStore

KEY_ID, SECRET = "an-access-key", "a-secret-access-key"


@pytest.fixture(scope="session")
def migrated_template(postgres_server) -> str:
    """The name of a PostgreSQL database with this release's tables and no rows."""
    url = postgres_server.new_database()
    migrate(url)
    return url.rpartition("/")[2]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request, tmp_path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/app.db"
    return request.getfixturevalue("postgres_server").new_database()


@pytest.fixture(
    params=["memory", "announcing", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def store(request, tmp_path) -> Iterator[Store]:
    """A store of each kind, with nothing in it."""
    if request.param in ("memory", "announcing"):
        memory = MemoryStore()
        yield memory if request.param == "memory" else AnnouncingStore(store=memory, clock=FakeClock())
        return
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/app.db"
        migrate(url)
    else:
        template = request.getfixturevalue("migrated_template")
        url = request.getfixturevalue("postgres_server").new_database(template)
    sql_store = SqlStore(url)
    yield sql_store
    sql_store.close()


@dataclass(frozen=True)
class Bucket:
    """A bucket on a server that speaks S3."""

    endpoint: str
    name: str = "tympan-test"

    def options(self, **changes: str) -> dict[str, str]:
        """What ObstoreBlobs needs to reach it."""
        keys = {"access_key_id": KEY_ID, "secret_access_key": SECRET}
        return {"endpoint": self.endpoint, "region": "us-east-1"} | keys | changes

    def client(self):
        """Another client, to look behind the store's back."""
        keys = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", **keys)


def _served(command: list[str], port: int, folder: Path) -> Iterator[Bucket]:
    keys = [f"NANIO_ACCESS_KEY={KEY_ID}", f"NANIO_SECRET_KEY={SECRET}"]
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(["env", *keys, *command], stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 60
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command} does not answer: {log.read_text()}")
            time.sleep(0.05)
        bucket = Bucket(f"http://127.0.0.1:{port}")
        bucket.client().create_bucket(Bucket=bucket.name)
        yield bucket
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def moto_bucket(tmp_path_factory) -> Iterator[Bucket]:
    """A bucket with S3's semantics; its server takes any key."""
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    yield from _served(command, port, tmp_path_factory.mktemp("moto"))


@pytest.fixture(scope="session")
def nanio_bucket(tmp_path_factory) -> Iterator[Bucket]:
    """A bucket on a server that checks every signature."""
    port, folder = _free_port(), tmp_path_factory.mktemp("nanio")
    serve = ["-m", "nanio", "serve", "--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder)]
    yield from _served([sys.executable, *serve], port, folder)


def _emptied(bucket: Bucket, tmp_path: Path) -> BlobStore:
    client = bucket.client()
    for found in client.list_objects_v2(Bucket=bucket.name).get("Contents", []):
        client.delete_object(Bucket=bucket.name, Key=found["Key"])
    return ObstoreBlobs(
        f"s3://{bucket.name}", SystemClock(), options=bucket.options(), spool_dir=tmp_path / "spool"
    )


@pytest.fixture(params=["folder", "moto", "nanio"])
def lasting_blobs(request, tmp_path) -> BlobStore:
    """A blob store of each kind that keeps blobs outside the process."""
    if request.param == "folder":
        return ObstoreBlobs((tmp_path / "blobs").as_uri(), SystemClock())
    return _emptied(request.getfixturevalue(f"{request.param}_bucket"), tmp_path)


@pytest.fixture(params=["memory", "folder", "moto", "nanio"])
def blobs(request, tmp_path) -> BlobStore:
    """A blob store of each kind, with nothing in it."""
    if request.param == "memory":
        return MemoryBlobs()
    if request.param == "folder":
        return ObstoreBlobs((tmp_path / "blobs").as_uri(), SystemClock())
    return _emptied(request.getfixturevalue(f"{request.param}_bucket"), tmp_path)
