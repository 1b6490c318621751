"""``tympan job``."""

from __future__ import annotations

from typing import Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import Cell, moment, say, show_json, show_members, show_table, status_text
from tympan.cli.session import Json, connect

app = typer.Typer(help="Background work.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(help="Id of the job.")]


@app.command("list")
def list_jobs(context: typer.Context, as_json: Json = False) -> None:
    """Show the jobs, oldest first."""
    found = list(connect(context).pages("/api/v1/jobs"))
    if as_json:
        show_json([job.value for job in found])
        return
    columns = ("Kind", "State", "Step", "Attempt", "Created", "Finished", "Id")
    show_table(
        "Jobs",
        columns,
        map(_row, found),
        numbers=("Attempt",),
        optional=("Finished", "Attempt", "Created", "Step"),
    )


def _row(job: Answer) -> tuple[Cell, ...]:
    return (
        job.text("kind"),
        status_text(job.text("state")),
        job.text("step"),
        str(job.count("attempt")),
        moment(job.text("createdDateTime")),
        moment(job.text("finishedDateTime")),
        job.text("id"),
    )


@app.command("show")
def show(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Show one job, how far it is and what it noted."""
    from tympan.cli.waiting import event_text

    client = connect(context)
    job = client.get(f"/api/v1/jobs/{job_id}")
    progress = client.get(f"/api/v1/jobs/{job_id}/progress")
    events = list(client.get(f"/api/v1/jobs/{job_id}/events").parts("values"))
    if as_json:
        show_json({"job": job.value, "progress": progress.value, "events": [one.value for one in events]})
        return
    columns = ("Kind", "State", "Step", "Attempt", "Created", "Finished", "Id")
    how_far = f"{progress.number('percent') or 0:.0f} %, {progress.text('message')}"
    rows = zip(columns, _row(job), strict=True)
    show_members([*rows, ("Progress", how_far), ("Error", job.text("error/message"))])
    for event in events:
        say(event_text(event))


@app.command("cancel")
def cancel(context: typer.Context, job_id: JobId) -> None:
    """Stop a job."""
    connect(context).post(f"/api/v1/jobs/{job_id}:cancel")
    say("The job will stop within seconds.")


@app.command("retry")
def retry(context: typer.Context, job_id: JobId) -> None:
    """Do the work of a failed or cancelled job again."""
    again = connect(context).post(f"/api/v1/jobs/{job_id}:retry")
    say(f"Job {again.text('id')} does it again. Watch it with: tympan job show {again.text('id')}")
