"""What a monitor reads of a server, and that the page about it is complete."""

import re
from pathlib import Path

import pytest
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect
from tests.api.conftest import make_world
from tests.api.test_realtime import Place, Speaker, said

from tympan.backends.meters_prometheus import PrometheusMeters
from tympan.domain.errors import UnavailableError
from tympan.ports.meters import Refusal
from tympan.testing.clock import START
from tympan.testing.entities import make_base_model, make_job
from tympan.usecases.observing import Observing

QUEUES = {"work": 2, "training": 0, "deployment": 0}
PAGE = Path(__file__).parents[2] / "docs" / "observability.md"


@pytest.fixture
def watched(tmp_path):
    """A server with the real meters, and what a monitor reads of it."""
    world = make_world(tmp_path, meters=PrometheusMeters())
    world.add(make_base_model())
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
    assert any('status="404"' in name and "{project_id}" in name for name in names), names
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
