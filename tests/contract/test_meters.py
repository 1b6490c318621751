"""Every implementation of Meters keeps the port's promises."""

import pytest

from tympan.backends.meters_prometheus import PrometheusMeters
from tympan.ports.meters import BASE, UNKNOWN, Reading, Refusal, SpeechApi
from tympan.testing.meters import FakeMeters


@pytest.fixture(params=[PrometheusMeters, FakeMeters])
def meters(request):
    return request.param()


def lines(meters, readings=(), accept=""):
    return meters.exposition(readings, accept).body.decode().splitlines()


def test_what_is_open_goes_up_and_down(meters):
    meters.connection(1)
    meters.stream(BASE, 1)
    meters.stream("e1", 1)
    meters.stream("e1", -1)
    shown = lines(meters)
    assert "tympan_connections 1.0" in shown
    assert 'tympan_streams{endpoint="base"} 1.0' in shown
    assert 'tympan_streams{endpoint="e1"} 0.0' in shown


def test_latencies_and_refusals_are_counted(meters):
    meters.first_partial("e1", 0.6)
    meters.final("e1", 0.7)
    meters.final("e1", -0.1)  # a clock that was set back harms nobody
    meters.heard("e1", audio_s=2.0, cpu_s=0.1)
    meters.refused(Refusal.NO_ROOM)
    meters.answered(route="/health/live", method="GET", status=200, seconds=0.01)
    shown = lines(meters)
    assert any(line.startswith('tympan_final_seconds_count{endpoint="e1"}') for line in shown)
    assert 'tympan_streams_refused_total{reason="no_room"} 1.0' in shown


def test_recordings_and_refused_ones_are_counted(meters):
    meters.recognized(SpeechApi.FAST, BASE, audio_s=2.5, seconds=0.5)
    meters.recognized(SpeechApi.OPENAI, "e1", audio_s=0.0, seconds=0.5)  # nothing to divide by
    meters.recognition_refused(SpeechApi.FAST, UNKNOWN, Refusal.KEY)
    shown = lines(meters)
    assert 'tympan_recognition_seconds_count{api="fast",endpoint="base"} 1.0' in shown
    assert 'tympan_recognition_audio_seconds_total{api="fast",endpoint="base"} 2.5' in shown
    assert 'tympan_recognitions_refused_total{api="fast",endpoint="none",reason="key"} 1.0' in shown


def test_figures_of_now_are_shown_beside_those_counted(meters):
    readings = [
        Reading(name="jobs_waiting", help="h", labels=(("kind", kind),), value=n)
        for kind, n in (("A", 2), ("B", 0))
    ]
    shown = lines(meters, readings)
    assert 'tympan_jobs_waiting{kind="A"} 2.0' in shown
    assert 'tympan_jobs_waiting{kind="B"} 0.0' in shown
    total = Reading(name="model_loads", help="h", value=3, is_total=True)
    assert any(
        line.startswith("tympan_model_loads_total") and line.endswith(" 3.0")
        for line in lines(meters, [total])
    )
    assert lines(meters).count('tympan_jobs_waiting{kind="A"} 2.0') == 0, "they are not kept"


def test_openmetrics_is_spoken_to_those_who_ask(meters):
    assert lines(meters, accept="application/openmetrics-text; version=1.0.0")[-1] == "# EOF"


def test_two_servers_in_one_process_count_apart():
    one, other = PrometheusMeters(), PrometheusMeters()
    one.connection(1)
    assert "tympan_connections 0.0" in lines(other)
