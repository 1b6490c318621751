"""Phrase lists: what one may hold, the same wherever it is given."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from tympan.domain.errors import InvalidInputError

MOST_PHRASES = 10_000
LONGEST_PHRASE = 500
"""In characters."""
MOST_CHARACTERS = 500_000
"""Of all phrases together: more cannot be looked through in time."""
HEAVIEST_PHRASES = 2.0
"""Source: phrase lists, "the weight is a value from 0.0 to 2.0"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseList:
    """Words to favour.

    Attributes:
        phrases: As they are written, each once.
        weight: How much: 1 is usual, 0 not at all, 2 the most.
    """

    phrases: tuple[str, ...] = ()
    weight: float = 1.0


NO_PHRASES = PhraseList()


def checked_phrase_list(
    texts: Iterable[str], weight: float | None = None, *, target: str, weight_target: str = "weight"
) -> PhraseList:
    """A list as a client gave it, once it is in order.

    Spaces, tabs and line ends within a phrase become one space. Empty phrases ask for nothing and,
    like repeated ones, do not count.

    Args:
        texts: The phrases.
        weight: None is the usual one.
        target: What a client calls the list.
        weight_target: What it calls the weight.

    Raises:
        InvalidInputError: There are too many phrases, one is too long or holds what nobody can say,
            or the weight is out of bounds. The sentence fits the reason of a closed WebSocket.
    """
    phrases = tuple(dict.fromkeys(phrase for phrase in (" ".join(text.split()) for text in texts) if phrase))
    if len(phrases) > MOST_PHRASES:
        raise InvalidInputError(
            f"The phrase list has {len(phrases)} phrases; at most {MOST_PHRASES} are taken. Shorten it.",
            target=target,
        )
    for phrase in phrases:
        _check(phrase, target)
    if sum(map(len, phrases)) > MOST_CHARACTERS:
        raise InvalidInputError(
            f"The phrase list has more than {MOST_CHARACTERS} characters in all. Shorten it.", target=target
        )
    if weight is not None and not 0 <= weight <= HEAVIEST_PHRASES:
        raise InvalidInputError(
            f"The weight of a phrase list must be from 0 to {HEAVIEST_PHRASES:g}, not {weight:g}.",
            target=weight_target,
        )
    return PhraseList(phrases=phrases, weight=1.0 if weight is None else weight)


def _check(phrase: str, target: str) -> None:
    if len(phrase) > LONGEST_PHRASE:
        raise InvalidInputError(
            f"The phrase '{phrase[:20]}...' has {len(phrase)} characters; at most {LONGEST_PHRASE} "
            "are taken.",
            target=target,
        )
    # Cc: control characters; Cs: halves of a surrogate pair, which no text can hold.
    wrong = next((one for one in phrase if unicodedata.category(one) in ("Cc", "Cs")), None)
    if wrong is not None:
        raise InvalidInputError(
            f"A phrase of the list holds U+{ord(wrong):04X}, a character that cannot be said. Take it out.",
            target=target,
        )
