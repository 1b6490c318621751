"""Routes for clients of the OpenAI API, on fakes; the real client is in ``tests/sdk``."""

import io
import json

import pytest
from tests.api.conftest import wav

from tympan.testing.entities import BUNDLE, make_endpoint, make_model

URL = "/v1/audio/transcriptions"


def transcribe(client, data=None, audio=None, **options):
    fields = {"model": "whisper-1", "language": "en"} | (data or {})
    fields = {name: value for name, value in fields.items() if value is not None}
    return client.post(URL, data=fields, files={"file": ("a.wav", io.BytesIO(audio or wav()))}, **options)


def test_the_plain_answer_is_the_text(client, base_model):
    answer = transcribe(client)
    assert answer.json() == {"text": "Remind me to buy 5 pencils."}
    assert answer.headers["x-model-id"] == base_model.id


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", "Remind me to buy 5 pencils.\n"),
        ("srt", "1\n00:00:00,000 --> 00:00:01,000\nRemind me to buy 5 pencils.\n\n"),
        ("vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nRemind me to buy 5 pencils.\n\n"),
    ],
)
def test_texts_and_subtitles(client, base_model, form, expected):
    assert transcribe(client, {"response_format": form}).text == expected


def test_the_verbose_answer_places_segments_and_words(client, base_model):
    data = {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]}
    document = transcribe(client, data).json()
    assert (document["task"], document["language"], document["duration"]) == ("transcribe", "english", 1.0)
    (segment,) = document["segments"]
    assert (segment["start"], segment["end"], segment["text"]) == (0.0, 1.0, "Remind me to buy 5 pencils.")
    assert [word["word"] for word in document["words"]] == ["Remind", "me", "to", "buy", "5", "pencils."]
    assert "words" not in transcribe(client, {"response_format": "verbose_json"}).json()


def test_a_streamed_answer_comes_in_events(client, base_model):
    lines = [line for line in transcribe(client, {"stream": "true"}).text.split("\n\n") if line]
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert [one["type"] for one in events] == ["transcript.text.delta", "transcript.text.done"]
    assert events[-1]["text"] == "".join(one["delta"] for one in events[:-1])


def test_a_stream_takes_a_place_and_gives_it_back(world, base_model):
    gate = world.services.files_at_once
    with gate.one_more("files"), gate.one_more("files"):
        full = transcribe(world.client, {"stream": "true"})
        assert (full.status_code, full.json()["error"]["type"]) == (429, "rate_limit_error")
    for _ in range(3):
        assert transcribe(world.client, {"stream": "true"}).status_code == 200
    early = transcribe(world.client, {"stream": "true"}, audio=b"nothing to hear")
    assert early.status_code == 400, "what is wrong before the first event has a status"


def test_models_and_endpoints_are_listed_and_named(world, base_model):
    custom = world.add(make_model(base_model_id=base_model.id, bundle=BUNDLE, display_name="Clinic"))
    endpoint = world.add(make_endpoint(model_id=custom.id, display_name="Phone").deployed(world.clock.now()))
    listed = {one["id"]: one for one in world.client.get("/v1/models").json()["data"]}
    assert set(listed) == {base_model.family, custom.id, endpoint.id}
    assert world.client.get(f"/v1/models/{custom.id}").json() == listed[custom.id]
    for name in (custom.id, "Clinic", endpoint.id, "Phone"):
        answer = transcribe(world.client, {"model": name, "language": None})
        assert answer.headers["x-model-id"] == custom.id, name
    family = transcribe(world.client, {"model": base_model.family, "language": "english"})
    assert family.headers["x-model-id"] == base_model.id


@pytest.mark.parametrize(
    ("data", "param"),
    [
        ({"model": None}, "model"),
        ({"language": "xx"}, "language"),
        ({"response_format": "xml"}, "response_format"),
        ({"temperature": "0.7"}, "temperature"),
        ({"prompt": "Ask Xor\x07iant"}, "prompt"),
        ({"hotwords": "x" * 501}, "hotwords"),
        ({"timestamp_granularities[]": "word"}, "timestamp_granularities"),
        ({"stream": "true", "response_format": "srt"}, "stream"),
        ({"include[]": "logprobs"}, "include[]"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(client, base_model, data, param):
    answer = transcribe(client, data)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_errors_have_the_shape_that_these_clients_read(client, base_model):
    unknown = transcribe(client, {"model": "whisper-9"})
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "not_found_error")
    wrong = transcribe(client, headers={"Ocp-Apim-Subscription-Key": "", "Authorization": "Bearer no"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
    no_audio = transcribe(client, audio=b"nothing to hear")
    assert (no_audio.status_code, no_audio.json()["error"]["code"]) == (400, "InvalidAudio")
    assert client.post("/v1/audio/translations").status_code == 404
    for path in ("/v1/models/nothing", "/v1/nothing", URL):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize("data", [{}, {"stream": "true"}])
def test_what_a_logging_endpoint_hears_is_kept(world, base_model, data):
    endpoint = world.add(make_endpoint(model_id=base_model.id, is_logging=True).deployed(world.clock.now()))
    assert transcribe(world.client, {"model": endpoint.id} | data).status_code == 200
    logs = world.client.get(f"/speechtotext/v3.2/endpoints/{endpoint.id}/files/logs").json()["values"]
    assert sorted(one["kind"] for one in logs) == ["Audio", "Transcription"]


def test_a_key_of_an_endpoint_opens_that_endpoint_only(world, base_model):
    endpoint = world.add(make_endpoint(model_id=base_model.id).deployed(world.clock.now()))
    key = world.services.access.create_endpoint_key(endpoint.id, "phone").secret
    bearer = {"Ocp-Apim-Subscription-Key": "", "Authorization": f"Bearer {key}"}
    assert transcribe(world.client, {"model": endpoint.id}, headers=bearer).status_code == 200
    assert transcribe(world.client, headers=bearer).status_code == 200, "any model is the endpoint's own"
    refused = transcribe(world.client, {"model": base_model.id}, headers=bearer)
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "permission_error")
    listed = world.client.get("/v1/models", headers=bearer).json()["data"]
    assert [one["id"] for one in listed] == [endpoint.id]
