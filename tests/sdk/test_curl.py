"""The commands of the public how-to articles, with curl, after a change of host and key alone."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.running_server import RunningServer
from tests.sdk.sources import served
from tests.spoken import spoken

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Curl = Callable[..., dict]


@pytest.fixture(scope="module")
def curl(server: RunningServer) -> Curl:
    """Runs curl with the key; gives the JSON answer and fails on any status that is not 2xx."""

    def run(path: str, *words: str, method: str = "GET", body: dict | None = None) -> dict:
        command = ["curl", "--silent", "--show-error", "--fail-with-body", "-X", method, *words]
        command += ["-H", f"Ocp-Apim-Subscription-Key: {server.key}"]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        url = path if path.startswith("http") else f"{server.url}{path}"
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout else {}

    return run


def text_of(*words: str) -> str:
    """What curl prints."""
    return subprocess.run(["curl", "-s", *words], capture_output=True, text=True, check=True).stdout


def finished(curl: Curl, entity: dict) -> dict:
    """The entity once its work has ended."""
    until = time.monotonic() + 180
    while entity["status"] in ("NotStarted", "Running"):
        assert time.monotonic() < until, entity
        time.sleep(0.3)
        entity = curl(entity["self"])
    return entity


def test_custom_speech_from_project_to_endpoint(curl: Curl, recordings: Path, server: RunningServer) -> None:
    project = curl(
        "/speechtotext/v3.2/projects",
        method="POST",
        body={"displayName": "My Project", "description": "My Project Description", "locale": "en-US"},
    )
    with served({"train.zip": recordings.read_bytes()}) as storage:
        dataset = curl(
            "/speechtotext/v3.2/datasets",
            method="POST",
            body={
                "kind": "Acoustic",
                "displayName": "My Acoustic Dataset",
                "description": "My Acoustic Dataset Description",
                "project": {"self": project["self"]},
                "contentUrl": f"{storage}/train.zip",
                "locale": "en-US",
            },
        )
        assert "contentUrl" not in dataset
        dataset = finished(curl, dataset)
    assert dataset["status"] == "Succeeded", dataset
    base = curl("/speechtotext/v3.2/models/base?filter=locale%20eq%20'en-US'")["values"]
    tiny = next(model for model in base if model["displayName"].endswith("whisper-tiny"))
    endpoint = curl(
        "/speechtotext/v3.2/endpoints",
        method="POST",
        body={
            "project": {"self": project["self"]},
            "properties": {"loggingEnabled": True},
            "displayName": "My Endpoint",
            "description": "My Endpoint Description",
            "model": {"self": tiny["self"]},
            "locale": "en-US",
        },
    )
    endpoint = finished(curl, endpoint)
    assert endpoint["properties"]["loggingEnabled"] is True
    logs = curl(endpoint["links"]["logs"])
    assert logs["values"] == []
    curl(endpoint["self"], method="DELETE")


def test_short_audio_with_a_token(curl: Curl, server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "hello.wav").write_bytes(spoken("Please hold the line."))
    key = f"Ocp-Apim-Subscription-Key: {server.key}"
    token = text_of("-X", "POST", f"{server.url}/sts/v1.0/issueToken", "-H", "Content-Length: 0", "-H", key)
    url = f"{server.url}/speech/recognition/conversation/cognitiveservices/v1?language=en-US&format=detailed"
    answer = text_of(
        *("--location", "--request", "POST", url, "--header", f"Authorization: Bearer {token}"),
        *("--header", "Content-Type: audio/wav; codecs=audio/pcm; samplerate=16000"),
        *("--header", "Transfer-Encoding: chunked", "--header", "Expect: 100-continue"),
        *("--data-binary", f"@{tmp_path / 'hello.wav'}"),
    )
    assert json.loads(answer)["RecognitionStatus"] in ("Success", "NoMatch")


@pytest.mark.parametrize(
    ("submit", "properties"),
    [
        ("/speechtotext/transcriptions:submit?api-version=2024-11-15", {"timeToLiveHours": 48}),
        ("/speechtotext/v3.2/transcriptions", {"timeToLive": "PT12H"}),
    ],
)
def test_batch_transcription(curl: Curl, submit: str, properties: dict) -> None:
    with served({"hello.wav": spoken("The number is busy.")}) as storage:
        made = curl(
            submit,
            method="POST",
            body={
                "contentUrls": [f"{storage}/hello.wav"],
                "locale": "en-US",
                "displayName": "My Transcription",
                "model": None,
                "properties": {"wordLevelTimestampsEnabled": True, **properties},
            },
        )
        assert finished(curl, made)["status"] == "Succeeded"
    files = curl(made["links"]["files"])["values"]
    assert {file["kind"] for file in files} == {"Transcription", "TranscriptionReport"}
    curl(made["self"], method="DELETE")


def test_fast_transcription(curl: Curl, tmp_path: Path) -> None:
    (tmp_path / "hello.wav").write_bytes(spoken("The number is busy."))
    answer = curl(
        "/speechtotext/transcriptions:transcribe?api-version=2024-11-15",
        *("--form", f"audio=@{tmp_path / 'hello.wav'}", "--form", 'definition={"locales":["en-US"]}'),
        method="POST",
    )
    assert answer["durationMilliseconds"] > 500
    assert "combinedPhrases" in answer
