"""The filter language of lists.

::

    expr = or ; or = and *("or" and) ; and = not *("and" not) ; not = ["not"] prim
    prim = "(" expr ")" / name SP op SP value
    op   = "eq" / "ne" / "gt" / "ge" / "lt" / "le"

Names, operators and the words of enumerations are read without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from tympan.domain.dataset import DatasetKind
from tympan.domain.errors import InvalidInputError
from tympan.domain.query import And, Compare, Filter, Not, Operator, Or
from tympan.domain.resource import Status
from tympan.wire.values import choice, is_storable, read_timestamp

_TOKEN = re.compile(r"\s*(?:(?P<quoted>'(?:[^']|'')*')|(?P<punct>[()])|(?P<word>[^\s()']+))")
_OPERATORS = ("eq", "ne", "gt", "ge", "lt", "le")
_DEEPEST = 30
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class FilterName:
    """What a name in a filter stands for.

    Attributes:
        field: Field of the stored entity, such as ``created_at``.
        words: The enumeration its values come from, if any.
        is_time: Times compare by all operators, texts only by ``eq`` and ``ne``.
        constant: The value that every entity of the list has, when it is not stored.
    """

    field: str
    words: type[StrEnum] | None = None
    is_time: bool = False
    constant: str | None = None


_PROJECT_NAMES = {
    "displayname": FilterName("display_name"),
    "description": FilterName("description"),
    "createddatetime": FilterName("created_at", is_time=True),
    "lastactiondatetime": FilterName("last_action_at", is_time=True),
    "locale": FilterName("locale"),
}
_WORKED_NAMES = _PROJECT_NAMES | {"status": FilterName("status", Status)}
FILTER_NAMES: Mapping[str, Mapping[str, FilterName]] = {
    "projects": _PROJECT_NAMES,
    "datasets": _WORKED_NAMES | {"kind": FilterName("kind", DatasetKind)},
    "models": _WORKED_NAMES,
    "base models": _PROJECT_NAMES | {"status": FilterName("status", Status, constant=Status.SUCCEEDED)},
    "evaluations": _WORKED_NAMES,
    "endpoints": _WORKED_NAMES,
    "transcriptions": _WORKED_NAMES,
    "webhooks": {
        **{name: known for name, known in _WORKED_NAMES.items() if name != "locale"},
        "weburl": FilterName("web_url"),
    },
    "files": {
        "name": FilterName("name"),
        "createddatetime": FilterName("created_at", is_time=True),
        "kind": FilterName("kind"),
    },
}
"""Which names each list can be filtered by, in lower case."""


def parse_filter(text: str, names: Mapping[str, FilterName]) -> Filter:
    """Read a filter expression.

    Raises:
        InvalidInputError: It does not follow the grammar, or names something that this
            list cannot be filtered by (code ``UnsupportedFilter``).

    >>> parse_filter("kind eq 'acoustic'", FILTER_NAMES["datasets"]).value
    'Acoustic'
    """
    if not is_storable(text):
        raise _unsupported("it holds a character that no stored text can hold")
    parser = _Parser(_tokens(text), names)
    result = parser.either(0)
    if parser.position < len(parser.tokens):
        raise _unsupported(f"'{parser.tokens[parser.position]}' was not expected")
    return result


def holds(where: Filter | None, values: Mapping[str, str | datetime]) -> bool:
    """Whether a filter keeps an entity that no store keeps, such as a file."""
    match where:
        case None:
            return True
        case And(left, right):
            return holds(left, values) and holds(right, values)
        case Or(left, right):
            return holds(left, values) or holds(right, values)
        case Not(inner):
            return not holds(inner, values)
        case Compare(name, op, value):
            return _compares(values[name], op, value)


def _compares(actual: str | datetime, op: Operator, value: str | datetime) -> bool:
    if op in ("eq", "ne"):
        return (actual == value) == (op == "eq")
    if not isinstance(actual, datetime) or not isinstance(value, datetime):
        return False
    return {"gt": actual > value, "ge": actual >= value, "lt": actual < value, "le": actual <= value}[op]


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unsupported(f"a quote is not closed at character {position + 1}")
        tokens.append(match.group().strip())
        position = match.end()
    return tokens


@dataclass(slots=True)
class _Parser:
    tokens: list[str]
    names: Mapping[str, FilterName]
    position: int = 0

    def either(self, depth: int) -> Filter:
        left = self.both(depth)
        while self.takes("or"):
            left = Or(left, self.both(depth))
        return left

    def both(self, depth: int) -> Filter:
        left = self.negated(depth)
        while self.takes("and"):
            left = And(left, self.negated(depth))
        return left

    def negated(self, depth: int) -> Filter:
        return Not(self.primary(depth)) if self.takes("not") else self.primary(depth)

    def primary(self, depth: int) -> Filter:
        if depth > _DEEPEST:
            raise _unsupported("it is nested too deeply")
        if self.takes("("):
            inner = self.either(depth + 1)
            if not self.takes(")"):
                raise _unsupported("a closing parenthesis is missing")
            return inner
        name, operator, value = self.next("a name"), self.next("an operator"), self.next("a value")
        known = self.names.get(name.lower())
        if known is None:
            raise _unsupported(f"'{name}' cannot be filtered by; use {', '.join(self.names)}")
        if operator.lower() not in _OPERATORS:
            raise _unsupported(f"'{operator}' is no operator; use {', '.join(_OPERATORS)}")
        return _comparison(name, known, cast("Operator", operator.lower()), value)

    def takes(self, word: str) -> bool:
        if self.position < len(self.tokens) and self.tokens[self.position].lower() == word:
            self.position += 1
            return True
        return False

    def next(self, what: str) -> str:
        if self.position >= len(self.tokens):
            raise _unsupported(f"it ends where {what} should follow")
        self.position += 1
        return self.tokens[self.position - 1]


def _comparison(name: str, known: FilterName, operator: Operator, token: str) -> Filter:
    is_quoted = token.startswith("'")
    value = token[1:-1].replace("''", "'") if is_quoted else token
    if known.is_time:
        moment = read_timestamp(value)
        if moment is None:
            raise _unsupported(f"'{value}' is no time; write it as 2024-07-14T17:15:55Z")
        return _time_comparison(known.field, operator, moment)
    if operator not in ("eq", "ne"):
        raise _unsupported(f"'{name}' compares only by eq and ne")
    if not is_quoted:
        raise _unsupported(f"the value of '{name}' must stand in single quotes")
    if known.words is not None:
        try:
            value = choice(known.words, value, name).value
        except InvalidInputError as error:
            raise _unsupported(error.message.rstrip(".")) from error
    if known.constant is not None:
        # Every entity has a locale, so this holds for all of them or for none.
        is_kept = (known.constant == value) == (operator == "eq")
        return Compare("locale", "ne" if is_kept else "eq", "")
    return Compare(known.field, operator, value)


def _time_comparison(field: str, operator: Operator, moment: datetime) -> Filter:
    # Clients see whole seconds; stored times have microseconds. Compare what clients see.
    moment = moment.replace(microsecond=0)
    later = moment + _SECOND
    if operator in ("eq", "ne"):
        same = And(Compare(field, "ge", moment), Compare(field, "lt", later))
        return same if operator == "eq" else Not(same)
    if operator in ("gt", "le"):
        return Compare(field, "ge" if operator == "gt" else "lt", later)
    return Compare(field, operator, moment)


def _unsupported(reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"The filter cannot be used: {reason}. Example: filter=status eq 'Succeeded' and "
        "createdDateTime gt 2024-07-14T17:15:55Z",
        code="UnsupportedFilter",
        target="filter",
    )
