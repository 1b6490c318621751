"""Who speaks when in a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError
from tympan.ports.speaker_embedder import SpeakerEmbedder, VoiceTrace
from tympan.speech.segmentation import Span
from tympan.speech.speaker_clusters import speaker_centroids
from tympan.speech.speaker_turns import SpeakerTurn, numbered, speech_seconds, turns_of
from tympan.speech.windows import Window
from tympan.usecases.window_work import worked_in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoSpeaks:
    """Tells speakers apart over the whole of a recording.

    Attributes:
        at_once: Windows worked on together.
    """

    embedder: SpeakerEmbedder
    at_once: int = 1

    def turns(self, windows: Iterator[Window], speakers: tuple[int, int | None]) -> list[list[SpeakerTurn]]:
        """Find who speaks when, on each channel.

        One person has one number, on whichever channel; numbers count from 1 in the order in
        which people first speak. Of the recording only vectors are kept: about 15 MB for each
        channel of four hours.

        Args:
            windows: Of the recording, all with the same channels. Where it is damaged, what
                comes before the damage counts.
            speakers: How many there are, at least and at most; None: any number.

        Raises:
            InvalidInputError: The weights are not installed (``DiarizationNotInstalled``).
            ModelDamagedError: The weights are not the published ones.
            UnavailableError: The model host cannot be reached.
        """
        self.embedder.check()
        tracks: list[_Track] = []
        for window, traces in worked_in_order(_undamaged(windows), self._traced, at_once=self.at_once):
            tracks = tracks or [_Track([], [], []) for _ in traces]
            for track, trace in zip(tracks, traces, strict=True):
                track.add(trace, window.start)
        heard = [track for track in tracks if track.windows]
        if not heard:
            return [[] for _ in tracks]
        least, most = speakers
        vectors = np.concatenate([track.joined() for track in heard])
        seconds = np.concatenate([speech_seconds(track.windows) for track in heard])
        centroids = speaker_centroids(vectors, seconds, least=least, most=most)
        return numbered([track.turns(centroids) for track in tracks])

    def _traced(self, window: Window) -> Sequence[VoiceTrace]:
        return self.embedder.trace(list(np.ascontiguousarray(window.samples)))


@dataclass(frozen=True, slots=True)
class _Track:
    """What is kept of a channel; ranges count from the start of the recording."""

    stretches: list[Span]
    windows: list[Span]
    vectors: list[NDArray[np.float32]]

    def add(self, trace: VoiceTrace, start: int) -> None:
        self.stretches.extend((first + start, after + start) for first, after in trace.stretches)
        self.windows.extend((first + start, after + start) for first, after in trace.windows)
        if trace.windows:
            self.vectors.append(trace.vectors)

    def joined(self) -> NDArray[np.float32]:
        return np.concatenate(self.vectors)

    def turns(self, centroids: NDArray[np.float32]) -> list[SpeakerTurn]:
        if not self.windows:
            return []
        return turns_of(self.stretches, self.windows, self.joined() @ centroids.T)


def _undamaged(windows: Iterator[Window]) -> Iterator[Window]:
    try:
        yield from windows
    except InvalidInputError:
        return
