"""What a log says of a request: the shape of a batch result, with who asked and who answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tympan.ports.recognizer import Phrase
from tympan.wire.answerer import Answerer, itn_member
from tympan.wire.phrases import Reading, SpokenPhrase
from tympan.wire.short_audio import Format, Heard, recognition_document
from tympan.wire.values import Document, duration, present, ticks, timestamp

_SAMPLE_RATE_HZ = 16_000
_FORMS = {"Lexical": "lexical", "ITN": "itn", "MaskedITN": "maskedITN", "Display": "display"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asked for a recognition.

    Attributes:
        request_id: The client's own id of the request, if it gave one.
        endpoint_id: None where the newest base model answered.
    """

    session_id: str
    request_id: str | None
    endpoint_id: str | None
    began_at: datetime


def log_document(heard: Heard, asked: Asked) -> Document:
    """The result of a request, as its log keeps it."""
    phrases = [phrase for phrase in heard.phrases if phrase.text]
    whole = _forms(heard, tuple(phrases)) if phrases else dict.fromkeys(_FORMS.values(), "")
    documents = [
        _phrase(phrase.start, phrase.end, 0, [_scored(phrase.confidence, _forms(heard, (phrase,)))])
        for phrase in phrases
    ]
    answerer = Answerer(
        model_id=heard.model_id,
        model_name=heard.model_name,
        model_version=heard.model_version,
        locale=heard.locale,
        fallback=heard.fallback,
        adaptation=heard.adaptation,
    )
    return {
        **_head(asked, heard.samples),
        "combinedRecognizedPhrases": [{"channel": 0, **whole}],
        "recognizedPhrases": documents,
        **_tail(asked, heard.locale, answerer),
    }


def live_log_document(
    phrases: Sequence[SpokenPhrase], samples: int, locale: str, answerer: Answerer, asked: Asked
) -> Document:
    """The result of a turn of the speech protocol, as its log keeps it.

    Args:
        phrases: In the order in which they were said.
        samples: Length of the turn's audio, as a count of 16 kHz samples.
        locale: What was recognised in, at the beginning.
        answerer: The model that did.
        asked: Who asked.
    """
    channels = sorted({phrase.channel for phrase in phrases} or {0})
    combined = [
        {"channel": channel, **_joined([one for one in phrases if one.channel == channel])}
        for channel in channels
    ]
    documents = [
        _phrase(
            one.start,
            one.end,
            one.channel,
            [_scored(reading.confidence, _forms_of(reading)) for reading in one.candidates],
        )
        | present({"locale": one.locale, "speaker": one.speaker})
        for one in phrases
    ]
    return {
        **_head(asked, samples),
        "combinedRecognizedPhrases": combined,
        "recognizedPhrases": documents,
        **_tail(asked, locale, answerer),
    }


def _head(asked: Asked, samples: int) -> Document:
    return {
        "timestamp": timestamp(asked.began_at),
        "durationInTicks": ticks(samples),
        "duration": duration(samples / _SAMPLE_RATE_HZ),
    }


def _tail(asked: Asked, locale: str, answerer: Answerer) -> Document:
    return present(
        {
            "sessionId": asked.session_id,
            "requestId": asked.request_id or asked.session_id,
            "endpointId": asked.endpoint_id,
            "locale": locale,
            "modelId": answerer.model_id,
            "modelName": answerer.model_name,
            "modelVersion": answerer.model_version,
            "fallback": answerer.fallback,
            "adaptation": list(answerer.adaptation),
            "inverseTextNormalization": itn_member(locale),
        }
    )


def _phrase(start: int, end: int, channel: int, readings: list[Document]) -> Document:
    return {
        "recognitionStatus": "Success",
        "channel": channel,
        "offset": duration(start / _SAMPLE_RATE_HZ),
        "duration": duration((end - start) / _SAMPLE_RATE_HZ),
        "offsetInTicks": ticks(start),
        "durationInTicks": ticks(end - start),
        "nBest": readings,
    }


def _scored(confidence: float, forms: Document) -> Document:
    return {"confidence": round(confidence, 4), **forms}


def _forms(heard: Heard, phrases: tuple[Phrase, ...]) -> Document:
    """The four texts, the same as a detailed answer gives."""
    answer = recognition_document(replace(heard, phrases=phrases), Format.DETAILED)
    best = answer.get("NBest")
    first = best[0] if isinstance(best, list) else {}
    return {ours: first[name] for name, ours in _FORMS.items()}


def _forms_of(reading: Reading) -> Document:
    return {
        "lexical": reading.lexical,
        "itn": reading.itn,
        "maskedITN": reading.masked_itn,
        "display": reading.display,
    }


def _joined(phrases: Sequence[SpokenPhrase]) -> Document:
    best = [_forms_of(phrase.candidates[0]) for phrase in phrases]
    return {name: " ".join(str(one[name]) for one in best) for name in _FORMS.values()}
