"""Make room for model copies and endpoint logs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _entities("endpoint_logs", _text("place"), _text("session_id"))
    _index("endpoint_logs", "place", "created_at", "id")
    _entities("copy_authorizations", sa.Column("expires_at", _MOMENT, nullable=False))
    _entities(
        "model_copies",
        _text("display_name"),
        sa.Column("description", _TEXT),
        _text("locale"),
        sa.Column("last_action_at", _MOMENT, nullable=False),
        sa.Column("project_id", _TEXT),
        _text("status"),
        sa.Column("job_id", _TEXT),
        _text("model_id"),
    )
    _index("model_copies", "project_id", "created_at", "id")


def downgrade() -> None:
    for name in ("model_copies", "copy_authorizations", "endpoint_logs"):
        op.drop_table(name)


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
