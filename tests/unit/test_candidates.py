"""The readings of a phrase: four forms, and words that keep their places."""

import pytest

from tympan.ports.recognizer import Alternative, Phrase, RecognizedWord
from tympan.usecases.candidates import candidates_of
from tympan.usecases.listening import ListeningOptions, Punctuation

SPOKEN = "It costs twenty five dollars."
HEARD = tuple(
    RecognizedWord(text=text, start=start, end=start + 100, confidence=0.9)
    for text, start in (("It", 0), ("costs", 100), ("twenty", 200), ("five", 300), ("dollars.", 400))
)


def phrase(**changes):
    members = {"text": "It costs $25.", "spoken": SPOKEN, "start": 0, "end": 500, "confidence": 0.9}
    return Phrase(**(members | {"words": HEARD} | changes))


def places(words):
    return [(word.text, word.start, word.end) for word in words]


def test_lexical_words_are_those_heard_and_a_figure_spans_the_words_it_stands_for():
    [best] = candidates_of(phrase(), "en-US", ListeningOptions(locale="en-US", wants_words=True))
    assert (best.lexical, best.itn, best.display) == (
        "it costs twenty five dollars",
        "it costs $25",
        "It costs $25.",
    )
    assert places(best.words) == [
        ("it", 0, 100),
        ("costs", 100, 200),
        ("twenty", 200, 300),
        ("five", 300, 400),
        ("dollars", 400, 500),
    ]
    assert places(best.display_words) == [("It", 0, 100), ("costs", 100, 200), ("$25.", 200, 500)]


def test_other_readings_keep_their_own_words():
    other = Alternative(
        text="It costs $35.", unmasked="", spoken="It costs thirty five dollars.", confidence=0.1
    )
    options = ListeningOptions(locale="en-US", alternatives=2)
    best, second = candidates_of(phrase(alternatives=(other,)), "en-US", options)
    assert (best.lexical, second.lexical) == ("it costs twenty five dollars", "it costs thirty five dollars")


@pytest.mark.parametrize(
    ("punctuation", "locale", "display"),
    [
        (Punctuation.NONE, "en-US", "It is $25 comma right"),
        (Punctuation.AUTOMATIC, "en-US", "It is $25 comma, right."),
        (Punctuation.DICTATED, "en-US", "It is $25, right"),
        (Punctuation.DICTATED, "ja-JP", "It is $25 comma, right."),
        (Punctuation.DICTATED_AND_AUTOMATIC, "en-US", "It is $25 comma, right."),
    ],
)
def test_punctuation_comes_from_where_it_was_asked_for(punctuation, locale, display):
    heard = phrase(text="It is $25 comma, right.", spoken="It is twenty five dollars comma, right.")
    [best] = candidates_of(heard, locale, ListeningOptions(locale=locale, punctuation=punctuation))
    assert best.display == display
    assert "twenty five" in best.lexical or locale == "ja-JP"
