"""Azure's own package for fast transcription, after a change of endpoint and key alone."""

import io

import pytest
from azure.ai.transcription import TranscriptionClient
from azure.ai.transcription.models import TranscriptionContent, TranscriptionOptions
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from tests.running_server import RunningServer
from tests.spoken import spoken

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def client_of(server: RunningServer, key: str) -> TranscriptionClient:
    return TranscriptionClient(endpoint=server.url, credential=AzureKeyCredential(key))


def test_a_recording_is_transcribed(server: RunningServer) -> None:
    options = TranscriptionOptions(locales=["en-US"])
    content = TranscriptionContent(definition=options, audio=io.BytesIO(spoken("Please hold the line.")))
    result = client_of(server, server.key).transcribe(content)
    assert result.duration_milliseconds > 500
    assert len(result.combined_phrases) == 1
    for phrase in result.phrases:
        assert phrase.text
        assert phrase.duration_milliseconds > 0
        assert phrase.locale == "en-US"


def test_a_wrong_key_is_told_as_the_package_expects(server: RunningServer) -> None:
    content = TranscriptionContent(
        definition=TranscriptionOptions(locales=["en-US"]), audio=io.BytesIO(spoken("Goodbye."))
    )
    with pytest.raises(HttpResponseError) as refused:
        client_of(server, "0" * 64).transcribe(content)
    assert refused.value.status_code == 401
    assert refused.value.error is not None


def test_what_is_no_audio_is_told_in_a_sentence(server: RunningServer) -> None:
    content = TranscriptionContent(
        definition=TranscriptionOptions(locales=["en-US"]), audio=io.BytesIO(b"no audio at all")
    )
    with pytest.raises(HttpResponseError) as refused:
        client_of(server, server.key).transcribe(content)
    assert refused.value.status_code in (400, 415, 422)
    assert "audio" in str(refused.value)
