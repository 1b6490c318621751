"""Where the recordings of a transcription come from, and bringing one onto this machine."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tympan.domain.errors import FetchError, InvalidInputError, InvalidStateError
from tympan.domain.manifest import Utterance
from tympan.domain.shown_address import shown_address
from tympan.domain.transcription import SourceKind, Transcription
from tympan.ports.blobs import BlobStore
from tympan.ports.containers import Containers
from tympan.ports.fetcher import Fetcher
from tympan.ports.store import Store
from tympan.speech.manifest_lines import read_records
from tympan.usecases.spool import room
from tympan.usecases.transcription_limits import PUBLISHED_LIMITS, TranscriptionLimits
from tympan.usecases.transcription_work import Source

_TRIES = 3
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Lists and fetches recordings.

    Attributes:
        work_dir: Where a recording lies while it is heard; its file has no name, so nothing is
            left behind however the process ends.
        pause: Waits; given so that tests need not.
    """

    store: Store
    blobs: BlobStore
    fetcher: Fetcher
    containers: Containers
    work_dir: Path
    limits: TranscriptionLimits = PUBLISHED_LIMITS
    pause: Callable[[float], None] = time.sleep

    def list(self, transcription: Transcription) -> Iterator[Source]:
        """Every recording of a transcription, in order.

        Raises:
            FetchError: The container cannot be listed, or holds too much.
            NotFoundError: The dataset was deleted meanwhile.
            InvalidInputError: There are no recordings.
        """
        listed = {
            SourceKind.URLS: self._of_urls,
            SourceKind.CONTAINER: self._of_container,
            SourceKind.DATASET: self._of_dataset,
        }[transcription.source_kind](transcription)
        is_empty = True
        for source in listed:
            is_empty = False
            yield source
        if is_empty:
            raise InvalidInputError(
                "There are no recordings to transcribe: the container or dataset is empty.",
                code="InvalidRecordingsUri",
            )

    @contextmanager
    def opened(self, source: Source) -> Iterator[BinaryIO]:
        """A recording as a file that can be read again, for as long as the block lasts.

        Raises:
            FetchError: It cannot be fetched, also not after a while, or is over the limit.
            NotFoundError: It was deleted meanwhile.
            StorageFullError: The disk is full.
        """
        if source.audio_key is not None:
            with self.blobs.open(source.audio_key) as kept:
                yield kept
            return
        self.work_dir.mkdir(parents=True, exist_ok=True)
        with room(), tempfile.TemporaryFile(dir=self.work_dir) as file:
            patiently(lambda: self._fetch(source.url or "", file), self.pause)
            file.seek(0)
            yield file

    def _fetch(self, url: str, file: BinaryIO) -> None:
        file.seek(0)
        file.truncate()
        with self.fetcher.fetch(url, limit_bytes=self.limits.source_bytes) as fetched:
            file.writelines(fetched.chunks)

    def _of_urls(self, transcription: Transcription) -> Iterator[Source]:
        with self.blobs.open(transcription.urls_key) as file:
            for number, line in enumerate(file):
                url = json.loads(line)
                yield Source(name=f"contenturl_{number}", shown=shown_address(url), url=url)

    def _of_container(self, transcription: Transcription) -> Iterator[Source]:
        url = transcription.container_url or ""
        for blob in self.containers.list(url, limit=self.limits.blobs):
            yield Source(name=blob.name, shown=shown_address(blob.url), url=blob.url)

    def _of_dataset(self, transcription: Transcription) -> Iterator[Source]:
        with self.store.read() as tx:
            dataset = tx.datasets.get(transcription.dataset_id or "")
        if dataset.manifest_key is None:
            raise InvalidStateError(
                f"Dataset '{dataset.display_name}' has not been imported. Wait until it is Succeeded.",
                target="dataset",
            )
        for utterance in read_records(self.blobs.stream(dataset.manifest_key), Utterance):
            yield Source(name=utterance.name, shown=utterance.name, audio_key=utterance.audio_key)


def patiently(act: Callable[[], None], pause: Callable[[float], None]) -> None:
    """Reach for something again after a pause, when that may help.

    Raises:
        FetchError: It is of no use.
    """
    for tried in range(1, _TRIES + 1):
        try:
            act()
        except FetchError as error:
            if not error.is_transient or tried == _TRIES:
                raise
            pause(_PAUSE_S * 4 ** (tried - 1))
        else:
            return
