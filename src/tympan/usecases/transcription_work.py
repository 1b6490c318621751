"""What a transcription's job keeps while it works, so that a kill at any moment loses little.

Everything is a blob below ``<folder of the transcription>/<job>/``: the list of sources, one
outcome for each source that was done, and the results themselves.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tympan.domain.dataset import StoredFile
from tympan.domain.errors import CancelledError
from tympan.domain.transcription import Transcription
from tympan.ports.blobs import BlobStore
from tympan.usecases.lines import Lines

ALONE_AT_MOST = 3
"""So often a source may end the process while it is heard alone; then it has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A recording to be heard.

    Attributes:
        name: Of its result file, without the ending ``.json``.
        shown: What results and report call it: its URL without secrets, or its name.
        url: Where it is fetched from.
        audio_key: The blob it is, for recordings of a dataset.
    """

    name: str
    shown: str
    url: str | None = None
    audio_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a source ended.

    Attributes:
        source: As it is shown.
        files: Its results; none when it has failed.
        duration_s: Its length.
        matched: How many favoured phrases, or display forms of pronunciations, were heard in it.
        error_kind, error_message: Why it has failed; None when it has not.
    """

    source: str
    files: tuple[StoredFile, ...] = ()
    duration_s: float = 0.0
    matched: int = 0
    error_kind: str | None = None
    error_message: str | None = None


# An outcome is a small blob: a folder gives one in 0.2 ms, a bucket in 20 ms and more.
_READERS = 16
_SOURCES = Lines(Source)
_OUTCOMES = Lines(Outcome)


@dataclass(frozen=True, slots=True)
class Blame:
    """Who was being heard when earlier attempts died.

    Attributes:
        suspects: Sources to be heard one at a time, so that only one can be to blame.
        guilty: Sources that ended the process often enough while they were heard alone.
    """

    suspects: tuple[int, ...]
    guilty: tuple[int, ...]


class TranscriptionWork:
    """The blobs of one job.

    Args:
        blobs: Where they are.
        transcription: What the job works on.
        job_id: The job.
        attempt: The number of this attempt, part of the name of every result, so that an
            attempt that was given up can never change what a later one has published.
    """

    def __init__(self, blobs: BlobStore, transcription: Transcription, job_id: str, attempt: int) -> None:
        self._blobs = blobs
        self._folder = f"{transcription.folder}/{job_id}"
        self._attempt = attempt
        self._begun = f"{self._folder}/begun/"
        self._noted: dict[int, str] = {}
        self._noting = threading.Lock()
        self._is_left = False

    def write_sources(self, sources: Iterable[Source]) -> None:
        """Keep the list of sources."""
        self._blobs.put(f"{self._folder}/sources.jsonl", map(_SOURCES.line, sources))

    def is_listed(self) -> bool:
        """Whether the list of sources is there."""
        return self._blobs.exists(f"{self._folder}/sources.jsonl")

    def sources(self) -> Iterator[Source]:
        """The sources, in order."""
        with self._blobs.open(f"{self._folder}/sources.jsonl") as file:
            yield from _SOURCES.read(file)

    def done(self) -> set[int]:
        """Numbers of the sources that have an outcome."""
        return {int(name) for name in self._names("outcomes")}

    def outcomes(self, numbers: Sequence[int]) -> dict[int, Outcome]:
        """How sources ended, by number, in the order asked for.

        Raises:
            NotFoundError: One of them has no outcome.
        """
        with ThreadPoolExecutor(_READERS) as readers:
            return dict(zip(numbers, readers.map(self._outcome, numbers), strict=True))

    def _outcome(self, number: int) -> Outcome:
        return _OUTCOMES.record(b"".join(self._blobs.stream(self._outcome_key(number))))

    def keep(self, number: int, outcome: Outcome) -> None:
        """Record how a source ended; from here on it is not heard again."""
        self._blobs.put(self._outcome_key(number), [_OUTCOMES.line(outcome)])
        self._noted.pop(number, None)

    def put(self, name: str, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Keep a file; returns key and size."""
        stored = self._blobs.put(f"{self._folder}/{self._attempt:06d}/{name}", chunks)
        return stored.key, stored.size_bytes

    def begin(self, number: int, *, is_alone: bool) -> None:
        """Note that a source is being heard, in case that ends the process.

        Raises:
            CancelledError: The process is about to end.
        """
        key = f"{self._begun}{self._attempt:06d}-{number:06d}-{int(is_alone)}"
        with self._noting:
            if self._is_left:
                raise CancelledError("The process is about to end.")
            self._blobs.put(key, [b""])
            self._noted[number] = key

    def leave(self) -> None:
        """Take back the notes of this attempt: the process ends for another reason."""
        with self._noting:
            self._is_left = True
            for key in list(self._noted.values()):
                self._blobs.delete(key)

    def blame(self) -> Blame:
        """Who was being heard, without an outcome, when earlier attempts ended."""
        done = self.done()
        notes = [tuple(map(int, name.split("-"))) for name in self._names("begun")]
        open_notes = [note for note in notes if note[0] < self._attempt and note[1] not in done]
        alone = Counter(number for _, number, is_alone in open_notes if is_alone)
        guilty = {number for number, times in alone.items() if times >= ALONE_AT_MOST}
        suspects = {number for _, number, _ in open_notes} - guilty
        return Blame(tuple(sorted(suspects)), tuple(sorted(guilty)))

    def _names(self, part: str) -> Iterator[str]:
        for blob in self._blobs.list(f"{self._folder}/{part}/"):
            yield blob.key.rpartition("/")[2]

    def _outcome_key(self, number: int) -> str:
        return f"{self._folder}/outcomes/{number:06d}"
