"""When a trained model may take its base model's place."""

import pytest

from tympan.speech.promotion import (
    Heard,
    Outcome,
    gain_check,
    general_check,
    invention_check,
    length_check,
    style_check,
    verdict,
)

SAID = [f"please call room number {number} at once" for number in range(40)]
WRONG = [text.replace("room", "broom") for text in SAID]


def norm(text):
    return text.lower().strip(".")


def heard(base, model, references=SAID):
    return Heard(references=references, base=base, model=model)


def test_a_gain_must_be_probable_not_just_there():
    assert gain_check(heard(WRONG, SAID), norm).outcome is Outcome.PASSED
    assert gain_check(heard(SAID, SAID), norm).outcome is Outcome.FAILED, "the same is not better"
    assert gain_check(heard(SAID, WRONG), norm).outcome is Outcome.FAILED
    one_won_one_lost = [WRONG[0], *SAID[1:]], [SAID[0], WRONG[1], *SAID[2:]]
    assert gain_check(heard(*one_won_one_lost), norm).outcome is Outcome.FAILED


def test_few_recordings_measure_nothing():
    check = gain_check(heard(WRONG[:9], SAID[:9], SAID[:9]), norm)
    assert check.outcome is Outcome.NOT_MEASURED
    assert check.base is None
    assert general_check(heard([], [], []), norm).outcome is Outcome.NOT_MEASURED


def test_general_speech_may_lose_half_a_point():
    many = SAID * 20  # 5,600 words
    broken = [*WRONG[:28], *many[28:]]
    assert general_check(heard(many, broken, many), norm).outcome is Outcome.PASSED
    broken = [*WRONG[:40], *many[40:]]
    assert general_check(heard(many, broken, many), norm).outcome is Outcome.FAILED


def test_on_few_words_three_errors_are_chance():
    assert general_check(heard(SAID, [*WRONG[:3], *SAID[3:]]), norm).outcome is Outcome.PASSED
    assert general_check(heard(SAID, [*WRONG[:4], *SAID[4:]]), norm).outcome is Outcome.FAILED


def test_a_model_must_not_unlearn_capitals_and_marks():
    dressed = [f"{text.capitalize()}." for text in SAID]
    check = style_check(heard(dressed, SAID))
    assert (check.outcome, check.base, check.model) == (Outcome.FAILED, 1.0, 0.0)
    assert style_check(heard(SAID, dressed)).outcome is Outcome.PASSED
    assert style_check(heard(["你好。"], ["你好"])).outcome is Outcome.NOT_MEASURED, "no capitals there"


def test_long_recordings_must_be_written_to_their_end():
    text = ["word " * 50]
    assert length_check(heard(text, ["word " * 46], text)).outcome is Outcome.PASSED
    assert length_check(heard(text, ["word " * 44], text)).outcome is Outcome.FAILED
    assert length_check(heard([""], [""], [""])).outcome is Outcome.NOT_MEASURED
    assert length_check(heard(["word " * 500], text, text)).outcome is Outcome.PASSED, "the base model looped"


def test_no_words_in_noise():
    silent = ["", ""]
    assert invention_check(heard(silent, ["thank you", ""], silent)).outcome is Outcome.PASSED
    assert invention_check(heard(silent, ["thank you", "so much"], silent)).outcome is Outcome.FAILED
    assert invention_check(heard(["thank you", "so much"], ["bye", ""], silent)).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("base", "model", "outcome"),
    [
        (WRONG, SAID, Outcome.PASSED),
        (SAID, WRONG, Outcome.FAILED),
        (WRONG[:5], SAID[:5], Outcome.NOT_MEASURED),
    ],
)
def test_only_what_was_shown_to_be_better_passes(base, model, outcome):
    gain = gain_check(heard(base, model, SAID[: len(base)]), norm)
    assert verdict([gain, invention_check(heard([""], [""], [""]))]) is outcome


def test_one_failure_outweighs_a_gain():
    gain = gain_check(heard(WRONG, SAID), norm)
    assert verdict([gain, general_check(heard(SAID, WRONG), norm)]) is Outcome.FAILED
