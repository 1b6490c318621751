"""``tympan endpoint``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tympan.cli import endpoint_logs
from tympan.cli.documents import Answer
from tympan.cli.output import (
    Cell,
    failure_text,
    moment,
    say,
    show_json,
    show_members,
    show_table,
    status_text,
)
from tympan.cli.session import (
    InLocale,
    InProject,
    Json,
    Wait,
    connect,
    find,
    find_model,
    locale_of,
    members,
    project_of,
)
from tympan.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from tympan.cli.client import Client

app = typer.Typer(help="Deployed models.", no_args_is_help=True)
key_app = typer.Typer(help="Keys that open one endpoint and nothing else.", no_args_is_help=True)
app.add_typer(key_app, name="key")
app.add_typer(endpoint_logs.app, name="logs")

Name = Annotated[str, typer.Argument(help="Name or id of the endpoint.")]


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Name or id of a model, or 'base'.")] = "base",
    project: InProject = None,
    locale: InLocale = None,
    logging: Annotated[bool, typer.Option("--logging", help="Keep audio and results of requests.")] = False,
    time_to_live: Annotated[
        str | None, typer.Option(help="Delete it so long after its deployment, as PT12H or P7D.")
    ] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Deploy a model, and make a key for it."""
    from tympan.cli.waiting import finished

    client = connect(context)
    shelf = project_of(client, project)
    place = locale_of(locale, shelf)
    chosen = find_model(client, model, locale=place, project=shelf)
    body = members(name, place, shelf) | {
        "model": {"self": chosen.text("self")},
        "properties": {"loggingEnabled": logging, "timeToLive": time_to_live},
    }
    endpoint = client.post("/speechtotext/v3.2/endpoints", body)
    if wait:
        endpoint = finished(client, endpoint, is_quiet=as_json)
    key = client.post(f"/api/v1/endpoints/{endpoint.id}/keys", {"name": "first"})
    if as_json:
        show_json({"endpoint": endpoint.value, "key": key.value})
        return
    say(f"Endpoint '{endpoint.name}' is ", status_text(endpoint.status), f" ({endpoint.id})")
    _show_use(endpoint, key.text("key"))


def _show_use(endpoint: Answer, key: str) -> None:
    url = f"{endpoint.text('links/restConversation')}&language={endpoint.text('locale')}"
    say(f"URL  {url}")
    say(f"Key  {key}   ", ("(shown only now; it opens this endpoint alone)", "dim"))
    say("Try it:")
    say(
        f'  curl -H "Ocp-Apim-Subscription-Key: {key}" -H "Content-Type: audio/wav" '
        f'--data-binary @recording.wav "{url}"'
    )


@app.command("list")
def list_endpoints(context: typer.Context, project: InProject = None, as_json: Json = False) -> None:
    """Show the endpoints."""
    client = connect(context)
    shelf = project_of(client, project)
    within = "" if shelf is None else f"/projects/{shelf.id}"
    found = list(client.pages(f"/speechtotext/v3.2{within}/endpoints"))
    if as_json:
        show_json([endpoint.value for endpoint in found])
        return
    columns = ("Name", "Locale", "Status", "Model", "Created", "Id")
    show_table("Endpoints", columns, map(_row, found), optional=("Model", "Created", "Locale"))


def _row(endpoint: Answer) -> tuple[Cell, ...]:
    status = "Suspended" if endpoint.flag("tympan/suspended") else endpoint.status
    return (
        endpoint.name,
        endpoint.text("locale"),
        status_text(status),
        endpoint.text("model/self").rsplit("/", 1)[-1],
        moment(endpoint.text("createdDateTime")),
        endpoint.id,
    )


@app.command("show")
def show(context: typer.Context, name: Name, project: InProject = None, as_json: Json = False) -> None:
    """Show one endpoint and its URLs."""
    client = connect(context)
    endpoint = find(client, "endpoints", name, project_of(client, project))
    if as_json:
        show_json(endpoint.value)
        return
    rows = zip(("Name", "Locale", "Status", "Model", "Created", "Id"), _row(endpoint), strict=True)
    urls = [
        (name, str(url))
        for name, url in endpoint.members("links").items()
        if name.startswith(("rest", "webSocket"))
    ]
    warnings = [("Note", text) for text in endpoint.texts("tympan/warnings")]
    show_members([*rows, ("Error", failure_text(endpoint)), *warnings, *urls])


@app.command("update")
def update(
    context: typer.Context,
    name: Name,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Name or id of the new model, or 'base'.")
    ] = None,
    logging: Annotated[
        bool | None, typer.Option("--logging/--no-logging", help="Whether audio and results are kept.")
    ] = None,
    project: InProject = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Change the model or the logging; the old model answers until the new one is warm."""
    from tympan.cli.waiting import finished

    client = connect(context)
    shelf = project_of(client, project)
    endpoint = find(client, "endpoints", name, shelf)
    if model is None and logging is None:
        raise InvalidInputError("Say what to change: --model, --logging or --no-logging.")
    body: dict[str, object] = {}
    if model is not None:
        chosen = find_model(client, model, locale=endpoint.text("locale"), project=shelf)
        body["model"] = {"self": chosen.text("self")}
    if logging is not None:
        body["properties"] = {"contentLoggingEnabled": logging}
    endpoint = client.patch(f"/speechtotext/v3.2/endpoints/{endpoint.id}", body)
    if wait and model is not None:
        endpoint = finished(client, endpoint, is_quiet=as_json)
    if as_json:
        show_json(endpoint.value)
        return
    keeps = "keeps" if endpoint.flag("properties/loggingEnabled") else "does not keep"
    model_id = endpoint.text("model/self").rpartition("/")[2]
    said = f"; its model is {model_id}, and it {keeps} logs."
    say(f"Endpoint '{endpoint.name}' is ", status_text(endpoint.status), said)


@app.command("suspend")
def suspend(context: typer.Context, name: Name, project: InProject = None) -> None:
    """Refuse requests; the id and the keys stay."""
    client = connect(context)
    endpoint = _acted(client, name, project, "suspend")
    say(f"Endpoint '{endpoint.name}' is suspended. `tympan endpoint resume` opens it again.")


@app.command("resume")
def resume(context: typer.Context, name: Name, project: InProject = None) -> None:
    """Answer requests again."""
    client = connect(context)
    endpoint = _acted(client, name, project, "resume")
    say(f"Endpoint '{endpoint.name}' answers again.")


def _acted(client: Client, name: str, project: str | None, action: str) -> Answer:
    endpoint = find(client, "endpoints", name, project_of(client, project))
    return client.post(f"/api/v1/endpoints/{endpoint.id}:{action}")


@app.command("delete")
def delete(context: typer.Context, name: Name, project: InProject = None) -> None:
    """Undeploy; its id and keys are gone for good."""
    client = connect(context)
    endpoint = find(client, "endpoints", name, project_of(client, project))
    client.delete(f"/speechtotext/v3.2/endpoints/{endpoint.id}")
    say(f"Endpoint '{endpoint.name}' is deleted.")


@key_app.command("create")
def create_key(
    context: typer.Context,
    endpoint: Name,
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    project: InProject = None,
    as_json: Json = False,
) -> None:
    """Make another key for an endpoint; it is shown once."""
    client = connect(context)
    found = find(client, "endpoints", endpoint, project_of(client, project))
    key = client.post(f"/api/v1/endpoints/{found.id}/keys", {"name": name})
    if as_json:
        show_json(key.value)
        return
    say(f"Key  {key.text('key')}   ", ("(shown only now)", "dim"))


@key_app.command("list")
def list_keys(
    context: typer.Context, endpoint: Name, project: InProject = None, as_json: Json = False
) -> None:
    """Show the keys of an endpoint, by name."""
    client = connect(context)
    found = find(client, "endpoints", endpoint, project_of(client, project))
    keys = list(client.get(f"/api/v1/endpoints/{found.id}/keys").parts("values"))
    if as_json:
        show_json([key.value for key in keys])
        return
    rows = ((key.text("name"), moment(key.text("createdDateTime")), key.text("id")) for key in keys)
    show_table(f"Keys of '{found.name}'", ("Name", "Created", "Id"), rows)


@key_app.command("delete")
def delete_key(
    context: typer.Context,
    endpoint: Name,
    key_id: Annotated[str, typer.Argument(help="Id of the key.")],
    project: InProject = None,
) -> None:
    """Take a key away."""
    client = connect(context)
    found = find(client, "endpoints", endpoint, project_of(client, project))
    client.delete(f"/api/v1/endpoints/{found.id}/keys/{key_id}")
    say("The key is gone.")
