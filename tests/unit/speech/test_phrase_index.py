"""Terms found by how they sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.speech.phrase_index import PhraseIndex, Term, replaced
from tympan.speech.sound_key import sound_classes, sound_key

NAMES = ("Xarelto", "metformin", "apixaban", "oviraptor", "Contoso", "Jessie", "Rehaan")


def index(*names, language="en"):
    return PhraseIndex([Term(name, name) for name in names], language)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Xarelto", "zarelto"), ("oviraptor", "over raptor"), ("Rehaan", "Rihan"), ("phone", "fone"),
        ("Müller", "muller"), ("Knight", "nite"), ("Contoso", "kontozo"), ("Šimek", "simek"),
    ],
)  # fmt: skip
def test_what_sounds_alike_has_keys_alike(one, other):
    assert sound_classes(sound_key(one)) == sound_classes(sound_key(other))


@pytest.mark.parametrize(("one", "other"), [("metformin", "paracetamol"), ("Jessie", "Robert")])
def test_what_sounds_otherwise_has_not(one, other):
    assert sound_classes(sound_key(one)) != sound_classes(sound_key(other))


@given(st.text(max_size=40))
def test_any_text_has_a_key(text):
    assert isinstance(sound_key(text), str)


@pytest.mark.parametrize(
    ("text", "term", "words"),
    [
        ("Hello Rihan, I'm from Contozo.", "Rehaan", (1, 2)),
        ("Hello Rihan, I'm from Contozo.", "Contoso", (4, 5)),
        ("the over raptor was small", "oviraptor", (1, 3)),
        ("give him met foreman", "metformin", (2, 4)),
    ],
)
def test_a_term_is_found_in_what_was_written_for_it(text, term, words):
    found = next(one for one in index(*NAMES).matches(text.split(), within=0.3) if one.term.display == term)
    assert (found.first, found.after) == words


def test_ordinary_words_are_told_from_others():
    found = index("apixaban").matches(["take", "a", "pixel", "ban", "twice"], within=0.3)
    assert found[0].is_ordinary
    assert (
        index("apixaban").matches(
            ["take", "a", "pixel", "ban", "twice"], within=0.3, is_ordinary_left_out=True
        )
        == []
    )


def test_a_spoken_form_is_what_is_listened_for():
    entry = PhraseIndex([Term("3CPO", "three c p o")], "en")
    assert entry.matches(["ask", "three", "see", "pea", "oh", "now"], within=0.3)[0].term.display == "3CPO"


def test_words_are_replaced_once_and_keep_their_marks():
    words = ["Hello", "Rihan,", "I'm", "from", "Contozo."]
    text, used = replaced(words, index(*NAMES).matches(words, within=0.3))
    assert " ".join(text) == "Hello Rehaan, I'm from Contoso."
    assert [one.term.display for one in used] == ["Rehaan", "Contoso"]


@given(st.lists(st.sampled_from(["over", "raptor", "a", "met", "foreman", "and", "Rihan,"]), max_size=8))
def test_what_is_no_term_stays_as_it_was(words):
    text, used = replaced(words, index(*NAMES).matches(words, within=0.3))
    covered = {place for one in used for place in range(one.first, one.after)}
    assert [word for place, word in enumerate(words) if place not in covered] == [
        word for word in text if word.strip(",.") not in NAMES
    ]


def test_nothing_is_found_in_an_empty_list_or_text():
    assert index().matches(["hello"], within=1.0) == []
    assert index(*NAMES).matches([], within=1.0) == []
