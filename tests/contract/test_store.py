"""What every store promises."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tympan.domain.catalogue import CATALOGUE
from tympan.domain.dataset import DatasetCounts, DatasetKind, StoredFile
from tympan.domain.errors import (
    CancelledError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    SupersededError,
)
from tympan.domain.evaluation import Comparison, ErrorCounts, Interval, ModelScore
from tympan.domain.job import JobEvent, JobKind, JobProgress, JobState
from tympan.domain.model_copy import CopyOffer
from tympan.domain.query import And, Compare, Not, Or, Query
from tympan.domain.resource import Failure, Status
from tympan.domain.transcription import (
    LanguageChoice,
    LanguageMode,
    PunctuationMode,
    SpeakerHint,
    TranscriptionCounts,
    TranscriptionOptions,
)
from tympan.domain.web_hook import DeliveryState, HookEvent
from tympan.testing.clock import START
from tympan.testing.entities import (
    BUNDLE,
    make_base_model,
    make_block,
    make_copy_authorization,
    make_dataset,
    make_delivery,
    make_endpoint,
    make_evaluation,
    make_job,
    make_key,
    make_log,
    make_model,
    make_model_copy,
    make_project,
    make_transcription,
    make_web_hook,
)

FILE = StoredFile(
    id="a", name="späte Wörter.wav", kind="Audio", key="sha256/ab", size_bytes=3, duration_s=1.5
)
SCORE = ModelScore(
    model_id="m",
    words=ErrorCounts(hits=1, substitutions=2, deletions=3, insertions=4),
    characters=ErrorCounts(),
    tokens=ErrorCounts(hits=9),
    token_edits={"punctuation": 2, "lexical": 1},
    sentence_count=2,
    sentence_error_count=1,
    word_error_rate_interval=Interval(low=0.0, high=0.5),
    audio_s=12.0,
    cpu_s=1.25,
)
COMPARISON = Comparison(
    model_id="m",
    baseline_id="b",
    difference=Interval(low=-0.1, high=0.0),
    relative_change=None,
    probability_better=1.0,
    verdict="better",
)
OFFER = CopyOffer(
    copy_id="c",
    source_resource_id="/source",
    model_id="m",
    display_name="Model",
    locale="en-US",
    base_model_id="b",
    decoding_expires_at=START,
    bundle=BUNDLE,
    reports=(FILE,),
)
COMPLETE = {
    "projects": make_project(description="zwei\nZeilen 🎧", custom_properties={"z": "1", "a": "2"}),
    "datasets": make_dataset(
        status=Status.FAILED,
        failure=Failure(code="InvalidData", message="line 3"),
        counts=DatasetCounts(accepted=1, duration_s=0.5),
        files=(FILE,),
        source_key="u/1",
        is_text_normalized=False,
        created_at=datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC),
    ),
    "dataset_blocks": make_block(positions=(0, 2)),
    "base_models": make_base_model(decoding_expires_at=START, supported_kinds=(DatasetKind.LANGUAGE,)),
    "models": make_model(
        dataset_ids=("d1", "d2", "d1"),
        bundle=BUNDLE,
        settings={"seed": 7, "rate": 0.5, "deep": {"list": [1, None]}},
        files=(FILE,),
        summary={"before": None},
    ),
    "evaluations": make_evaluation(
        model_ids=("m", "b"), scores=(SCORE,), comparisons=(COMPARISON,), warnings=("w",), files=(FILE,)
    ),
    "transcriptions": make_transcription(
        options=TranscriptionOptions(
            channels=(1,),
            wants_words=True,
            punctuation=PunctuationMode.NONE,
            speakers=SpeakerHint(least=2, most=5),
            languages=LanguageChoice(
                candidate_locales=("en-US", "de-DE"), mode=LanguageMode.SINGLE, model_ids={"de-DE": "m"}
            ),
        ),
        since="v3.2",
        dataset_id="d",
        evaluation_id="e",
        model_ids={"en-US": "m1", "de-DE": "m"},
        counts=TranscriptionCounts(succeeded=2, failed=1, duration_s=0.5),
        expires_at=START,
        warnings=("w",),
    ),
    "endpoints": make_endpoint(serving_model_id="m", is_logging=True, is_suspended=True),
    "keys": make_key(endpoint_id="e"),
    "logs": make_log(duration_s=1.5),
    "copy_authorizations": make_copy_authorization(is_local=True, offer=OFFER),
    "model_copies": make_model_copy(target_model_id="m", status=Status.SUCCEEDED),
    "web_hooks": make_web_hook(
        description="Zwei",
        events=(HookEvent.MODEL_DELETION, HookEvent.PING),
        secret="s",
        former_secret="t",
        former_secret_until=START + timedelta(microseconds=5),
        status=Status.FAILED,
        failure=Failure(code="InvalidCallbackUri", message="m"),
        challenge_id="c",
        api_version="2024-11-15",
        custom_properties={"z": "1", "a": "2"},
    ),
    "hook_deliveries": make_delivery(
        token="t",
        state=DeliveryState.DEAD,
        attempts=3,
        earlier_attempts=1,
        tried_since=START + timedelta(microseconds=5),
        last_attempt_at=START,
        last_status=503,
        last_error="e",
        finished_at=START,
    ),
    "jobs": make_job(
        arguments={"source": "x"}, state=JobState.FAILED, attempt=3, failure=Failure(code="c", message="m")
    ),
}


def add(store, *entities, to="datasets"):
    with store.write() as tx:
        for entity in entities:
            getattr(tx, to).add(entity)
    return entities


def ids(entities):
    return [entity.id for entity in entities]


@pytest.mark.parametrize("name", COMPLETE)
def test_an_entity_comes_back_as_it_went_in(store, name):
    add(store, COMPLETE[name], to=name)
    with store.read() as tx:
        assert getattr(tx, name).get(COMPLETE[name].id) == COMPLETE[name]


@pytest.mark.parametrize("name", COMPLETE)
def test_every_type_of_entity_has_its_words(name):
    assert type(COMPLETE[name]) in CATALOGUE


def test_custom_properties_keep_their_order(store):
    add(store, COMPLETE["projects"], to="projects")
    with store.read() as tx:
        kept = tx.projects.get(COMPLETE["projects"].id)
    assert list(kept.custom_properties) == ["z", "a"]


def test_times_come_back_in_utc_whatever_their_zone_was(store):
    there = datetime(2026, 1, 5, 11, 0, tzinfo=timezone(timedelta(hours=2)))
    (dataset,) = add(store, make_dataset(created_at=there))
    with store.read() as tx:
        kept = tx.datasets.get(dataset.id).created_at
    assert kept == there
    assert kept.utcoffset() in (timedelta(0), timedelta(hours=2))


def test_an_unknown_id_is_not_found_and_the_message_says_what_was_sought(store):
    with store.read() as tx:
        assert tx.models.find("nope") is None
        with pytest.raises(NotFoundError, match="custom model with id 'nope'"):
            tx.models.get("nope")


def test_an_id_cannot_be_added_twice_and_the_transaction_stays_usable(store):
    (dataset,) = add(store, make_dataset())
    other = make_dataset()
    with store.write() as tx:
        with pytest.raises(ConflictError, match=dataset.id):
            tx.datasets.add(replace(dataset, display_name="another"))
        tx.datasets.add(other)
    with store.read() as tx:
        assert tx.datasets.get(dataset.id) == dataset
        assert tx.datasets.get(other.id) == other


def test_two_keys_cannot_share_a_secret(store):
    add(store, make_key("secret"), to="keys")
    with store.write() as tx, pytest.raises(ConflictError):
        tx.keys.add(make_key("secret"))


def test_save_replaces_the_whole_entity(store):
    (dataset,) = add(store, make_dataset(description="old", files=(FILE,)))
    changed = replace(dataset, description=None, files=(), status=Status.RUNNING)
    with store.write() as tx:
        tx.datasets.save(changed)
    with store.read() as tx:
        assert tx.datasets.get(dataset.id) == changed


def test_what_was_deleted_meanwhile_cannot_be_saved(store):
    (dataset,) = add(store, make_dataset())
    with store.write() as tx:
        assert tx.datasets.delete(dataset.id) is True
        assert tx.datasets.delete(dataset.id) is False
        with pytest.raises(NotFoundError):
            tx.datasets.save(dataset)
    with store.read() as tx:
        assert tx.datasets.count() == 0


def test_a_block_that_raises_leaves_nothing_behind(store):
    (kept,) = add(store, make_dataset())

    def fail_half_way():
        with store.write() as tx:
            tx.datasets.add(make_dataset())
            tx.datasets.delete(kept.id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with store.read() as tx:
        assert ids(tx.datasets.list()) == [kept.id]


def test_a_read_transaction_refuses_to_write(store):
    (dataset,) = add(store, make_dataset())
    with store.read() as tx:
        for change in (tx.datasets.add, tx.datasets.save):
            with pytest.raises(RuntimeError, match=r"store\.write"):
                change(dataset)
        with pytest.raises(RuntimeError):
            tx.datasets.delete(dataset.id)


def test_a_reader_sees_the_past_while_a_writer_works_and_does_not_wait(store):
    (dataset,) = add(store, make_dataset())
    with store.read() as before:
        assert before.datasets.count() == 1
        with store.write() as tx:
            tx.datasets.delete(dataset.id)
            with store.read() as during:
                assert during.datasets.count() == 1
        assert before.datasets.count() == 1
    with store.read() as after:
        assert after.datasets.count() == 0


def test_a_write_inside_a_write_is_refused_instead_of_waiting_for_itself(store):
    with store.write(), pytest.raises(RuntimeError, match="inside"), store.write():
        pass
    add(store, make_dataset())


def test_values_that_are_not_json_are_refused(store):
    with pytest.raises(Exception, match="JSON"), store.write() as tx:
        tx.models.add(make_model(summary={"wer": float("nan")}))


def test_pages_follow_creation_then_id(store):
    first = make_dataset(created_at=START - timedelta(microseconds=1))
    same = sorted((make_dataset() for _ in range(4)), key=lambda dataset: dataset.id)
    last = make_dataset(created_at=START + timedelta(days=1))
    add(store, last, same[2], same[0], first, same[3], same[1])
    wanted = ids([first, *same, last])
    with store.read() as tx:
        assert ids(tx.datasets.list()) == wanted
        assert ids(tx.datasets.list(Query(skip=1, top=3))) == wanted[1:4]
        assert ids(tx.datasets.list(Query(skip=4))) == wanted[4:]
        assert ids(tx.datasets.list(Query(top=0))) == []
        assert ids(tx.datasets.list(Query(skip=9, top=5))) == []
        for number, one in enumerate(tx.datasets.list()):
            place = (one.created_at, one.id)
            assert ids(tx.datasets.list(Query(after=place, top=2))) == wanted[number + 1 : number + 3]


def test_ids_are_ordered_by_code_point(store):
    add(store, *(make_dataset(id=name) for name in ("b", "B", "a", "_", "é", "A-1", "A1")))
    with store.read() as tx:
        assert ids(tx.datasets.list()) == ["A-1", "A1", "B", "_", "a", "b", "é"]


EARLY = make_dataset(id="early", display_name="Ärzte", project_id="p", created_at=START)
LATE = make_dataset(
    id="late",
    display_name="zebra",
    description="here",
    kind=DatasetKind.LANGUAGE,
    status=Status.SUCCEEDED,
    created_at=START + timedelta(seconds=1),
)


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        (Compare("display_name", "eq", "zebra"), ["late"]),
        (Compare("display_name", "eq", "ZEBRA"), []),
        (Compare("display_name", "gt", "zebra"), ["early"]),
        (Compare("status", "eq", "Succeeded"), ["late"]),
        (Compare("status", "ne", "Succeeded"), ["early"]),
        (Compare("kind", "eq", DatasetKind.ACOUSTIC), ["early"]),
        (Compare("created_at", "gt", START), ["late"]),
        (Compare("created_at", "ge", START), ["early", "late"]),
        (Compare("created_at", "lt", START.astimezone(timezone(timedelta(hours=5)))), []),
        (Compare("created_at", "le", START), ["early"]),
        (Compare("description", "eq", "here"), ["late"]),
        (Compare("description", "ne", "here"), ["early"]),
        (Not(Compare("description", "eq", "here")), ["early"]),
        (Not(Compare("description", "gt", "a")), ["early"]),
        (Compare("project_id", "eq", "p"), ["early"]),
        (And(Compare("locale", "eq", "en-US"), Not(Compare("id", "eq", "late"))), ["early"]),
        (Or(Compare("id", "eq", "late"), Compare("id", "eq", "early")), ["early", "late"]),
        (Compare("display_name", "eq", "'; DROP TABLE datasets; --"), []),
    ],
)
def test_a_filter_keeps_what_it_says(store, where, wanted):
    add(store, LATE, EARLY)
    with store.read() as tx:
        assert ids(tx.datasets.list(Query(where=where))) == wanted
        assert tx.datasets.count(where) == len(wanted)


def test_lists_look_into_the_tuples_of_models_and_evaluations(store):
    model = make_model(dataset_ids=("d1", "d2", "d2"))
    evaluation = make_evaluation(model_ids=("m1", "m2"))
    add(store, model, make_model(), to="models")
    add(store, evaluation, make_evaluation(), to="evaluations")
    with store.write() as tx:
        assert ids(tx.models.list(Query(where=Compare("dataset_id", "eq", "d2")))) == [model.id]
        assert tx.models.count(Compare("dataset_id", "ne", "d2")) == 1
        assert ids(tx.evaluations.list(Query(where=Compare("model_id", "eq", "m2")))) == [evaluation.id]
        tx.models.save(replace(model, dataset_ids=("d1",)))
        assert tx.models.count(Compare("dataset_id", "eq", "d2")) == 0
        tx.models.delete(model.id)
        assert tx.models.count(Compare("dataset_id", "eq", "d1")) == 0


@pytest.mark.parametrize("name", COMPLETE)
def test_every_name_of_the_catalogue_can_be_filtered_by(store, name):
    add(store, COMPLETE[name], to=name)
    kind = CATALOGUE[type(COMPLETE[name])]
    with store.read() as tx:
        for field in kind.names:
            value = getattr(COMPLETE[name], field)
            if value is not None:
                assert getattr(tx, name).count(Compare(field, "eq", value)) == 1
            assert getattr(tx, name).count(Compare(field, "ne", START if field.endswith("_at") else "?")) <= 1
        for field in kind.members:
            assert getattr(tx, name).count(Compare(field, "eq", "?")) == 0


@pytest.mark.parametrize(
    "where",
    [
        Compare("counts", "eq", "1"),
        Compare("id; DROP TABLE datasets", "eq", "1"),
        Compare("created_at", "gt", "yesterday"),
        Compare("created_at", "gt", datetime(2026, 1, 1)),  # noqa: DTZ001  a naive time is the case
        Compare("display_name", "eq", START),
        Not(Or(Compare("id", "eq", "1"), Compare("nope", "eq", "1"))),
    ],
)
def test_a_filter_that_cannot_be_answered_is_refused(store, where):
    with store.read() as tx, pytest.raises(InvalidInputError) as refused:
        tx.datasets.list(Query(where=where))
    assert refused.value.code == "UnsupportedFilter"


def test_membership_has_no_order(store):
    with store.read() as tx, pytest.raises(InvalidInputError, match="eq and ne"):
        tx.models.count(Compare("dataset_id", "gt", "d"))


def test_fifty_concurrent_read_modify_writes_lose_nothing(store):
    (dataset,) = add(store, make_dataset())

    def count_one(_):
        with store.write() as tx:
            found = tx.datasets.get(dataset.id)
            tx.datasets.save(replace(found, counts=DatasetCounts(accepted=found.counts.accepted + 1)))

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(count_one, range(50)))
    with store.read() as tx:
        assert tx.datasets.get(dataset.id).counts.accepted == 50


def test_only_the_newest_attempt_may_write(store):
    job = make_job().begun(START, step="import")
    add(store, job, to="jobs")
    with store.write() as tx:
        assert tx.jobs.require_attempt(job.id, 1) == job
        tx.jobs.save(job.begun(START, step="import"))
    with store.write() as tx, pytest.raises(SupersededError, match="Attempt 2"):
        tx.jobs.require_attempt(job.id, 1)


def test_a_superseding_attempt_waits_for_the_write_that_came_first(store):
    job = make_job().begun(START, step="import")
    add(store, job, to="jobs")
    is_held, order = threading.Event(), []

    def supersede():
        is_held.wait()
        with store.write() as tx:
            tx.jobs.save(tx.jobs.get(job.id).begun(START, step="import"))
            order.append("superseded")

    thread = threading.Thread(target=supersede)
    thread.start()
    with store.write() as tx:
        tx.jobs.require_attempt(job.id, 1)
        is_held.set()
        thread.join(0.2)
        tx.datasets.add(make_dataset())
        order.append("written")
    thread.join()
    assert order == ["written", "superseded"]


def test_a_cancelled_attempt_may_not_write(store):
    job = replace(make_job().begun(START, step="import"), is_cancel_requested=True)
    add(store, job, to="jobs")
    with store.write() as tx, pytest.raises(CancelledError):
        tx.jobs.require_attempt(job.id, 1)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_an_attempt_of_a_job_that_ended_may_not_write(store, state):
    job = make_job().begun(START, step="import").ended(START, state)
    add(store, job, to="jobs")
    with store.write() as tx, pytest.raises(SupersededError, match="ended"):
        tx.jobs.require_attempt(job.id, 1)


def test_an_attempt_of_a_deleted_job_may_not_write(store):
    with store.write() as tx, pytest.raises(SupersededError, match="deleted"):
        tx.jobs.require_attempt("gone", 1)


def test_unfinished_jobs_come_oldest_first(store):
    new = make_job(created_at=START + timedelta(seconds=1))
    running = make_job().begun(START, step="import")
    add(store, new, running, make_job().ended(START, JobState.CANCELLED), to="jobs")
    with store.read() as tx:
        assert ids(tx.jobs.unfinished()) == [running.id, new.id]


def test_jobs_are_counted_by_kind_and_state(store):
    running = make_job().begun(START, step="import")
    training = make_job(kind=JobKind.TRAIN_MODEL)
    add(store, make_job(), make_job(), running, training, to="jobs")
    with store.read() as tx:
        assert dict(tx.jobs.counts()) == {
            (JobKind.IMPORT_DATASET, JobState.NOT_STARTED): 2,
            (JobKind.IMPORT_DATASET, JobState.RUNNING): 1,
            (JobKind.TRAIN_MODEL, JobState.NOT_STARTED): 1,
        }


def test_progress_is_one_row_per_job(store):
    (job,) = add(store, make_job(), to="jobs")
    first = JobProgress(job_id=job.id, step="import", percent=1.0, message="one", updated_at=START)
    last = replace(first, percent=99.5, message="two", counters={"files": 3.0})
    with store.write() as tx:
        assert tx.jobs.find_progress(job.id) is None
        tx.jobs.put_progress(first)
        tx.jobs.put_progress(last)
    with store.read() as tx:
        assert tx.jobs.find_progress(job.id) == last


def test_events_of_a_job_are_numbered_without_gaps_under_concurrency(store):
    job, other = add(store, make_job(), make_job(), to="jobs")

    def report(number):
        with store.write() as tx:
            event = JobEvent(job_id=job.id, sequence=0, kind="loss", payload={"at": number}, at=START)
            tx.jobs.add_event(event)
            tx.jobs.add_event(replace(event, kind="note"))

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(report, range(20)))
    with store.write() as tx:
        tx.jobs.add_event(JobEvent(job_id=other.id, sequence=7, kind="note", payload={}, at=START))
    with store.read() as tx:
        events = tx.jobs.events(job.id)
        assert [event.sequence for event in events] == list(range(1, 41))
        assert sorted(event.payload["at"] for event in events if event.kind == "loss") == list(range(20))
        assert [event.sequence for event in tx.jobs.events(job.id, after=38)] == [39, 40]
        assert tx.jobs.events(job.id, after=99) in ([], ())
        assert tx.jobs.events(other.id)[0].sequence == 1


def test_a_step_is_finished_once(store):
    (job,) = add(store, make_job(), to="jobs")

    def finish(_):
        with store.write() as tx:
            return tx.jobs.finish_step(job.id, "train")

    with store.write() as tx:
        assert tx.jobs.finish_step(job.id, "prepare") is True
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(finish, range(4))) == [False, False, False, True]
    with store.read() as tx:
        assert list(tx.jobs.finished_steps(job.id)) == ["prepare", "train"]


def test_records_of_a_job_that_is_gone_are_refused_and_go_with_it(store):
    (job,) = add(store, make_job(), to="jobs")
    progress = JobProgress(job_id=job.id, step="s", percent=0.0, message="m", updated_at=START)
    event = JobEvent(job_id=job.id, sequence=0, kind="note", payload={}, at=START)
    with store.write() as tx:
        tx.jobs.put_progress(progress)
        tx.jobs.add_event(event)
        tx.jobs.finish_step(job.id, "s")
        tx.jobs.delete(job.id)
        assert tx.jobs.find_progress(job.id) is None
        assert len(tx.jobs.events(job.id)) == 0
        assert len(tx.jobs.finished_steps(job.id)) == 0
        for write in (
            lambda: tx.jobs.put_progress(progress),
            lambda: tx.jobs.add_event(event),
            lambda: tx.jobs.finish_step(job.id, "s"),
        ):
            with pytest.raises(NotFoundError, match="job"):
                write()


def test_many_deliveries_are_discarded_at_once_and_only_those_meant(store):
    old = [make_delivery(state=DeliveryState.DELIVERED, finished_at=START) for _ in range(3)]
    new = make_delivery(state=DeliveryState.DELIVERED, finished_at=START + timedelta(days=1))
    waiting = make_delivery()
    add(store, *old, new, waiting, to="hook_deliveries")
    where = And(Compare("state", "eq", "delivered"), Compare("finished_at", "lt", START + timedelta(hours=1)))
    with store.write() as tx:
        assert tx.hook_deliveries.discard(where) == 3
        assert tx.hook_deliveries.discard(where) == 0
    with store.read() as tx:
        assert {one.id for one in tx.hook_deliveries.list()} == {new.id, waiting.id}
        with pytest.raises(RuntimeError, match="write"):
            tx.hook_deliveries.discard(where)


def test_a_store_that_is_there_answers_a_ping(store):
    store.ping()
