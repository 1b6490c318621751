"""Keys of blobs: names that mean the same in a folder and in every kind of bucket."""

from __future__ import annotations

from tympan.domain.errors import InvalidInputError

_MAX_KEY_BYTES = 900  # S3 stops at 1024, and a bucket prefix comes in front
_MAX_PART_BYTES = 240  # file systems stop at 255
_FORBIDDEN = frozenset('\\#%?*:|"<>^`~{}[]')  # escaped or refused by one store or another


def checked_key(key: str) -> str:
    """The key itself, when it is sound.

    A key is ``part/part/…``. Parts are printable, do not begin with a dot and hold none of
    the characters that some store escapes, so that ``..`` can never leave the store.

    Raises:
        InvalidInputError: It is none (code ``InvalidBlobKey``).
    """
    is_sound = len(key.encode(errors="replace")) <= _MAX_KEY_BYTES and all(map(_is_sound, key.split("/")))
    if not is_sound:
        raise InvalidInputError(
            f"'{key[:100]}' cannot be the key of a blob: parts between slashes must be printable, "
            "not empty, and must not begin with a dot.",
            code="InvalidBlobKey",
        )
    return key


def content_key(sha256: str) -> str:
    """The key of a blob that is named after its bytes."""
    return f"sha256/{sha256}"


def _is_sound(part: str) -> bool:
    return (
        part != ""
        and not part.startswith(".")
        and part == part.strip()
        and part.isprintable()
        and _FORBIDDEN.isdisjoint(part)
        and len(part.encode(errors="replace")) <= _MAX_PART_BYTES
    )
