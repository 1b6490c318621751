from dataclasses import replace

from tests.api.conftest import error_of

from tympan.domain.job import JobEvent, JobProgress, JobState
from tympan.domain.resource import Failure
from tympan.testing.entities import make_dataset, make_job

JOBS = "/api/v1/jobs"


def waiting_job(world):
    dataset = make_dataset()
    job = make_job(resource_id=dataset.id)
    world.add(replace(dataset, job_id=job.id))
    return world.add(job)


def test_a_job_shows_its_progress_and_its_events(world, client):
    job = waiting_job(world)
    assert client.get(f"{JOBS}/{job.id}/progress").json()["percent"] == 0
    now = world.clock.now()
    with world.store.write() as tx:
        tx.jobs.put_progress(
            JobProgress(
                job_id=job.id,
                step="import",
                percent=50,
                message="Half",
                counters={"files": 2},
                updated_at=now,
            )
        )
        for number in range(3):
            tx.jobs.add_event(
                JobEvent(job_id=job.id, sequence=0, kind="note", payload={"text": str(number)}, at=now)
            )
    shown = client.get(f"{JOBS}/{job.id}").json()
    assert (shown["kind"], shown["state"], shown["steps"]) == ("ImportDataset", "NotStarted", ["import"])
    assert client.get(shown["links"]["progress"]).json()["message"] == "Half"
    events = client.get(shown["links"]["events"], params={"after": 1}).json()["values"]
    assert [event["sequence"] for event in events] == [2, 3]
    error_of(
        client.get(shown["links"]["events"], params={"after": "x"}),
        400,
        "InvalidArgument",
        "InvalidParameterValue",
    )


def test_a_job_is_cancelled_and_retried(world, client):
    job = waiting_job(world)
    assert client.post(f"{JOBS}/{job.id}:cancel").json()["state"] == "Cancelled"
    again = client.post(f"{JOBS}/{job.id}:retry")
    assert again.status_code == 201
    assert client.get(again.headers["location"]).json()["state"] == "NotStarted"
    error_of(client.post(f"{JOBS}/{again.json()['id']}:retry"), 409, "Conflict", "InvalidPrerequisite")


def test_jobs_are_listed_and_a_failure_is_told(world, client):
    job = make_job().ended(world.clock.now(), JobState.FAILED, Failure(code="PipelineError", message="No."))
    world.add(job)
    [shown] = client.get(JOBS, params={"resource": job.resource_id}).json()["values"]
    assert shown["error"] == {"code": "PipelineError", "message": "No."}
    error_of(client.get(f"{JOBS}/nonsense"), 404, "NotFound")


def test_the_server_says_what_it_is(client, base_model):
    server = client.get("/api/v1/server").json()
    assert server["version"] == "1.2.3"
    assert server["limits"]["uploadBytes"] == 1_000_000
    assert list(server["locales"]) == ["en-US"]
    assert server["modelHost"]["engine"] == "fake"


def test_pages_of_jobs_follow_each_other(world, client):
    wanted = {waiting_job(world).id for _ in range(3)}
    first = client.get(JOBS, params={"top": 2}).json()
    second = client.get(first["@nextLink"]).json()
    assert {job["id"] for job in first["values"] + second["values"]} == wanted
    assert "@nextLink" not in second
