"""Datasets: what users bring, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from tympan.domain.resource import Status, WorkedResource


class DatasetKind(StrEnum):
    """Azure's dataset kinds."""

    ACOUSTIC = "Acoustic"
    AUDIO_FILES = "AudioFiles"
    LANGUAGE = "Language"
    PRONUNCIATION = "Pronunciation"
    LANGUAGE_MARKDOWN = "LanguageMarkdown"
    OUTPUT_FORMATTING = "OutputFormatting"

    @property
    def has_audio(self) -> bool:
        """True for the kinds whose upload is an archive of recordings."""
        return self in (DatasetKind.ACOUSTIC, DatasetKind.AUDIO_FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCounts:
    """What the import found.

    ``accepted`` and ``rejected`` count transcript lines (Acoustic), audio files
    (AudioFiles) or lines (text kinds); ``duration_s`` sums the accepted audio.
    """

    accepted: int = 0
    rejected: int = 0
    warnings: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a resource that users may list and download.

    Attributes:
        id: Stable within the resource (the name made safe for a path).
        name: What the user sees, such as ``report.json``.
        kind: Azure's FileKind, such as ``DatasetReport``.
        key: Where the bytes are in the blob store.
        size_bytes: Its length.
        duration_s: For audio.
    """

    id: str
    name: str
    kind: str
    key: str
    size_bytes: int
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(WorkedResource):
    """One upload of one kind.

    Attributes:
        kind: What the upload holds.
        source_key: Blob of the upload as it came; None until something was uploaded.
        source_name: The file name the user gave, used to tell archive from single file.
        source_url: Where the upload is to be fetched from, until it was; may hold a secret.
        is_in_blocks: It comes in blocks (``domain.dataset_block``).
        manifest_key: Blob of the JSONL manifest (``domain.manifest``), set by the import.
        files: Everything users can download: source, normalised data, report.
        is_text_normalized: False when the owner asked for textNormalizationKind None.
    """

    kind: DatasetKind
    source_key: str | None = None
    source_name: str | None = None
    source_url: str | None = field(default=None, repr=False)
    is_in_blocks: bool = False
    manifest_key: str | None = None
    counts: DatasetCounts = DatasetCounts()
    files: tuple[StoredFile, ...] = ()
    is_text_normalized: bool = True

    @property
    def takes_blocks(self) -> bool:
        """Whether its blocks may still be uploaded and committed."""
        return self.is_in_blocks and self.job_id is None and self.status is Status.NOT_STARTED

    def imported(
        self, now: datetime, *, manifest_key: str, counts: DatasetCounts, files: tuple[StoredFile, ...]
    ) -> Self:
        """The dataset after an import that accepted at least one line or file."""
        return replace(
            self,
            status=Status.SUCCEEDED,
            failure=None,
            manifest_key=manifest_key,
            counts=counts,
            files=files,
            last_action_at=now,
        )
