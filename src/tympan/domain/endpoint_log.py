"""Endpoint logs: the audio and the result of requests, kept because their owner asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tympan.domain.dataset import StoredFile


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """One file of a log; a request leaves two, one with audio and one with the result.

    Attributes:
        id: Opaque to clients, lower case: ``2023-03-13_163715__<guid>_v2_json``.
        place: The endpoint's id, or ``base/<locale>`` for requests without an endpoint.
        session_id: The same for both files of a request.
        name: ``163715__<guid>.wav`` or ``163715__<guid>.v2.json``.
        kind: ``Audio`` or ``Transcription``.
        key: Of the blob.
        duration_s: Length of the audio; None for results.
        created_at: When the request began; aware UTC time.
    """

    id: str
    place: str
    session_id: str
    name: str
    kind: str
    key: str
    size_bytes: int
    duration_s: float | None = None
    created_at: datetime

    def as_stored(self) -> StoredFile:
        """The same as files of other resources are."""
        return StoredFile(
            id=self.id,
            name=self.name,
            kind=self.kind,
            key=self.key,
            size_bytes=self.size_bytes,
            duration_s=self.duration_s,
        )


def base_place(locale: str) -> str:
    """Where requests without an endpoint are logged."""
    return f"base/{locale}"
