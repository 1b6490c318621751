"""What Alembic runs; the connection, inside its transaction, comes from ``migrate``."""

from __future__ import annotations

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from tympan.backends.sql.tables import Moment, metadata


def _render(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    # Scripts must not change their meaning when the product's types change.
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a column otherwise
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
