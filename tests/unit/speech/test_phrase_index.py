"""Terms found by how they sound."""

import random

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
    found = list(index("apixaban").matches(["take", "a", "pixel", "ban", "twice"], within=0.3))
    assert found[0].is_ordinary
    words = ["take", "a", "pixel", "ban", "twice"]
    assert not list(index("apixaban").matches(words, within=0.3, is_ordinary_left_out=True))


def test_a_spoken_form_is_what_is_listened_for():
    entry = PhraseIndex([Term("3CPO", "three c p o")], "en")
    (found, *_) = entry.matches(["ask", "three", "see", "pea", "oh", "now"], within=0.3)
    assert found.term.display == "3CPO"


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
    assert not list(index().matches(["hello"], within=0.75))
    assert not list(index(*NAMES).matches([], within=0.75))


@pytest.mark.parametrize(
    "text", ["platform 9 in 20 minutes", "the middle of April", "open on Saturdays only"]
)
def test_numbers_days_and_months_that_were_heard_well_are_not_looked_at_again(text):
    terms = ("Thorintho", "Apryl", "Saturdae", "Nainin", "Tuenti")
    assert list(index(*terms).matches(text.split(), within=0.4))
    assert not list(index(*terms).matches(text.split(), within=0.4, is_ordinary_left_out=True))


def test_the_most_alike_come_first_and_of_equals_the_longer_stretch():
    found = list(index(*NAMES, "Rihanna", "met").matches(["Rihan", "took", "metformin"], within=0.6))
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    alike = [(one.distance, one.first - one.after) for one in found]
    assert alike == sorted(alike)


def test_a_term_of_many_words_is_found_whole():
    term = "Royal Society for the Prevention of Accidents at Sea"
    said = "ask the royal society for the prevention of accidents at see today"
    (best, *_) = index(term).matches(said.split(), within=0.3)
    assert (best.first, best.after) == (2, 11)


def test_a_list_and_its_parts_find_the_same():
    """What is left out unseen, for speed, could not have been near enough."""
    text = "give him met foreman and ask Rihan about the over raptor of Kontozo"
    many = index(*NAMES, *(f"{name}{end}" for name in NAMES for end in ("el", "orin", "ista")))
    for within in (0.25, 0.4, 0.6):
        apart = {
            (one.first, one.after)
            for name in NAMES
            for one in index(name).matches(text.split(), within=within)
        }
        whole = {
            (one.first, one.after)
            for one in many.matches(text.split(), within=within)
            if one.term.display in NAMES
        }
        assert whole == apart


def test_an_index_of_another_script_stays_small_and_finds_its_terms():
    order = random.Random(1)
    names = ["".join(chr(order.randint(0x4E00, 0x9FA5)) for _ in range(4)) for _ in range(2000)]
    terms = index(*names, language="zh")
    assert terms._has_pair.nbytes <= 1024 * 2000
    (best, *_) = terms.matches(["x", names[7], "y"], within=0.3)
    assert (best.term.display, best.distance) == (names[7], 0)
