"""Reports and score files, read from the blob store for pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tympan.domain.dataset import StoredFile
from tympan.ports.blobs import BlobStore

LARGEST_BYTES = 64 * 1024 * 1024
"""Of a report that a page shows."""

Members = Mapping[str, object]


def read_report(blobs: BlobStore, files: Sequence[StoredFile], name: str) -> Members | None:
    """A JSON file of a resource; None when there is none, or none that fits a page."""
    for file in files:
        if file.name == name and file.size_bytes <= LARGEST_BYTES:
            value = json.loads(b"".join(blobs.stream(file.key)))
            return value if isinstance(value, dict) else None
    return None


def objects(members: Members | None, name: str) -> list[Members]:
    """The objects of a list member; empty when it is absent."""
    value = None if members is None else members.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
