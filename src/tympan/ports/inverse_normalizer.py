"""Inverse text normalisation: spoken numbers as people write them."""

from __future__ import annotations

from typing import Protocol


class InverseNormalizer(Protocol):
    """Writes the numbers in a text as figures. Thread-safe.

    ``speech.itn_languages`` says which languages it must know, so that an answer can declare
    where there is none.
    """

    def normalize(self, text: str, locale: str) -> str:
        """Write what stands for a number, an amount, a time or a date as it is written.

        What already is written in figures stays as it is, and so does every word that is no part
        of a number. Applied to its own result it changes nothing.

        Args:
            text: As the model wrote it, with capitals and punctuation or without.
            locale: BCP-47 tag; the text of a language it does not know comes back unchanged.
        """
        ...
