"""A request to a whole server, followed by a collector through its processes."""

from pathlib import Path

import httpx
import pytest
from tests.api.conftest import wav
from tests.otlp_collector import Collector
from tests.running_server import RunningServer

from tympan.testing.tiny_whisper import write_tiny_whisper

pytestmark = pytest.mark.slow

TRACE_ID, PARENT_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_a_request_goes_through_two_processes_and_a_job_through_a_third(tmp_path: Path) -> None:
    with Collector() as collector:
        server = RunningServer(tmp_path / "data", engine_compute_type="float32", otlp_endpoint=collector.url)
        server.start()
        try:
            tiny = write_tiny_whisper(tmp_path / "tiny")
            server.tympan("base-model", "import", tiny, "--locale", "en-US")
            answer = httpx.post(
                f"{server.url}/speech/recognition/conversation/cognitiveservices/v1?language=en-US",
                headers={
                    "Ocp-Apim-Subscription-Key": server.key,
                    "Content-Type": "audio/wav",
                    "traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01",
                },
                content=wav(1.0),
                timeout=60,
            )
            assert answer.status_code == 200, answer.text
            key = server.key
        finally:
            server.close()  # what has not been sent yet is sent now
        followed = [span for span in collector.spans if span.trace_id == TRACE_ID]
        assert [(span.service, span.name) for span in followed] == [
            ("tympan-gateway", "POST /speech/recognition/{mode}/cognitiveservices/v1"),
            ("tympan-gateway", "model host: recognize"),
            ("tympan-model-host", "POST /recognize"),
            ("tympan-model-host", "decode"),
        ]
        assert [span.parent_id for span in followed] == [PARENT_ID, *(span.id for span in followed[:-1])]
        jobs = [span for span in collector.spans if span.service == "tympan-worker"]
        assert {span.name for span in jobs} == {"ImportBaseModel import"}
        assert all(span.values["tympan.job_attempt"] == 1 for span in jobs)
        assert not any(key.encode() in body for body in collector.bodies)
