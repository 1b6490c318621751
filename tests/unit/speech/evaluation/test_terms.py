"""Terms, and the words around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.domain.evaluation import ErrorCounts
from tympan.speech.evaluation.occurrences import PhraseBook
from tympan.speech.evaluation.terms import TermCounts, TermScore, score_terms
from tympan.speech.metrics import align

BOOK = PhraseBook([("Tympan", ["tympan"]), ("Anna Bell", ["anna", "bell"]), ("Anna", ["anna"]), ("", [])])
WORDS = st.lists(st.sampled_from(["anna", "bell", "tympan", "the", "a"]), max_size=10)


def scored(reference, hypothesis):
    left, right = reference.split(), hypothesis.split()
    return score_terms(BOOK, left, right, align(left, right))


def test_the_longest_term_is_taken_and_none_overlap():
    found = [(one.phrase, one.start, one.end) for one in BOOK.find(["anna", "bell", "and", "anna"])]
    assert found == [("Anna Bell", 0, 2), ("Anna", 3, 4)]
    assert BOOK.names == ("Tympan", "Anna Bell", "Anna")


def test_terms_are_found_missed_and_invented():
    score = scored("ask anna bell about tympan today", "ask anna bell about time pan tympan to day")
    assert score.by_term["Anna Bell"] == TermCounts(found=1)
    assert score.total().found + score.total().missed == 2
    score = scored("we use tympan", "we use time")
    assert score.by_term == {"Tympan": TermCounts(missed=1)}
    score = scored("we use time", "we use tympan")
    assert score.by_term == {"Tympan": TermCounts(invented=1)}


def test_a_term_heard_elsewhere_is_missed_here_and_invented_there():
    score = scored("tympan one two three", "time one two tympan")
    assert score.by_term == {"Tympan": TermCounts(missed=1, invented=1)}


def test_recall_precision_and_f1():
    counts = TermCounts(found=6, missed=2, invented=4)
    assert (counts.recall, counts.precision) == (0.75, 0.6)
    assert counts.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    nothing = TermCounts()
    assert (nothing.recall, nothing.precision, nothing.f1) == (None, None, None)


def test_words_of_terms_and_other_words_are_counted_apart():
    # "bell" wrong and "tympan" inserted are biased; "call" wrong is not.
    score = scored("call anna bell now", "tall anna ball now tympan")
    assert score.biased == ErrorCounts(hits=1, substitutions=1, insertions=1)
    assert score.unbiased == ErrorCounts(hits=1, substitutions=1)


@given(WORDS, WORDS)
def test_biased_and_unbiased_errors_are_all_errors(reference, hypothesis):
    alignment = align(reference, hypothesis)
    score = score_terms(BOOK, reference, hypothesis, alignment)
    assert score.biased + score.unbiased == alignment.counts
    said, heard = len(list(BOOK.find(reference))), len(list(BOOK.find(hypothesis)))
    total = score.total()
    assert (total.found + total.missed, total.found + total.invented) == (said, heard)


@given(WORDS)
def test_what_is_heard_as_it_was_said_is_found(words):
    total = score_terms(BOOK, words, words, align(words, words)).total()
    assert (total.missed, total.invented) == (0, 0)


def test_scores_add_up_and_can_be_split():
    both = scored("tympan", "tympan") + scored("anna", "tympan")
    assert both.total() == TermCounts(found=1, missed=1, invented=1)
    assert both.total(["Anna", "unknown"]) == TermCounts(missed=1)
    assert both + TermScore() == both
