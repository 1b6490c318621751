"""Pieces in which the speaker changes."""

import numpy as np
import pytest

from tympan.backends.whisper.hearing import Heard, Piece
from tympan.backends.whisper.network import Decoded
from tympan.backends.whisper.turns import split_at_changes

SECOND = 16_000
START = 100 * SECOND


def heard(*words, seconds=6.0):
    """A piece that begins 100 s into its recording; words are text, begin and end in seconds."""
    placed = tuple((text, int(begin * SECOND), int(end * SECOND), 0.5) for text, begin, end in words)
    samples = np.zeros(int(seconds * SECOND), np.float32)
    text = "".join(word[0] for word in placed).strip()
    return Heard(
        piece=Piece(recording=0, start=START, samples=samples, speech=(START, START + samples.size)),
        decoded=Decoded(ids=(1, 2), text=text, confidence=0.9, no_speech=0.0, others=(("other", 0.1),)),
        words=placed,
        cpu_s=1.0,
    )


TALK = heard((" Shall", 0, 1), (" we", 1, 2), ("?", 2, 2), (" Yes", 2, 3), (",", 3, 3), (" now", 3, 4))


def texts(parts):
    return [part.decoded.text for part in parts]


@pytest.mark.parametrize(
    ("change_s", "expected"),
    [
        (2.1, ["Shall we?", "Yes, now"]),
        (2.6, ["Shall we?", "Yes, now"]),
        (3.2, ["Shall we? Yes,", "now"]),
        (0.1, ["Shall we? Yes, now"]),
        (3.9, ["Shall we? Yes, now"]),
        (-5, ["Shall we? Yes, now"]),
        (50, ["Shall we? Yes, now"]),
    ],
)
def test_a_change_goes_to_the_nearest_gap_and_a_sentence_end_first(change_s, expected):
    assert texts(split_at_changes(TALK, [START + int(change_s * SECOND)])) == expected


def test_parts_share_time_cost_and_words():
    first, second = split_at_changes(TALK, [START + 2 * SECOND])
    assert first.piece.speech == (START, START + 2 * SECOND)
    assert second.piece.speech == (START + 2 * SECOND, START + 6 * SECOND)
    assert first.words + second.words == TALK.words
    assert first.cpu_s + second.cpu_s == TALK.cpu_s
    assert first.decoded.confidence == pytest.approx(0.5)
    assert first.decoded.others == ()


def test_several_changes_make_several_parts():
    changes = [START + SECOND, START + 2 * SECOND, START + int(2.1 * SECOND), START + 3 * SECOND]
    assert texts(split_at_changes(TALK, changes)) == ["Shall", "we?", "Yes,", "now"]


def test_nothing_to_cut_is_left_as_it_is():
    assert split_at_changes(TALK, []) == [TALK]
    silent = heard()
    assert split_at_changes(silent, [START + SECOND]) == [silent]


def test_scripts_without_spaces_are_cut_between_characters():
    piece = heard(("你", 0, 1), ("好", 1, 2), ("。", 2, 2), ("是", 2, 3), ("的", 3, 4))
    assert texts(split_at_changes(piece, [START + 2 * SECOND])) == ["你好。", "是的"]
