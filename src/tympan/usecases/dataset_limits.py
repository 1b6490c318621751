"""How large datasets and their parts may be.

Source: developer reference, section 19.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tympan.domain.dataset import DatasetKind
from tympan.speech.archive import ArchiveLimits
from tympan.speech.display_files import FormatLimits
from tympan.speech.structured_text import StructuredLimits

_MIB = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetLimits:
    """The published limits; every one can be set.

    Attributes:
        datasets: Of one server.
        archive_bytes: Largest upload of recordings.
        text_bytes: Largest upload of related or structured text.
        pronunciation_bytes: Largest upload of pronunciations.
        formatting_bytes: Largest upload of display format rules.
        archive: What an archive may hold.
        structured: Of structured text.
        formatting: Of display format rules.
        recording_s: Longest recording.
        training_recording_s: Longer recordings are warned of: the recogniser hears at most 30 s
            at once, so training takes only their text.
        clipped_share: From this share of samples at full scale on a recording is warned of.
    """

    datasets: int = 500
    archive_bytes: int = 2 * 1024**3
    text_bytes: int = 200 * _MIB
    pronunciation_bytes: int = _MIB
    formatting_bytes: int = 10 * _MIB
    archive: ArchiveLimits = field(default_factory=ArchiveLimits)
    structured: StructuredLimits = field(default_factory=StructuredLimits)
    formatting: FormatLimits = field(default_factory=FormatLimits)
    recording_s: float = 7200.0
    training_recording_s: float = 30.0
    clipped_share: float = 0.01

    def upload_bytes(self, kind: DatasetKind) -> int:
        """Largest upload of a kind."""
        if kind.has_audio:
            return self.archive_bytes
        return {
            DatasetKind.PRONUNCIATION: self.pronunciation_bytes,
            DatasetKind.OUTPUT_FORMATTING: self.formatting_bytes,
        }.get(kind, self.text_bytes)
