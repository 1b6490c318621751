"""Filters as SQL conditions.

Conditions are never NULL: an absent value differs from every value and is neither above
nor below one, also inside ``not``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_, select, true

from tympan.backends.sql.rows import RowMap
from tympan.domain.query import And, Compare, Filter, Not, Or

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def condition(where: Filter | None, rows: RowMap[Any]) -> ColumnElement[bool]:
    """The SQL condition of a filter.

    Raises:
        InvalidInputError: The filter cannot be answered (code ``UnsupportedFilter``).
    """
    rows.kind.check(where)
    return true() if where is None else _condition(where, rows)


def _condition(where: Filter, rows: RowMap[Any]) -> ColumnElement[bool]:
    match where:
        case And(left, right):
            return and_(_condition(left, rows), _condition(right, rows))
        case Or(left, right):
            return or_(_condition(left, rows), _condition(right, rows))
        case Not(inner):
            return not_(_condition(inner, rows))
        case Compare(name=name) if name in rows.kind.members:
            return _membership(where, rows)
        case Compare():
            return _comparison(where, rows)


def _membership(where: Compare, rows: RowMap[Any]) -> ColumnElement[bool]:
    links = rows.links[where.name]
    held = rows.table.c.id.in_(select(links.c.owner_id).where(links.c[where.name] == where.value))
    return held if where.operator == "eq" else not_(held)


def _comparison(where: Compare, rows: RowMap[Any]) -> ColumnElement[bool]:
    column: ColumnElement[Any] = rows.table.c[where.name]
    if where.operator == "ne":
        return column.is_distinct_from(where.value)
    compared: ColumnElement[bool] = _OPERATORS[where.operator](column, where.value)
    return and_(column.is_not(None), compared) if rows.table.c[where.name].nullable else compared
