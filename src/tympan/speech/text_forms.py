"""The four forms of a text that clients of the published API know, and where punctuation comes from.

Lexical is what was said, in words; ITN has numbers written as figures; masked ITN hides profane
words; display has capitals and punctuation. Source: developer reference, sections 14 and 16.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from tympan.speech.text.catalogue import normalizer_for

_EDGES = '.,?!:;…¿¡()[]{}"“”„«»、。，？！：；।؟،'
_MARKS = re.escape(_EDGES)
_SENTENCE_MARKS = re.compile(rf"(?:(?<=\s)|^)[{_MARKS}]+|[{_MARKS}]+(?=\s|$)")
_INNER_MARKS = re.compile(r"[、。，？！：；]")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextForms:
    """One text in its four forms."""

    lexical: str
    itn: str
    masked_itn: str
    display: str


@dataclass(frozen=True, slots=True)
class PlacedToken:
    """A word with its place: first sample, sample after the last, confidence."""

    text: str
    start: int
    end: int
    confidence: float


def forms_of(text: str, unmasked: str, locale: str, spoken: str = "") -> TextForms:
    """Derive the four forms from a display text.

    Args:
        text: As it is shown, profane words dealt with.
        unmasked: The same with profane words left as they are; empty where it is the same.
        locale: BCP-47 tag.
        spoken: The unmasked text before numbers were written as figures, so that the lexical form
            has the words that were heard; empty where that is the unmasked text.

    >>> forms_of("Remind me to buy 5 pencils.", "", "en-US").lexical
    'remind me to buy five pencils'
    """
    whole = unmasked or text
    return TextForms(
        lexical=normalizer_for(locale).normalize(spoken or whole),
        itn=bare(whole),
        masked_itn=bare(text),
        display=text,
    )


def bare(text: str) -> str:
    """A text without capitals and punctuation, its figures as they are.

    >>> bare("At 10:30, it costs $3.50.")
    'at 10:30 it costs $3.50'
    """
    words = (word if word.startswith("*") else word.strip(_EDGES) for word in text.lower().split())
    return " ".join(word for word in words if word)


def without_punctuation(text: str) -> str:
    """A text as it is written, without the marks that part sentences and clauses.

    >>> without_punctuation("Well, Dr. Smith's 3.5 mg - right?")
    "Well Dr Smith's 3.5 mg - right"
    """
    stripped = _INNER_MARKS.sub(" ", _SENTENCE_MARKS.sub("", text))
    return _SPACES.sub(" ", stripped).strip()


def place_tokens(tokens: Sequence[str], heard: Sequence[PlacedToken]) -> list[PlacedToken]:
    """Give each token of a text the place of the words it was heard as.

    Tokens that were not heard as they are written (``five`` for ``5``) share the room of the
    words between their neighbours.

    Args:
        tokens: Words of one form of the text.
        heard: Words as recognised, in time order.

    >>> heard = [PlacedToken("Buy", 0, 10, 0.9), PlacedToken("25", 10, 30, 0.5)]
    >>> [(one.text, one.start, one.end) for one in place_tokens(["buy", "twenty", "five"], heard)]
    [('buy', 0, 10), ('twenty', 10, 20), ('five', 20, 30)]
    """
    if not heard:
        return []
    left, right = [_folded(token) for token in tokens], [_folded(one.text) for one in heard]
    placed: list[PlacedToken] = []
    matcher = SequenceMatcher(a=left, b=right, autojunk=False)
    for operation, first, after, heard_first, heard_after in matcher.get_opcodes():
        if operation == "equal":
            pairs = zip(tokens[first:after], heard[heard_first:heard_after], strict=True)
            placed += [PlacedToken(token, one.start, one.end, one.confidence) for token, one in pairs]
        elif after > first:
            placed += _shared(tokens[first:after], heard, heard_first, heard_after)
    return placed


def _shared(tokens: Sequence[str], heard: Sequence[PlacedToken], first: int, after: int) -> list[PlacedToken]:
    """Tokens spread evenly over the words they stand for, or over the gap where there are none."""
    among = heard[first:after]
    if among:
        start, end = among[0].start, among[-1].end
        confidence = sum(one.confidence for one in among) / len(among)
    else:
        before = heard[first - 1] if first else heard[0]
        start = end = before.end if first else before.start
        confidence = before.confidence
    edges = [start + (end - start) * index // len(tokens) for index in range(len(tokens) + 1)]
    return [
        PlacedToken(token, edges[index], edges[index + 1], confidence) for index, token in enumerate(tokens)
    ]


def _folded(word: str) -> str:
    return word.strip(_EDGES).casefold()
