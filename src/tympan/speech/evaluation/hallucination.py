"""Signs that a recogniser made words up, each a count that can be checked by ear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tympan.speech.metrics import Alignment, Operation
from tympan.speech.plausibility import is_loop, is_stock_phrase


class HallucinationFlag(StrEnum):
    """What looks made up about a hypothesis."""

    REPETITION = "repetition"
    TOO_FAST = "tooFast"
    STOCK_PHRASE = "stockPhrase"
    WORDS_ON_SILENCE = "wordsOnSilence"
    INSERTION_RUN = "insertionRun"


NGRAM = 5
"""Words of a repetition. Source: repeated 5-grams in Gandhi et al., "Distil-Whisper", 2023."""

FASTEST_WORDS_PER_S = 8.0
"""Nobody speaks faster for a whole recording; fast talkers reach 5 to 6 words a second."""

FASTEST_CHARACTERS_PER_S = 20.0
"""The same where words are characters, as in Chinese and Japanese."""

LONGEST_INSERTION_RUN = 4
"""More inserted words in a row are flagged."""

_LEAST_TIMED_WORDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One hypothesis with what it is judged by.

    Attributes:
        text: Display text.
        reference: Normalised words that were said.
        hypothesis: Normalised words that were heard.
        alignment: Of the two.
        duration_s: Length of the recording.
        is_unspaced: Words are characters.
    """

    text: str
    reference: Sequence[str]
    hypothesis: Sequence[str]
    alignment: Alignment
    duration_s: float
    is_unspaced: bool = False


def hallucination_flags(heard: Heard) -> tuple[HallucinationFlag, ...]:
    """Every sign that one hypothesis shows, in the order of ``HallucinationFlag``."""
    signs = {
        HallucinationFlag.REPETITION: _repeats(heard),
        HallucinationFlag.TOO_FAST: _is_too_fast(heard),
        HallucinationFlag.STOCK_PHRASE: is_stock_phrase(heard.text)
        and not _holds(heard.reference, heard.hypothesis),
        HallucinationFlag.WORDS_ON_SILENCE: not heard.reference and bool(heard.hypothesis),
        HallucinationFlag.INSERTION_RUN: longest_insertion_run(heard.alignment) > LONGEST_INSERTION_RUN,
    }
    return tuple(flag for flag in HallucinationFlag if signs[flag])


def repeated_ngrams(words: Sequence[str], length: int = NGRAM) -> int:
    """How many n-grams are repetitions of an earlier one.

    >>> repeated_ngrams("a b c d e a b c d e".split())
    1
    """
    grams = Counter(tuple(words[at : at + length]) for at in range(len(words) - length + 1))
    return sum(count - 1 for count in grams.values())


def longest_insertion_run(alignment: Alignment) -> int:
    """The most words inserted in a row."""
    longest = run = 0
    for pair in alignment.pairs:
        run = run + 1 if pair.operation is Operation.INSERTION else 0
        longest = max(longest, run)
    return longest


def _repeats(heard: Heard) -> bool:
    """Whether it repeats more than the reference does."""
    if is_loop(" ".join(heard.hypothesis)) and not is_loop(" ".join(heard.reference)):
        return True
    # In long recordings people repeat themselves too; characters of a script do so all the time.
    if heard.is_unspaced:
        return False
    more = repeated_ngrams(heard.hypothesis) - repeated_ngrams(heard.reference)
    return more >= NGRAM


def _is_too_fast(heard: Heard) -> bool:
    count = len(heard.hypothesis)
    if count < _LEAST_TIMED_WORDS or count <= len(heard.reference):
        return False
    fastest = FASTEST_CHARACTERS_PER_S if heard.is_unspaced else FASTEST_WORDS_PER_S
    return count > fastest * heard.duration_s


def _holds(reference: Sequence[str], hypothesis: Sequence[str]) -> bool:
    size = len(hypothesis)
    starts = range(len(reference) - size + 1)
    return any(list(reference[at : at + size]) == list(hypothesis) for at in starts)
