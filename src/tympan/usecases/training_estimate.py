"""What a training will cost, before it begins.

What costs is what the network is shown: half a window of 15 s for a recording of up to 12 s, the
whole window of 30 s for a longer one. Held-out recordings cost about as much as those trained on.
Trainings of the same base model on this server tell how many CPU seconds a shown minute takes;
before the first one a probe of the machine stands in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tympan.domain.model import BaseModel
from tympan.domain.query import Compare, Query, every
from tympan.domain.resource import Status
from tympan.domain.training_advice import Estimate
from tympan.ports.blobs import BlobStore
from tympan.ports.store import Store
from tympan.ports.trainer import TrainingSettings

_PROBE_SIZE = 512
_PROBE_ROUNDS, _ROUND_S = 10, 0.02
"""Rounds of the probe, and CPU seconds that each takes at least."""

_MOST_EARLIER = 5
_ENCODING_SHARE = 0.25
"""Share of the cost that does not grow with epochs: every example is encoded once."""

_USUAL_EPOCHS = TrainingSettings().epochs
_SPREAD_EARLIER, _SPREAD_PROBE = 1.3, 2.5
"""Factors up and down between which the truth is expected.

A probe of one operation says less: on one busy machine it gave 10 to 49 GFLOP per CPU s.
"""

_CPU_S_PER_MIN, _GROWTH = 3.15, 1.23
"""CPU seconds of a shown minute with ``_REFERENCE_BYTES`` of weights at ``_REFERENCE_GFLOPS``, and the power
of the number of weights that they grow with."""

_REFERENCE_BYTES = 75.5e6

_REFERENCE_GFLOPS = 40.0
_MEMORY_BYTES = (6.0e8, 16.0)
"""Peak memory as ``a + b * bytes of model.bin``.

Source of all three: ``benchmarks/results/training_cost.md``.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How much there is to do.

    Attributes:
        shown_s: Seconds that the network is shown in an epoch, as ``usecases.training_report`` counts them.
        spoken_cpu_s: CPU seconds for synthetic speech.
        epochs: Most passes.
    """

    shown_s: float
    spoken_cpu_s: float
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """Estimates trainings from earlier ones, or from a probe of this machine."""

    store: Store
    blobs: BlobStore

    def estimate(self, base: BaseModel, work: Work) -> Estimate:
        """What training from a base model will cost."""
        size_bytes = next((file.size_bytes for file in base.bundle.files if file.name == "model.bin"), 0)
        memory = _MEMORY_BYTES[0] + _MEMORY_BYTES[1] * size_bytes
        earlier = list(self._earlier(base))
        if earlier:
            rates, peaks = zip(*earlier, strict=True)
            low, high = min(rates) / _SPREAD_EARLIER, max(rates) * _SPREAD_EARLIER
            source = (
                f"Measured in the last {len(rates)} trainings from this base model on this server: "
                f"{min(rates):.2f} to {max(rates):.2f} CPU s for each minute that the network is shown."
            )
            found = (sum(rates) / len(rates), low, high)
            return _estimate(work, found, max(*peaks, 0), "earlierTrainings", source)
        speed = probe_gflops()
        at_reference = _CPU_S_PER_MIN * (size_bytes / _REFERENCE_BYTES) ** _GROWTH
        rate = at_reference * _REFERENCE_GFLOPS / speed
        source = (
            f"No training from this base model has ended here yet. A probe of this machine ({speed:.0f} "
            f"GFLOP per CPU s) was held against a machine ({_REFERENCE_GFLOPS:.0f}) where trainings were "
            "measured."
        )
        found = (rate, rate / _SPREAD_PROBE, rate * _SPREAD_PROBE)
        return _estimate(work, found, round(memory), "probe", source)

    def _earlier(self, base: BaseModel) -> Iterator[tuple[float, int]]:
        """CPU seconds per shown minute of the usual epochs, and peak memory, newest training first."""
        of_base = Compare("base_model_id", "eq", base.id)
        ended = Compare("status", "eq", Status.SUCCEEDED.value)
        with self.store.read() as tx:
            models = tx.models.list(Query(where=every(of_base, ended)))
        found = 0
        for model in sorted(models, key=lambda one: one.created_at, reverse=True):
            keys = [file.key for file in model.files if file.kind == "ModelReport"]
            if found >= _MOST_EARLIER or not keys or model.origin:
                continue
            measured = _measured(json.loads(b"".join(self.blobs.stream(keys[0]))))
            if measured is not None:
                found += 1
                yield measured


def probe_gflops() -> float:
    """Speed of this machine at multiplying matrices, in 10^9 operations per CPU second.

    Takes about a fifth of a second. The best of several rounds counts, since other programs on the
    same core slow down single ones.
    """
    draw = np.random.default_rng(0)
    one = draw.random((_PROBE_SIZE, _PROBE_SIZE), dtype=np.float32)
    other = draw.random((_PROBE_SIZE, _PROBE_SIZE), dtype=np.float32)
    return max(_round_gflops(one, other) for _ in range(_PROBE_ROUNDS))


def _round_gflops(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    times = 0
    began = time.process_time()
    while (spent := time.process_time() - began) < _ROUND_S:
        _ = one @ other
        times += 1
    return times * 2 * _PROBE_SIZE**3 / spent / 1e9


def _measured(report: dict[str, Any]) -> tuple[float, int] | None:
    """What a training report tells; None of one on a GPU, of rules alone, or of an earlier version."""
    metrics, shown_s = report.get("metrics") or {}, report.get("shownSeconds") or 0.0
    if metrics.get("device") != "cpu" or not metrics.get("cpuSeconds") or not shown_s:
        return None
    passes = _passes(report["settings"]["epochs"]) / _passes(_USUAL_EPOCHS)
    return metrics["cpuSeconds"] / (shown_s / 60) / passes, metrics["peakMemoryBytes"]


def _passes(epochs: int) -> float:
    return _ENCODING_SHARE + (1 - _ENCODING_SHARE) * epochs / _USUAL_EPOCHS


def _estimate(work: Work, rates: Sequence[float], memory: int, calibration: str, source: str) -> Estimate:
    minutes = work.shown_s / 60 * _passes(work.epochs)
    expected, low, high = (rate * minutes + work.spoken_cpu_s for rate in rates)
    return Estimate(
        cpu_s=expected,
        low_cpu_s=low,
        high_cpu_s=high,
        memory_bytes=memory,
        calibration=calibration,
        source=source,
    )
