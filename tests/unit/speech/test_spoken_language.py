"""Which language is spoken, decided from probabilities."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.spoken_language import Evidence, languages_of, verdict_on


def heard(seconds, *probabilities):
    return Evidence(seconds=seconds, probabilities=probabilities)


def test_long_clear_stretches_decide_for_themselves():
    assert languages_of([heard(4, 0.95, 0.01), heard(4, 0.02, 0.9), heard(4, 0.9, 0.05)]) == [0, 1, 0]


@pytest.mark.parametrize("doubtful", [heard(0.5, 0.1, 0.9), heard(4, 0.4, 0.5), heard(0.8, 0.0, 0.0)])
def test_short_or_doubtful_ones_go_with_their_neighbours(doubtful):
    clear = heard(4, 0.95, 0.01)
    assert languages_of([clear, doubtful, clear]) == [0, 0, 0]
    assert languages_of([doubtful, clear]) == [0, 0]


def test_alone_a_stretch_is_what_it_sounds_like():
    assert languages_of([heard(0.5, 0.2, 0.6, 0.1)]) == [1]
    assert languages_of([]) == []


@given(st.lists(st.tuples(st.floats(0.1, 15), st.floats(0, 0.5), st.floats(0, 0.5)), max_size=20))
def test_every_stretch_has_a_language_and_swapping_candidates_swaps_it(stretches):
    found = languages_of([heard(*one) for one in stretches])
    assert len(found) == len(stretches)
    gaps = [abs(a - b) for _, a, b in stretches]
    if min(gaps, default=0) > 0.3:
        swapped = languages_of([heard(seconds, b, a) for seconds, a, b in stretches])
        assert swapped == [1 - language for language in found]


def test_one_language_throughout():
    verdict = verdict_on([[heard(4, 0.9, 0.05), heard(1, 0.3, 0.6)], [heard(5, 0.8, 0.1)]])
    assert (verdict.language, verdict.others) == (0, ())


def test_silence_and_foreign_speech_have_no_language():
    assert verdict_on([]).language is None
    assert verdict_on([[], []]).language is None
    assert verdict_on([[heard(10, 0.05, 0.02), heard(10, 0.1, 0.05)]]).language is None


def test_a_second_language_counts_from_a_quarter_of_the_voice_on():
    english, german = heard(5, 0.95, 0.01), heard(5, 0.01, 0.95)
    assert verdict_on([[english, english, german, german]]).others == (1,)
    assert verdict_on([[english] * 2, [german] * 3]).others == (0,)
    assert verdict_on([[english] * 10 + [german]]).others == ()
    assert verdict_on([[heard(3, 0.95, 0.01), heard(3, 0.01, 0.95)]]).others == ()
