"""Keep batch transcriptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_MOMENT = sa.DateTime(timezone=True)
_INDEXES = (
    ("created_at", "id"),
    ("project_id", "created_at", "id"),
    ("dataset_id",),
    ("evaluation_id",),
    ("expires_at",),
)


def upgrade() -> None:
    op.create_table(
        "transcriptions",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("display_name", _TEXT, nullable=False),
        sa.Column("description", _TEXT),
        sa.Column("locale", _TEXT, nullable=False),
        sa.Column("last_action_at", _MOMENT, nullable=False),
        sa.Column("project_id", _TEXT),
        sa.Column("status", _TEXT, nullable=False),
        sa.Column("job_id", _TEXT),
        sa.Column("model_id", _TEXT, nullable=False),
        sa.Column("dataset_id", _TEXT),
        sa.Column("evaluation_id", _TEXT),
        sa.Column("since", _TEXT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transcriptions"),
    )
    for columns in _INDEXES:
        op.create_index(f"ix_transcriptions_{'_'.join(columns)}", "transcriptions", list(columns))


def downgrade() -> None:
    op.drop_table("transcriptions")
