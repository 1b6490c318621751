"""What the decoder made up is told from what was said."""

import pytest

from tympan.speech.plausibility import is_invented, is_loop, without_loop


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No, no, no, I said three.",
        "Seven seven seven, five five, zero one two.",
        "Please hold. Please hold. Please hold.",
        "She sells sea shells by the sea shore, and the shells she sells are surely sea shells.",
        "Buffalo buffalo buffalo buffalo buffalo.",
    ],
)
def test_speech_that_repeats_itself_is_no_loop(text):
    assert not is_loop(text)
    assert without_loop(text) == text


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("I said we are, we are, we are, we are, we are, we are, we are", "I said we are"),
        ("да да да да да да да да", "да"),
        ("谢谢大家谢谢大家谢谢大家谢谢大家谢谢大家谢谢大家", "谢谢大家"),
    ],
)
def test_a_loop_is_cut_to_one_turn(text, rest):
    assert is_loop(text)
    assert without_loop(text) == rest


@pytest.mark.parametrize(
    ("text", "measures", "expected"),
    [
        ("Thank you.", {"confidence": 0.9, "no_speech": 0.1, "voice": 0.9}, False),
        ("Thank you.", {"confidence": 0.9, "no_speech": 0.1, "voice": 0.52}, True),
        ("Thank you.", {"confidence": 0.9, "no_speech": 0.7, "voice": 0.9}, True),
        ("Call the desk.", {"confidence": 0.9, "no_speech": 0.7, "voice": 0.55}, False),
        ("Call the desk.", {"confidence": 0.2, "no_speech": 0.7, "voice": 0.9}, True),
        ("Call the desk.", {"confidence": 0.2, "no_speech": 0.3, "voice": 0.9}, False),
        ("谢谢大家。", {"confidence": 0.9, "no_speech": 0.7, "voice": 1.0}, True),
    ],
)
def test_stock_phrases_need_a_voice_and_low_confidence_needs_speech(text, measures, expected):
    assert is_invented(text, **measures) is expected
