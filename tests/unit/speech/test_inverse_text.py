"""Numbers in words become figures where people would write figures, and nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.inverse_text import LANGUAGES, with_figures
from tympan.speech.text_forms import forms_of

CASES = [
    ("en-US", "Twenty five people came.", "25 people came."),
    ("en-US", "One hundred and twenty three.", "123."),
    ("en-GB", "In nineteen eighty four and twenty twenty six.", "In 1984 and 2026."),
    ("en-US", "Three point five percent of five percent.", "3.5% of 5%."),
    ("en-US", "Call five five five one two three four.", "Call 5551234."),
    ("en-US", "The twenty-first of May, the third floor.", "The 21st of May, the third floor."),
    ("en-US", "A twenty-five-year-old man took five milligrams.", "A 25-year-old man took 5 milligrams."),
    ("en-US", "Room four hundred twelve, please.", "Room 412, please."),
    ("fr-FR", "Il coûte vingt-cinq euros.", "Il coûte 25 euros."),
    ("fr-CA", "Soixante-dix-sept personnes, l'un d'eux.", "77 personnes, l'un d'eux."),
    ("de-DE", "Einhundertdreiundzwanzig Leute, der dritte Mann.", "123 Leute, der dritte Mann."),
    ("es-ES", "Ciento veintitrés personas y dos gatos.", "123 personas y dos gatos."),
    ("it-IT", "Costa venticinque euro.", "Costa 25 euro."),
    ("pt-BR", "Custa vinte e cinco reais.", "Custa 25 reais."),
    ("nl-NL", "Het kost vijfentwintig euro.", "Het kost 25 euro."),
]
UNHARMED = [
    ("en-US", "I have two cats, a million reasons and a hundred more."),
    ("en-US", "No one knows; one of them, the two of us, a second opinion."),
    ("en-US", "It is 10:30, costs $3.50, and flight BA 112 leaves at 5."),
    ("en-US", "One, two, three, go."),
    ("fr-FR", "La seconde guerre, neuf heures, une fois."),
    ("de-DE", "Einer von ihnen, das eine Mal, zwei Katzen."),
    ("nl-NL", "Een van hen."),
    ("ja-JP", "二十五人"),
    ("sv-SE", "tjugofem personer"),
]


@pytest.mark.parametrize(("locale", "text", "wanted"), CASES)
def test_numbers_are_written_in_figures(locale, text, wanted):
    assert with_figures(text, locale) == wanted


@pytest.mark.parametrize(("locale", "text"), UNHARMED)
def test_ordinary_text_is_unharmed(locale, text):
    assert with_figures(text, locale) == text


@pytest.mark.parametrize(("locale", "text"), [*((one, text) for one, text, _ in CASES), *UNHARMED])
def test_twice_is_once(locale, text):
    once = with_figures(text, locale)
    assert with_figures(once, locale) == once


WORDS = st.sampled_from(
    [
        "one",
        "two",
        "nine",
        "ten",
        "twenty",
        "thirty",
        "hundred",
        "thousand",
        "and",
        "point",
        "first",
        "25",
        "percent",
        "the",
    ]
)


@given(st.lists(WORDS, max_size=12).map(" ".join), st.sampled_from(sorted(LANGUAGES)))
def test_any_words_twice_are_once(text, language):
    once = with_figures(text, language)
    assert with_figures(once, language) == once


def test_the_forms_of_a_phrase_differ_where_they_should():
    forms = forms_of("Remind me to buy twenty five pencils.", "", "en-US")
    assert forms.lexical == "remind me to buy twenty five pencils"
    assert forms.itn == "remind me to buy 25 pencils"
    assert forms.display == "Remind me to buy 25 pencils."
    masked = forms_of("Twenty **** pencils.", "Twenty damn pencils.", "en-US")
    assert (masked.itn, masked.masked_itn, masked.display) == (
        "20 damn pencils",
        "20 **** pencils",
        "20 **** pencils.",
    )
