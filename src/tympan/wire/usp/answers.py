"""The documents that a server sends in a turn.

Offsets and durations are ticks of 100 ns from the start of the turn's audio, as JSON numbers: one
client reads a string as 0.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tympan.ports.recognizer import RecognizedWord
from tympan.wire.phrases import Reading, SpokenPhrase
from tympan.wire.usp.turn_request import TurnRequest
from tympan.wire.values import Document, present, ticks

_TICKS_A_MILLISECOND = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """Which language was told, and how sure that is: ``High``, ``Medium`` or ``Low``."""

    locale: str
    confidence: str


def turn_start(service_tag: str) -> Document:
    """Opens a turn; the tag comes back when the client goes on after a broken connection."""
    return {"context": {"serviceTag": service_tag}}


def started(at: int) -> Document:
    """Somebody began to speak at this sample."""
    return {"Offset": ticks(at)}


def ended(milliseconds: int) -> Document:
    """The audio ended after so many milliseconds."""
    return {"Offset": milliseconds * _TICKS_A_MILLISECOND}


def hypothesis(text: str, start: int, end: int, *, channel: int, more: Mapping[str, object]) -> Document:
    """What seems to be said, from one sample to another."""
    return {"Id": _new_id(), "Text": text, **_span(start, end), "Channel": channel, **more}


def phrase(spoken: SpokenPhrase, request: TurnRequest, more: Mapping[str, object]) -> Document:
    """What was said. Always with its text; with readings when detail was asked for."""
    document: Document = {
        "Id": _new_id(),
        "RecognitionStatus": "Success",
        **_span(spoken.start, spoken.end),
        "Channel": spoken.channel,
        "DisplayText": spoken.candidates[0].display,
    }
    if request.is_detailed:
        document["NBest"] = [
            _reading(one, wants_words=request.wants_words and place == 0)
            for place, one in enumerate(spoken.candidates)
        ]
    return {**document, **more}


def nothing(status: str, start_ms: int, end_ms: int, more: Mapping[str, object] | None = None) -> Document:
    """A phrase without words, such as ``NoMatch`` or ``InitialSilenceTimeout``."""
    return {
        "Id": _new_id(),
        "RecognitionStatus": status,
        "Offset": start_ms * _TICKS_A_MILLISECOND,
        "Duration": (end_ms - start_ms) * _TICKS_A_MILLISECOND,
        "DisplayText": "",
        **(more or {}),
    }


def end_of_dictation(received_ms: int) -> Document:
    """Acknowledges all audio of a turn.

    Args:
        received_ms: Rounded up, else one client sends the rest of a millisecond once more.
    """
    return {
        "Id": _new_id(),
        "RecognitionStatus": "EndOfDictation",
        "Offset": received_ms * _TICKS_A_MILLISECOND,
        "Duration": 0,
    }


def language_members(told: Language | None) -> Document:
    """Which language was told."""
    if told is None:
        return {}
    return {"PrimaryLanguage": {"Language": told.locale, "Confidence": told.confidence}}


def speaker_members(speaker: int | None) -> Document:
    """Who speaks."""
    return {"SpeakerId": "Unknown" if speaker is None else f"Guest-{speaker}"}


def _reading(one: Reading, *, wants_words: bool) -> Document:
    document: Document = {
        "Confidence": round(one.confidence, 4),
        "Lexical": one.lexical,
        "ITN": one.itn,
        "MaskedITN": one.masked_itn,
        "Display": one.display,
    }
    if wants_words:
        document["Words"] = _words(one.words, "Word")
        document["DisplayWords"] = _words(one.display_words, "DisplayText")
    return document


def _words(words: Sequence[RecognizedWord], name: str) -> list[Document]:
    return [
        present({name: word.text, **_span(word.start, word.end), "Confidence": _rounded(word, name)})
        for word in words
    ]


def _rounded(word: RecognizedWord, name: str) -> float | None:
    return round(word.confidence, 4) if name == "Word" else None


def _span(start: int, end: int) -> Document:
    return {"Offset": ticks(start), "Duration": ticks(end - start)}


def _new_id() -> str:
    return uuid.uuid4().hex
