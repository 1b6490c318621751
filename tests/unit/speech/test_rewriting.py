"""What was heard as spoken is written as displayed, and nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.domain.manifest import PronunciationEntry
from tympan.speech.ordinary_words import ordinary_words
from tympan.speech.rewriting import may_rewrite, rewrite


def entry(display, spoken):
    return PronunciationEntry(display=display, spoken=spoken, line=1)


ENTRIES = [
    entry("3CPO", "three c p o"),
    entry("CNTK", "c n t k"),
    entry("IEEE", "i triple e"),
    entry("agkistrodon", "acast road on"),
    entry("oviraptor", "over raptor"),
    entry("coelophysis", "cole office is"),
    entry("K8s", "kubernetes"),
    entry("PostgreSQL", "post gres cue ell"),
    entry("nginx", "engine x"),
    entry("cervus", "service"),
    entry("CU", "c u"),
    entry("IT", "i t"),
    entry("AI", "a i"),
]
WORDS = sorted(ordinary_words("en"))


def written(text):
    return rewrite(text, ENTRIES)[0]


@pytest.mark.parametrize(
    "heard", ["three c p o", "Three C P O", "3 c p o", "3CPO", "3-CPO", "3 C.P.O.", "three see P O", "3 CPO"]
)
def test_every_spelling_of_the_same_letters_and_digits_becomes_the_display_form(heard):
    assert written(f"where is {heard} now").replace("3CPO.", "3CPO") == "where is 3CPO now"


def test_double_and_triple_are_spelled_out_on_both_sides():
    assert (
        written("the I triple E and the I E E E and the double u") == "the IEEE and the IEEE and the double u"
    )


def test_marks_around_a_match_and_a_genitive_s_stay():
    assert written('He said "kubernetes", not (engine x)!') == 'He said "K8s", not (nginx)!'
    assert written("three c p o's friend") == "3CPO's friend"


def test_a_mark_within_a_match_forbids_it():
    assert written("Over, raptor") == "Over, raptor"


def test_a_term_keeps_the_capital_of_a_sentence_start_only():
    assert written("Over raptor eggs. Over raptor nests, Over raptor") == (
        "Oviraptor eggs. Oviraptor nests, oviraptor"
    )


def test_a_term_split_or_joined_differently_is_found():
    assert written("overraptor") == "oviraptor"
    assert written("post gres Q L") == "PostgreSQL"


def test_the_longest_spoken_form_wins():
    entries = [entry("CP", "c p"), entry("CPO", "c p o")]
    assert rewrite("the C P O and the C P", entries)[0] == "the CPO and the CP"


def test_nothing_inside_another_word_is_touched():
    assert written("kubernetesish reengine xs") == "kubernetesish reengine xs"


def test_a_single_ordinary_word_never_rewrites():
    assert not may_rewrite(entry("cervus", "service"), "en-US")
    assert written("The service is good.") == "The service is good."


def test_a_single_word_needs_a_list_of_ordinary_words_for_its_language():
    assert may_rewrite(entry("K8s", "kubernetes"), "en-US")
    assert may_rewrite(entry("K8s", "kubernetes"), "de-DE")
    assert not may_rewrite(entry("Alldag", "alltag"), "de-DE")
    assert not may_rewrite(entry("K8s", "kubernetes"), "pl-PL")
    assert may_rewrite(entry("K8s", "kuba netis"), "de-DE")


def test_letters_are_believed_when_written_as_letters_only():
    assert written("See you, I tee it, a I") == "See you, I tee it, a I"
    assert written("The C U and the I T and A.I people") == "The CU and the IT and AI people"


def test_three_ordinary_words_are_believed_as_the_very_words_given():
    entries = [entry("Toowoomba", "to woman bar")]
    assert rewrite("From to woman bar", entries)[0] == "From Toowoomba"
    assert rewrite("From two woman bar", entries)[0] == "From two woman bar"


def test_the_rules_that_changed_something_are_named():
    assert rewrite("kubernetes and K8s", ENTRIES) == ("K8s and K8s", ("kubernetes -> K8s",))
    assert rewrite("K8s  as it is", ENTRIES) == ("K8s  as it is", ())


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_text_of_ordinary_words_is_never_changed_by_letters_or_unusual_words(words):
    text = " ".join(words)
    entries = [e for e in ENTRIES if e.display not in {"agkistrodon", "coelophysis", "nginx"}]
    assert rewrite(text, entries) == (text, ())


@given(st.text(max_size=60), st.lists(st.sampled_from(ENTRIES), max_size=5))
def test_rewriting_takes_any_text_and_twice_is_once(text, entries):
    once, _ = rewrite(text, entries)
    assert rewrite(once, entries)[0] == once


@given(st.lists(st.sampled_from(["the", "kubernetes", "K8s,", "three", "c", "p", "o", "3CPO."]), max_size=14))
def test_no_rule_is_named_unless_the_text_changed(words):
    text = " ".join(words)
    after, used = rewrite(text, ENTRIES)
    assert bool(used) == (after != text)
