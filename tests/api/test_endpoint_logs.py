"""What is kept of requests: when, in which shape, and how it is taken away again."""

import io
import json
import wave
import zipfile
from datetime import timedelta

import numpy as np
import pytest
from tests.api.conftest import V32, error_of, wav

from tympan.domain.errors import StorageFullError
from tympan.domain.job import JobKind
from tympan.testing.entities import make_endpoint, make_log
from tympan.usecases.endpoint_logs import wav_chunks
from tympan.usecases.job_states import begin_attempt

URL = "/speech/recognition/conversation/cognitiveservices/v1"
WAV = {"Content-Type": "audio/wav"}
BASE = f"{V32}/endpoints/base/en-US/files/logs"


class Context:
    """What a step is given."""

    def __init__(self, job):
        self.job = job

    def progress(self, fraction, message, **counters):
        assert 0 <= fraction <= 1


@pytest.fixture
def endpoint(world, base_model):
    made = make_endpoint(model_id=base_model.id, is_logging=True)
    return world.add(made.deployed(world.clock.now()))


def logs_of(endpoint):
    return f"{V32}/endpoints/{endpoint.id}/files/logs"


def speak(world, query, audio=None, headers=None):
    """One request; a second passes before the next."""
    answer = world.client.post(f"{URL}?{query}", content=audio or wav(), headers=WAV | (headers or {}))
    assert answer.status_code == 200, answer.text
    world.clock.advance(1)
    return answer.json()["Tympan"]


def run_deletions(world):
    """What the worker does to every deletion that waits."""
    with world.store.read() as tx:
        waiting = [job for job in tx.jobs.unfinished() if job.kind is JobKind.DELETE_LOGS]
    for job in waiting:
        with world.store.write() as tx:
            begun = begin_attempt(tx, job, world.clock.now(), step="delete")
        world.services.logs.run_delete(Context(begun))
    return len(waiting)


def names(world, url):
    return [file["name"] for file in world.client.get(url).json()["values"]]


@pytest.mark.parametrize("version", ["v3.0", "v3.1", "v3.2"])
def test_a_request_leaves_its_audio_and_its_result(world, endpoint, version):
    said = speak(world, f"cid={endpoint.id}", headers={"X-RequestId": "ab12"})
    listed = world.client.get(f"/speechtotext/{version}/endpoints/{endpoint.id}/files/logs")
    result, audio = listed.json()["values"]
    assert audio["name"] == f"090000__{said['log']}.wav"
    assert result["name"] == f"090000__{said['log']}.v2.json"
    assert (audio["kind"], result["kind"]) == ("Audio", "Transcription")
    assert audio["createdDateTime"] == result["createdDateTime"] == "2026-01-05T09:00:00Z"
    assert audio["properties"]["duration"] == "PT1S"
    assert audio["self"].endswith(f"/2026-01-05_090000__{said['log']}_wav")
    assert world.client.get(audio["self"]).json()["name"] == audio["name"]
    assert world.client.get(audio["self"].upper().replace("HTTP://SPEECH.TEST", "")).status_code == 200
    content = world.client.get(audio["links"]["contentUrl"], headers={"Ocp-Apim-Subscription-Key": ""})
    assert content.content == wav()
    document = world.client.get(result["links"]["contentUrl"]).json()
    assert document["combinedRecognizedPhrases"][0]["display"] == "Remind me to buy 5 pencils."
    (phrase,) = document["recognizedPhrases"]
    assert phrase["nBest"][0]["lexical"] == "remind me to buy five pencils"
    assert (phrase["durationInTicks"], document["durationInTicks"]) == (10_000_000, 10_000_000)
    assert document["sessionId"] == said["log"]
    assert (document["requestId"], document["endpointId"]) == ("ab12", endpoint.id)
    assert document["modelId"] == endpoint.model_id
    assert "fallback" not in document


def test_silence_is_logged_too(world, endpoint):
    world.recognizer._texts = {}
    speak(world, f"cid={endpoint.id}")
    (result, _) = world.client.get(logs_of(endpoint)).json()["values"]
    document = world.client.get(result["links"]["contentUrl"]).json()
    assert document["recognizedPhrases"] == []
    assert document["combinedRecognizedPhrases"][0]["display"] == ""


def test_nothing_is_kept_when_nobody_asked_for_it(world, base_model):
    quiet = world.add(make_endpoint(model_id=base_model.id).deployed(world.clock.now()))
    assert "log" not in speak(world, f"cid={quiet.id}")
    assert "log" not in speak(world, f"cid={quiet.id}&storeAudio=false")
    assert "log" not in speak(world, "language=en-US")
    assert list(world.blobs.list("logs/")) == []
    error_of(world.client.get(logs_of(quiet)), 400, "InvalidRequest", "EndpointWithoutLogging")
    error_of(world.client.get(f"{logs_of(quiet)}/x"), 400, "InvalidRequest", "EndpointWithoutLogging")
    assert world.client.get(BASE).json() == {"values": []}


def test_a_request_may_ask_for_it_itself(world, base_model):
    quiet = world.add(make_endpoint(model_id=base_model.id).deployed(world.clock.now()))
    speak(world, f"cid={quiet.id}&storeAudio=true")
    assert len(names(world, logs_of(quiet))) == 2
    speak(world, "language=en-us&storeAudio=true")
    assert len(names(world, BASE.replace("en-US", "EN-us"))) == 2
    (result, _) = world.client.get(BASE).json()["values"]
    document = world.client.get(result["links"]["contentUrl"]).json()
    assert "endpointId" not in document
    assert document["modelId"] == base_model.id


def test_logs_are_switched_off_and_on_and_what_was_kept_stays(world, endpoint):
    url = f"{V32}/endpoints/{endpoint.id}"
    speak(world, f"cid={endpoint.id}")
    world.client.patch(url, json={"properties": {"contentLoggingEnabled": False}})
    assert "log" not in speak(world, f"cid={endpoint.id}")
    assert len(names(world, logs_of(endpoint))) == 2
    world.client.delete(logs_of(endpoint))
    run_deletions(world)
    assert names(world, logs_of(endpoint)) == [], "an endpoint that has logged before has an empty list"


def test_pages_go_from_the_oldest_on_and_miss_nothing_that_is_deleted_meanwhile(world, endpoint):
    sessions = [speak(world, f"cid={endpoint.id}")["log"] for _ in range(4)]
    url, seen = f"{logs_of(endpoint)}?top=3&sasValidityInSeconds=60", []
    while url:
        page = world.client.get(url).json()
        seen += [file["name"].split("__")[1].split(".")[0] for file in page["values"]]
        world.client.delete(page["values"][0]["self"])
        url = page.get("@nextLink")
        assert url is None or "sasValidityInSeconds=60" in url
    assert seen == [session for session in sessions for _ in range(2)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("top=0", "InvalidTopForLogs"),
        ("top=x", "InvalidTopForLogs"),
        ("skipToken=x", "InvalidSkipTokenForLogs"),
        ("skipToken=", "InvalidSkipTokenForLogs"),
        ("skip=1", "InvalidParameter"),
    ],
)
def test_a_page_that_cannot_be_is_refused(world, endpoint, query, code):
    error_of(world.client.get(f"{logs_of(endpoint)}?{query}"), 400, "InvalidArgument", code)


def test_one_file_is_deleted_with_its_bytes(world, endpoint):
    speak(world, f"cid={endpoint.id}")
    result, audio = world.client.get(logs_of(endpoint)).json()["values"]
    assert world.client.delete(audio["self"]).status_code == 204
    assert world.client.delete(audio["self"]).status_code == 204
    assert names(world, logs_of(endpoint)) == [result["name"]]
    assert len(list(world.blobs.list("logs/"))) == 1
    error_of(world.client.get(audio["self"]), 404, "NotFound")
    assert world.client.get(audio["links"]["contentUrl"]).status_code == 404


def test_a_log_is_found_at_its_own_endpoint_only(world, endpoint, base_model):
    speak(world, f"cid={endpoint.id}")
    (file, _) = world.client.get(logs_of(endpoint)).json()["values"]
    other = world.add(make_endpoint(model_id=base_model.id, is_logging=True))
    foreign = file["self"].replace(endpoint.id, other.id)
    error_of(world.client.get(foreign), 404, "NotFound")
    assert world.client.delete(foreign).status_code == 204
    assert len(names(world, logs_of(endpoint))) == 2
    moved = file["links"]["contentUrl"].replace(endpoint.id, other.id)
    assert world.client.get(moved).status_code == 403


def test_logs_are_deleted_up_to_the_end_of_a_day(world, endpoint):
    for _ in range(3):
        speak(world, f"cid={endpoint.id}")
        world.clock.advance(86400)
    answer = world.client.delete(f"{logs_of(endpoint)}?endDate=2026-01-06")
    assert answer.status_code == 202
    assert run_deletions(world) == 1
    kept = world.client.get(logs_of(endpoint)).json()["values"]
    assert [file["createdDateTime"][:10] for file in kept] == ["2026-01-07"] * 2
    for wrong in ("yesterday", "2026-13-01", "2026-01-06T00:00:00Z"):
        answer = world.client.delete(f"{logs_of(endpoint)}?endDate={wrong}")
        error_of(answer, 400, "InvalidArgument", "InvalidLogDate")


def test_what_is_logged_after_the_request_to_delete_stays(world, endpoint):
    speak(world, f"cid={endpoint.id}")
    world.client.delete(logs_of(endpoint))
    speak(world, f"cid={endpoint.id}")
    run_deletions(world)
    assert len(names(world, logs_of(endpoint))) == 2


def test_a_deletion_may_be_killed_and_repeated(world, endpoint):
    for _ in range(2):
        speak(world, f"cid={endpoint.id}")
    world.client.delete(logs_of(endpoint))
    with world.store.read() as tx:
        world.blobs.delete(tx.logs.list()[0].key)  # killed between the bytes and the row
    run_deletions(world)
    assert names(world, logs_of(endpoint)) == []
    assert list(world.blobs.list("logs/")) == []


def test_logs_go_by_session_and_by_days(world, endpoint):
    ours = f"/api/v1/endpoints/{endpoint.id}/logs"
    sessions = []
    for _ in range(3):
        sessions.append(speak(world, f"cid={endpoint.id}")["log"])
        world.clock.advance(86400)
    job = world.client.delete(f"{ours}?session={sessions[1].upper()}")
    assert job.status_code == 202
    assert job.json()["kind"] == "DeleteLogs"
    run_deletions(world)
    left = {name.split("__")[1].split(".")[0] for name in names(world, logs_of(endpoint))}
    assert left == {sessions[0], sessions[2]}
    world.client.delete(f"{ours}?startDate=2026-01-07&endDate=2026-01-31")
    run_deletions(world)
    left = {name.split("__")[1].split(".")[0] for name in names(world, logs_of(endpoint))}
    assert left == {sessions[0]}
    error_of(world.client.delete(f"{ours}?session=x"), 400, "InvalidArgument", "InvalidParameterValue")


def test_the_logs_of_a_locale_are_deleted_alike(world, base_model):
    speak(world, "language=en-US&storeAudio=true")
    (file, _) = world.client.get(BASE).json()["values"]
    assert world.client.get(file["self"]).status_code == 200
    assert world.client.delete(file["self"]).status_code == 204
    assert world.client.delete(BASE).status_code == 202
    run_deletions(world)
    assert world.client.get(BASE).json() == {"values": []}
    error_of(world.client.get(BASE.replace("en-US", "English")), 400, "InvalidArgument", "InvalidLocale")


def test_logs_go_with_their_endpoint(world, endpoint):
    speak(world, f"cid={endpoint.id}")
    world.client.delete(f"{V32}/endpoints/{endpoint.id}")
    error_of(world.client.get(logs_of(endpoint)), 404, "NotFound")
    assert run_deletions(world) == 1
    with world.store.read() as tx:
        assert tx.logs.count() == 0
    assert list(world.blobs.list("logs/")) == []


def test_old_logs_are_removed_after_their_time(world, endpoint):
    speak(world, f"cid={endpoint.id}")
    world.clock.advance(29 * 86400)
    speak(world, f"cid={endpoint.id}")
    world.services.logs.remove_old()
    assert len(names(world, logs_of(endpoint))) == 4
    world.clock.advance(86400)
    world.services.logs.remove_old()
    assert len(names(world, logs_of(endpoint))) == 2
    assert len(list(world.blobs.list("logs/"))) == 2


def test_a_zip_holds_every_log_by_day(world, endpoint):
    for _ in range(2):
        speak(world, f"cid={endpoint.id}")
    world.clock.advance(86400)
    speak(world, f"cid={endpoint.id}")
    with world.store.write() as tx:  # its bytes are gone
        tx.logs.add(make_log(place=endpoint.id))
    answer = world.client.get(f"/api/v1/endpoints/{endpoint.id}/logs.zip")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        found = archive.namelist()
        assert len(found) == 6
        assert {name.split("/")[0] for name in found} == {"2026-01-05", "2026-01-06"}
        audio = next(name for name in found if name.endswith(".wav"))
        assert archive.read(audio) == wav()
        result = next(name for name in found if name.endswith(".v2.json"))
        assert json.loads(archive.read(result))["endpointId"] == endpoint.id
    empty = world.client.get("/api/v1/endpoints/base/en-us/logs.zip")
    assert zipfile.ZipFile(io.BytesIO(empty.content)).namelist() == []


def test_a_request_is_answered_when_it_cannot_be_logged_and_says_so(world, endpoint, monkeypatch, caplog):
    def full(key, chunks):
        raise StorageFullError("No room is left.")

    monkeypatch.setattr(world.blobs, "put", full)
    answer = world.client.post(f"{URL}?cid={endpoint.id}", content=wav(), headers=WAV)
    assert answer.json()["DisplayText"]
    assert answer.json()["Tympan"]["logFailure"] == "No room is left."
    assert "request could not be logged" in caplog.text
    assert names(world, logs_of(endpoint)) == []


def test_the_dated_version_has_no_logs_but_logging(world, endpoint):
    document = world.client.get(f"/speechtotext/endpoints/{endpoint.id}?api-version=2024-11-15").json()
    assert document["properties"]["loggingEnabled"] is True
    assert "logs" not in document.get("links", {})
    answer = world.client.get(f"/speechtotext/endpoints/{endpoint.id}/files/logs?api-version=2024-11-15")
    error_of(answer, 404, "NotFound")
    older = world.client.get(f"{V32}/endpoints/{endpoint.id}").json()
    assert older["links"]["logs"] == f"http://speech.test{logs_of(endpoint)}"


def test_a_wav_is_written_block_by_block():
    blocks = [np.array([0.0, 1.0, -2.0], np.float32), np.array([0.5], np.float32)]
    data = b"".join(wav_chunks(iter(blocks), 4))
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (
            16000,
            1,
            2,
            4,
        )
        assert np.frombuffer(file.readframes(4), "<i2").tolist() == [0, 32767, -32767, 16384]


def test_the_retention_can_be_switched_off(world, endpoint):
    speak(world, f"cid={endpoint.id}")
    world.clock.advance(timedelta(days=3650).total_seconds())
    kept = world.services.logs
    type(kept)(store=kept.store, blobs=kept.blobs, clock=kept.clock, retention=None).remove_old()
    assert len(names(world, logs_of(endpoint))) == 2
