"""Terms of a list at work: what a second pass may change, and what stays."""

from dataclasses import replace

import pytest

from tympan.backends.whisper.favouring import Favouring
from tympan.backends.whisper.network import Decoded
from tympan.speech.phrase_index import PhraseIndex, Term

HEARD = Decoded(ids=(1, 2), text="We talked about Fervley on for an hour.", confidence=0.6, no_speech=0.0)


def favouring(*names, weight=1.0):
    return Favouring(index=PhraseIndex([Term(name, name) for name in names], "en"), weight=weight)


class Second:
    def __init__(self, text, confidence=0.7):
        self.decoded, self.shown = replace(HEARD, text=text, confidence=confidence), []

    def __call__(self, glossary):
        self.shown.append(list(glossary))
        return self.decoded


def test_the_second_pass_sees_what_sounds_alike_and_is_taken():
    second = Second("We talked about Zhuravlyov for an hour.")
    found = favouring("Ferveleon", "Thessaloniki").apply(
        HEARD, Second("We talked about Ferveleon for an hour.")
    )
    assert found.decoded.text == "We talked about Ferveleon for an hour."
    assert found.matched == ("Ferveleon",)
    favouring("Ferveleon", "Thessaloniki").apply(HEARD, second)
    assert second.shown[0][0] == "Ferveleon"


@pytest.mark.parametrize(
    "second",
    [
        Second("Ferveleon."),
        Second(
            "We talked about Ferveleon, Ferveleon, Ferveleon, Ferveleon, Ferveleon, Ferveleon for an hour."
        ),
        Second("We talked about Ferveleon for an hour.", confidence=0.3),
        Second("We talked about something else for an hour."),
        Second("We talked about Ferveleon for an hour and then for many more of them, I think so."),
    ],
    ids=["shorter", "loop", "unsure", "no term", "longer"],
)
def test_in_doubt_the_first_pass_stays(second):
    found = favouring("Ferveleon").apply(HEARD, second)
    assert found.decoded.text.startswith("We talked about Fer")
    assert found.decoded.text.endswith("for an hour.")


def test_nothing_is_decoded_again_where_nothing_sounds_alike():
    second = Second("never")
    found = favouring("Szymborska").apply(HEARD, second)
    assert (second.shown, found.decoded, found.matched) == ([], HEARD, ())


def test_ordinary_words_that_were_heard_well_stand_for_themselves():
    second = Second("take apixaban twice")
    sure = replace(HEARD, text="take a pixel ban twice", confidence=0.95)
    assert favouring("apixaban").apply(sure, second).decoded == sure
    assert second.shown == []


def test_without_weight_nothing_is_favoured_and_with_more_of_it_more_is():
    shown = []
    for weight in (0.3, 1.0, 2.0):
        second = Second(HEARD.text)
        favouring("Fervent", "Ferveleon", "Averley", weight=weight).apply(HEARD, second)
        shown.append(len(second.shown[0]) if second.shown else 0)
    assert shown == sorted(shown)
    assert shown[0] < shown[-1]


def test_the_spelling_of_the_list_is_what_is_written():
    heard = replace(HEARD, text="ask contozo about it", confidence=0.9)
    found = favouring("Contoso").apply(heard, Second("ask contozo about it"))
    assert found.decoded.text == "ask Contoso about it"
    assert found.decoded.ids == heard.ids
