"""The workplace of one training: network, tokenizer, device, encodings, dev error counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError
from tympan.ports.trainer import TrainingExample, TrainingPlan
from tympan.speech.audio_context import reduced_context_s, token_cap, unadapted_context_s
from tympan.speech.metrics import count_words
from tympan.speech.text import normalizer_for
from tympan.training.decode import Heard, transcribe
from tympan.training.features import Clip, EncodingCache
from tympan.training.text_tokens import TextTokens
from tympan.training.weights import MODEL_FILE, Network, load_network

ENCODINGS_FOLDER = "encodings"
_SPARE_TOKENS = 4
_TOKENS_PER_TOKEN = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every part of a training needs.

    Attributes:
        plan: What to train.
        network: Whisper on the training device.
        tokens: Its tokenizer, set to the plan's language.
        encodings: Encoder outputs on disk.
        base_sha256: Of the base model's weights.
    """

    plan: TrainingPlan
    network: Network
    tokens: TextTokens
    encodings: EncodingCache
    base_sha256: str

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda``."""
        return str(self.network.proj_out.weight.device.type)

    @property
    def encode_batch_size(self) -> int:
        """Clips encoded at once.

        One on a CPU, where more is no faster: the last bits of an encoding depend on its
        company, and a resumed training must see the very encodings it began with.
        """
        return 16 if self.device == "cuda" else 1

    def transcribe(
        self,
        network: Network,
        recordings: Sequence[TrainingExample],
        advance: Callable[[int], None],
        *,
        is_unadapted: bool = False,
        is_capped_by_text: bool = False,
    ) -> list[str]:
        """Greedy texts of recordings.

        Args:
            network: The base network, or one with LoRA layers.
            recordings: In any order.
            advance: Called with the number of recordings just decoded.
            is_unadapted: With the context that base models are served with.
            is_capped_by_text: Write little more than the recording's text is long. The base
                model loops in reduced context, and what comes then is of no use.
        """
        context_of = unadapted_context_s if is_unadapted else reduced_context_s
        clips = [
            Heard(
                clip=Clip(
                    files=(recording.audio,),
                    gap_s=0.0,
                    context_s=context_of(recording.duration_s),
                ),
                token_cap=self._cap(recording, is_capped_by_text=is_capped_by_text),
            )
            for recording in recordings
        ]
        network.eval()
        return transcribe(network, self.tokens, clips, self._cached, advance)

    def count_errors(self, recordings: Sequence[TrainingExample], texts: Iterable[str]) -> tuple[int, int]:
        """Word errors and reference words after normalisation."""
        normalize = normalizer_for(self.plan.locale).normalize
        counts = [
            count_words(normalize(recording.text).split(), normalize(text).split())
            for recording, text in zip(recordings, texts, strict=True)
        ]
        return sum(count.errors for count in counts), sum(count.reference_length for count in counts)

    def _cap(self, recording: TrainingExample, *, is_capped_by_text: bool) -> int:
        cap = token_cap(recording.duration_s, self.plan.language)
        if not is_capped_by_text:
            return cap
        return min(cap, _SPARE_TOKENS + round(_TOKENS_PER_TOKEN * len(self.tokens.encode(recording.text))))

    def _cached(self, clips: Sequence[Clip]) -> list[NDArray[np.float16]]:
        self.encodings.fill(clips, _nothing, batch_size=self.encode_batch_size)
        return [self.encodings.load(clip) for clip in clips]


def open_bench(plan: TrainingPlan, folder: Path) -> Bench:
    """Load the base model of a plan onto its device.

    Raises:
        InvalidInputError: The model cannot be trained, does not know the language, or the
            device is not there.
        ModelDamagedError: A file of the model is missing or damaged.
    """
    base = Path(plan.base_folder)
    device = pick_device(plan.settings.device)
    network = load_network(base).to(device)
    network.requires_grad_(False)
    base_sha256 = _sha256(base / MODEL_FILE)
    return Bench(
        plan=plan,
        network=network,
        tokens=TextTokens(base, plan.language, network.config.vocab_size),
        encodings=EncodingCache(folder / ENCODINGS_FOLDER, network, base_sha256),
        base_sha256=base_sha256,
    )


def pick_device(wanted: str) -> str:
    """``cpu`` or ``cuda``; ``auto`` takes CUDA when it is there.

    Raises:
        InvalidInputError: CUDA was asked for and is not there, or the name is unknown.
    """
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InvalidInputError(
            "Training was asked to use CUDA, but no usable GPU is on this machine. Set device to 'auto'.",
            target="device",
        )
    if wanted not in ("cpu", "cuda"):
        raise InvalidInputError(f"'{wanted}' is not a device. Use auto, cpu or cuda.", target="device")
    return wanted


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _nothing() -> None:
    """For encodings whose progress nobody watches."""
