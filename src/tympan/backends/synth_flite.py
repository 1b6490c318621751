"""Synthetic speech by flite, where the owner has installed the program."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tympan.domain.errors import EngineError
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.synthesizer import Voice

_SPEAKERS = {"slt": "en-US", "rms": "en-US", "kal16": "en-US", "awb": "en-GB"}
_TIMEOUT_S = 30
_PEAK = 0.6
_SHORTEST_S = 0.2


class FliteSynthesizer:
    """Runs the program once a sentence. English only.

    Args:
        program: Path of ``flite``; None looks for it on PATH. Without it there are no voices.
    """

    def __init__(self, program: str | None = None) -> None:
        self._program = program or shutil.which("flite")

    def voices(self, locale: str) -> Sequence[Voice]:
        """Four English speakers, those of the locale's region first."""
        if self._program is None or locale.partition("-")[0] != "en":
            return []
        names = sorted(_SPEAKERS, key=lambda name: _SPEAKERS[name] != locale)
        return [
            Voice(
                id=f"flite:{name}",
                language=_SPEAKERS[name],
                speaker=f"cmu-{name}",
                licence="LicenseRef-flite",
                isolation="subprocess",
                cost=0.013,
            )
            for name in names
        ]

    def synthesize(self, text: str, voice: Voice, *, rate: float = 1.0) -> NDArray[np.float32]:
        """Speak a sentence, shape ``(samples,)``, 16 kHz mono, peak 0.6.

        Raises:
            EngineError: The voice is unknown, or cannot speak this text.
        """
        name = voice.id.removeprefix("flite:")
        if self._program is None or name not in _SPEAKERS:
            raise EngineError(f"There is no voice '{voice.id}' in this engine.", target=voice.id)
        with tempfile.TemporaryDirectory(prefix="tympan-flite-") as folder:
            file = Path(folder) / "speech.wav"
            self._run(["-voice", name, "--setf", f"duration_stretch={1 / rate:.4f}"], text, file)
            samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
        mono: NDArray[np.float32] = samples.mean(axis=1)
        if rate_hz != SAMPLE_RATE_HZ:
            mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)
        peak = float(np.abs(mono).max(initial=0.0))
        if peak == 0.0 or len(mono) < _SHORTEST_S * SAMPLE_RATE_HZ:
            raise EngineError(f"The voice {name} cannot speak '{text[:60]}'.", target=voice.id)
        return mono * np.float32(_PEAK / peak)

    def _run(self, options: list[str], text: str, file: Path) -> None:
        command = [str(self._program), *options, "-t", " ".join(text.split()), "-o", str(file)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"flite gave up on '{text[:60]}': {error}.") from error
        if done.returncode or not file.exists():
            raise EngineError(
                f"flite cannot speak '{text[:60]}': {done.stderr.decode(errors='replace')[:200]}"
            )
