"""A trainer that learns nothing but keeps every promise of the port."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from tympan.domain.errors import InvalidInputError
from tympan.ports.recognizer import BUNDLE_INFO_FILE, BundleInfo
from tympan.ports.trainer import TrainingExample, TrainingObserver, TrainingOutcome, TrainingPlan


class FakeTrainer:
    """Counts to ten, saving after every other step.

    Args:
        dev_wer_before: What it claims of the base model.
        dev_wer_after: What it claims of the trained one.
        texts: What ``transcribe`` says, by transcript; a recording's own text where absent.
    """

    steps = 10

    def __init__(
        self,
        *,
        dev_wer_before: float = 0.4,
        dev_wer_after: float = 0.2,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        self._dev_wer = (dev_wer_before, dev_wer_after)
        self._texts = {} if texts is None else texts
        self.plans: list[TrainingPlan] = []

    def versions(self) -> Mapping[str, str]:
        """Only its own."""
        return {"fake": "1"}

    def conditions(self) -> Mapping[str, str]:
        """None that would matter."""
        return {"processor": "fake"}

    def replay_sentences(self, language: str) -> tuple[str, ...]:
        """Two sentences of English."""
        return ("The train was late again.", "Please close the door.") if language == "en" else ()

    def gate_sentences(self, language: str) -> tuple[str, ...]:
        """One sentence of English."""
        return ("The bread is still warm.",) if language == "en" else ()

    def train(
        self, plan: TrainingPlan, folder: Path, observer: TrainingObserver, *, save: Callable[[Path], None]
    ) -> TrainingOutcome:
        """Count on from the last checkpoint."""
        self.plans.append(plan)
        outcome_file = folder / "lora" / "outcome.json"
        if outcome_file.exists():
            return _read(outcome_file)
        if all(example.origin == "replay" for example in plan.examples):
            raise InvalidInputError("Nothing in the plan can be trained on.", code="NothingToTrainOn")
        checkpoint = folder / "checkpoint"
        checkpoint.mkdir(parents=True, exist_ok=True)
        state = checkpoint / "state.json"
        done = json.loads(state.read_text()) if state.exists() else 0
        for step in range(done + 1, self.steps + 1):
            observer.progress(step / self.steps, f"Training: step {step} of {self.steps}")
            observer.event("loss", {"step": step, "loss": 1 / step})
            if step % 2 == 0:
                state.write_text(json.dumps(step))
                save(checkpoint)
        before, after = self._dev_wer if plan.dev else (None, None)
        outcome = TrainingOutcome(
            dev_wer_before=before,
            dev_wer_after=after,
            best_step=self.steps,
            steps=self.steps,
            losses=(1.0, 0.5),
            cpu_s=0.1,
            peak_memory_bytes=1,
            device="cpu",
        )
        outcome_file.parent.mkdir(exist_ok=True)
        outcome_file.write_text(json.dumps(asdict(outcome)))
        return outcome

    def export(self, plan: TrainingPlan, folder: Path, into: Path) -> None:
        """Copy the base model and mark it with what it was trained on."""
        _require_training(folder)
        shutil.copytree(plan.base_folder, into, dirs_exist_ok=True)
        texts = "\n".join(example.text for example in plan.examples)
        (into / "trained.txt").write_text(hashlib.sha256(texts.encode()).hexdigest(), encoding="utf-8")
        info = BundleInfo.from_json((into / BUNDLE_INFO_FILE).read_text(encoding="utf-8"))
        info = replace(info, trained_languages=(plan.language,))
        (into / BUNDLE_INFO_FILE).write_text(info.as_json(), encoding="utf-8")

    def transcribe(
        self, plan: TrainingPlan, folder: Path, recordings: Sequence[TrainingExample]
    ) -> tuple[str, ...]:
        """What it was told to hear."""
        del plan
        _require_training(folder)
        return tuple(self._texts.get(recording.text, recording.text) for recording in recordings)

    def update_distance(self, base: Path, first: Path, second: Path) -> float:
        """All or nothing, by the mark that ``export`` leaves."""
        marks = [_mark(folder) for folder in (base, first, second)]
        if marks[1] == marks[2]:
            return 0.0
        return math.inf if marks[0] == marks[1] else math.sqrt(2)


def _mark(folder: Path) -> str:
    mark = folder / "trained.txt"
    return mark.read_text(encoding="utf-8") if mark.exists() else ""


def _require_training(folder: Path) -> None:
    if not (folder / "lora" / "outcome.json").exists():
        raise InvalidInputError(f"{folder} holds no finished training. Run train first.")


def _read(file: Path) -> TrainingOutcome:
    document = json.loads(file.read_text())
    return TrainingOutcome(**{**document, "losses": tuple(document["losses"])})
