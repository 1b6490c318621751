"""Where speech starts and stops, and the pieces it is recognised in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.segmentation import as_samples, cut_segments, speech_stretches


def probability(pattern):
    """One frame a character: ``#`` is speech, ``.`` silence, ``-`` neither."""
    return np.array([{"#": 0.9, ".": 0.0, "-": 0.4}[mark] for mark in pattern], np.float32)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("........", []),
        ("..####..", [(2, 6)]),
        ("####", [(0, 4)]),
        ("####..####", [(0, 10)]),  # a dip shorter than the silence asked for
        ("####...####", [(0, 4), (7, 11)]),
        ("####---####", [(0, 11)]),  # above the release level is no silence
        ("..##....", []),  # a click
        ("#.#.#", [(0, 5)]),
    ],
)
def test_stretches(pattern, expected):
    assert speech_stretches(probability(pattern), min_silence_frames=3, min_speech_frames=3) == expected


def test_neighbours_are_joined_while_they_fit():
    frames = np.zeros(100, np.float32)
    spans = [(10, 20), (25, 35), (60, 70)]
    assert cut_segments(spans, frames, max_frames=40, pad_frames=2, join_frames=10) == [(8, 37), (58, 72)]


def test_a_long_stretch_is_cut_at_its_quietest_frame():
    frames = np.full(100, 0.9, np.float32)
    frames[33] = 0.4
    assert cut_segments([(0, 60)], frames, max_frames=40, pad_frames=0) == [(0, 33), (33, 60)]


def test_padding_ends_at_the_recording_and_halfway_to_a_neighbour():
    frames = np.zeros(30, np.float32)
    cut = cut_segments([(1, 10), (13, 29)], frames, max_frames=24, pad_frames=4, join_frames=0)
    assert cut == [(0, 12), (12, 30)]


def test_frames_end_with_the_recording():
    assert as_samples((1, 3), 1200) == (512, 1200)


@given(st.lists(st.floats(0, 1, width=32), max_size=300), st.integers(20, 80))
def test_pieces_hold_all_speech_are_disjoint_and_fit(values, max_frames):
    frames = np.array(values, np.float32)
    stretches = speech_stretches(frames, min_silence_frames=4)
    pieces = cut_segments(stretches, frames, max_frames=max_frames, pad_frames=5, join_frames=8)
    covered = np.zeros(len(frames), int)
    for start, end in pieces:
        assert 0 <= start < end <= len(frames)
        assert end - start <= max_frames
        covered[start:end] += 1
    assert covered.max(initial=0) <= 1
    for start, end in stretches:
        assert covered[start:end].all()
