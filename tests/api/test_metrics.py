"""What a monitor reads of a server, and that the page about it is complete."""

import re
import uuid
from pathlib import Path

import pytest
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect
from tests.api.conftest import make_world, wav
from tests.api.test_realtime import Place, Speaker, said

from tympan.backends.meters_prometheus import PrometheusMeters
from tympan.domain.errors import UnavailableError
from tympan.ports.meters import Refusal
from tympan.testing.clock import START
from tympan.testing.entities import make_base_model, make_endpoint, make_job
from tympan.usecases.observing import Observing

MODEL_ID = "0b1f3a52-4d0b-4a77-9a0e-3f1f0a6a9e10"
SHORT = "/speech/recognition/conversation/cognitiveservices/v1"
FAST = "/speechtotext/transcriptions:transcribe?api-version=2025-10-15"
OPENAI = "/v1/audio/transcriptions"
WAV = {"Content-Type": "audio/wav"}
QUEUES = {"work": 2, "training": 0, "deployment": 0}
PAGE = Path(__file__).parents[2] / "docs" / "observability.md"


@pytest.fixture
def watched(tmp_path):
    """A server with the real meters, and what a monitor reads of it."""
    world = make_world(tmp_path, meters=PrometheusMeters())
    world.add(make_base_model(id=MODEL_ID))
    return world


def read(world, **headers):
    answer = world.client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    found = {}
    for line in answer.text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def test_a_stream_is_timed_from_the_arrival_of_its_audio(watched):
    place = Place(watched)
    with place.connect() as socket:
        assert Speaker(socket).begin().send(said(1.0, 1.0)).phrases()
    shown = read(watched)
    assert shown['tympan_final_seconds_count{endpoint="base"}'] == 1
    assert shown['tympan_first_partial_seconds_count{endpoint="base"}'] == 1
    assert 0 < shown['tympan_final_seconds_sum{endpoint="base"}'] < 60
    assert shown['tympan_audio_seconds_total{endpoint="base"}'] > 0.9
    assert shown['tympan_streams{endpoint="base"}'] == 0
    assert shown["tympan_connections"] == 0


def test_what_is_turned_away_is_counted_by_reason(watched):
    place = Place(watched, most=0)
    with pytest.raises(WebSocketDenialResponse), place.connect(headers={"Ocp-Apim-Subscription-Key": "no"}):
        pytest.fail("let in")
    with place.connect() as socket, pytest.raises(WebSocketDisconnect):
        Speaker(socket).begin().send(said(1.0)).messages()
    shown = read(watched)
    assert shown[f'tympan_streams_refused_total{{reason="{Refusal.KEY}"}}'] == 1
    assert shown[f'tympan_streams_refused_total{{reason="{Refusal.NO_ROOM}"}}'] == 1


def test_requests_are_named_by_the_template_of_their_route_only(watched):
    watched.client.get("/speechtotext/v3.2/projects/00000000-0000-0000-0000-000000000000")
    watched.client.get("/speechtotext/v3.2/made-up-by-a-client")
    names = [name for name in read(watched) if name.startswith("tympan_http_request_seconds_count")]
    assert any('route="/speechtotext/projects/{project_id}",status="404"' in name for name in names), names
    assert not any("made-up" in name or "00000000" in name for name in names), names


def test_a_key_is_wanted_unless_the_operator_opened_it(watched, tmp_path):
    nobody = {"Ocp-Apim-Subscription-Key": ""}
    assert watched.client.get("/metrics", headers=nobody).status_code == 401
    opened = make_world(tmp_path / "open", meters=PrometheusMeters(), is_metrics_open=True)
    assert opened.client.get("/metrics", headers=nobody).status_code == 200


def test_parts_that_are_away_are_figures_not_failures(watched):
    class Away:
        def state(self):
            raise UnavailableError("The model host cannot be reached.")

    observing = Observing(store=watched.store, recognizer=Away(), living_workers=lambda: 2)
    found = {one.name: one.value for one in observing.readings() if not one.labels}
    assert found == {"model_host_up": 0, "database_up": 1, "workers": 2}


def recognitions(shown, name):
    """Figures of one metric by what stands in its labels."""
    found = {}
    for key, value in shown.items():
        if key.startswith(f"{name}{{"):
            found[tuple(re.findall(r'="([^"]*)"', key))] = value
    return found


def test_requests_to_recognise_are_counted_and_timed_by_endpoint(watched):
    endpoint = watched.add(make_endpoint(model_id=MODEL_ID).deployed(watched.clock.now()))
    for query in (f"cid={endpoint.id}", "language=en-US", "language=en-US"):
        assert watched.client.post(f"{SHORT}?{query}", content=wav(2.0), headers=WAV).status_code == 200
    file = {"audio": ("a.wav", wav(3.0))}
    assert watched.client.post(FAST, files=file).status_code == 200
    for model, fields in ((endpoint.id, {}), ("whisper-1", {"stream": "true"})):
        file = {"file": ("a.wav", wav(1.0))}
        assert watched.client.post(OPENAI, data={"model": model} | fields, files=file).status_code == 200
    expected = {
        ("short_audio", endpoint.id): (1, 2.0),
        ("short_audio", "base"): (2, 4.0),
        ("fast", "base"): (1, 3.0),
        ("openai", endpoint.id): (1, 1.0),
        ("openai", "base"): (1, 1.0),
    }
    shown = read(watched)
    counts = recognitions(shown, "tympan_recognition_seconds_count")
    assert counts == {key: count for key, (count, _) in expected.items()}
    audio = recognitions(shown, "tympan_recognition_audio_seconds_total")
    assert audio == {key: audio_s for key, (_, audio_s) in expected.items()}
    factors = recognitions(shown, "tympan_recognition_real_time_factor_sum")
    waited = recognitions(shown, "tympan_recognition_seconds_sum")
    assert factors["fast", "base"] == pytest.approx(waited["fast", "base"] / 3.0)
    assert not recognitions(shown, "tympan_recognitions_refused_total")


def test_refused_requests_are_counted_under_endpoints_that_exist_only(watched):
    endpoint = watched.add(make_endpoint(model_id=MODEL_ID).deployed(watched.clock.now()))
    nobody = {"Ocp-Apim-Subscription-Key": "not-a-key"}
    watched.client.post(f"{SHORT}?cid={endpoint.id}", content=b"no audio", headers=WAV)
    watched.client.post(f"{SHORT}?cid={uuid.uuid4()}", content=wav(), headers=WAV)
    watched.client.post(f"{SHORT}?language=en-US", content=wav(), headers=WAV | nobody)
    watched.client.post(FAST, files={"audio": ("a.wav", b"no audio")})
    watched.client.post(OPENAI, data={"model": "made-up"}, files={"file": ("a.wav", wav())})
    gate = watched.services.files_at_once
    with gate.one_more("files"), gate.one_more("files"):
        watched.client.post(OPENAI, data={"model": endpoint.id}, files={"file": ("a.wav", wav())})
        watched.client.post(FAST, files={"audio": ("a.wav", wav())})
    watched.recognizer.is_unavailable = True
    streamed = {"model": endpoint.id, "stream": "true"}
    watched.client.post(OPENAI, data=streamed, files={"file": ("a.wav", wav())})
    assert recognitions(read(watched), "tympan_recognitions_refused_total") == {
        ("short_audio", endpoint.id, Refusal.INVALID): 1,
        ("short_audio", "none", Refusal.INVALID): 1,
        ("short_audio", "none", Refusal.KEY): 1,
        ("fast", "base", Refusal.INVALID): 1,
        ("openai", "none", Refusal.INVALID): 1,
        ("openai", endpoint.id, Refusal.QUOTA): 1,
        ("fast", "base", Refusal.QUOTA): 1,
        ("openai", endpoint.id, Refusal.UNAVAILABLE): 1,
    }


def test_jobs_are_shown_by_state_and_queue(watched):
    for job in (make_job(), make_job(), make_job().begun(START, step="import")):
        watched.add(job)
    shown = read(watched)
    assert shown['tympan_jobs{kind="ImportDataset",state="NotStarted"}'] == 2
    assert shown['tympan_jobs{kind="ImportDataset",state="Running"}'] == 1
    assert shown['tympan_jobs{kind="TrainModel",state="Failed"}'] == 0
    waiting = {name: value for name, value in shown.items() if name.startswith("tympan_queue_length")}
    assert waiting == {f'tympan_queue_length{{queue="{name}"}}': n for name, n in QUEUES.items()}


def test_the_page_names_every_metric_and_no_other(watched):
    answer = watched.client.get("/metrics").text
    shown = set(
        re.findall(r"^# TYPE (tympan_\w+?)(?:_created)? (?:gauge|counter|histogram)$", answer, re.MULTILINE)
    )
    named = set(re.findall(r"^\| `(tympan_\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert named == shown
