"""Documents of the OpenAI-shaped routes.

Source: OpenAI API reference, ``audio/transcriptions`` and ``models``.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tympan.domain.errors import InvalidInputError
from tympan.speech.language_names import language_code, language_name
from tympan.wire.phrases import SpokenPhrase
from tympan.wire.values import Document, choice

_RATE_HZ = 16_000
_FIRST_SERVER_ERROR = 500
_UNAUTHORIZED = 401
_ERROR_KINDS = {
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
ANY_MODEL = frozenset({"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"})
"""Names that clients are born with: the newest base model answers to them."""


class ResponseFormat(StrEnum):
    """How the answer is written."""

    JSON = "json"
    TEXT = "text"
    SRT = "srt"
    VERBOSE_JSON = "verbose_json"
    VTT = "vtt"


class Granularity(StrEnum):
    """What is placed in time."""

    WORD = "word"
    SEGMENT = "segment"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRequest:
    """The form of a transcription request.

    Attributes:
        model: As the client names it.
        language: A code, or None where the client does not know it.
        granularities: Only with ``verbose_json``.
        is_streamed: Text is sent as it is heard.
        prompt: A text in the style and with the words that are expected; empty: none.
        hotwords: Phrases to favour, an extension of other servers that speak this API.
    """

    model: str
    language: str | None
    form: ResponseFormat
    granularities: frozenset[Granularity]
    is_streamed: bool
    prompt: str = ""
    hotwords: tuple[str, ...] = ()


def read_form(fields: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> SpeechRequest:
    """Read the text fields of the form.

    Raises:
        InvalidInputError: One is missing or wrong, or asks for what this server does not do.
    """
    if not fields.get("model"):
        raise InvalidInputError("model is required. GET /v1/models lists what there is.", target="model")
    _refuse_unbuilt(fields, lists)
    form = choice(ResponseFormat, fields.get("response_format") or ResponseFormat.JSON, "response_format")
    wanted = lists.get("timestamp_granularities[]") or lists.get("timestamp_granularities") or ()
    granularities = frozenset(choice(Granularity, one, "timestamp_granularities") for one in wanted)
    if granularities and form is not ResponseFormat.VERBOSE_JSON:
        raise InvalidInputError(
            "timestamp_granularities needs response_format=verbose_json.", target="timestamp_granularities"
        )
    is_streamed = _flag(fields, "stream")
    if is_streamed and form not in (ResponseFormat.JSON, ResponseFormat.TEXT):
        raise InvalidInputError(
            f"stream works with response_format json and text, not with {form.value}.", target="stream"
        )
    language = fields.get("language")
    return SpeechRequest(
        model=fields["model"],
        language=language_code(language) if language else None,
        form=form,
        granularities=granularities or frozenset({Granularity.SEGMENT}),
        is_streamed=is_streamed,
        prompt=fields.get("prompt", "").strip(),
        hotwords=_hotwords([*lists.get("hotwords", ()), *lists.get("hotwords[]", ())]),
    )


def _hotwords(values: Sequence[str]) -> tuple[str, ...]:
    """Phrases a line each, or where there is one line, between commas; the field may come repeatedly.

    Source:
        speaches and faster-whisper: ``hotwords`` is one text.
    """
    pieces = [value.splitlines() if "\n" in value else value.split(",") for value in values]
    return tuple(phrase for piece in pieces for phrase in piece if phrase.strip())


def prompt_effect(terms: Sequence[str]) -> str:
    """What became of a prompt, for ``X-Prompt-Effect``."""
    return f"phrases; count={len(terms)}" if terms else "none; reason=no-unusual-words"


def verbose_document(
    phrases: Sequence[SpokenPhrase], *, samples: int, locale: str, granularities: frozenset[Granularity]
) -> Document:
    """The answer with everything in it."""
    document: Document = {
        "task": "transcribe",
        "language": language_name(phrases[0].locale if phrases else locale),
        "duration": round(samples / _RATE_HZ, 3),
        "text": text_of(phrases),
    }
    if Granularity.SEGMENT in granularities:
        document["segments"] = [_segment(number, phrase) for number, phrase in enumerate(phrases)]
    if Granularity.WORD in granularities:
        document["words"] = [
            {"word": word.text, "start": _seconds(word.start), "end": _seconds(word.end)}
            for phrase in phrases
            for word in phrase.candidates[0].display_words
        ]
    return document


def text_of(phrases: Iterable[SpokenPhrase]) -> str:
    """The whole text."""
    return " ".join(phrase.candidates[0].display for phrase in phrases)


def event_chunks(phrases: Iterable[SpokenPhrase]) -> Iterator[bytes]:
    """The text as server-sent events, as it is heard."""
    parts: list[str] = []
    for phrase in phrases:
        delta = ("" if not parts else " ") + phrase.candidates[0].display
        parts.append(delta)
        yield event({"type": "transcript.text.delta", "delta": delta})
    yield event({"type": "transcript.text.done", "text": "".join(parts)})


def event(document: Document) -> bytes:
    """One server-sent event."""
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode()


def model_document(model_id: str, created_s: int, owner: str, name: str) -> Document:
    """A model that can be named; ``name`` is ours."""
    return {"id": model_id, "object": "model", "created": created_s, "owned_by": owner, "name": name}


def error_document(message: str, *, status: int, code: str | None, param: str | None) -> Document:
    """An error as clients of this shape read it."""
    if status == _UNAUTHORIZED:
        code = "invalid_api_key"
    is_ours = status >= _FIRST_SERVER_ERROR
    kind = _ERROR_KINDS.get(status, "server_error" if is_ours else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _segment(number: int, phrase: SpokenPhrase) -> Document:
    best = phrase.candidates[0]
    text = best.display.encode()
    return {
        "id": number,
        "seek": phrase.start // 160,
        "start": _seconds(phrase.start),
        "end": _seconds(phrase.end),
        "text": best.display,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(best.confidence, 1e-9)), 4),
        "compression_ratio": round(len(text) / max(1, len(zlib.compress(text))), 3),
        "no_speech_prob": 0.0,
    }


def _seconds(samples: int) -> float:
    return round(samples / _RATE_HZ, 3)


def _refuse_unbuilt(fields: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> None:
    temperature = fields.get("temperature") or "0"
    try:
        is_zero = float(temperature) == 0
    except ValueError:
        is_zero = False
    if not is_zero:
        raise InvalidInputError(
            f"temperature '{temperature}' cannot be honoured: decoding searches for the likeliest text. "
            "Leave it out.",
            target="temperature",
        )
    for name in ("include[]", "include", "chunking_strategy"):
        wanted = [one for one in lists.get(name, ()) if one not in ("", "auto")]
        if wanted:
            raise InvalidInputError(f"{name} '{wanted[0]}' cannot be honoured. Leave it out.", target=name)


def _flag(fields: Mapping[str, str], name: str) -> bool:
    text = (fields.get(name) or "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise InvalidInputError(f"{name} must be true or false, not '{text[:20]}'.", target=name)
    return text in ("true", "1")
