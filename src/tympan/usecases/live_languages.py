"""Telling which language is spoken while it is spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tympan.domain.model import Bundle
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.recognizer import Recognizer

_SURE = 0.8
_LIKELY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Which language was told, and how sure that is: ``High``, ``Medium`` or ``Low``.

    Source: ``PrimaryLanguage`` of the speech protocol.
    """

    locale: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLanguages:
    """Tells the language of phrases among candidates.

    Attributes:
        bundle: A multilingual model.
        candidates: BCP-47 tags, the likeliest first.
    """

    recognizer: Recognizer
    bundle: Bundle
    candidates: Sequence[str]

    def told(self, samples: NDArray[np.float32]) -> Told | None:
        """The language of a phrase; None where there is no voice.

        Args:
            samples: Of the phrase: shape ``(samples,)``, 16 kHz mono in [-1, 1].

        Raises:
            InvalidInputError: The model does not know the language of a candidate.
            UnavailableError: The engine cannot be reached.
        """
        [stretches] = self.recognizer.identify_languages(self.bundle, [samples], self.candidates)
        if not stretches:
            return None
        shares = np.zeros(len(self.candidates))
        for stretch in stretches:
            shares += np.array(stretch.probabilities) * ((stretch.end - stretch.start) / SAMPLE_RATE_HZ)
        total = float(shares.sum())
        best = int(shares.argmax())
        share = float(shares[best]) / total if total > 0 else 0.0
        confidence = "High" if share >= _SURE else "Medium" if share >= _LIKELY else "Low"
        return Told(locale=self.candidates[best], confidence=confidence)
