"""Create the tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_MOMENT = sa.DateTime(timezone=True)
# Tables of entities, parents of others first.
_NAMES = ("projects", "datasets", "base_models", "models", "evaluations", "endpoints", "keys", "jobs")


def upgrade() -> None:
    _entities("projects", *_resource())
    _entities("datasets", *_worked(), _text("kind"))
    _entities(
        "base_models",
        *_resource(),
        _text("family"),
        _text("source"),
        _text("licence"),
        sa.Column("released_at", _MOMENT, nullable=False),
        sa.Column("adaptation_expires_at", _MOMENT),
        sa.Column("decoding_expires_at", _MOMENT),
    )
    _entities("models", *_worked(), _text("base_model_id"), sa.Column("decoding_expires_at", _MOMENT))
    _entities("evaluations", *_worked(), _text("dataset_id"))
    _entities("endpoints", *_worked(), _text("model_id"), _optional("serving_model_id"))
    _entities("keys", _text("name"), _text("sha256"), _optional("endpoint_id"))
    _entities(
        "jobs",
        _text("kind"),
        _text("resource_id"),
        _text("state"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        _optional("step"),
        sa.Column("started_at", _MOMENT),
        sa.Column("finished_at", _MOMENT),
    )
    _links("model_datasets", "models", "dataset_id")
    _links("evaluation_models", "evaluations", "model_id")
    _job_records()
    _indexes()


def downgrade() -> None:
    for name in ("job_steps", "job_events", "job_progress", "evaluation_models", "model_datasets"):
        op.drop_table(name)
    for name in reversed(_NAMES):
        op.drop_table(name)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=False)


def _optional(name: str) -> sa.Column[str]:
    return sa.Column(name, _TEXT)


def _resource() -> tuple[sa.Column[Any], ...]:
    last_action_at = sa.Column("last_action_at", _MOMENT, nullable=False)
    return _text("display_name"), _optional("description"), _text("locale"), last_action_at


def _worked() -> tuple[sa.Column[Any], ...]:
    return *_resource(), _optional("project_id"), _text("status"), _optional("job_id")


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


def _links(name: str, owners: str, target: str) -> None:
    op.create_table(
        name,
        _text("owner_id"),
        _text(target),
        _owned(name, "owner_id", owners),
        sa.PrimaryKeyConstraint("owner_id", target, name=f"pk_{name}"),
    )
    _index(name, target, "owner_id")


def _job_records() -> None:
    op.create_table(
        "job_progress",
        _text("job_id"),
        _text("step"),
        sa.Column("percent", sa.Float(), nullable=False),
        _text("message"),
        sa.Column("counters", sa.JSON(), nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        _owned("job_progress", "job_id", "jobs"),
        sa.PrimaryKeyConstraint("job_id", name="pk_job_progress"),
    )
    op.create_table(
        "job_events",
        _text("job_id"),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        _text("kind"),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        _owned("job_events", "job_id", "jobs"),
        sa.PrimaryKeyConstraint("job_id", "sequence", name="pk_job_events"),
    )
    op.create_table(
        "job_steps",
        _text("job_id"),
        _text("step"),
        sa.Column("position", sa.Integer(), nullable=False),
        _owned("job_steps", "job_id", "jobs"),
        sa.PrimaryKeyConstraint("job_id", "step", name="pk_job_steps"),
    )


def _owned(name: str, column: str, owners: str) -> sa.ForeignKeyConstraint:
    constraint = f"fk_{name}_{column}_{owners}"
    return sa.ForeignKeyConstraint([column], [f"{owners}.id"], name=constraint, ondelete="CASCADE")


def _indexes() -> None:
    for name in ("datasets", "models", "evaluations", "endpoints"):
        _index(name, "project_id", "created_at", "id")
    _index("models", "base_model_id")
    _index("evaluations", "dataset_id")
    _index("endpoints", "model_id")
    _index("endpoints", "serving_model_id")
    _index("keys", "endpoint_id")
    _index("keys", "sha256", unique=True)
    _index("jobs", "resource_id")
    _index("jobs", "state", "created_at", "id")


def _index(table: str, *columns: str, unique: bool = False) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), unique=unique)
