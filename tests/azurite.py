"""A storage account on this machine, whose server checks every signature."""

import base64
import hashlib
import hmac
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from tests.conftest import free_port
from tests.npm_packages import npm_package

VERSION = "3.37.0"
_SERVICE_VERSION = "2020-04-08"
# The account that Azurite comes with, as its documentation prints it.
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Account:
    """The account on a running server."""

    port: int

    def signed(self, container: str, permissions: str) -> str:
        """URL of a container with the right to do something there: r, w, c, l, d."""
        start = {"sv": _SERVICE_VERSION, "ss": "b", "srt": "co", "sp": permissions}
        rest = {"st": "", "se": "2099-01-01T00:00:00Z", "sip": "", "spr": "http,https"}
        said = [_ACCOUNT, start["sp"], start["ss"], start["srt"], *rest.values(), start["sv"], ""]
        key = base64.b64decode(_KEY)
        signature = base64.b64encode(hmac.digest(key, "\n".join(said).encode(), hashlib.sha256)).decode()
        query = {name: value for name, value in {**start, **rest, "sig": signature}.items() if value}
        return f"{self.place(container)}?{urlencode(query, quote_via=quote)}"

    def place(self, container: str) -> str:
        """URL of a container, without any right."""
        return f"http://127.0.0.1:{self.port}/{_ACCOUNT}/{container}"

    def new_container(self, *, is_public: bool = False) -> str:
        """The name of a new container."""
        name = f"t{uuid.uuid4().hex}"
        headers = {"x-ms-blob-public-access": "container"} if is_public else {}
        self._send(self.signed(name, "cw") + "&restype=container", b"", headers)
        return name

    def put(self, container: str, name: str, data: bytes) -> None:
        """Put a blob there."""
        place, _, query = self.signed(container, "cw").partition("?")
        self._send(f"{place}/{quote(name)}?{query}", data, {"x-ms-blob-type": "BlockBlob"})

    def read(self, container: str, name: str) -> tuple[bytes, str]:
        """The bytes of a blob, and its content type."""
        place, _, query = self.signed(container, "r").partition("?")
        with urllib.request.urlopen(f"{place}/{quote(name)}?{query}") as answer:
            return answer.read(), answer.headers["content-type"]

    def _send(self, url: str, data: bytes, headers: dict[str, str]) -> None:
        request = urllib.request.Request(url, data=data, headers=headers, method="PUT")
        urllib.request.urlopen(request).close()


@contextmanager
def azurite(folder: Path) -> Iterator[Account]:
    """A running server on a free port, with its files in a folder."""
    port, log = free_port(), folder / "azurite.log"
    place = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "-l", str(folder)]
    program = npm_package("azurite", VERSION) / "dist" / "src" / "blob" / "main.js"
    command = ["node", str(program), *place, "--silent", "--skipApiVersionCheck"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 60
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command} does not answer: {log.read_text()}")
            time.sleep(0.1)
        yield Account(port)
    finally:
        process.kill()  # asked politely, it waits for connections that nobody holds
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/").close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
