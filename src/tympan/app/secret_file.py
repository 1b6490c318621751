"""The secret that signs file URLs and portal sessions, and the owner's copy of the keys."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

_SECRET_BYTES = 32


def server_secret(path: Path) -> bytes:
    """The server's own secret, made at its first start.

    Several servers on one database must share the file's content, or file URLs and portal
    sessions work only where they were made.
    """
    if not path.exists():
        _write_private(path, secrets.token_hex(_SECRET_BYTES), is_replacing=False)
    return bytes.fromhex(path.read_text("ascii").strip())


def resource_id(secret: bytes) -> str:
    """What other servers and clients name this server by; looks like a cloud's resource id.

    It follows from the secret without telling it, so it is made at the first start, stays
    the same over restarts, and is shared by servers that share the secret.
    """
    digest = hmac.new(secret, b"resource id", hashlib.sha256).digest()
    owner, name = uuid.UUID(bytes=digest[:16], version=4), digest[16:22].hex()
    return (
        f"/subscriptions/{owner}/resourceGroups/tympan/providers/Microsoft.CognitiveServices/"
        f"accounts/tympan-{name}"
    )


def token_secret(secret: bytes) -> bytes:
    """What signs access tokens: another key than that of file URLs, from the same secret."""
    return hmac.new(secret, b"access tokens", hashlib.sha256).digest()


def keep_keys(path: Path, keys: Mapping[str, str]) -> None:
    """Add new keys to the owner's file, readable by the owner only.

    Args:
        path: The setting ``keys_file``.
        keys: Plain texts by name, as ``Access.bootstrap`` returned them.
    """
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    _write_private(path, json.dumps(kept | dict(keys), indent=2) + "\n", is_replacing=True)


def _write_private(path: Path, text: str, *, is_replacing: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file 0600 from the first byte on.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if is_replacing:
        Path(temporary).replace(path)
        return
    try:
        os.link(temporary, path)  # fails when another process was first: its secret counts
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink()
