"""Structured text: parsing, limits, and filling lists into sentences."""

from __future__ import annotations

import io

from tympan.speech.list_expansion import ListExpansion
from tympan.speech.phones import phone_finding, respelled
from tympan.speech.structured_text import StructuredLimits, StructuredLine, read_lists, read_structured

EXAMPLE = """\
// a comment
@ list locale =
- english
- german

@list colour=
- dark blue

@ speech:phoneticlexicon
- .net/D AO T N EH T
- cat/k ae1 t

# SomeSection
- We speak {@locale} and like {@colour}
- No list here
"""


def read(text: str, **limits: int) -> list[StructuredLine]:
    file, most = io.BytesIO(text.encode()), StructuredLimits(**limits)
    return list(read_structured(file, "en-US", read_lists(file, "en-US", most), most))


def problems(text: str, **limits: int) -> list[tuple[int, str]]:
    return [(line.number, finding.code) for line in read(text, **limits) for finding in line.findings]


def expanded(text: str, limit: int = 1000) -> list[str]:
    file, most = io.BytesIO(text.encode()), StructuredLimits()
    lists = read_lists(file, "en-US", most)
    expansion = ListExpansion(lists, limit=limit)
    return [
        sentence
        for line in read_structured(file, "en-US", lists, most)
        if line.part == "section" and not line.findings
        for sentence in expansion.sentences(line.text)
    ]


def test_lists_lexicon_and_sentences_are_read():
    lines = read(EXAMPLE)
    assert not problems(EXAMPLE)
    assert [(line.number, str(line.part), line.text) for line in lines] == [
        (3, "list", "english"),
        (4, "list", "german"),
        (7, "list", "dark blue"),
        (10, "lexicon", ".net"),
        (11, "lexicon", "cat"),
        (14, "section", "We speak {@locale} and like {@colour}"),
        (15, "section", "No list here"),
    ]
    assert lines[3].phones == "D AO T N EH T"
    assert lines[5].references == ("locale", "colour")


def test_a_list_may_come_after_the_sentence_that_names_it():
    assert not problems("# s\n- say {@x}\n@ list x =\n- hello\n")


def test_lines_that_cannot_be_used_say_why():
    text = """\
- before any block
some words
@ list two words =
- item
@ list nosign
- item
# bad name
- {@nowhere}
- {@open
-
@ speech:phoneticlexicon
- nophones
- word/XX YY
"""
    assert problems(text) == [
        (1, "LineInvalid"),
        (2, "LineInvalid"),
        (3, "ListNameInvalid"),
        (4, "ListNameInvalid"),
        (5, "LineInvalid"),
        (6, "LineInvalid"),
        (7, "SectionNameInvalid"),
        (8, "ListUnknown"),
        (9, "LineInvalid"),
        (10, "LineEmpty"),
        (12, "PronunciationInvalid"),
        (13, "PronunciationInvalid"),
    ]


def test_limits_refuse_what_is_over_them():
    assert problems("@ list a =\n- x\n@ list b =\n- y\n", lists=1) == [(3, "ListLimit"), (4, "ListLimit")]
    assert problems("@ list a =\n- x\n- y\n# s\n- {@a}", items=1) == [(3, "ListItemLimit")]
    lexicon = "@ speech:phoneticlexicon\n- a/K\n- a/T\n- a/P\n- b/K\n"
    assert problems(lexicon) == [(4, "LexiconLimit")]
    assert problems(lexicon, lexicon_entries=2) == [(4, "LexiconLimit"), (5, "LexiconLimit")]


def test_every_item_is_used_and_sentences_without_lists_stay():
    items = [f"item{number}" for number in range(50)]
    text = (
        "@ list x =\n"
        + "".join(f"- {item}\n" for item in items)
        + "# s\n- say {@x} now\n- get {@x}\n- plain\n"
    )
    sentences = expanded(text)
    assert {word for sentence in sentences for word in sentence.split()} >= set(items)
    assert len(sentences) == 51
    assert "plain" in sentences


def test_expansion_is_the_same_each_time_and_keeps_its_limit():
    text = (
        "@ list x =\n" + "".join(f"- i{n}\n" for n in range(500)) + "# s\n" + "- a {@x}\n- b {@x} {@x}\n" * 5
    )
    assert expanded(text) == expanded(text)
    assert len(expanded(text, limit=100)) <= 100
    assert len(expanded(text, limit=3)) == 10  # every sentence is used at least once


def test_phones_of_both_sets_are_known_and_spelled():
    assert phone_finding("AXR ao1 HH UWX jh") is None
    assert respelled("k ae t") == "kat"
    assert phone_finding("QQ") is not None
