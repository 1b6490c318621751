"""Names and unusual words of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.ordinary_words import LISTED_LANGUAGES, ordinary_words
from tympan.speech.prompt_terms import prompt_terms

ORDINARY = {
    "en": "house take saturdays",
    "de": "haus nimmt heute katze alltag tablette",
    "es": "casa siempre hoy",
    "fr": "maison toujours",
    "it": "casa sempre oggi",
    "nl": "huis altijd vandaag",
    "pt": "casa sempre hoje",
}


@pytest.mark.parametrize("language", LISTED_LANGUAGES)
def test_each_list_knows_ordinary_words_and_no_rare_names(language):
    words = ordinary_words(language)
    assert words is not None
    assert set(ORDINARY[language].split()) <= words
    assert not {"szymborska", "contoso", "apixaban", "metformin", "kubernetes"} & words


def test_a_language_without_a_list_has_none():
    assert ordinary_words("pl") is None


@pytest.mark.parametrize(
    ("text", "language", "terms"),
    [
        ("", "en", ()),
        ("Hello, welcome to my lecture.", "en", ()),
        ("We meet on Saturday, 3 May.", "en", ()),
        ("Der Patient nimmt Apixaban.", "de", ("Apixaban",)),
        ("La casa de Szymborska", "es", ("Szymborska",)),
        ("ZyntriQix, Digique Plus", "en", ("ZyntriQix", "Digique Plus", "Digique")),
        ("The Szymborska lecture", "en", ("Szymborska",)),
        ("Szymborska's house and Contoso's", "en", ("Szymborska", "Contoso")),
        ("Pytaj o Szymborską dzisiaj", "pl", ("Szymborską",)),
        ("Contoso, Contoso!", "en", ("Contoso",)),
    ],
)
def test_unusual_words_and_names_are_found(text, language, terms):
    assert prompt_terms(text, language) == terms


@given(st.text(max_size=60))
def test_any_text_has_terms_or_none(text):
    for term in prompt_terms(text, "en"):
        assert term.strip() == term != ""
