"""Which model gave an answer: a member that is ours, and that clients of the published API ignore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tympan.speech.dictation import knows_dictation
from tympan.speech.itn_languages import has_itn
from tympan.wire.values import Document, present


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """The model that answered.

    Attributes:
        model_version: First 12 characters of its bundle's digest.
        fallback: Why another model than the endpoint's answered; None when it did not.
        adaptation: What of the model's adaptation was applied.
        locale: What it was asked to hear.
        is_dictated: Whether spoken marks were to be written.
    """

    model_id: str
    model_name: str
    model_version: str
    locale: str
    fallback: str | None = None
    adaptation: Sequence[str] = ()
    is_dictated: bool = False


def itn_member(locale: str) -> str | None:
    """``none`` where numbers stay as the model wrote them, else nothing worth saying."""
    return None if has_itn(locale) else "none"


def answerer_members(one: Answerer) -> Document:
    """As it stands in the member ``Tympan``."""
    return present(
        {
            "model": one.model_id,
            "modelName": one.model_name,
            "modelVersion": one.model_version,
            "adaptation": list(one.adaptation),
            "fallback": one.fallback,
            "inverseTextNormalization": itn_member(one.locale),
            "dictation": "none" if one.is_dictated and not knows_dictation(one.locale) else None,
        }
    )
