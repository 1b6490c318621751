"""How much one batch transcription may ask for.

Source: developer reference, section 19.
"""

from __future__ import annotations

from dataclasses import dataclass

from tympan.ports.containers import MOST_BLOBS


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionLimits:
    """The published limits.

    Attributes:
        urls: Addresses of one transcription.
        blobs: Of one container.
        source_bytes: Largest recording that is fetched.
        channels: Highest number of a channel, plus one.
        candidate_locales: Most languages, where the language may change within a recording.
        speakers: Most speakers.
        longest_life_s: Time to live.
    """

    urls: int = 1000
    blobs: int = MOST_BLOBS
    source_bytes: int = 1024**3
    channels: int = 16
    candidate_locales: int = 10
    speakers: int = 35
    longest_life_s: int = 31 * 24 * 3600


PUBLISHED_LIMITS = TranscriptionLimits()
"""What the published API allows."""
