"""Numbers, dates, money, codes and names in references, found by rules.

Rules read the transcript as it was written. What they find is scored on the normalised
words, so that ``$5`` and "five dollars" are the same amount, and an entity is right when all
of its words are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tympan.domain.evaluation import ErrorCounts
from tympan.speech.evaluation.entity_words import EntityWords, entity_words
from tympan.speech.evaluation.terms import counted
from tympan.speech.metrics import Alignment, Operation
from tympan.speech.text import Normalizer


class EntityKind(StrEnum):
    """Classes of entities; where two rules find the same stretch, the earlier class has it."""

    MONEY = "money"
    DATE_TIME = "dateTime"
    CODE = "code"
    NUMBER = "number"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch ``[start, end)``: of characters of a text, or of words."""

    kind: EntityKind
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityCounts:
    """How entities of one class came out.

    Attributes:
        words: Errors on their words, insertions between them included.
        entities: How many there are.
        exact: How many have no error.
    """

    words: ErrorCounts = field(default_factory=ErrorCounts)
    entities: int = 0
    exact: int = 0

    def __add__(self, other: EntityCounts) -> EntityCounts:
        return EntityCounts(
            words=self.words + other.words,
            entities=self.entities + other.entities,
            exact=self.exact + other.exact,
        )


_AMOUNT = r"\d[\d.,'\u00a0\u202f]*\d|\d"
_SIGNS = r"[$€£¥₹]"
_CLOCK = re.compile(
    r"(?<![\w:.,])(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?:\s?(?:[ap]\.?\s?m\b\.?|uhr\b|uur\b))?"
    r"|(?<![\w.,])\d{1,2}\s?(?:[ap]\.m\.|[ap]m\b)|(?<![\w.,])\d{1,2}\s?h\s?[0-5]\d\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?<![\w.,/-])(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2}))(?![\w/-])"
    r"|(?<![A-Za-z0-9.,])(?:1[5-9]|20)\d\d(?![A-Za-z0-9%]|[.,:]\d)"
)
_LATIN = "A-Za-z0-9\u00c0-\u024f"
_CODE = re.compile(
    rf"(?<![{_LATIN}])(?=[{_LATIN}-]*\d)(?=[{_LATIN}-]*[A-Za-z])[{_LATIN}]+(?:-[{_LATIN}]+)*(?![{_LATIN}])"
    rf"|(?<![{_LATIN}.,])\d{{6,}}(?![{_LATIN}]|[.,]\d)"
)
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|er|e|ème|de|ste|s)", re.IGNORECASE)
_MONEY_SIGN = re.compile(rf"{_SIGNS}\s?(?:{_AMOUNT})|(?:{_AMOUNT})\s?{_SIGNS}")
_NUMBER = re.compile(
    rf"(?<![{_LATIN}])(?:{_AMOUNT})(?:st|nd|rd|th|er|ème|ste|de|e|[ºª°])?(?:\s?%)?(?![{_LATIN}])",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*(?!\w)|[^\W_]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:…]|[\"“„«(¿¡–—])\s*[\"'“„«(¿¡-]*\s*$")


def find_entities(text: str, locale: str) -> list[Entity]:
    """Entities of a transcript, in order and without overlap.

    >>> [(str(one.kind), "Ask Ann for $5 at 10:30."[one.start:one.end])
    ...     for one in find_entities("Ask Ann for $5 at 10:30.", "en-US")]
    [('name', 'Ann'), ('money', '$5'), ('dateTime', '10:30')]
    """
    words = entity_words(locale.split("-", maxsplit=1)[0].lower())
    taken: list[Entity] = []
    for entity in _candidates(text, words):
        if not any(entity.start < one.end and one.start < entity.end for one in taken):
            taken.append(entity)
    return sorted(taken, key=lambda one: one.start)


def place_entities(text: str, locale: str, normalizer: Normalizer) -> list[Entity]:
    """Entities of a reference, each with its stretch of normalised words.

    Args:
        text: The reference as it was written.
        locale: Of the text.
        normalizer: The one that makes the words that are compared.
    """
    entities = find_entities(text, locale)
    if not entities:
        return []
    traced = normalizer.trace_words(text)
    placed: list[Entity] = []
    for entity in entities:
        places = [at for at, one in enumerate(traced) if one.start < entity.end and entity.start < one.end]
        if places:
            placed.append(Entity(entity.kind, places[0], places[-1] + 1))
    return placed


def score_entities(placed: Sequence[Entity], alignment: Alignment) -> dict[EntityKind, EntityCounts]:
    """Score the entities of one reference.

    Args:
        placed: What ``place_entities`` gives.
        alignment: Of the normalised words with a hypothesis.
    """
    counts: dict[EntityKind, EntityCounts] = {}
    for entity in placed:
        words = counted(_operations(alignment, entity.start, entity.end - 1))
        now = EntityCounts(words=words, entities=1, exact=int(words.errors == 0))
        counts[entity.kind] = counts.get(entity.kind, EntityCounts()) + now
    return counts


def _operations(alignment: Alignment, first: int, last: int) -> list[Operation]:
    """What happened from the first to the last of these reference words."""
    columns = [at for at, pair in enumerate(alignment.pairs) if pair.reference in (first, last)]
    return [pair.operation for pair in alignment.pairs[columns[0] : columns[-1] + 1]]


def _candidates(text: str, words: EntityWords) -> Iterator[Entity]:
    spoken = list(_spoken_numbers(text, words))
    for entity in _matches(_MONEY_SIGN, EntityKind.MONEY, text):
        yield _with_scale(entity, text, words)
    yield from _followed(text, spoken, words.currencies, EntityKind.MONEY)
    yield from _matches(_CLOCK, EntityKind.DATE_TIME, text)
    yield from _around_months(text, spoken, words)
    yield from _matches(_DATE, EntityKind.DATE_TIME, text)
    for entity in _matches(_CODE, EntityKind.CODE, text):
        if not _ORDINAL.fullmatch(text[entity.start : entity.end]):
            yield entity
    for start, end in spoken:
        parts = set(re.findall(r"[^\W\d_]+", text[start:end].lower()))
        if not parts <= words.no_numbers_alone:
            yield Entity(EntityKind.NUMBER, start, end)
    yield from _matches(_NUMBER, EntityKind.NUMBER, text)
    if words.capitals_are_names:
        yield from _names(text, words)


def _matches(pattern: re.Pattern[str], kind: EntityKind, text: str) -> Iterator[Entity]:
    for match in pattern.finditer(text):
        yield Entity(kind, match.start(), match.end())


def _spoken_numbers(text: str, words: EntityWords) -> Iterator[tuple[int, int]]:
    """Runs of number words, or digits and number words after them, that make one number together."""
    tokens = [(match.group().lower(), *match.span()) for match in _TOKEN.finditer(text)]
    at = 0
    while at < len(tokens):
        end = _run_end(text, tokens, at, words)
        if end > at:
            yield tokens[at][1], tokens[end - 1][2]
        at = max(end, at + 1)


def _run_end(text: str, tokens: Sequence[tuple[str, int, int]], at: int, words: EntityWords) -> int:
    end = at
    while end < len(tokens):
        word, start, _ = tokens[end]
        is_apart = end > at and text[tokens[end - 1][2] : start].strip(" -") != ""
        if is_apart:
            break
        is_figure = end == at and word[0].isdigit() and not any(map(str.isalpha, word))
        if is_figure or words.is_number(word):
            end += 1
        elif end > at and word in words.joiners and _is_number_at(tokens, end + 1, words):
            end += 2
        else:
            break
    return end


def _is_number_at(tokens: Sequence[tuple[str, int, int]], at: int, words: EntityWords) -> bool:
    return at < len(tokens) and words.is_number(tokens[at][0])


def _followed(
    text: str, numbers: Sequence[tuple[int, int]], by: frozenset[str], kind: EntityKind
) -> Iterator[Entity]:
    for start, end in numbers:
        following = re.match(r"\s+(?:de\s+)?([^\W\d_]+)", text[end:])
        if following is not None and following[1].lower() in by:
            yield Entity(kind, start, end + following.end())


def _with_scale(entity: Entity, text: str, words: EntityWords) -> Entity:
    following = re.match(r"\s+([^\W\d_]+)", text[entity.end :])
    if following is not None and following[1].lower() in words.scales:
        return Entity(entity.kind, entity.start, entity.end + following.end())
    return entity


def _around_months(text: str, numbers: Sequence[tuple[int, int]], words: EntityWords) -> Iterator[Entity]:
    """Months with the day before or after them and the year; a month alone where it is no other word."""
    starts, ends = {end: start for start, end in numbers}, dict(numbers)
    for match in _WORD.finditer(text):
        if match.group().lower() not in words.months:
            continue
        start, end = match.span()
        before = re.search(
            r"(?<!\w)([\d]{1,2}|[^\W\d_]+)(?:st|nd|rd|th|er|\.|º)?\s+(?:de\s+|of\s+)?$", text[:start]
        )
        if before and (before[1].isdigit() or before.end(1) in starts):
            start = starts.get(before.end(1), before.start(1))
        after = re.match(r"\s+(?:de\s+)?(?:(\d{1,4})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?)\b", text[end:])
        spoken = re.match(r"\s+", text[end:])
        if after:
            end += after.end()
        elif spoken and end + spoken.end() in ends:
            end = ends[end + spoken.end()]
        has_number = (start, end) != match.span()
        if has_number or match.group().lower() not in words.ambiguous_months:
            yield Entity(EntityKind.DATE_TIME, start, end)


def _names(text: str, words: EntityWords) -> Iterator[Entity]:
    """Capitalised words inside a sentence, neighbours joined."""
    run: tuple[int, int] | None = None
    for match in _WORD.finditer(text):
        word = match.group()
        is_name = word[0].isupper() and word.lower() not in words.never_names | words.months
        if is_name and run is not None and text[run[1] : match.start()] == " ":
            run = (run[0], match.end())
            continue
        if run is not None:
            yield Entity(EntityKind.NAME, *run)
        starts_sentence = _SENTENCE_START.search(text[: match.start()]) is not None
        run = match.span() if is_name and not starts_sentence else None
    if run is not None:
        yield Entity(EntityKind.NAME, *run)


def add_entities(
    total: dict[EntityKind, EntityCounts], more: Mapping[EntityKind, EntityCounts]
) -> dict[EntityKind, EntityCounts]:
    """Counts of two together."""
    return {
        kind: total.get(kind, EntityCounts()) + more.get(kind, EntityCounts())
        for kind in EntityKind
        if kind in total or kind in more
    }
