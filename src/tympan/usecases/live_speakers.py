"""Telling apart who speaks while they speak."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.speaker_embedder import SpeakerEmbedder
from tympan.speech.speaker_clusters import Vectors, speaker_centroids

_MOST_WINDOWS = 2000
"""Of an hour-long talk the latest windows say enough."""
_SAME_NAME = 0.5
"""A voice keeps its number when its middle is at least so much like the one it had before."""


@dataclass(slots=True, kw_only=True)
class LiveSpeakers:
    """Numbers the speakers of one stream, from 1 in the order in which they are first heard.

    With every phrase all voices so far are grouped anew; those that were numbered before keep
    their numbers. What was told is never taken back.

    Attributes:
        most: Speakers there are at most; None: as many as are heard.
    """

    embedder: SpeakerEmbedder
    most: int | None = None
    _vectors: list[Vectors] = field(default_factory=list)
    _seconds: list[NDArray[np.float32]] = field(default_factory=list)
    _named: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def speaker(self, samples: NDArray[np.float32]) -> int | None:
        """Who speaks in a phrase; None where there is too little voice to tell.

        Args:
            samples: Of the phrase: shape ``(samples,)``, 16 kHz mono in [-1, 1].

        Raises:
            InvalidInputError: The weights are not installed (``DiarizationNotInstalled``).
            UnavailableError: The model host cannot be reached.
        """
        [trace] = self.embedder.trace([samples])
        if len(trace.vectors) == 0:
            return None
        samples_each = [end - start for start, end in trace.windows]
        lengths = (np.array(samples_each) / SAMPLE_RATE_HZ).astype(np.float32)
        self._vectors.append(trace.vectors)
        self._seconds.append(lengths)
        vectors = np.concatenate(self._vectors)[-_MOST_WINDOWS:]
        centroids = speaker_centroids(vectors, np.concatenate(self._seconds)[-_MOST_WINDOWS:], most=self.most)
        voice = (trace.vectors * lengths[:, np.newaxis]).sum(axis=0)
        return self._number_of(centroids[int((centroids @ voice).argmax())])

    def _number_of(self, centroid: NDArray[np.float32]) -> int:
        likeness = {number: float(known @ centroid) for number, known in self._named.items()}
        number = max(likeness, key=lambda one: likeness[one], default=None)
        is_full = self.most is not None and len(self._named) >= self.most
        if number is None or (likeness[number] < _SAME_NAME and not is_full):
            number = len(self._named) + 1
        self._named[number] = centroid
        return number
