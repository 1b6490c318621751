"""The command line against a server that listens, in one process with it."""

import json
import socket
import subprocess
import sys
import threading
import time
import zipfile

import pytest
import uvicorn
from pydantic import TypeAdapter
from tests.api.conftest import OWNER_KEY, wav
from tests.api.test_evaluations import score
from typer.testing import CliRunner

from tympan.cli import main as program
from tympan.cli.errors import CONFLICT, FAILED, NOT_ALLOWED, NOT_FOUND, UNREACHABLE, USAGE
from tympan.domain.evaluation import Comparison, Interval
from tympan.domain.job import JobEvent, JobState
from tympan.domain.model import Bundle, BundleFile
from tympan.domain.model_copy import CopyOffer
from tympan.domain.resource import Failure, Status
from tympan.domain.web_hook import DeliveryState
from tympan.rest.server import create_app
from tympan.testing.entities import (
    make_base_model,
    make_dataset,
    make_delivery,
    make_evaluation,
    make_model,
    make_project,
)
from tympan.usecases.endpoints import NewEndpoint
from tympan.usecases.job_states import begin_attempt
from tympan.usecases.model_copies import ModelCopying
from tympan.usecases.model_receiving import OwnCopyTarget
from tympan.worker.context import AttemptContext

_OFFER = TypeAdapter(CopyOffer)
BUNDLE = Bundle(
    engine="fake",
    files=(
        BundleFile(name="model.bin", sha256="a" * 64, size_bytes=3),
        BundleFile(name="tympan.json", sha256="b" * 64, size_bytes=2),
    ),
)


@pytest.fixture
def folder(world, tmp_path):
    """A data folder with the address and the keys of a running server."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(world.services), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    (tmp_path / "server.json").write_text(json.dumps({"url": url, "pid": 1}))
    (tmp_path / "keys.json").write_text(json.dumps({"key1": OWNER_KEY}))
    yield tmp_path
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def tympan(folder, monkeypatch, capsys):
    """Runs a command as a person would; returns its status and what it wrote."""
    monkeypatch.setattr("tympan.cli.waiting._POLL_S", 0.01)
    monkeypatch.setattr("tympan.cli.output.console.width", 200, raising=False)

    def run(*words):
        monkeypatch.setattr("sys.argv", ["tympan", "--data-dir", str(folder), *map(str, words)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ending:
            program.main()
        written = capsys.readouterr()
        return ending.value.code or 0, written.out, written.err

    return run


def worker_does(world, action):
    """Let a stand-in for the worker act as soon as there is a job."""

    def work():
        for _ in range(500):
            with world.store.read() as tx:
                jobs = tx.jobs.unfinished()
            if jobs:
                action(jobs[0])
                with world.store.write() as tx:
                    tx.jobs.save(tx.jobs.get(jobs[0].id).ended(world.clock.now(), JobState.SUCCEEDED))
                return
            time.sleep(0.01)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_project_is_made_listed_and_deleted_by_name(tympan):
    assert "is made" in tympan("project", "create", "Phone", "--locale", "de-DE")[1]
    status, out, _ = tympan("project", "list", "--json")
    assert status == 0
    assert [one["locale"] for one in json.loads(out)] == ["de-DE"]
    assert "de-DE" in tympan("project", "show", "Phone")[1]
    assert tympan("project", "delete", "Phone")[0] == 0
    assert "none yet" in tympan("project", "list")[1]


def test_a_dataset_is_uploaded_watched_and_reported(world, tympan, tmp_path):
    tympan("project", "create", "Phone")
    issue = {
        "severity": "error",
        "code": "TabMissing",
        "file": "trans.txt",
        "line": 3,
        "message": "No [tab].",
    }
    report = {"acceptedLineCount": 2, "rejectedLineCount": 1, "warningCount": 1, "issues": [issue]}
    files = [world.file("report.json", json.dumps(report).encode())]
    worker_does(world, lambda job: world.imported(job.resource_id, files=files))
    source = tmp_path / "lines.txt"
    source.write_text("hello\n")
    status, out, err = tympan("dataset", "create", "Lines", source, "--kind", "text", "--project", "Phone")
    assert (status, err) == (0, "")
    assert "Succeeded" in out
    assert "2 accepted, 1 rejected" in out
    out = tympan("dataset", "report", "Lines", "--project", "Phone")[1]
    assert "TabMissing" in out
    assert "trans.txt" in out
    assert "No [tab]." in out
    shown = json.loads(tympan("dataset", "show", "Lines", "--json")[1])
    assert shown["kind"] == "Language"


def test_failed_work_is_told_and_ends_with_status_1(world, tympan, tmp_path):
    worker_does(world, lambda job: world.failed("datasets", job.resource_id))
    source = tmp_path / "a.zip"
    source.write_bytes(b"x")
    status, _, err = tympan("dataset", "create", "A", source, "--kind", "acoustic")
    assert status == FAILED
    assert "Line 3 of trans.txt has no tab." in err


def test_training_names_its_base_and_shows_its_curve(world, tympan, base_model):
    dataset = world.add(make_dataset(display_name="train"))
    world.imported(dataset.id)

    def train(job):
        with world.store.write() as tx:
            payload = {"step": 10, "wer": 0.123}
            event = JobEvent(job_id=job.id, sequence=0, kind="dev_wer", payload=payload, at=job.created_at)
            tx.jobs.add_event(event)
            model = tx.models.get(job.resource_id)
            done = model.published(
                world.clock.now(), bundle=base_model.bundle, files=(), summary={"dev_wer_after": 0.1}
            )
            tx.models.save(done)

    worker_does(world, train)
    status, out, err = tympan("model", "train", "Custom", "--dataset", "train", "--base", "base")
    assert (status, err) == (0, "")
    assert "dev wer step 10, wer 12.3 %" in out
    assert "10.0 %" in out
    assert "Custom" in tympan("model", "list")[1]
    assert base_model.id in tympan("model", "show", "Custom")[1]


def test_an_evaluation_is_a_table_and_a_verdict(world, tympan):
    base, custom = (world.add(make_base_model(display_name=name)) for name in ("Base", "Custom"))
    made = world.add(make_evaluation(display_name="Test", model_ids=(base.id, custom.id)))
    comparison = Comparison(
        model_id=custom.id,
        baseline_id=base.id,
        difference=Interval(low=-0.03, high=-0.01),
        relative_change=-0.4,
        probability_better=0.999,
        verdict="better",
    )
    with world.store.write() as tx:
        scores = (score(base.id), score(custom.id, substitutions=0))
        done = made.scored(
            world.clock.now(),
            normalizer="tympan-en/1",
            scores=scores,
            comparisons=(comparison,),
            warnings=("Overlap.",),
            files=(),
        )
        tx.evaluations.save(done)
    out = tympan("evaluation", "show", "Test")[1]
    for words in (
        "2.9 %",
        "1.0 % to 5.0 %",
        "-40.0 %",
        "Custom is better than Base",
        "Overlap.",
        "tympan-en/1",
    ):
        assert words in " ".join(out.split())
    assert "2.9 %" in tympan("evaluation", "list")[1]


def test_an_endpoint_shows_its_url_its_key_and_how_to_use_them(world, tympan, base_model, tmp_path):
    def deploy(job):
        with world.store.write() as tx:
            tx.endpoints.save(tx.endpoints.get(job.resource_id).deployed(world.clock.now()))

    worker_does(world, deploy)
    status, out, err = tympan("endpoint", "create", "Phone", "--model", "base")
    assert (status, err) == (0, "")
    key = next(line.split()[1] for line in out.splitlines() if line.startswith("Key"))
    assert world.services.access.authenticate(key).endpoint_id is not None
    assert f'curl -H "Ocp-Apim-Subscription-Key: {key}"' in out
    recording = tmp_path / "a.wav"
    recording.write_bytes(wav())
    assert tympan("transcribe", recording, "--endpoint", "Phone")[1] == "Remind me to buy 5 pencils.\n"
    detailed = json.loads(tympan("transcribe", recording, "--endpoint", "Phone", "--json")[1])
    assert detailed["NBest"][0]["Lexical"] == "remind me to buy five pencils"
    (tmp_path / "names.txt").write_text("Dr. Okonkwo\n\n")
    seen = []
    world.recognizer._texts = lambda bundle, samples, options: seen.append(options.phrases) or "Hello."
    listening = ("--phrase", "Xoriant", "--phrase-file", tmp_path / "names.txt")
    assert tympan("transcribe", recording, "--endpoint", "Phone", *listening)[1] == "Hello.\n"
    assert set(seen) == {("Xoriant", "Dr. Okonkwo")}
    assert tympan("endpoint", "suspend", "Phone")[0] == 0
    status, _, err = tympan("transcribe", recording, "--endpoint", "Phone")
    assert status == CONFLICT
    assert "suspended" in err
    assert tympan("endpoint", "resume", "Phone")[0] == 0
    assert "first" in tympan("endpoint", "key", "list", "Phone")[1]


def test_base_models_are_listed_for_a_locale(world, tympan, base_model):
    out = tympan("base-model", "list", "--locale", "en-US")[1]
    assert base_model.display_name in out
    assert "never" in out
    assert "none yet" in tympan("base-model", "list", "--locale", "fr-FR")[1]


def test_statuses_tell_what_went_wrong(world, tympan, folder, tmp_path):
    status, _, err = tympan("dataset", "show", "Nothing")
    assert status == NOT_FOUND
    assert "There are no datasets yet" in err
    for name in ("one", "two"):
        world.add(make_project(display_name="twice", description=name))
    status, _, err = tympan("project", "show", "twice")
    assert status == USAGE
    assert "by its id" in err
    assert tympan("dataset", "create", "A", tmp_path / "missing.zip", "--kind", "acoustic")[0] == USAGE
    assert tympan("dataset", "create", "A", folder / "keys.json", "--kind", "video")[0] == USAGE
    assert tympan("dataset", "frobnicate")[0] == USAGE
    assert tympan("--key", "wrong", "project", "list")[0] == NOT_ALLOWED
    assert tympan("--server", "http://127.0.0.1:9", "project", "list")[0] == UNREACHABLE
    (folder / "server.json").unlink()
    status, _, err = tympan("project", "list")
    assert status == UNREACHABLE
    assert "tympan serve" in err


def test_a_crash_is_a_sentence_not_a_traceback(tympan, monkeypatch):
    def crash(_context):
        raise RuntimeError("boom")

    monkeypatch.setattr("tympan.cli.projects.connect", crash)
    status, out, err = tympan("project", "list")
    assert status == FAILED
    assert "Traceback" not in out + err
    assert "report it" in err


def test_a_job_is_shown_and_cancelled(world, tympan, base_model):
    endpoint = world.services.endpoints.create(NewEndpoint(display_name="E", locale="en-US"))
    assert "DeployEndpoint" in tympan("job", "list")[1]
    assert "Waiting for a worker" in tympan("job", "show", endpoint.job_id)[1]
    assert tympan("job", "cancel", endpoint.job_id)[0] == 0
    assert "Cancelled" in tympan("job", "show", endpoint.job_id)[1]


def test_the_shell_completes_commands():
    completed = CliRunner().invoke(
        program.app,
        [],
        env={"_TYMPAN_COMPLETE": "complete_bash", "COMP_WORDS": "tympan da", "COMP_CWORD": "1"},
        prog_name="tympan",
    )
    assert completed.output.split() == ["dataset"]


def test_help_comes_quickly():
    code = "import sys; sys.argv = ['tympan', '--help']\nfrom tympan.cli.main import main\nmain()"
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True
    ).stderr
    for heavy in ("httpx", "pydantic", "fastapi", "sqlalchemy", "numpy", "torch", "rich.progress"):
        assert f" {heavy}\n" not in loaded, f"`tympan --help` loads {heavy}"


def test_logs_are_switched_on_listed_fetched_and_removed(world, tympan, base_model, tmp_path):
    endpoint = world.services.endpoints.create(NewEndpoint(display_name="phone", locale="en-US"))
    with world.store.write() as tx:
        tx.endpoints.save(tx.endpoints.get(endpoint.id).deployed(world.clock.now()))
    status, out, _ = tympan("endpoint", "update", "phone", "--logging")
    assert (status, "it keeps logs" in out) == (0, True)
    assert tympan("endpoint", "update", "phone")[0] == USAGE
    (tmp_path / "a.wav").write_bytes(wav())
    assert tympan("transcribe", tmp_path / "a.wav", "--endpoint", "phone")[0] == 0
    assert tympan("endpoint", "logs", "list", "phone")[1].count("090000__") >= 2
    assert len(json.loads(tympan("endpoint", "logs", "list", "phone", "--json")[1])) == 2
    status, out, err = tympan("endpoint", "logs", "download", "phone", tmp_path / "logs.zip")
    assert status == 0, out + err
    with zipfile.ZipFile(tmp_path / "logs.zip") as archive:
        assert len(archive.namelist()) == 2
    world.clock.advance(1)

    def remove(job):
        with world.store.write() as tx:
            begun = begin_attempt(tx, job, world.clock.now(), step="delete")
        context = AttemptContext(job=begun, step="delete", store=world.store, clock=world.clock)
        world.services.logs.run_delete(context)

    with world.store.write() as tx:  # only the deletion is for the worker
        tx.jobs.save(tx.jobs.get(endpoint.job_id).ended(world.clock.now(), JobState.SUCCEEDED))
    worker = worker_does(world, remove)
    status, out, err = tympan("endpoint", "logs", "delete", "phone")
    worker.join()
    assert status == 0, out + err
    assert json.loads(tympan("endpoint", "logs", "list", "phone", "--json")[1]) == []
    assert tympan("endpoint", "logs", "list", "base/en-US")[0] == 0
    status, _, err = tympan("endpoint", "logs", "download", "nothing", tmp_path / "none.zip")
    assert (status, (tmp_path / "none.zip").exists()) == (NOT_FOUND, False)


def test_a_model_is_copied_and_put_into_a_project(world, tympan):
    project = world.add(make_project(display_name="Shelf"))
    model = world.add(make_model(display_name="ours", status=Status.SUCCEEDED, bundle=BUNDLE))

    def copy(job):
        with world.store.write() as tx:
            begun = begin_attempt(tx, job, world.clock.now(), step="copy")

        def target(one):
            return OwnCopyTarget(receiving=world.services.receiving, authorization=one.authorization)

        context = AttemptContext(job=begun, step="copy", store=world.store, clock=world.clock)
        for file in BUNDLE.files:
            world.blobs.put(file.key, [b"x" * file.size_bytes])
        ModelCopying(store=world.store, blobs=world.blobs, clock=world.clock, targets=target).run_copy(
            context
        )

    worker = worker_does(world, copy)
    status, out, err = tympan("model", "copy", "ours", "--to-project", "Shelf")
    worker.join()
    assert status == 0, out + err
    with world.store.read() as tx:
        (made,) = [one for one in tx.models.list() if one.id != model.id]
    assert made.id in out
    assert made.project_id == project.id
    assert made.bundle == BUNDLE


def test_a_copy_that_fails_says_why(world, tympan):
    world.add(make_model(display_name="ours", status=Status.SUCCEEDED, bundle=BUNDLE))

    def fail(job):
        with world.store.write() as tx:
            failure = Failure(code="Forbidden", message="The target says: no.")
            tx.model_copies.save(tx.model_copies.get(job.resource_id).failed(world.clock.now(), failure))

    worker = worker_does(world, fail)
    status, _, err = tympan("model", "copy", "ours")
    worker.join()
    assert (status, "The target says: no." in err) == (FAILED, True)


def test_a_server_that_asks_for_patience_gets_it(world, tympan, monkeypatch):
    seconds, naps = [0.0], []

    def nap(duration_s):
        naps.append(duration_s)
        seconds[0] += duration_s

    monkeypatch.setattr("tympan.cli.client.time.sleep", nap)
    rate = world.services.management_rate
    rate.__init__(2, 10, lambda: seconds[0])
    for _ in range(5):
        assert tympan("project", "list")[0] == 0
    assert naps == [10.0, 10.0]


def test_a_model_goes_into_an_archive_and_comes_back_whole(world, tympan, tmp_path):
    project = world.add(make_project(display_name="Shelf"))
    files = {"model.bin": b"w" * 3_000_000, "tympan.json": b"{}"}
    stored = {name: world.blobs.put_content([data]) for name, data in files.items()}
    bundle = Bundle(
        engine="fake",
        files=tuple(
            BundleFile(name=name, sha256=one.sha256, size_bytes=one.size_bytes)
            for name, one in stored.items()
        ),
    )
    model = world.add(
        make_model(display_name="ours", status=Status.SUCCEEDED, bundle=bundle, project_id=project.id)
    )
    archive = tmp_path / "ours.zip"
    assert tympan("model", "export", "ours", archive)[0] == 0
    world.services.models.delete(model.id)
    for one in stored.values():
        world.blobs.delete(one.key)
    status, out, err = tympan("model", "import", archive, "--json")
    assert status == 0, out + err
    with world.store.read() as tx:
        (back,) = tx.models.list()
    assert (back.bundle, back.display_name, back.project_id) == (bundle, "ours", project.id)
    assert b"".join(world.blobs.stream(stored["model.bin"].key)) == files["model.bin"]
    assert tympan("model", "import", archive, "--project", "Shelf")[0] == 0


@pytest.mark.parametrize("damage", ["no zip", "no offer", "strange offer", "other bytes"])
def test_what_is_no_archive_of_a_model_is_refused(world, tympan, tmp_path, damage):
    archive = tmp_path / "x.zip"
    offer = _OFFER.dump_json(
        CopyOffer(
            copy_id="c",
            source_resource_id="/there",
            model_id="m",
            display_name="Model",
            locale="en-US",
            base_model_id="b",
            bundle=BUNDLE,
        )
    )
    if damage == "no zip":
        archive.write_bytes(b"x")
    else:
        with zipfile.ZipFile(archive, "w") as zipped:
            if damage != "no offer":
                zipped.writestr(
                    "offer.json", b'{"source_resource_id": "/x"}' if "strange" in damage else offer
                )
            for file in BUNDLE.files:
                zipped.writestr(f"files/{file.sha256}", b"?" * file.size_bytes)
    status, out, err = tympan("model", "import", archive)
    assert (status, "Traceback" in out + err) == (USAGE, False)
    with world.store.read() as tx:
        assert tx.models.count() == 0


def test_a_web_hook_is_made_pinged_read_and_sent_again(tympan, world):
    url = "https://receiver.test/call"
    status, out, _ = tympan("webhook", "create", "Mine", url, "-e", "modelCompletion", "--secret", "s")
    assert status == 0
    assert "tympan webhook show" in out
    assert tympan("webhook", "ping", "Mine")[0] == CONFLICT
    [hook] = world.services.web_hooks.list()
    with world.store.write() as tx:
        tx.web_hooks.save(hook.confirmed(world.clock.now()))
        dead = make_delivery(hook_id=hook.id, state=DeliveryState.DEAD, last_error="status 500")
        tx.hook_deliveries.add(dead)
    assert "on its way" in tympan("webhook", "ping", "Mine")[1]
    shown = tympan("webhook", "show", "Mine")[1]
    assert all(word in shown for word in (url, "modelCompletion", "Succeeded", "v3.2", "yes"))
    assert "Mine" in tympan("webhook", "list")[1]
    listed = tympan("webhook", "deliveries", "Mine", "--state", "dead")[1]
    assert dead.id in listed
    assert "status 500" in listed
    assert "1 delivery is on the way again" in tympan("webhook", "replay", "Mine")[1]
    assert "on its way again" in tympan("webhook", "replay", "Mine", dead.id)[1]
    [again] = json.loads(tympan("webhook", "deliveries", hook.id, "--state", "waiting", "--json")[1])[-1:]
    assert again["attempts"] == 0
    assert "is deleted" in tympan("webhook", "delete", "Mine")[1]
    assert tympan("webhook", "show", "Mine")[0] == NOT_FOUND
    assert tympan("webhook", "create", "Bad", "http://10.0.0.1/", "-e", "ping")[0] == USAGE
