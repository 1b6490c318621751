"""Importing the kinds that are text: sentences, pronunciations, structured text, display format."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

from tympan.domain.dataset import StoredFile
from tympan.domain.manifest import FormattingRule, PronunciationEntry, Sentence
from tympan.ports.blobs import BlobStore
from tympan.ports.inverse_normalizer import InverseNormalizer
from tympan.speech.display_files import FormatLimits, failing_tests, read_display_format
from tympan.speech.findings import Finding, error, has_error, warning
from tympan.speech.list_expansion import ListExpansion
from tympan.speech.phones import respelled
from tympan.speech.pronunciations import read_pronunciations
from tympan.speech.structured_text import (
    Lists,
    Part,
    StructuredLimits,
    StructuredLine,
    read_lists,
    read_structured,
)
from tympan.speech.text import Normalizer, normalizer_for
from tympan.speech.text_lines import TextLine, open_text
from tympan.speech.text_rules import sentence_findings
from tympan.usecases.import_work import ImportWork, stored_file
from tympan.usecases.spool import Spool


def import_sentences(work: ImportWork, blobs: BlobStore) -> tuple[StoredFile, ...]:
    """Import related text, one sentence a line; returns ``normalized.txt``.

    Raises:
        InvalidInputError: The file is in no encoding that can be read.
        StorageFullError: No room is left.
    """
    text = open_text(work.source)
    if not text.has_bom:
        message = "The file does not begin with a byte order mark. It was read as UTF-8; nothing needs doing."
        work.note(warning("BomMissing", message))
    normalizer = normalizer_for(work.dataset.locale) if work.dataset.is_text_normalized else None
    with Spool() as normalized:
        for line in text.lines():
            if line.finding is None and not line.text.strip():
                continue
            compared = normalizer.normalize(line.text) if normalizer is not None else line.text
            findings = _line_findings(line, compared, work.dataset.locale)
            if not has_error(findings):
                work.keep(Sentence(text=line.text, line=line.number))
                normalized.write(compared.encode() + b"\n")
            work.report_line(line.number, findings)
        blob = blobs.put_content(normalized.chunks())
    return (stored_file("normalized.txt", "LanguageData", blob),)


def import_pronunciations(work: ImportWork) -> None:
    """Import ``display<TAB>spoken`` lines.

    Raises:
        InvalidInputError: The file is in no encoding that can be read.
    """
    for line in read_pronunciations(work.source, work.dataset.locale):
        if line.entry is not None:
            work.keep(line.entry)
        work.report_line(line.number, line.findings)


def import_structured_text(work: ImportWork, limits: StructuredLimits) -> None:
    """Import lists, lexicon and sentences; lists are filled into the sentences.

    Raises:
        InvalidInputError: The file is in no encoding that can be read.
    """
    locale = work.dataset.locale
    lists = read_lists(work.source, locale, limits)
    expansion = ListExpansion(lists, limit=limits.sentences)
    for line in read_structured(work.source, locale, lists, limits):
        findings = line.findings
        if not has_error(findings):
            findings = (*findings, *_keep_structured(work, line, expansion))
        work.report_line(line.number, findings)
    _note_lists(work, lists, expansion, limits)


def import_display_format(work: ImportWork, limits: FormatLimits, inverse: InverseNormalizer) -> None:
    """Import display format rules and run their tests.

    Raises:
        InvalidInputError: The file is in no encoding that can be read.
    """
    locale = work.dataset.locale
    findings: dict[int, tuple[Finding, ...]] = defaultdict(tuple)
    rules: list[FormattingRule] = []
    for line in read_display_format(work.source, locale, limits):
        findings[line.number] = line.findings
        if line.rule is not None:
            rules.append(line.rule)
            work.keep(line.rule)
    for number, finding in failing_tests(rules, locale, partial(inverse.normalize, locale=locale)):
        findings[number] += (finding,)
    for number, found in findings.items():
        work.report_line(number, found)


def normalized_findings(text: str, normalizer: Normalizer | None) -> tuple[Finding, ...]:
    """An error when nothing is left to say after normalisation; ``normalizer`` None skips it."""
    return _empty_findings(normalizer.normalize(text)) if normalizer is not None else ()


def _line_findings(line: TextLine, compared: str, locale: str) -> tuple[Finding, ...]:
    if line.finding is not None:
        return (line.finding,)
    findings = sentence_findings(line.text, locale)
    return findings if has_error(findings) else (*findings, *_empty_findings(compared))


def _empty_findings(compared: str) -> tuple[Finding, ...]:
    if compared:
        return ()
    message = "No word is left after normalisation: the line holds only punctuation. Write words."
    return (error("NormalizedEmpty", message),)


def _keep_structured(work: ImportWork, line: StructuredLine, expansion: ListExpansion) -> tuple[Finding, ...]:
    if line.part is Part.SECTION:
        for sentence in expansion.sentences(line.text):
            work.keep(Sentence(text=sentence, line=line.number))
    elif line.part is Part.LEXICON:
        if not work.dataset.locale.startswith("en"):
            message = (
                "Phones are understood for English only; the entry is not used. "
                "Upload a Pronunciation dataset."
            )
            return (warning("LexiconUnused", message),)
        # Voices are given letters, not phones: the entry becomes a spelling that sounds so.
        work.keep(PronunciationEntry(display=line.text, spoken=respelled(line.phones), line=line.number))
    return ()


def _note_lists(work: ImportWork, lists: Lists, expansion: ListExpansion, limits: StructuredLimits) -> None:
    for name, first_line in lists.first_lines.items():
        if not lists.uses[name]:
            message = (
                f"No sentence refers to list '{name}'; its items are not used. Write '{{@{name}}}' in one."
            )
            work.note(warning("ListUnused", message), line=first_line)
    if not expansion.is_complete:
        message = (
            f"Using every item would give more than {limits.sentences} sentences; only a part of the items "
            "is used. Shorten the lists or split the file."
        )
        work.note(warning("CountLimit", message))
