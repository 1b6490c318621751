"""What a test set can show."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.domain.evaluation import ErrorCounts
from tympan.speech.evaluation.power import design_effect, detectable_difference, words_needed


def test_four_times_the_words_halve_what_can_be_seen():
    # 2.8016 * sqrt(0.1 * 1 / 1000) = 0.02802
    once = detectable_difference(0.1, 1000, design_effect=1.0)
    assert once == pytest.approx(0.02802, abs=1e-5)
    assert detectable_difference(0.1, 4000, design_effect=1.0) == pytest.approx(once / 2)


@given(st.floats(0.01, 1), st.integers(100, 10**6))
def test_words_and_difference_are_inverse(rate, words):
    assert math.isclose(words_needed(rate, detectable_difference(rate, words)), words, abs_tol=1.01)


def test_bunched_errors_have_a_larger_effect_than_spread_ones():
    spread = [ErrorCounts(hits=9, substitutions=1)] * 10
    bunched = [ErrorCounts(substitutions=10), *[ErrorCounts(hits=10)] * 9]
    assert design_effect(spread) == 0
    # Residuals 9^2 + 9 * 1^2 = 90, times 10/9, over 100^2: 0.01; independent words: 0.1 * 0.9 / 100.
    assert design_effect(bunched) == pytest.approx(0.01 / 0.0009)


def test_nothing_is_said_without_words_or_errors():
    assert design_effect([ErrorCounts(hits=1)] * 3) is None
    assert design_effect([ErrorCounts(hits=1, substitutions=1)]) is None
    with pytest.raises(ValueError, match="words"):
        detectable_difference(0.1, 0)
    with pytest.raises(ValueError, match="above 0"):
        words_needed(0.1, 0)
