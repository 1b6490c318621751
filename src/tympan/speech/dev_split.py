"""Which recordings are held out to decide when training stops."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

SHARE = 0.12
SMALLEST_SET = 40
"""With fewer recordings every one is needed for training; then nothing is held out."""

_LEAST = 8
_MOST = 64
_LARGEST_SHARE = 0.25


def dev_indexes(groups: Sequence[str], seed: int) -> frozenset[int]:
    """Pick about an eighth of the recordings, whole groups at a time.

    Recordings of one group (a speaker or session) are never on both sides. A group that
    would take more than a quarter of everything is passed over. Adding recordings moves no
    group that was there before to another place in the order of choice.

    Args:
        groups: One a recording, in any order.
        seed: Another seed gives another choice.

    Returns:
        Indexes into ``groups``; empty when there are too few recordings, or when the groups
        are so large that nothing sensible can be held out.

    >>> len(dev_indexes([f"speaker{i % 20}" for i in range(200)], seed=0))
    30
    """
    total = len(groups)
    if total < SMALLEST_SET:
        return frozenset()
    wanted = min(_MOST, max(_LEAST, round(total * SHARE)))
    sizes = Counter(groups)
    chosen: set[str] = set()
    taken = 0
    for group in sorted(sizes, key=lambda name: _draw(name, seed)):
        if taken + sizes[group] <= max(wanted, total * _LARGEST_SHARE):
            chosen.add(group)
            taken += sizes[group]
        if taken >= wanted:
            break
    if taken < _LEAST:
        return frozenset()
    return frozenset(index for index, group in enumerate(groups) if group in chosen)


def _draw(group: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}|{group}".encode()).hexdigest()
