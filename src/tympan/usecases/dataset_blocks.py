"""Uploading the file of a dataset in blocks.

Each block is a blob of its own under ``blocks/<dataset>/`` and a row. A commit says which
blocks make the file, in which order, and leaves the import job, which puts them together.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from tympan.domain.dataset import Dataset
from tympan.domain.dataset_block import (
    LARGEST_BLOCK_BYTES,
    BlockList,
    BlockReference,
    DatasetBlock,
    block_id,
    checked_block_name,
)
from tympan.domain.errors import InvalidInputError, InvalidStateError, TooLargeError
from tympan.domain.query import Compare, Query, every
from tympan.domain.resource import Failure, Status
from tympan.ports.blobs import BlobStore
from tympan.ports.clock import Clock
from tympan.ports.store import Store, Transaction
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.datasets import import_job

_FOLDER = "blocks/"
ABANDONED_AFTER = timedelta(days=7)
"""An upload that nobody has gone on with for so long fails."""
_ORPHANED_AFTER = timedelta(days=1)
MOST_BLOCKS = 10_000
"""Of one dataset."""
_MIB = 1024**2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetBlocks:
    """What users can do with the blocks of a dataset."""

    store: Store
    blobs: BlobStore
    clock: Clock
    limits: DatasetLimits = field(default_factory=DatasetLimits)

    def upload(self, dataset_id: str, name: str, data: bytes) -> None:
        """Keep a block; one of the same name is replaced.

        Args:
            dataset_id: The dataset.
            name: Base64 of at most 64 bytes; as long as the names of its other blocks.
            data: At most 8 MiB.

        Raises:
            NotFoundError: There is no such dataset.
            InvalidStateError: It takes no blocks (any more).
            InvalidInputError: The name is no block's name, or the block is empty.
            TooLargeError: The block, or all blocks together, are over a limit.
            StorageFullError: No room is left.

        Source:
            Speech to text REST v3.2, operation ``Datasets_UploadBlock``.
        """
        checked_block_name(name)
        _check_size(data)
        with self.store.read() as tx:  # before anything is written
            self._check(tx, dataset_id, name, len(data))
        key = f"{_FOLDER}{dataset_id}/{uuid.uuid4()}"
        self.blobs.put(key, [data])
        block = DatasetBlock(
            id=block_id(dataset_id, name),
            dataset_id=dataset_id,
            name=name,
            size_bytes=len(data),
            key=key,
            created_at=self.clock.now(),
        )
        try:
            replaced = self._keep(block)
        except Exception:
            self.blobs.delete(key)
            raise
        if replaced is not None and replaced.key is not None:
            self.blobs.delete(replaced.key)

    def list(self, dataset_id: str) -> tuple[Sequence[DatasetBlock], Sequence[DatasetBlock]]:
        """The committed blocks in their order, and those that are not committed.

        Raises:
            NotFoundError: There is no such dataset.

        Source:
            Speech to text REST v3.2, operation ``Datasets_GetBlocks``.
        """
        with self.store.read() as tx:
            tx.datasets.get(dataset_id)
            blocks = _blocks_of(tx, dataset_id)
            return _in_order(blocks), [block for block in blocks if not block.positions]

    def commit(self, dataset_id: str, references: Sequence[BlockReference]) -> Dataset:
        """Say which blocks make the file, and have it imported.

        The order, the import job and the dataset's state are written in one transaction.
        Blocks that are not named are dropped. Saying the same again is harmless.

        Raises:
            NotFoundError: There is no such dataset.
            InvalidStateError: It takes no blocks (any more).
            InvalidInputError: No block is named, or one that is not there.
            TooLargeError: The file would be over the limit of its kind.

        Source:
            Speech to text REST v3.2, operation ``Datasets_CommitBlocks``.
        """
        with self.store.write() as tx:
            dataset = tx.datasets.get(dataset_id)
            blocks = {block.name: block for block in _blocks_of(tx, dataset_id)}
            names = [reference.name for reference in references]
            if dataset.is_in_blocks and names and names == _committed_names(blocks.values()):
                return dataset
            _require_open(dataset)
            self._check_list(dataset, references, blocks)
            dropped = _place(tx, blocks, names)
            now = self.clock.now()
            job = import_job(str(uuid.uuid4()), dataset, now)
            dataset = replace(dataset, job_id=job.id).running(now)
            tx.datasets.save(dataset)
            tx.jobs.add(job)
        for block in dropped:
            self.blobs.delete(str(block.key))
        return dataset

    def expire(self) -> None:
        """Give up uploads that nobody has gone on with for a week, and sweep lost blobs.

        The dataset fails and says why. Running it twice, or two at once, is harmless.
        """
        oldest = self.clock.now() - ABANDONED_AFTER
        where = every(Compare("status", "eq", Status.NOT_STARTED.value), Compare("created_at", "lt", oldest))
        with self.store.read() as tx:
            waiting = [dataset.id for dataset in tx.datasets.list(Query(where=where)) if dataset.takes_blocks]
        for dataset_id in waiting:
            self._expire(dataset_id)
        self._sweep()

    def _keep(self, block: DatasetBlock) -> DatasetBlock | None:
        """Write the row of a block; returns the one it replaces."""
        with self.store.write() as tx:
            self._check(tx, block.dataset_id, block.name, block.size_bytes)
            replaced = tx.dataset_blocks.find(block.id)
            if replaced is None:
                tx.dataset_blocks.add(block)
            else:
                tx.dataset_blocks.save(block)
            return replaced

    def _check(self, tx: Transaction, dataset_id: str, name: str, size_bytes: int) -> None:
        dataset = tx.datasets.get(dataset_id)
        _require_open(dataset)
        others = [block for block in _blocks_of(tx, dataset_id) if block.name != name]
        if others and len(others[0].name) != len(name):
            raise InvalidInputError(
                f"The block id '{name}' is not as long as '{others[0].name}'. "
                "All block ids of a dataset must have the same length.",
                target="blockid",
            )
        if len(others) >= MOST_BLOCKS:
            raise TooLargeError(f"A dataset takes at most {MOST_BLOCKS} blocks. Use larger ones.")
        self._check_total(dataset, size_bytes + sum(block.size_bytes for block in others))

    def _check_total(self, dataset: Dataset, size_bytes: int) -> None:
        limit_bytes = self.limits.upload_bytes(dataset.kind)
        if size_bytes > limit_bytes:
            raise TooLargeError(
                f"The blocks together are larger than {limit_bytes / _MIB:,.0f} MiB, the most for this kind "
                "of dataset. Split it."
            )

    def _check_list(
        self, dataset: Dataset, references: Sequence[BlockReference], blocks: Mapping[str, DatasetBlock]
    ) -> None:
        if not references:
            raise InvalidInputError("The list names no blocks.", code="EmptyRequest")
        size_bytes = 0
        for place, reference in enumerate(references):
            block = blocks.get(reference.name)
            # Nothing is committed yet, so a committed block cannot be there.
            if block is None or reference.kind is BlockList.COMMITTED:
                state = "committed" if reference.kind is BlockList.COMMITTED else "uploaded"
                raise InvalidInputError(
                    f"There is no {state} block '{reference.name[:100]}'. Upload it, then commit again.",
                    target=f"[{place}].id",
                )
            size_bytes += block.size_bytes
        self._check_total(dataset, size_bytes)

    def _expire(self, dataset_id: str) -> None:
        now = self.clock.now()
        with self.store.write() as tx:
            dataset = tx.datasets.find(dataset_id)
            blocks = _blocks_of(tx, dataset_id)
            newest = max((block.created_at for block in blocks), default=None)
            is_alive = newest is not None and newest >= now - ABANDONED_AFTER
            if dataset is None or not dataset.takes_blocks or is_alive:
                return
            for block in blocks:
                tx.dataset_blocks.delete(block.id)
            reason = f"Its blocks were not committed within {ABANDONED_AFTER.days} days. Upload it again."
            tx.datasets.save(dataset.failed(now, Failure(code="InvalidDataset", message=reason)))
        log.info("abandoned upload given up", extra={"dataset": dataset_id, "blocks": len(blocks)})
        for block in blocks:
            self.blobs.delete(str(block.key))

    def _sweep(self) -> None:
        """Remove blobs that no row names: their upload or its dataset was broken off."""
        oldest = self.clock.now() - _ORPHANED_AFTER
        known: dict[str, set[str | None]] = {}
        for blob in self.blobs.list(_FOLDER):
            dataset_id = blob.key.removeprefix(_FOLDER).partition("/")[0]
            if blob.modified_at >= oldest:
                continue
            if dataset_id not in known:
                with self.store.read() as tx:
                    known[dataset_id] = {block.key for block in _blocks_of(tx, dataset_id)}
            if blob.key not in known[dataset_id]:
                self.blobs.delete(blob.key)


def committed_in_order(tx: Transaction, dataset_id: str) -> Sequence[DatasetBlock]:
    """The blocks that make the file of a dataset; one may stand in several places."""
    return _in_order(_blocks_of(tx, dataset_id))


def _blocks_of(tx: Transaction, dataset_id: str) -> Sequence[DatasetBlock]:
    return tx.dataset_blocks.list(Query(where=Compare("dataset_id", "eq", dataset_id)))


def _in_order(blocks: Iterable[DatasetBlock]) -> list[DatasetBlock]:
    placed = [(place, block) for block in blocks for place in block.positions]
    return [block for _, block in sorted(placed, key=lambda pair: pair[0])]


def _committed_names(blocks: Iterable[DatasetBlock]) -> list[str]:
    return [block.name for block in _in_order(blocks)]


def _place(tx: Transaction, blocks: Mapping[str, DatasetBlock], names: Sequence[str]) -> list[DatasetBlock]:
    """Write where each block stands; returns those that stand nowhere, which are gone."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    for name, block in blocks.items():
        if name in places:
            tx.dataset_blocks.save(replace(block, positions=tuple(places[name])))
        else:
            tx.dataset_blocks.delete(block.id)
    return [block for name, block in blocks.items() if name not in places]


def _require_open(dataset: Dataset) -> None:
    if dataset.takes_blocks:
        return
    if not dataset.is_in_blocks:
        raise InvalidStateError(
            f"Dataset '{dataset.display_name}' does not come in blocks. Create one without contentUrl."
        )
    raise InvalidStateError(
        f"The blocks of dataset '{dataset.display_name}' are committed, or its upload has expired. "
        "Create another dataset."
    )


def _check_size(data: bytes) -> None:
    if not data:
        raise InvalidInputError("The block is empty (0 bytes).", code="EmptyRequest")
    if len(data) > LARGEST_BLOCK_BYTES:
        raise TooLargeError(f"The block is larger than {LARGEST_BLOCK_BYTES // _MIB} MiB. Send smaller ones.")
