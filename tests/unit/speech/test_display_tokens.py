"""Display tokens and the classes of their edits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tympan.speech.display_tokens import display_tokens, score_tokens
from tympan.speech.text import normalizer_for

TOKENS = ("Hello", "hello", ",", ".", "$5", "five", "dollars", "%", "©", "a.b", "'tis")
TEXTS = st.lists(st.sampled_from(TOKENS), max_size=10).map(" ".join)
ENGLISH = normalizer_for("en-US")


@pytest.mark.parametrize(
    ("reference", "hypothesis", "edits"),
    [
        ("Hello, world!", "Hello world.", {"punctuation": 2}),
        ("Hello, World!", "hello, world!", {"capitalization": 2}),
        ("It costs five dollars.", "It costs $5.", {"inverseTextNormalization": 2}),
        (
            "It costs five dollars.",
            "it costs $5",
            {"inverseTextNormalization": 2, "capitalization": 1, "punctuation": 1},
        ),
        ("the cat sat", "the dog sat down", {"lexical": 2}),
        ("a © b", "a b", {"others": 1}),
        ("“Yes”", '"Yes"', {}),
        ("", "", {}),
    ],
)
def test_each_edit_has_its_class(reference, hypothesis, edits):
    score = score_tokens(reference, hypothesis, ENGLISH)
    assert {kind: count for kind, count in score.edits.items() if count} == edits
    assert len(score.edits) == 5


@given(TEXTS, TEXTS)
@settings(max_examples=200, deadline=None)
def test_classes_add_up_to_the_errors(reference, hypothesis):
    score = score_tokens(reference, hypothesis, ENGLISH)
    assert sum(score.edits.values()) == score.counts.errors
    assert score.counts.reference_length == len(display_tokens(reference, ENGLISH))


def test_tokens_of_unspaced_scripts_are_characters():
    assert display_tokens("我用NBA。", normalizer_for("zh-CN")) == ["我", "用", "NBA", "。"]
