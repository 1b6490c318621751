from dataclasses import replace
from datetime import timedelta

import pytest
from tests.api.conftest import error_of, wav

from tympan.testing.entities import make_base_model, make_endpoint
from tympan.testing.inverse_normalizer import FakeInverseNormalizer

URL = "/speech/recognition/conversation/cognitiveservices/v1"
DICTATION = URL.replace("conversation", "dictation")
WAV = {"Content-Type": "audio/wav; codecs=audio/pcm; samplerate=16000"}


@pytest.fixture
def endpoint(world, base_model):
    made = make_endpoint(model_id=base_model.id)
    return world.add(made.deployed(world.clock.now()))


def test_a_recording_becomes_text_with_its_place_in_ticks(client, base_model):
    answer = client.post(f"{URL}?language=en-US", content=wav(), headers=WAV)
    document = answer.json()
    ours = document.pop("Tympan")
    assert document == {
        "RecognitionStatus": "Success",
        "DisplayText": "Remind me to buy 5 pencils.",
        "Offset": 0,
        "Duration": 10_000_000,
    }
    assert ours["model"] == base_model.id
    assert answer.headers["x-model-id"] == base_model.id
    assert answer.headers["x-model-version"] == ours["modelVersion"]


def test_the_detailed_form_gives_the_four_texts(client, base_model):
    answer = client.post(f"{URL}?language=en-US&format=DETAILED", content=wav(), headers=WAV)
    assert answer.json()["NBest"] == [
        {
            "Confidence": 0.9,
            "Lexical": "remind me to buy five pencils",
            "ITN": "remind me to buy 5 pencils",
            "MaskedITN": "remind me to buy 5 pencils",
            "Display": "Remind me to buy 5 pencils.",
        }
    ]


def test_words_and_figures_each_have_their_form(world, client, base_model):
    world.recognizer._texts = lambda *_: "It took twenty five minutes."
    world.recognizer.inverse = FakeInverseNormalizer()
    answer = client.post(f"{URL}?language=en-US&format=detailed", content=wav(), headers=WAV).json()
    [best] = answer["NBest"]
    assert best["Lexical"] == "it took twenty five minutes"
    assert best["ITN"] == "it took 25 minutes"
    assert best["Display"] == answer["DisplayText"] == "It took 25 minutes."
    assert "inverseTextNormalization" not in answer["Tympan"]


def test_marks_are_dictated_in_that_mode_only(world, client, base_model):
    world.recognizer._texts = lambda *_: "Dear Ann comma how are you question mark."
    dictated = client.post(f"{DICTATION}?language=en-US", content=wav(), headers=WAV).json()
    assert dictated["DisplayText"] == "Dear Ann, how are you?"
    assert "dictation" not in dictated["Tympan"]
    talked = client.post(f"{URL}?language=en-US", content=wav(), headers=WAV).json()
    assert talked["DisplayText"] == "Dear Ann comma how are you question mark."


def test_a_language_without_figures_or_spoken_marks_says_so(world, client):
    world.recognizer._languages = ("cy",)
    world.recognizer._texts = lambda *_: "Dau ddeg pump."
    world.add(make_base_model(locale="cy-GB"))
    answer = client.post(f"{DICTATION}?language=cy-GB", content=wav(), headers=WAV).json()
    assert answer["DisplayText"] == "Dau ddeg pump."
    assert answer["Tympan"]["inverseTextNormalization"] == "none"
    assert answer["Tympan"]["dictation"] == "none"


def test_silence_is_no_match(world, client, base_model):
    world.recognizer._texts = {}
    document = client.post(f"{URL}?language=en-US", content=wav(), headers=WAV).json()
    assert document["RecognitionStatus"] == "NoMatch"
    assert "DisplayText" not in document


def test_a_body_may_come_in_pieces(client, base_model):
    audio = wav()
    pieces = (audio[start : start + 1000] for start in range(0, len(audio), 1000))
    assert (
        client.post(f"{URL}?language=en-US", content=pieces, headers=WAV).json()["RecognitionStatus"]
        == "Success"
    )


def test_an_endpoint_answers_with_its_model_and_its_key_opens_it_alone(world, client, endpoint):
    issued = world.services.access.create_endpoint_key(endpoint.id, "phone")
    key = {"Ocp-Apim-Subscription-Key": issued.secret}
    answer = client.post(f"{URL}?cid={endpoint.id.upper()}", content=wav(), headers=WAV | key)
    assert answer.json()["Tympan"]["model"] == endpoint.model_id
    error_of(
        client.post(f"{URL}?language=en-US", content=wav(), headers=WAV | key), 403, "Forbidden", "Forbidden"
    )
    other = world.add(make_endpoint())
    error_of(
        client.post(f"{URL}?cid={other.id}", content=wav(), headers=WAV | key), 403, "Forbidden", "Forbidden"
    )


def test_a_fallback_is_declared(world, client, endpoint, base_model):
    world.clock.set(world.clock.now() + timedelta(days=1))
    newer = world.add(make_base_model())
    with world.store.write() as tx:
        tx.base_models.save(replace(base_model, decoding_expires_at=world.clock.now()))
    answer = client.post(f"{URL}?cid={endpoint.id}", content=wav(), headers=WAV)
    assert answer.headers["x-model-fallback"] == f"expired; model={newer.id}"
    assert answer.json()["Tympan"]["fallback"] == "expired"


def test_keys_are_told_apart_as_published(client, base_model):
    del client.headers["Ocp-Apim-Subscription-Key"]
    error_of(client.post(f"{URL}?language=en-US", content=wav(), headers=WAV), 403, "Forbidden", "Forbidden")
    wrong = {"Ocp-Apim-Subscription-Key": "wrong"}
    answer = client.post(f"{URL}?language=en-US", content=wav(), headers=WAV | wrong)
    error_of(answer, 401, "Unauthorized", "InvalidSubscription")


@pytest.mark.parametrize(
    ("query", "code", "detailed"),
    [
        ("", "InvalidArgument", "InvalidLocale"),
        ("language=fr-FR", "InvalidArgument", "UnsupportedLanguageCode"),
        ("language=English", "InvalidArgument", "InvalidLocale"),
        ("cid=nonsense", "InvalidRequest", "InvalidPayload"),
        ("cid=00000000-0000-0000-0000-000000000000", "InvalidArgument", "InvalidParameterValue"),
        ("language=en-US&format=both", "InvalidRequest", "InvalidPayload"),
        ("language=en-US&profanity=loud", "InvalidRequest", "InvalidPayload"),
        ("language=en-US&storeAudio=perhaps", "InvalidRequest", "InvalidPayload"),
        ("language=en-US&beams=9", "InvalidArgument", "InvalidParameter"),
    ],
)
def test_what_cannot_be_honoured_is_refused(client, base_model, query, code, detailed):
    error_of(client.post(f"{URL}?{query}", content=wav(), headers=WAV), 400, code, detailed)


def test_the_wish_for_profanity_reaches_the_engine(world, client, base_model):
    heard = []
    world.recognizer._texts = lambda bundle, samples, options: heard.append(options.profanity) or "Well."
    for wish in ("", "&profanity=Removed", "&profanity=raw"):
        client.post(f"{URL}?language=en-US{wish}", content=wav(), headers=WAV)
    assert heard == ["Masked", "Removed", "Raw"]


def test_audio_that_cannot_be_read_is_refused(client, base_model):
    url = f"{URL}?language=en-US"
    error_of(client.post(url, content=b"no audio", headers=WAV), 400, "InvalidRequest", "InvalidPayload")
    error_of(client.post(url, content=b"", headers=WAV), 400, "InvalidRequest", "EmptyRequest")
    error_of(client.post(url, json={}), 415, "UnsupportedMediaType")


def test_each_mode_has_its_longest_audio(client, base_model):
    interactive = URL.replace("conversation", "interactive")
    error_of(
        client.post(f"{interactive}?language=en-US", content=wav(16), headers=WAV),
        413,
        "InvalidRequest",
        "InvalidPayload",
    )
    assert client.post(f"{URL}?language=en-US", content=wav(16), headers=WAV).status_code == 200
    unknown = URL.replace("conversation", "shouting")
    error_of(
        client.post(f"{unknown}?language=en-US", content=wav(), headers=WAV),
        400,
        "InvalidRequest",
        "InvalidPayload",
    )
