"""All synthesisers of this machine as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from tympan.backends.synth_flite import FliteSynthesizer
from tympan.backends.synth_pico import PicoSynthesizer
from tympan.domain.errors import EngineError
from tympan.ports.synthesizer import Synthesizer, Voice


class JoinedSynthesizer:
    """Offers the voices of several engines in turn; a speaker that two engines have once.

    Args:
        engines: By the first part of their voices' ids.
    """

    def __init__(self, engines: dict[str, Synthesizer]) -> None:
        self._engines = engines

    def voices(self, locale: str) -> Sequence[Voice]:
        """One voice of each engine, then the second of each, and so on."""
        rounds = zip_longest(*(engine.voices(locale) for engine in self._engines.values()))
        voices = [voice for one_round in rounds for voice in one_round if voice is not None]
        return list({voice.speaker: voice for voice in reversed(voices)}.values())[::-1]

    def synthesize(self, text: str, voice: Voice, *, rate: float = 1.0) -> NDArray[np.float32]:
        """Speak a sentence with the engine that has the voice.

        Raises:
            EngineError: No engine has it, or it cannot speak this text.
        """
        engine = self._engines.get(voice.id.partition(":")[0])
        if engine is None:
            raise EngineError(f"There is no voice '{voice.id}' on this machine.", target=voice.id)
        return engine.synthesize(text, voice, rate=rate)


def installed_synthesizer() -> Synthesizer:
    """Every engine that is installed: Pico as a package, flite as a program on PATH."""
    return JoinedSynthesizer({"pico": PicoSynthesizer(), "flite": FliteSynthesizer()})
