"""Training a custom model from a plan on disk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingExample:
    """One recording and what the model shall write for it.

    Attributes:
        audio: Local FLAC file, 16 kHz mono, named by its content: equal names mean equal bytes.
        text: Display text. Empty only in ``replay``: silence or noise, of which nothing is written.
        origin: ``audio`` (uploaded), ``text`` or ``pronunciation`` (synthesised), or ``replay``:
            general speech that keeps the model from forgetting what it knew.
        duration_s: Length of the recording in seconds.
        language: Whisper code of what is spoken; empty for the plan's own.
    """

    audio: str
    text: str
    origin: str
    duration_s: float
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """What may be set; every field has the default that was measured best.

    Attributes:
        seed: Of every random choice.
        epochs: Most passes over the examples; early stop usually ends sooner.
        learning_rate: Peak; None takes the recipe's.
        batch_size: Examples a step.
        lora_rank: Of the update.
        patience: Evaluations in a row, clearly worse on dev than the best, before training stops.
        weight_percent: 1 to 100; the update is scaled by it when merged.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    seed: int = 0
    epochs: int = 3
    learning_rate: float | None = None
    batch_size: int = 8
    lora_rank: int = 16
    patience: int = 3
    weight_percent: int = 100
    device: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """A self-contained training: what ``prepare`` leaves for ``train`` and ``export``.

    Attributes:
        base_folder: Bundle folder of the base model.
        language: Whisper code, such as ``en``.
        locale: BCP-47 tag, which selects the normaliser of the dev error rate.
        examples: To train on.
        dev: Never trained on; decides when to stop. May be empty.
        settings: As above.
    """

    base_folder: str
    language: str
    locale: str
    examples: tuple[TrainingExample, ...]
    dev: tuple[TrainingExample, ...]
    settings: TrainingSettings = field(default_factory=TrainingSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """What training reached.

    Attributes:
        dev_wer_before: Of the base model in the trainer with as much context as it is
            served with, on dev; None without a dev set.
        dev_wer_after: Of the kept weights in the trainer, on dev.
        best_step: Step whose weights were kept; 0 keeps the base weights.
        steps: Steps taken.
        losses: Mean loss per epoch.
        cpu_s: CPU seconds.
        peak_memory_bytes: Of the process.
        device: ``cpu`` or ``cuda``.
    """

    dev_wer_before: float | None
    dev_wer_after: float | None
    best_step: int
    steps: int
    losses: tuple[float, ...]
    cpu_s: float
    peak_memory_bytes: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityOutcome:
    """The same dev recordings through trainer and serving engine.

    Attributes:
        trainer_wer: WER of the merged weights in the trainer; None without a dev set.
        engine_wer: WER of the exported bundle in the serving engine.
        differing: Recordings whose normalised text differs.
        total: Recordings compared.
        is_passed: The two agree within the tolerance.
    """

    trainer_wer: float | None
    engine_wer: float | None
    differing: int
    total: int
    is_passed: bool


class TrainingObserver(Protocol):
    """Hears how training goes."""

    def progress(self, fraction: float, message: str) -> None:
        """``fraction`` of this step is done, 0 to 1. May raise CancelledError to stop."""
        ...

    def event(self, kind: str, payload: Mapping[str, Any]) -> None:
        """A point of a curve (``loss``, ``dev_wer``) or a plain-language ``note``."""
        ...


class Trainer(Protocol):
    """Trains, merges and exports. Blocking; meant for a process of its own."""

    def versions(self) -> Mapping[str, str]:
        """Names and versions of the libraries that do the work, for the report."""
        ...

    def conditions(self) -> Mapping[str, str]:
        """What may change the last bits of a result though data, code and seed are equal.

        Such as the processor, its instructions, the number of threads, the GPU.
        """
        ...

    def replay_sentences(self, language: str) -> tuple[str, ...]:
        """General sentences to have spoken as ``replay`` examples; empty for unknown languages.

        Args:
            language: Whisper code, such as ``en``.
        """
        ...

    def gate_sentences(self, language: str) -> tuple[str, ...]:
        """General sentences that are never trained on, to find what was forgotten; may be empty.

        Args:
            language: Whisper code, such as ``en``.
        """
        ...

    def train(
        self, plan: TrainingPlan, folder: Path, observer: TrainingObserver, *, save: Callable[[Path], None]
    ) -> TrainingOutcome:
        """Train and leave the kept LoRA weights in ``folder``.

        Resumes from the newest checkpoint found in ``folder``; with the same plan the
        result is the same whether or not it was interrupted (up to the last checkpoint).

        Args:
            plan: What to train.
            folder: For checkpoints (``checkpoint/``), caches and the result (``lora/``).
            observer: Hears progress.
            save: Called with the checkpoint folder after each checkpoint, so that the
                caller can put it where another machine finds it.

        Raises:
            InvalidInputError: Nothing in the plan can be trained on.
            EngineError: Training diverged.
        """
        ...

    def export(self, plan: TrainingPlan, folder: Path, into: Path) -> None:
        """Merge the LoRA weights in ``folder`` and write a bundle folder with ``tympan.json``.

        ``tympan.json`` says with how much context the bundle decodes.

        Raises:
            InvalidInputError: ``folder`` holds no finished training.
        """
        ...

    def transcribe(
        self, plan: TrainingPlan, folder: Path, recordings: Sequence[TrainingExample]
    ) -> tuple[str, ...]:
        """Greedy texts of recordings from the merged weights, for the parity check.

        Raises:
            InvalidInputError: ``folder`` holds no finished training.
        """
        ...

    def update_distance(self, base: Path, first: Path, second: Path) -> float:
        """How far apart two trained bundles are, as a share of what training changed.

        The Euclidean distance between the weights of ``first`` and ``second``, divided by that
        between ``base`` and ``first``: 0 for equal weights, about 1.4 for two updates that have
        nothing in common, infinite when only ``second`` differs from ``base``.

        Args:
            base: Bundle folder of the base model.
            first: Of one model trained from it.
            second: Of the other.

        Raises:
            ModelDamagedError: A file is missing, damaged or of another architecture.
        """
        ...
