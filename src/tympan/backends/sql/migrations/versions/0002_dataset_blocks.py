"""Keep the blocks of datasets that come in pieces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "dataset_blocks",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dataset_id", _TEXT, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_blocks"),
    )
    op.create_index("ix_dataset_blocks_created_at_id", "dataset_blocks", ["created_at", "id"])
    op.create_index("ix_dataset_blocks_dataset_id", "dataset_blocks", ["dataset_id"])


def downgrade() -> None:
    op.drop_table("dataset_blocks")
