"""The trainer port on torch. Torch is loaded when work begins, so importing this needs none."""

# ruff: noqa: PLC0415  the training package imports torch
from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tympan.domain.errors import EngineError
from tympan.ports.trainer import TrainingExample, TrainingObserver, TrainingOutcome, TrainingPlan
from tympan.training.general import gate_sentences, general_sentences

_LIBRARIES = ("tympan", "torch", "transformers", "peft", "ctranslate2", "tokenizers")


class WhisperTrainer:
    """Decoder LoRA on Whisper.

    Args:
        threads: CPU threads torch may use.
    """

    def __init__(self, *, threads: int = 2) -> None:
        self._threads = threads

    def versions(self) -> Mapping[str, str]:
        """Versions of the libraries that are installed."""
        return {name: found for name in _LIBRARIES if (found := _version(name)) is not None}

    def conditions(self) -> Mapping[str, str]:
        """Processor, instructions, threads and GPU; only the first without torch."""
        known = {"processor": platform.machine(), "threads": str(self._threads)}
        try:
            import torch
        except ImportError:
            return known
        known["instructions"] = torch.backends.cpu.get_cpu_capability()
        if torch.cuda.is_available():
            known["gpu"] = torch.cuda.get_device_name()
        return known

    def replay_sentences(self, language: str) -> tuple[str, ...]:
        """The sentences that come with the product."""
        return general_sentences(language)

    def gate_sentences(self, language: str) -> tuple[str, ...]:
        """Others that come with the product."""
        return gate_sentences(language)

    def train(
        self, plan: TrainingPlan, folder: Path, observer: TrainingObserver, *, save: Callable[[Path], None]
    ) -> TrainingOutcome:
        """Train as the port promises."""
        with self._torch():
            from tympan.training.session import train

            return train(plan, folder, observer, save=save)

    def export(self, plan: TrainingPlan, folder: Path, into: Path) -> None:
        """Merge and write the bundle."""
        with self._torch():
            from tympan.training.merge import export

            export(plan, folder, into)

    def transcribe(
        self, plan: TrainingPlan, folder: Path, recordings: Sequence[TrainingExample]
    ) -> tuple[str, ...]:
        """Greedy texts from the merged weights."""
        with self._torch():
            from tympan.training.merge import transcribe

            return transcribe(plan, folder, recordings)

    def update_distance(self, base: Path, first: Path, second: Path) -> float:
        """Compare the weights as the port promises."""
        with self._torch():
            from tympan.training.distance import update_distance

            return update_distance(base, first, second)

    @contextmanager
    def _torch(self) -> Iterator[None]:
        try:
            import torch
        except ImportError as error:
            raise EngineError(
                "Training needs PyTorch, which is not installed. Install it with: pip install 'tympan[train]'"
            ) from error
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            yield
        except torch.cuda.OutOfMemoryError as error:
            raise EngineError(
                "The GPU has too little memory for this training. Set batch_size to half of what it is, or "
                "device to 'cpu'."
            ) from error
        finally:
            torch.set_num_threads(before)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
