"""Intervals and verdicts."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tympan.domain.evaluation import ErrorCounts
from tympan.speech.bootstrap import LEAST_RECORDINGS, compare, rate_interval

COUNTS = st.builds(
    ErrorCounts, hits=st.integers(0, 9), substitutions=st.integers(0, 5), insertions=st.integers(0, 3)
)


def recordings(error_rate, *, count=200, seed=1):
    chance = random.Random(seed)
    wrong = [sum(chance.random() < error_rate for _ in range(10)) for _ in range(count)]
    return [ErrorCounts(hits=10 - errors, substitutions=errors) for errors in wrong]


def test_the_interval_holds_the_pooled_rate_and_narrows_with_more_recordings():
    few, many = recordings(0.2, count=50), recordings(0.2, count=800)
    for counts in (few, many):
        interval = rate_interval(counts)
        assert interval.low < sum(counts, ErrorCounts()).rate < interval.high
    assert width(rate_interval(many)) < width(rate_interval(few)) / 2


def test_about_95_of_100_intervals_hold_the_true_rate():
    intervals = [rate_interval(recordings(0.2, count=100, seed=seed), draws=1000) for seed in range(200)]
    held = sum(interval.low <= 0.2 <= interval.high for interval in intervals)
    assert 180 <= held <= 199


@pytest.mark.parametrize(("rate", "verdict"), [(0.1, "better"), (0.3, "worse"), (0.2, "undecided")])
def test_the_verdict_follows_from_the_interval_of_the_difference(rate, verdict):
    result = compare(("b", recordings(rate, seed=2)), ("a", recordings(0.2)))
    assert (result.model_id, result.baseline_id, result.verdict) == ("b", "a", verdict)
    is_decided = not result.difference.low <= 0 <= result.difference.high
    assert is_decided is (verdict != "undecided")


def test_recordings_are_paired_so_a_small_steady_gain_is_seen():
    before = recordings(0.3, count=60)
    after = [
        ErrorCounts(hits=counts.hits + 1, substitutions=counts.substitutions - 1)
        if counts.substitutions
        else counts
        for counts in before
    ]
    result = compare(("b", after), ("a", before))
    assert result.verdict == "better"
    assert result.probability_better == 1.0
    assert result.relative_change == pytest.approx(-0.33, abs=0.05)


@given(st.lists(COUNTS, max_size=8))
@settings(max_examples=50, deadline=None)
def test_a_model_is_never_better_than_itself_and_results_repeat(counts):
    result = compare(("a", counts), ("a", counts), draws=1000)
    assert result.verdict == "undecided"
    assert result.probability_better == (0 if len(counts) > 1 else 0.5)
    assert result == compare(("a", counts), ("a", counts), draws=1000)


@pytest.mark.parametrize("count", range(1, LEAST_RECORDINGS + 1))
def test_few_recordings_decide_nothing_however_steady_the_gain(count):
    worse, better = [ErrorCounts(hits=5, substitutions=5)] * count, [ErrorCounts(hits=10)] * count
    result = compare(("b", better), ("a", worse))
    assert result.verdict == ("better" if count == LEAST_RECORDINGS else "undecided")


def test_one_recording_says_nothing_of_others():
    one, other = [ErrorCounts(hits=9, substitutions=1)], [ErrorCounts(hits=8, substitutions=2)]
    assert (rate_interval(one).low, rate_interval(one).high) == (0.0, 1.0)
    result = compare(("b", other), ("a", one))
    assert (result.difference.low, result.difference.high) == (-1.0, 1.0)
    assert result.probability_better == 0.5


def test_there_is_no_relative_change_from_nothing():
    right, wrong = [ErrorCounts(hits=3)], [ErrorCounts(hits=2, substitutions=1)]
    assert compare(("b", wrong), ("a", right)).relative_change is None


def width(interval):
    return interval.high - interval.low
