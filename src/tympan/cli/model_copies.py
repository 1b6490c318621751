"""``tympan model copy``, ``export`` and ``import``."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import say, show_json
from tympan.cli.session import InProject, Json, Wait, connect, find, project_of
from tympan.domain.errors import EngineError, InvalidInputError
from tympan.ports.copy_target import ARCHIVE_OFFER, COPY_CHUNK_BYTES

if TYPE_CHECKING:
    from tympan.cli.client import Client


def add_to(app: typer.Typer) -> None:
    """Add the commands to ``tympan model``."""
    app.command("copy")(copy)
    app.command("export")(export)
    app.command("import")(import_archive)


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


def export(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name or id of the model.")],
    file: Annotated[Path, typer.Argument(help="Archive to write.")],
    project: InProject = None,
) -> None:
    """Write a model with all its files into one archive: a backup, or a way to a server out of reach."""
    client = connect(context)
    model = find(client, "models", name, project_of(client, project))
    size = client.download(f"/api/v1/models/{model.id}/archive.zip", file)
    say(f"Model '{model.name}' is in {file}, {size:,} bytes.")


def import_archive(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Archive that `tympan model export` wrote.")],
    to_project: Annotated[
        str | None, typer.Option("--project", "-p", help="Name or id of a project to put it in.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring a model in from an archive; every file is checked against its SHA-256."""
    from tympan.cli.client import existing_file

    client = connect(context)
    shelf = project_of(client, to_project)
    try:
        with zipfile.ZipFile(existing_file(file)) as archive:
            model_id = _bring(client, archive)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InvalidInputError(f"{file} is no archive of a model, or is damaged: {error}.") from error
    path = f"/speechtotext/v3.2/models/{model_id}"
    model = (
        client.get(path) if shelf is None else client.patch(path, {"project": {"self": shelf.text("self")}})
    )
    if as_json:
        show_json(model.value)
        return
    say(f"Model '{model.name}' is here ({model.id}).")


def _bring(client: Client, archive: zipfile.ZipFile) -> str:
    """Send an archive as another server would send its model; the id of the new one."""
    offer = archive.read(ARCHIVE_OFFER)
    source = json.loads(offer)["source_resource_id"]
    given = client.post("/speechtotext/v3.2/models:authorizecopy", {"sourceResourceId": source})
    opened: Mapping[str, str] = {"bearer": given.text("id")}
    route, binary = "/api/v1/model-copies", "application/octet-stream"
    answer = client.post_bytes(f"{route}:offer", offer, content_type="application/json", **opened)
    for sha256, received in answer.members("received").items():
        start = received if isinstance(received, int) else 0
        with archive.open(f"files/{sha256}") as content:
            content.seek(start)
            while chunk := content.read(COPY_CHUNK_BYTES):
                query = {"sha256": sha256, "start": str(start)}
                client.post_bytes(f"{route}:send", chunk, content_type=binary, **opened, **query)
                start += len(chunk)
    return client.post_bytes(f"{route}:publish", b"{}", content_type="application/json", **opened).text(
        "model"
    )
