"""The InverseNormalizer port: the library that a language's cases are best with."""

from __future__ import annotations

from tympan.backends.inverse_text import finite_state, found_numbers
from tympan.speech.itn_house_rules import count_units, join_digits, only_numbers
from tympan.speech.itn_languages import language_of
from tympan.speech.number_words import has_number_word


class LibraryInverseNormalizer:
    """Grammars where there are some, else a finder of numbers with rules about writing them."""

    def __init__(self) -> None:
        self._grammars = finite_state.FiniteStateNumbers()

    def normalize(self, text: str, locale: str) -> str:
        """Write what stands for a number as it is written."""
        language = language_of(locale)
        if language not in finite_state.LANGUAGES | found_numbers.LANGUAGES:
            return text
        if not has_number_word(text, language):
            return text  # most texts have none, and the rest costs a hundred times as much
        joined = join_digits(text, language)
        if language in finite_state.LANGUAGES:
            found = self._grammars.write(joined, language, locale)
        else:
            found = found_numbers.write_found_numbers(joined, language)
        return count_units(only_numbers(joined, found, language), language)
