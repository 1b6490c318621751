"""What holds for written numbers whichever library finds them.

Digits said one by one are joined, small numbers before a unit are figures, and whatever else a
library changes in a text is undone.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import cache

from tympan.speech.itn_units import unit_words
from tympan.speech.number_words import digit_words, is_lone_scale, is_number_word

_EDGES = re.compile(r"^\W+|\W+$")
_DIGIT = re.compile(r"\d")
_NEAR = 3
_BEFORE, _AFTER = 3, 5  # words that tell what a number is: "May", "a quarter past", "por ciento"
_WORD = re.compile(r"\S+")
_SHORTEST_RUN = 3
_COUNTING = frozenset({"123", "321"})
_COMMA_LANGUAGES = frozenset({"de", "es", "it"})
_POINTED_TIME = re.compile(r"^([01]?\d|2[0-4])\.([0-5]\d)(?=\D*$)")
_POINTS = frozenset({"point", "punto", "punkt", "ponto", "punt"})
_RANGES = {
    "da": "til|eller",
    "de": "bis|oder",
    "en": "to|or",
    "es": "a|o",
    "fr": "à|ou",
    "it": "a|o",
    "nl": "tot|of",
    "pt": "a|ou",
}
_REPEATS = {"double": 2, "triple": 3}


def join_digits(text: str, language: str) -> str:
    """Write digits said one by one as one number.

    Three are enough, unless somebody counts to three; a comma ends a run, and a run that touches
    another number word is left to whoever reads numbers.

    >>> join_digits("The code is four oh seven two, not one, two, three.", "en")
    'The code is 4072, not one, two, three.'
    """
    pattern = _run_pattern(language)
    return pattern.sub(lambda found: _joined(found, language), text)


def count_units(text: str, language: str) -> str:
    """Write two to nine as a figure where a unit follows, or a range that ends in a figure with one.

    The end of a longer number that nobody could read stays a word.

    >>> count_units("I have two cats that weigh five kilograms.", "en")
    'I have two cats that weigh 5 kilograms.'
    >>> count_units("two to three feet, one eighty two kilos", "en")
    '2 to 3 feet, one eighty two kilos'
    """
    single, ranged = _counted_patterns(language)
    digits = digit_words(language)

    def counted(found: re.Match[str]) -> str:
        before = found.string[: found.start()].split()[-1:]
        if before and before[0].isalpha() and is_number_word(before[0].casefold(), language):
            return found.group()
        return digits[found[1].casefold()] + found[2]

    return ranged.sub(counted, single.sub(counted, text))


def only_numbers(before: str, after: str, language: str) -> str:
    """Take from a changed text only what was a number and became figures.

    A hundred or a thousand without a count stays a word unless a unit follows: "a thousand thanks".

    >>> only_numbers("twenty five iphones, a hundred times", "25 iPhones, 100 times", "en")
    '25 iphones, a hundred times'
    """
    old, new = before.split(), after.split()
    written: list[str] = []
    at = 0
    for first, end, new_first, new_end in _changes(old, new):
        written += old[at:first]
        replacement = new[new_first:new_end]
        if not _is_number(old, first, end, replacement, language):
            written += old[first:end]
        elif language in _COMMA_LANGUAGES:
            written += _clocked(replacement, old[first:end])
        else:
            written += replacement
        at = end
    return " ".join((*written, *old[at:]))


def _changes(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """Where two lists of words differ: places in the old and in the new one.

    A word that went away or came without another in its place belongs to the change beside it:
    in "zehn Uhr dreißig" and "10.30 Uhr" it is the last.
    """
    changes: list[tuple[int, int, int, int]] = []
    is_open = False  # whether the last change has words on one side only
    for operation, first, end, new_first, new_end in SequenceMatcher(
        a=_folded(old), b=_folded(new), autojunk=False
    ).get_opcodes():
        if operation == "equal":
            continue
        is_one_sided = operation != "replace"
        if changes and (is_open or is_one_sided) and first - changes[-1][1] <= _NEAR:
            changes[-1] = (changes[-1][0], end, changes[-1][2], new_end)
            is_open = False
        else:
            changes.append((first, end, new_first, new_end))
            is_open = is_one_sided
    return changes


def number_windows(text: str, language: str) -> list[tuple[int, int]]:
    """The stretches of a text that matter for its numbers: these words and a few around them.

    Returns:
        Half-open character ranges, ascending and apart from each other; empty where no word is
        part of a number.
    """
    words = list(_WORD.finditer(text))
    windows: list[tuple[int, int]] = []
    for place, word in enumerate(words):
        if not is_number_word(word[0].casefold(), language):
            continue
        first, last = max(0, place - _BEFORE), min(len(words) - 1, place + _AFTER)
        start, end = words[first].start(), words[last].end()
        if windows and start <= windows[-1][1] + 1:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return windows


def _folded(words: list[str]) -> list[str]:
    return [word.casefold() for word in words]


def core_of(token: str) -> str:
    """A token in lower case without the marks around it."""
    return _EDGES.sub("", token).casefold()


def _is_number(old: list[str], first: int, end: int, new: list[str], language: str) -> bool:
    words = [core_of(token) for token in old[first:end]]
    if not any(_DIGIT.search(token) for token in new):
        return False
    if not any(is_number_word(word, language) for word in words):
        return False
    if any(_is_torn(word, language) for word in words):
        return False
    follower = core_of(old[end]) if end < len(old) else ""
    return not is_lone_scale(words, language) or follower in unit_words(language)


def _is_torn(word: str, language: str) -> bool:
    """Whether a number is only the beginning of a longer compound, as in "twenty-five-odd"."""
    parts = word.split("-")
    return len(parts) > 2 and not is_number_word(parts[-1], language)  # noqa: PLR2004


def _clocked(figures: list[str], spoken: list[str]) -> list[str]:
    """Times with a colon; some grammars write them with a point, which reads as a decimal number."""
    if _POINTS.intersection(map(core_of, spoken)):
        return figures
    return [_POINTED_TIME.sub(r"\1:\2", one) for one in figures]


def _joined(found: re.Match[str], language: str) -> str:
    names, digits, count = digit_words(language), "", 1
    for word in found.group().casefold().split():
        if word in _REPEATS:
            count = _REPEATS[word]
            continue
        digits, count = digits + names[word] * count, 1
    is_long = len(digits) >= _SHORTEST_RUN and digits not in _COUNTING
    neighbours = (*found.string[: found.start()].split()[-1:], *found.string[found.end() :].split()[:1])
    # A mark on a neighbour is a pause: what stands behind it is no part of the number.
    touches = any(word.isalpha() and is_number_word(word.casefold(), language) for word in neighbours)
    return digits if is_long and not touches else found.group()


@cache
def _run_pattern(language: str) -> re.Pattern[str]:
    names = "|".join(map(re.escape, sorted(digit_words(language), key=len, reverse=True)))
    repeat = f"(?:(?:{'|'.join(_REPEATS)}) )?" if language == "en" else ""
    return re.compile(rf"(?<![\w-]){repeat}(?:{names})(?: {repeat}(?:{names}))+(?![\w-])", re.IGNORECASE)


@cache
def _counted_patterns(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    small = [word for word, digit in digit_words(language).items() if digit not in "01"]
    numbers = "|".join(map(re.escape, small))
    units = "|".join(map(re.escape, sorted(unit_words(language), key=len, reverse=True)))
    single = rf"(?<![\w-])({numbers})( (?:{units})(?!\w))"
    ranged = rf"(?<![\w-])({numbers})( (?:{_RANGES[language]}) \d[\d.,]*(?:%| (?:{units})(?!\w)))"
    return re.compile(single, re.IGNORECASE), re.compile(ranged, re.IGNORECASE)
