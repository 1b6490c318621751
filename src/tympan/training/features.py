"""Recordings to encoder outputs, kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
import soundfile
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError
from tympan.training.weights import Network

_RATE_HZ = 16_000
_FRAMES_PER_S = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A stretch of audio as the encoder shall see it.

    Attributes:
        files: FLAC files, 16 kHz mono, one after the other.
        gap_s: Silence between them in seconds.
        context_s: Length the audio is padded or cut to, a multiple of 0.5 s up to 30 s.
    """

    files: tuple[str, ...]
    gap_s: float
    context_s: float


def read_clip(clip: Clip) -> NDArray[np.float32]:
    """The samples of a clip, shape ``(context_s * 16000,)``, in [-1, 1].

    Raises:
        InvalidInputError: A file is not 16 kHz mono FLAC.
    """
    gap = np.zeros(round(clip.gap_s * _RATE_HZ), np.float32)
    pieces: list[NDArray[np.float32]] = []
    for file in clip.files:
        if pieces:
            pieces.append(gap)
        samples, rate_hz = soundfile.read(file, dtype="float32")
        if rate_hz != _RATE_HZ or samples.ndim != 1:
            raise InvalidInputError(f"{Path(file).name} is not 16 kHz mono; import the dataset again.")
        pieces.append(samples)
    joined = np.concatenate(pieces)
    window = np.zeros(round(clip.context_s * _RATE_HZ), np.float32)
    count = min(len(joined), len(window))
    window[:count] = joined[:count]
    return window


def log_mel(samples: NDArray[np.float32], mels: int) -> NDArray[np.float32]:
    """Whisper's log mel spectrogram, shape ``(mels, frames)``, 100 frames a second."""
    frames = len(samples) * _FRAMES_PER_S // _RATE_HZ
    spectrogram: NDArray[np.float32] = _extractor(mels)(samples, padding=0)[:, :frames]
    return spectrogram


@torch.inference_mode()
def encode(network: Network, mels: torch.Tensor) -> torch.Tensor:
    """Run the encoder on any even number of frames.

    ``transformers`` accepts 30 s only; positions of shorter audio are the first ones.

    Args:
        network: Whisper.
        mels: Shape ``(batch, mels, frames)``.

    Returns:
        Shape ``(batch, frames / 2, width)``.
    """
    encoder, gelu = network.model.encoder, torch.nn.functional.gelu
    hidden = gelu(encoder.conv2(gelu(encoder.conv1(mels)))).transpose(1, 2)
    hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
    for layer in encoder.layers:
        output = layer(hidden, None)
        hidden = output[0] if isinstance(output, tuple) else output
    return torch.as_tensor(encoder.layer_norm(hidden))


class EncodingCache:
    """Encoder outputs as float16 files, one a clip, so memory does not grow with the data.

    Args:
        folder: Where the files go; they may be deleted at any time.
        network: Whisper with the base model's encoder.
        fingerprint: Names the encoder's weights; other weights never share a file.
    """

    def __init__(self, folder: Path, network: Network, fingerprint: str) -> None:
        self._folder = folder
        self._network = network
        self._fingerprint = fingerprint
        folder.mkdir(parents=True, exist_ok=True)

    def fill(self, clips: Sequence[Clip], advance: Callable[[], None], *, batch_size: int) -> None:
        """Encode the clips that are not there yet, calling ``advance`` once per clip."""
        missing = [clip for clip in clips if not self._path(clip).exists()]
        for _ in range(len(clips) - len(missing)):
            advance()
        missing.sort(key=lambda clip: clip.context_s)
        for _, same_length in groupby(missing, key=lambda clip: clip.context_s):
            group = list(same_length)
            for start in range(0, len(group), batch_size):
                batch = group[start : start + batch_size]
                for clip, encoding in zip(batch, self.encode(batch), strict=True):
                    self._write(clip, encoding)
                    advance()

    def load(self, clip: Clip) -> NDArray[np.float16]:
        """The encoding of a clip, shape ``(frames, width)``, 50 frames a second."""
        path = self._path(clip)
        if not path.exists():
            self._write(clip, self.encode([clip])[0])
        return np.asarray(np.load(path))

    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float16]]:
        """Encode clips of one context length, each to ``(frames, width)``, without keeping anything."""
        weight = self._network.model.encoder.conv1.weight
        mels = np.stack([log_mel(read_clip(clip), weight.shape[1]) for clip in clips])
        inputs = torch.from_numpy(mels).to(weight.device)
        with torch.autocast(weight.device.type, torch.bfloat16, enabled=weight.device.type == "cuda"):
            outputs = encode(self._network, inputs)
        return list(outputs.to(torch.float16).cpu().numpy())

    def _write(self, clip: Clip, encoding: NDArray[np.float16]) -> None:
        path = self._path(clip)
        half_written = path.with_suffix(".part")
        with half_written.open("wb") as file:
            np.save(file, encoding)
        half_written.replace(path)

    def _path(self, clip: Clip) -> Path:
        gap_s = clip.gap_s if len(clip.files) > 1 else 0.0
        parts = [self._fingerprint, f"{gap_s}", f"{clip.context_s}"]
        # Files are named by their content, so the name alone identifies them on any machine.
        parts += [Path(file).name for file in clip.files]
        return self._folder / f"{hashlib.sha256('|'.join(parts).encode()).hexdigest()}.npy"


@cache
def _extractor(mels: int) -> FeatureExtractor:
    return FeatureExtractor(feature_size=mels)
