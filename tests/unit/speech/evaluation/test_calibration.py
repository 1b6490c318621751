"""Confidences, slices and noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.domain.evaluation import ErrorCounts
from tympan.speech.evaluation.calibration import calibration
from tympan.speech.evaluation.slices import DURATION_EDGES_S, band, slices
from tympan.speech.signal_to_noise import signal_to_noise_db


def test_expected_error_is_the_gap_between_said_and_true():
    # Bin [0.9, 1]: mean 0.95, accuracy 0.5, gap 0.45 on 2 words; bin [0.2, 0.3): mean 0.2, accuracy 0.
    result = calibration([(0.95, True), (0.95, False), (0.2, False), (0.2, False)])
    assert result.expected_error == pytest.approx((2 * 0.45 + 2 * 0.2) / 4)
    assert [(one.words, one.accuracy) for one in result.bins if one.words] == [(2, 0.0), (2, 0.5)]
    assert (result.words, result.wrong) == (4, 3)


def test_reviewing_the_least_sure_words_catches_their_errors():
    words = [(at / 100, at >= 10) for at in range(100)]  # the ten least sure are wrong
    caught = {one.reviewed: one.caught for one in calibration(words).review}
    assert caught[0.05] == pytest.approx(0.5)
    assert caught[0.1] == caught[0.5] == pytest.approx(1.0)


def test_confidences_that_are_all_equal_find_nothing():
    words = [(0.8, at % 5 > 0) for at in range(100)]
    result = calibration(words)
    assert all(one.caught == pytest.approx(one.reviewed) for one in result.review)
    assert result.expected_error == pytest.approx(0)
    assert result.cross_entropy == pytest.approx(0)


def test_nothing_can_be_said_without_words_or_errors():
    assert calibration([]) is None
    perfect = calibration([(0.9, True)])
    assert (perfect.cross_entropy, perfect.review) == (None, ())


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_measures_stay_within_their_bounds(words):
    result = calibration(words)
    assert 0 <= result.expected_error <= 1
    assert sum(one.words for one in result.bins) == len(words)
    caught = [one.caught for one in result.review]
    assert caught == sorted(caught)
    assert result == calibration(words[::-1]) or result.expected_error == pytest.approx(
        calibration(words[::-1]).expected_error
    )


def test_slices_add_up_and_small_ones_are_marked():
    columns = [{"speaker": "a" if at < 15 else "b", "channel": "1"} for at in range(20)]
    words = [[ErrorCounts(hits=9, substitutions=1)] * 20, [ErrorCounts(hits=10)] * 20]
    first, second = slices(columns, words)
    assert (first.column, first.value, first.recordings, first.is_small) == ("speaker", "a", 15, False)
    assert (second.value, second.recordings, second.is_small) == ("b", 5, True)
    assert first.words == (ErrorCounts(hits=135, substitutions=15), ErrorCounts(hits=150))
    assert first.intervals[0].low == first.intervals[0].high == pytest.approx(0.1)
    assert slices([], [[]]) == []


def test_a_column_that_only_some_recordings_have_is_shown():
    columns = [{"dialect": "north"}, {}]
    assert [one.recordings for one in slices(columns, [[ErrorCounts(hits=1)] * 2])] == [1]


def test_bands_have_no_gaps():
    assert band(0.0, DURATION_EDGES_S, "s") == "under 2 s"
    assert band(2.0, DURATION_EDGES_S, "s") == "2-5 s"
    assert band(60.0, DURATION_EDGES_S, "s") == "60 s and more"
    assert band(None, DURATION_EDGES_S, "s") is None
    assert band(float("nan"), DURATION_EDGES_S, "s") is None


@pytest.mark.parametrize("ratio_db", [0.0, 10.0, 20.0, 40.0])
def test_the_noise_behind_bursts_of_a_tone_is_measured(ratio_db):
    chance = np.random.default_rng(1)
    seconds = np.arange(5 * 16_000) / 16_000
    is_on = (seconds % 1.0) < 0.5
    tone = 0.3 * np.sqrt(2) * np.sin(2 * np.pi * 440 * seconds) * is_on
    noise = chance.normal(0, 0.3 * 10 ** (-ratio_db / 20), seconds.size)
    measured = signal_to_noise_db((tone + noise).astype(np.float32))
    # Speech frames hold the noise too, so that equal levels measure 3 dB.
    expected = 10 * np.log10(10 ** (ratio_db / 10) + 1)
    assert measured == pytest.approx(expected, abs=1.5)


def test_silence_and_scraps_have_no_ratio():
    assert signal_to_noise_db(np.zeros(16_000, np.float32)) is None
    assert signal_to_noise_db(np.ones(100, np.float32)) is None
