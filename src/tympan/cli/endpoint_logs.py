"""``tympan endpoint logs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import Cell, moment, say, show_json, show_table
from tympan.cli.session import InProject, Json, connect, find, project_of
from tympan.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from tympan.cli.client import Client

app = typer.Typer(help="Audio and results that endpoints kept.", no_args_is_help=True)

Place = Annotated[
    str, typer.Argument(help="Name or id of the endpoint, or a locale as base/en-US for the base models.")
]
Since = Annotated[str | None, typer.Option(help="First day to remove, as 2026-01-31 (UTC).")]
Until = Annotated[str | None, typer.Option(help="Last day to remove, as 2026-01-31 (UTC).")]
_BASE = "base/"


@app.command("list")
def list_logs(context: typer.Context, place: Place, project: InProject = None, as_json: Json = False) -> None:
    """Show what was kept, oldest first."""
    client = connect(context)
    found = list(client.pages(f"/speechtotext/v3.2/endpoints/{_place(client, place, project)}/files/logs"))
    if as_json:
        show_json([file.value for file in found])
        return
    show_table("Logs", ("Name", "Kind", "Bytes", "Begun", "Id"), map(_row, found), optional=("Bytes", "Id"))


def _row(file: Answer) -> tuple[Cell, ...]:
    return (
        file.text("name"),
        file.text("kind"),
        f"{file.count('properties/size'):,}",
        moment(file.text("createdDateTime")),
        file.id,
    )


@app.command("download")
def download(
    context: typer.Context,
    place: Place,
    file: Annotated[Path, typer.Argument(help="Zip file to write.")],
    project: InProject = None,
) -> None:
    """Write everything that was kept into one zip."""
    client = connect(context)
    size = client.download(f"/api/v1/endpoints/{_place(client, place, project)}/logs.zip", file)
    say(f"{file} has {size:,} bytes.")


@app.command("delete")
def delete(
    context: typer.Context,
    place: Place,
    since: Since = None,
    until: Until = None,
    session: Annotated[str | None, typer.Option(help="Only of this session: the UUID in the names.")] = None,
    project: InProject = None,
) -> None:
    """Remove what was kept: all of it, some days, or one session."""
    from tympan.cli.waiting import watch

    client = connect(context)
    options = {"startDate": since, "endDate": until, "session": session}
    query = {name: value for name, value in options.items() if value is not None}
    job = client.delete(f"/api/v1/endpoints/{_place(client, place, project)}/logs", **query)
    done = watch(client, job.text("self"), is_quiet=False)
    if done.text("state") != "Succeeded":
        raise InvalidInputError(f"The logs were not all removed: {done.text('error/message')}")
    say("The logs are removed.")


def _place(client: Client, place: str, project: str | None) -> str:
    if place.lower().startswith(_BASE):
        return place
    return find(client, "endpoints", place, project_of(client, project)).id
