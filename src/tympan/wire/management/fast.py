"""Fast transcription: what is asked, and the answer.

Source: Speech to text REST 2024-11-15 and 2025-10-15, ``Transcriptions_Transcribe``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tympan.domain.errors import InvalidInputError
from tympan.domain.phrase_list import NO_PHRASES, PhraseList
from tympan.ports.recognizer import RecognizedWord
from tympan.speech.display_format import Profanity
from tympan.wire.addresses import reference_id
from tympan.wire.bodies import Body
from tympan.wire.management.phrase_list import read_phrase_list
from tympan.wire.phrases import SpokenPhrase
from tympan.wire.values import Document, choice, present

_MOST_CHANNELS = 2
_MOST_SPEAKERS = 35
_SAMPLES_PER_MILLISECOND = 16
_RAW = "None"


@dataclass(frozen=True, slots=True, kw_only=True)
class FastMembers:
    """What a definition asks for.

    Attributes:
        audio_url: Where the recording is, when it is not in the form.
        model_ids: By locale as the client wrote it.
        channels: Heard apart; None mixes them.
        speakers: Most speakers to tell apart, 0 for any number; None: they are not told apart.
        phrase_list: Words to favour.
    """

    audio_url: str | None = None
    locales: tuple[str, ...] = ()
    model_ids: Mapping[str, str] = field(default_factory=dict)
    profanity: Profanity = Profanity.MASKED
    channels: tuple[int, ...] | None = None
    speakers: int | None = None
    phrase_list: PhraseList = NO_PHRASES


def read_definition(text: str | None) -> FastMembers:
    """Read the form field ``definition``; absent is empty.

    Raises:
        InvalidInputError: It is no JSON object, a member is wrong, or something is asked for
            that this server does not do.
    """
    body = Body(_object(text)) if text and text.strip() else Body()
    _refuse_enhanced(body.part("enhancedMode"))
    profanity = body.text("profanityFilterMode")
    return FastMembers(
        audio_url=body.text("audioUrl"),
        locales=body.texts("locales") or (),
        model_ids=_models(body.part("models")),
        profanity=Profanity.MASKED if profanity is None else _profanity(profanity),
        channels=_channels(body),
        speakers=_speakers(body.part("diarization")),
        phrase_list=read_phrase_list(body),
    )


def fast_document(phrases: Sequence[SpokenPhrase], *, samples: int, asked: FastMembers) -> Document:
    """The answer.

    Args:
        phrases: In time order.
        samples: Length of the recording, as a count of 16 kHz samples.
        asked: What was asked: channels and speakers are shown only then.
    """
    by_channel: dict[int, list[str]] = {}
    for phrase in phrases:
        by_channel.setdefault(phrase.channel, []).append(phrase.candidates[0].display)
    wanted = (0,) if asked.channels is None else sorted(by_channel) or asked.channels[:1]
    return {
        "durationMilliseconds": _milliseconds(samples),
        "combinedPhrases": [
            present(
                {
                    "channel": None if asked.channels is None else channel,
                    "text": " ".join(by_channel.get(channel, [])),
                }
            )
            for channel in wanted
        ],
        "phrases": [_phrase(phrase, has_channels=asked.channels is not None) for phrase in phrases],
    }


def _phrase(phrase: SpokenPhrase, *, has_channels: bool) -> Document:
    best = phrase.candidates[0]
    return present(
        {
            "channel": phrase.channel if has_channels else None,
            "speaker": phrase.speaker,
            "offsetMilliseconds": _milliseconds(phrase.start),
            "durationMilliseconds": _milliseconds(phrase.end) - _milliseconds(phrase.start),
            "text": best.display,
            "words": [_word(word) for word in best.display_words] or None,
            "locale": phrase.locale,
            "confidence": round(best.confidence, 4),
        }
    )


def _word(word: RecognizedWord) -> Document:
    return {
        "text": word.text,
        "offsetMilliseconds": _milliseconds(word.start),
        "durationMilliseconds": _milliseconds(word.end) - _milliseconds(word.start),
    }


def _milliseconds(samples: int) -> int:
    return round(samples / _SAMPLES_PER_MILLISECOND)


def _object(text: str) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"The form field definition is not valid JSON: {error}.",
            code="InvalidRequestBodyFormat",
            target="definition",
        ) from error
    if not isinstance(value, dict):
        raise InvalidInputError(
            "The form field definition must be a JSON object.",
            code="InvalidRequestBodyFormat",
            target="definition",
        )
    return value


def _refuse_enhanced(enhanced: Body) -> None:
    # The published client marks ``enabled`` as read only and sends the other members alone.
    if enhanced.flag("enabled") or any(enhanced.members.get(name) for name in ("task", "prompt")):
        raise InvalidInputError(
            "This server has no enhanced mode. Leave enhancedMode out; train a model for your words instead.",
            target="enhancedMode",
        )


def _models(models: Body) -> dict[str, str]:
    return {
        locale: reference_id(url, f"models.{locale}", "models")
        for locale, url in models.members.items()
        if url is not None
    }


def _channels(body: Body) -> tuple[int, ...] | None:
    value = body.members.get("channels")
    if value is None or value == []:
        return None
    is_sound = isinstance(value, list) and all(
        isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in value
    )
    if not is_sound or not isinstance(value, list) or len(set(value)) > _MOST_CHANNELS:
        raise InvalidInputError(
            f"channels must be a list of at most {_MOST_CHANNELS} channel numbers from 0 on.",
            code="InvalidChannels",
            target="channels",
        )
    return tuple(dict.fromkeys(value))


def _speakers(diarization: Body) -> int | None:
    most = diarization.whole("maxSpeakers", low=1, high=_MOST_SPEAKERS)
    # The published client marks ``enabled`` as read only: a number of speakers asks for it too.
    is_wanted = diarization.flag("enabled")
    if is_wanted is False or (is_wanted is None and most is None):
        return None
    return most or 0


def _profanity(text: str) -> Profanity:
    if text.strip().lower() == _RAW.lower():
        return Profanity.RAW
    return choice(Profanity, text, "profanityFilterMode")
