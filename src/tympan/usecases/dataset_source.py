"""Getting the file of a dataset that was not uploaded whole: from a URL, or out of its blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.errors import FetchError, InvalidInputError, UnavailableError
from tympan.ports.blobs import BlobStore, StoredBlob
from tympan.ports.clock import Clock
from tympan.ports.fetcher import Fetched, Fetcher
from tympan.ports.jobs import JobContext
from tympan.ports.store import Store
from tympan.usecases.dataset_blocks import committed_in_order
from tympan.usecases.dataset_limits import DatasetLimits

_MIB = 1024**2
_ENDINGS = ((b"PK", ".zip"), (b"RIFF", ".wav"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSource:
    """Brings the file into the blob store, in the first moments of an import.

    Attributes:
        retry_s: For how long after the job's start a source that cannot be reached is tried again.
    """

    store: Store
    blobs: BlobStore
    clock: Clock
    fetcher: Fetcher
    limits: DatasetLimits
    retry_s: float

    def bring(self, context: JobContext, dataset: Dataset) -> tuple[Dataset, str]:
        """Bring the file, note it in the dataset, and give both back.

        The blob is written first, then one transaction makes it count, so running it twice
        is harmless. Blocks are removed once they were put together.

        Raises:
            InvalidInputError: The file cannot be had (code ``InvalidDataset``).
            UnavailableError: It cannot be had now; running it again may help.
            StorageFullError: No room is left.
            CancelledError: The owner has asked for it.
            SupersededError: Another attempt has taken over.
        """
        if dataset.source_url is not None:
            stored, name = self._fetched(context, dataset, dataset.source_url)
        elif dataset.is_in_blocks:
            stored, name = self._joined(context, dataset), ""
        else:
            raise InvalidInputError("Nothing was uploaded for this dataset.", code="InvalidDataset")
        if stored.size_bytes == 0:
            raise InvalidInputError("The source of the dataset is empty (0 bytes).", code="InvalidDataset")
        name = dataset.source_name or name or self._fitting_name(dataset.kind, stored.key)
        return self._noted(context, stored, name), stored.key

    def _fetched(self, context: JobContext, dataset: Dataset, url: str) -> tuple[StoredBlob, str]:
        context.progress(0.0, "Fetching the source")
        try:
            limit_bytes = self.limits.upload_bytes(dataset.kind)
            with self.fetcher.fetch(url, limit_bytes=limit_bytes) as source:
                return self.blobs.put_content(_watched(source, context)), source.name
        except FetchError as error:
            if error.is_transient and self._may_wait(context):
                raise UnavailableError(f"The source cannot be reached now. {error.message}") from error
            raise InvalidInputError(
                f"The file at contentUrl could not be fetched. {error.message}", code="InvalidDataset"
            ) from error

    def _may_wait(self, context: JobContext) -> bool:
        begun = context.job.started_at or context.job.created_at
        return self.clock.now() - begun < timedelta(seconds=self.retry_s)

    def _joined(self, context: JobContext, dataset: Dataset) -> StoredBlob:
        with self.store.read() as tx:
            blocks = committed_in_order(tx, dataset.id)

        def chunks() -> Iterator[bytes]:
            for number, block in enumerate(blocks):
                context.progress(0.0, f"Putting block {number + 1} of {len(blocks)} in its place")
                yield from self.blobs.stream(str(block.key))

        return self.blobs.put_content(chunks())

    def _fitting_name(self, kind: DatasetKind, key: str) -> str:
        start = b"".join(self.blobs.stream(key, end=4))
        ending = next((ending for mark, ending in _ENDINGS if start.startswith(mark)), "")
        return kind.value.lower() + (ending if ending or kind.has_audio else ".txt")

    def _noted(self, context: JobContext, stored: StoredBlob, name: str) -> Dataset:
        with self.store.write() as tx:
            tx.jobs.require_attempt(context.job.id, context.job.attempt)
            dataset = tx.datasets.get(context.job.resource_id)
            dataset = replace(dataset, source_key=stored.key, source_name=name, source_url=None)
            tx.datasets.save(dataset)
            used = {block.id: block for block in committed_in_order(tx, dataset.id)}
            for block in used.values():
                tx.dataset_blocks.save(replace(block, key=None))
        for block in used.values():
            self.blobs.delete(str(block.key))
        return dataset


def _watched(source: Fetched, context: JobContext) -> Iterator[bytes]:
    """The chunks of a source, with what has come of it told on the way."""
    size_bytes = 0
    for chunk in source.chunks:
        size_bytes += len(chunk)
        whole = "" if source.size_bytes is None else f" of {source.size_bytes / _MIB:,.1f}"
        context.progress(0.0, f"Fetched {size_bytes / _MIB:,.1f}{whole} MiB", bytes=size_bytes)
        yield chunk
