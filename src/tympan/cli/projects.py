"""``tympan project``."""

from __future__ import annotations

from typing import Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import Cell, moment, say, show_json, show_members, show_table
from tympan.cli.session import Json, connect, find

app = typer.Typer(help="Shelves for datasets, models, tests and endpoints.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name or id of the project.")]


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    locale: Annotated[str, typer.Option("--locale", "-l", help="Locale, such as en-US.")] = "en-US",
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    as_json: Json = False,
) -> None:
    """Make a project."""
    client = connect(context)
    body: dict[str, object] = {"displayName": name, "locale": locale, "description": description}
    project = client.post("/speechtotext/v3.2/projects", body)
    if as_json:
        show_json(project.value)
    else:
        say(f"Project '{project.name}' ({project.text('locale')}) is made: {project.id}")


@app.command("list")
def list_projects(context: typer.Context, as_json: Json = False) -> None:
    """Show all projects."""
    found = list(connect(context).pages("/speechtotext/v3.2/projects"))
    if as_json:
        show_json([project.value for project in found])
        return
    counts = ("Datasets", "Models", "Tests", "Endpoints")
    columns = ("Name", "Locale", *counts, "Created", "Id")
    show_table("Projects", columns, map(_row, found), numbers=counts, optional=("Created", *counts))


def _row(project: Answer) -> tuple[Cell, ...]:
    kinds = ("dataset", "model", "evaluation", "endpoint")
    return (
        project.name,
        project.text("locale"),
        *(str(project.count(f"properties/{kind}Count")) for kind in kinds),
        moment(project.text("createdDateTime")),
        project.id,
    )


@app.command("show")
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show one project."""
    project = find(connect(context), "projects", name)
    if as_json:
        show_json(project.value)
        return
    columns = ("Name", "Locale", "Datasets", "Models", "Tests", "Endpoints", "Created", "Id")
    show_members([*zip(columns, _row(project), strict=True), ("Description", project.text("description"))])


@app.command("delete")
def delete(context: typer.Context, name: Name) -> None:
    """Delete a project; what is in it stays."""
    client = connect(context)
    project = find(client, "projects", name)
    client.delete(f"/speechtotext/v3.2/projects/{project.id}")
    say(f"Project '{project.name}' is deleted. Its members are kept.")
