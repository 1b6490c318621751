"""The store on SQLite or PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, Engine, text

from tympan.backends.sql import rows
from tympan.backends.sql.deliveries import SqlDeliveries
from tympan.backends.sql.engine import EngineOptions, make_engine
from tympan.backends.sql.errors import translated
from tympan.backends.sql.jobs import SqlJobs
from tympan.backends.sql.repository import SqlRepository
from tympan.domain.access import AccessKey
from tympan.domain.dataset import Dataset
from tympan.domain.dataset_block import DatasetBlock
from tympan.domain.endpoint import Endpoint
from tympan.domain.endpoint_log import LogFile
from tympan.domain.evaluation import Evaluation
from tympan.domain.model import BaseModel, CustomModel
from tympan.domain.model_copy import CopyAuthorization, ModelCopy
from tympan.domain.project import Project
from tympan.domain.transcription import Transcription
from tympan.domain.web_hook import WebHook
from tympan.ports.store import DeliveryRepository, JobRepository, Repository, Transaction


class SqlStore:
    """Transactions over a migrated database. Thread-safe; connects when first used.

    Args:
        url: ``sqlite:///<path>`` or ``postgresql://…``; see ``engine.make_engine``.
        options: Pool sizes and durability.

    Raises:
        InvalidInputError: The URL names no database this product can use.
    """

    def __init__(self, url: str, options: EngineOptions | None = None) -> None:
        options = options or EngineOptions()
        self._writer = make_engine(url, options)
        self._reader = _reading(self._writer, url, options)
        self._held = threading.local()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that may write.

        Raises:
            UnavailableError: The database cannot be reached, or another writer kept it
                busy for 30 s.
            StorageFullError: The disk is full; nothing was written.
        """
        if getattr(self._held, "is_writing", False):
            raise RuntimeError("store.write() was called inside store.write() on the same thread.")
        self._held.is_writing = True
        try:
            with translated(), self._writer.begin() as connection:
                yield SqlTransaction(connection, is_writable=True)
        finally:
            self._held.is_writing = False

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent snapshot; never waits for writers.

        Raises:
            UnavailableError: The database cannot be reached.
        """
        with translated(), self._reader.begin() as connection:
            yield SqlTransaction(connection, is_writable=False)

    def ping(self) -> None:
        """Reach the database.

        Raises:
            UnavailableError: It cannot be reached, or was never migrated.
        """
        with translated(), self._reader.begin() as connection:
            connection.execute(text("SELECT version_num FROM alembic_version")).all()

    def close(self) -> None:
        """Close all connections; the store may be used again."""
        self._writer.dispose()
        self._reader.dispose()


class SqlTransaction:
    """All repositories over one connection."""

    def __init__(self, connection: Connection, *, is_writable: bool) -> None:
        def repository(row_map: rows.RowMap[rows.T]) -> Repository[rows.T]:
            return SqlRepository(connection, row_map, is_writable=is_writable)

        self.projects: Repository[Project] = repository(rows.PROJECTS)
        self.datasets: Repository[Dataset] = repository(rows.DATASETS)
        self.dataset_blocks: Repository[DatasetBlock] = repository(rows.DATASET_BLOCKS)
        self.base_models: Repository[BaseModel] = repository(rows.BASE_MODELS)
        self.models: Repository[CustomModel] = repository(rows.MODELS)
        self.evaluations: Repository[Evaluation] = repository(rows.EVALUATIONS)
        self.endpoints: Repository[Endpoint] = repository(rows.ENDPOINTS)
        self.transcriptions: Repository[Transcription] = repository(rows.TRANSCRIPTIONS)
        self.keys: Repository[AccessKey] = repository(rows.KEYS)
        self.logs: Repository[LogFile] = repository(rows.LOGS)
        self.copy_authorizations: Repository[CopyAuthorization] = repository(rows.COPY_AUTHORIZATIONS)
        self.model_copies: Repository[ModelCopy] = repository(rows.MODEL_COPIES)
        self.web_hooks: Repository[WebHook] = repository(rows.WEB_HOOKS)
        self.hook_deliveries: DeliveryRepository = SqlDeliveries(connection, is_writable=is_writable)
        self.jobs: JobRepository = SqlJobs(connection, is_writable=is_writable)


def _reading(writer: Engine, url: str, options: EngineOptions) -> Engine:
    if writer.dialect.name == "sqlite":
        return make_engine(url, replace(options, is_read_only=True))
    return writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
