"""From windows to turns."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.speaker_turns import (
    SpeakerTurn,
    changes_of,
    numbered,
    speaker_within,
    speech_seconds,
    turns_of,
    voice_windows,
)

SECOND = 16_000


def likeness(windows, speaks):
    """Two speakers; ``speaks`` gives the share of the second in a range of samples."""
    share = np.array([speaks(start, end) for start, end in windows], np.float32)
    return np.stack([1 - share, share], axis=1)


@given(st.lists(st.tuples(st.integers(1, 60_000), st.integers(1, 400_000)), max_size=8))
def test_windows_cover_what_is_long_enough_and_nothing_else(gaps_and_lengths):
    stretches, place = [], 0
    for gap, length in gaps_and_lengths:
        stretches.append((place + gap, place + gap + length))
        place += gap + length
    windows = voice_windows(stretches)
    for start, end in stretches:
        inside = [(a, b) for a, b in windows if start <= a and b <= end]
        assert bool(inside) == (end - start >= 4_000)
        if inside:
            assert (inside[0][0], inside[-1][1]) == (start, end)
            assert all(b[0] <= a[1] for a, b in itertools.pairwise(inside))
    assert sum(len([w for w in windows if s <= w[0] and w[1] <= e]) for s, e in stretches) == len(windows)


def test_a_window_stands_for_the_speech_that_is_new_in_it():
    assert speech_seconds([(0, 8_000), (20_000, 44_000)]).tolist() == [0.5, 0.75]
    assert speech_seconds([]).shape == (0,)


def test_a_change_within_a_stretch_is_found_to_a_few_tenths_of_a_second():
    stretches, change = [(0, 12 * SECOND)], 5 * SECOND
    windows = voice_windows(stretches)
    alike = likeness(windows, lambda start, end: np.clip((end - change) / (end - start), 0, 1))
    first, second = turns_of(stretches, windows, alike)
    assert (first.speaker, second.speaker) == (0, 1)
    assert first.end == second.start
    assert abs(first.end - change) < 0.3 * SECOND
    assert (first.start, second.end) == (0, 12 * SECOND)


def test_a_single_doubtful_window_changes_nobody():
    stretches = [(0, 12 * SECOND)]
    windows = voice_windows(stretches)
    alike = likeness(windows, lambda start, end: 0.3)
    alike[7] = (0.49, 0.51)
    assert [turn.speaker for turn in turns_of(stretches, windows, alike)] == [0]


def test_stretches_without_a_window_have_no_turn():
    stretches = [(0, 2_000), (10_000, 40_000)]
    windows = voice_windows(stretches)
    [turn] = turns_of(stretches, windows, likeness(windows, lambda *_: 0.0))
    assert (turn.start, turn.end) == (10_000, 40_000)


def test_speakers_are_numbered_over_all_channels_in_the_order_they_begin():
    left = [SpeakerTurn(start=50, end=60, speaker=2), SpeakerTurn(start=70, end=80, speaker=0)]
    right = [SpeakerTurn(start=10, end=20, speaker=0)]
    assert [[turn.speaker for turn in turns] for turns in numbered([left, right])] == [[2, 1], [1]]


def test_changes_lie_in_the_middle_of_the_silence():
    turns = [
        SpeakerTurn(start=0, end=10, speaker=1),
        SpeakerTurn(start=14, end=20, speaker=2),
        SpeakerTurn(start=20, end=30, speaker=1),
        SpeakerTurn(start=40, end=50, speaker=1),
    ]
    assert changes_of(turns) == [12, 20]


def test_a_phrase_is_whose_most_of_it_is():
    turns = [SpeakerTurn(start=0, end=10, speaker=1), SpeakerTurn(start=10, end=30, speaker=2)]
    assert speaker_within(turns, 4, 14) == 1
    assert speaker_within(turns, 8, 14) == 2
    assert speaker_within(turns, 90, 99) == 2
    assert speaker_within([], 0, 9) is None
