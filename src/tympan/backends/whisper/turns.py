"""Pieces in which the speaker changes, cut between two words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from tympan.backends.whisper.hearing import Heard
from tympan.backends.whisper.words import PlacedWord, is_punctuation

_SENTENCE_ENDS = (".", "?", "!", "。", "\uff1f", "\uff01", "؟", "।")
"""Also full stops, question and exclamation marks of Chinese, Arabic and Hindi."""

_SENTENCE_SAMPLES = 4_800
"""A change 300 ms away at the end of a sentence is as good as one at hand within it."""


def split_at_changes(heard: Heard, changes: Sequence[int]) -> list[Heard]:
    """What a piece says, one part for each turn in it.

    Each change goes to the nearest gap between words, the end of a sentence first. Parts have
    no less likely texts: those of the whole cannot be cut.

    Args:
        heard: With its words.
        changes: Samples of the recording at which another speaker begins.
    """
    begun = heard.piece.start
    gaps = _gaps(heard.words)
    cuts = sorted(
        {
            _nearest(heard.words, gaps, change - begun)
            for change in changes
            if begun < change < begun + heard.piece.samples.size
        }
        - {0, len(heard.words)}
    )
    if not cuts:
        return [heard]
    parts = [heard.words[first:after] for first, after in pairwise((0, *cuts, len(heard.words)))]
    edges = [begun + part[0][1] for part in parts[1:]]
    first, last = heard.piece.speech
    edges = [first, *(min(max(edge, first), last) for edge in edges), last]
    return [_part(heard, words, span, len(parts)) for words, span in zip(parts, pairwise(edges), strict=True)]


def _gaps(words: Sequence[PlacedWord]) -> list[int]:
    """Where a part may begin: before a word, never before the punctuation that ends one."""
    inner = [
        index
        for index in range(1, len(words))
        if words[index][0].startswith(" ") or not is_punctuation(words[index][0].strip())
    ]
    return [0, *inner, len(words)] if words else []


def _nearest(words: Sequence[PlacedWord], gaps: Sequence[int], change: int) -> int:
    if not gaps:
        return 0

    def cost(gap: int) -> int:
        place = words[gap][1] if gap < len(words) else words[-1][2]
        is_end = 0 < gap < len(words) and words[gap - 1][0].strip().endswith(_SENTENCE_ENDS)
        return abs(place - change) - (_SENTENCE_SAMPLES if is_end else 0)

    return min(gaps, key=cost)


def _part(heard: Heard, words: Sequence[PlacedWord], speech: tuple[int, int], parts: int) -> Heard:
    logs = [math.log(max(word[3], 1e-10)) for word in words]
    decoded = replace(
        heard.decoded,
        ids=(),
        text="".join(word[0] for word in words).strip(),
        confidence=math.exp(sum(logs) / len(logs)),
        others=(),
    )
    piece = replace(heard.piece, speech=speech)
    return replace(heard, piece=piece, decoded=decoded, words=tuple(words), cpu_s=heard.cpu_s / parts)
