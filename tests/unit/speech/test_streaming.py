"""Where speech begins and ends while it is spoken, and what of a partial is certain."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.segmentation import speech_stretches
from tympan.speech.streaming import Agreement, Endpointer

probabilities = st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.9]), max_size=120)


def found(endpointer, frames):
    ended = endpointer.hear(frames)
    last = endpointer.finish()
    return [span for span, _ in [*ended, *([last] if last else [])]]


@given(probabilities)
def test_the_same_stretches_are_found_as_in_a_whole_recording(frames):
    whole = speech_stretches(np.array(frames, np.float32), min_silence_frames=4)
    spans = found(Endpointer(min_silence_frames=4, longest_frames=1000), np.float32(frames))
    # What is not over at the end is closed without the quiet frames behind it, as there.
    assert spans == whole


@given(probabilities, st.integers(4, 12))
def test_stretches_are_cut_but_nothing_is_lost(frames, longest):
    whole = found(Endpointer(min_silence_frames=4, longest_frames=1000, min_speech_frames=1), frames)
    cut = found(Endpointer(min_silence_frames=4, longest_frames=longest, min_speech_frames=1), frames)
    assert all(end - start <= longest + 1 for start, end in cut)
    covered = {frame for start, end in cut for frame in range(start, end)}
    voiced = {frame for start, end in whole for frame in range(start, end) if frames[frame] >= 0.5}
    assert voiced <= covered


def test_a_stretch_is_cut_where_it_is_quietest_but_not_in_its_first_half():
    frames = [0.9] * 3 + [0.4] + [0.9] * 4 + [0.45] + [0.9] * 4
    [(first, _)] = Endpointer(longest_frames=10).hear(frames)
    assert first == (0, 8)


def test_clicks_are_no_speech():
    endpointer = Endpointer(min_silence_frames=2, min_speech_frames=3)
    assert endpointer.hear([0.9, 0.9, 0, 0, 0]) == []
    assert not endpointer.is_speech
    endpointer.hear([0.9, 0.9])
    assert not endpointer.is_speech
    endpointer.hear([0.9])
    assert endpointer.is_speech


@given(st.lists(st.lists(st.integers(0, 3), max_size=6), max_size=8))
def test_what_was_agreed_on_stays(partials):
    agreement, before = Agreement(), ()
    for more in partials:
        tokens = [*agreement.agreed, *more]
        agreement.add(tokens, lambda token: token != 3)
        assert agreement.agreed[: len(before)] == before
        assert tuple(tokens[: len(agreement.agreed)]) == agreement.agreed
        before = agreement.agreed


def test_a_word_at_the_end_may_still_go_on():
    agreement = Agreement()
    agreement.add([1, 2, 3], lambda token: True)
    agreement.add([1, 2, 3], lambda token: True)
    assert agreement.agreed == (1, 2)


def test_half_a_word_is_not_agreed_on():
    agreement = Agreement()
    for tokens in ([1, 2, 5], [1, 2, 6]):
        agreement.add(tokens, lambda token: token < 5)
    assert agreement.agreed == (1,)
