"""A synthesiser without a voice: syllables of noise, a little different for every text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import EngineError
from tympan.ports.synthesizer import Voice
from tympan.testing.audio import speech_like

_SECONDS_PER_CHARACTER = 0.06


class FakeSynthesizer:
    """Speaks the languages it is told to, with two voices each.

    Args:
        languages: First parts of locales.
        unspeakable: Texts it fails on.
    """

    def __init__(self, languages: Sequence[str] = ("en",), *, unspeakable: Sequence[str] = ()) -> None:
        self._languages = frozenset(languages)
        self._unspeakable = frozenset(unspeakable)
        self.spoken: list[str] = []

    def voices(self, locale: str) -> Sequence[Voice]:
        """Two voices for its own languages, none for others."""
        language = locale.partition("-")[0]
        if language not in self._languages:
            return []
        return [
            Voice(
                id=f"fake:{language}-{name}",
                language=locale,
                speaker=name,
                licence="Apache-2.0",
                isolation="in_process",
                cost=0.0,
            )
            for name in ("anna", "bert")
        ]

    def synthesize(self, text: str, voice: Voice, *, rate: float = 1.0) -> NDArray[np.float32]:
        """Noise as long as the text, in syllables."""
        if not text.strip() or text in self._unspeakable:
            raise EngineError(f"The voice cannot speak '{text}'.", target=voice.id)
        self.spoken.append(text)
        seed = int.from_bytes(hashlib.sha256(f"{voice.id}|{text}".encode()).digest()[:4], "big")
        return speech_like(max(0.5, len(text) * _SECONDS_PER_CHARACTER) / rate, seed)
