"""Endpoint logs: keeping audio and results of requests, listing them, taking them away again."""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tympan.domain.endpoint import Endpoint
from tympan.domain.endpoint_log import LogFile
from tympan.domain.errors import InvalidInputError, NotFoundError
from tympan.domain.job import Job, JobKind
from tympan.domain.query import Compare, Filter, Query, every
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.blobs import BlobStore
from tympan.ports.clock import Clock
from tympan.ports.jobs import JobContext
from tympan.ports.store import Store, Transaction
from tympan.usecases.zip_stream import ZipEntry, zipped

_BATCH = 200
_SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLog:
    """What a request leaves behind.

    Attributes:
        place: The endpoint's id, or ``domain.endpoint_log.base_place`` of the locale.
        session_id: A UUID; the log is found by it.
        began_at: When the request began; aware UTC time.
        audio: Blocks of 16 kHz mono samples in [-1, 1]; read once, as they are written.
        samples: How many there are in all.
        result: The result as a JSON document.
    """

    place: str
    session_id: str
    began_at: datetime
    audio: Iterable[NDArray[np.float32]]
    samples: int
    result: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSelection:
    """Which logs of a place are meant; None does not restrict.

    Attributes:
        since: From this moment on.
        before: Up to this moment, which itself is not meant.
        session_id: Of one request.
    """

    since: datetime | None = None
    before: datetime | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLogs:
    """What is kept of requests where their owner asked for it.

    A blob each for audio and result, and a row each that says when; so a page of a list
    reads only the rows it shows.

    Attributes:
        retention: Older logs are removed; None keeps them for good.
    """

    store: Store
    blobs: BlobStore
    clock: Clock
    retention: timedelta | None = timedelta(days=30)

    def wants(self, endpoint: Endpoint | None, *, is_asked: bool) -> bool:
        """Whether a request is logged.

        Args:
            endpoint: That answers; None: the newest base model does.
            is_asked: The request itself said ``storeAudio=true``.
        """
        return is_asked or (endpoint is not None and endpoint.is_logging)

    def keep(self, new: NewLog) -> None:
        """Write the two files of a request. Both rows appear together, after their bytes.

        An endpoint that was deleted meanwhile leaves nothing.

        Raises:
            StorageFullError: No room is left.
            UnavailableError: Database or blob store cannot be reached.
        """
        moment, guid = new.began_at, new.session_id.lower()
        day, time = f"{moment:%Y-%m-%d}", f"{moment:%H%M%S}"
        files = []
        for suffix, kind, chunks in (
            ("wav", "Audio", wav_chunks(new.audio, new.samples)),
            ("v2.json", "Transcription", [json.dumps(new.result, ensure_ascii=False, indent=1).encode()]),
        ):
            name = f"{time}__{guid}.{suffix}"
            stored = self.blobs.put(f"logs/{new.place}/{day}/{name}", chunks)
            files.append(
                LogFile(
                    id=f"{day}_{name}".replace(".", "_"),
                    place=new.place,
                    session_id=guid,
                    name=name,
                    kind=kind,
                    key=stored.key,
                    size_bytes=stored.size_bytes,
                    duration_s=new.samples / SAMPLE_RATE_HZ if kind == "Audio" else None,
                    created_at=moment,
                )
            )
        if not self._add(new.place, files):
            for file in files:
                self.blobs.delete(file.key)

    def _add(self, place: str, files: Sequence[LogFile]) -> bool:
        with self.store.write() as tx:
            if not place.startswith("base/"):
                endpoint = tx.endpoints.find(place)
                if endpoint is None:
                    return False
                if not endpoint.has_logged:
                    tx.endpoints.save(replace(endpoint, has_logged=True))
            for file in files:
                tx.logs.add(file)
        return True

    def list(self, place: str, *, after: tuple[datetime, str] | None, top: int) -> Sequence[LogFile]:
        """A page of files, oldest first; what it costs does not grow with how many lie before.

        Raises:
            NotFoundError: There is no such endpoint.
            InvalidInputError: The endpoint never logged (code ``EndpointWithoutLogging``).
        """
        with self.store.read() as tx:
            _check_logged(tx, place)
            return tx.logs.list(Query(where=_of(place), after=after, top=top))

    def get(self, place: str, log_id: str) -> LogFile:
        """One file.

        Raises:
            NotFoundError: There is no such endpoint or file.
            InvalidInputError: The endpoint never logged (code ``EndpointWithoutLogging``).
        """
        with self.store.read() as tx:
            _check_logged(tx, place)
            file = tx.logs.find(log_id.lower())
        if file is None or file.place != place:
            raise NotFoundError(f"There is no log '{log_id}' here. List the logs to see what there is.")
        return file

    def count(self, place: str) -> int:
        """How many files there are."""
        with self.store.read() as tx:
            return tx.logs.count(_of(place))

    def every_file(self, place: str) -> Iterator[LogFile]:
        """All files, oldest first, read page by page."""
        after = None
        while True:
            with self.store.read() as tx:
                page = tx.logs.list(Query(where=_of(place), after=after, top=_BATCH))
            yield from page
            if len(page) < _BATCH:
                return
            after = (page[-1].created_at, page[-1].id)

    def archive(self, place: str) -> Iterator[bytes]:
        """All files as one zip, in folders by day; memory does not grow with its length."""
        return zipped(
            ZipEntry(
                name=f"{file.created_at:%Y-%m-%d}/{file.name}",
                at=file.created_at,
                read=partial(self.blobs.stream, file.key),
            )
            for file in self.every_file(place)
        )

    def delete(self, place: str, log_id: str) -> None:
        """Remove one file; absent is fine.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        with self.store.read() as tx:
            _check_place(tx, place)
            file = tx.logs.find(log_id.lower())
        if file is not None and file.place == place:
            self.blobs.delete(file.key)
            with self.store.write() as tx:
                tx.logs.delete(file.id)

    def delete_many(self, place: str, selection: LogSelection) -> Job:
        """Have a worker remove logs; what is logged from now on stays.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        job = deletion_job(place, self.clock.now(), selection)
        with self.store.write() as tx:
            _check_place(tx, place)
            tx.jobs.add(job)
        return job

    def run_delete(self, context: JobContext) -> None:
        """Remove the logs that a job names, bytes first; running it twice is harmless."""
        said = context.job.arguments
        where = _selected(
            said["place"],
            LogSelection(
                since=_moment(said.get("since")),
                before=_moment(said.get("before")),
                session_id=said.get("session"),
            ),
        )
        with self.store.read() as tx:
            total = tx.logs.count(where)
        removed = 0
        for count in self._remove(where, context.job):
            removed += count
            context.progress(
                removed / max(removed, total), f"{removed} of {total} files removed", files=removed
            )

    def remove_old(self) -> None:
        """Remove what is older than the retention."""
        if self.retention is None:
            return
        for _ in self._remove(Compare("created_at", "lt", self.clock.now() - self.retention), None):
            pass

    def _remove(self, where: Filter | None, job: Job | None) -> Iterator[int]:
        """Remove files batch by batch, yielding how many; bytes go first, so none are left behind."""
        while True:
            with self.store.read() as tx:
                batch = tx.logs.list(Query(where=where, top=_BATCH))
            if not batch:
                return
            for file in batch:
                self.blobs.delete(file.key)
            with self.store.write() as tx:
                if job is not None:
                    tx.jobs.require_attempt(job.id, job.attempt)
                for file in batch:
                    tx.logs.delete(file.id)
            yield len(batch)


def deletion_job(place: str, now: datetime, selection: LogSelection = LogSelection()) -> Job:
    """The job that removes logs of a place."""
    before = now if selection.before is None else min(now, selection.before)
    return Job(
        id=str(uuid.uuid4()),
        kind=JobKind.DELETE_LOGS,
        resource_id=str(uuid.uuid4()),
        arguments={
            "place": place,
            "since": selection.since.isoformat() if selection.since else None,
            "before": before.isoformat(),
            "session": selection.session_id,
        },
        created_at=now,
    )


def wav_chunks(blocks: Iterable[NDArray[np.float32]], samples: int) -> Iterator[bytes]:
    """A 16 kHz mono WAV file of 16-bit samples, block by block.

    Args:
        blocks: Samples in [-1, 1], each of shape ``(samples,)``.
        samples: How many there are in all.
    """
    size = samples * _SAMPLE_BYTES
    rate = SAMPLE_RATE_HZ
    yield b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt "
    yield struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * _SAMPLE_BYTES, _SAMPLE_BYTES, 8 * _SAMPLE_BYTES)
    yield b"data" + struct.pack("<I", size)
    for block in blocks:
        yield np.rint(np.clip(block, -1.0, 1.0) * 32767).astype("<i2").tobytes()


def _of(place: str) -> Filter:
    return Compare("place", "eq", place)


def _selected(place: str, selection: LogSelection) -> Filter | None:
    return every(
        _of(place),
        None if selection.since is None else Compare("created_at", "ge", selection.since),
        None if selection.before is None else Compare("created_at", "lt", selection.before),
        None if selection.session_id is None else Compare("session_id", "eq", selection.session_id),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _check_place(tx: Transaction, place: str) -> Endpoint | None:
    return None if place.startswith("base/") else tx.endpoints.get(place)


def _check_logged(tx: Transaction, place: str) -> None:
    endpoint = _check_place(tx, place)
    if endpoint is not None and not (endpoint.is_logging or endpoint.has_logged):
        raise InvalidInputError(
            f"Endpoint '{endpoint.display_name}' has never logged. Switch it on with "
            "properties.contentLoggingEnabled, or send storeAudio=true with a request.",
            code="EndpointWithoutLogging",
            target="endpoint",
        )
