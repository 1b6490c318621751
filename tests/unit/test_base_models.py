"""The catalogue of base models."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tympan.domain.errors import InvalidInputError, NotFoundError, SupersededError
from tympan.domain.job import JobKind, JobState
from tympan.domain.lifecycle import LifecycleRule
from tympan.testing.clock import FakeClock
from tympan.testing.entities import make_base_model
from tympan.testing.model_files import FakeModelFiles, FakeModelSupply
from tympan.testing.store import MemoryStore
from tympan.usecases.base_models import BaseModels


class Context:
    def __init__(self, job):
        self.job = job
        self.events = []

    def progress(self, fraction, message, **counters):
        assert 0 <= fraction <= 1

    def event(self, kind, payload):
        self.events.append((kind, payload))


@pytest.fixture
def catalogue(tmp_path):
    return BaseModels(
        store=MemoryStore(),
        files=FakeModelFiles(tmp_path / "models"),
        supply=FakeModelSupply({"starter-tiny": ("en-US", "en-GB"), "starter-base": ("en-US", "de-DE")}),
        clock=FakeClock(datetime(2024, 2, 29, 15, tzinfo=UTC)),
        rule=LifecycleRule.QUARTER,
        work_dir=tmp_path / "work",
    )


def run(catalogue, job):
    with catalogue.store.write() as tx:
        begun = tx.jobs.get(job.id).begun(catalogue.clock.now(), step="import")
        tx.jobs.save(begun)
    context = Context(begun)
    catalogue.run_import(context)
    return context


def end(catalogue, job, state=JobState.SUCCEEDED):
    with catalogue.store.write() as tx:
        tx.jobs.save(tx.jobs.get(job.id).ended(catalogue.clock.now(), state))


def test_an_import_offers_one_bundle_for_every_locale_with_published_dates(catalogue):
    run(catalogue, catalogue.import_source("starter-tiny"))
    models = catalogue.list()
    assert sorted(model.locale for model in models) == ["en-GB", "en-US"]
    assert len({model.bundle for model in models}) == 1
    assert models[0].display_name == "20260101 whisper-fake"
    assert models[0].adaptation_expires_at == datetime(2025, 4, 15, tzinfo=UTC)
    assert models[0].decoding_expires_at == datetime(2026, 4, 15, tzinfo=UTC)


def test_importing_twice_adds_nothing(catalogue):
    first = catalogue.import_source("starter-tiny")
    run(catalogue, first)
    run(catalogue, first)
    end(catalogue, first)
    run(catalogue, catalogue.import_source("starter-tiny"))
    assert catalogue.count() == 2


def test_a_waiting_import_is_not_asked_for_twice(catalogue):
    assert catalogue.import_source("starter-tiny").id == catalogue.import_source("starter-tiny").id


def test_the_owner_may_choose_the_locales(catalogue):
    run(catalogue, catalogue.import_source("starter-base", ["DE-de", "de-AT"]))
    assert sorted(model.locale for model in catalogue.list()) == ["de-AT", "de-DE"]


def test_a_locale_the_model_does_not_know_is_refused(catalogue):
    with pytest.raises(InvalidInputError, match="fr-FR"):
        run(catalogue, catalogue.import_source("starter-base", ["fr-FR"]))
    assert catalogue.count() == 0


def test_installed_packages_are_asked_for_once(catalogue):
    jobs = catalogue.ensure_installed()
    assert [job.kind for job in jobs] == [JobKind.IMPORT_BASE_MODEL] * 2
    assert [job.id for job in catalogue.ensure_installed()] == [job.id for job in jobs]
    for job in jobs:
        run(catalogue, job)
    assert catalogue.ensure_installed() == []


@pytest.mark.parametrize(("state", "asked"), [(JobState.FAILED, 2), (JobState.CANCELLED, 1)])
def test_a_failed_import_is_asked_for_again_and_a_cancelled_one_is_not(catalogue, state, asked):
    failed, _waiting = catalogue.ensure_installed()
    end(catalogue, failed, state)
    assert len(catalogue.ensure_installed()) == asked


def test_a_superseded_attempt_adds_nothing(catalogue):
    job = catalogue.import_source("starter-tiny")
    with catalogue.store.write() as tx:
        begun = job.begun(catalogue.clock.now(), step="import")
        tx.jobs.save(begun.begun(catalogue.clock.now(), step="import"))
    with pytest.raises(SupersededError):
        catalogue.run_import(Context(begun))
    assert catalogue.count() == 0


def test_the_newest_is_the_latest_release_that_has_not_expired(catalogue):
    now = catalogue.clock.now()
    old = make_base_model(released_at=datetime(2022, 1, 1, tzinfo=UTC))
    new = make_base_model(released_at=datetime(2023, 1, 1, tzinfo=UTC))
    gone = replace(new, id=make_base_model().id, released_at=now, decoding_expires_at=now)
    other = make_base_model(released_at=now, locale="de-DE")
    with catalogue.store.write() as tx:
        for model in (new, old, gone, other):
            tx.base_models.add(model)
    assert catalogue.newest("en-us") == new
    with pytest.raises(NotFoundError, match="fr-FR"):
        catalogue.newest("fr-FR")
