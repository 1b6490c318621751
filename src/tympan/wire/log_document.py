"""What a log says of a request: the shape of a batch result, with who asked and who answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tympan.ports.recognizer import Phrase
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
    return {
        "timestamp": timestamp(asked.began_at),
        "durationInTicks": ticks(heard.samples),
        "duration": duration(heard.samples / _SAMPLE_RATE_HZ),
        "combinedRecognizedPhrases": [{"channel": 0, **whole}],
        "recognizedPhrases": [_phrase(heard, phrase) for phrase in phrases],
        **present(
            {
                "sessionId": asked.session_id,
                "requestId": asked.request_id or asked.session_id,
                "endpointId": asked.endpoint_id,
                "locale": heard.locale,
                "modelId": heard.model_id,
                "modelName": heard.model_name,
                "modelVersion": heard.model_version,
                "fallback": heard.fallback,
                "adaptation": list(heard.adaptation),
            }
        ),
    }


def _phrase(heard: Heard, phrase: Phrase) -> Document:
    length = phrase.end - phrase.start
    forms = _forms(heard, (phrase,))
    return {
        "recognitionStatus": "Success",
        "channel": 0,
        "offset": duration(phrase.start / _SAMPLE_RATE_HZ),
        "duration": duration(length / _SAMPLE_RATE_HZ),
        "offsetInTicks": ticks(phrase.start),
        "durationInTicks": ticks(length),
        "nBest": [{"confidence": round(phrase.confidence, 4), **forms}],
    }


def _forms(heard: Heard, phrases: tuple[Phrase, ...]) -> Document:
    """The four texts, the same as a detailed answer gives."""
    answer = recognition_document(replace(heard, phrases=phrases), Format.DETAILED)
    best = answer.get("NBest")
    first = best[0] if isinstance(best, list) else {}
    return {ours: first[name] for name, ours in _FORMS.items()}
