"""Phrase lists: held to the same limits, honoured and reported, wherever one can be given."""

import io
import json

import pytest
from tests.api.conftest import V32, wav

from tympan.app.limits import published_limits
from tympan.app.settings import Settings
from tympan.domain.errors import InvalidInputError
from tympan.domain.phrase_list import LONGEST_PHRASE, MOST_PHRASES
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.wire.usp.turn_request import read_handshake, turn_request

FAST = "/speechtotext/transcriptions:transcribe?api-version=2025-10-15"
SHORT = "/speech/recognition/conversation/cognitiveservices/v1"
SPOKEN = "Remind me to buy 5 pencils."


class RefusedError(Exception):
    pass


class Fast:
    @staticmethod
    def give(world, phrases):
        definition = json.dumps({"locales": ["en-US"], "phraseList": {"phrases": phrases}})
        files = {"audio": ("a.wav", io.BytesIO(wav()))}
        return answered(world.client.post(FAST, data={"definition": definition}, files=files))


class Short:
    """Its phrases are in the URL, which clients and servers let be 64 kB long."""

    @staticmethod
    def give(world, phrases):
        phrases = phrases[:3000]
        query = {"language": "en-US", "phrases": phrases}
        return answered(world.client.post(SHORT, params=query, content=wav()))


class OpenAi:
    @staticmethod
    def give(world, phrases):
        fields = {"model": "whisper-1", "language": "en", "hotwords": "".join(f"{one}\n" for one in phrases)}
        files = {"file": ("a.wav", io.BytesIO(wav()))}
        return answered(world.client.post("/v1/audio/transcriptions", data=fields, files=files))


class Batch:
    @staticmethod
    def give(world, phrases):
        properties = {"phraseList": {"phrases": phrases, "biasingWeight": 1.5}}
        urls = ["https://recordings.example.com/a.wav"]
        body = {"displayName": "A", "locale": "en-US", "contentUrls": urls, "properties": properties}
        return answered(world.client.post(f"{V32}/transcriptions", json=body))


class Stream:
    @staticmethod
    def give(world, phrases):
        context = {"dgi": {"Groups": [{"Type": "Generic", "Items": [{"Text": one} for one in phrases]}]}}
        try:
            return turn_request(read_handshake("/stt/speech/universal/v2", []), context)
        except InvalidInputError as error:
            raise RefusedError(error.message) from error


FACES = (Fast, Short, OpenAi, Batch, Stream)
TOO_MANY = [f"name {number}" for number in range(MOST_PHRASES + 1)]
TOO_MUCH = [f"{number:04}" + "x" * 496 for number in range(1001)]
everywhere = pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)


def answered(answer):
    if answer.status_code == 400:
        raise RefusedError(answer.text)
    assert answer.status_code in (200, 201), answer.text
    return answer


@everywhere
def test_as_many_and_as_long_as_the_limits_say_are_taken(world, base_model, face):
    assert face.give(world, TOO_MANY[:MOST_PHRASES])
    assert face.give(world, ["x" * LONGEST_PHRASE])


@everywhere
@pytest.mark.parametrize(
    ("phrases", "said"),
    [
        (["x" * (LONGEST_PHRASE + 1)], "501 characters; at most 500"),
        (["Con\x07toso"], "U+0007"),
        (["Con\x7ftoso"], "U+007F"),
    ],
    ids=["too long", "bell", "delete"],
)
def test_more_than_that_and_what_cannot_be_said_are_refused_in_the_same_words(
    world, base_model, face, phrases, said
):
    with pytest.raises(RefusedError, match=said.replace("+", r"\+")):
        face.give(world, phrases)


@pytest.mark.parametrize("face", [Fast, OpenAi, Batch, Stream], ids=lambda face: face.__name__)
@pytest.mark.parametrize(
    ("phrases", "said"),
    [(TOO_MANY, "has 10001 phrases; at most 10000"), (TOO_MUCH, "more than 500000 characters in all")],
    ids=["phrases", "characters"],
)
def test_too_many_are_refused_in_the_same_words(world, base_model, face, phrases, said):
    with pytest.raises(RefusedError, match=said):
        face.give(world, phrases)


@everywhere
def test_empty_phrases_and_spaces_are_no_phrases(world, base_model, face):
    assert face.give(world, ["", "  ", "\t", "Contoso"])
    assert face.give(world, [])


def test_the_limits_are_published():
    rows = {row.name: row.value for row in published_limits(Settings(), DatasetLimits())}
    assert (rows["phraseList"], rows["phraseListPhrase"], rows["phraseListWeight"]) == (10_000, 500, 2)
    assert rows["phraseListCharacters"] == 500_000


@pytest.mark.parametrize("face", [Fast, Short, OpenAi], ids=lambda face: face.__name__)
def test_what_was_heard_of_a_list_is_named(world, base_model, face):
    answer = face.give(world, ["Szymborska", "5 pencils"])
    assert answer.headers["x-phrases-matched"] == "5%20pencils"
    assert "x-phrases-matched" not in face.give(world, ["Szymborska"]).headers


def test_short_audio_takes_a_weight_and_names_what_it_heard_in_the_answer(world, base_model):
    asked = []

    def hear(bundle, samples, options):
        asked.append((options.phrases, options.phrase_weight))
        return SPOKEN

    world.recognizer._texts = hear
    given = {"language": "en-US", "phrases": ["pencils", "Contoso"], "biasingWeight": "1.5"}
    answer = world.client.post(SHORT, params=given, content=wav())
    assert asked[-1] == (("pencils", "Contoso"), 1.5)
    assert answer.json()["Tympan"]["phraseListMatches"] == ["pencils"]
    given["phrases"] = "Contoso"
    assert world.client.post(SHORT, params=given, content=wav()).json()["Tympan"]["phraseListMatches"] == []
    del given["phrases"]
    plain = world.client.post(SHORT, params=given, content=wav()).json()
    assert "phraseListMatches" not in plain["Tympan"]
    for weight in ("2.5", "much", "nan"):
        refused = world.client.post(SHORT, params=given | {"biasingWeight": weight}, content=wav())
        assert refused.status_code == 400
        assert "weight" in refused.text.lower()


def test_of_very_many_heard_phrases_a_header_counts_the_last(world, base_model):
    names = [f"name{number:04}" for number in range(1000)]
    world.recognizer._texts = lambda bundle, samples, options: " ".join(names)
    matched = Fast.give(world, names).headers["x-phrases-matched"].split(", ")
    assert len(", ".join(matched)) < 4000
    assert len(matched) - 1 + int(matched[-1]) == 1000


class Heard:
    """What the engine was asked for, through the OpenAI-shaped route."""

    def __init__(self, world):
        self.world = world
        self.phrases = ()
        world.recognizer._texts = self.hear

    def hear(self, bundle, samples, options):
        self.phrases = options.phrases
        return SPOKEN

    def __call__(self, **fields):
        data = {"model": "whisper-1", "language": "en"} | fields
        files = {"file": ("a.wav", io.BytesIO(wav()))}
        return self.world.client.post("/v1/audio/transcriptions", data=data, files=files)


@pytest.mark.parametrize("stream", ["true", "false"])
def test_names_and_unusual_words_of_a_prompt_are_favoured(world, base_model, stream):
    ask = Heard(world)
    answer = ask(prompt="The patient takes apixaban. Ask Dr Saoirse Ronan.", stream=stream)
    assert answer.status_code == 200
    assert ask.phrases[:2] == ("apixaban", "Dr Saoirse Ronan")
    assert {"Saoirse", "Ronan"} <= set(ask.phrases)
    assert "patient" not in ask.phrases
    assert answer.headers["x-prompt-effect"] == f"phrases; count={len(ask.phrases)}"


def test_a_prompt_without_unusual_words_is_taken_and_said_to_do_nothing(world, base_model):
    ask = Heard(world)
    answer = ask(prompt="Hello, welcome to my lecture.")
    assert (answer.status_code, ask.phrases) == (200, ())
    assert answer.headers["x-prompt-effect"] == "none; reason=no-unusual-words"
    assert "x-prompt-effect" not in ask(prompt="  ").headers


@pytest.mark.parametrize(
    ("hotwords", "phrases"),
    [
        ("Contoso", ("Contoso",)),
        ("Contoso, Saoirse Ronan", ("Contoso", "Saoirse Ronan")),
        ("Contoso, Ltd\nSaoirse", ("Contoso, Ltd", "Saoirse")),
        (["Contoso", "Saoirse"], ("Contoso", "Saoirse")),
    ],
)
def test_hotwords_are_a_phrase_list(world, base_model, hotwords, phrases):
    ask = Heard(world)
    assert ask(hotwords=hotwords).status_code == 200
    assert ask.phrases == phrases
