"""Every change of a resource becomes a delivery, in the transaction that makes it, on every store."""

from dataclasses import replace

import pytest

from tympan.domain.resource import Failure, Status
from tympan.domain.web_hook import ENTITY_WORDS, HookEvent
from tympan.testing.clock import FakeClock
from tympan.testing.entities import (
    make_dataset,
    make_endpoint,
    make_evaluation,
    make_model,
    make_project,
    make_transcription,
    make_web_hook,
)
from tympan.usecases.announcing import AnnouncingStore

MAKERS = {
    "datasets": make_dataset,
    "models": make_model,
    "evaluations": make_evaluation,
    "transcriptions": make_transcription,
    "endpoints": make_endpoint,
}
ALL = tuple(HookEvent)
FAILURE = Failure(code="InvalidDataset", message="Line 3 has no tab.")


class TickingClock(FakeClock):
    """Each look is a second later, so that lists show the order of transactions."""

    def now(self):
        return self.advance(1)


@pytest.fixture
def store(store):
    """Each store that does not announce by itself."""
    return store.store if isinstance(store, AnnouncingStore) else store


@pytest.fixture
def announcing(store):
    return AnnouncingStore(store=store, clock=TickingClock())


def hook(store, **members):
    made = make_web_hook(**{"events": ALL} | members)
    with store.write() as tx:
        tx.web_hooks.add(made)
    return made


def told(store, one=None):
    with store.read() as tx:
        found = [found for found in tx.hook_deliveries.list() if one is None or found.hook_id == one.id]
    return [found.event.value for found in found]


@pytest.mark.parametrize("name", MAKERS)
def test_the_whole_life_of_every_resource_is_told_in_order(store, announcing, name):
    hook(store)
    entity = MAKERS[name]()
    with announcing.write() as tx:
        getattr(tx, name).add(entity)
        getattr(tx, name).save(entity.running(entity.created_at))
    with announcing.write() as tx:
        getattr(tx, name).save(entity.failed(entity.created_at, FAILURE))
    with announcing.write() as tx:
        getattr(tx, name).delete(entity.id)
        getattr(tx, name).delete(entity.id)
    word = ENTITY_WORDS[name]
    assert told(store) == [word + what for what in ("Creation", "Processing", "Completion", "Deletion")]
    with store.read() as tx:
        assert {(one.collection, one.entity_id) for one in tx.hook_deliveries.list()} == {(name, entity.id)}


def test_every_collection_with_events_is_tried_here():
    assert set(MAKERS) == set(ENTITY_WORDS)


def test_what_stands_behind_an_evaluation_is_not_told(store, announcing):
    hook(store)
    transcription = make_transcription(evaluation_id="e")
    with announcing.write() as tx:
        tx.transcriptions.add(transcription)
        tx.transcriptions.save(transcription.running(transcription.created_at))
        tx.transcriptions.delete(transcription.id)
    assert told(store) == []


def test_a_change_that_is_undone_is_not_told(store, announcing):
    hook(store)

    def change_mind():
        with announcing.write() as tx:
            tx.datasets.add(make_dataset())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_mind()
    assert told(store) == []


def test_changes_that_leave_the_status_alone_are_not_told(store, announcing):
    hook(store)
    dataset = make_dataset(status=Status.SUCCEEDED)
    with store.write() as tx:
        tx.datasets.add(dataset)
    with announcing.write() as tx:
        tx.datasets.save(replace(dataset, display_name="Renamed"))
    with announcing.write() as tx:
        tx.datasets.save(replace(tx.datasets.get(dataset.id), display_name="Again"))
        tx.projects.add(make_project())
    assert told(store) == []


def test_an_endpoint_that_changes_its_model_is_processed_and_completed_again(store, announcing):
    hook(store)
    endpoint = make_endpoint(status=Status.SUCCEEDED)
    with store.write() as tx:
        tx.endpoints.add(endpoint)
    with announcing.write() as tx:
        tx.endpoints.save(tx.endpoints.get(endpoint.id).running(endpoint.created_at))
    with announcing.write() as tx:
        tx.endpoints.save(tx.endpoints.find(endpoint.id).deployed(endpoint.created_at))
    assert told(store) == ["EndpointProcessing", "EndpointCompletion"]


def test_what_is_complete_from_the_start_is_told_as_created_and_completed(store, announcing):
    hook(store)
    with announcing.write() as tx:
        tx.models.add(make_model(status=Status.SUCCEEDED))
    assert told(store) == ["ModelCreation", "ModelCompletion"]


def test_a_hook_is_told_only_what_it_wants(store, announcing):
    hook(store, events=(HookEvent.DATASET_DELETION,))
    dataset = make_dataset()
    with announcing.write() as tx:
        tx.datasets.add(dataset)
        tx.datasets.delete(dataset.id)
    assert told(store) == ["DatasetDeletion"]


def test_a_hook_hears_only_of_its_own_version_unless_it_is_set_otherwise(store, announcing):
    older, newer = hook(store, api_version="v3.1"), hook(store, api_version="2024-11-15")
    with announcing.write() as tx:
        tx.datasets.add(make_dataset(api_version="v3.1"))
    assert told(store, older) == ["DatasetCreation"]
    assert told(store, newer) == []
    everyone = AnnouncingStore(store=store, clock=FakeClock(), is_for_all_versions=True)
    with everyone.write() as tx:
        tx.datasets.add(make_dataset(api_version="v3.0"))
    assert told(store, older) == ["DatasetCreation"] * 2
    assert told(store, newer) == ["DatasetCreation"]


@pytest.mark.parametrize(
    ("members", "count"),
    [
        ({"status": Status.NOT_STARTED, "was_confirmed": False}, 0),
        ({"status": Status.NOT_STARTED, "was_confirmed": True}, 1),
        ({"status": Status.FAILED, "failure": FAILURE, "was_confirmed": False}, 0),
    ],
)
def test_a_hook_is_told_nothing_before_it_was_confirmed_and_all_while_it_moves(
    store, announcing, members, count
):
    hook(store, **members)
    with announcing.write() as tx:
        tx.datasets.add(make_dataset())
    assert len(told(store)) == count


def test_hooks_are_looked_up_once_per_transaction_that_changes_something(announcing, monkeypatch):
    dataset, asked = make_dataset(), []
    with announcing.write() as tx:
        hooks = tx.web_hooks
        counted = hooks.count
        monkeypatch.setattr(hooks, "count", lambda *words: asked.append(words) or counted(*words))
        tx.projects.add(make_project())
        tx.datasets.find(dataset.id)
        assert asked == []
        tx.datasets.add(dataset)
        tx.datasets.save(dataset.running(dataset.created_at))
        tx.datasets.delete(dataset.id)
    assert len(asked) == 1
