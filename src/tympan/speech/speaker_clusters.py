"""How many voices there are, and what each of them sounds like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape ``(windows, dimensions)``, each row of length 1."""

_SAME_VOICE = 0.30
"""Groups of windows whose mean cosine is at least this are one speaker."""

_CERTAINLY_SAME = (0.60, 0.50, 0.40)
"""What may be joined before all windows are compared with each other."""

_BLOCK = 1000
_MOST_COMPARED = 2500

_LEAST_SPEAKER_S = (1.0, 5.0)
_LEAST_SHARE = 0.05
"""Who speaks less than a twentieth of the time is no speaker; 1 s is never enough, 5 s always."""

_ROUNDS = 3


def speaker_centroids(
    vectors: Vectors, seconds: NDArray[np.float32], *, least: int = 1, most: int | None = None
) -> Vectors:
    """Find the speakers of a recording.

    Windows are joined from the most alike on (average linkage over cosines) until no two
    groups are alike. Then each window goes to its nearest speaker, which settles both.

    Args:
        vectors: Embeddings of windows of one voice each, most of them, in time order.
        seconds: Shape ``(windows,)``: how much speech each window stands for.
        least: Speakers there are at least, where so many voices can be told apart.
        most: Speakers there are at most; None: as many as are heard.

    Returns:
        Shape ``(speakers, dimensions)``, each row of length 1, in no order; no rows when
        there are no windows.
    """
    if len(vectors) == 0:
        return vectors
    groups = _condensed(_Groups(vectors, seconds))
    merges = _merges(groups)
    kept = groups.merged(merges[: _stop(groups, merges, least, most)])
    is_speaker = kept.seconds >= _least_s(groups)
    if not is_speaker.any():
        is_speaker = kept.seconds == kept.seconds.max()
    return _settled(vectors, seconds, _unit(kept.sums[is_speaker]))


Merge = tuple[int, int, float]
"""The group that grows, the one that goes into it, and their mean cosine."""


class _Groups:
    """Groups of windows: the sum of their vectors, their number, their speech."""

    def __init__(
        self,
        sums: NDArray[np.floating],
        seconds: NDArray[np.floating],
        sizes: NDArray[np.float64] | None = None,
    ) -> None:
        self.sums = np.asarray(sums, np.float64)
        self.seconds = np.asarray(seconds, np.float64)
        self.sizes = np.ones(len(sums)) if sizes is None else sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def merged(self, merges: Sequence[Merge]) -> _Groups:
        """The groups after some of the merges."""
        sums, seconds, sizes = self.sums.copy(), self.seconds.copy(), self.sizes.copy()
        is_left = np.ones(len(sizes), bool)
        for into, other, _ in merges:
            for values in (sums, seconds, sizes):
                values[into] += values[other]
            is_left[other] = False
        return _Groups(sums[is_left], seconds[is_left], sizes[is_left])


def _condensed(groups: _Groups) -> _Groups:
    """Few enough groups to compare each with each, whatever the length of the recording."""
    for alike in _CERTAINLY_SAME:
        if len(groups) <= _MOST_COMPARED:
            return groups
        blocks = []
        for first in range(0, len(groups), _BLOCK):
            part = slice(first, first + _BLOCK)
            block = _Groups(groups.sums[part], groups.seconds[part], groups.sizes[part])
            merges = _merges(block)
            blocks.append(block.merged(merges[: _first_below(merges, alike)]))
        groups = _Groups(
            np.concatenate([block.sums for block in blocks]),
            np.concatenate([block.seconds for block in blocks]),
            np.concatenate([block.sizes for block in blocks]),
        )
    # Windows that are like no others settle with the speaker they are nearest to.
    heaviest = np.sort(np.argsort(-groups.seconds, kind="stable")[:_MOST_COMPARED])
    return _Groups(groups.sums[heaviest], groups.seconds[heaviest], groups.sizes[heaviest])


def _merges(groups: _Groups) -> list[Merge]:
    """All merges down to one group, the most alike first.

    The mean cosine between the windows of two groups is the product of their sums over the
    product of their sizes, so no cosine is kept after a merge.
    """
    sums, sizes = groups.sums.copy(), groups.sizes.copy()
    alike = sums @ sums.T / np.outer(sizes, sizes)
    np.fill_diagonal(alike, -np.inf)
    nearest = alike.argmax(axis=1)
    best = alike.max(axis=1)
    is_left = np.ones(len(sizes), bool)
    merges: list[Merge] = []
    for _ in range(len(sizes) - 1):
        into = int(best.argmax())
        other = int(nearest[into])
        merges.append((into, other, float(best[into])))
        sums[into] += sums[other]
        sizes[into] += sizes[other]
        is_left[other] = False
        row = sums @ sums[into] / (sizes * sizes[into])
        row[~is_left] = row[into] = -np.inf
        alike[other] = alike[:, other] = best[other] = -np.inf
        alike[into] = alike[:, into] = row
        nearer = is_left & (row > best)
        nearest[nearer], best[nearer] = into, row[nearer]
        for stale in np.flatnonzero(is_left & ~nearer & np.isin(nearest, (into, other))):
            nearest[stale] = alike[stale].argmax()
            best[stale] = alike[stale, nearest[stale]]
    return merges


def _first_below(merges: Sequence[Merge], alike: float) -> int:
    """How many merges there are before the first of groups that are less alike."""
    return next((index for index, merge in enumerate(merges) if merge[2] < alike), len(merges))


def _least_s(groups: _Groups) -> float:
    shortest, longest = _LEAST_SPEAKER_S
    return float(np.clip(_LEAST_SHARE * groups.seconds.sum(), shortest, longest))


def _stop(groups: _Groups, merges: Sequence[Merge], least: int, most: int | None) -> int:
    """How many merges to make: until no two groups are alike, or as the hints want it."""
    counts = _speaker_counts(groups, merges)
    stop = _first_below(merges, _SAME_VOICE)
    while most is not None and counts[stop] > most:
        stop += 1
    if counts[stop] >= least:
        return stop
    fitting = [
        index for index, count in enumerate(counts) if count >= least and (most is None or count <= most)
    ]
    if fitting:
        return min(fitting, key=lambda index: abs(index - stop))
    # Fewer voices than were announced: as many as there are.
    richest = max(counts)
    return max(index for index, count in enumerate(counts) if count == richest)


def _speaker_counts(groups: _Groups, merges: Sequence[Merge]) -> list[int]:
    """The number of groups that are large enough for a speaker, after 0, 1, 2, ... merges."""
    seconds, least_s = groups.seconds.copy(), _least_s(groups)
    count = int((seconds >= least_s).sum())
    counts = [count]
    for into, other, _ in merges:
        before = int(seconds[into] >= least_s) + int(seconds[other] >= least_s)
        seconds[into] += seconds[other]
        count += int(seconds[into] >= least_s) - before
        counts.append(count)
    return counts


def _settled(vectors: Vectors, seconds: NDArray[np.float32], centroids: Vectors) -> Vectors:
    """Each window to its nearest speaker, and each speaker to the middle of its windows."""
    weighted = vectors * seconds[:, np.newaxis]
    for _ in range(_ROUNDS):
        nearest = (vectors @ centroids.T).argmax(axis=1)
        sums = np.stack([weighted[nearest == speaker].sum(axis=0) for speaker in range(len(centroids))])
        is_heard = np.linalg.norm(sums, axis=1) > 0
        centroids = _unit(np.where(is_heard[:, np.newaxis], sums, centroids))
    return centroids


def _unit(rows: NDArray[np.floating]) -> Vectors:
    unit: Vectors = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return unit
