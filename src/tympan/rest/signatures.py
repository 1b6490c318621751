"""URLs that open one file for a while, without a key."""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import quote

from tympan.domain.errors import ForbiddenError
from tympan.wire.addresses import OURS

_HEX = re.compile(r"[0-9a-f]{64}")


def content_path(secret: bytes, place: str, *, expires_at_s: int) -> str:
    """Path and query under which a file can be read until it expires.

    Args:
        secret: Of the server.
        place: Which file: ``datasets/<id>/files/<file id>``.
        expires_at_s: Unix time in seconds.
    """
    signature = _signature(secret, place, expires_at_s)
    return f"{OURS}/content/{quote(place)}?expires={expires_at_s}&signature={signature}"


def check_signature(secret: bytes, place: str, *, expires: str, signature: str, now_s: float) -> None:
    """Make sure that a content URL was made by this server and has not expired.

    Raises:
        ForbiddenError: It was not, or it has.
    """
    is_whole = expires.isascii() and expires.isdigit() and _HEX.fullmatch(signature) is not None
    if not is_whole or not hmac.compare_digest(signature, _signature(secret, place, int(expires))):
        raise ForbiddenError(
            "The signature of this file URL is not valid. List the files to get a fresh one."
        )
    if now_s >= int(expires):
        raise ForbiddenError("This file URL has expired. List the files to get a fresh one.")


def _signature(secret: bytes, place: str, expires_at_s: int) -> str:
    return hmac.new(secret, f"content\n{place}\n{expires_at_s}".encode(), hashlib.sha256).hexdigest()
