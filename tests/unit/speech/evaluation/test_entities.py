"""Entities by rules."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tympan.domain.evaluation import ErrorCounts
from tympan.speech.evaluation.entities import (
    EntityCounts,
    add_entities,
    find_entities,
    place_entities,
    score_entities,
)
from tympan.speech.metrics import align
from tympan.speech.text import normalizer_for

FOUND = [
    (
        "en-US",
        "I paid $1.5 million to Ann Smith on May 21st, 1999 at 10:30 a.m. for A4-B12 and ten dollars.",
        (
            "money $1.5 million | name Ann Smith | dateTime May 21st, 1999 | dateTime 10:30 a.m. | "
            "code A4-B12 | money ten dollars"
        ),
    ),
    (
        "en-GB",
        "meet us on the twenty first of may with one hundred and five people, the second time for one pound",
        "dateTime twenty first of may | number one hundred and five | money one pound",
    ),
    (
        "en-US",
        "Nobody may march. I'm on the 21st floor since 2024, 50% of 123456, one of 5 million.",
        "number 21st | dateTime 2024 | number 50% | code 123456 | number 5 million",
    ),
    (
        "de-DE",
        "Am 21. Mai 1999 zahlte ein Mann dreiundzwanzig Euro und 3,50 €, um 12:23 Uhr.",
        "dateTime 21. Mai 1999 | money dreiundzwanzig Euro | money 3,50 € | dateTime 12:23 Uhr",
    ),
    (
        "fr-FR",
        "Le 3 mars 2020 à 12h30, Marie a payé vingt et un euros.",
        "dateTime 3 mars 2020 | dateTime 12h30 | name Marie | money vingt et un euros",
    ),
    (
        "es-ES",
        "El 3 de mayo de 2020 María pagó mil euros.",
        "dateTime 3 de mayo de 2020 | name María | money mil euros",
    ),
    (
        "it-IT",
        "Il 3 maggio Marco ha 21 anni.",
        "dateTime 3 maggio | name Marco | number 21",
    ),
    (
        "nl-NL",
        "Op 3 mei betaalde Jan vijf euro.",
        "dateTime 3 mei | name Jan | money vijf euro",
    ),
    (
        "pt-BR",
        "Em 3 de maio, João pagou vinte e um reais.",
        "dateTime 3 de maio | name João | money vinte e um reais",
    ),
    (
        "zh-CN",
        "我在2024年用3.5元",
        "dateTime 2024 | number 3.5",
    ),
]
LOCALES = st.sampled_from([row[0] for row in FOUND])
PIECES = st.sampled_from(
    [
        "May",
        "5",
        "$3",
        "one",
        "and",
        "twenty",
        "10:30",
        "Ann",
        "2024",
        "A4",
        ".",
        ",",
        "mai",
        "euros",
        "first",
        "1.000,50",
        "%",
        "-",
        "½",
        "°",
    ]
)


@pytest.mark.parametrize(("locale", "text", "expected"), FOUND)
def test_entities_are_found_in_each_language(locale, text, expected):
    found = (f"{one.kind} {text[one.start : one.end]}" for one in find_entities(text, locale))
    assert " | ".join(found) == expected


@given(LOCALES, st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=12).map(" ".join)))
@settings(max_examples=150, deadline=None)
def test_entities_never_overlap_and_each_is_whole_when_nothing_is_wrong(locale, text):
    found = find_entities(text, locale)
    assert all(one.end <= after.start for one, after in pairwise(found))
    normalizer = normalizer_for(locale)
    words = normalizer.words(text)
    for counts in score_entities(place_entities(text, locale, normalizer), align(words, words)).values():
        assert counts.exact == counts.entities > 0
        assert counts.words.errors == 0


def scored(text, heard):
    normalizer = normalizer_for("en-US")
    alignment = align(normalizer.words(text), normalizer.words(heard))
    return {
        str(k): v for k, v in score_entities(place_entities(text, "en-US", normalizer), alignment).items()
    }


def test_written_and_spoken_amounts_are_the_same():
    assert scored("He paid $5 to Ann.", "he paid five dollars to anne") == {
        "money": EntityCounts(words=ErrorCounts(hits=2), entities=1, exact=1),
        "name": EntityCounts(words=ErrorCounts(substitutions=1), entities=1),
    }


def test_a_word_inserted_inside_an_entity_spoils_it_and_one_beside_it_does_not():
    assert scored("Call Ann Smith now", "call ann the smith now")["name"] == EntityCounts(
        words=ErrorCounts(hits=2, insertions=1), entities=1
    )
    assert scored("Call Ann Smith now", "call the ann smith oh now")["name"].exact == 1


def test_counts_add_up():
    normalizer = normalizer_for("en-US")
    words = normalizer.words("Hi Ann, 5")
    one = score_entities(place_entities("Hi Ann, 5", "en-US", normalizer), align(words, words))
    assert {kind: counts.entities for kind, counts in add_entities(one, one).items()} == dict.fromkeys(one, 2)
    assert list(one) == ["name", "number"]
