"""Uploading a large file in blocks, so that a broken connection costs a block and not the file."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tympan.cli.client import management
from tympan.cli.documents import Answer
from tympan.domain.dataset_block import LARGEST_BLOCK_BYTES
from tympan.domain.errors import UnavailableError

if TYPE_CHECKING:
    from tympan.cli.client import Client

FROM_BYTES = 64 * 1024**2
"""Smaller files are sent whole."""
_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
_HASH_BYTES = 12


def upload_in_blocks(
    client: Client, members: Mapping[str, object], file: Path, on_sent: Callable[[int], None]
) -> Answer:
    """Upload a file as a new dataset, or go on with an upload of it that was broken off.

    A block is named after its place and the hash of its bytes, so what the server has
    already is not sent again, also when the command is run a second time.

    Args:
        client: To send with.
        members: Of the dataset, as the API takes them.
        file: What to upload.
        on_sent: Told the number of bytes of each block, sent or there already.

    Returns:
        The dataset, whose import has been asked for.

    Raises:
        UnavailableError: The server was away for too long; the upload can be gone on with.
    """
    dataset = _unfinished(client, members) or client.post(management("datasets"), members)
    path = management("datasets", dataset.id, "blocks")
    there = {block.text("name"): block.count("size") for block in client.get(path).parts("uncommittedBlocks")}
    names = []
    for number, data in enumerate(_blocks(file)):
        name = _name(number, data)
        if there.get(name) != len(data):
            _patiently(partial(client.put, path, data, blockid=name))
        names.append(name)
        on_sent(len(data))
    entries = [{"kind": "Latest", "id": name} for name in names]
    _patiently(lambda: client.post(management("datasets", dataset.id, "blocks:commit"), entries))
    return client.get(management("datasets", dataset.id))


def _unfinished(client: Client, members: Mapping[str, object]) -> Answer | None:
    """A dataset of the same description that still waits for its blocks."""
    name = str(members["displayName"]).replace("'", "''")
    for found in client.pages(management("datasets"), filter=f"displayName eq '{name}'"):
        is_waiting = found.status == "NotStarted" and found.find("tympan/job/self") is None
        is_same = all(found.text(member) == members[member] for member in ("kind", "locale"))
        project = members.get("project")
        wanted = Answer(project).text("self") if project else ""
        if (
            is_waiting
            and is_same
            and found.find("links/uploadBlocks")
            and found.text("project/self") == wanted
        ):
            return found
    return None


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while data := source.read(LARGEST_BLOCK_BYTES):
            yield data


def _name(number: int, data: bytes) -> str:
    return base64.b64encode(number.to_bytes(4, "big") + hashlib.sha256(data).digest()[:_HASH_BYTES]).decode()


def _patiently(call: Callable[[], object]) -> None:
    for pause_s in _PAUSES_S:
        try:
            call()
        except UnavailableError:
            time.sleep(pause_s)
        else:
            return
    try:
        call()
    except UnavailableError as error:
        raise UnavailableError(
            f"{error.message} What was sent is kept for a week: run the same command again to go on."
        ) from error
