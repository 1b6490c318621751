"""The tables.

A column for everything that is filtered, sorted or looked up; the rest of an entity is
one JSON document. Columns carry the names of the dataclass fields.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    # Without names, later migrations could not drop constraints on SQLite.
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# Code points decide the order, whatever the server's locale, so that pages and filters
# give the same on both databases.
Text = String().with_variant(String(collation="C"), "postgresql")
# Plain JSON, not JSONB: it keeps the order of custom properties, and is never searched.
Document = JSON()


class Moment(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps it as text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring a time to UTC; a naive one is a mistake of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Make a stored time aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _optional(name: str) -> Column[str]:
    return Column(name, Text)


def _entities(name: str, *items: SchemaItem) -> Table:
    # The document comes last: SQLite reads a row only as far as it needs to.
    return Table(
        name,
        metadata,
        Column("id", Text, primary_key=True),
        Column("created_at", Moment, nullable=False),
        *items,
        Column("document", Document, nullable=False),
        # Holds all that a page needs to be found, so skipping never reads documents.
        Index(None, "created_at", "id"),
    )


def _resources(name: str, *items: SchemaItem) -> Table:
    return _entities(
        name,
        _text("display_name"),
        _optional("description"),
        _text("locale"),
        Column("last_action_at", Moment, nullable=False),
        *items,
    )


def _worked(name: str, *items: SchemaItem) -> Table:
    return _resources(
        name,
        _optional("project_id"),
        _text("status"),
        _optional("job_id"),
        *items,
        Index(None, "project_id", "created_at", "id"),
    )


projects = _resources("projects")
datasets = _worked("datasets", _text("kind"))
dataset_blocks = _entities("dataset_blocks", _text("dataset_id"), Index(None, "dataset_id"))
base_models = _resources(
    "base_models",
    _text("family"),
    _text("source"),
    _text("licence"),
    Column("released_at", Moment, nullable=False),
    Column("adaptation_expires_at", Moment),
    Column("decoding_expires_at", Moment),
)
models = _worked(
    "models", _text("base_model_id"), Column("decoding_expires_at", Moment), Index(None, "base_model_id")
)
evaluations = _worked("evaluations", _text("dataset_id"), Index(None, "dataset_id"))
endpoints = _worked(
    "endpoints",
    _text("model_id"),
    _optional("serving_model_id"),
    Index(None, "model_id"),
    Index(None, "serving_model_id"),
)
transcriptions = _worked(
    "transcriptions",
    _text("model_id"),
    _optional("dataset_id"),
    _optional("evaluation_id"),
    _text("since"),
    Column("expires_at", Moment),
    Index(None, "dataset_id"),
    Index(None, "evaluation_id"),
    Index(None, "expires_at"),
)
keys = _entities(
    "keys",
    _text("name"),
    _text("sha256"),
    _optional("endpoint_id"),
    Index(None, "sha256", unique=True),
    Index(None, "endpoint_id"),
)
endpoint_logs = _entities(
    "endpoint_logs",
    _text("place"),
    _text("session_id"),
    Index(None, "place", "created_at", "id"),
)
copy_authorizations = _entities("copy_authorizations", Column("expires_at", Moment, nullable=False))
model_copies = _worked("model_copies", _text("model_id"))
web_hooks = _entities(
    "web_hooks",
    _text("display_name"),
    _optional("description"),
    _text("web_url"),
    _text("status"),
    Column("last_action_at", Moment, nullable=False),
)
hook_deliveries = _entities(
    "hook_deliveries",
    _text("hook_id"),
    _text("event"),
    _text("state"),
    Column("next_attempt_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Index(None, "hook_id", "created_at", "id"),
    # Tells which web hooks have something due without reading a row.
    Index(None, "state", "next_attempt_at", "hook_id"),
)
jobs = _entities(
    "jobs",
    _text("kind"),
    _text("resource_id"),
    _text("state"),
    Column("attempt", Integer, nullable=False),
    _optional("step"),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Index(None, "resource_id"),
    Index(None, "state", "created_at", "id"),
)


def _links(name: str, owner: Table, target: str) -> Table:
    # The target may be deleted while the owner still names it, so only the owner is a key.
    return Table(
        name,
        metadata,
        Column("owner_id", Text, ForeignKey(owner.c.id, ondelete="CASCADE"), primary_key=True),
        Column(target, Text, primary_key=True),
        Index(None, target, "owner_id"),
    )


model_datasets = _links("model_datasets", models, "dataset_id")
evaluation_models = _links("evaluation_models", evaluations, "model_id")


def _of_job() -> Column[str]:
    return Column("job_id", Text, ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True)


job_progress = Table(
    "job_progress",
    metadata,
    _of_job(),
    _text("step"),
    Column("percent", Float, nullable=False),
    _text("message"),
    Column("counters", Document, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
job_events = Table(
    "job_events",
    metadata,
    _of_job(),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    _text("kind"),
    Column("payload", Document, nullable=False),
    Column("at", Moment, nullable=False),
)
job_steps = Table(
    "job_steps",
    metadata,
    _of_job(),
    Column("step", Text, primary_key=True),
    Column("position", Integer, nullable=False),
)
