"""Synthetic speech by SVOX Pico: six voices that come with a package."""

from __future__ import annotations

import importlib.util
import json
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import EngineError
from tympan.ports.synthesizer import Voice

_LOCALES = ("en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "it-IT")
_PEAK = 0.6
_SHORTEST_SAMPLES = 3200
"""For text it cannot speak the library returns up to 0.14 s of a click."""


class PicoSynthesizer:
    """Speaks with py-nanotts, each voice in a child process that is started when first needed."""

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def voices(self, locale: str) -> Sequence[Voice]:
        """The voices of a locale's language, its own region first.

        Empty for other languages, and where the package is not installed.
        """
        if importlib.util.find_spec("py_nanotts") is None:
            return []
        language = locale.partition("-")[0]
        own = [known for known in _LOCALES if known.partition("-")[0] == language]
        return [_voice(known) for known in sorted(own, key=lambda known: known != locale)]

    def synthesize(self, text: str, voice: Voice, *, rate: float = 1.0) -> NDArray[np.float32]:
        """Speak a sentence, shape ``(samples,)``, 16 kHz mono, peak 0.6.

        Raises:
            EngineError: The voice is unknown, or cannot speak this text.
        """
        locale = voice.id.removeprefix("pico:")
        if locale not in _LOCALES:
            raise EngineError(f"There is no voice '{voice.id}' in this engine.", target=voice.id)
        with self._lock:
            raw = self._ask(locale, text, rate)
        samples = np.frombuffer(raw, dtype="<i2").astype(np.float32)
        peak = float(np.abs(samples).max(initial=0.0))
        if peak == 0.0 or len(samples) < _SHORTEST_SAMPLES:
            raise EngineError(f"The voice {locale} cannot speak '{text[:60]}'.", target=voice.id)
        return samples * np.float32(_PEAK / peak)

    def close(self) -> None:
        """End the child processes."""
        with self._lock:
            for child in self._children.values():
                _end(child)
            self._children.clear()

    def _ask(self, locale: str, text: str, rate: float) -> bytes:
        child = self._child(locale)
        if child.stdin is None or child.stdout is None:
            raise EngineError(f"The voice {locale} cannot be reached.", target=locale)
        request = json.dumps({"text": " ".join(text.split()), "rate": rate}) + "\n"
        try:
            child.stdin.write(request.encode())
            child.stdin.flush()
            length = struct.unpack("<I", _exactly(child, 4))[0]
            return _exactly(child, length)
        except (OSError, EOFError) as error:
            _end(self._children.pop(locale))
            raise EngineError(
                f"The voice {locale} gave up on '{text[:60]}'. Leave this sentence out.", target=locale
            ) from error

    def _child(self, locale: str) -> subprocess.Popen[bytes]:
        child = self._children.get(locale)
        if child is None or child.poll() is not None:
            command = [sys.executable, "-m", "tympan.backends.pico_child", locale]
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
            self._children[locale] = child
        return child


def _voice(locale: str) -> Voice:
    return Voice(
        id=f"pico:{locale}",
        language=locale,
        speaker=f"pico-{locale}",
        licence="Apache-2.0",
        isolation="subprocess",
        cost=0.004,
    )


def _exactly(child: subprocess.Popen[bytes], size: int) -> bytes:
    raw = child.stdout.read(size) if child.stdout else b""
    if len(raw) != size:
        raise EOFError
    return raw


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
