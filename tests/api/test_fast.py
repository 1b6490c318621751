"""Fast transcription, in the published shape."""

import io
import json

import numpy as np
import pytest
from tests.api.conftest import error_of, wav

from tympan.domain.model import Bundle, BundleFile
from tympan.rest.fast import answer_headers
from tympan.testing.audio import wav_bytes
from tympan.testing.entities import BUNDLE, make_base_model, make_model
from tympan.testing.fetcher import Page
from tympan.usecases.file_recognition import FileAnswer
from tympan.usecases.listening import HeardRecording
from tympan.usecases.serving import Chosen

URL = "/speechtotext/transcriptions:transcribe?api-version="
ID = "7e5f1c52-4d0b-4a77-9a0e-3f1f0a6a9e10"
DATES = ("2024-11-15", "2025-10-15")


def transcribe(client, definition=None, audio=None, date=DATES[0], **options):
    files = {"audio": ("a.wav", io.BytesIO(wav() if audio is None else audio))}
    data = {} if definition is None else {"definition": json.dumps(definition)}
    return client.post(URL + date, data=data, files=files, **options)


@pytest.mark.parametrize("date", DATES)
def test_a_file_becomes_text_in_the_published_shape(client, base_model, date):
    answer = transcribe(client, {"locales": ["en-US"]}, date=date)
    document = answer.json()
    assert document["durationMilliseconds"] == 1000
    assert document["combinedPhrases"] == [{"text": "Remind me to buy 5 pencils."}]
    (phrase,) = document["phrases"]
    assert phrase["text"] == "Remind me to buy 5 pencils."
    assert phrase["locale"] == "en-US"
    assert [word["text"] for word in phrase["words"]] == ["Remind", "me", "to", "buy", "5", "pencils."]
    assert (phrase["offsetMilliseconds"], phrase["durationMilliseconds"]) == (0, 1000)
    assert answer.headers["x-model-id"] == base_model.id


def test_without_a_definition_the_only_language_that_is_served_is_heard(client, base_model):
    assert transcribe(client).json()["phrases"][0]["locale"] == "en-US"


def test_channels_are_heard_apart_when_they_are_asked_for(client, base_model):
    audio = wav_bytes(np.ones(16_000) * 0.1, channels=2)
    document = transcribe(client, {"locales": ["en-US"], "channels": [0, 1]}, audio).json()
    assert [one["channel"] for one in document["combinedPhrases"]] == [0, 1]
    assert [one["channel"] for one in document["phrases"]] == [0, 1]


def test_a_model_can_be_named_for_a_locale(world, base_model):
    custom = world.add(make_model(base_model_id=base_model.id, bundle=BUNDLE))
    definition = {"locales": ["en-US"], "models": {"en-US": f"https://any/speechtotext/models/{custom.id}"}}
    answer = transcribe(world.client, definition)
    assert answer.headers["x-model-id"] == custom.id
    assert answer.headers["x-model-adaptation"] == "training"


def test_a_language_without_figures_is_named(world):
    world.recognizer._languages = ("cy",)
    world.add(make_base_model(locale="cy-GB"))
    answer = transcribe(world.client, {"locales": ["cy-GB"]})
    assert answer.headers["x-inverse-text-normalization"] == "none; locale=cy-GB"


def test_silence_has_no_phrases(world, base_model):
    world.recognizer._texts = {}
    document = transcribe(world.client, {"locales": ["en-US"]}).json()
    assert document["phrases"] == []
    assert document["combinedPhrases"] == [{"text": ""}]


def test_a_recording_may_lie_at_a_url(world, base_model):
    world.services.fetcher.pages["https://store.example/a.wav"] = Page(body=wav(2))
    definition = {"locales": ["en-US"], "audioUrl": "https://store.example/a.wav"}
    answer = world.client.post(URL + DATES[1], files={"definition": (None, json.dumps(definition))})
    assert answer.json()["durationMilliseconds"] == 2000


@pytest.mark.parametrize(
    ("definition", "detailed"),
    [
        ({"locales": ["xx"]}, "UnsupportedLanguageCode"),
        ({"locales": "en-US"}, "InvalidPayload"),
        ({"locales": ["en-US"], "channels": [0, 1, 2]}, "InvalidChannels"),
        ({"locales": ["en-US"], "models": {"en-US": "x"}}, "InvalidPayload"),
        (
            {"locales": ["en-US"], "models": {"de-DE": "7e5f1c52-4d0b-4a77-9a0e-3f1f0a6a9e10"}},
            "InvalidPayload",
        ),
        ({"locales": ["en-US"], "profanityFilterMode": "Some"}, "InvalidPayload"),
        ({"locales": ["en-US"], "enhancedMode": {"enabled": True, "task": "transcribe"}}, "InvalidPayload"),
        ({"locales": ["en-US"], "diarization": {"maxSpeakers": 99}}, "InvalidPayload"),
        ([1], "InvalidRequestBodyFormat"),
    ],
)
def test_what_is_asked_wrongly_is_refused(client, base_model, definition, detailed):
    code = "InvalidArgument" if detailed == "UnsupportedLanguageCode" else "InvalidRequest"
    error_of(transcribe(client, definition), 400, code, detailed)


def test_a_form_without_a_recording_and_what_is_no_recording_are_refused(client, base_model):
    answer = client.post(URL + DATES[0], files={"definition": (None, '{"locales": ["en-US"]}')})
    assert "audioUrl" in error_of(answer, 400, "InvalidRequest", "InvalidPayload")["message"]
    error_of(transcribe(client, {"locales": ["en-US"]}, b"no audio"), 400, "InvalidRequest", "InvalidPayload")
    answer = client.post(URL + DATES[0], json={})
    error_of(answer, 415, "UnsupportedMediaType")


def test_versions_before_it_do_not_know_it(client):
    error_of(client.post("/speechtotext/v3.2/transcriptions:transcribe"), 404, "NotFound")


def test_more_files_at_once_than_allowed_are_asked_to_come_back(world, base_model):
    gate = world.services.files_at_once
    with gate.one_more("files"), gate.one_more("files"):
        answer = transcribe(world.client, {"locales": ["en-US"]})
        error_of(answer, 429, "TooManyRequests", "QuotaViolation")
        assert int(answer.headers["retry-after"]) >= 1
    assert transcribe(world.client, {"locales": ["en-US"]}).status_code == 200


def test_one_of_several_languages_is_told_apart(world, base_model):
    german = make_base_model(locale="de-DE")
    world.add(german)
    answer = transcribe(world.client, {"locales": ["de-DE", "en-US"]})
    (phrase,) = answer.json()["phrases"]
    spoken = {"de-DE": german.id, "en-US": base_model.id}
    assert answer.headers["x-model-id"] == spoken[phrase["locale"]]


def test_while_nothing_is_heard_models_that_share_their_files_are_named_once():
    other = Bundle(engine="e", files=(BundleFile(name="model.bin", sha256="0" * 64, size_bytes=1),))
    models = [
        make_base_model(id="english", locale="en-US"),
        make_base_model(id="german", locale="de-DE"),
        make_base_model(id="dutch", locale="nl-NL", bundle=other),
    ]
    chosen = {model.locale: Chosen(model=model) for model in models}
    recording = HeardRecording(samples=0, channels=(0,), phrases=iter(()))
    answer = FileAnswer(phrases=recording.phrases, recording=recording, chosen=chosen)
    assert answer_headers(answer)["X-Model-Id"] == "english, dutch"
    assert [one.model.id for one in answer.answering({"de-DE", "nl-NL"})] == ["german", "dutch"]


def test_phrases_of_a_list_are_favoured_and_named(world, base_model):
    listed = {"phrases": ["hold the line", "Szymborska"], "biasingWeight": 1.5}
    asked = []

    def hear(bundle, samples, options):
        asked.append(options)
        return "Please hold the line."

    world.recognizer._texts = hear
    answer = transcribe(world.client, {"locales": ["en-US"], "phraseList": listed})
    assert answer.status_code == 200, answer.text
    assert (asked[-1].phrases, asked[-1].phrase_weight) == (("hold the line", "Szymborska"), 1.5)
    assert answer.headers["x-phrases-matched"] == "hold%20the%20line"
    error_of(
        transcribe(
            world.client, {"locales": ["en-US"], "phraseList": {"phrases": ["a"], "biasingWeight": 9}}
        ),
        400,
        "InvalidRequest",
        "InvalidPayload",
    )
