"""Pronunciation entries at work: what was heard as spoken is written as displayed.

An entry says ``3CPO`` is spoken ``three c p o``. A recogniser may write that as
"three C P O", "3 c.p.o." or "3-CPO"; all of them become "3CPO". Words are compared by units:
letters, digits and words, so that spellings of the same sound are equal.

Not every entry may rewrite. ``cervus`` spoken ``service`` would turn every service into a
cervus, so a spoken form of one or two ordinary words only teaches the model, through
synthetic speech; see ``may_rewrite``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tympan.domain.manifest import PronunciationEntry
from tympan.speech.ordinary_words import ordinary_words

_SOUNDS = """
b be bee / c cee see sea / d dee / f eff / g gee / h aitch / i eye / j jay / k kay / l ell / m em / n en /
o owe oh / p pee pea / q cue queue / r are / s ess / t tee tea / u you / v vee / x ex / y why wye /
z zee zed / 0 zero / 1 one won / 2 two too to / 3 three / 4 four for / 5 five / 6 six / 7 seven /
8 eight ate / 9 nine
"""
"""A letter or digit, then English words that sound like it."""

_UNIT_OF = {word: unit for unit, *words in map(str.split, _SOUNDS.split("/")) for word in words}
_REPEATS = {"double": 2, "triple": 3}

_CORE = re.compile(r"^(\W*)(.*?)(['’]s)?(\W*)$", re.DOTALL)
_PARTS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SPELLED = re.compile(r"(?=.*\d)[^\W_]+|[^\W\d_]")
_SENTENCE_END = re.compile(r"[.!?]$")
_LONGEST_ACRONYM = 8
_FEWEST_ORDINARY_WORDS = 3
_SHORTEST_WORD = 4
_SPARE_WORDS = 2
"""A spoken form may come back in this many words more than it has units."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a text.

    Attributes:
        before, after: Marks around it; ``after`` begins with a genitive s, if any.
        core: The rest.
        units: What it is compared by.
        is_ordinary: Frequent in ordinary text, and not written like an acronym.
    """

    before: str
    core: str
    after: str
    units: tuple[str, ...]
    is_ordinary: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    entry: PronunciationEntry
    words: tuple[str, ...]


class RewritingRules:
    """Compiled entries of one locale; safe to share between threads.

    Args:
        entries: Those that may not rewrite are passed over. Of two entries with the same
            spoken form the first wins.
        locale: BCP-47 tag.
    """

    def __init__(self, entries: Iterable[PronunciationEntry], locale: str) -> None:
        self._ordinary = _ordinary(locale)
        self._rules: dict[str, _Rule] = {}
        self._longest = 1
        for entry in entries:
            if may_rewrite(entry, locale):
                for spoken in (entry.spoken, entry.display):
                    self._add(entry, spoken)

    def rewrite(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text with displayed forms in place of spoken ones, and the rules that changed it.

        Longest match first, left to right; only whole words; marks around a match stay.
        """
        words = [self._word(piece) for piece in text.split()]
        written: list[str] = []
        used: list[str] = []
        at = 0
        while at < len(words):
            match = self._match(words, at)
            if match is None:
                word = words[at]
                written.append(word.before + word.core + word.after)
                at += 1
                continue
            rule, count = match
            first, last = words[at], words[at + count - 1]
            original = " ".join(w.before + w.core + w.after for w in words[at : at + count])
            is_start = not written or bool(_SENTENCE_END.search(written[-1]))
            display = _sentence_case(rule.entry.display, first.core) if is_start else rule.entry.display
            written.append(first.before + display + last.after)
            if written[-1] != original:
                used.append(f"{rule.entry.spoken} -> {rule.entry.display}")
            at += count
        if not used:
            return text, ()
        return " ".join(written), tuple(used)

    def _add(self, entry: PronunciationEntry, spoken: str) -> None:
        words = [self._word(piece) for piece in spoken.split()]
        key = "".join(_units(words))
        if key:
            self._rules.setdefault(key, _Rule(entry, tuple(word.core.casefold() for word in words)))
            self._longest = max(self._longest, len(_units(words)) + _SPARE_WORDS)

    def _match(self, words: Sequence[_Word], at: int) -> tuple[_Rule, int] | None:
        for count in range(min(self._longest, len(words) - at), 0, -1):
            window = words[at : at + count]
            rule = self._rules.get("".join(_units(window)))
            if rule is not None and _is_believed(rule, window):
                return rule, count
        return None

    def _word(self, piece: str) -> _Word:
        match = _CORE.match(piece)
        before, core, genitive, after = match.groups(default="") if match else ("", piece, "", "")
        is_ordinary = core.casefold() in self._ordinary and not _is_acronym(core)
        return _Word(before, core, genitive + after, tuple(_units_of(core)), is_ordinary)


def rewrite(
    text: str, entries: Iterable[PronunciationEntry], locale: str = "en-US"
) -> tuple[str, tuple[str, ...]]:
    """Write spoken forms as displayed, see ``RewritingRules``.

    >>> entries = [PronunciationEntry(display="3CPO", spoken="three c p o", line=1)]
    >>> rewrite("Is 3 C.P.O. here?", entries)
    ('Is 3CPO here?', ('three c p o -> 3CPO',))
    """
    return _compiled(tuple(entries), locale).rewrite(text)


def may_rewrite(entry: PronunciationEntry, locale: str) -> bool:
    """Whether a spoken form is unusual enough to be rewritten wherever it is heard.

    It is not when it is one or two ordinary words, or one short word. Where no list of
    ordinary words is known for the language, any single word might be one. Two and more
    letters or digits always may: ``_is_believed`` looks at how they are written.

    >>> may_rewrite(PronunciationEntry(display="cervus", spoken="service", line=1), "en-US")
    False
    """
    words = [part.casefold() for piece in entry.spoken.split() for part in _PARTS.findall(piece)]
    if not words:
        return False
    if len(words) > 1 and all(len(word) == 1 for word in words):
        return True
    if len(words) == 1 and (ordinary_words(_language(locale)) is None or len(words[0]) < _SHORTEST_WORD):
        return False
    return len(words) >= _FEWEST_ORDINARY_WORDS or not all(word in _ordinary(locale) for word in words)


@lru_cache(maxsize=64)
def _compiled(entries: tuple[PronunciationEntry, ...], locale: str) -> RewritingRules:
    return RewritingRules(entries, locale)


def _is_believed(rule: _Rule, window: Sequence[_Word]) -> bool:
    # Marks within a match would be lost, and speech rarely pauses inside a term.
    if any(word.after for word in window[:-1]) or any(word.before for word in window[1:]):
        return False
    if not all(word.is_ordinary for word in window):
        return True
    # "see you" sounds like "c u": ordinary words are believed only as the very words given.
    heard = tuple(word.core.casefold() for word in window)
    return len(heard) >= _FEWEST_ORDINARY_WORDS and heard == rule.words


def _units(words: Sequence[_Word]) -> list[str]:
    """Units of several words, with "double x" spelled out."""
    units: list[str] = []
    repeat = 1
    for word in words:
        if word.core.casefold() in _REPEATS:
            repeat = _REPEATS[word.core.casefold()]
            continue
        units += list(word.units[:1]) * (repeat - 1) + list(word.units)
        repeat = 1
    return units


def _units_of(core: str) -> Iterator[str]:
    for part in _PARTS.findall(core):
        lower = part.casefold()
        if _SPELLED.fullmatch(part) or _is_acronym(part):
            yield from lower
        else:
            yield _UNIT_OF.get(lower, lower)


def _is_acronym(core: str) -> bool:
    letters = core.replace(".", "").replace("-", "")
    return letters.isalnum() and letters.isupper() and 1 < len(letters) <= _LONGEST_ACRONYM


def _sentence_case(display: str, heard: str) -> str:
    """A capital for an all-lower-case term that was heard with one at the start of a sentence."""
    if heard[:1].isupper() and display.islower():
        return display[0].upper() + display[1:]
    return display


def _ordinary(locale: str) -> frozenset[str]:
    return ordinary_words(_language(locale)) or frozenset()


def _language(locale: str) -> str:
    return locale.partition("-")[0].lower()
