"""Steps as lists of edits, so that every character of the result knows where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from re import Match, Pattern

Span = tuple[int, int]
"""A half-open stretch ``[start, end)`` of the text as it came."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Put ``replacement`` in the place of the characters ``[start, end)``."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One named rule of a normaliser.

    Attributes:
        name: Shown in traces.
        edits: What the rule changes in a text, from left to right, without overlap.
        is_repeated: Applied until it changes nothing more. Such a rule must shorten the
            text or change it in one direction only.
    """

    name: str
    edits: Callable[[str], Iterable[Edit]]
    is_repeated: bool = False

    def apply(self, text: str) -> str:
        """The text after this rule."""
        while True:
            after = rewritten(text, self.edits(text))
            if not self.is_repeated or after == text:
                return after
            text = after

    def apply_traced(self, text: str, spans: Sequence[Span]) -> tuple[str, list[Span]]:
        """The text after this rule, and the source of each of its characters."""
        while True:
            edits = list(self.edits(text))
            after, spans = rewritten(text, edits), _moved(spans, edits)
            if not self.is_repeated or after == text:
                return after, spans
            text = after


def rewritten(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made."""
    pieces: list[str] = []
    at = 0
    for edit in edits:
        pieces += (text[at : edit.start], edit.replacement)
        at = edit.end
    return "".join((*pieces, text[at:])) if pieces else text


def replacing(
    pattern: Pattern[str], by: Callable[[Match[str]], str] | str
) -> Callable[[str], Iterator[Edit]]:
    """Edits that replace every match of a pattern; ``by`` is not a template."""

    def edits(text: str) -> Iterator[Edit]:
        for match in pattern.finditer(text):
            replacement = by if isinstance(by, str) else by(match)
            if replacement != match.group():
                yield Edit(match.start(), match.end(), replacement)

    return edits


def _moved(spans: Sequence[Span], edits: Iterable[Edit]) -> list[Span]:
    moved: list[Span] = []
    at = 0
    for edit in edits:
        moved += spans[at : edit.start]
        moved += [_joined(spans, edit)] * len(edit.replacement)
        at = edit.end
    return [*moved, *spans[at:]]


def _joined(spans: Sequence[Span], edit: Edit) -> Span:
    touched = spans[edit.start : edit.end]
    if touched:
        return min(start for start, _ in touched), max(end for _, end in touched)
    here = spans[edit.start][0] if edit.start < len(spans) else spans[-1][1]
    return here, here
