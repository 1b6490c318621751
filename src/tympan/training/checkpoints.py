"""Saving and resuming a run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from tympan.ports.trainer import TrainingPlan

CHECKPOINT_FOLDER = "checkpoint"
_STATE_FILE = "state.pt"
_PREPARATION_FILE = "preparation.json"


@dataclass(slots=True, kw_only=True)
class RunState:
    """Where a run stands; the only mutable value of training.

    Attributes:
        step: Steps taken.
        lora: LoRA weights after them; empty at the start.
        optimizer: State of the optimizer after them; empty at the start.
        kept: LoRA weights to keep; empty keeps the base weights.
        kept_step: Step they are from.
        kept_errors: Word errors on dev with them.
        best_errors: Fewest word errors on dev at any step.
        stale: Evaluations in a row that were worse than the best beyond chance.
        losses: Mean loss of each finished epoch.
        loss_sum: Of the current epoch; ``loss_count`` steps.
        cpu_s: CPU seconds of all attempts.
    """

    step: int = 0
    lora: dict[str, torch.Tensor] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, torch.Tensor] = field(default_factory=dict)
    kept_step: int = 0
    kept_errors: int | None = None
    best_errors: int | None = None
    stale: int = 0
    losses: list[float] = field(default_factory=list)
    loss_sum: float = 0.0
    loss_count: int = 0
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What is worked out once, before the first step.

    Attributes:
        labels: Texts by name of the audio file, where they differ from the transcript.
        dev_errors: Word errors of the base model on dev; None without a dev set.
        dev_words: Words of the dev references.
    """

    labels: dict[str, str]
    dev_errors: int | None
    dev_words: int


def fingerprint(plan: TrainingPlan, base_sha256: str) -> str:
    """Equal for plans that train in the same way, wherever their files lie."""
    rows = [
        [Path(e.audio).name, e.text, e.origin, round(e.duration_s, 3), e.language]
        for e in (*plan.examples, *plan.dev)
    ]
    document = [base_sha256, plan.language, plan.locale, asdict(plan.settings), len(plan.examples), rows]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


class Checkpoints:
    """The checkpoint folder of one training; every file appears whole or not at all.

    Args:
        folder: Of the training; files lie in ``checkpoint/`` below it.
        identity: ``fingerprint`` of the plan; another plan's files are not read.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder / CHECKPOINT_FOLDER
        self._identity = identity
        self.folder.mkdir(parents=True, exist_ok=True)

    def save(self, state: RunState) -> None:
        """Write the run's state."""
        document = {name: getattr(state, name) for name in RunState.__dataclass_fields__}
        half_written = self.folder / f"{_STATE_FILE}.part"
        torch.save({"identity": self._identity, **document}, half_written)
        half_written.replace(self.folder / _STATE_FILE)

    def load(self) -> RunState:
        """The saved state, or a fresh one when there is none that can be used."""
        path = self.folder / _STATE_FILE
        if not path.exists():
            return RunState()
        try:
            document = torch.load(path, map_location="cpu", weights_only=True)
        except Exception:  # noqa: BLE001 - torch raises many types; a damaged checkpoint costs only time
            return RunState()
        if document.pop("identity", None) != self._identity:
            return RunState()
        return RunState(**document)

    def save_preparation(self, preparation: Preparation) -> None:
        """Write what was worked out before the first step."""
        document = {"identity": self._identity, **asdict(preparation)}
        half_written = self.folder / f"{_PREPARATION_FILE}.part"
        half_written.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        half_written.replace(self.folder / _PREPARATION_FILE)

    def load_preparation(self) -> Preparation | None:
        """The saved preparation, or None when there is none that can be used."""
        try:
            document = json.loads((self.folder / _PREPARATION_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if document.pop("identity", None) != self._identity:
            return None
        return Preparation(**document)
