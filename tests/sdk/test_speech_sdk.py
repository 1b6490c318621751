"""The Speech SDK for Python, after a change of host and key alone; other languages share its core."""

import io
import json
import threading
import wave
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import soundfile
import soxr
from azure.cognitiveservices import speech
from tests.running_server import RunningServer
from tests.sdk.talk import DICTATED, GERMAN, WORDS, dialogue, heard_all, hearing_endpoint
from tests.spoken import conversation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_S = 60


@pytest.fixture
def config(server: RunningServer, endpoint: str) -> speech.SpeechConfig:
    """What an application has; host, key and endpoint id are ours."""
    config = speech.SpeechConfig(host=server.url.replace("http", "ws"), subscription=server.key)
    config.endpoint_id = endpoint
    # Sent at once, not at twice the pace of speech: only so that the tests take less time.
    config.set_property_by_name("SPEECH-TransmitLengthBeforeThrottleMs", "600000")
    return config


def from_file(path: Path) -> speech.audio.AudioConfig:
    return speech.audio.AudioConfig(filename=str(path))


def everything(recognizer: speech.Recognizer, kind: str = "recogniz") -> SimpleNamespace:
    """What continuous recognition tells until its end."""
    told = SimpleNamespace(partials=[], phrases=[], canceled=[], started=0)
    over = threading.Event()
    getattr(recognizer, f"{kind}ing").connect(lambda event: told.partials.append(event.result))
    getattr(recognizer, f"{kind}ed").connect(lambda event: told.phrases.append(event.result))
    recognizer.canceled.connect(told.canceled.append)
    recognizer.session_stopped.connect(lambda _: over.set())
    start = "start_transcribing_async" if kind == "transcrib" else "start_continuous_recognition_async"
    stop = start.replace("start", "stop")
    getattr(recognizer, start)().get()
    assert over.wait(PATIENCE_S)
    getattr(recognizer, stop)().get()
    return told


def texts(told: SimpleNamespace) -> list[str]:
    return [phrase.text for phrase in told.phrases if phrase.text]


def test_recognize_once(config: speech.SpeechConfig, talk: Path) -> None:
    recognizer = speech.SpeechRecognizer(config, audio_config=from_file(talk))
    first = recognizer.recognize_once()
    assert first.reason == speech.ResultReason.RecognizedSpeech
    assert WORDS[0] in first.text.lower()
    second = recognizer.recognize_once()
    assert WORDS[1] in second.text.lower()
    assert second.offset > first.offset + first.duration


def test_continuous_recognition_tells_partials_phrases_and_the_end(
    config: speech.SpeechConfig, talk: Path
) -> None:
    config.set_property_by_name("SPEECH-TransmitLengthBeforeThrottleMs", "5000")  # as it is by itself
    told = everything(speech.SpeechRecognizer(config, audio_config=from_file(talk)))
    assert heard_all(texts(told))
    assert len(texts(told)) == 3
    assert len(told.partials) >= 3
    assert [event.cancellation_details.reason for event in told.canceled] == [
        speech.CancellationReason.EndOfStream
    ]
    offsets = [phrase.offset for phrase in told.phrases if phrase.text]
    assert offsets == sorted(offsets)


def test_detailed_output_has_readings_and_words(config: speech.SpeechConfig, talk: Path) -> None:
    config.output_format = speech.OutputFormat.Detailed
    config.request_word_level_timestamps()
    told = everything(speech.SpeechRecognizer(config, audio_config=from_file(talk)))
    documents = [json.loads(phrase.json) for phrase in told.phrases if phrase.text]
    assert len(documents) == 3
    for document in documents:
        best = document["NBest"][0]
        assert best["Display"] == document["DisplayText"]
        assert 0 < best["Confidence"] <= 1
        assert [word["Word"] for word in best["Words"]] == best["Lexical"].split()
        ends = [word["Offset"] + word["Duration"] for word in best["Words"]]
        assert ends == sorted(ends)
        assert ends[-1] <= document["Offset"] + document["Duration"]


def test_dictation_writes_spoken_punctuation(config: speech.SpeechConfig, tmp_path: Path) -> None:
    path = tmp_path / "dictated.wav"
    path.write_bytes(conversation(DICTATED)[0])
    config.enable_dictation()
    told = everything(speech.SpeechRecognizer(config, audio_config=from_file(path)))
    assert texts(told)
    assert texts(told)[0].endswith("?")
    assert "question mark" not in texts(told)[0].lower()


@pytest.mark.parametrize(
    ("form", "rate_hz"),
    [(form, rate_hz) for form in ("PCM_16", "PCM_U8") for rate_hz in (8_000, 16_000, 44_100)]
    + [(form, rate_hz) for form in ("ULAW", "ALAW") for rate_hz in (8_000, 16_000)],
)
def test_a_push_stream_in_each_form(config: speech.SpeechConfig, talk: Path, form: str, rate_hz: int) -> None:
    kinds = {"ULAW": speech.AudioStreamWaveFormat.MULAW, "ALAW": speech.AudioStreamWaveFormat.ALAW}
    samples, own_hz = soundfile.read(talk)
    file = io.BytesIO()
    soundfile.write(file, soxr.resample(samples, own_hz, rate_hz), rate_hz, format="WAV", subtype=form)
    bits = 16 if form == "PCM_16" else 8
    layout = {"samples_per_second": rate_hz, "bits_per_sample": bits, "channels": 1}
    if form in kinds:
        layout["wave_stream_format"] = kinds[form]
    stream = speech.audio.PushAudioInputStream(speech.audio.AudioStreamFormat(**layout))
    data = file.getvalue()
    stream.write(data[data.index(b"data") + 8 :])
    stream.close()
    told = everything(speech.SpeechRecognizer(config, audio_config=speech.audio.AudioConfig(stream=stream)))
    assert WORDS[0] in " ".join(texts(told)).lower()
    assert len(texts(told)) == 3


def test_two_channels_are_heard_apart(config: speech.SpeechConfig, talk: Path, tmp_path: Path) -> None:
    with wave.open(str(talk)) as mono:
        frames = mono.readframes(mono.getnframes())
    path = tmp_path / "stereo.wav"
    silent = bytes(len(frames))
    with wave.open(str(path), "wb") as stereo:
        stereo.setnchannels(2)
        stereo.setsampwidth(2)
        stereo.setframerate(16_000)
        pairs = zip(*(iter(frames),) * 2, *(iter(silent),) * 2, strict=True)
        stereo.writeframes(bytes(byte for pair in pairs for byte in pair))
    told = everything(speech.SpeechRecognizer(config, audio_config=from_file(path)))
    assert heard_all(texts(told))


def test_silence_is_no_match(config: speech.SpeechConfig, tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    with wave.open(str(path), "wb") as silence:
        silence.setnchannels(1)
        silence.setsampwidth(2)
        silence.setframerate(16_000)
        silence.writeframes(bytes(16_000 * 2 * 8))
    found = speech.SpeechRecognizer(config, audio_config=from_file(path)).recognize_once()
    assert found.reason == speech.ResultReason.NoMatch
    assert found.no_match_details.reason == speech.NoMatchReason.InitialSilenceTimeout


def test_speakers_are_told_apart(config: speech.SpeechConfig, tmp_path: Path) -> None:
    path = dialogue(tmp_path / "two.wav")
    transcriber = speech.transcription.ConversationTranscriber(config, audio_config=from_file(path))
    told = everything(transcriber, "transcrib")
    first, *_ = [phrase for phrase in told.phrases if "table for two" in phrase.text]
    last, *_ = [phrase for phrase in told.phrases if "window" in phrase.text]
    assert first.speaker_id == "Guest-1"
    assert last.speaker_id == "Guest-2"


def test_a_language_is_told_among_candidates(server: RunningServer, tmp_path: Path) -> None:
    path = tmp_path / "german.wav"
    path.write_bytes(conversation(GERMAN)[0])
    config = speech.SpeechConfig(endpoint=server.url.replace("http", "ws"), subscription=server.key)
    candidates = speech.languageconfig.AutoDetectSourceLanguageConfig(languages=["en-US", "de-DE"])
    recognizer = speech.SpeechRecognizer(
        config, auto_detect_source_language_config=candidates, audio_config=from_file(path)
    )
    found = recognizer.recognize_once()
    assert speech.AutoDetectSourceLanguageResult(found).language == "de-DE"
    assert "Uhr" in found.text


def test_a_token_opens_as_the_key_does(server: RunningServer, endpoint: str, talk: Path) -> None:
    headers = {"Ocp-Apim-Subscription-Key": server.key}
    token = httpx.post(f"{server.url}/sts/v1.0/issueToken", headers=headers).text
    config = speech.SpeechConfig(host=server.url.replace("http", "ws"))
    config.authorization_token = token
    config.endpoint_id = endpoint
    found = speech.SpeechRecognizer(config, audio_config=from_file(talk)).recognize_once()
    assert found.reason == speech.ResultReason.RecognizedSpeech


def test_a_wrong_key_is_an_authentication_failure(server: RunningServer, talk: Path) -> None:
    config = speech.SpeechConfig(host=server.url.replace("http", "ws"), subscription="wrong")
    found = speech.SpeechRecognizer(config, audio_config=from_file(talk)).recognize_once()
    assert found.cancellation_details.code == speech.CancellationErrorCode.AuthenticationFailure


def test_an_unknown_endpoint_is_named_in_the_error(config: speech.SpeechConfig, talk: Path) -> None:
    config.endpoint_id = "00000000-0000-4000-8000-000000000000"
    found = speech.SpeechRecognizer(config, audio_config=from_file(talk)).recognize_once()
    assert found.cancellation_details.code == speech.CancellationErrorCode.BadRequest
    assert "There is no endpoint" in found.cancellation_details.error_details


def test_a_model_is_changed_while_somebody_speaks(
    server: RunningServer, config: speech.SpeechConfig, tiny_model: str, talk: Path
) -> None:
    config.endpoint_id = hearing_endpoint(server)
    stream = speech.audio.PushAudioInputStream()
    recognizer = speech.SpeechRecognizer(config, audio_config=speech.audio.AudioConfig(stream=stream))
    with wave.open(str(talk)) as wav:
        data = wav.readframes(wav.getnframes())
    begun = threading.Event()
    recognizer.recognizing.connect(lambda _: begun.set())
    told_early = []
    recognizer.recognized.connect(lambda event: told_early.append(event.result.text))
    recognizer.start_continuous_recognition()
    stream.write(data[:96_000])
    assert begun.wait(PATIENCE_S)
    server.tympan("endpoint", "update", config.endpoint_id, "--model", tiny_model)
    stream.write(data[96_000:])
    stream.close()
    over = threading.Event()
    recognizer.session_stopped.connect(lambda _: over.set())
    assert over.wait(PATIENCE_S)
    recognizer.stop_continuous_recognition()
    assert heard_all(told_early), "the turn keeps the model it began with"


def test_a_phrase_list_acts_at_once(config: speech.SpeechConfig, tmp_path: Path) -> None:
    path = tmp_path / "names.wav"
    path.write_bytes(conversation([("Please ask Szymborska about the report.", "en-US")])[0])
    found = []
    for names in ((), ("Szymborska", "Thessaloniki", "Kubernetes")):
        recognizer = speech.SpeechRecognizer(config, audio_config=from_file(path))
        for name in names:
            speech.PhraseListGrammar.from_recognizer(recognizer).addPhrase(name)
        found.append(recognizer.recognize_once())
    plain, favoured = found
    assert "Szymborska" not in plain.text
    assert "Szymborska" in favoured.text
    assert json.loads(favoured.json)["Tympan"]["phraseListMatches"] == ["Szymborska"]
