"""What a collector is sent about requests, streams and jobs, through real HTTP and real processes' seams."""

import re
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect
from tests.api.conftest import make_world, wav
from tests.api.test_realtime import KEY, Place, Speaker, said
from tests.contract.test_live_recognizer import SECRET, Host
from tests.otlp_collector import Collector

from tympan.app.diagnosis import diagnose
from tympan.app.settings import Settings
from tympan.app.tracing import check_tracing, tracer_for
from tympan.backends.model_host.client import ModelHostClient
from tympan.backends.model_host.live_client import ModelHostLive
from tympan.backends.model_host.server import Engines
from tympan.backends.tracing_otel import OtelTracer
from tympan.domain.errors import InvalidInputError
from tympan.ports.tracing import NO_TRACES
from tympan.testing.audio import WavCodec
from tympan.testing.entities import make_base_model, make_endpoint
from tympan.testing.live_recognizer import FakeLive
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.speaker_embedder import FakeEmbedder
from tympan.testing.tracing import FakeTracer
from tympan.usecases.long_listening import LongListening
from tympan.usecases.recognition import Recognition

ROOT = Path(__file__).parents[2]
SECRET_WORDS = "Remind Zaphod to buy pencils"
SHORT = "/speech/recognition/conversation/cognitiveservices/v1"
OPENAI = "/v1/audio/transcriptions"
WAV = {"Content-Type": "audio/wav"}
TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
OURS = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}


class Traced:
    """A gateway and a model host that talk over HTTP, each with a tracer of its own, and a collector."""

    def __init__(self, tmp_path, collector):
        self.collector = collector
        self.tracer = OtelTracer(collector.url, "gateway", "1")
        self.host_tracer = OtelTracer(collector.url, "model-host", "1")
        hears = FakeRecognizer(lambda *_: SECRET_WORDS)
        engines = Engines(
            recognizer=hears, live=FakeLive(hears, most=1), embedder=FakeEmbedder(), tracer=self.host_tracer
        )
        self.host = Host(engines)
        self.world = make_world(tmp_path, tracer=self.tracer)
        self.client = self.world.client
        self.model = self.world.add(make_base_model())
        self.endpoint = self.world.add(make_endpoint(model_id=self.model.id).deployed(self.world.clock.now()))
        self._ask_the_host()

    def _ask_the_host(self):
        services = self.world.services
        self.asking = host = ModelHostClient(self.host.url, SECRET, tracer=self.tracer)
        listening = LongListening(codec=WavCodec(), recognizer=host, embedder=host, at_once=2)
        heard = Recognition(serving=services.recognition.serving, codec=WavCodec(), recognizer=host)
        files = replace(services.file_recognition, listening=listening)
        self.client.app.state.services = replace(services, recognition=heard, file_recognition=files)

    def sent(self):
        """Everything that was sent, once the processes have closed."""
        self.tracer.close()
        self.host_tracer.close()
        return self.collector


@pytest.fixture
def traced(tmp_path):
    with Collector() as collector:
        traced = Traced(tmp_path, collector)
        with traced.host:
            yield traced
        traced.asking.close()


def test_a_request_is_followed_from_its_client_to_the_decoder(traced):
    url = f"{SHORT}?cid={traced.endpoint.id}&phrases=Zaphod"
    answer = traced.client.post(url, content=wav(2.0), headers=WAV | OURS | {"X-RequestId": "abc-1"})
    assert answer.json()["DisplayText"].startswith(SECRET_WORDS)
    assert answer.headers["x-requestid"] == "abc-1"
    sent = traced.sent()
    request = sent.named("POST /speech/recognition/{mode}/cognitiveservices/v1")
    assert (request.trace_id, request.parent_id, request.role) == (TRACE_ID, PARENT_ID, "server")
    assert request.values == {
        "http.request.method": "POST",
        "http.route": "/speech/recognition/{mode}/cognitiveservices/v1",
        "http.response.status_code": 200,
        "tympan.request_id": "abc-1",
        "tympan.endpoint": traced.endpoint.id,
    }
    call, host, decode = (sent.named(name) for name in ("model host: recognize", "POST /recognize", "decode"))
    assert [one.parent_id for one in (call, host, decode)] == [request.id, call.id, host.id]
    assert [one.service for one in (call, host, decode)] == [
        "tympan-gateway",
        "tympan-model-host",
        "tympan-model-host",
    ]
    assert {one.trace_id for one in sent.spans} == {TRACE_ID}
    assert decode.values["tympan.audio_s"] == 2.0
    assert decode.values["tympan.model_version"] == answer.headers["x-model-version"]
    for secret in (b"Zaphod", b"pencils", KEY["Ocp-Apim-Subscription-Key"].encode(), SECRET.encode()):
        assert not any(secret in body for body in sent.bodies), secret


def test_windows_that_are_heard_at_once_are_part_of_their_request(traced):
    file = {"file": ("a.wav", wav(130.0))}
    assert traced.client.post(OPENAI, data={"model": "whisper-1"}, files=file).status_code == 200
    sent = traced.sent()
    request = sent.named(f"POST {OPENAI}")
    calls = [one for one in sent.spans if one.name == "model host: recognize"]
    assert len(calls) > 1
    assert {one.parent_id for one in calls} == {request.id}
    assert uuid.UUID(request.values["tympan.request_id"])


def test_failures_say_a_status_and_a_code_and_no_words(traced):
    traced.host.__exit__()
    traced.client.post(f"{SHORT}?language=en-US", content=wav(), headers=WAV)
    traced.client.get(f"/speechtotext/v3.2/endpoints/{traced.endpoint.id}")
    traced.client.get("/speechtotext/v3.2/made-up")
    traced.client.get("/health/live")
    traced.host = Host(Engines(recognizer=None, live=None, embedder=None))
    sent = traced.sent()
    assert sent.named("model host: recognize").failure == "ServiceUnavailable"
    assert sent.named("POST /speech/recognition/{mode}/cognitiveservices/v1").failure == "503"
    managed = sent.named("GET /speechtotext/endpoints/{endpoint_id}")
    assert managed.values["tympan.endpoint"] == traced.endpoint.id
    assert managed.failure is None
    assert not any(b"made-up" in body or b"/health" in body for body in sent.bodies)


def test_a_turn_tells_when_its_first_answers_came_and_its_decoding_is_below_it(traced):
    place = Place(traced.world, tracer=traced.tracer)
    place.live.open = ModelHostLive(traced.host.url, SECRET, tracer=traced.tracer).open
    session_id = str(uuid.uuid4())
    headers = KEY | OURS | {"X-ConnectionId": session_id.replace("-", "")}
    with place.connect(headers=headers, cid=traced.endpoint.id) as socket:
        speaker = Speaker(socket).begin()
        assert speaker.send(said(1.0, 1.0)).phrases()
    sent = traced.sent()
    turn, decode = sent.named("stream turn"), sent.named("decode stream")
    assert (turn.trace_id, turn.parent_id, decode.parent_id) == (TRACE_ID, PARENT_ID, turn.id)
    assert turn.values["tympan.session_id"] == session_id
    assert turn.values["tympan.request_id"] == speaker.id
    assert turn.values["tympan.endpoint"] == traced.endpoint.id
    assert turn.values["tympan.model_id"] == traced.model.id
    events = dict(turn.events)
    assert turn.values["tympan.first_partial_s"] == events["first_partial"]["seconds"]
    assert turn.values["tympan.final_s"] == events["final"]["seconds"]
    assert turn.failure is None
    assert decode.values["tympan.audio_s"] == 2.0
    assert [name for name, _ in decode.events] == ["phrase"]
    assert not any(b"Zaphod" in body for body in sent.bodies)


def test_what_a_turn_asks_of_the_model_host_later_is_below_it_too(tmp_path):
    tracer = FakeTracer()
    world = make_world(tmp_path, tracer=tracer)
    for locale in ("en-US", "de-DE"):
        world.add(make_base_model(locale=locale))
    place = Place(world, tracer=tracer)
    identify, asked = place.recognizer.identify_languages, []

    def watched(*arguments):
        asked.append(tracer.carrier().get("traceparent", ""))
        return identify(*arguments)

    place.recognizer.identify_languages = watched
    context = {"languageId": {"languages": ["en-US", "de-DE"], "mode": "DetectContinuous"}}
    with place.connect("/stt/speech/universal/v2", language=None) as socket:
        Speaker(socket).begin(**context).send(said(2.5, 1.0)).phrases()
    [turn] = [span for span in tracer.spans if span.name == "stream turn"]
    assert len(asked) > 1
    assert all(turn.id in carrier for carrier in asked), asked


def test_a_turn_that_is_turned_away_has_failed_and_no_words_pass_for_an_id(traced):
    place = Place(traced.world, tracer=traced.tracer, most=0)
    with place.connect() as socket:
        speaker = Speaker(socket)
        speaker.id = "Zaphod was here"
        with pytest.raises(WebSocketDisconnect):
            speaker.send(said(1.0)).messages()
    sent = traced.sent()
    turn = sent.named("stream turn")
    assert turn.failure == "TooManyRequests"
    assert "tympan.request_id" not in turn.values
    assert not any(b"Zaphod" in body for body in sent.bodies)


def test_nothing_is_traced_and_no_exporter_loaded_unless_it_is_asked_for():
    assert tracer_for(Settings(otlp_endpoint=None), "gateway") is NO_TRACES
    code = (
        "import sys; from tympan.app.settings import Settings; from tympan.app.tracing import tracer_for;"
        "import tympan.app.foundation; tracer_for(Settings(otlp_endpoint=None), 'gateway');"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exp'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_server_without_the_packages_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['opentelemetry.sdk'] = None;"
        "from tympan.cli.main import main; sys.argv = ['tympan', 'serve', '--port', '0']; main()"
    )
    environment = {"TYMPAN_OTLP_ENDPOINT": "http://127.0.0.1:4318", "TYMPAN_DATA_DIR": str(tmp_path)}
    path = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "pip install 'tympan[otel]'" in " ".join((done.stdout + done.stderr).split())


def test_an_address_that_is_none_is_refused():
    with pytest.raises(InvalidInputError, match="no address of a collector"):
        check_tracing(Settings(otlp_endpoint="collector:4317"))


def test_the_doctor_says_whether_the_collector_answers(tmp_path):
    with Collector() as collector:
        here = Settings(data_dir=tmp_path, otlp_endpoint=collector.url)
        assert found_of_traces(here) == (True, f"{collector.url}/v1/traces answers 200")
        elsewhere = Settings(data_dir=tmp_path, otlp_endpoint=f"{collector.url}/elsewhere")
        assert found_of_traces(elsewhere)[0] is False
    assert found_of_traces(here) == (False, f"{collector.url}/v1/traces cannot be reached (ConnectError)")
    assert found_of_traces(Settings(data_dir=tmp_path))[0] is True


def found_of_traces(settings):
    [finding] = [one for one in diagnose(settings) if one.check == "Traces"]
    assert bool(finding.advice) is not finding.is_ok
    return finding.is_ok, finding.found


def test_the_page_names_every_value_of_a_span_and_no_other():
    sources = [path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py")]
    tracing = "".join(text for text in sources if "tympan.ports.tracing" in text)
    page = (ROOT / "docs" / "observability.md").read_text("utf-8")
    assert set(re.findall(r"`(tympan\.\w+)`", page)) == set(re.findall(r'"(tympan\.\w+)"', tracing))
