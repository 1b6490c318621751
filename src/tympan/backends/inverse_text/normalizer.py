"""The InverseNormalizer port: the library that a language's cases are best with."""

from __future__ import annotations

from tympan.backends.inverse_text import finite_state, found_numbers
from tympan.speech.itn_english import write_english
from tympan.speech.itn_house_rules import count_units, join_digits, number_windows, only_numbers
from tympan.speech.itn_languages import language_of

_MOST_PASSES = 4
"""A figure can make its neighbour readable; the last pass changes nothing, mostly at no cost."""


class LibraryInverseNormalizer:
    """Grammars where there are some, else a finder of numbers with rules about writing them."""

    def __init__(self) -> None:
        self._grammars = finite_state.FiniteStateNumbers()

    def normalize(self, text: str, locale: str) -> str:
        """Write what stands for a number as it is written."""
        language = language_of(locale)
        if language not in finite_state.LANGUAGES | found_numbers.LANGUAGES:
            return text
        written = text
        for _ in range(_MOST_PASSES):
            before, written = written, self._pass(written, language, locale)
            if written == before:
                return written
        return text  # rules that never settle would write something else each time

    def _pass(self, text: str, language: str, locale: str) -> str:
        pieces: list[str] = []
        at = 0
        # Most texts have no number, and long ones a few: the rest costs a hundred times as much.
        for start, end in number_windows(text, language):
            pieces += (text[at:start], self._written(text[start:end], language, locale))
            at = end
        return "".join((*pieces, text[at:])) if pieces else text

    def _written(self, text: str, language: str, locale: str) -> str:
        joined = join_digits(write_english(text) if language == "en" else text, language)
        if language in finite_state.LANGUAGES:
            found = self._grammars.write(joined, language, locale)
        else:
            found = found_numbers.write_found_numbers(joined, language)
        return count_units(only_numbers(joined, found, language), language)
