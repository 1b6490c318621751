"""Transcription documents: one internal form, spelled as each version spells it.

Source: developer reference, sections 3.7 and 16.
"""

from __future__ import annotations

import math

from tympan.domain.errors import InvalidInputError
from tympan.domain.phrase_list import PhraseList
from tympan.domain.shown_address import shown_address
from tympan.domain.transcription import (
    LanguageChoice,
    LanguageMode,
    ProfanityFilterMode,
    PunctuationMode,
    SpeakerHint,
    Transcription,
    TranscriptionOptions,
)
from tympan.wire.addresses import Addresses, reference, reference_id
from tympan.wire.bodies import Body
from tympan.wire.management.entities import (
    ProjectMembers,
    failure_document,
    new_project_members,
    worked_members,
)
from tympan.wire.management.phrase_list import read_phrase_list
from tympan.wire.values import Document, long_duration, present, read_duration, spans, timestamp
from tympan.wire.versions import ApiVersion

FIXED = ("locale", "model")
"""Members an update cannot change."""

_HOUR_S = 3600
_SHORTEST_HOURS, _LONGEST_HOURS = 6, 744
_MOST_PEOPLE = 1_000_000
_KEPT = ("", "0")
_NO_MAIL = "email is not used: this server sends no mail. Use a web hook, or ask for the status."
_NO_DIARIZATION = (
    "properties.diarization was given without diarizationEnabled: true, so phrases carry no speakers."
)


class NewTranscriptionMembers(ProjectMembers):
    """What a transcription takes."""

    urls: tuple[str, ...]
    container_url: str | None
    dataset_id: str | None
    model_id: str | None
    options: TranscriptionOptions
    phrase_list: PhraseList
    time_to_live_s: int | None
    destination_url: str | None
    warnings: tuple[str, ...]


def new_transcription_members(body: Body, version: ApiVersion) -> NewTranscriptionMembers:
    """Read the members of a transcription to create.

    Members that only other versions know are ignored, except where an official example of a
    version carries them. ``properties.phraseList`` is ours in all versions, spelled as fast
    transcription spells it.

    Raises:
        InvalidInputError: A required member is absent or wrong.
    """
    properties = body.part("properties")
    speakers, warnings = _read_speakers(properties, version)
    options = TranscriptionOptions(
        channels=_read_channels(properties),
        wants_words=properties.flag("wordLevelTimestampsEnabled") or False,
        wants_display_words=version >= ApiVersion.V3_1
        and (properties.flag("displayFormWordLevelTimestampsEnabled") or False),
        punctuation=properties.choice("punctuationMode", PunctuationMode)
        or PunctuationMode.DICTATED_AND_AUTOMATIC,
        profanity=properties.choice("profanityFilterMode", ProfanityFilterMode) or ProfanityFilterMode.MASKED,
        speakers=speakers,
        languages=_read_languages(properties, version),
    )
    if not version.is_dated and "email" in properties:
        warnings = (*warnings, _NO_MAIL)
    return {
        **new_project_members(body, version),
        "urls": body.texts("contentUrls") or (),
        "container_url": body.text("contentContainerUrl"),
        "dataset_id": body.reference("dataset", "datasets"),
        "model_id": body.reference("model", "models"),
        "options": options,
        "phrase_list": read_phrase_list(properties),
        "time_to_live_s": _read_life(properties, version),
        "destination_url": properties.text("destinationContainerUrl"),
        "warnings": warnings,
    }


def _read_channels(properties: Body) -> tuple[int, ...]:
    value = properties.members.get("channels")
    if value is None:
        return TranscriptionOptions().channels
    # True is a number to Python and none to JSON.
    if not isinstance(value, list) or not all(type(one) is int for one in value):
        raise InvalidInputError(
            "properties.channels must be a list of channel numbers such as [0, 1].",
            code="InvalidChannels",
            target="properties.channels",
        )
    return tuple(value)


def _read_speakers(properties: Body, version: ApiVersion) -> tuple[SpeakerHint | None, tuple[str, ...]]:
    """Who speaks, and what must be said about how it was asked."""
    is_wanted = properties.flag("diarizationEnabled")
    if not version >= ApiVersion.V3_1:
        return (SpeakerHint() if is_wanted else None), ()
    asked = properties.part("diarization")
    speakers = asked.part("speakers")
    # The number is judged where all numbers are; here it only has to be one.
    hint = SpeakerHint(
        least=speakers.whole("minCount", low=1, high=_MOST_PEOPLE),
        most=asked.whole("maxSpeakers", low=2, high=_MOST_PEOPLE)
        if "maxSpeakers" in asked
        else speakers.whole("maxCount", low=1, high=_MOST_PEOPLE),
    )
    if version.is_dated:
        is_enabled = asked.flag("enabled")
        if is_enabled is None:
            is_enabled = is_wanted if is_wanted is not None else not hint.is_simple
        return (hint if is_enabled else None), ()
    if is_wanted:
        return hint, ()
    return None, ((_NO_DIARIZATION,) if "diarization" in properties and is_wanted is None else ())


def _read_languages(properties: Body, version: ApiVersion) -> LanguageChoice | None:
    if not version >= ApiVersion.V3_1 or "languageIdentification" not in properties:
        return None
    asked = properties.part("languageIdentification")
    mode = asked.choice("mode", LanguageMode) if version >= ApiVersion.V3_2 else None
    mapping = asked.part("speechModelMapping")
    return LanguageChoice(
        candidate_locales=asked.texts("candidateLocales") or (),
        mode=mode or LanguageMode.CONTINUOUS,
        model_ids={
            locale: reference_id(value, mapping.path + locale, "models")
            for locale, value in mapping.members.items()
            if value is not None
        },
    )


def _read_life(properties: Body, version: ApiVersion) -> int | None:
    """Seconds, or None for ever; hours in the dated API, whose examples also show the older form."""
    if version.is_dated and "timeToLiveHours" in properties:
        hours = properties.members["timeToLiveHours"]
        if type(hours) is not int or not _SHORTEST_HOURS <= hours <= _LONGEST_HOURS:
            raise _wrong_life(
                f"properties.timeToLiveHours must be a whole number from {_SHORTEST_HOURS} to "
                f"{_LONGEST_HOURS}.",
                "properties.timeToLiveHours",
            )
        return hours * _HOUR_S
    text = properties.text("timeToLive")
    if text is None:
        if version.is_dated:
            raise _wrong_life(
                "properties.timeToLiveHours is required, such as 48.", "properties.timeToLiveHours"
            )
        return None
    if text.strip() in _KEPT:
        return None
    seconds = read_duration(text)
    if seconds is None:
        raise _wrong_life(
            f"properties.timeToLive '{text}' is not an ISO 8601 duration of weeks, days, hours, minutes and "
            "seconds, such as P2D or PT12H.",
            "properties.timeToLive",
        )
    return math.ceil(seconds) or None


def _wrong_life(message: str, target: str) -> InvalidInputError:
    return InvalidInputError(message, code="InvalidTimeToLive", target=target)


def transcription_document(transcription: Transcription, addresses: Addresses) -> Document:
    """A transcription as clients see it; what was written in secret is not shown again."""
    version = addresses.version
    is_model_shown = not version.is_dated or transcription.is_model_named
    document = worked_members(transcription, addresses)
    ours = document.pop("tympan")
    extra = ours if isinstance(ours, dict) else {}
    return present(
        {
            "self": addresses.management("transcriptions", transcription.id),
            "model": reference(addresses.model(transcription.model_id)) if is_model_shown else None,
            "links": {"files": addresses.management("transcriptions", transcription.id, "files")},
            "properties": _properties(transcription, addresses),
            **document,
            "tympan": extra | _ours(transcription, addresses),
        }
    )


def _properties(transcription: Transcription, addresses: Addresses) -> Document:
    options, version = transcription.options, addresses.version
    counts, destination = transcription.counts, transcription.destination_url
    return present(
        {
            **_speakers(options.speakers, version),
            "wordLevelTimestampsEnabled": options.wants_words,
            "displayFormWordLevelTimestampsEnabled": options.wants_display_words
            if version >= ApiVersion.V3_1
            else None,
            "channels": list(options.channels),
            "punctuationMode": options.punctuation.value,
            "profanityFilterMode": options.profanity.value,
            **_life(transcription.time_to_live_s, version),
            **spans(None if counts is None else counts.duration_s, version),
            "destinationContainerUrl": None if destination is None else shown_address(destination),
            "languageIdentification": _languages(options.languages, addresses),
            "error": failure_document(transcription.failure),
        }
    )


def _speakers(hint: SpeakerHint | None, version: ApiVersion) -> Document:
    if version.is_dated:
        if hint is None:
            return {}
        return {"diarization": present({"enabled": True, "maxSpeakers": hint.most})}
    members: Document = {"diarizationEnabled": hint is not None}
    if hint is not None and not hint.is_simple and version >= ApiVersion.V3_1:
        speakers = present({"minCount": hint.least, "maxCount": hint.most})
        members["diarization"] = {"speakers": speakers}
    return members


def _life(seconds: int | None, version: ApiVersion) -> Document:
    if version.is_dated:  # the member is required there; 0 is what older versions call for ever
        return {"timeToLiveHours": math.ceil((seconds or 0) / _HOUR_S)}
    return {} if seconds is None else {"timeToLive": long_duration(seconds)}


def _languages(languages: LanguageChoice | None, addresses: Addresses) -> Document | None:
    if languages is None or not addresses.version >= ApiVersion.V3_1:
        return None
    mapping = {
        locale: reference(addresses.model(model_id)) for locale, model_id in languages.model_ids.items()
    }
    return present(
        {
            "mode": languages.mode.value if addresses.version >= ApiVersion.V3_2 else None,
            "candidateLocales": list(languages.candidate_locales),
            "speechModelMapping": mapping,
        }
    )


def _ours(transcription: Transcription, addresses: Addresses) -> Document:
    counts = transcription.counts
    dataset, evaluation = transcription.dataset_id, transcription.evaluation_id
    expires_at = transcription.expires_at
    return present(
        {
            "source": transcription.source_kind.value,
            "dataset": None if dataset is None else reference(addresses.management("datasets", dataset)),
            "evaluation": None
            if evaluation is None
            else reference(addresses.management("evaluations", evaluation)),
            "recordings": None
            if counts is None
            else {"succeeded": counts.succeeded, "failed": counts.failed},
            "expiresDateTime": None if expires_at is None else timestamp(expires_at),
            "phraseList": {"count": transcription.phrases, "biasingWeight": transcription.phrase_weight}
            if transcription.phrases
            else None,
            "subtitles": addresses.ours("transcriptions", transcription.id, "subtitles"),
            "warnings": list(transcription.warnings) or None,
        }
    )
