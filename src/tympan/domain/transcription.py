"""Batch transcriptions: recordings that are heard in the background, one result file each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from tympan.domain.resource import Failure, Status, WorkedResource


class PunctuationMode(StrEnum):
    """Where punctuation comes from; Azure's spelling."""

    NONE = "None"
    DICTATED = "Dictated"
    AUTOMATIC = "Automatic"
    DICTATED_AND_AUTOMATIC = "DictatedAndAutomatic"


class ProfanityFilterMode(StrEnum):
    """What becomes of profane words; Azure's spelling."""

    NONE = "None"
    REMOVED = "Removed"
    TAGS = "Tags"
    MASKED = "Masked"


class LanguageMode(StrEnum):
    """Whether the language may change within a recording; Azure's spelling."""

    CONTINUOUS = "Continuous"
    SINGLE = "Single"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerHint:
    """How many speakers there are, as far as the owner knows; both None is the simple form: two."""

    least: int | None = None
    most: int | None = None

    @property
    def is_simple(self) -> bool:
        """Whether nothing was said of their number."""
        return self.least is None and self.most is None

    @property
    def bounds(self) -> tuple[int, int | None]:
        """The fewest and the most there may be."""
        return (1, 2) if self.is_simple else (self.least or 1, self.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageChoice:
    """Languages that may be spoken.

    Attributes:
        candidate_locales: In the order given, the main locale among them.
        mode: Whether each phrase is decided by itself.
        model_ids: Models that the owner named, by locale; the newest base model serves the others.
    """

    candidate_locales: tuple[str, ...]
    mode: LanguageMode = LanguageMode.CONTINUOUS
    model_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionOptions:
    """How recordings are heard: one form for what every API version spells its own way.

    Attributes:
        channels: Each of these that a recording has is heard by itself.
        wants_words: Whether results hold lexical words with their times.
        wants_display_words: The same for words as they are displayed.
        speakers: Phrases carry speakers; None: they do not.
        languages: Languages to choose from; None: the transcription's locale is spoken.
    """

    channels: tuple[int, ...] = (0, 1)
    wants_words: bool = False
    wants_display_words: bool = False
    punctuation: PunctuationMode = PunctuationMode.DICTATED_AND_AUTOMATIC
    profanity: ProfanityFilterMode = ProfanityFilterMode.MASKED
    speakers: SpeakerHint | None = None
    languages: LanguageChoice | None = None

    @property
    def since(self) -> str:
        """The first API version that has words for all that was asked.

        >>> TranscriptionOptions().since, TranscriptionOptions(wants_display_words=True).since
        ('v3.0', 'v3.1')
        """
        if self.languages is not None and self.languages.mode is LanguageMode.SINGLE:
            return "v3.2"
        has_hint = self.speakers is not None and not self.speakers.is_simple
        return "v3.1" if self.languages is not None or has_hint or self.wants_display_words else "v3.0"


DEFAULT_OPTIONS = TranscriptionOptions()
"""What is asked when nothing is said."""


class SourceKind(StrEnum):
    """Where recordings come from."""

    URLS = "Urls"
    CONTAINER = "Container"
    DATASET = "Dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionCounts:
    """What the work came to.

    Attributes:
        succeeded, failed: Recordings.
        duration_s: Length of those that succeeded, in seconds.
    """

    succeeded: int = 0
    failed: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceResult:
    """What is known of one recording that was heard.

    Attributes:
        source: Its URL without secrets, or its name.
        timestamp: When it was heard.
        samples: Its length, as a count of 16 kHz samples.
        channels: The channels that were heard.
        model_ids: The models that heard it, by locale.
        model_versions: The digests of their bundles, shortened, by locale.
        adaptation: What of the models' adaptation was applied, in words.
        matched: Favoured phrases, and display forms of the models' pronunciations, that were heard.
    """

    source: str
    timestamp: datetime
    samples: int
    channels: tuple[int, ...] = (0,)
    model_ids: Mapping[str, str] = field(default_factory=dict)
    model_versions: Mapping[str, str] = field(default_factory=dict)
    adaptation: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOutcome:
    """How one recording ended, for the report; a source without an error has succeeded.

    Attributes:
        matched: How many favoured phrases were heard in it; None where nobody asked for any.
    """

    source: str
    matched: int | None = None
    error_kind: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription(WorkedResource):
    """Recordings and how they are to be heard; once finished, their results.

    Everything it owns in the blob store lies under ``folder``, so that deleting it leaves nothing.

    Attributes:
        source_kind: Which of the three ways was used to name recordings.
        container_url: Container whose blobs are heard; holds a secret.
        dataset_id: Dataset whose recordings are heard.
        model_id: What hears the main locale.
        is_model_named: Whether the owner named it; else it was the newest base model.
        model_ids: What hears each locale that may be spoken.
        options: See there.
        phrases: How many phrases are favoured; they lie in ``phrases_key``.
        phrase_weight: How much: 1 is usual, 0 not at all, 2 the most.
        since: The first API version that has words for the options.
        time_to_live_s: Seconds from completion to deletion; None keeps it.
        destination_url: Container that gets the results too; holds a secret.
        evaluation_id: The evaluation whose hypotheses these are; it owns job and life.
        counts: What the work came to; None before its end.
        files_key: Blob of the list of files (``StoredFile`` as JSON lines); None before.
        expires_at: When it deletes itself; set by completion.
        warnings: What the owner should know, in sentences.
    """

    source_kind: SourceKind
    container_url: str | None = None
    dataset_id: str | None = None
    model_id: str
    is_model_named: bool = True
    model_ids: Mapping[str, str] = field(default_factory=dict)
    options: TranscriptionOptions = DEFAULT_OPTIONS
    phrases: int = 0
    phrase_weight: float = 1.0
    since: str = "v3.0"
    time_to_live_s: int | None = None
    destination_url: str | None = None
    evaluation_id: str | None = None
    counts: TranscriptionCounts | None = None
    files_key: str | None = None
    expires_at: datetime | None = None
    warnings: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where its blobs are."""
        return folder_of(self.id)

    @property
    def urls_key(self) -> str:
        """Blob of the URLs that were given, one JSON text a line."""
        return f"{self.folder}/urls.jsonl"

    @property
    def phrases_key(self) -> str:
        """Blob of the phrases to favour, as one JSON list; only there when there are some."""
        return f"{self.folder}/phrases.json"

    def running(self, now: datetime) -> Self:
        """The same transcription while its job works on it."""
        # Zero-argument super() does not work in dataclasses with slots.
        return replace(self, status=Status.RUNNING, failure=None, expires_at=None, last_action_at=now)

    def failed(self, now: datetime, failure: Failure) -> Self:
        """The same transcription after its job has failed for good; what it left can still be read."""
        return replace(
            self,
            status=Status.FAILED,
            failure=failure,
            expires_at=self._expiry(now),
            last_action_at=now,
        )

    def reported(self, *, counts: TranscriptionCounts, files_key: str) -> Self:
        """The transcription with its files, before they are sent on."""
        return replace(self, counts=counts, files_key=files_key)

    def finished(self, now: datetime) -> Self:
        """The transcription once its files are where they belong."""
        return replace(
            self,
            status=Status.SUCCEEDED,
            failure=None,
            expires_at=self._expiry(now),
            last_action_at=now,
        )

    def _expiry(self, now: datetime) -> datetime | None:
        return None if self.time_to_live_s is None else now + timedelta(seconds=self.time_to_live_s)


ROOT_FOLDER = "transcriptions"
"""Where the blobs of all transcriptions are."""


def folder_of(transcription_id: str) -> str:
    """Where the blobs of a transcription are."""
    return f"{ROOT_FOLDER}/{transcription_id}"
