"""Hypotheses on their way from the recogniser to the scoring, in blobs of a few recordings each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tympan.ports.blobs import BlobStore
from tympan.ports.recognizer import Recognition, RecognizedWord

CHUNK_RECORDINGS = 32
"""Recordings a blob holds: what a killed attempt can lose."""

HEARD_BY = "heardBy"
"""Argument of a job that scores again: the job whose hypotheses it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What a model heard in one recording.

    Attributes:
        text: Display text.
        spoken: The same before numbers were written as figures: what is scored.
        words: With their places, as far as the engine gave them.
        cpu_s: CPU seconds it took.
    """

    text: str
    spoken: str
    words: tuple[RecognizedWord, ...]
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisStore:
    """The hypotheses of one model in one job, in the order of the manifest.

    Attributes:
        blobs: Where they are kept.
        job_id: The job.
        model_number: Which of the job's distinct models, from 1.
    """

    blobs: BlobStore
    job_id: str
    model_number: int

    def has_chunk(self, first: int) -> bool:
        """Whether the chunk that begins with this recording is complete."""
        return self.blobs.exists(self._key(first))

    def write_chunk(self, first: int, recognitions: Sequence[Recognition]) -> None:
        """Keep a chunk; it appears whole or not at all."""
        self.blobs.put(self._key(first), (_line(recognition) for recognition in recognitions))

    def read(self, count: int) -> Iterator[Hypothesis]:
        """The hypotheses of the first ``count`` recordings.

        Raises:
            NotFoundError: A chunk is missing.
        """
        for first in range(0, count, CHUNK_RECORDINGS):
            with self.blobs.open(self._key(first)) as file:
                for line in file:
                    yield _hypothesis(line)

    def _key(self, first: int) -> str:
        return f"jobs/{self.job_id}/hypotheses-{self.model_number}/{first:06d}.jsonl"


def _line(recognition: Recognition) -> bytes:
    words = [word for phrase in recognition.phrases for word in phrase.words]
    document = {
        "text": recognition.text,
        "spoken": recognition.spoken,
        "cpuSeconds": recognition.cpu_s,
        "words": [[word.text, word.start, word.end, word.confidence] for word in words],
    }
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _hypothesis(line: bytes) -> Hypothesis:
    document = json.loads(line)
    words = tuple(
        RecognizedWord(text=text, start=start, end=end, confidence=confidence)
        for text, start, end, confidence in document["words"]
    )
    # Chunks of an attempt that began before an update have display text only.
    spoken = document.get("spoken", document["text"])
    return Hypothesis(text=document["text"], spoken=spoken, words=words, cpu_s=document["cpuSeconds"])
