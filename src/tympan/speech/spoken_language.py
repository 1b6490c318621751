"""Deciding which language is spoken, from what a network makes of stretches of voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DOUBT = 0.05
"""A network is never surer than this: on short stretches it is wrong and sure of it."""

_FULL_S = 3.0
"""A stretch of this length counts in full; a shorter one by its share."""

_CHANGE_COST = 1.0
"""What another language than before must gain, as natural logarithm of a likelihood."""

_LEAST_SHARE = 0.2
"""Where the candidates together are less likely than this, another language is spoken."""

_SECOND_SHARE = 0.25
_SECOND_S = 5.0
"""A second language has a quarter of the voice, and 5 s of it at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a network makes of a stretch of voice.

    Attributes:
        seconds: Its length.
        probabilities: Of each candidate among all languages; they may add up to less than 1.
    """

    seconds: float
    probabilities: tuple[float, ...]


def languages_of(stretches: Sequence[Evidence]) -> list[int]:
    """The language of each stretch, as an index of the candidates.

    The likeliest path: a long clear stretch decides for itself, a short or doubtful one goes
    with its neighbours.

    Args:
        stretches: In time order, of one voice track.

    >>> sure = Evidence(seconds=5, probabilities=(0.9, 0.1))
    >>> languages_of([sure, Evidence(seconds=0.4, probabilities=(0.3, 0.6)), sure])
    [0, 0, 0]
    """
    if not stretches:
        return []
    gains = np.stack([_log_likelihood(one) for one in stretches])
    candidates = np.arange(gains.shape[1])
    score, came_from = gains[0], np.zeros(gains.shape, np.intp)
    for index in range(1, len(gains)):
        changed = score.max() - _CHANGE_COST
        came_from[index] = np.where(score >= changed, candidates, score.argmax())
        score = np.maximum(score, changed) + gains[index]
    path = [int(score.argmax())]
    for index in range(len(gains) - 1, 0, -1):
        path.append(int(came_from[index, path[-1]]))
    return path[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Which languages a recording is in.

    Attributes:
        language: Index of the candidate that most of it is in; None when nobody speaks, or in
            another language than the candidates'.
        others: Indexes of further candidates that much of it is in.
    """

    language: int | None
    others: tuple[int, ...] = ()


def verdict_on(tracks: Sequence[Sequence[Evidence]]) -> Verdict:
    """Say which one language a recording is in.

    Args:
        tracks: The stretches of each channel, in time order.
    """
    heard = [one for track in tracks for one in track]
    seconds = sum(one.seconds for one in heard)
    known = sum(one.seconds * sum(one.probabilities) for one in heard)
    if not heard or known < _LEAST_SHARE * seconds:
        return Verdict(language=None)
    shares = np.zeros(len(heard[0].probabilities))
    for track in tracks:
        for one, language in zip(track, languages_of(track), strict=True):
            shares[language] += one.seconds
    best = int(shares.argmax())
    others = np.flatnonzero((shares >= _SECOND_SHARE * seconds) & (shares >= _SECOND_S))
    return Verdict(language=best, others=tuple(int(other) for other in others if other != best))


def _log_likelihood(stretch: Evidence) -> NDArray[np.float64]:
    """Of each candidate, doubt and length allowed for."""
    shares = np.asarray(stretch.probabilities, np.float64)
    total = shares.sum()
    even = np.full(shares.size, 1 / shares.size)
    shares = shares / total if total > 0 else even
    weight = min(1.0, stretch.seconds / _FULL_S)
    log: NDArray[np.float64] = weight * np.log((1 - _DOUBT) * shares + _DOUBT * even)
    return log
