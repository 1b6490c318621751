"""File documents."""

from __future__ import annotations

from datetime import datetime

from tympan.domain.dataset import StoredFile
from tympan.wire.values import Document, duration, present, timestamp


def file_document(file: StoredFile, *, self_url: str, content_url: str, created_at: datetime) -> Document:
    """A file as clients see it."""
    return {
        "self": self_url,
        "name": file.name,
        "kind": file.kind,
        "properties": present(
            {
                "size": file.size_bytes,
                "duration": None if file.duration_s is None else duration(file.duration_s),
            }
        ),
        "createdDateTime": timestamp(created_at),
        "links": {"contentUrl": content_url},
    }
