"""Display format files: sections of ITN patterns, rewrites, profanity and tests.

Source: developer reference, section 10.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tympan.domain.manifest import FormattingRule
from tympan.speech.display_format import DisplayFormatter
from tympan.speech.findings import Finding, error, warning
from tympan.speech.itn_patterns import PatternError, parse_pattern
from tympan.speech.phrase_rules import words_of
from tympan.speech.text_lines import TextLine, open_text
from tympan.speech.text_rules import first_control

_HEADING = re.compile(r"#\s*(\w[\w ]*?)\s*")
_SECTIONS = ("itn", "rewrite", "profanity", "test")
_WITH_TAB = ("rewrite", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatLimits:
    """Most lines per section."""

    itn: int = 200
    rewrite: int = 1000
    profanity: int = 1000
    test: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatLine:
    """A line that is neither empty nor a comment nor a heading; ``rule`` is None when refused."""

    number: int
    rule: FormattingRule | None
    findings: tuple[Finding, ...] = ()


def read_display_format(file: BinaryIO, locale: str, limits: FormatLimits) -> Iterator[FormatLine]:
    """Read a display format file.

    Raises:
        InvalidInputError: It is in no encoding that can be read (code ``EncodingInvalid``).
    """
    section: str | None = None
    counts: Counter[str] = Counter()
    for line in open_text(file).lines():
        text = line.text.strip(" \t")
        heading = _HEADING.fullmatch(text) if line.finding is None else None
        if heading is not None:
            section = heading.group(1).casefold() if heading.group(1).casefold() in _SECTIONS else None
            if section is None:
                yield FormatLine(
                    number=line.number, rule=None, findings=(_unknown_section(heading.group(1)),)
                )
        elif line.finding is not None or (text and not text.startswith("//")):
            yield _rule(line, section, counts, locale, limits)


def failing_tests(
    rules: Iterable[FormattingRule], locale: str, write_numbers: Callable[[str], str] | None = None
) -> Iterator[tuple[int, Finding]]:
    """Run the test lines; each that fails gives its line and a warning with what came out.

    Args:
        rules: Of all sections.
        locale: Of the file.
        write_numbers: The language's inverse text normalisation, as results get it.
    """
    rules = tuple(rules)
    formatter = DisplayFormatter(rules, locale, write_numbers=write_numbers)
    for rule in rules:
        if rule.section == "test":
            actual = formatter.format_lexical(rule.source).text
            if actual != rule.target:
                message = f"'{rule.source}' is written '{actual}', but '{rule.target}' is expected."
                yield rule.line, warning("TestFailed", message)


def _rule(
    line: TextLine, section: str | None, counts: Counter[str], locale: str, limits: FormatLimits
) -> FormatLine:
    finding = line.finding
    if finding is None and section is None:
        finding = error(
            "LineInvalid", "The line stands in no section. Put '#itn', '#rewrite', ... before it."
        )
    if finding is not None or section is None:
        return FormatLine(number=line.number, rule=None, findings=(finding,) if finding else ())
    source, *rest = line.text.strip(" ").split("\t") if section != "itn" else [line.text.strip(" \t")]
    finding = _content_finding(section, source, rest, locale) or _limit_finding(section, counts, limits)
    if finding is not None:
        return FormatLine(number=line.number, rule=None, findings=(finding,))
    target = rest[0].strip() if rest else ""
    rule = FormattingRule(section=section, source=source.strip(), target=target, line=line.number)
    return FormatLine(number=line.number, rule=rule)


def _content_finding(section: str, source: str, rest: list[str], locale: str) -> Finding | None:
    wanted_tabs = 1 if section in _WITH_TAB else 0
    control = first_control(source + "".join(rest))
    if len(rest) < wanted_tabs:
        return error("TabMissing", f"There is no tab. A line of #{section} is 'before<TAB>after'.")
    if len(rest) > wanted_tabs:
        return error("TooManyTabs", f"There are {len(rest)} tabs; a line of #{section} has {wanted_tabs}.")
    if control is not None:
        return error("ControlCharacter", f"The line holds a control character (U+{ord(control):04X}).")
    if section == "itn":
        return _pattern_finding(source)
    if not words_of(source, locale):
        return error("LineEmpty", "There are no words to look for. Write them before the tab.")
    return None


def _pattern_finding(source: str) -> Finding | None:
    try:
        parse_pattern(source)
    except PatternError as reason:
        return error("PatternInvalid", f"The pattern cannot be read: {reason}.")
    return None


def _limit_finding(section: str, counts: Counter[str], limits: FormatLimits) -> Finding | None:
    most: int = getattr(limits, section)
    counts[section] += 1
    if counts[section] > most:
        return error("LineLimit", f"#{section} has more than {most} lines; this one is not used.")
    return None


def _unknown_section(name: str) -> Finding:
    return error(
        "SectionNameInvalid", f"There is no section '{name}'. Use #itn, #rewrite, #profanity or #test."
    )
