"""Batch transcription as the published samples do it, through a client generated from 2024-11-15."""

import time
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from tests.running_server import RunningServer
from tests.sdk.conftest import generated_client
from tests.sdk.sources import served
from tests.spoken import spoken

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

VERSION = "2024-11-15"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The generated package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return generated_client(tmp_path_factory.mktemp("dated"), VERSION)


@pytest.fixture(scope="module")
def connection(package: ModuleType, server: RunningServer) -> Any:
    """Its connection to the server."""
    return package.ApiClient(
        package.Configuration(host=f"{server.url}/speechtotext", api_key={"api_key": server.key})
    )


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    """Where the recordings lie."""
    with served({"hello.wav": spoken("Please hold the line."), "bad.wav": b"no audio at all"}) as url:
        yield url


@pytest.fixture(scope="module")
def done(package: ModuleType, connection: Any, storage: str) -> Any:
    """A transcription of one sound and one broken recording, at its end."""
    api = package.CustomSpeechTranscriptionsApi(connection)
    wanted = package.Transcription(
        displayName="Simple transcription",
        description="Simple transcription description",
        locale="en-US",
        contentUrls=[f"{storage}/hello.wav", f"{storage}/bad.wav"],
        properties=package.TranscriptionProperties(
            timeToLiveHours=6, wordLevelTimestampsEnabled=True, punctuationMode="DictatedAndAutomatic"
        ),
    )
    submitted = api.transcriptions_submit_with_http_info(VERSION, wanted)
    made = submitted.data
    assert submitted.headers["location"].split("?")[0].rsplit("/", 1)[-1] == str(identity(made))
    until = time.monotonic() + 180
    while made.status in ("NotStarted", "Running"):
        assert time.monotonic() < until, made
        time.sleep(0.3)
        made = api.transcriptions_get(identity(made), VERSION)
    return made


def identity(entity: Any) -> uuid.UUID:
    """The id between the last slash and the query."""
    return uuid.UUID(entity.var_self.rsplit("/", 1)[-1].split("?")[0])


def test_one_bad_file_does_not_fail_a_job(done: Any) -> None:
    assert done.status == "Succeeded"
    assert done.properties.time_to_live_hours == 6
    assert done.content_urls is None, "what was only written is not shown"


def test_results_and_report_are_read_by_plain_get(
    package: ModuleType, connection: Any, done: Any, storage: str
) -> None:
    api = package.CustomSpeechTranscriptionsApi(connection)
    files = api.transcriptions_list_files(identity(done), VERSION).values
    results = [file for file in files if file.kind == "Transcription"]
    assert [file.name for file in results] == ["contenturl_0.json"]
    result = httpx.get(results[0].links.content_url).json()
    assert result["source"] == f"{storage}/hello.wav"
    assert result["durationMilliseconds"] > 500
    (report,) = [file for file in files if file.kind == "TranscriptionReport"]
    details = httpx.get(report.links.content_url).json()["details"]
    assert [one["status"] for one in details] == ["Succeeded", "Failed"]
    assert details[1]["errorKind"]
    assert details[1]["errorMessage"]


def test_it_is_listed_renamed_and_deleted(package: ModuleType, connection: Any, done: Any) -> None:
    api = package.CustomSpeechTranscriptionsApi(connection)
    listed = api.transcriptions_list(VERSION, filter="status eq 'Succeeded'").values
    assert identity(done) in [identity(one) for one in listed]
    change = package.TranscriptionUpdate(displayName="New name")
    assert api.transcriptions_update(identity(done), VERSION, change).display_name == "New name"
    api.transcriptions_delete(identity(done), VERSION)
    with pytest.raises(package.exceptions.NotFoundException):
        api.transcriptions_get(identity(done), VERSION)


def test_locales_are_told_for_both_ways(package: ModuleType, connection: Any) -> None:
    locales = package.CustomSpeechTranscriptionsApi(connection).transcriptions_list_supported_locales(VERSION)
    assert "en-US" in locales.submit
    assert "en-US" in locales.transcribe


def test_a_dataset_is_sent_in_blocks(package: ModuleType, connection: Any, recordings: Path) -> None:
    api = package.CustomSpeechDatasetsForModelAdaptationApi(connection)
    wanted = package.Dataset(displayName="in blocks", locale="en-US", kind="Acoustic")
    made = api.datasets_create(VERSION, wanted)
    data, names = recordings.read_bytes(), []
    for number, start in enumerate(range(0, len(data), 200_000)):
        names.append(f"{number:04d}".encode().hex())
        api.datasets_upload_block(identity(made), names[-1], VERSION, data[start : start + 200_000])
    blocks = api.datasets_get_blocks(identity(made), VERSION)
    assert [block.name for block in blocks.uncommitted_blocks] == names
    entries = [package.CommitBlocksEntry(kind="Uncommitted", id=name) for name in names]
    api.datasets_commit_blocks(identity(made), VERSION, entries)
    until = time.monotonic() + 120
    while made.status in ("NotStarted", "Running"):
        assert time.monotonic() < until, made
        time.sleep(0.2)
        made = api.datasets_get(identity(made), VERSION)
    assert made.status == "Succeeded"
    assert made.properties.accepted_line_count == 12
