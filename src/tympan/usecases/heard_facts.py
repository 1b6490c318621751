"""What is known of the recognition of a test beside its texts: how noisy, how fast, by which engine.

Kept beside the hypotheses, so that a test can be scored again without listening again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tympan.ports.blobs import BlobStore
from tympan.ports.recognizer import HostState
from tympan.usecases.hypotheses import CHUNK_RECORDINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How one model was run.

    Attributes:
        wall_s: Seconds from beginning to end; None where it was not measured.
        engine: Name and version, as the engine gives it; empty where it is not known.
        devices: What it ran on.
        at_once: Batches of recordings that were recognised together.
    """

    wall_s: float | None = None
    engine: str = ""
    devices: tuple[str, ...] = ()
    at_once: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardFacts:
    """Reads and writes the facts of one job.

    Attributes:
        blobs: Where they are kept.
        job_id: The job that recognised.
    """

    blobs: BlobStore
    job_id: str

    def write_sound(self, first: int, ratios_db: Sequence[float | None]) -> None:
        """Keep the signal-to-noise ratios of a chunk of recordings."""
        self._write(self._key("sound", first), {"signalToNoise": list(ratios_db)})

    def has_sound(self, first: int) -> bool:
        """Whether the ratios of the chunk that begins with this recording are kept."""
        return self.blobs.exists(self._key("sound", first))

    def read_sound(self, count: int) -> list[float | None]:
        """The ratios of the first ``count`` recordings; None where they were not measured."""
        ratios: list[float | None] = []
        for first in range(0, count, CHUNK_RECORDINGS):
            size = min(CHUNK_RECORDINGS, count - first)
            kept = self._read(self._key("sound", first)).get("signalToNoise", [])
            ratios += kept if len(kept) == size else [None] * size
        return ratios

    def write_timing(
        self, model_number: int, first: int, *, wall_s: float, state: HostState, at_once: int
    ) -> None:
        """Keep how long a chunk of recordings took."""
        facts = {
            "wallSeconds": wall_s,
            "engine": state.engine,
            "devices": list(state.devices),
            "atOnce": at_once,
        }
        self._write(self._key(f"timing-{model_number}", first), facts)

    def read_timing(self, model_number: int, count: int) -> Timing:
        """How a model was run, over all chunks; the time only when every chunk has one."""
        firsts = range(0, count, CHUNK_RECORDINGS)
        chunks = [self._read(self._key(f"timing-{model_number}", first)) for first in firsts]
        if not chunks or not all(chunks):
            return Timing()
        last = chunks[-1]
        return Timing(
            wall_s=round(sum(float(one["wallSeconds"]) for one in chunks), 3),
            engine=str(last["engine"]),
            devices=tuple(last["devices"]),
            at_once=int(last["atOnce"]),
        )

    def _key(self, what: str, first: int) -> str:
        return f"jobs/{self.job_id}/{what}/{first:06d}.json"

    def _write(self, key: str, facts: Mapping[str, Any]) -> None:
        self.blobs.put(key, [json.dumps(facts).encode()])

    def _read(self, key: str) -> dict[str, Any]:
        if not self.blobs.exists(key):
            return {}
        facts: dict[str, Any] = json.loads(b"".join(self.blobs.stream(key)))
        return facts
