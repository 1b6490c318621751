"""Documents of endpoint keys."""

from __future__ import annotations

from tympan.domain.access import AccessKey
from tympan.wire.addresses import Addresses
from tympan.wire.values import Document, present, timestamp


def key_document(key: AccessKey, addresses: Addresses, *, secret: str | None = None) -> Document:
    """A key as its owner sees it; ``secret`` is there only in the answer that makes it."""
    return present(
        {
            "self": addresses.ours("endpoints", key.endpoint_id or "", "keys", key.id),
            "id": key.id,
            "name": key.name,
            "key": secret,
            "createdDateTime": timestamp(key.created_at),
        }
    )
