"""Every published limit, in one table: ``GET /api/v1/limits`` and the portal show it.

Each row takes the very value that is enforced, from the settings or from the constant of
the module that enforces it, so what is said and what is done cannot differ.

Source: developer reference, section 19.
"""

from __future__ import annotations

from collections.abc import Iterator

from tympan.app.settings import Settings
from tympan.domain.dataset_block import LARGEST_BLOCK_BYTES
from tympan.domain.limits import Limit
from tympan.domain.phrase_list import HEAVIEST_PHRASES, LONGEST_PHRASE, MOST_CHARACTERS, MOST_PHRASES
from tympan.ports.containers import MOST_BLOBS
from tympan.usecases.access import TOKEN_LIFE_S
from tympan.usecases.dataset_blocks import ABANDONED_AFTER, MOST_BLOCKS
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.model_receiving import AUTHORIZATION_LIFE
from tympan.usecases.models import TEXT_LIMIT_BYTES
from tympan.usecases.resource_rules import (
    MOST_PROPERTIES,
    PROPERTY_KEY_CHARACTERS,
    PROPERTY_VALUE_CHARACTERS,
)
from tympan.usecases.transcription_limits import PUBLISHED_LIMITS
from tympan.wire.management.endpoints import LONGEST_LIFE_S
from tympan.wire.short_audio import LIMITS_S

MANAGEMENT_WINDOW_S = 10


def published_limits(settings: Settings, datasets: DatasetLimits) -> tuple[Limit, ...]:
    """The table, with the values of this server."""
    rows = (*_server(settings), *_datasets(settings, datasets), *_sources(settings), *_texts(datasets))
    rows = (*rows, *_models(settings), *_endpoints(settings))
    return (*rows, *_transcriptions(settings), *_phrase_lists(), *_others())


def _server(settings: Settings) -> Iterator[Limit]:
    yield _set(
        settings,
        "management_rate",
        "managementRequests",
        f"requests in {MANAGEMENT_WINDOW_S} s; 0 is no limit",
        "Management requests with one key, at each gateway process",
    )
    yield _set(settings, "file_url_life_s", "fileUrlLife", "s", "How long the URL of a file works")
    yield Limit(name="accessTokenLife", value=TOKEN_LIFE_S, unit="s", what="How long an access token works")


def _datasets(settings: Settings, datasets: DatasetLimits) -> Iterator[Limit]:
    yield _set(settings, "datasets_limit", "datasets", "datasets", "Datasets on this server")
    yield _set(settings, "upload_limit_bytes", "acousticArchive", "bytes", "An upload of recordings")
    yield _set(settings, "archive_entry_limit", "archiveFiles", "files", "Recordings in an archive")
    yield _set(settings, "archive_total_limit_bytes", "archiveTotal", "bytes", "An archive when unpacked")
    yield _set(settings, "recording_limit_s", "recording", "s", "A recording in a dataset")
    yield Limit(name="datasetBlock", value=LARGEST_BLOCK_BYTES, unit="bytes", what="A block of a dataset")
    yield Limit(
        name="trainingRecording",
        value=datasets.training_recording_s,
        unit="s",
        what="A recording whose audio is trained on; of longer ones the text is used, and a warning says so",
    )


def _sources(settings: Settings) -> Iterator[Limit]:
    yield Limit(name="block", value=LARGEST_BLOCK_BYTES, unit="bytes", what="A block of a dataset")
    yield Limit(name="blocks", value=MOST_BLOCKS, unit="blocks", what="Blocks of a dataset")
    yield Limit(
        name="blockUploadLife",
        value=ABANDONED_AFTER.total_seconds(),
        unit="s",
        what="How long blocks wait to be committed, from the last one on",
    )
    yield Limit(name="containerFiles", value=MOST_BLOBS, unit="files", what="Files in a storage container")
    yield _set(settings, "fetch_total_s", "fetchTime", "s", "Waiting for the whole of what a URL leads to")
    yield _set(settings, "fetch_retry_s", "fetchRetries", "s", "How long a silent source is tried again")


def _texts(datasets: DatasetLimits) -> Iterator[Limit]:
    structured, formatting = datasets.structured, datasets.formatting
    for name, value, unit, what in (
        ("textDataset", datasets.text_bytes, "bytes", "A dataset of plain or structured text"),
        ("pronunciationDataset", datasets.pronunciation_bytes, "bytes", "A dataset of pronunciations"),
        ("displayFormatDataset", datasets.formatting_bytes, "bytes", "A dataset of display formats"),
        ("displayFormatItnRules", formatting.itn, "rules", "Rules for inverse text normalisation"),
        ("displayFormatRewriteRules", formatting.rewrite, "rules", "Rules that rewrite"),
        ("displayFormatProfanities", formatting.profanity, "phrases", "Phrases taken for profane"),
        ("structuredTextLists", structured.lists, "lists", "Lists in structured text"),
        ("structuredTextItems", structured.items, "items", "Items in one of these lists"),
        ("structuredTextPhoneticEntries", structured.lexicon_entries, "entries", "Words with phonetics"),
        ("structuredTextPronunciations", structured.pronunciations, "pronunciations", "Of one such word"),
    ):
        yield Limit(name=name, value=value, unit=unit, what=what)


def _models(settings: Settings) -> Iterator[Limit]:
    yield Limit(
        name="inlineModelText", value=TEXT_LIMIT_BYTES, unit="bytes", what="Text inside a request to train"
    )
    yield _set(
        settings, "training_audio_limit_s", "trainingAudio", "s", "Audio of the datasets of one training"
    )
    yield _set(settings, "training_time_limit_s", "trainingTime", "s", "How long a training may take")
    yield _set(
        settings, "model_copy_limit_bytes", "modelCopy", "bytes", "A model copied in from another server"
    )
    yield Limit(
        name="copyAuthorizationLife",
        value=AUTHORIZATION_LIFE.total_seconds(),
        unit="s",
        what="How long an authorization to copy a model works",
    )


def _endpoints(settings: Settings) -> Iterator[Limit]:
    yield _set(settings, "endpoints_limit", "deployments", "endpoints", "Endpoints on this server")
    yield _set(
        settings,
        "requests_at_once",
        "requestsAtOnce",
        "requests; 0 is no limit",
        "Recognitions that run at once for one endpoint, at each gateway process",
    )
    yield Limit(
        name="endpointTimeToLive", value=LONGEST_LIFE_S, unit="s", what="Longest time to live of an endpoint"
    )
    yield _set(
        settings, "log_retention_days", "logRetention", "days; 0 is for good", "How long logs are kept"
    )
    for mode, seconds in LIMITS_S.items():
        yield Limit(
            name=f"shortAudio{mode.title()}", value=seconds, unit="s", what=f"Audio of a {mode} request"
        )


def _transcriptions(settings: Settings) -> Iterator[Limit]:
    yield _set(
        settings, "recording_fetch_limit_bytes", "batchRecording", "bytes", "A recording of a transcription"
    )
    limits = PUBLISHED_LIMITS
    for name, value, unit, what in (
        ("batchUrls", limits.urls, "URLs", "URLs of one transcription"),
        ("batchLife", limits.longest_life_s, "s", "How long a transcription may be kept that deletes itself"),
        ("candidateLocales", limits.candidate_locales, "locales", "Languages that may change in a recording"),
        ("speakers", limits.speakers, "speakers", "Speakers that are told apart"),
    ):
        yield Limit(name=name, value=value, unit=unit, what=what)


def _phrase_lists() -> Iterator[Limit]:
    everywhere = "in streams, whole files, short audio and batch alike"
    yield Limit(
        name="phraseList", value=MOST_PHRASES, unit="phrases", what=f"Phrases to favour, {everywhere}"
    )
    yield Limit(name="phraseListPhrase", value=LONGEST_PHRASE, unit="characters", what="One of these phrases")
    yield Limit(
        name="phraseListCharacters", value=MOST_CHARACTERS, unit="characters", what="All of them together"
    )
    yield Limit(
        name="phraseListWeight", value=HEAVIEST_PHRASES, unit="; 1 is usual", what="How much they count"
    )


def _others() -> Iterator[Limit]:
    yield Limit(name="customProperties", value=MOST_PROPERTIES, unit="entries", what="Custom properties")
    yield Limit(
        name="customPropertyKey", value=PROPERTY_KEY_CHARACTERS, unit="characters", what="The key of one"
    )
    yield Limit(
        name="customPropertyValue", value=PROPERTY_VALUE_CHARACTERS, unit="characters", what="Its value"
    )


def _set(settings: Settings, field: str, name: str, unit: str, what: str) -> Limit:
    value: float = getattr(settings, field)
    return Limit(name=name, value=value, unit=unit, what=what, setting=f"TYMPAN_{field.upper()}")
