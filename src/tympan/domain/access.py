"""Access keys: who may call."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A key as stored: never the key itself.

    Attributes:
        id: UUID.
        name: Such as ``key1`` or the name of a client.
        sha256: Hash of the key. Keys are 256 random bits, so a plain hash cannot be guessed.
        endpoint_id: The only endpoint it opens; None opens the whole server.
        created_at: Aware UTC time.
    """

    id: str
    name: str
    sha256: str
    endpoint_id: str | None = None
    created_at: datetime


def new_secret() -> str:
    """Make a key of 256 random bits, written as 64 hexadecimal characters."""
    return secrets.token_hex(32)


def hash_secret(secret: str) -> str:
    """The stored form of a key."""
    return hashlib.sha256(secret.encode()).hexdigest()
