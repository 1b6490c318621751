"""Errors on display tokens, and what kind each one is.

Tokens are the display text split at spaces, with punctuation at either end of a word split
off. They are compared as they are written, so case and punctuation count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest

from tympan.domain.evaluation import ErrorCounts
from tympan.speech.metrics import AlignedPair, Operation, align
from tympan.speech.text import Normalizer
from tympan.speech.text.shared_steps import CHARACTERS, UNICODE

TokenPair = tuple[str, str]
"""A token of the reference and one of the hypothesis; empty where there is none."""

# Punctuation that is spoken, so that it belongs to a word and is no punctuation here.
_SPOKEN = frozenset("%&@#*/\\§‰")


class TokenEdit(StrEnum):
    """Classes of display-token edits; Azure's spelling."""

    PUNCTUATION = "punctuation"
    CAPITALIZATION = "capitalization"
    INVERSE_TEXT_NORMALIZATION = "inverseTextNormalization"
    LEXICAL = "lexical"
    OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenScore:
    """Counts on display tokens.

    Attributes:
        counts: Hits and errors.
        edits: Errors by class, every class present; together they are ``counts.errors``.
    """

    counts: ErrorCounts
    edits: dict[str, int]


def display_tokens(text: str, normalizer: Normalizer) -> list[str]:
    """Split display text into tokens.

    >>> from tympan.speech.text import normalizer_for
    >>> display_tokens("Well, it's “5 %”.", normalizer_for("en-US"))
    ['Well', ',', "it's", '"', '5', '%', '"', '.']
    """
    text = CHARACTERS.apply(UNICODE.apply(text))
    tokens: list[str] = []
    for part in text.split():
        start, end = 0, len(part)
        while start < end and _is_punctuation(part[start]):
            start += 1
        while end > start and _is_punctuation(part[end - 1]):
            end -= 1
        tokens += _marks(part[:start])
        if start < end:
            tokens += _characters(part[start:end]) if normalizer.is_unspaced else [part[start:end]]
        tokens += _marks(part[end:])
    return tokens


def score_tokens(reference: str, hypothesis: str, normalizer: Normalizer) -> TokenScore:
    """Align two display texts and class every edit.

    An edit is punctuation when both sides are punctuation or nothing; capitalization when
    they are equal but for case; inverseTextNormalization when the stretch of edits it stands
    in says the same words ("five dollars" and "$5"); lexical when the words differ; others else.
    """
    left, right = display_tokens(reference, normalizer), display_tokens(hypothesis, normalizer)
    # Case is left out of the alignment, so that a word meets itself and not its neighbour.
    alignment = align([token.lower() for token in left], [token.lower() for token in right])
    edits = dict.fromkeys((str(kind) for kind in TokenEdit), 0)
    stretch: list[TokenPair] = []
    case_edits = 0
    for pair in (*alignment.pairs, AlignedPair(Operation.CORRECT, None, None)):
        tokens = (
            "" if pair.reference is None else left[pair.reference],
            "" if pair.hypothesis is None else right[pair.hypothesis],
        )
        if pair.operation is not Operation.CORRECT:
            stretch.append(tokens)
            continue
        case_edits += tokens[0] != tokens[1]
        for kind in _classes(_sorted_out(stretch), normalizer) if stretch else ():
            edits[kind] += 1
        stretch = []
    edits[TokenEdit.CAPITALIZATION] += case_edits
    counts = alignment.counts
    return TokenScore(
        counts=replace(
            counts, hits=counts.hits - case_edits, substitutions=counts.substitutions + case_edits
        ),
        edits=edits,
    )


def _sorted_out(stretch: Sequence[TokenPair]) -> Sequence[TokenPair]:
    """The same edits with words beside words and marks beside marks, where that takes no more of them."""
    again: list[TokenPair] = []
    for is_mark in (False, True):
        sides = [
            [tokens[side] for tokens in stretch if tokens[side] and _is_mark(tokens[side]) is is_mark]
            for side in (0, 1)
        ]
        again += zip_longest(sides[0], sides[1], fillvalue="")
    return again if len(again) == len(stretch) else stretch


def _classes(stretch: Sequence[TokenPair], normalizer: Normalizer) -> Iterator[TokenEdit]:
    spoken = normalizer.normalize(" ".join(reference for reference, _ in stretch))
    says_the_same = spoken != "" and spoken == normalizer.normalize(
        " ".join(hypothesis for _, hypothesis in stretch)
    )
    for reference, hypothesis in stretch:
        if _is_mark(reference + hypothesis):
            yield TokenEdit.PUNCTUATION
        elif says_the_same:
            yield TokenEdit.INVERSE_TEXT_NORMALIZATION
        else:
            yield _class_of_pair(normalizer.normalize(reference), normalizer.normalize(hypothesis))


def _class_of_pair(reference: str, hypothesis: str) -> TokenEdit:
    if reference != hypothesis:
        return TokenEdit.LEXICAL
    return TokenEdit.INVERSE_TEXT_NORMALIZATION if reference else TokenEdit.OTHERS


def _is_mark(token: str) -> bool:
    return all(map(_is_punctuation, token))


def _is_punctuation(character: str) -> bool:
    return character not in _SPOKEN and unicodedata.category(character).startswith("P")


def _marks(text: str) -> list[str]:
    return [match.group() for match in re.finditer(r"(.)\1*", text)]


def _characters(text: str) -> list[str]:
    return re.findall(r"[A-Za-z0-9']+|\S", text)
