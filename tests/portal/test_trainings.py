"""The training tab, without a browser."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.portal.conftest import HOSTILE
from tests.portal.test_pages import stored

from tympan.domain.dataset import DatasetCounts, DatasetKind
from tympan.domain.job import JobEvent, JobKind, JobState
from tympan.domain.resource import Failure, Status
from tympan.testing.entities import make_base_model, make_dataset, make_job, make_model

FAILED_CHECK = {"name": "general", "outcome": "failed", "base": 0.1, "model": 0.2, "text": "<b>Forgot</b>."}
PASSED_CHECK = {"name": "gain", "outcome": "passed", "base": 0.2, "model": 0.1, "text": "Gained."}


@pytest.fixture
def base(site):
    return site.add("base_models", make_base_model(display_name="Base"))


@pytest.fixture
def datasets(site, project):
    """Two imported datasets and one that failed."""

    def made(name, **fields):
        return make_dataset(
            project_id=project.id, display_name=name, created_at=site.clock.advance(1), **fields
        )

    now, counts = site.clock.now(), DatasetCounts(accepted=5, duration_s=61)
    imported = [
        made(name, kind=kind).imported(now, manifest_key="m", counts=counts, files=())
        for name, kind in (("Calls", DatasetKind.ACOUSTIC), ("Words", DatasetKind.LANGUAGE))
    ]
    failed = made("Broken").failed(now, Failure(code="x", message="y"))
    return [site.add("datasets", one) for one in (*imported, failed)]


@pytest.fixture
def tab(project):
    return f"/projects/{project.id}/training"


@pytest.fixture
def held_back(site, project, base):
    """A model the gate found worse than its base model."""
    gate = {"verdict": "failed", "checks": [PASSED_CHECK, FAILED_CHECK]}
    summary = {"gate": "failed", "gate_reasons": "Forgot.", "dev_wer_before": 0.2, "dev_wer_after": 0.1}
    report = stored(site, "report.json", {"gate": gate}, "ModelReport")
    fields = {"summary": summary, "files": (report,), "status": Status.SUCCEEDED}
    return site.add(
        "models", make_model(project_id=project.id, base_model_id=base.id, display_name=HOSTILE, **fields)
    )


def training_job(site, model, **fields):
    job = make_job(kind=JobKind.TRAIN_MODEL, resource_id=model.id, **fields)
    site.add("jobs", job)
    site.add("models", replace(model, job_id=job.id))
    return job


def checked(page, name):
    return [one["value"] for one in page.all("input", name=name) if "checked" in one]


def test_the_form_says_what_a_base_model_takes_and_offers_what_was_imported(signed_in, tab, base, datasets):
    signed_in.add("base_models", make_base_model(display_name="Old", adaptation_expires_at=base.created_at))
    signed_in.add("base_models", make_base_model(display_name="Deutsch", locale="de-DE"))
    page = signed_in.page(f"{tab}/new")
    assert [one["value"] for one in page.all("input", name="base")] == [base.id]
    assert "Learns from Audio + transcripts, Audio, Plain text" in page.text
    assert "Trains until: no end date" in page.text
    assert [one["value"] for one in page.all("input", name="dataset")] == [datasets[1].id, datasets[0].id]
    assert "5 recordings, 1 min 01 s" in page.text
    assert [one["value"] for one in page.all("option", value=datasets[0].id)], "audio with transcripts tests"
    [epochs] = page.all("input", name="epochs")
    assert (epochs["min"], epochs["max"], epochs["placeholder"]) == ("1", "50", "3")


def test_a_training_is_started_with_its_settings(signed_in, send, tab, base, datasets):
    calls, words, _ = datasets
    there = send(
        tab,
        name=HOSTILE,
        description="Calls of June",
        base=base.id,
        dataset=[calls.id, words.id],
        text="Call Ann Bell.",
        epochs="2",
        learning_rate="0.001",
        weight_percent="70",
        device="cpu",
        test=calls.id,
    ).headers["location"]
    model = signed_in.services.models.get(there.rsplit("/", 1)[1])
    assert model.dataset_ids == (calls.id, words.id)
    assert (model.base_model_id, model.weight_percent, model.text) == (base.id, 70, "Call Ann Bell.")
    assert model.settings == {"epochs": 2, "learning_rate": 0.001, "device": "cpu"}
    page = signed_in.page(there)
    for said in (HOSTILE, "Calls of June", "Learning rate 0.001", "Waits for its turn", "Collect the data"):
        assert said in page.text
    copy = signed_in.page(f"{tab}/new?copy={model.id}")
    assert checked(copy, "dataset") == [words.id, calls.id]
    assert copy.all("input", name="epochs")[0]["value"] == "2"
    assert copy.all("input", name="weight_percent")[0]["value"] == "70"
    assert copy.all("input", name="name")[0]["value"] == f"{HOSTILE} (copy)"
    assert "Call Ann Bell." in copy.text
    assert copy.all("option", value=calls.id, selected=None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"dataset": []}, "nothing to train on"),
        ({"epochs": "many"}, "a whole number from 1 to 50"),
        ({"epochs": "51"}, "a whole number from 1 to 50"),
        ({"weight_percent": "0.5"}, "a whole number from 1 to 100"),
    ],
)
def test_a_refused_training_keeps_all_that_was_given(signed_in, send, tab, datasets, wrong, said):
    base = signed_in.add("base_models", make_base_model())
    given = {"name": HOSTILE, "base": base.id, "dataset": [datasets[1].id], "patience": "4"} | wrong
    answer = send(tab, **given)
    assert answer.status_code == 422
    assert said in answer.text
    page = type(signed_in.page(tab))(answer.text)
    assert page.all("input", name="name")[0]["value"] == HOSTILE
    assert page.all("input", name="patience")[0]["value"] == "4"
    assert checked(page, "dataset") == given["dataset"]
    assert not signed_in.services.models.count()


def test_a_training_is_stopped_begun_again_and_deleted(signed_in, send, tab, base, datasets):
    new = {"name": "Calls", "base": base.id, "dataset": datasets[0].id}
    there = send(tab, **new).headers["location"]
    models, jobs, model_id = signed_in.services.models, signed_in.services.jobs, there.rsplit("/", 1)[1]
    assert send(f"{there}/delete").status_code == 422, "it is at work"
    send(f"{there}/cancel")
    first = models.get(model_id).job_id
    assert jobs.get(first).state is JobState.CANCELLED
    assert "Cancelled by its owner" in signed_in.page(there).text
    send(f"{there}/retry")
    assert models.get(model_id).job_id != first
    send(f"{there}/cancel")
    assert send(f"{there}/delete").headers["location"] == tab
    assert not models.count()


def test_a_running_training_shows_stages_events_and_curves_once_a_step(signed_in, tab, project, base):
    model = make_model(project_id=project.id, base_model_id=base.id, status=Status.RUNNING)
    job = training_job(signed_in, model, state=JobState.RUNNING, step="train")
    told = [
        ("warning", {"text": HOSTILE}),
        ("loss", {"step": 1, "loss": 2.5}),
        ("loss", {"step": 2, "loss": 1.5}),
        ("retry", {"message": "Attempt ended: the worker died.", "step": "train"}),
        ("loss", {"step": 2, "loss": 1.0}),
        ("dev_wer", {"step": 2, "wer": 0.125}),
    ]
    with signed_in.store.write() as tx:
        for kind, payload in told:
            tx.jobs.add_event(
                JobEvent(job_id=job.id, sequence=0, kind=kind, payload=payload, at=job.created_at)
            )
    page = signed_in.page(f"{tab}/{model.id}")
    assert [one["class"] for one in page.all("li") if "class" in one] == ["done", "now", *["later"] * 3]
    assert HOSTILE in page.text
    assert "after step 2: 12.5 %" in page.text
    assert page.text.index("12.5") < page.text.index("worker died") < page.text.index(HOSTILE)
    assert "1 2.5 2 1" in page.text, "the repeated step counts once, with its newest figure"
    assert page.all("div", id="curves")[0].keys() >= {"data-live"}
    assert "Stop training" in page.text


def test_a_model_that_is_held_back_is_approved_with_a_reason(signed_in, send, tab, held_back):
    there = f"{tab}/{held_back.id}"
    page = signed_in.page(there)
    for said in ("Everyday speech Failed <b>Forgot</b>.", "Held-out recordings Passed Gained.", "Held back"):
        assert said in page.text
    assert "data-live" not in page.all("div", id="found")[0]
    refused = send(f"{there}/approve", reason=" ")
    assert (refused.status_code, "Say in at most" in refused.text) == (422, True)
    assert send(f"{there}/approve", reason=HOSTILE).headers["location"] == there
    page = signed_in.page(there)
    assert f": {HOSTILE}" in page.text
    assert "Approve all the same" not in page.text
    assert send(f"{there}/approve", reason="again").status_code == 422


def test_the_table_says_verdict_data_and_dates(signed_in, tab, project, base, datasets, held_back):
    soon = signed_in.clock.now() + timedelta(days=7)
    gone = signed_in.clock.now() - timedelta(days=7)
    fields = {"project_id": project.id, "base_model_id": base.id, "decoding_expires_at": soon}
    ids = (datasets[0].id, "gone", datasets[1].id, datasets[2].id)
    signed_in.add("models", make_model(summary={"gate": "passed"}, dataset_ids=ids, **fields))
    signed_in.add("models", make_model(**fields | {"decoding_expires_at": gone, "base_model_id": "gone"}))
    page = signed_in.page(tab)
    assert (
        "Base trains until: no end date Calls, deleted dataset, Words and 1 more 2026-01-12, soon"
        in page.text
    )
    assert "ended 2025-12-29" in page.text
    for said in ("Passed", "Held back", "deleted model", HOSTILE):
        assert said in page.text


def test_a_trained_model_offers_its_test_against_the_base_model(signed_in, tab, project, base, datasets):
    chosen = {"custom_properties": {"testDataset": datasets[0].id}, "status": Status.SUCCEEDED}
    model = signed_in.add("models", make_model(project_id=project.id, base_model_id=base.id, **chosen))
    page = signed_in.page(f"{tab}/{model.id}")
    assert "Test against base model on Calls" in page.text
    wanted = f"/testing/new?model={model.id}&base={base.id}&dataset={datasets[0].id}"
    assert [link for link in page.links if link.endswith(wanted)]
    with signed_in.store.write() as tx:
        tx.datasets.delete(datasets[0].id)
    assert "Calls" not in signed_in.page(f"{tab}/{model.id}").text


def test_a_model_of_another_project_is_neither_shown_nor_touched(signed_in, send, tab, base):
    other = signed_in.add("models", make_model(base_model_id=base.id))
    assert signed_in.client.get(f"{tab}/{other.id}").status_code == 404
    assert signed_in.client.get(f"{tab}/new?copy={other.id}").status_code == 404
    assert send(f"{tab}/{other.id}/delete").status_code == 404
    assert signed_in.services.models.get(other.id)


def test_without_a_base_model_the_form_says_where_one_comes_from(signed_in, tab):
    assert "tympan base-model import" in signed_in.page(f"{tab}/new").text


def test_every_form_on_these_pages_goes_to_an_action(signed_in, tab, project, base, datasets, held_back):
    running = make_model(project_id=project.id, base_model_id=base.id, status=Status.RUNNING)
    training_job(signed_in, running, state=JobState.RUNNING, step="train")
    failed = make_model(project_id=project.id, base_model_id=base.id, status=Status.FAILED)
    training_job(signed_in, failed, state=JobState.FAILED, step="train")
    wanted = {
        f"{tab}/new": {tab},
        f"{tab}/{running.id}": {f"{tab}/{running.id}/cancel"},
        f"{tab}/{failed.id}": {f"{tab}/{failed.id}/{name}" for name in ("retry", "delete")},
        f"{tab}/{held_back.id}": {f"{tab}/{held_back.id}/{name}" for name in ("approve", "delete")},
    }
    for path, addresses in wanted.items():
        assert {form["action"] for form in signed_in.page(path).all("form")} - {"/sign-out"} == addresses
        for address in addresses:
            # Without a token an action refuses; an address without an action is not found.
            assert signed_in.client.post(address).status_code == 403, address
