"""``tympan model copy``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import say, show_json
from tympan.cli.session import InProject, Json, Wait, connect, find, project_of
from tympan.domain.errors import EngineError

if TYPE_CHECKING:
    from tympan.cli.client import Client


def add_to(app: typer.Typer) -> None:
    """Add the command to ``tympan model``."""
    app.command("copy")(copy)


def copy(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name or id of the model.")],
    to: Annotated[str | None, typer.Option("--to", help="URL of the other server; none copies here.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="Key of the other server.")] = None,
    to_project: Annotated[
        str | None, typer.Option("--to-project", help="Name or id of a project over there to put it in.")
    ] = None,
    project: InProject = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Copy a model to another server; the files go from server to server, and go on after a break."""
    from tympan.cli.client import Client
    from tympan.cli.waiting import watch

    client = connect(context)
    model = find(client, "models", name, project_of(client, project))
    target = client if to is None else Client(to, key or "")
    if target is not client:
        context.call_on_close(target.close)
    own = client.get("/api/v1/server").text("resourceId")
    given = target.post("/speechtotext/v3.2/models:authorizecopy", {"sourceResourceId": own})
    body = given.all_members()
    if to is not None:
        # As this command reaches it, whatever the target thinks of its own address.
        body["targetResourceEndpoint"] = to
    operation = client.post(f"/speechtotext/v3.2/models/{model.id}:copy", body)
    if wait:
        watch(client, operation.text("tympan/job/self"), is_quiet=as_json)
        operation = client.get(f"/speechtotext/v3.2/operations/models/copy/{operation.text('id')}")
        if operation.status == "Failed":
            raise EngineError(f"Model '{model.name}' was not copied: {operation.text('error/message')}")
        _place(target, operation, to_project)
    if as_json:
        show_json(operation.value)
        return
    said = f"is copied to {operation.text('result/link')}" if wait else "is being copied"
    say(f"Model '{model.name}' {said}.")


def _place(target: Client, operation: Answer, project: str | None) -> None:
    if project is None:
        return
    shelf = find(target, "projects", project)
    model_id = operation.text("result/link").partition("?")[0].rpartition("/")[2]
    target.patch(f"/speechtotext/v3.2/models/{model_id}", {"project": {"self": shelf.text("self")}})
