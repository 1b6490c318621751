"""The four forms of a text, spoken punctuation, and the places of words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.dictation import knows_dictation, write_marks
from tympan.speech.profane_words import profane_words
from tympan.speech.text_forms import PlacedToken, forms_of, place_tokens, without_punctuation


def test_the_four_forms_of_the_published_example():
    forms = forms_of("Remind me to buy 5 pencils.", "", "en-US")
    assert forms.lexical == "remind me to buy five pencils"
    assert forms.itn == forms.masked_itn == "remind me to buy 5 pencils"
    assert forms.display == "Remind me to buy 5 pencils."


def test_the_lexical_form_has_the_words_that_were_heard():
    forms = forms_of("Room 205 costs $3.50.", "", "en-US", "Room two oh five costs three dollars fifty.")
    assert forms.lexical == "room two oh five costs three dollars fifty"
    assert (forms.itn, forms.display) == ("room 205 costs $3.50", "Room 205 costs $3.50.")


def test_only_the_masked_forms_hide_profane_words():
    forms = forms_of("Oh, **** it.", "Oh, shit it.", "en-US")
    assert (forms.lexical, forms.itn) == ("oh shit it", "oh shit it")
    assert (forms.masked_itn, forms.display) == ("oh **** it", "Oh, **** it.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well, Dr. Smith's 3.5 mg - right?", "Well Dr Smith's 3.5 mg - right"),
        ("“Hi,” she said (twice).", "Hi she said twice"),
        ("我在，微软。", "我在 微软"),
        ("¿Qué tal? ¡Bien!", "Qué tal Bien"),
        ("10:30, $3.50", "10:30 $3.50"),
    ],
)
def test_marks_between_words_go_and_marks_inside_them_stay(text, expected):
    assert without_punctuation(text) == expected


@given(st.text(max_size=60))
def test_taking_punctuation_away_twice_changes_nothing_more(text):
    once = without_punctuation(text)
    assert without_punctuation(once) == once


@pytest.mark.parametrize(
    ("locale", "text", "expected"),
    [
        ("en-US", "Dear Ann comma new line how are you question mark", "Dear Ann,\nHow are you?"),
        ("en-GB", "Stop full stop. Go on period", "Stop. Go on."),
        ("en-US", "Call me open parenthesis maybe close parenthesis now", "Call me (maybe) now"),
        ("de-DE", "Hallo Komma wie geht es dir Fragezeichen", "Hallo, wie geht es dir?"),
        ("fr-FR", "bonjour virgule ça va point d'interrogation", "bonjour, ça va?"),
        ("es-ES", "hola coma qué tal signo de interrogación", "hola, qué tal?"),
        ("it-IT", "ciao virgola come stai punto interrogativo", "ciao, come stai?"),
        ("pt-BR", "olá vírgula tudo bem ponto de interrogação", "olá, tudo bem?"),
        ("nl-NL", "hallo komma hoe gaat het vraagteken", "hallo, hoe gaat het?"),
        ("ja-JP", "こんにちは。", "こんにちは"),
    ],
)
def test_dictated_marks_are_written_and_the_recognisers_own_are_not(locale, text, expected):
    assert write_marks(text, locale, is_dictated=True) == expected


def test_common_words_stay_words_for_people_who_did_not_say_that_they_dictate():
    text = "It took a long period, comma, he said."
    assert write_marks(text, "en-US", is_dictated=False) == text
    assert write_marks("Is it done question mark", "en-US", is_dictated=False) == "Is it done?"


def test_languages_with_spoken_marks_are_known():
    assert knows_dictation("en-IN")
    assert not knows_dictation("ja-JP")


def test_each_token_is_placed_where_it_was_heard():
    heard = [
        PlacedToken("Buy", 0, 10, 0.9),
        PlacedToken("25", 10, 30, 0.5),
        PlacedToken("pencils.", 40, 60, 0.8),
    ]
    placed = place_tokens(["buy", "twenty", "five", "pencils"], heard)
    assert [(one.start, one.end) for one in placed] == [(0, 10), (10, 20), (20, 30), (40, 60)]
    assert placed[3].confidence == 0.8


TOKENS = st.lists(st.sampled_from(["a", "b", "5", "five"]), max_size=8)


@given(TOKENS, TOKENS)
def test_places_never_go_back_and_every_token_has_one(tokens, heard):
    placed_words = [PlacedToken(word, 10 * n, 10 * n + 10, 1.0) for n, word in enumerate(heard)]
    placed = place_tokens(tokens, placed_words)
    assert [one.text for one in placed] == (tokens if heard else [])
    edges = [edge for one in placed for edge in (one.start, one.end)]
    assert edges == sorted(edges)


def test_profane_words_have_no_plain_meaning():
    assert "shit" in profane_words("en-US")
    assert {"abortion", "anus", "sex", "breast"}.isdisjoint(profane_words("en-US"))
    assert profane_words("ja-JP") == ()
