"""The member ``phraseList``: published for fast transcription, ours for batch."""

from __future__ import annotations

from tympan.domain.phrase_list import PhraseList, checked_phrase_list
from tympan.wire.bodies import Body


def read_phrase_list(body: Body) -> PhraseList:
    """The member ``phraseList``: ``phrases`` and ``biasingWeight``; absent is empty.

    Raises:
        InvalidInputError: It is out of bounds.

    Source:
        Package azure-ai-transcription 1.0.0, ``PhraseListProperties``.
    """
    given = body.part("phraseList")
    return checked_phrase_list(
        given.texts("phrases") or (),
        given.number("biasingWeight"),
        target=given.path.removesuffix("."),
        weight_target=f"{given.path}biasingWeight",
    )
