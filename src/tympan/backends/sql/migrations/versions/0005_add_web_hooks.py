"""Add web hooks and their deliveries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _entities(
        "web_hooks",
        _text("display_name"),
        sa.Column("description", _TEXT),
        _text("web_url"),
        _text("status"),
        sa.Column("last_action_at", _MOMENT, nullable=False),
    )
    _entities(
        "hook_deliveries",
        _text("hook_id"),
        _text("event"),
        _text("state"),
        sa.Column("next_attempt_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT),
    )
    _index("hook_deliveries", "hook_id", "created_at", "id")
    _index("hook_deliveries", "state", "next_attempt_at", "hook_id")


def downgrade() -> None:
    op.drop_table("hook_deliveries")
    op.drop_table("web_hooks")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=False)


def _entities(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        name,
        _text("id"),
        sa.Column("created_at", _MOMENT, nullable=False),
        *columns,
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )
    _index(name, "created_at", "id")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
