"""Creating, changing and deleting custom models."""

from dataclasses import replace
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
    ServiceError,
    TooLargeError,
)
from tympan.domain.job import JobKind, JobState
from tympan.domain.lifecycle import LifecycleRule
from tympan.domain.resource import Failure, Status
from tympan.testing.clock import START, FakeClock
from tympan.testing.entities import (
    make_base_model,
    make_dataset,
    make_endpoint,
    make_evaluation,
    make_model,
    make_project,
)
from tympan.testing.store import MemoryStore
from tympan.usecases.models import ModelChange, Models, NewModel

DAY = timedelta(days=1)


class House:
    """A store with one base model and one imported dataset, both en-US."""

    def __init__(self):
        self.store, self.clock = MemoryStore(), FakeClock()
        self.models = Models(store=self.store, clock=self.clock, rule=LifecycleRule.QUARTER)
        self.base = self.keep(make_base_model())
        self.dataset = self.keep(make_dataset(status=Status.SUCCEEDED))

    def keep(self, entity):
        names = {
            "BaseModel": "base_models",
            "Dataset": "datasets",
            "CustomModel": "models",
            "Endpoint": "endpoints",
            "Evaluation": "evaluations",
            "Project": "projects",
        }
        with self.store.write() as tx:
            getattr(tx, names[type(entity).__name__]).add(entity)
        return entity

    def create(self, **fields):
        known = {"display_name": "Mine", "locale": "en-US", "dataset_ids": [self.dataset.id]}
        return self.models.create(NewModel(**known | fields))

    def finish(self, model, status=Status.SUCCEEDED):
        with self.store.write() as tx:
            tx.jobs.save(tx.jobs.get(model.job_id).ended(self.clock.now(), JobState.SUCCEEDED))
            tx.models.save(replace(model, status=status))


@pytest.fixture
def house():
    return House()


def test_a_model_and_its_training_job_are_created_together(house):
    model = house.create(weight_percent=30, settings={"seed": 7, "epochs": None})

    with house.store.read() as tx:
        job = tx.jobs.get(model.job_id)
    assert (job.kind, job.resource_id, job.state) == (JobKind.TRAIN_MODEL, model.id, JobState.NOT_STARTED)
    assert house.models.get(model.id) == model
    assert (model.status, model.base_model_id, model.weight_percent) == (
        Status.NOT_STARTED,
        house.base.id,
        30,
    )
    assert model.decoding_expires_at > START + 700 * DAY


def test_without_a_base_model_the_newest_that_may_be_adapted_is_taken(house):
    house.keep(make_base_model(released_at=START + DAY, adaptation_expires_at=START))
    newest = house.keep(make_base_model(released_at=START + DAY, adaptation_expires_at=START + DAY))
    house.keep(make_base_model(released_at=START + 2 * DAY, locale="de-DE"))

    assert house.create().base_model_id == newest.id


def test_text_alone_is_enough_to_train_on(house):
    assert house.create(dataset_ids=[], text="Press the hash key.").text == "Press the hash key."


def test_a_dataset_named_twice_counts_once(house):
    assert house.create(dataset_ids=[house.dataset.id] * 2).dataset_ids == (house.dataset.id,)


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"display_name": " "}, InvalidInputError, "displayName"),
        ({"locale": "nowhere land"}, InvalidInputError, "is not a locale"),
        ({"locale": "fr-FR"}, InvalidInputError, "no base model for fr-FR"),
        ({"base_model_id": "0"}, InvalidInputError, "baseModel.Self"),
        ({"dataset_ids": ["0"]}, InvalidInputError, "no such dataset"),
        ({"dataset_ids": []}, InvalidInputError, "nothing to train on"),
        ({"dataset_ids": [], "text": " \n"}, InvalidInputError, "nothing to train on"),
        ({"text": "x" * 512_001}, TooLargeError, "Language dataset"),
        ({"weight_percent": 0}, InvalidInputError, "from 1 to 100"),
        ({"weight_percent": 101}, InvalidInputError, "from 1 to 100"),
        ({"settings": {"epocs": 3}}, InvalidInputError, "'epocs' is not a training setting.*epochs"),
        ({"settings": {"epocs": None}}, InvalidInputError, "'epocs' is not a training setting"),
        ({"settings": {"weight_percent": 3}}, InvalidInputError, "customModelWeightPercent"),
        ({"settings": {"epochs": 0}}, InvalidInputError, "whole number from 1 to 50"),
        ({"settings": {"epochs": 2.5}}, InvalidInputError, "whole number"),
        ({"settings": {"seed": True}}, InvalidInputError, "whole number"),
        ({"settings": {"learning_rate": 3}}, InvalidInputError, "number from 1e-07 to 0.1"),
        ({"settings": {"learning_rate": float("nan")}}, InvalidInputError, "number from"),
        ({"settings": {"device": "tpu"}}, InvalidInputError, "auto, cpu or cuda"),
        ({"project_id": "0"}, InvalidInputError, "project"),
    ],
)
def test_a_model_that_breaks_a_rule_is_refused_and_leaves_nothing(house, fields, error, words):
    with pytest.raises(error, match=words):
        house.create(**fields)
    assert house.models.count() == 0


def test_a_base_model_whose_adaptation_date_has_passed_is_refused_with_what_to_do(house):
    old = house.keep(make_base_model(adaptation_expires_at=START))
    with pytest.raises(ModelExpiredError, match=rf"until {START:%Y-%m-%d}.*{house.base.id}"):
        house.create(base_model_id=old.id)


def test_when_every_base_model_has_passed_its_date_the_newest_is_named(house):
    house.keep(make_base_model(locale="de-DE", adaptation_expires_at=START, display_name="Alt"))
    with pytest.raises(ModelExpiredError, match=r"'Alt'.*Import a newer base model"):
        house.create(locale="de-DE")


def test_a_custom_model_cannot_be_a_base_model(house):
    custom = house.keep(make_model(display_name="Ours"))
    with pytest.raises(InvalidInputError, match="'Ours' is a custom model"):
        house.create(base_model_id=custom.id)


def test_locales_of_base_model_dataset_and_project_must_agree(house):
    base = house.keep(make_base_model(locale="de-DE"))
    dataset = house.keep(make_dataset(locale="de-DE", status=Status.SUCCEEDED))
    project = house.keep(make_project(locale="de-DE"))
    for fields in ({"base_model_id": base.id}, {"dataset_ids": [dataset.id]}, {"project_id": project.id}):
        with pytest.raises(LocaleMismatchError, match="de-DE"):
            house.create(**fields)


def test_a_dataset_must_have_been_imported_and_be_of_a_kind_the_base_model_takes(house):
    failure = Failure(code="InvalidDataset", message="Not a zip.")
    failed = house.keep(make_dataset(status=Status.FAILED, failure=failure))
    waiting = house.keep(make_dataset())
    house.keep(make_base_model(supported_kinds=(DatasetKind.LANGUAGE,), released_at=START + DAY))

    with pytest.raises(InvalidInputError, match="Not a zip"):
        house.create(dataset_ids=[failed.id])
    with pytest.raises(InvalidStateError, match="NotStarted"):
        house.create(dataset_ids=[waiting.id])
    with pytest.raises(InvalidInputError, match="It takes: Language"):
        house.create()


def test_an_update_changes_what_it_names_and_clears_what_is_none(house):
    model = house.create(description="before", custom_properties={"a": "b"})
    house.clock.advance(DAY.total_seconds())

    updated = house.models.update(model.id, ModelChange(display_name="After", description=None))

    assert (updated.display_name, updated.description) == ("After", None)
    assert updated.custom_properties == {"a": "b"}
    assert updated.last_action_at == START + DAY
    with pytest.raises(NotFoundError):
        house.models.update("0", ModelChange())


def test_a_model_in_use_is_not_deleted_and_the_user_is_named(house):
    model = house.create()
    with pytest.raises(ConflictError, match="being trained"):
        house.models.delete(model.id)
    house.finish(model)
    for user in (
        make_endpoint(model_id=model.id, display_name="Hotline"),
        make_endpoint(serving_model_id=model.id, display_name="Hotline"),
        make_evaluation(model_ids=(model.id,), display_name="Hotline"),
    ):
        house.keep(user)
        with pytest.raises(ConflictError, match="Hotline") as caught:
            house.models.delete(model.id)
        assert caught.value.code == "InUseViolation"
        with house.store.write() as tx:
            tx.endpoints.delete(user.id)
            tx.evaluations.delete(user.id)
    house.keep(make_evaluation(model_ids=(model.id,), status=Status.SUCCEEDED))

    house.models.delete(model.id)
    house.models.delete(model.id)

    assert house.models.count() == 0


def test_every_refusal_is_an_error_the_caller_can_act_on(house):
    with pytest.raises(ServiceError):
        house.models.get("0")
