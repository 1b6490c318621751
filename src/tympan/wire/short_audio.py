"""Documents of short-audio recognition.

Source: developer reference, section 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tympan.ports.recognizer import Phrase
from tympan.speech.display_format import Profanity
from tympan.speech.text_forms import forms_of
from tympan.wire.answerer import Answerer, answerer_members
from tympan.wire.values import Document, ticks

LIMITS_S = {"interactive": 15.0, "conversation": 60.0, "dictation": 60.0}
"""Longest audio by recognition mode."""


class Format(StrEnum):
    """How much the answer says."""

    SIMPLE = "simple"
    DETAILED = "detailed"


class ProfanityOption(StrEnum):
    """What becomes of profane words."""

    MASKED = "masked"
    REMOVED = "removed"
    RAW = "raw"


PROFANITY = {
    ProfanityOption.MASKED: Profanity.MASKED,
    ProfanityOption.REMOVED: Profanity.REMOVED,
    ProfanityOption.RAW: Profanity.RAW,
}
"""The same as display formatting spells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard in a recording, and by which model.

    Attributes:
        phrases: In time order; times are counts of 16 kHz samples.
        samples: Length of the recording, as such a count.
        locale: What was recognised in.
        model_id: The model that answered; ``model_name`` and ``model_version`` say more.
        fallback: Why another model than the endpoint's answered; None when it did not.
        adaptation: What of the model's adaptation was applied.
        is_dictated: Whether spoken marks were to be written.
    """

    phrases: Sequence[Phrase]
    samples: int
    locale: str
    model_id: str
    model_name: str
    model_version: str
    fallback: str | None
    adaptation: Sequence[str]
    is_dictated: bool = False


def recognition_document(heard: Heard, form: Format, *, is_list_given: bool = False) -> Document:
    """The answer: one text for the whole recording.

    The member ``Tympan`` is ours: it declares the model, its adaptation and any fallback, and where
    phrases were to be favoured, or some of the model's pronunciations were heard, which.
    """
    text = " ".join(phrase.text for phrase in heard.phrases if phrase.text)
    document: Document = {"RecognitionStatus": "Success" if text else "NoMatch"}
    if text:
        document |= {"DisplayText": text, **_span(heard.phrases)}
        if form is Format.DETAILED:
            document["NBest"] = [_best(heard, text)]
    else:
        document |= {"Offset": 0, "Duration": ticks(heard.samples)}
    matched = list(dict.fromkeys(term for phrase in heard.phrases for term in phrase.matched))
    ours = answerer_members(
        Answerer(
            model_id=heard.model_id,
            model_name=heard.model_name,
            model_version=heard.model_version,
            locale=heard.locale,
            fallback=heard.fallback,
            adaptation=heard.adaptation,
            is_dictated=heard.is_dictated,
        )
    )
    document["Tympan"] = ours | ({"phraseListMatches": matched} if is_list_given or matched else {})
    return document


def _span(phrases: Sequence[Phrase]) -> Document:
    start = phrases[0].start
    return {"Offset": ticks(start), "Duration": ticks(phrases[-1].end - start)}


def _best(heard: Heard, text: str) -> Document:
    unmasked = " ".join(phrase.unmasked or phrase.text for phrase in heard.phrases if phrase.text)
    spoken = " ".join(phrase.scored for phrase in heard.phrases if phrase.text)
    forms = forms_of(text, unmasked, heard.locale, spoken)
    return {
        "Confidence": round(_confidence(heard.phrases), 4),
        "Lexical": forms.lexical,
        "ITN": forms.itn,
        "MaskedITN": forms.masked_itn,
        "Display": forms.display,
    }


def _confidence(phrases: Sequence[Phrase]) -> float:
    # Longer phrases count for more; a phrase of no length still counts a little.
    lengths = [max(1, phrase.end - phrase.start) for phrase in phrases]
    weighted = sum(phrase.confidence * length for phrase, length in zip(phrases, lengths, strict=True))
    return weighted / sum(lengths)
