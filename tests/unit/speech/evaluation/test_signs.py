"""Hallucinations, suspected references, and what a model has seen before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.evaluation.contamination import SeenTexts, plain_words
from tympan.speech.evaluation.hallucination import (
    Heard,
    hallucination_flags,
    longest_insertion_run,
    repeated_ngrams,
)
from tympan.speech.evaluation.suspects import AgreedChange, Reading, agreed_changes, suspect_reference
from tympan.speech.metrics import align

WORDS = st.lists(st.sampled_from("abcd"), max_size=10)


def flags(reference, hypothesis, *, duration_s=10.0, is_unspaced=False):
    left, right = reference.lower().split(), hypothesis.lower().split()
    heard = Heard(
        text=hypothesis,
        reference=left,
        hypothesis=right,
        alignment=align(left, right),
        duration_s=duration_s,
        is_unspaced=is_unspaced,
    )
    return [str(one) for one in hallucination_flags(heard)]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("it rains", "it rains", []),
        ("it rains", "it pours", []),
        ("", "Thank you", ["stockPhrase", "wordsOnSilence"]),
        ("thank you", "Thank you", []),
        ("one moment please", "Thanks for watching", ["stockPhrase"]),
        ("we are", "we are " * 8, ["repetition", "insertionRun"]),
        ("a b c d e f " * 2, "a b c d e f " * 2, []),
        ("yes", "yes and then we all went home", ["insertionRun"]),
    ],
)
def test_what_looks_made_up_is_flagged(reference, hypothesis, expected):
    assert flags(reference, hypothesis) == expected


def test_nobody_speaks_nine_words_a_second():
    said, heard = "one two", "one two three four five six seven eight nine"
    assert "tooFast" in flags(said, heard, duration_s=1.0)
    assert "tooFast" not in flags(said, heard, duration_s=2.0)
    assert "tooFast" not in flags(heard, heard, duration_s=0.5)
    assert "tooFast" not in flags(said, heard, duration_s=1.0, is_unspaced=True)


@given(WORDS)
def test_a_perfect_hypothesis_has_no_flag(words):
    assert flags(" ".join(words), " ".join(words), duration_s=0.1) == []


def test_ngrams_and_runs_are_counted():
    assert repeated_ngrams(["a", "b", "a", "b", "a", "b"], 2) == 3
    assert longest_insertion_run(align(["x", "y"], ["a", "b", "x", "c", "y"])) == 2


def reading(reference, text, confidence=0.9):
    return Reading(words=text.split(), alignment=align(reference, text.split()), confidence=confidence)


def test_what_all_models_hear_against_the_reference_is_suspected():
    reference = ["the", "cat", "sat", "on", "the", "mat"]
    readings = [reading(reference, text) for text in ("the hat sat on the mat", "the hat sat on a mat")]
    suspect = suspect_reference(reference, readings, duration_s=3.0)
    assert [str(one) for one in suspect.reasons] == ["modelsAgree"]
    assert suspect.changes == (AgreedChange(start=1, end=2, reference=("cat",), heard=("hat",)),)
    assert suspect.weight == 1
    assert suspect_reference(reference, readings[:1], duration_s=3.0) is None


def test_left_out_and_extra_words_are_changes_too():
    reference = ["we", "go", "now"]
    left_out = [reading(reference, "we now")] * 2
    assert agreed_changes(reference, left_out) == (AgreedChange(start=1, end=2, reference=("go",), heard=()),)
    extra = [reading(reference, "we go home now")] * 2
    assert agreed_changes(reference, extra) == (AgreedChange(start=2, end=2, reference=(), heard=("home",)),)


def test_references_that_cannot_belong_to_their_recording_are_suspected():
    reference = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    other = reading(reference, "something else was said in this one")
    reasons = suspect_reference(reference, [other], duration_s=1.0).reasons
    assert [str(one) for one in reasons] == ["nothingMatches", "impossibleRate"]
    unsure = reading(reference, "something else was said in this one", confidence=0.2)
    assert suspect_reference(reference, [unsure], duration_s=5.0) is None
    silent = suspect_reference([], [reading([], "hello there")], duration_s=5.0)
    assert ([str(one) for one in silent.reasons], silent.weight) == (["notSilent"], 2)


@given(WORDS, WORDS)
def test_equal_hypotheses_agree_on_every_error(reference, hypothesis):
    alignment = align(reference, hypothesis)
    one = Reading(words=hypothesis, alignment=alignment)
    changes = agreed_changes(reference, [one, one])
    rebuilt, at = [], 0
    for change in changes:
        rebuilt += [*reference[at : change.start], *change.heard]
        at = change.end
    assert [*rebuilt, *reference[at:]] == hypothesis


def test_texts_that_were_trained_on_are_found_in_any_spelling():
    long = "one two three four five six seven eight nine ten"
    seen = SeenTexts(["He said: it is raining.", "Yes.", long, "something that nobody else has said"])
    for text in ("he said it is raining", "yes", f"zero {long[:-4]}", "unrelated words " * 20):
        seen.add(text)
    overlap = seen.overlap()
    assert (overlap.sentences, overlap.compared) == ((0,), 3)
    assert (overlap.covered_words, overlap.words) == (9, 5 + 1 + 10 + 6)


def test_words_are_plain_in_scripts_without_spaces_too():
    assert plain_words("我用ＡＢＣ。") == ["我", "用", "abc"]
