"""What an engine shows of what it decoded."""

import pytest

from tympan.backends.whisper.display import DisplayRules
from tympan.speech.display_format import Profanity


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        (Profanity.MASKED, "Oh, ****, it hurts."),
        (Profanity.REMOVED, "Oh, , it hurts."),
        (Profanity.TAGS, "Oh, <profanity>shit</profanity>, it hurts."),
        (Profanity.RAW, "Oh, shit, it hurts."),
    ],
)
def test_profane_words_of_the_language_are_dealt_with_without_any_rule(tmp_path, mode, shown):
    formatted = DisplayRules(tmp_path).apply("Oh, shit, it hurts.", "en-US", mode)
    assert formatted.text == shown
    assert formatted.unmasked == ("" if mode is Profanity.RAW else "Oh, shit, it hurts.")


def test_texts_without_any_stay_as_they_are(tmp_path):
    formatted = DisplayRules(tmp_path).apply("Breast cancer, stage 2.", "en-US", Profanity.MASKED)
    assert (formatted.text, formatted.unmasked, formatted.applied) == ("Breast cancer, stage 2.", "", ())


def test_a_word_of_another_language_is_no_profanity(tmp_path):
    assert DisplayRules(tmp_path).apply("El culo", "de-DE", Profanity.MASKED).text == "El culo"
