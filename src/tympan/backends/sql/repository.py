"""One table seen as a repository."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Select, Table, func, literal, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from tympan.backends.sql.filters import condition
from tympan.backends.sql.rows import RowMap
from tympan.backends.sql.tables import Moment, Text
from tympan.domain.query import EVERYTHING, Filter, Query

T = TypeVar("T")


class SqlRepository(Generic[T]):
    """The entities of one type.

    Args:
        connection: Inside the transaction.
        rows: How the type is stored.
        is_writable: Whether the transaction may write. On PostgreSQL, what it reads by id
            is then locked until it ends; SQLite has locked the whole database already.
    """

    def __init__(self, connection: Connection, rows: RowMap[T], *, is_writable: bool) -> None:
        self._connection = connection
        self._rows = rows
        self._is_writable = is_writable

    def add(self, entity: T) -> None:
        """Insert a new entity."""
        self._require_writing()
        row = self._rows.to_row(entity)
        if not self._insert_absent(self._rows.table, row):
            raise self._rows.kind.exists(row["id"])
        self._link(entity, row["id"])

    def find(self, entity_id: str) -> T | None:
        """The entity, or None."""
        table = self._rows.table
        row = self._connection.execute(self._locking(select(table).where(table.c.id == entity_id))).first()
        return None if row is None else self._rows.from_row(row)

    def get(self, entity_id: str) -> T:
        """The entity."""
        entity = self.find(entity_id)
        if entity is None:
            raise self._rows.kind.not_found(entity_id)
        return entity

    def save(self, entity: T) -> None:
        """Replace the stored entity of the same id."""
        self._require_writing()
        table, row = self._rows.table, self._rows.to_row(entity)
        if self._connection.execute(table.update().where(table.c.id == row["id"]), row).rowcount == 0:
            raise self._rows.kind.not_found(row["id"])
        self._link(entity, row["id"])

    def delete(self, entity_id: str) -> bool:
        """Remove the entity; False when there was none."""
        self._require_writing()
        table = self._rows.table
        return self._connection.execute(table.delete().where(table.c.id == entity_id)).rowcount > 0

    def list(self, query: Query = EVERYTHING) -> Sequence[T]:
        """One page, ordered by ``created_at``, then ``id``."""
        table = self._rows.table
        order = (table.c.created_at, table.c.id)
        # The inner query walks an index only, so a deep page costs little more than the first.
        page = select(table.c.id).where(condition(query.where, self._rows)).order_by(*order)
        if query.after is not None:
            created_at, entity_id = query.after
            page = page.where(tuple_(*order) > tuple_(literal(created_at, Moment), literal(entity_id, Text)))
        page = page.offset(query.skip or None).limit(query.top)
        rows = self._connection.execute(select(table).where(table.c.id.in_(page)).order_by(*order))
        return [self._rows.from_row(row) for row in rows]

    def count(self, where: Filter | None = None) -> int:
        """How many entities the filter keeps."""
        counted = select(func.count()).select_from(self._rows.table).where(condition(where, self._rows))
        return self._connection.execute(counted).scalar_one()

    def _link(self, entity: T, entity_id: str) -> None:
        for name, links in self._rows.links.items():
            self._connection.execute(links.delete().where(links.c.owner_id == entity_id))
            values = [{"owner_id": entity_id, name: value} for value in self._rows.linked(entity, name)]
            if values:
                self._connection.execute(links.insert(), values)

    def _insert_absent(self, table: Table, row: dict[str, Any]) -> bool:
        # An insert that fails would end a PostgreSQL transaction, so a conflict must not fail.
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        statement = insert(table).on_conflict_do_nothing().returning(literal(1))
        return self._connection.execute(statement, row).first() is not None

    def _locking(self, statement: Select[Any]) -> Select[Any]:
        return statement.with_for_update() if self._is_writable else statement

    def _require_writing(self) -> None:
        if not self._is_writable:
            raise RuntimeError("This transaction was opened with store.read(); use store.write() to change.")
