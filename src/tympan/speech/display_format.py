"""Custom display formatting: from what was heard to how the owner wants it written.

The order is lexical text, base ITN, custom ITN, capitalisation, rewriting, profanity.
Source: developer reference, section 10.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from tympan.domain.manifest import FormattingRule
from tympan.speech.itn_matching import Match, PatternSearch, tokens_of
from tympan.speech.itn_patterns import Node, PatternError, parse_pattern
from tympan.speech.phrase_rules import PhraseRules
from tympan.speech.spoken_numbers import write_numbers

_SPACES = re.compile(r" {2,}")


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
        applied: Rules that changed it, as ``found -> written``, in order.
    """

    text: str
    unmasked: str = ""
    applied: tuple[str, ...] = ()


class DisplayFormatter:
    """Applies the rules of one or more display format files.

    Args:
        rules: Of any section; tests are passed over, and so are patterns that do not parse
            (the import has reported them).
        locale: Tells how text is split into words.
        profane: Phrases that are profane besides those of the rules.
    """

    def __init__(self, rules: Iterable[FormattingRule], locale: str, *, profane: Iterable[str] = ()) -> None:
        rules = tuple(rules)
        parsed = (_parsed(rule.source) for rule in rules if rule.section == "itn")
        self._patterns = [pattern for pattern in parsed if pattern is not None]
        rewrites = {rule.source: rule.target for rule in reversed(rules) if rule.section == "rewrite"}
        listed = [rule.source for rule in rules if rule.section == "profanity"]
        self._rewrites = PhraseRules(rewrites, locale)
        self._profanity = PhraseRules(dict.fromkeys((*profane, *listed), ""), locale)

    def format_display(self, text: str, profanity: Profanity = Profanity.MASKED) -> Formatted:
        """Format text that is already capitalised and punctuated, as engines write it."""
        written, applied = self._write_patterns(text, is_lexical=False)
        formatted = self._finish(written, profanity, capitalise=text[:1].isupper() and written != text)
        return replace(formatted, applied=(*applied, *formatted.applied))

    def format_lexical(self, text: str, profanity: Profanity = Profanity.MASKED) -> Formatted:
        """Format words as they were spoken: numbers that no rule takes become digits too."""
        written, applied = self._write_patterns(text, is_lexical=True)
        formatted = self._finish(_capitalised(written), profanity, capitalise=True)
        return replace(formatted, applied=(*applied, *formatted.applied))

    def _write_patterns(self, text: str, *, is_lexical: bool) -> tuple[str, list[str]]:
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
            pieces += [_between(text[place:start], is_lexical=is_lexical), match.written]
            if text[start:end] != match.written:
                applied.append(f"{text[start:end]} -> {match.written}")
            place, index = end, match.end
        pieces.append(_between(text[place:], is_lexical=is_lexical))
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


def _between(text: str, *, is_lexical: bool) -> str:
    """Text that no pattern took."""
    if not is_lexical or not text.strip():
        return text
    words = text.split()
    lead = text[: len(text) - len(text.lstrip())]
    trail = text[len(text.rstrip()) :]
    folded = [word.casefold() for word in words]
    written = write_numbers(folded)
    if len(written) == len(folded):  # keep the words' own letter case where nothing was joined
        written = [old if new == low else new for old, low, new in zip(words, folded, written, strict=True)]
    return lead + " ".join(written) + trail


def _capitalised(text: str) -> str:
    place = next((place for place, character in enumerate(text) if character.isalnum()), None)
    return text if place is None else text[:place] + text[place].upper() + text[place + 1 :]


def _masked(heard: str, profanity: Profanity) -> str:
    match profanity:
        case Profanity.MASKED:
            return "".join(c if c.isspace() else "*" for c in heard)
        case Profanity.REMOVED:
            return ""
        case Profanity.TAGS:
            return f"<profanity>{heard}</profanity>"
    return heard
