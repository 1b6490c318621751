"""Favouring the terms of a list: what sounds like one is decoded again with the term in view.

Pass 1 writes what it hears. The terms that sound like parts of that are shown to the decoder as a
glossary, over the same encoding; what it writes then is taken when nothing speaks against it. Words
that still only sound like a term are replaced by it. In doubt pass 1 stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tympan.backends.whisper.network import Decoded
from tympan.speech.phrase_index import Match, PhraseIndex, replaced
from tympan.speech.plausibility import is_loop

_SHOWN = 12
_SURE = 0.82
"""A text of this confidence is taken at its word where it has ordinary words."""
_SOUNDS_LIKE = 0.6
_SOUNDS_LIKE_SURELY = 0.4
_SOUNDS_THE_SAME = 0.3
_SOUNDS_THE_SAME_OF_MANY = 0.25
_MANY = 500
_WORDS_LEFT = 0.85
_CONFIDENCE_LEFT = 0.8
_LONGEST_GLOSSARY = 400

Again = Callable[[Sequence[str]], Decoded]
"""Decodes the same piece with a glossary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Favoured:
    """What became of a text.

    Attributes:
        decoded: The text; its ids are those of the words that were heard.
        matched: Terms of the list that it holds.
    """

    decoded: Decoded
    matched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Favouring:
    """A list of terms at work.

    Attributes:
        index: The terms by their sounds.
        weight: How much they are favoured: 1 is usual, 0 not at all.
    """

    index: PhraseIndex
    weight: float = 1.0

    def apply(self, decoded: Decoded, again: Again) -> Favoured:
        """Find the terms in a text and write them.

        Args:
            decoded: Pass 1.
            again: Pass 2; called only when something sounds like a term.
        """
        words = decoded.text.split()
        is_sure = decoded.confidence >= _SURE
        limit = _SOUNDS_LIKE_SURELY if is_sure else _SOUNDS_LIKE
        matches = self.index.matches(
            words, within=min(0.75, limit * self.weight), is_ordinary_left_out=is_sure
        )
        missing = _missing(matches, decoded.text)
        if missing:
            second = again(missing)
            if _is_plausible(second, decoded) and _holds_one(second.text, missing):
                decoded = second
                words = decoded.text.split()
        written, used = replaced(words, self._certain(words))
        text = " ".join(written)
        if text != decoded.text:
            decoded = replace(decoded, text=text)
        return Favoured(decoded=decoded, matched=tuple(dict.fromkeys(one.term.display for one in used)))

    def _certain(self, words: Sequence[str]) -> list[Match]:
        """What is a term beyond doubt: the same sounds, and not just ordinary words."""
        limit = _SOUNDS_THE_SAME_OF_MANY if len(self.index) > _MANY else _SOUNDS_THE_SAME
        found = self.index.matches(words, within=min(0.4, limit * self.weight))
        return [one for one in found if not one.is_ordinary or _is_written(one, words)]


def _missing(matches: Iterable[Match], text: str) -> list[str]:
    """Terms to show: those that are not written already, the most alike first."""
    lower = text.casefold()
    seen: set[str] = set()
    shown: list[str] = []
    length = 0
    for match in matches:
        name = match.term.display
        if name in seen:
            continue
        seen.add(name)
        length += len(name)
        if len(shown) >= _SHOWN or length > _LONGEST_GLOSSARY:
            break
        if name.casefold() not in lower:
            shown.append(name)
    return shown


def _is_plausible(second: Decoded, first: Decoded) -> bool:
    words = len(second.text.split())
    return (
        not is_loop(second.text)
        and words >= _WORDS_LEFT * len(first.text.split())
        and words <= len(first.text.split()) / _WORDS_LEFT + 1
        and second.confidence >= _CONFIDENCE_LEFT * first.confidence
    )


def _holds_one(text: str, names: Sequence[str]) -> bool:
    """Whether the glossary led to one of its terms, and not just to other words."""
    lower = text.casefold()
    return any(name.casefold() in lower for name in names)


def _is_written(match: Match, words: Sequence[str]) -> bool:
    said = " ".join(words[match.first : match.after]).strip(".,?!:;").casefold()
    return said == match.term.display.casefold()
