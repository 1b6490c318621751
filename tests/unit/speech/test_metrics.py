"""Alignments a person can check, and what holds for every pair."""

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tympan.domain.evaluation import ErrorCounts
from tympan.speech import metrics
from tympan.speech.metrics import align, count_characters, count_words

WORDS = st.lists(st.sampled_from("abcd"), max_size=20)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "operations"),
    [
        ("a b c", "a b c", "CCC"),
        ("a b c", "a x c", "CSC"),
        ("a b c", "a c", "CDC"),
        ("a c", "a b c", "CIC"),
        ("", "a b", "II"),
        ("a b", "", "DD"),
        ("", "", ""),
        ("a", "a a", "IC"),
        ("a b", "b a", "DCI"),
    ],
)
def test_alignments_by_hand(reference, hypothesis, operations):
    pairs = align(reference.split(), hypothesis.split()).pairs
    assert "".join(pair.operation for pair in pairs) == operations


@given(WORDS)
def test_a_text_has_no_errors_against_itself(words):
    assert count_words(words, words) == ErrorCounts(hits=len(words))


@given(WORDS, WORDS)
def test_every_word_stands_in_the_alignment_once_and_in_order(reference, hypothesis):
    pairs = align(reference, hypothesis).pairs
    assert [pair.reference for pair in pairs if pair.reference is not None] == list(range(len(reference)))
    assert [pair.hypothesis for pair in pairs if pair.hypothesis is not None] == list(range(len(hypothesis)))


@given(WORDS, WORDS)
def test_cost_is_the_least_and_errors_are_never_fewer_than_jiwers(reference, hypothesis):
    counts = count_words(reference, hypothesis)
    swapped = count_words(hypothesis, reference)
    least = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    assert cost(counts) == cost(swapped)
    assert counts.errors >= least.substitutions + least.deletions + least.insertions


@given(WORDS, WORDS)
@settings(max_examples=50)
def test_long_texts_are_aligned_in_blocks_with_the_same_result(reference, hypothesis):
    whole = align(reference, hypothesis)
    rows, metrics._BLOCK_ROWS = metrics._BLOCK_ROWS, 3
    try:
        assert align(reference, hypothesis) == whole
    finally:
        metrics._BLOCK_ROWS = rows


@given(st.text("ab c", max_size=30), st.text("ab c", max_size=30))
def test_character_errors_are_jiwers_without_spaces(reference, hypothesis):
    counts = count_characters(reference, hypothesis)
    least = jiwer.process_characters(reference.replace(" ", ""), hypothesis.replace(" ", ""))
    assert counts.errors == least.substitutions + least.deletions + least.insertions
    assert counts.reference_length == len(reference.replace(" ", ""))


def test_the_documented_example_has_the_documented_rates():
    counts = ErrorCounts(hits=170, substitutions=2, deletions=1, insertions=2)
    assert round(counts.rate, 4) == 0.0289


@pytest.mark.parametrize(("hypothesis", "rate"), [("", 0.0), ("something", 1.0)])
def test_an_empty_reference_has_a_rate(hypothesis, rate):
    assert count_words([], hypothesis.split()).rate == rate


def cost(counts):
    return 4 * counts.substitutions + 3 * (counts.deletions + counts.insertions)
