"""A batch transcription with real processes: kills in the middle lose nothing that was finished."""

import io
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import av
import httpx
import numpy as np
import psutil
import pytest
import soundfile
from tests.running_server import RunningServer
from tests.servers import KillTable, wait_until_gone
from tests.spoken import SENTENCES, spoken
from tests.web_server import WebServer, web_server

from tympan.backends.sql.store import SqlStore
from tympan.domain.job import JobKind, JobState
from tympan.testing.tiny_whisper import write_tiny_whisper

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LOCALE = ("--locale", "en-US")
KILLS = 3
# Form, container and codec of each sound source; the fifth is damaged.
FORMS = (("wav", "pcm_s16le"), ("flac", "flac"), ("mp3", "libmp3lame"), ("ogg", "libopus"))


def speech(sentences: int) -> np.ndarray:
    """Samples at 16 kHz, some minutes of them when there are many sentences."""
    parts = [soundfile.read(io.BytesIO(spoken(text)), dtype="int16")[0] for text in SENTENCES]
    return np.concatenate([parts[number % len(parts)] for number in range(sentences)])


def encoded(channels: list[np.ndarray], container: str, codec: str) -> bytes:
    """A recording in some form."""
    file = io.BytesIO()
    length = max(channel.size for channel in channels)
    samples = np.stack([np.pad(channel, (0, length - channel.size)) for channel in channels])
    layout = "mono" if len(channels) == 1 else "stereo"
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=16_000, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = 16_000
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=stream.rate)
        for piece in resampler.resample(frame):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return file.getvalue()


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def server(tmp_path: Path, web: WebServer) -> Iterator[RunningServer]:
    """A server with a tiny base model that may fetch from loopback."""
    server = RunningServer(
        tmp_path / "data", lease_s=2, engine_compute_type="float32", fetch_allow=f"127.0.0.1:{web.port}"
    )
    server.start()
    bundle = write_tiny_whisper(tmp_path / "tiny")
    server.tympan("base-model", "import", bundle, *LOCALE)
    yield server
    server.close()


def test_a_transcription_killed_three_times_finishes_once(
    server: RunningServer, web: WebServer, kill_table: KillTable
) -> None:
    long = speech(60)
    stereo = encoded([long, long[::-1]], *FORMS[0])
    urls = [web.serve("/0.wav", stereo)]
    urls += [
        web.serve(f"/{n}.{form[0]}", encoded([long], *form)) for n, form in enumerate(FORMS[1:], start=1)
    ]
    urls.append(web.serve("/broken.wav", stereo[:30] + os.urandom(5000)))
    made = _create(server, "calls", *urls, "--words", "--display-words")
    transcription_id = made["self"].rsplit("/", 1)[-1]
    store = server.store()
    with store.read() as tx:
        job_id = tx.transcriptions.get(transcription_id).job_id
    assert job_id is not None
    moments, attempts, killed_at = random.Random(5), 0, 0.0
    for _ in range(KILLS):
        job, working = server.wait_for_attempt(store, job_id, "transcribe", attempts)
        if killed_at:
            kill_table.add("sqlite, real transcription", "attempt", "transcribe", time.time() - killed_at)
        server.wait(lambda: _is_hearing(store, job_id))
        time.sleep(moments.random() * 0.5)
        attempts, killed_at = job.attempt, time.time()
        os.kill(working.pid, signal.SIGKILL)
        assert wait_until_gone([psutil.Process(working.pid)] if working.is_running() else [], 3) == []
    server.wait(lambda: _has_ended(store, job_id), 300)
    with store.read() as tx:
        job, done = tx.jobs.get(job_id), tx.transcriptions.get(transcription_id)
        assert tuple(tx.jobs.finished_steps(job_id)) == JobKind.RUN_TRANSCRIPTION.steps
        kinds = [event.kind for event in tx.jobs.events(job_id)]
    store.close()
    assert job.state is JobState.SUCCEEDED, job.failure
    assert kinds.count("retry") == KILLS
    assert done.counts is not None
    assert (done.counts.succeeded, done.counts.failed) == (4, 1)
    files = _files(server, transcription_id)
    assert sorted(files) == [*(f"contenturl_{n}.json" for n in range(4)), "report.json"]
    assert {one["channel"] for one in files["contenturl_0.json"]["combinedRecognizedPhrases"]} == {0, 1}
    seconds = {round(files[f"contenturl_{n}.json"]["durationInTicks"] / 1e7) for n in range(4)}
    assert max(seconds) - min(seconds) <= 1, "every form is as long as the others"
    assert [one["status"] for one in files["report.json"]["details"]].count("Failed") == 1
    assert files["report.json"]["details"][4]["errorKind"] == "InvalidAudio"
    assert list((server.folder / "work").glob("tmp*")) == [], "no recording is left behind"


def _create(server: RunningServer, name: str, *words: str) -> dict:
    found = server.tympan("base-model", "list", *LOCALE)
    tiny = next(one for one in found if one["displayName"].endswith("whisper-tiny"))["self"]
    model = ("--model", tiny.rsplit("/", 1)[-1])
    return server.tympan("transcription", "create", name, *words, *LOCALE, *model, "--no-wait")


def _is_hearing(store: SqlStore, job_id: str) -> bool:
    with store.read() as tx:
        progress = tx.jobs.find_progress(job_id)
    return progress is not None and progress.step == "transcribe" and "total" in progress.counters


def _has_ended(store: SqlStore, job_id: str) -> bool:
    with store.read() as tx:
        return tx.jobs.get(job_id).state.is_terminal


def _files(server: RunningServer, transcription_id: str) -> dict[str, dict]:
    headers = {"Ocp-Apim-Subscription-Key": server.key}
    url = f"{server.url}/speechtotext/v3.2/transcriptions/{transcription_id}/files"
    listed = httpx.get(url, headers=headers).json()["values"]
    return {file["name"]: json.loads(httpx.get(file["links"]["contentUrl"]).content) for file in listed}


def test_cancellation_ends_a_transcription_within_seconds(server: RunningServer, web: WebServer) -> None:
    url = web.serve("/long.wav", encoded([speech(400)], *FORMS[0]))
    made = _create(server, "long", url)
    store = server.store()
    with store.read() as tx:
        job_id = tx.transcriptions.get(made["self"].rsplit("/", 1)[-1]).job_id
    assert job_id is not None
    server.wait(lambda: _is_hearing(store, job_id))
    asked_at = time.monotonic()
    assert server.run("job", "cancel", job_id).returncode == 0
    server.wait(lambda: _has_ended(store, job_id), 20)
    assert time.monotonic() - asked_at < 15
    with store.read() as tx:
        assert tx.jobs.get(job_id).state is JobState.CANCELLED
    store.close()
    assert server.run("transcription", "delete", "long").returncode == 0
