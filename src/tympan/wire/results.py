"""Result files of batch transcriptions, each in the form of the version it was asked through.

Source: the published schemas ``transcriptionresult_v3`` to ``_v2024-11-15``; developer reference,
section 16.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from tympan.domain.transcription import SourceOutcome, SourceResult, Transcription, TranscriptionCounts
from tympan.ports.recognizer import RecognizedWord
from tympan.speech.text.catalogue import normalizer_for
from tympan.wire.answerer import itn_member
from tympan.wire.phrases import Reading, SpokenPhrase
from tympan.wire.values import Document, present, ticks, timestamp
from tympan.wire.versions import ApiVersion

_SAMPLES_PER_MILLISECOND = 16
_SAMPLE_RATE_HZ = 16_000
_FORMS = ("lexical", "itn", "maskedITN", "display")

Phrases = Callable[[], Iterable[SpokenPhrase]]
"""Begins to read the phrases again."""


def result_chunks(transcription: Transcription, result: SourceResult, phrases: Phrases) -> Iterator[bytes]:
    """The result file of one recording, piece by piece.

    Phrases are read twice and never held together; of the text itself one copy is held while it
    is joined. The member ``tympan`` is ours: the models, what of them was applied, and which phrases of
    a list, or pronunciations, were heard.
    """
    version = ApiVersion(transcription.api_version)
    head: Document = {
        "source": result.source,
        "timestamp": timestamp(result.timestamp),
        **_extent(result.samples, version, "duration"),
        "combinedRecognizedPhrases": _combined(result.channels, phrases()),
        "tympan": _provenance(result, transcription.locale) | _favoured(transcription, result),
    }
    yield _json(head)[:-1] + b', "recognizedPhrases": ['
    for number, phrase in enumerate(phrases()):
        separator = b", " if number else b""
        yield separator + _json(_phrase(phrase, transcription, version))
    yield b"]}"


def report_chunks(counts: TranscriptionCounts, outcomes: Iterable[SourceOutcome]) -> Iterator[bytes]:
    """``report.json``: how each source ended."""
    head: Document = {
        "successfulTranscriptionsCount": counts.succeeded,
        "failedTranscriptionsCount": counts.failed,
    }
    yield _json(head)[:-1] + b', "details": ['
    for number, one in enumerate(outcomes):
        status = "Succeeded" if one.error_kind is None else "Failed"
        document = present(
            {
                "source": one.source,
                "status": status,
                "errorKind": one.error_kind,
                "errorMessage": one.error_message,
                "tympan": None if one.matched is None else {"phraseListMatches": one.matched},
            }
        )
        yield (b", " if number else b"") + _json(document)
    yield b"]}"


def _combined(channels: Iterable[int], phrases: Iterable[SpokenPhrase]) -> list[Document]:
    """Everything that was said on each channel, as one text; empty where nobody spoke."""
    texts: dict[int, dict[str, list[str]]] = {channel: {form: [] for form in _FORMS} for channel in channels}
    joint = " "
    for phrase in phrases:
        joint = "" if normalizer_for(phrase.locale).is_unspaced else " "
        kept = texts.setdefault(phrase.channel, {form: [] for form in _FORMS})
        for form, text in _forms(phrase.candidates[0]).items():
            kept[form].append(text)
    return [
        {"channel": channel, **{form: joint.join(filter(None, kept[form])) for form in _FORMS}}
        for channel, kept in sorted(texts.items())
    ]


def _forms(reading: Reading) -> dict[str, str]:
    return {
        "lexical": reading.lexical,
        "itn": reading.itn,
        "maskedITN": reading.masked_itn,
        "display": reading.display,
    }


def _phrase(phrase: SpokenPhrase, transcription: Transcription, version: ApiVersion) -> Document:
    options = transcription.options
    return present(
        {
            "recognitionStatus": "Success",
            "channel": phrase.channel,
            "speaker": phrase.speaker if options.speakers is not None else None,
            "locale": phrase.locale if options.languages is not None else None,
            **_place(phrase.start, phrase.end, version),
        }
    ) | {
        "nBest": [
            {
                "confidence": round(reading.confidence, 7),
                **_forms(reading),
                **_words(reading, transcription, version),
            }
            for reading in phrase.candidates
        ]
    }


def _words(reading: Reading, transcription: Transcription, version: ApiVersion) -> Document:
    options, members = transcription.options, Document()
    if options.wants_words:
        members["words"] = [
            {
                "word": word.text,
                **_word_place(word, version),
                "confidence": round(word.confidence, 7),
            }
            for word in reading.words
        ]
    if options.wants_display_words:
        members["displayWords"] = [
            {"displayText": word.text, **_word_place(word, version)} for word in reading.display_words
        ]
    return members


def _word_place(word: RecognizedWord, version: ApiVersion) -> Document:
    return _place(word.start, word.end, version)


def _place(start: int, end: int, version: ApiVersion) -> Document:
    return {**_extent(start, version, "offset"), **_extent(max(0, end - start), version, "duration")}


def _extent(samples: int, version: ApiVersion, name: str) -> Document:
    """A length of time in every unit that a version has for it."""
    extent: Document = {name: _exact_duration(samples), f"{name}InTicks": ticks(samples)}
    if version.is_dated:
        extent[f"{name}Milliseconds"] = round(samples / _SAMPLES_PER_MILLISECOND)
    return extent


def _exact_duration(samples: int) -> str:
    """An ISO 8601 duration that says the same as the ticks.

    >>> _exact_duration(41_280), _exact_duration(16_001), _exact_duration(16_000 * 3723)
    ('PT2.58S', 'PT1.0000625S', 'PT1H2M3S')
    """
    seconds, rest = divmod(samples, _SAMPLE_RATE_HZ)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{seconds + rest / _SAMPLE_RATE_HZ:.7f}".rstrip("0").rstrip(".")
    parts = [
        f"{hours}H" if hours else "",
        f"{minutes}M" if minutes else "",
        f"{text}S" if text != "0" else "",
    ]
    return "PT" + ("".join(parts) or "0S")


def _provenance(result: SourceResult, locale: str) -> Document:
    models = [
        present(
            {
                "locale": one,
                "model": model_id,
                "version": result.model_versions.get(one),
                "inverseTextNormalization": itn_member(one),
            }
        )
        for one, model_id in result.model_ids.items()
    ]
    main = {"model": result.model_ids.get(locale), "modelVersion": result.model_versions.get(locale)}
    others: Document = {"models": models} if len(models) > 1 else {}
    return (
        present(
            {
                **main,
                "adaptation": list(result.adaptation),
                "inverseTextNormalization": itn_member(locale),
            }
        )
        | others
    )


def _favoured(transcription: Transcription, result: SourceResult) -> Document:
    if not transcription.phrases and not result.matched:
        return {}
    listed: Document = {"count": transcription.phrases, "biasingWeight": transcription.phrase_weight}
    return {
        **({"phraseList": listed} if transcription.phrases else {}),
        "phraseListMatches": list(result.matched),
    }


def _json(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
