"""What may be asked of a batch transcription, and which models hear it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from tympan.domain.errors import FetchError, InvalidInputError, UnavailableError
from tympan.domain.model import Model
from tympan.domain.transcription import (
    LanguageChoice,
    LanguageMode,
    PunctuationMode,
    SpeakerHint,
    TranscriptionOptions,
)
from tympan.ports.speaker_embedder import SpeakerEmbedder
from tympan.ports.store import Transaction
from tympan.speech.dictation import knows_dictation
from tympan.usecases.hearing_rules import usable_model
from tympan.usecases.model_lookup import newest_base_model
from tympan.usecases.resource_rules import canonical_locale
from tympan.usecases.transcription_limits import TranscriptionLimits

_FEWEST_LOCALES = 2
_LONGEST_URL = 8192


def checked_options(
    options: TranscriptionOptions, locale: str, limits: TranscriptionLimits
) -> TranscriptionOptions:
    """The options, with locales in canonical case.

    Raises:
        InvalidInputError: Channels (code ``InvalidChannels``), numbers of speakers or candidate
            locales break a rule, or nothing is known of spoken punctuation in one of them.
    """
    _check_channels(options.channels, limits)
    _check_dictation(options, locale)
    if options.speakers is not None:
        _check_speakers(options.speakers, limits)
    if options.languages is None:
        return options
    return replace(options, languages=_checked_languages(options.languages, locale, limits))


def _check_channels(channels: Sequence[int], limits: TranscriptionLimits) -> None:
    is_sound = channels and all(0 <= channel < limits.channels for channel in channels)
    if not is_sound or len(set(channels)) < len(channels):
        raise InvalidInputError(
            f"properties.channels must name channels from 0 to {limits.channels - 1}, each once, such as "
            "[0, 1]. Channels that a recording does not have are left out.",
            code="InvalidChannels",
            target="properties.channels",
        )


def _check_dictation(options: TranscriptionOptions, locale: str) -> None:
    if options.punctuation is not PunctuationMode.DICTATED:
        return
    candidates = options.languages.candidate_locales if options.languages else ()
    unknown = sorted({one for one in (locale, *candidates) if not knows_dictation(one)})
    if unknown:
        raise InvalidInputError(
            f"There is no table of spoken punctuation for {', '.join(unknown)}. Use punctuationMode "
            "Automatic, or DictatedAndAutomatic to have it where there is one.",
            target="properties.punctuationMode",
        )


def _check_speakers(speakers: SpeakerHint, limits: TranscriptionLimits) -> None:
    least, most = speakers.bounds
    if least < 1 or least > limits.speakers or (most is not None and not least <= most <= limits.speakers):
        raise InvalidInputError(
            f"The number of speakers must be from 1 to {limits.speakers}, the smaller one first.",
            target="properties.diarization",
        )


def _checked_languages(languages: LanguageChoice, locale: str, limits: TranscriptionLimits) -> LanguageChoice:
    target = "properties.languageIdentification.candidateLocales"
    candidates = tuple(dict.fromkeys(canonical_locale(one) for one in languages.candidate_locales))
    is_unbounded = languages.mode is LanguageMode.SINGLE
    if len(candidates) < _FEWEST_LOCALES or (not is_unbounded and len(candidates) > limits.candidate_locales):
        raise InvalidInputError(
            f"{target} must name from {_FEWEST_LOCALES} to {limits.candidate_locales} locales, the main one "
            f"included; only in mode Single may there be more. There are {len(candidates)}.",
            target=target,
        )
    if locale not in candidates:
        raise InvalidInputError(
            f"{target} must contain the main locale {locale}, which serves where no language can be told.",
            target=target,
        )
    model_ids = {canonical_locale(one): model_id for one, model_id in languages.model_ids.items()}
    strangers = sorted(set(model_ids) - set(candidates))
    if strangers:
        raise InvalidInputError(
            f"speechModelMapping names {', '.join(strangers)}, which is not among the candidate locales.",
            target="properties.languageIdentification.speechModelMapping",
        )
    return replace(languages, candidate_locales=candidates, model_ids=model_ids)


def check_life(time_to_live_s: int | None, limits: TranscriptionLimits) -> None:
    """Make sure that a time to live is within bounds.

    Raises:
        InvalidInputError: It is not (code ``InvalidTimeToLive``).
    """
    if time_to_live_s is not None and not 0 < time_to_live_s <= limits.longest_life_s:
        raise InvalidInputError(
            f"The time to live can be at most {limits.longest_life_s // 86400} days. Leave it out to keep "
            "the transcription.",
            code="InvalidTimeToLive",
            target="properties.timeToLive",
        )


def check_one_source(
    urls: Sequence[str], container_url: str | None, dataset_id: str | None, limits: TranscriptionLimits
) -> None:
    """Make sure that recordings are named in exactly one of the three ways.

    Raises:
        InvalidInputError: In none or several (code ``OnlyOneOfUrlsOrContainerOrDataset``), or
            there are too many URLs (code ``ExceededNumberOfRecordingsUris``).
    """
    if [bool(urls), container_url is not None, dataset_id is not None].count(True) != 1:
        raise InvalidInputError(
            "Only one of contentUrls, contentContainerUrl or dataset can be given, and one must be.",
            code="OnlyOneOfUrlsOrContainerOrDataset",
            target="contentUrls",
        )
    if len(urls) > limits.urls:
        raise InvalidInputError(
            f"contentUrls has {len(urls)} entries; at most {limits.urls} are taken at once. Make several "
            "transcriptions, or name a container.",
            code="ExceededNumberOfRecordingsUris",
            target="contentUrls",
        )


def check_address(check: Callable[[str], None], url: str, target: str) -> None:
    """Refuse an address that can be seen to be wrong.

    Args:
        check: Raises FetchError for what is wrong with it.
        url: The address.
        target: The member that names it.

    Raises:
        InvalidInputError: Its form, scheme or host is (code ``InvalidRecordingsUri``).
    """
    reason = f"It has more than {_LONGEST_URL} characters." if len(url) > _LONGEST_URL else None
    try:
        if reason is None:
            check(url)
    except FetchError as error:
        reason = error.message
    if reason is not None:
        raise InvalidInputError(
            f"The recordings URI is invalid. {reason}", code="InvalidRecordingsUri", target=target
        )


def check_voices(embedder: SpeakerEmbedder) -> None:
    """Refuse to tell speakers apart where that can be seen to be impossible.

    Raises:
        InvalidInputError: The weights are not installed (code ``DiarizationNotInstalled``).
    """
    # A model host that is starting again says nothing of what is installed.
    with suppress(UnavailableError):
        embedder.check()


def chosen_models(
    tx: Transaction, locale: str, named: str | None, languages: LanguageChoice | None, now: datetime
) -> Mapping[str, str]:
    """Which model hears each locale, the main one first.

    Raises:
        InvalidInputError: A model is unknown or not trained, or no base model serves a locale.
        LocaleMismatchError: A model has another locale.
        ModelExpiredError: A model's decoding date has passed.
    """
    mapping = dict(languages.model_ids) if languages is not None else {}
    if named is not None and mapping.get(locale, named) != named:
        raise InvalidInputError(
            f"model and speechModelMapping name different models for {locale}. Name one of them.",
            target="model",
        )
    candidates = languages.candidate_locales if languages is not None else ()
    wanted = {locale: named or mapping.get(locale)}
    wanted |= {one: mapping.get(one) for one in candidates if one != locale}
    return {one: _usable(tx, model_id, one, now).id for one, model_id in wanted.items()}


def _usable(tx: Transaction, model_id: str | None, locale: str, now: datetime) -> Model:
    if model_id is not None:
        return usable_model(tx, model_id, locale, now, target="model")
    model = newest_base_model(tx, locale, now)
    if model is None:
        raise InvalidInputError(
            f"No base model serves {locale}. List the base models to see which locales are served.",
            code="InvalidLocale",
            target="locale",
        )
    return model
