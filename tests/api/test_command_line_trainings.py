"""``tympan model advise`` and ``verify``."""

# ruff: noqa: F811  fixtures come from another module

import json
from dataclasses import replace

from tests.api.test_command_line import folder, tympan, worker_does  # noqa: F401

from tympan.cli.errors import CONFLICT, FAILED, USAGE
from tympan.domain.dataset import DatasetKind
from tympan.domain.job import JobEvent
from tympan.domain.manifest import Sentence
from tympan.domain.resource import Status
from tympan.speech.manifest_lines import write_records
from tympan.testing.entities import make_dataset, make_model


def worker_finds(world, outcome, text):
    """Let a stand-in for the worker leave a verdict."""

    def verify(job):
        payload = {"outcome": outcome, "text": text, "notes": ["torch was 1, and is 2 here."], "figures": {}}
        event = JobEvent(job_id=job.id, sequence=0, kind="verdict", payload=payload, at=job.created_at)
        with world.store.write() as tx:
            tx.jobs.add_event(event)

    worker_does(world, verify)


def test_a_verification_tells_its_verdict_and_what_is_not_as_it_was(world, tympan, base_model):
    world.add(make_model(display_name="M", base_model_id=base_model.id, status=Status.SUCCEEDED))
    worker_finds(world, "sameWeights", "The training gives the same weights again.")
    status, out, err = tympan("model", "verify", "M")
    assert (status, err) == (0, "")
    assert "The training gives the same weights again." in out
    assert "Note: torch was 1, and is 2 here." in out


def test_a_training_that_is_not_repeated_ends_with_a_failure(world, tympan, base_model):
    world.add(make_model(display_name="M", base_model_id=base_model.id, status=Status.SUCCEEDED))
    worker_finds(world, "notRepeatable", "Dataset 'D' was deleted.")
    status, out, err = tympan("model", "verify", "M", "--json")
    assert (status, json.loads(out)["outcome"]) == (FAILED, "notRepeatable")
    assert "Dataset 'D' was deleted." in err


def test_only_what_is_trained_can_be_verified(world, tympan, base_model):
    world.add(make_model(display_name="M", base_model_id=base_model.id))
    status, _, err = tympan("model", "verify", "M")
    assert status == CONFLICT
    assert "Only a finished training can be repeated" in err


def add_text(world, *lines):
    dataset = world.add(make_dataset(display_name="D", kind=DatasetKind.LANGUAGE))
    world.imported(dataset.id)
    manifest = world.blobs.put_content(
        write_records([Sentence(text=line, line=number) for number, line in enumerate(lines, 1)])
    )
    with world.store.write() as tx:
        tx.datasets.save(replace(tx.datasets.get(dataset.id), manifest_key=manifest.key))


def test_advice_is_shown_before_a_training(world, tympan, base_model):
    add_text(world, "service", "good morning", "water")
    status, out, err = tympan("model", "advise", "--base", "base", "--dataset", "D")
    assert (status, err) == (0, "")
    assert "3 lines, 6 examples" in out
    assert "0 to 55 % fewer word errors" in out
    assert "probe of this machine" in out
    assert "Warning: 3 of 3 terms are ordinary words" in out
    assert "no promise" in out


def test_data_that_cannot_train_ends_the_advice_with_its_reason(world, tympan, base_model):
    add_text(world, " ")
    status, out, err = tympan("model", "advise", "--dataset", "D", "--json")
    assert (status, json.loads(out)["canTrain"]) == (USAGE, False)
    assert "There is nothing to train on." in err
