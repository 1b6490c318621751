"""What an engine shows of what it decoded."""

import pytest

from tympan.backends.whisper.display import DisplayRules
from tympan.speech.display_format import Profanity
from tympan.testing.inverse_normalizer import FakeInverseNormalizer


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        (Profanity.MASKED, "Oh, ****, it hurts."),
        (Profanity.REMOVED, "Oh, it hurts."),
        (Profanity.TAGS, "Oh, <profanity>shit</profanity>, it hurts."),
        (Profanity.RAW, "Oh, shit, it hurts."),
    ],
)
def test_profane_words_of_the_language_are_dealt_with_without_any_rule(tmp_path, mode, shown):
    formatted = DisplayRules(tmp_path).apply("Oh, shit, it hurts.", "en-US", mode)
    assert formatted.text == shown
    assert formatted.unmasked == ("" if mode is Profanity.RAW else "Oh, shit, it hurts.")


def test_numbers_are_figures_in_what_is_said_last_and_words_in_what_may_change(tmp_path):
    rules = DisplayRules(tmp_path, FakeInverseNormalizer())
    formatted = rules.apply("It took twenty five minutes.", "en-US", Profanity.MASKED)
    assert formatted.text == "It took 25 minutes."
    assert formatted.spoken == "It took twenty five minutes."
    partial = rules.apply_to_partial("It took twenty five", "en-US", Profanity.MASKED)
    assert partial == "It took twenty five"


def test_texts_without_any_stay_as_they_are(tmp_path):
    formatted = DisplayRules(tmp_path).apply("Breast cancer, stage 2.", "en-US", Profanity.MASKED)
    assert (formatted.text, formatted.unmasked, formatted.applied) == ("Breast cancer, stage 2.", "", ())


def test_a_word_of_another_language_is_no_profanity(tmp_path):
    assert DisplayRules(tmp_path).apply("El culo", "de-DE", Profanity.MASKED).text == "El culo"
