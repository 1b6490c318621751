"""Creating, changing and deleting evaluations."""

from datetime import timedelta

import pytest

from tympan.domain.dataset import DatasetKind
from tympan.domain.errors import (
    ConflictError,
    InvalidInputError,
    InvalidStateError,
    LocaleMismatchError,
    ModelExpiredError,
    NotFoundError,
)
from tympan.domain.job import JobKind, JobState
from tympan.domain.resource import Failure, Status
from tympan.testing.clock import FakeClock
from tympan.testing.entities import make_base_model, make_dataset, make_model, make_project
from tympan.testing.store import MemoryStore
from tympan.usecases.evaluations import EvaluationChange, Evaluations, NewEvaluation


class House:
    """A dataset, a base model and a custom model, all usable."""

    def __init__(self):
        self.store, self.clock = MemoryStore(), FakeClock()
        self.evaluations = Evaluations(store=self.store, clock=self.clock)
        self.dataset = make_dataset(display_name="clinic", status=Status.SUCCEEDED)
        self.base, self.custom = make_base_model(), make_model(display_name="mine", status=Status.SUCCEEDED)
        with self.store.write() as tx:
            tx.datasets.add(self.dataset)
            tx.base_models.add(self.base)
            tx.models.add(self.custom)

    def new(self, **members):
        known = {
            "display_name": "first test",
            "locale": "en-us",
            "dataset_id": self.dataset.id,
            "model_ids": (self.base.id, self.custom.id),
        }
        return NewEvaluation(**known | members)

    def add(self, repository, entity):
        with self.store.write() as tx:
            getattr(tx, repository).add(entity)
        return entity.id


@pytest.fixture
def house():
    return House()


def test_create_writes_the_evaluation_and_its_job_together(house):
    made = house.evaluations.create(house.new())
    with house.store.read() as tx:
        evaluation, job = tx.evaluations.get(made.id), tx.jobs.get(made.job_id)
    assert evaluation == made
    assert (evaluation.status, evaluation.locale) == (Status.NOT_STARTED, "en-US")
    assert (job.kind, job.resource_id, job.state) == (JobKind.RUN_EVALUATION, made.id, JobState.NOT_STARTED)


def test_a_model_may_be_tested_against_itself(house):
    made = house.evaluations.create(house.new(model_ids=(house.base.id, house.base.id)))
    assert made.model_ids == (house.base.id, house.base.id)


def test_what_cannot_be_tested_is_refused_with_a_reason(house):
    failure = Failure(code="DataImportFailed", message="The archive is empty.")
    refused = [
        ({"display_name": " "}, InvalidInputError, "InvalidPayload", "must not be empty"),
        ({"model_ids": ()}, InvalidInputError, "InvalidPayload", "at least one model"),
        ({"dataset_id": "gone"}, InvalidInputError, "InvalidDataset", "dataset.Self does not reference"),
        ({"model_ids": (house.base.id, "gone")}, InvalidInputError, "InvalidModel", "model2.Self"),
        ({"project_id": "gone"}, InvalidInputError, "InvalidProject", "project"),
        ({"locale": "de-DE"}, LocaleMismatchError, "ModelMismatch", "en-US, but de-DE"),
        (
            {"dataset_id": house.add("datasets", make_dataset(status=Status.FAILED, failure=failure))},
            InvalidInputError,
            "FailedDataset",
            "The archive is empty.",
        ),
        (
            {"dataset_id": house.add("datasets", make_dataset(status=Status.RUNNING))},
            InvalidStateError,
            "InvalidState",
            "Wait until it is Succeeded",
        ),
        (
            {"dataset_id": house.add("datasets", make_dataset(kind=DatasetKind.LANGUAGE))},
            InvalidInputError,
            "InvalidDataset",
            "has no recordings",
        ),
        (
            {"model_ids": (house.add("models", make_model(status=Status.RUNNING)),)},
            InvalidInputError,
            "InvalidModel",
            "Wait for it",
        ),
    ]
    for members, error, code, words in refused:
        with pytest.raises(error) as raised:
            house.evaluations.create(house.new(**members))
        assert raised.value.code == code
        assert words in raised.value.message
    assert house.evaluations.count() == 0


def test_an_expired_model_is_refused_with_its_date_and_a_newer_one(house):
    day = house.clock.now() - timedelta(days=1)
    old = house.add("base_models", make_base_model(display_name="old", decoding_expires_at=day))
    with pytest.raises(ModelExpiredError) as raised:
        house.evaluations.create(house.new(model_ids=(old,)))
    assert f"{day:%Y-%m-%d}" in raised.value.message
    assert house.base.display_name in raised.value.message


def test_update_changes_what_it_names_and_nothing_else(house):
    made = house.evaluations.create(house.new(description="as it was"))
    project = house.add("projects", make_project())
    house.evaluations.update(made.id, EvaluationChange(display_name="second", project_id=project))
    read = house.evaluations.get(made.id)
    assert (read.display_name, read.project_id, read.description) == ("second", project, "as it was")
    house.evaluations.update(made.id, EvaluationChange(description=None))
    assert house.evaluations.get(made.id).description is None


def test_delete_waits_for_the_job_and_is_harmless_twice(house):
    made = house.evaluations.create(house.new())
    with pytest.raises(ConflictError):
        house.evaluations.delete(made.id)
    with house.store.write() as tx:
        tx.jobs.save(tx.jobs.get(made.job_id).ended(house.clock.now(), JobState.SUCCEEDED))
    house.evaluations.delete(made.id)
    house.evaluations.delete(made.id)
    with pytest.raises(NotFoundError):
        house.evaluations.get(made.id)
