"""Two ways of hearing: a cheap one, and a careful one for what it is not sure of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tympan.backends.whisper.hearing import Heard, Hearing, Piece

_SURE = 0.8
"""Confidence from which the cheap way's text is taken. Of phrases of accented and of telephone
speech about 70 % reach it, and careful hearing would write them with as many errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """Hears with ``quick``, and with ``careful`` what that is not sure of."""

    quick: Hearing
    careful: Hearing

    def hear(self, pieces: Sequence[Piece]) -> Iterator[Heard]:
        """Decode pieces; the results come in another order."""
        spent, unsure = {}, []
        for one in self.quick.hear(pieces):
            if one.decoded.text and one.decoded.confidence >= _SURE:
                yield one
            else:
                unsure.append(one.piece)
                spent[one.piece] = one.cpu_s
        for one in self.careful.hear(unsure):
            yield replace(one, cpu_s=one.cpu_s + spent[one.piece])
