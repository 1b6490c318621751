"""The Speech SDK for JavaScript in Node, after a change of host and key alone."""

from pathlib import Path

import httpx
import pytest
import soundfile
import soxr
from tests.running_server import RunningServer
from tests.sdk.script_sdk import Job, NodeJob, in_node
from tests.sdk.talk import DICTATED, GERMAN, TALK, WORDS, dialogue, heard_all, hearing_endpoint
from tests.spoken import conversation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

UNIVERSAL = "/stt/speech/universal/v2"
AT_ONCE = {"properties": {"SPEECH-TransmitLengthBeforThrottleMs": "60000"}}
"""Audio is not held back to twice the speed of speech, so that tests wait less. The SDK spells it so."""


@pytest.fixture
def job(server: RunningServer, endpoint: str, talk: Path) -> Job:
    """What an application has; host, key and endpoint id are ours."""
    host = server.url.replace("http", "ws")
    return {"server": host, "key": server.key, "endpoint_id": endpoint, "file": str(talk)}


def written(path: Path, parts: tuple[tuple[str, str], ...]) -> dict[str, str]:
    path.write_bytes(conversation(parts, pause_s=1.0)[0])
    return {"file": str(path)}


def raw(path: Path, samples: bytes) -> dict[str, object]:
    """A stream of 16-bit samples, as jobs name it."""
    path.write_bytes(samples)
    return {"file": str(path), "form": "PCM", "rate_hz": 16_000, "bits": 16, "channels": 1}


def test_recognize_once(job: Job) -> None:
    (found,) = in_node({**job, "do": "once"}).results
    assert found["reason"] == "RecognizedSpeech"
    assert WORDS[0] in found["text"].lower()
    assert WORDS[1] not in found["text"].lower()


@pytest.mark.parametrize("path", ["", UNIVERSAL])
def test_continuous_recognition_tells_partials_phrases_and_the_end(job: Job, path: str) -> None:
    told = in_node({**job, "server": f"{job['server']}{path}", "do": "continuous"})
    assert heard_all(told.texts)
    assert len(told.texts) == 3
    assert told.all("partial")
    assert [one["reason"] for one in told.all("canceled")] == ["EndOfStream"]
    assert told.events[-1]["event"] == "stopped"
    offsets = [one["offset"] for one in told.phrases]
    assert offsets == sorted(offsets)


def test_detailed_output_has_readings_and_words_and_phrase_lists_are_taken(job: Job) -> None:
    wanted = {"detailed": True, "words": True, "phrases": ["pound key", "second platform"]}
    told = in_node({**job, **AT_ONCE, **wanted, "do": "continuous"})
    assert heard_all(told.texts)
    assert len(told.documents) == 3
    for document in told.documents:
        best = document["NBest"][0]
        assert best["Display"] == document["DisplayText"]
        assert 0 < best["Confidence"] <= 1
        assert [word["Word"] for word in best["Words"]] == best["Lexical"].split()
        ends = [word["Offset"] + word["Duration"] for word in best["Words"]]
        assert ends == sorted(ends)
        assert ends[-1] <= document["Offset"] + document["Duration"]


def test_dictation_writes_spoken_punctuation(job: Job, tmp_path: Path) -> None:
    dictated = written(tmp_path / "dictated.wav", DICTATED)
    told = in_node({**job, **dictated, "dictation": True, "do": "continuous"})
    assert told.texts
    assert told.texts[0].endswith("?")
    assert "question mark" not in told.texts[0].lower()


def test_speakers_are_told_apart(job: Job, tmp_path: Path) -> None:
    two = dialogue(tmp_path / "two.wav")
    told = in_node({**job, **AT_ONCE, "file": str(two), "do": "transcribe"})
    first, *_ = [phrase for phrase in told.phrases if "table for two" in phrase["text"]]
    last, *_ = [phrase for phrase in told.phrases if "window" in phrase["text"]]
    assert first["speaker"] == "Guest-1"
    assert last["speaker"] == "Guest-2"


@pytest.mark.parametrize("path", ["", UNIVERSAL])
def test_a_language_is_told_among_candidates(job: Job, tmp_path: Path, path: str) -> None:
    german = written(tmp_path / "german.wav", GERMAN)
    wanted = {"server": f"{job['server']}{path}", "endpoint_id": "", "candidates": ["en-US", "de-DE"]}
    (found,) = in_node({**job, **german, **wanted, "do": "once"}).results
    assert found["language"] == "de-DE"
    assert found["certainty"] in ("High", "Medium", "Low")
    assert "Uhr" in found["text"]


@pytest.mark.parametrize(
    ("form", "rate_hz", "channels"), [("PCM", 16_000, 1), ("MuLaw", 8_000, 1), ("PCM", 44_100, 2)]
)
def test_a_push_stream_in_each_form(
    job: Job, talk: Path, tmp_path: Path, form: str, rate_hz: int, channels: int
) -> None:
    samples, own_hz = soundfile.read(talk, always_2d=True)
    path = tmp_path / "stream.raw"
    # What only one of two channels holds is heard.
    played = soxr.resample(samples, own_hz, rate_hz) * [1, 0][:channels]
    subtype, bits = {"PCM": ("PCM_16", 16), "MuLaw": ("ULAW", 8)}[form]
    soundfile.write(path, played, rate_hz, format="RAW", subtype=subtype)
    stream = {"file": str(path), "form": form, "rate_hz": rate_hz, "bits": bits, "channels": channels}
    told = in_node({**job, **AT_ONCE, "stream": stream, "do": "continuous"})
    assert WORDS[0] in " ".join(told.texts).lower()
    assert len(told.texts) == 3


def test_silence_is_no_match(job: Job, tmp_path: Path) -> None:
    stream = raw(tmp_path / "silence.raw", bytes(6 * 32_000))
    (found,) = in_node({**job, "stream": stream, "do": "once"}).results
    assert found["reason"] == "NoMatch"
    assert found["no_match"] == "InitialSilenceTimeout"


def test_a_token_opens_as_the_key_does(server: RunningServer, job: Job) -> None:
    headers = {"Ocp-Apim-Subscription-Key": server.key}
    token = httpx.post(f"{server.url}/sts/v1.0/issueToken", headers=headers).text
    (found,) = in_node({**job, "key": "", "token": token, "do": "once"}).results
    assert found["reason"] == "RecognizedSpeech"


@pytest.mark.parametrize("do", ["once", "continuous"])
def test_a_wrong_key_is_refused_at_once(job: Job, do: str) -> None:
    told = in_node({**job, "key": "wrong", "do": do})
    found = told.results[0]["canceled"] if do == "once" else told.all("canceled")[0]
    assert found["reason"] == "Error"
    assert "401" in found["details"]
    assert not told.texts


@pytest.mark.parametrize("do", ["once", "continuous"])
def test_an_unknown_endpoint_is_named_in_the_error(job: Job, do: str) -> None:
    told = in_node({**job, "endpoint_id": "00000000-0000-4000-8000-000000000000", "do": do})
    found = told.results[0]["canceled"] if do == "once" else told.all("canceled")[0]
    assert found["code"] == "BadRequestParameters"
    assert "There is no endpoint" in found["details"]


def test_a_model_is_changed_while_somebody_speaks(
    server: RunningServer, job: Job, tiny_model: str, tmp_path: Path
) -> None:
    recording, places = conversation(TALK[:2], pause_s=1.0)
    stream = raw(tmp_path / "held.raw", recording[44:])
    before_the_end = int((places[0][1] - 0.5) * 16_000) * 2
    changing = hearing_endpoint(server)
    held = {"stream": {**stream, "hold_at": before_the_end}, "endpoint_id": changing}
    with NodeJob({**job, **held, "do": "once", "times": 2}) as running:
        running.wait_for("partial")
        server.tympan("endpoint", "update", changing, "--model", tiny_model)
        running.say()
        first, second = running.end().results
    assert WORDS[0] in first["text"].lower(), "the turn keeps the model it began with"
    assert tiny_model not in first["json"]
    assert tiny_model in second["json"], "the next turn of the connection has the new one"


def test_a_killed_model_host_interrupts_nobody_who_listens_on(
    server: RunningServer, job: Job, talk: Path, tmp_path: Path
) -> None:
    stream = raw(tmp_path / "talk.raw", talk.read_bytes()[44:])
    with NodeJob({**job, "stream": {**stream, "hold_at": 96_000}, "do": "continuous"}) as running:
        running.wait_for("partial")
        server.children("model-host")[0].kill()
        running.say()
        told = running.end()
    assert heard_all(told.texts)
    assert [one["reason"] for one in told.all("canceled")] == ["EndOfStream"]


def test_a_killed_model_host_ends_what_is_recognised_once_with_an_error(
    server: RunningServer, job: Job, talk: Path, tmp_path: Path
) -> None:
    stream = raw(tmp_path / "talk.raw", talk.read_bytes()[44:])
    with NodeJob({**job, "stream": {**stream, "hold_at": 96_000}, "do": "once"}) as running:
        running.wait_for("partial")
        server.children("model-host")[0].kill()
        found = running.wait_for("result")
    assert found["canceled"]["code"] == "ServiceError"
