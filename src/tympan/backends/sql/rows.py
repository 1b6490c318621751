"""From entities to rows and back, the same way for every type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Row, Table

from tympan.backends.sql import tables
from tympan.domain.access import AccessKey
from tympan.domain.catalogue import CATALOGUE, EntityKind
from tympan.domain.dataset import Dataset
from tympan.domain.dataset_block import DatasetBlock
from tympan.domain.endpoint import Endpoint
from tympan.domain.endpoint_log import LogFile
from tympan.domain.evaluation import Evaluation
from tympan.domain.job import Job
from tympan.domain.model import BaseModel, CustomModel
from tympan.domain.model_copy import CopyAuthorization, ModelCopy
from tympan.domain.project import Project
from tympan.domain.transcription import Transcription
from tympan.domain.web_hook import HookDelivery, WebHook

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RowMap(Generic[T]):
    """How one type of entity is stored.

    Attributes:
        entity_type: The dataclass.
        table: Its rows. Columns are named after fields; ``document`` holds the other fields.
        links: Tables of single values for tuples that filters look into, by filter name.
            The document holds the tuple itself.
    """

    entity_type: type[T]
    table: Table
    links: Mapping[str, Table] = field(default_factory=dict)

    @cached_property
    def kind(self) -> EntityKind:
        """Words and filterable names."""
        return CATALOGUE[self.entity_type]

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self.entity_type)

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.table.columns if column.name != "document")

    def to_row(self, entity: T) -> dict[str, Any]:
        """The values of an entity's row, by column."""
        # Not mode="json": it would turn NaN into null without a word.
        document = self._adapter.dump_python(entity)
        row = {name: _plain(document.pop(name)) for name in self._columns}
        return row | {"document": document}

    def from_row(self, row: Row[Any]) -> T:
        """The entity a row holds."""
        values = dict(row._mapping)  # noqa: SLF001  the public name of this attribute in SQLAlchemy
        document = values.pop("document")
        return self._adapter.validate_python(document | values)

    def linked(self, entity: T, name: str) -> Sequence[str]:
        """The values of a tuple that filters look into, each once."""
        return tuple(dict.fromkeys(getattr(entity, self.kind.members[name])))


def _plain(value: object) -> object:
    # Drivers disagree on how an enumeration that is also text is sent.
    return value.value if isinstance(value, Enum) else value


PROJECTS = RowMap(entity_type=Project, table=tables.projects)
DATASETS = RowMap(entity_type=Dataset, table=tables.datasets)
DATASET_BLOCKS = RowMap(entity_type=DatasetBlock, table=tables.dataset_blocks)
BASE_MODELS = RowMap(entity_type=BaseModel, table=tables.base_models)
MODELS = RowMap(entity_type=CustomModel, table=tables.models, links={"dataset_id": tables.model_datasets})
EVALUATIONS = RowMap(
    entity_type=Evaluation, table=tables.evaluations, links={"model_id": tables.evaluation_models}
)
ENDPOINTS = RowMap(entity_type=Endpoint, table=tables.endpoints)
TRANSCRIPTIONS = RowMap(entity_type=Transcription, table=tables.transcriptions)
KEYS = RowMap(entity_type=AccessKey, table=tables.keys)
LOGS = RowMap(entity_type=LogFile, table=tables.endpoint_logs)
COPY_AUTHORIZATIONS = RowMap(entity_type=CopyAuthorization, table=tables.copy_authorizations)
MODEL_COPIES = RowMap(entity_type=ModelCopy, table=tables.model_copies)
WEB_HOOKS = RowMap(entity_type=WebHook, table=tables.web_hooks)
HOOK_DELIVERIES = RowMap(entity_type=HookDelivery, table=tables.hook_deliveries)
JOBS = RowMap(entity_type=Job, table=tables.jobs)
