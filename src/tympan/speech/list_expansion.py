"""Filling lists into sentences: every item is used, and nothing explodes.

All combinations of a file such as 800 sentences over 1,000 titles would be 800,000
sentences that teach nothing new. Instead each list is dealt out like a shuffled pack of
cards over all places that refer to it, until every item has been used once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tympan.speech.structured_text import Lists, reference_parts


class ListExpansion:
    """Deals items to sentences, the same way each time for the same file.

    Args:
        lists: From ``read_lists``.
        limit: Most sentences the file may become.
        seed: Of the shuffling.
    """

    def __init__(self, lists: Lists, *, limit: int, seed: int = 0) -> None:
        self._packs = {
            name: _shuffled(items, f"{seed} {name}") for name, items in lists.items.items() if items
        }
        self._next = dict.fromkeys(self._packs, 0)
        self._wanted = {
            name: -(-len(items) // max(lists.uses[name], 1)) for name, items in self._packs.items()
        }
        total = lists.sentences + sum(len(items) for name, items in self._packs.items() if lists.uses[name])
        self._most = limit if total <= limit else max(limit // max(lists.sentences, 1), 1)
        self.is_complete = total <= limit

    def sentences(self, text: str) -> Iterator[str]:
        """The sentences that one line becomes; the line itself when it refers to no list.

        Nothing for a line whose lists are empty.
        """
        plain, names = reference_parts(text)
        if any(name not in self._packs for name in names):
            return
        times = max((self._wanted[name] for name in names), default=1)
        for _ in range(min(times, self._most)):
            filled = [self._deal(name) for name in names]
            pieces = [piece for pair in zip(plain, [*filled, ""], strict=True) for piece in pair]
            yield " ".join("".join(pieces).split())

    def _deal(self, name: str) -> str:
        pack, place = self._packs[name], self._next[name]
        self._next[name] = (place + 1) % len(pack)
        return pack[place]


def _shuffled(items: list[str], seed: str) -> list[str]:
    pack = list(dict.fromkeys(items))
    random.Random(seed).shuffle(pack)  # noqa: S311  no secret is made of it
    return pack
