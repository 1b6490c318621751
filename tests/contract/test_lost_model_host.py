"""Calls whose model host is killed while it works for them, over real processes."""

import multiprocessing
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from tympan.backends.model_host.client import ModelHostClient
from tympan.backends.model_host.server import Engines, serve
from tympan.domain.errors import UnavailableError
from tympan.ports.recognizer import RecognitionOptions
from tympan.testing.entities import make_base_model
from tympan.testing.live_recognizer import FakeLive
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.speaker_embedder import FakeEmbedder

SECRET = "between gateway and host"
LOUD = np.full(16_000, 0.5, np.float32)
ENGLISH = RecognitionOptions(locale="en-US")


def run_host(port, calls, deaths):
    """A host that notes its calls in a file and is killed in the first ones."""

    def hear(*_):
        with calls.open("a") as file:
            file.write("a call\n")
        if asked(calls) <= deaths:
            os.kill(os.getpid(), signal.SIGKILL)
        return "heard after all"

    recognizer = FakeRecognizer(hear)
    engines = Engines(recognizer=recognizer, live=FakeLive(recognizer), embedder=FakeEmbedder())
    serve(engines, "127.0.0.1", port, SECRET)


def asked(calls):
    """How often the engine was asked."""
    return len(calls.read_text().splitlines())


@contextmanager
def hosted(folder, *, deaths, restart_s=30):
    """A client of a host that is started again whenever it ends."""
    calls, is_over = folder / "calls", threading.Event()
    calls.touch()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")

    def keep_running():
        while not is_over.is_set():
            process = context.Process(target=run_host, args=(port, calls, deaths))
            process.start()
            while process.is_alive() and not is_over.wait(0.02):
                pass
            process.kill()
            process.join()

    client = ModelHostClient(f"http://127.0.0.1:{port}", SECRET, restart_s=restart_s)
    supervisor = threading.Thread(target=keep_running)
    supervisor.start()
    try:
        yield client, calls
    finally:
        is_over.set()
        supervisor.join()
        client.close()


def test_a_call_whose_host_is_killed_is_answered_by_the_next_host(tmp_path):
    with hosted(tmp_path, deaths=1) as (client, calls):
        [heard] = client.recognize(make_base_model().bundle, [LOUD], ENGLISH)
        assert heard.text == "heard after all"
        assert asked(calls) == 2


def test_what_kills_every_host_is_not_asked_a_third_time(tmp_path):
    with hosted(tmp_path, deaths=5) as (client, calls):
        with pytest.raises(UnavailableError):
            client.recognize(make_base_model().bundle, [LOUD], ENGLISH)
        assert asked(calls) == 2


def test_a_host_that_stays_away_is_waited_for_and_questions_about_it_are_not():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = ModelHostClient(f"http://127.0.0.1:{free.getsockname()[1]}", SECRET, restart_s=0.6)
        waits = []
        for call in (client.state, lambda: client.recognize(make_base_model().bundle, [LOUD], ENGLISH)):
            begun = time.monotonic()
            with pytest.raises(UnavailableError, match="cannot be reached"):
                call()
            waits.append(time.monotonic() - begun)
        client.close()
    assert waits[0] < 0.6 <= waits[1]
