"""Custom display formatting: from what was heard to how the owner wants it written.

The order is lexical text, base ITN, custom ITN, capitalisation, rewriting, profanity.
Source: developer reference, section 10.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from tympan.domain.manifest import FormattingRule
from tympan.speech.itn_languages import language_of
from tympan.speech.itn_matching import Match, PatternSearch, tokens_of
from tympan.speech.itn_patterns import Node, PatternError, parse_pattern
from tympan.speech.phrase_rules import PhraseRules
from tympan.speech.spoken_numbers import write_numbers

_SPACES = re.compile(r" {2,}")
_GAP = "\0"  # where a word was removed
_AROUND_GAPS = re.compile(rf"([,;:]?)\s*{_GAP}(?:\s*{_GAP})*(\s*[,.;:!?…])?")


class Profanity(StrEnum):
    """What becomes of phrases in the profanity section; Azure's spelling."""

    MASKED = "Masked"
    REMOVED = "Removed"
    TAGS = "Tags"
    RAW = "Raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """A formatted text.

    Attributes:
        text: As it shall be shown.
        unmasked: The same before profane words were dealt with; empty where it is the same.
        spoken: The unmasked text with numbers as they came, where they were written as figures;
            empty where nothing was. What is scored is this one.
        applied: Rules that changed it, as ``found -> written``, in order.
    """

    text: str
    unmasked: str = ""
    spoken: str = ""
    applied: tuple[str, ...] = ()


class DisplayFormatter:
    """Applies the rules of one or more display format files.

    Args:
        rules: Of any section; tests are passed over, and so are patterns that do not parse
            (the import has reported them).
        locale: Tells how text is split into words.
        profane: Phrases that are profane besides those of the rules.
        write_numbers: The language's inverse text normalisation; None leaves numbers as they come.
    """

    def __init__(
        self,
        rules: Iterable[FormattingRule],
        locale: str,
        *,
        profane: Iterable[str] = (),
        write_numbers: Callable[[str], str] | None = None,
    ) -> None:
        rules = tuple(rules)
        self._write_numbers = write_numbers
        self._is_english = language_of(locale) == "en"
        parsed = (_parsed(rule.source) for rule in rules if rule.section == "itn")
        self._patterns = [pattern for pattern in parsed if pattern is not None]
        rewrites = {rule.source: rule.target for rule in reversed(rules) if rule.section == "rewrite"}
        listed = [rule.source for rule in rules if rule.section == "profanity"]
        self._rewrites = PhraseRules(rewrites, locale)
        self._profanity = PhraseRules(dict.fromkeys((*profane, *listed), ""), locale)

    def format_display(self, text: str, profanity: Profanity = Profanity.MASKED) -> Formatted:
        """Format text that is already capitalised and punctuated, as engines write it.

        Patterns come first and the base ITN writes what they left: a pattern matches number words
        and figures alike, so the result is that of patterns on the output of the base ITN, and no
        base rule spoils what an owner's rule is about.
        """
        as_it_came, applied = self._write_patterns(text, lambda between: between)
        written = as_it_came
        if self._write_numbers is not None:
            written, _ = self._write_patterns(text, self._with_figures)
        formatted = self._finish(written, profanity, capitalise=text[:1].isupper() and written != text)
        if written != as_it_came:
            capitalise = text[:1].isupper() and as_it_came != text
            spoken = self._finish(as_it_came, Profanity.RAW, capitalise=capitalise)
            formatted = replace(formatted, spoken=spoken.text)
        return replace(formatted, applied=(*applied, *formatted.applied))

    def format_lexical(self, text: str, profanity: Profanity = Profanity.MASKED) -> Formatted:
        """Format words as they were spoken, such as those of a test line.

        Numbers that no rule takes become figures too; in English small ones as well, as the
        published tests have it ("dog nine" is "Dog 9").
        """
        written, applied = self._write_patterns(text, self._with_all_figures)
        formatted = self._finish(_capitalised(written), profanity, capitalise=True)
        return replace(formatted, applied=(*applied, *formatted.applied))

    def _with_figures(self, between: str) -> str:
        if self._write_numbers is None or not between.strip():
            return between
        return _framed(between, self._write_numbers(between.strip()))

    def _with_all_figures(self, between: str) -> str:
        written = self._with_figures(between)
        return _english_figures(written) if self._is_english else written

    def _write_patterns(self, text: str, between: Callable[[str], str]) -> tuple[str, list[str]]:
        tokens = tokens_of(text)
        search = PatternSearch(tokens)
        pieces: list[str] = []
        applied = []
        place = index = 0
        while index < len(tokens):
            match = self._longest_match(search, index)
            if match is None:
                index += 1
                continue
            start, end = tokens[index].start, tokens[match.end - 1].end
            pieces += [between(text[place:start]), match.written]
            if text[start:end] != match.written:
                applied.append(f"{text[start:end]} -> {match.written}")
            place, index = end, match.end
        pieces.append(between(text[place:]))
        return "".join(pieces), applied

    def _longest_match(self, search: PatternSearch, index: int) -> Match | None:
        best: Match | None = None
        for pattern in self._patterns:
            match = search.best_match(pattern, index)
            if match is not None and (best is None or match.end > best.end):
                best = match
        return best

    def _finish(self, text: str, profanity: Profanity, *, capitalise: bool) -> Formatted:
        rewritten, found = self._rewrites.apply(text, lambda _, new: new)
        if capitalise or (found and text[:1].isupper()):
            rewritten = _capitalised(rewritten)
        applied = [f"{phrase} -> rewritten" for phrase in found]
        unmasked = _SPACES.sub(" ", rewritten).strip()
        masked, profane = self._profanity.apply(rewritten, lambda heard, _: _masked(heard, profanity))
        shown = _SPACES.sub(" ", masked).strip()
        if profanity is Profanity.REMOVED and profane:
            shown = _closed_up(shown, capitalise=rewritten[:1].isupper())
        if profanity is Profanity.RAW or not profane:
            return Formatted(text=shown, applied=tuple(applied))
        applied += ["profanity" for _ in profane]
        return Formatted(text=shown, unmasked=unmasked, applied=tuple(applied))


def apply(
    rules: Iterable[FormattingRule],
    text: str,
    *,
    locale: str,
    is_lexical: bool = False,
    profanity: Profanity = Profanity.MASKED,
) -> Formatted:
    """Format one text; make a ``DisplayFormatter`` once to format many."""
    formatter = DisplayFormatter(rules, locale)
    return (
        formatter.format_lexical(text, profanity) if is_lexical else formatter.format_display(text, profanity)
    )


def _parsed(source: str) -> tuple[Node, ...] | None:
    try:
        return parse_pattern(source)
    except PatternError:
        return None


def _framed(text: str, written: str) -> str:
    """What was written for a text, with the spaces around it."""
    lead = text[: len(text) - len(text.lstrip())]
    return lead + written + text[len(text.rstrip()) :]


def _english_figures(text: str) -> str:
    if not text.strip():
        return text
    words = text.split()
    folded = [word.casefold() for word in words]
    written = write_numbers(folded)
    if len(written) == len(folded):  # keep the words' own letter case where nothing was joined
        written = [old if new == low else new for old, low, new in zip(words, folded, written, strict=True)]
    return _framed(text, " ".join(written))


def _capitalised(text: str) -> str:
    place = next((place for place, character in enumerate(text) if character.isalnum()), None)
    return text if place is None else text[:place] + text[place].upper() + text[place + 1 :]


def _closed_up(text: str, *, capitalise: bool) -> str:
    """Close the gaps that removed words left, with the marks that only stood around those."""

    def closed(found: re.Match[str]) -> str:
        after = (found[2] or "").strip()
        return after or found[1]

    whole = _AROUND_GAPS.sub(closed, text).lstrip(" ,;:").rstrip()
    if not any(character.isalnum() for character in whole):
        return ""
    return _capitalised(whole) if capitalise else whole


def _masked(heard: str, profanity: Profanity) -> str:
    match profanity:
        case Profanity.MASKED:
            return "".join(c if c.isspace() else "*" for c in heard)
        case Profanity.REMOVED:
            return _GAP
        case Profanity.TAGS:
            return f"<profanity>{heard}</profanity>"
    return heard
