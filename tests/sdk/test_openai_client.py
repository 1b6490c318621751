"""The client of OpenAI, after a change of base URL and key alone."""

import io

import openai
import pytest
from tests.running_server import RunningServer
from tests.spoken import spoken

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def client(server: RunningServer) -> openai.OpenAI:
    """The client, pointed at the server."""
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0)


def recording() -> tuple[str, io.BytesIO]:
    return "hello.wav", io.BytesIO(spoken("Please hold the line."))


def test_models_are_listed_and_read(client: openai.OpenAI, tiny_model: str) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert "whisper-tiny.en" in listed
    assert client.models.retrieve("whisper-tiny.en").owned_by == "base"


def test_a_recording_is_transcribed(client: openai.OpenAI) -> None:
    text = client.audio.transcriptions.create(model="whisper-tiny.en", file=recording(), language="en").text
    assert "hold the line" in text.lower()


def test_words_and_segments_are_placed(client: openai.OpenAI) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-tiny.en",
        file=recording(),
        language="en",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert answer.language == "english"
    assert answer.duration > 0.5
    assert answer.segments
    assert answer.words
    assert answer.words[0].end <= answer.words[1].start + 0.5
    assert answer.words[-1].end <= answer.duration


@pytest.mark.parametrize("form", ["text", "srt", "vtt"])
def test_plain_forms(client: openai.OpenAI, form: str) -> None:
    text = client.audio.transcriptions.create(
        model="whisper-tiny.en", file=recording(), language="en", response_format=form
    )
    assert "hold the line" in str(text).lower()


def test_text_comes_in_pieces(client: openai.OpenAI) -> None:
    events = list(
        client.audio.transcriptions.create(
            model="whisper-tiny.en", file=recording(), language="en", stream=True
        )
    )
    assert [event.type for event in events][-1] == "transcript.text.done"
    assert events[-1].text == "".join(event.delta for event in events[:-1])


def test_errors_arrive_as_the_clients_own(client: openai.OpenAI, server: RunningServer) -> None:
    with pytest.raises(openai.NotFoundError, match="whisper-9"):
        client.audio.transcriptions.create(model="whisper-9", file=recording())
    with pytest.raises(openai.BadRequestError, match="not a recording"):
        client.audio.transcriptions.create(model="whisper-1", language="en", file=("x.wav", b"no audio"))
    wrong = openai.OpenAI(base_url=f"{server.url}/v1", api_key="0" * 64, max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        wrong.models.list()


NAME = "Please ask Rehaan about the report."


def test_a_name_of_the_prompt_is_written_where_it_is_heard(client: openai.OpenAI) -> None:
    plain = client.audio.transcriptions.create(
        model="whisper-tiny.en", file=("name.wav", spoken(NAME)), language="en"
    )
    assert "Rehaan" not in plain.text
    raw = client.audio.transcriptions.with_raw_response.create(
        model="whisper-tiny.en",
        file=("name.wav", spoken(NAME)),
        language="en",
        prompt="What we said to Rehaan on Monday.",
    )
    assert "ask Rehaan about" in raw.parse().text
    assert raw.headers["x-prompt-effect"] == "phrases; count=1"
    assert raw.headers["x-phrases-matched"] == "Rehaan"


def test_a_prompt_without_unusual_words_is_said_to_do_nothing(client: openai.OpenAI) -> None:
    raw = client.audio.transcriptions.with_raw_response.create(
        model="whisper-tiny.en", file=recording(), language="en", prompt="Please hold, and speak slowly."
    )
    assert raw.headers["x-prompt-effect"] == "none; reason=no-unusual-words"
    assert "hold the line" in raw.parse().text.lower()


def test_hotwords_are_written_where_they_are_heard(client: openai.OpenAI) -> None:
    raw = client.audio.transcriptions.with_raw_response.create(
        model="whisper-tiny.en",
        file=("name.wav", spoken(NAME)),
        language="en",
        extra_body={"hotwords": "Rehaan, Saoirse Ronan"},
    )
    assert "ask Rehaan about" in raw.parse().text
    assert raw.headers["x-phrases-matched"] == "Rehaan"
