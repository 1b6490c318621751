"""How a server starts, refuses to start, and keeps its processes running."""

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.servers import LightServer, descendants

from tympan.app.data_folder import DataFolder
from tympan.app.supervisor import listening
from tympan.domain.errors import ConflictError, InvalidInputError

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LightServer]:
    """A light server that has not started."""
    server = LightServer(tmp_path / "data")
    yield server
    server.close()


def test_a_ready_server_says_where_it_is_and_a_second_one_is_refused(server: LightServer) -> None:
    first = server.start()
    address = json.loads(server.wait(server.address))
    assert address["pid"] == first.pid
    with urllib.request.urlopen(f"{address['url']}/health/ready") as answer:
        assert answer.status == 200
    assert f"Tympan is ready at {address['url']}" in server.log()
    second = server.start()
    assert second.wait(20) != 0
    assert f"Another server (process {first.pid}) uses the data folder {server.folder}" in server.log()
    assert first.poll() is None


def test_a_process_that_dies_is_started_again_and_no_connection_is_refused(server: LightServer) -> None:
    first = server.start()
    url = json.loads(server.wait(server.address))["url"]
    gateway = server.wait(lambda: [one for one in descendants(first.pid) if "gateway" in one.cmdline()])[0]
    os.kill(gateway.pid, signal.SIGKILL)
    with urllib.request.urlopen(f"{url}/health/ready", timeout=20) as answer:
        assert answer.status == 200
    assert gateway.pid not in [one.pid for one in psutil.Process(first.pid).children()]


def test_a_server_whose_gateway_cannot_start_gives_up_and_says_so(tmp_path: Path) -> None:
    server = LightServer(tmp_path / "data")
    process = server.start("serve-broken")
    assert process.wait(30) != 0
    assert "The gateway ended 3 times while the server started" in server.log()
    server.close()


def test_the_first_start_shows_the_keys_once_and_keeps_them_for_the_owner_only(server: LightServer) -> None:
    process = server.start()
    server.wait(server.address)
    keys = json.loads((server.folder / "keys.json").read_text())
    assert all(server.log().count(key) == 1 for key in keys.values())
    assert (server.folder / "keys.json").stat().st_mode & 0o777 == 0o600
    process.terminate()
    process.wait(20)
    server.start()
    server.wait(server.address)
    assert all(server.log().count(key) == 1 for key in keys.values())


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConflictError, match=f"Port {port} on 127.0.0.1 is taken"):
            listening("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"on 192\.0\.2\.1 cannot be used"):
        listening("192.0.2.1", 0)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = DataFolder(tmp_path / "file" / "data", tmp_path / "server.json")
    with pytest.raises(InvalidInputError, match="cannot be used: Not a directory"), folder.claimed():
        pass
