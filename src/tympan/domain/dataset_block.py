"""Blocks of a dataset: pieces of a file that arrive one by one, in any order."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tympan.domain.errors import InvalidInputError

LARGEST_BLOCK_BYTES = 8 * 1024**2
_LONGEST_NAME_BYTES = 64


class BlockList(StrEnum):
    """Where a commit looks for a block; Azure's spelling."""

    COMMITTED = "Committed"
    UNCOMMITTED = "Uncommitted"
    LATEST = "Latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetBlock:
    """One piece of a dataset's file.

    Attributes:
        id: ``<dataset>/<name>``.
        dataset_id: The dataset.
        name: The client's name for it, Base64 as it was given.
        size_bytes: Its length.
        key: Its blob; None once the file was put together.
        positions: Where in the file it stands, from 0; empty until it is committed.
        created_at: When it was uploaded last; aware UTC time.
    """

    id: str
    dataset_id: str
    name: str
    size_bytes: int
    key: str | None
    positions: tuple[int, ...] = ()
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockReference:
    """One entry of a commit.

    Attributes:
        kind: Where to look for the block.
        name: The client's name for it.
    """

    kind: BlockList
    name: str


def block_id(dataset_id: str, name: str) -> str:
    """The id of a block of a dataset."""
    return f"{dataset_id}/{name}"


def checked_block_name(name: str) -> str:
    """The name itself, if it is Base64 of 1 to 64 bytes.

    Raises:
        InvalidInputError: It is not.
    """
    try:
        data = base64.b64decode(name, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not 1 <= len(data) <= _LONGEST_NAME_BYTES:
        raise InvalidInputError(
            f"'{name[:100]}' is no block id. Give Base64 of 1 to {_LONGEST_NAME_BYTES} bytes, URL-encoded.",
            target="blockid",
        )
    return name
