r"""Patterns such as ``cat-\d`` that say how a spoken form is written.

A pattern describes the written form. What is heard is compared piece by piece: digits also
match number words, letters match letters spoken one by one, and punctuation and the joints
between such pieces need not be heard at all. Source: developer reference, section 10.
"""

from __future__ import annotations

from dataclasses import dataclass

_ESCAPED = frozenset("\\(){}|+?*[]")
_CLASSES = frozenset("dlua")
_QUANTIFIERS = frozenset("?+*")
_MAX_DEPTH = 10
_MAX_RANGE = 1000


class PatternError(ValueError):
    """The pattern breaks the grammar; the message says where."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A character written as it stands."""

    character: str


@dataclass(frozen=True, slots=True)
class CharacterClass:
    r"""``\d`` digit, ``\l`` lower-case, ``\u`` upper-case, ``\a`` any letter."""

    kind: str


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """One of these characters."""

    characters: str


@dataclass(frozen=True, slots=True)
class Group:
    """Alternatives, perhaps repeated: ``?``, ``+``, ``*`` or once."""

    alternatives: tuple[tuple[Node, ...], ...]
    quantifier: str = ""


@dataclass(frozen=True, slots=True)
class Replace:
    """Spoken words and what is written for them."""

    spoken: str
    written: str


Node = Literal | CharacterClass | CharacterSet | Group | Replace


def parse_pattern(text: str) -> tuple[Node, ...]:
    """Parse a pattern.

    Raises:
        PatternError: It breaks the grammar.
    """
    parser = _Parser(text)
    nodes = parser.sequence(depth=0)
    if parser.place < len(text):
        raise PatternError(f"'{text[parser.place]}' at column {parser.place + 1} has no partner")
    if not nodes:
        raise PatternError("the pattern is empty")
    return nodes


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def sequence(self, *, depth: int) -> tuple[Node, ...]:
        if depth > _MAX_DEPTH:
            raise PatternError(f"groups are nested more than {_MAX_DEPTH} deep")
        nodes: list[Node] = []
        while self.place < len(self.text) and self.text[self.place] not in ")|":
            nodes.append(self._node(depth))
        return tuple(nodes)

    def _node(self, depth: int) -> Node:
        character = self.text[self.place]
        column = self.place + 1
        self.place += 1
        if character == "\\":
            return self._escape(column)
        if character == "[":
            return _character_set(self._until("]", column), column)
        if character == "{":
            return _replace(self._until("}", column), column)
        if character == "(":
            return self._group(column, depth)
        if character in _QUANTIFIERS:
            raise PatternError(
                f"'{character}' at column {column} does not follow a group; only groups repeat"
            )
        if character in "]}":
            raise PatternError(f"'{character}' at column {column} has no partner")
        return Literal(character)

    def _escape(self, column: int) -> Node:
        escaped = self.text[self.place : self.place + 1]
        self.place += 1
        if escaped in _CLASSES and escaped:
            return CharacterClass(escaped)
        if escaped in _ESCAPED and escaped:
            return Literal(escaped)
        raise PatternError(f"'\\{escaped}' at column {column} is unknown; there are \\d \\l \\u \\a")

    def _until(self, end: str, column: int) -> str:
        found = self.text.find(end, self.place)
        if found < 0:
            raise PatternError(f"'{self.text[column - 1]}' at column {column} is not closed by '{end}'")
        inside, self.place = self.text[self.place : found], found + 1
        return inside

    def _group(self, column: int, depth: int) -> Group:
        alternatives = [self.sequence(depth=depth + 1)]
        while self.text[self.place : self.place + 1] == "|":
            self.place += 1
            alternatives.append(self.sequence(depth=depth + 1))
        if self.text[self.place : self.place + 1] != ")":
            raise PatternError(f"'(' at column {column} is not closed by ')'")
        if not all(alternatives):
            raise PatternError(f"the group at column {column} has an empty part")
        self.place += 1
        quantifier = self.text[self.place : self.place + 1]
        if quantifier not in _QUANTIFIERS or not quantifier:
            return Group(tuple(alternatives))
        self.place += 1
        return Group(tuple(alternatives), quantifier)


def _character_set(inside: str, column: int) -> CharacterSet:
    characters, place = "", 0
    while place < len(inside):
        first = inside[place]
        if inside[place + 1 : place + 2] == "-" and place + 2 < len(inside):
            last = inside[place + 2]
            if not first <= last or ord(last) - ord(first) > _MAX_RANGE:
                raise PatternError(f"the range {first}-{last} at column {column} runs backwards or too far")
            characters += "".join(map(chr, range(ord(first), ord(last) + 1)))
            place += 3
        else:
            characters, place = characters + first, place + 1
    if not characters:
        raise PatternError(f"the brackets at column {column} are empty")
    return CharacterSet(characters)


def _replace(inside: str, column: int) -> Replace:
    spoken, _, written = inside.partition(">")
    if not spoken.strip():
        raise PatternError(f"the braces at column {column} name no spoken words")
    return Replace(spoken.strip(), written)
