"""From a zip of recordings to an endpoint that answers, on real processes and a real engine."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.running_server import RunningServer
from tests.spoken import SENTENCES, archive, spoken

from tympan.testing.tiny_whisper import write_tiny_whisper

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROJECT = ("--project", "loop")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a tiny random base model, a project, and data to train and test on."""
    folder = tmp_path_factory.mktemp("loop")
    # A random model is never sure, so whole numbers for weights would change what it says.
    server = RunningServer(folder / "data", engine_compute_type="float32")
    server.start()
    bundle = write_tiny_whisper(folder / "tiny")
    server.tympan("base-model", "import", bundle, "--locale", "en-US")
    server.tympan("project", "create", "loop", "--locale", "en-US")
    _write(
        folder / "train.zip", archive({f"{n}.wav": t for n, t in enumerate(SENTENCES)}, ("en-US", "en-GB"))
    )
    _write(folder / "test.zip", archive({f"t{n}.wav": t for n, t in enumerate(SENTENCES[:6])}))
    _write(folder / "lines.txt", "\n".join(SENTENCES[:5]).encode())
    _write(folder / "names.txt", b"PBX\tp b x\n")
    for name, file, kind in (
        ("train", "train.zip", "acoustic"),
        ("test", "test.zip", "acoustic"),
        ("lines", "lines.txt", "text"),
        ("names", "names.txt", "pronunciation"),
    ):
        made = server.tympan("dataset", "create", name, folder / file, "--kind", kind, *PROJECT)
        assert made["status"] == "Succeeded"
    yield server
    server.close()


@pytest.fixture(scope="module")
def base(server: RunningServer) -> str:
    """The id of the tiny base model."""
    found = server.tympan("base-model", "list", "--locale", "en-US")
    return next(_id(model) for model in found if model["displayName"].endswith("whisper-tiny"))


@pytest.fixture(scope="module")
def custom(server: RunningServer, base: str) -> str:
    """The id of a model trained on recordings, text and pronunciations."""
    data = [word for name in ("train", "lines", "names") for word in ("--dataset", name)]
    model = server.tympan("model", "train", "custom", *data, "--base", base, *PROJECT)
    assert model["status"] == "Succeeded", model
    return _id(model)


@pytest.fixture(scope="module")
def endpoint(server: RunningServer, custom: str) -> str:
    """The id of an endpoint that serves the custom model."""
    made = server.tympan("endpoint", "create", "phone", "--model", custom, *PROJECT)
    return _id(made.get("endpoint", made))


def test_base_and_custom_model_are_compared_on_the_same_recordings(
    server: RunningServer, base: str, custom: str
) -> None:
    both = ("--model", base, "--model", custom)
    evaluation = server.tympan("evaluation", "create", "both", "--dataset", "test", *both, *PROJECT)
    assert evaluation["status"] == "Succeeded"
    words = sum(len(sentence.split()) for sentence in SENTENCES[:6])
    assert evaluation["properties"]["wordCount1"] == evaluation["properties"]["wordCount2"] == words
    (verdict,) = evaluation["tympan"]["verdicts"]
    assert "custom" in verdict


def test_the_training_report_names_what_was_used(server: RunningServer, custom: str) -> None:
    files = server.tympan("model", "show", custom)
    assert json.dumps(files).count("tympan")
    with server.store().read() as tx:
        model = tx.models.get(custom)
    assert "report.json" in [file.name for file in model.files]
    assert model.bundle is not None


def test_an_endpoint_answers_with_the_model_it_was_given(
    server: RunningServer, endpoint: str, custom: str
) -> None:
    answer = server.recognise(endpoint, spoken("Please hold the line."))
    assert answer.status_code == 200, answer.text
    assert custom in json.dumps(answer.json()["Tympan"])


def test_an_unknown_endpoint_is_an_error_and_never_another_model(server: RunningServer) -> None:
    answer = server.recognise("00000000-0000-4000-8000-000000000000", spoken("Goodbye."))
    assert answer.status_code == 400


def test_a_suspended_endpoint_refuses_and_answers_again_when_resumed(
    server: RunningServer, endpoint: str
) -> None:
    assert server.run("endpoint", "suspend", endpoint).returncode == 0
    assert not server.recognise(endpoint, spoken("Goodbye.")).is_success
    assert server.run("endpoint", "resume", endpoint).returncode == 0
    assert server.recognise(endpoint, spoken("Goodbye.")).is_success


def test_changing_the_model_of_an_endpoint_fails_no_request(
    server: RunningServer, endpoint: str, base: str, custom: str
) -> None:
    recording, answers, ending = spoken("Goodbye."), [], threading.Event()

    def ask() -> None:
        while not ending.is_set():
            answers.append(server.recognise(endpoint, recording))

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for one in asking:
        one.start()
    for model in (base, custom, base, custom):
        server.tympan("endpoint", "update", endpoint, "--model", model)
        time.sleep(0.5)
    ending.set()
    for one in asking:
        one.join()
    assert [answer.status_code for answer in answers if answer.status_code != 200] == []
    models = {answer.json()["Tympan"]["model"] for answer in answers}
    assert {model.rsplit("/", 1)[-1] for model in models} == {base, custom}


def test_a_wrong_key_and_a_wrong_locale_say_what_to_do(server: RunningServer) -> None:
    wrong = server.run("--key", "0" * 64, "project", "list")
    assert wrong.returncode == 4
    assert "key" in wrong.stderr
    nowhere = server.run("project", "create", "x", "--locale", "xx-YY-ZZ")
    assert nowhere.returncode == 2
    assert "Traceback" not in nowhere.stderr + wrong.stderr


def test_training_with_nothing_usable_fails_with_its_reasons(
    server: RunningServer, base: str, tmp_path: Path
) -> None:
    _write(tmp_path / "untold.wav", spoken("Nobody wrote down what is said here."))
    server.tympan("dataset", "create", "untold", tmp_path / "untold.wav", "--kind", "audio", *PROJECT)
    done = server.run("model", "train", "nothing", "--dataset", "untold", "--base", base, *PROJECT)
    assert done.returncode != 0
    assert "transcript" in done.stdout + done.stderr


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _id(document: dict[str, str]) -> str:
    return document["self"].rsplit("/", 1)[-1]
