"""Finding where a written-form pattern fits the words that were heard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tympan.speech.itn_patterns import CharacterClass, CharacterSet, Group, Literal, Node, Replace
from tympan.speech.spoken_numbers import digit_readings, is_number_word

_TOKEN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_MAX_STEPS = 5000
"""Of one search from one word; patterns that need more are taken as not fitting."""
_MAX_REPEATS = 40


@dataclass(frozen=True, slots=True)
class Token:
    """A word or punctuation mark; ``start`` and ``end`` are its place in the text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Match:
    """Where a pattern fits: tokens ``[start, end)`` are written as ``written``."""

    start: int
    end: int
    written: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the comparison stands.

    Attributes:
        token: The token to be read next, when nothing of ``reading`` is left.
        reading: Characters of the present token or number not compared yet.
        is_atom: The last character came from a number or a single letter, so the next such
            piece joins it without anything in between.
        is_loose: A space, a mark or a replaced word was passed: any word may follow.
        has_digit: The last character was a digit.
    """

    token: int
    reading: str = ""
    is_atom: bool = False
    is_loose: bool = True
    has_digit: bool = False


def tokens_of(text: str) -> tuple[Token, ...]:
    """The words and marks of a text."""
    return tuple(Token(found.group(), found.start(), found.end()) for found in _TOKEN.finditer(text))


class PatternSearch:
    """Looks for patterns in one text."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._words = [token.text.casefold() for token in tokens]
        self._texts = [token.text for token in tokens]
        self._steps = 0

    def best_match(self, pattern: tuple[Node, ...], start: int) -> Match | None:
        """The longest fit of a pattern that begins at a token, or None."""
        self._steps = 0
        best: Match | None = None
        for place, written in self._sequence(pattern, 0, _Place(start), ""):
            is_better = best is None or place.token > best.end
            if place.token > start and not place.reading and is_better and not self._is_number_cut(place):
                best = Match(start, place.token, " ".join(written.split()))
        return best

    def _is_number_cut(self, place: _Place) -> bool:
        """Whether the spoken number goes on after the match."""
        return place.has_digit and place.token < len(self._words) and is_number_word(self._words[place.token])

    def _sequence(
        self, nodes: tuple[Node, ...], index: int, place: _Place, written: str
    ) -> Iterator[tuple[_Place, str]]:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            return
        if index == len(nodes):
            yield place, written
            return
        for after, more in self._node(nodes[index], place):
            yield from self._sequence(nodes, index + 1, after, written + more)

    def _node(self, node: Node, place: _Place) -> Iterator[tuple[_Place, str]]:
        match node:
            case Group():
                yield from self._group(node, place, 0)
            case Replace(spoken, written):
                yield from self._spoken(spoken, written, place)
            case Literal(character) if character.isspace():
                if not place.reading:
                    yield replace(place, is_loose=True, is_atom=False), " "
            case Literal(character) if not character.isalnum():
                yield from self._mark(character, place)
            case _:
                yield from self._characters(node, place)

    def _group(self, group: Group, place: _Place, times: int) -> Iterator[tuple[_Place, str]]:
        may_repeat = group.quantifier in ("+", "*") or times == 0
        if may_repeat and times < _MAX_REPEATS:
            for alternative in group.alternatives:
                for after, written in self._sequence(alternative, 0, place, ""):
                    if after == place:
                        continue  # nothing was heard: repeating it would never end
                    if group.quantifier in ("+", "*"):
                        yield from (
                            (end, written + more) for end, more in self._group(group, after, times + 1)
                        )
                    else:
                        yield after, written
        if times > 0 or group.quantifier in ("?", "*"):
            yield place, ""

    def _spoken(self, spoken: str, written: str, place: _Place) -> Iterator[tuple[_Place, str]]:
        wanted = [token.text.casefold() for token in tokens_of(spoken)]
        end = place.token + len(wanted)
        if not place.reading and self._words[place.token : end] == wanted:
            yield _Place(end), written

    def _mark(self, mark: str, place: _Place) -> Iterator[tuple[_Place, str]]:
        if not place.reading and self._words[place.token : place.token + 1] == [mark]:
            yield _Place(place.token + 1, has_digit=place.has_digit), mark
        yield replace(place, is_loose=True), mark

    def _characters(self, node: Node, place: _Place) -> Iterator[tuple[_Place, str]]:
        for heard, after in self._next_characters(place):
            written = _written(node, heard)
            if written is not None:
                yield after, written

    def _next_characters(self, place: _Place) -> Iterator[tuple[str, _Place]]:
        if place.reading:
            rest = place.reading[1:]
            heard = place.reading[0]
            yield heard, replace(place, reading=rest, is_loose=False, has_digit=heard.isdigit())
            return
        if place.token >= len(self._words):
            return
        for reading, end in self._readings(place.token):
            is_atom = len(reading) == 1 or reading.isdigit()
            if place.is_loose or (place.is_atom and is_atom):
                yield reading[0], _Place(end, reading[1:], is_atom, False, reading[0].isdigit())

    def _readings(self, token: int) -> Iterator[tuple[str, int]]:
        yield self._texts[token], token + 1
        for digits in digit_readings(self._words, token):
            yield digits.text, digits.end


def _written(node: Node, heard: str) -> str | None:
    """What is written for a character that was heard, or None when it does not fit."""
    match node:
        case Literal(character):
            return character if character.casefold() == heard.casefold() else None
        case CharacterClass("d"):
            return heard if heard.isdigit() else None
        case CharacterClass(kind) if heard.isalpha():
            return {"l": heard.lower(), "u": heard.upper()}.get(kind, heard)
        case CharacterSet(characters):
            return next((c for c in characters if c.casefold() == heard.casefold()), None)
    return None
