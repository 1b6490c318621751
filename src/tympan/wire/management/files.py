"""File documents."""

from __future__ import annotations

from datetime import datetime

from tympan.domain.dataset import StoredFile
from tympan.wire.values import Document, spans, timestamp
from tympan.wire.versions import ApiVersion


def file_document(
    file: StoredFile, *, self_url: str, content_url: str, created_at: datetime, version: ApiVersion
) -> Document:
    """A file as clients see it."""
    return {
        "self": self_url,
        "name": file.name,
        "kind": file.kind,
        "properties": {"size": file.size_bytes, **spans(file.duration_s, version)},
        "createdDateTime": timestamp(created_at),
        "links": {"contentUrl": content_url},
    }
