"""Which terms a test looks for: those its owner named, and those its models were taught."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tympan.domain.errors import InvalidInputError
from tympan.domain.manifest import PronunciationEntry
from tympan.domain.model import CustomModel, Model
from tympan.ports.blobs import BlobStore
from tympan.ports.recognizer import PRONUNCIATIONS_FILE
from tympan.speech.evaluation.occurrences import PhraseBook
from tympan.speech.manifest_lines import read_records
from tympan.speech.text import Normalizer

MOST_TERMS = 10_000
LONGEST_TERM = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TermList:
    """The terms of a test.

    Attributes:
        sources: Each term as it is written, with who named it: ``given`` or ids of models.
        book: Finds them among normalised words.
    """

    sources: Mapping[str, tuple[str, ...]]
    book: PhraseBook


def checked_terms(terms: Sequence[str]) -> tuple[str, ...]:
    """Terms as they are kept: trimmed, each once.

    Raises:
        InvalidInputError: There are too many, or one is empty or too long.
    """
    trimmed = [" ".join(term.split()) for term in terms]
    wrong = next((term for term in trimmed if not 0 < len(term) <= LONGEST_TERM), None)
    if wrong is not None:
        raise InvalidInputError(
            f"A term has 1 to {LONGEST_TERM} characters, not {len(wrong)}.", target="tympan.terms"
        )
    if len(trimmed) > MOST_TERMS:
        raise InvalidInputError(
            f"{len(trimmed)} terms are more than {MOST_TERMS}. Name fewer.", target="tympan.terms"
        )
    return tuple(dict.fromkeys(trimmed))


def terms_of_test(
    given: Sequence[str], models: Sequence[Model], blobs: BlobStore, normalizer: Normalizer
) -> TermList:
    """The terms that are looked for, in the order they were named.

    Args:
        given: By the owner of the test.
        models: Tested ones; display forms of their pronunciations are terms too.
        blobs: Where their bundles are.
        normalizer: Of the test.
    """
    sources: dict[str, tuple[str, ...]] = dict.fromkeys(given, ("given",))
    for model in models:
        for display in _taught(model, blobs):
            named = sources.get(display, ())
            if model.id not in named:
                sources[display] = (*named, model.id)
    book = PhraseBook((term, normalizer.words(term)) for term in sources)
    return TermList(sources=sources, book=book)


def _taught(model: Model, blobs: BlobStore) -> Iterator[str]:
    if not isinstance(model, CustomModel) or model.bundle is None:
        return
    for file in model.bundle.files:
        if file.name == PRONUNCIATIONS_FILE:
            for entry in read_records(blobs.stream(file.key), PronunciationEntry):
                yield entry.display
