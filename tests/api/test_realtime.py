"""The speech protocol over a socket, on fakes: what clients send, and what they are told."""

import asyncio
import io
import json
import logging
import re
import struct
import threading
import time
import uuid
import wave

import av
import numpy as np
import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect
from tests.api.conftest import OWNER_KEY

from tympan.backends.live_audio import StreamedAudio
from tympan.domain.errors import EngineError, ModelDamagedError, UnavailableError
from tympan.domain.resource import Status
from tympan.realtime.routes import PATHS, Realtime
from tympan.realtime.services import RealtimeServices
from tympan.testing.entities import make_base_model, make_endpoint
from tympan.testing.live_recognizer import FakeLive
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.speaker_embedder import FakeEmbedder
from tympan.usecases.live_recognition import LiveRecognition
from tympan.usecases.serving import Serving
from tympan.usecases.traffic import RequestsAtOnce

CONVERSATION = "/speech/recognition/conversation/cognitiveservices/v1"
INTERACTIVE = "/speech/recognition/interactive/cognitiveservices/v1"
UNIVERSAL = "/stt/speech/universal/v2"
KEY = {"Ocp-Apim-Subscription-Key": OWNER_KEY}
CHUNK = 3200


def said(*seconds, rate_hz=16_000, channels=1):
    """A WAV with a header as clients send it: loud for the first of the seconds, then silent, and so on."""
    loud = [np.full(int(rate_hz * s), 0.5 * (1 - n % 2)) for n, s in enumerate(seconds)]
    samples = (np.concatenate(loud) * 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.repeat(samples, channels).tobytes())
    data = bytearray(file.getvalue())
    struct.pack_into("<I", data, 4, 0)
    struct.pack_into("<I", data, 40, 0)
    return bytes(data)


class Speaker:
    """A client that speaks the protocol as the SDKs do."""

    def __init__(self, socket):
        self.socket, self.id = socket, uuid.uuid4().hex
        self.socket.send_text('Path:speech.config\r\nX-Timestamp:1\r\n\r\n{"context":{}}')

    def begin(self, **context):
        self.id = uuid.uuid4().hex
        self.socket.send_text(f"X-RequestId:{self.id}\r\nPath:speech.context\r\n\r\n{json.dumps(context)}")
        return self

    def audio(self, data):
        head = f"Path:audio\r\nX-RequestId:{self.id}\r\nX-StreamId:1\r\n".encode()
        self.socket.send_bytes(struct.pack(">H", len(head)) + head + data)
        return self

    def send(self, data, *, is_last=True):
        self.audio(data[:44])
        for first in range(44, len(data), CHUNK):
            self.audio(data[first : first + CHUNK])
        return self.audio(b"") if is_last else self

    def messages(self):
        """All up to the end of the turn."""
        found = []
        while not found or found[-1][0] != "turn.end":
            head, _, body = self.socket.receive_text().partition("\r\n\r\n")
            headers = dict(line.split(":", 1) for line in head.split("\r\n"))
            assert headers["X-RequestId"] == self.id
            found.append((headers["Path"], json.loads(body)))
        return found

    def phrases(self):
        return [document for path, document in self.messages() if path == "speech.phrase"]


class Place:
    """A server of the speech protocol on fakes."""

    def __init__(self, world, **limits):
        self.recognizer = FakeRecognizer(
            lambda bundle, samples, options: f"These are {samples.size} samples."
        )
        self.live = FakeLive(self.recognizer, most=limits.pop("most", 10))
        self.embedder = FakeEmbedder()
        self.realtime = Realtime(
            RealtimeServices(
                access=world.services.access,
                live=LiveRecognition(
                    serving=Serving(store=world.store, clock=world.clock),
                    live=self.live,
                    recognizer=self.recognizer,
                    embedder=self.embedder,
                ),
                logs=world.services.logs,
                clock=world.clock,
                live_audio=StreamedAudio,
                meters=world.services.meters,
                at_once=RequestsAtOnce(limits.pop("at_once", 0)),
                **limits,
            )
        )
        world.client.app.router.routes.extend(self.realtime.routes())
        self.client = TestClient(world.client.app, base_url="http://testserver")

    def connect(self, path=CONVERSATION, headers=KEY, **query):
        query.setdefault("language", "en-US")
        known = {name: value for name, value in query.items() if value is not None}
        return self.client.websocket_connect(
            path + "?" + "&".join(f"{name}={value}" for name, value in known.items()), headers=headers
        )


@pytest.fixture
def model(world):
    return world.add(make_base_model())


@pytest.fixture
def place(world, model):
    return Place(world)


@pytest.mark.parametrize("path", [*PATHS, CONVERSATION.upper(), UNIVERSAL + "/"])
def test_every_path_answers(place, path):
    with place.connect(path) as socket:
        (phrase, *_) = Speaker(socket).begin().send(said(1.0, 1.0)).phrases()
    assert phrase["RecognitionStatus"] == "Success"
    assert phrase["DisplayText"].startswith("These are")


def test_a_conversation_from_the_first_word_to_the_last(place, model):
    with place.connect(format="detailed", wordLevelTimestamps="true") as socket:
        messages = Speaker(socket).begin().send(said(1.0, 1.0, 0.5, 0.7)).messages()
    paths = [path for path, _ in messages]
    assert paths[0] == "turn.start"
    assert paths[1] == "speech.startDetected"
    assert "speech.hypothesis" in paths
    assert paths[-3:] == ["speech.endDetected", "speech.phrase", "turn.end"]
    first, second, last = (body for path, body in messages if path == "speech.phrase")
    assert last == {
        "Id": last["Id"],
        "RecognitionStatus": "EndOfDictation",
        "Offset": 32_000_000,
        "Duration": 0,
    }
    assert (first["Offset"], second["Offset"]) == (0, 19_840_000)
    assert first["NBest"][0]["Display"] == first["DisplayText"]
    assert first["Tympan"]["model"] == model.id
    assert re.fullmatch(r"[0-9a-f]{32}", first["Id"])


def test_dictated_marks_are_written_and_missing_tables_declared(world, place, model):
    place.recognizer._texts = lambda *_: "Dear Ann comma how are you question mark."
    with place.connect(CONVERSATION.replace("conversation", "dictation")) as socket:
        first = Speaker(socket).begin().send(said(1.0, 1.0)).phrases()[0]
    assert first["DisplayText"] == "Dear Ann, how are you?"
    assert "dictation" not in first["Tympan"]
    place.recognizer._languages = ("cy",)
    world.add(make_base_model(locale="cy-GB"))
    with place.connect(CONVERSATION.replace("conversation", "dictation"), language="cy-GB") as socket:
        first = Speaker(socket).begin().send(said(1.0, 1.0)).phrases()[0]
    assert first["DisplayText"] == "Dear Ann comma how are you question mark."
    assert first["Tympan"]["dictation"] == first["Tympan"]["inverseTextNormalization"] == "none"


@pytest.mark.parametrize(("container", "codec"), [("ogg", "libopus"), ("flac", "flac")])
def test_compressed_audio_in_one_message_is_heard_like_any_other(place, container, codec):
    file = io.BytesIO()
    tone = np.sin(np.arange(16_000) / 7) * 0.7  # what is the same all the time Opus leaves out
    samples = (np.concatenate([tone, np.zeros(16_000)]) * 32767).astype("<i2")[np.newaxis]
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 16_000
        for one in (frame, None):
            output.mux(stream.encode(one))
    with place.connect() as socket:
        first, last = Speaker(socket).begin().audio(file.getvalue()).audio(b"").phrases()
    assert first["RecognitionStatus"] == "Success"
    assert last["RecognitionStatus"] == "EndOfDictation"
    assert 20_000_000 <= last["Offset"] <= 20_400_000


def test_an_interactive_turn_ends_while_the_audio_goes_on(place):
    with place.connect(INTERACTIVE) as socket:
        speaker = Speaker(socket).begin().send(said(1.0, 1.0, 1.0), is_last=False)
        paths = [path for path, _ in speaker.messages()]
        assert paths[-3:] == ["speech.phrase", "speech.endDetected", "turn.end"]
        assert paths.count("speech.phrase") == 1
        speaker.audio(bytes(CHUNK)).audio(b"")  # what was on its way when the turn ended
        assert Speaker(socket).begin().send(said(0.5, 1.0)).phrases()[0]["RecognitionStatus"] == "Success"


def test_silence_is_told_as_such(place):
    with place.connect(INTERACTIVE, initialSilenceTimeoutMs="2000") as socket:
        [phrase] = Speaker(socket).begin().send(said(0.0, 4.0), is_last=False).phrases()
    assert phrase["RecognitionStatus"] == "InitialSilenceTimeout"
    with place.connect() as socket:
        phrases = Speaker(socket).begin().send(said(0.0, 1.0)).phrases()
    assert [one["RecognitionStatus"] for one in phrases] == ["InitialSilenceTimeout", "EndOfDictation"]


def test_a_turn_without_audio_ends(place):
    with place.connect() as socket:
        assert Speaker(socket).begin().audio(b"").messages()[-1][0] == "turn.end"


def test_key_and_token_open_from_header_and_query(place, world):
    token = world.client.post("/sts/v1.0/issueToken").text
    ways = [
        (KEY, {}),
        ({"Authorization": f"Bearer {token}"}, {}),
        ({}, {"Ocp-Apim-Subscription-Key": OWNER_KEY}),
        ({}, {"Authorization": f"Bearer%20{token}"}),
    ]
    for headers, query in ways:
        with place.connect(headers=headers, **query) as socket:
            assert Speaker(socket).begin().send(said(0.5, 1.0)).phrases()


@pytest.mark.parametrize(
    "headers", [{}, {"Ocp-Apim-Subscription-Key": "wrong"}, {"Authorization": "Bearer x.y.z"}]
)
def test_a_wrong_key_is_refused_at_the_handshake(place, headers):
    with pytest.raises(WebSocketDenialResponse) as refused, place.connect(headers=headers):
        pass
    assert refused.value.status_code == 401


def read_on(socket, texts=None):
    texts = [] if texts is None else texts
    while True:
        texts.append(socket.receive_text())


def closed(place, send, code, said_why, **query):
    with place.connect(**query) as socket:
        send(Speaker(socket))
        with pytest.raises(WebSocketDisconnect) as closed_with:
            read_on(socket)
    assert closed_with.value.code == code
    assert said_why in closed_with.value.reason


@pytest.mark.parametrize(
    ("query", "said_why"),
    [
        ({"cid": str(uuid.uuid4())}, "no endpoint"),
        ({"cid": "nonsense"}, "not the id"),
        ({"language": "xx-YY"}, "No base model serves"),
        ({"language": None}, "Name the language"),
        ({"profanity": "loud"}, "profanity"),
    ],
)
def test_what_cannot_be_answered_closes_with_a_sentence(place, query, said_why):
    closed(place, lambda speaker: speaker.begin(), 1007, said_why, **query)


@pytest.mark.parametrize(
    ("send", "said_why"),
    [
        (lambda speaker: speaker.begin().audio(b"this is text, not audio"), "WAV header"),
        (lambda speaker: speaker.begin().audio(b"OggS\1 is no version"), "Ogg stream is damaged"),
        (lambda speaker: speaker.begin(phraseDetection=[]), "must be an object"),
        (lambda speaker: speaker.begin(phraseDetection={"mode": "\ud800"}), "without U+0000 and lone"),
        (lambda speaker: speaker.begin(phraseDetection={"initialSilenceTimeout": 10**400}), "a number"),
        (lambda speaker: speaker.socket.send_text("nonsense"), "Path"),
        (lambda speaker: speaker.socket.send_bytes(b"\xff"), "shorter"),
        (lambda speaker: speaker.socket.send_text("Path:speech.context\r\n\r\n{}"), "X-RequestId"),
        (lambda speaker: speaker.begin().send(said(0.1, channels=3)), "channels"),
    ],
)
def test_what_cannot_be_read_closes_with_a_sentence(place, send, said_why):
    closed(place, send, 1007, said_why)


def test_one_stream_too_many_closes_as_such(world, model):
    place = Place(world, most=1)
    with place.connect() as first:
        speaker = Speaker(first).begin().send(said(0.3), is_last=False)
        closed(place, lambda another: another.begin().send(said(0.3)), 4429, "as many")
        speaker.audio(b"")
        assert speaker.phrases()
    with place.connect() as again:
        assert Speaker(again).begin().send(said(0.5, 1.0)).phrases()


def test_one_turn_too_many_of_an_endpoint_closes_as_such(world, model):
    place = Place(world, at_once=1)
    with place.connect() as first:
        Speaker(first).begin().send(said(0.3), is_last=False)
        closed(place, lambda another: another.begin().send(said(0.3)), 4429, "at once")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineError("The engine failed."), 1011),
        (ModelDamagedError("model.bin is damaged."), 1011),
        (UnavailableError("The model host cannot be reached."), 1011),
    ],
)
def test_a_failure_of_the_engine_closes_so_that_clients_try_again(place, error, code):
    place.live.failure = error
    closed(place, lambda speaker: speaker.begin().send(said(1.0), is_last=False), code, error.message)


@pytest.mark.parametrize(("path", "statuses"), [(INTERACTIVE, ["Error"]), (CONVERSATION, [])])
def test_a_failing_interactive_turn_is_answered_before_the_connection_ends(place, path, statuses):
    """One client waits without end for the only answer of such a turn."""
    place.live.failure = EngineError("The engine failed.")
    texts = []
    with place.connect(path) as socket:
        Speaker(socket).begin().send(said(1.0), is_last=False)
        with pytest.raises(WebSocketDisconnect) as closed_with:
            read_on(socket, texts)
    assert closed_with.value.code == 1011
    documents = [json.loads(text.partition("\r\n\r\n")[2]) for text in texts if "speech.phrase" in text]
    assert [one["RecognitionStatus"] for one in documents] == statuses


def test_an_engine_that_is_being_started_again_is_waited_for(place):
    place.live.refusals = [UnavailableError("The model host cannot be reached.")] * 2
    with place.connect() as socket:
        assert Speaker(socket).begin().send(said(1.0, 1.0)).phrases()[0]["RecognitionStatus"] == "Success"


def test_an_engine_that_stays_away_is_not_waited_for_without_end(world, model):
    place = Place(world, engine_wait_s=0.3)
    place.live.refusals = [UnavailableError("The model host cannot be reached.")] * 100
    closed(place, lambda speaker: speaker.begin().send(said(1.0), is_last=False), 1011, "cannot be reached")
    assert 1 < len(place.live.refusals) < 99


def test_a_failing_stream_is_nobody_elses_problem(place):
    with place.connect() as healthy:
        speaker = Speaker(healthy).begin().send(said(0.5), is_last=False)
        closed(place, lambda another: another.begin().audio(b"no audio at all"), 1007, "WAV")
        assert speaker.audio(bytes(32_000)).audio(b"").phrases()[0]["RecognitionStatus"] == "Success"


def test_channels_are_heard_apart(place):
    with place.connect() as socket:
        phrases = Speaker(socket).begin().send(said(1.0, 1.0, channels=2)).phrases()
    assert sorted(one["Channel"] for one in phrases if "Channel" in one) == [0, 1]
    assert phrases[-1]["Offset"] == 20_000_000


def test_telephone_audio_is_brought_to_the_rate_of_the_model(place):
    with place.connect() as socket:
        first, last = Speaker(socket).begin().send(said(1.0, 1.0, rate_hz=8000)).phrases()
    assert abs(first["Duration"] - 10_000_000) < 700_000
    assert last["Offset"] == 20_000_000


def test_an_endpoint_answers_with_its_own_model(place, world):
    own = world.add(make_base_model(display_name="own"))
    endpoint = world.add(make_endpoint(model_id=own.id, serving_model_id=own.id, status=Status.SUCCEEDED))
    with place.connect(cid=endpoint.id.upper(), language=None) as socket:
        assert Speaker(socket).begin().send(said(0.5, 1.0)).phrases()[0]["Tympan"]["modelName"] == "own"


def test_the_language_is_told_and_followed(place, world):
    world.add(make_base_model(locale="de-DE"))
    place.recognizer.spoken = lambda samples: [(0, samples.size, "de")]
    context = {"languageId": {"languages": ["en-US", "de-DE"], "mode": "DetectContinuous"}}
    with place.connect(UNIVERSAL, language=None) as socket:
        phrases = Speaker(socket).begin(**context).send(said(2.5, 1.0, 1.0, 1.0)).phrases()
    assert [one["PrimaryLanguage"]["Language"] for one in phrases[:-1]] == ["de-DE", "de-DE"]
    assert {options.locale for options in place.live.opened} == {"en-US", "de-DE"}
    assert phrases[0]["Offset"] == 0


def test_speakers_are_told_apart(world, model):
    place = Place(world)
    loudness = []

    def voices(samples):
        loudness.append(samples.size)
        return [(0, samples.size, 0 if samples.size > 20_000 else 1)]

    place.embedder._voices = voices
    context = {"phraseDetection": {"mode": "CONVERSATION", "speakerDiarization": {"mode": "Anonymous"}}}
    with place.connect(UNIVERSAL) as socket:
        phrases = Speaker(socket).begin(**context).send(said(2.0, 1.0, 1.0, 1.0, 2.0, 1.0)).phrases()
    assert [one["SpeakerId"] for one in phrases[:-1]] == ["Guest-1", "Guest-2", "Guest-1"]


def test_draining_tells_what_was_said_so_far_and_lets_nobody_in(place):
    with place.connect() as socket:
        speaker = Speaker(socket).begin().send(said(1.0), is_last=False)
        assert speaker.socket.receive_text()
        drained = threading.Thread(target=socket.portal.call, args=(place.realtime.drain, 5.0))
        drained.start()
        statuses = [one["RecognitionStatus"] for one in speaker.phrases()]
        drained.join(10)
        assert statuses == ["Success", "EndOfDictation"]
        with pytest.raises(WebSocketDenialResponse) as refused, place.connect():
            pass
        assert refused.value.status_code == 503


def test_an_idle_connection_is_closed_as_clients_expect(world, model):
    place = Place(world, idle_s=0.2)
    with place.connect() as socket:
        Speaker(socket)
        with pytest.raises(WebSocketDisconnect) as closed_with:
            read_on(socket)
    assert closed_with.value.code == 1000


def logged(world, endpoint_id):
    files = world.client.get(f"/speechtotext/v3.2/endpoints/{endpoint_id}/files/logs").json()["values"]
    return {file["kind"]: world.client.get(file["links"]["contentUrl"]) for file in files}


def endpoint_of(world, **members):
    own = world.add(make_base_model())
    known = {"model_id": own.id, "serving_model_id": own.id, "status": Status.SUCCEEDED} | members
    return world.add(make_endpoint(**known))


def test_a_turn_is_logged_where_the_owner_wants_it_under_the_ids_that_clients_know(place, world):
    endpoint, connection = endpoint_of(world, is_logging=True), uuid.uuid4()
    with place.connect(
        cid=endpoint.id, language=None, headers={**KEY, "X-ConnectionId": connection.hex}
    ) as socket:
        speaker = Speaker(socket).begin().send(said(1.0, 1.0))
        [phrase, _] = speaker.phrases()
    files = logged(world, endpoint.id)
    result = files["Transcription"].json()
    assert result["sessionId"] == str(connection)
    assert result["requestId"] == speaker.id
    assert result["endpointId"] == endpoint.id
    assert result["durationInTicks"] == 20_000_000
    [kept] = result["recognizedPhrases"]
    assert kept["nBest"][0]["display"] == phrase["DisplayText"]
    assert kept["offsetInTicks"] == phrase["Offset"]
    with wave.open(io.BytesIO(files["Audio"].content)) as wav:
        assert (wav.getframerate(), wav.getnframes()) == (16_000, 32_000)
        first = np.frombuffer(wav.readframes(1), "<i2")[0]
    assert abs(int(first) - 16_383) <= 1


def test_nothing_is_kept_where_nobody_wants_it(place, world):
    endpoint = endpoint_of(world)
    with place.connect(cid=endpoint.id, language=None) as socket:
        Speaker(socket).begin().send(said(0.5, 1.0)).phrases()
    assert list(world.blobs.list("logs/")) == []


def test_what_was_said_before_a_client_went_away_is_kept(place, world):
    endpoint = endpoint_of(world, is_logging=True)
    with place.connect(cid=endpoint.id, language=None) as socket:
        Speaker(socket).begin().send(said(1.0, 1.0), is_last=False)
        while "speech.phrase" not in socket.receive_text():
            pass
        socket.close()
        deadline = time.monotonic() + 10
        while "Transcription" not in (files := logged(world, endpoint.id)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert files["Transcription"].json()["recognizedPhrases"]


def test_later_turns_of_a_connection_have_logs_of_their_own(place, world):
    endpoint = endpoint_of(world, is_logging=True)
    with place.connect(INTERACTIVE, cid=endpoint.id, language=None) as socket:
        for _ in range(3):
            Speaker(socket).begin().send(said(0.5, 1.0)).phrases()
    listed = world.client.get(f"/speechtotext/v3.2/endpoints/{endpoint.id}/files/logs").json()["values"]
    assert len(listed) == 6


@pytest.mark.parametrize("takes", [0, 1, 2])
def test_a_client_that_goes_away_is_no_error(place, takes, caplog):
    """An application that closes its recogniser does not wait for what is still being said."""
    messages, sent = [{"type": "websocket.connect"}], []

    class Kept:
        def send_text(self, text):
            messages.append({"type": "websocket.receive", "text": text})

        def send_bytes(self, data):
            messages.append({"type": "websocket.receive", "bytes": data})

    Speaker(Kept()).begin().send(said(1, 1))
    messages.append({"type": "websocket.disconnect", "code": 1006})

    async def receive():
        await asyncio.sleep(0)
        return messages.pop(0)

    async def send(message):
        if message["type"] == "websocket.send":
            if len(sent) == takes:
                raise OSError
            sent.append(message)

    scope = {
        "type": "websocket",
        "path": CONVERSATION,
        "query_string": b"language=en-US",
        "headers": [(b"ocp-apim-subscription-key", OWNER_KEY.encode())],
    }
    with caplog.at_level(logging.WARNING):
        asyncio.run(place.realtime._serve(WebSocket(scope, receive, send)))
    assert len(sent) == takes
    assert place.live.active == 0
    assert not caplog.records


def test_phrases_of_a_list_reach_the_engine_and_those_that_were_heard_are_named(place):
    items = [{"text": "samples"}, {"text": "Szymborska"}]
    listed = {"groups": [{"type": "Generic", "items": items}], "bias": 1.5}
    with place.connect() as socket:
        phrase, _ = Speaker(socket).begin(dgi=listed).send(said(0.5, 1.0)).phrases()
    assert place.live.opened[-1].phrases == ("samples", "Szymborska")
    assert place.live.opened[-1].phrase_weight == 1.5
    assert phrase["Tympan"]["phraseListMatches"] == ["samples"]
