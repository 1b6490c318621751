"""What of a prompt is worth favouring."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.prompt_terms import prompt_terms


@pytest.mark.parametrize(
    ("prompt", "language", "terms"),
    [
        ("ZyntriQix, Digique Plus, VortiQore V8", "en", ("ZyntriQix", "Digique Plus", "VortiQore V8")),
        ("Umm, let me think like, hmm... Okay, here's what I'm, like, thinking.", "en", ("Umm",)),
        ("please write punctuation and the weather", "en", ("punctuation",)),
        ("A lecture about OpenAI and GPT-4 by Mrs. Lovelace.", "en", ("OpenAI", "GPT-4", "Mrs. Lovelace")),
        ("Bonjour, ici Marie Lefèvre de Kubermatic", "fr", ("Marie Lefèvre", "Kubermatic")),
        ("hola, buenos días", "es", ()),
        ("", "en", ()),
    ],
)
def test_names_and_unusual_words_are_found(prompt, language, terms):
    assert prompt_terms(prompt, language) == terms


@given(st.text(max_size=200), st.sampled_from(["en", "fr", "ja"]))
def test_any_text_gives_clean_terms_each_once(prompt, language):
    terms = prompt_terms(prompt, language)
    assert len(set(terms)) == len(terms)
    assert all(term.strip() for term in terms)
