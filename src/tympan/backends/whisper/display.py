"""The owner's rules about writing, applied to what was decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tympan.domain.errors import InvalidInputError, ModelDamagedError
from tympan.domain.manifest import FormattingRule, PronunciationEntry
from tympan.ports.inverse_normalizer import InverseNormalizer
from tympan.ports.recognizer import FORMATTING_FILE, PRONUNCIATIONS_FILE
from tympan.speech.display_format import DisplayFormatter, Formatted, Profanity
from tympan.speech.manifest_lines import Record, read_records
from tympan.speech.phrase_index import Term
from tympan.speech.profane_words import profane_words
from tympan.speech.rewriting import RewritingRules


class DisplayRules:
    """Pronunciations and formatting of a bundle, and the profane words of the language.

    Args:
        folder: The bundle's files.
        inverse: Writes numbers as figures; None leaves them as the model wrote them.

    Raises:
        ModelDamagedError: One of the two files cannot be read.
    """

    def __init__(self, folder: Path, inverse: InverseNormalizer | None = None) -> None:
        self._inverse = inverse
        self._entries = tuple(_records(folder / PRONUNCIATIONS_FILE, PronunciationEntry))
        self._rules = tuple(_records(folder / FORMATTING_FILE, FormattingRule))
        self._compiled: dict[tuple[str, bool], tuple[RewritingRules, DisplayFormatter]] = {}

    @property
    def terms(self) -> tuple[Term, ...]:
        """What the pronunciations say how it sounds."""
        return tuple(Term(entry.display, entry.spoken) for entry in self._entries)

    def apply(self, text: str, locale: str, profanity: Profanity) -> Formatted:
        """The text to show, and the rules that changed it as ``spoken -> display``."""
        return self._applied(text, locale, profanity, self._inverse)

    def apply_to_partial(self, text: str, locale: str, profanity: Profanity) -> str:
        """What to show of a phrase that goes on: its numbers stay words.

        A figure would change with every further word ("20", "25", "25,000").
        """
        return self._applied(text, locale, profanity, None).text

    def _applied(
        self, text: str, locale: str, profanity: Profanity, inverse: InverseNormalizer | None
    ) -> Formatted:
        key = (locale, inverse is not None)
        if key not in self._compiled:
            # Two threads may both compile them; the later ones stay.
            self._compiled[key] = (
                RewritingRules(self._entries, locale),
                DisplayFormatter(
                    self._rules,
                    locale,
                    profane=profane_words(locale),
                    write_numbers=None if inverse is None else partial(inverse.normalize, locale=locale),
                ),
            )
        rewriting, formatter = self._compiled[key]
        written, rewrites = rewriting.rewrite(text) if self._entries else (text, ())
        formatted = formatter.format_display(written, profanity)
        return replace(formatted, applied=(*rewrites, *formatted.applied))


def _records(path: Path, kind: type[Record]) -> Iterator[Record]:
    if not path.exists():
        return
    try:
        with path.open("rb") as lines:
            yield from read_records(lines, kind)
    except InvalidInputError as error:
        raise ModelDamagedError(
            f"{path.name} of the model is damaged. Train the model again.", target=path.name
        ) from error
