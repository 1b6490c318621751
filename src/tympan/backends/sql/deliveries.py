"""Deliveries to web hooks."""

from __future__ import annotations

from sqlalchemy import Connection

from tympan.backends.sql.filters import condition
from tympan.backends.sql.repository import SqlRepository
from tympan.backends.sql.rows import HOOK_DELIVERIES
from tympan.backends.sql.tables import hook_deliveries
from tympan.domain.query import Filter
from tympan.domain.web_hook import HookDelivery


class SqlDeliveries(SqlRepository[HookDelivery]):
    """Deliveries; many are removed at once."""

    def __init__(self, connection: Connection, *, is_writable: bool) -> None:
        super().__init__(connection, HOOK_DELIVERIES, is_writable=is_writable)

    def discard(self, where: Filter) -> int:
        """Remove all that a filter keeps."""
        self._require_writing()
        removed = hook_deliveries.delete().where(condition(where, self._rows))
        return self._connection.execute(removed).rowcount
