"""``tympan webhook``."""

from __future__ import annotations

from typing import Annotated

import typer

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
from tympan.cli.session import Json, connect, find

app = typer.Typer(help="Receivers that are told what happens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name or id of the web hook.")]


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    url: Annotated[str, typer.Argument(help="Where events are sent; it must answer a challenge.")],
    event: Annotated[
        list[str], typer.Option("--event", "-e", help="Such as modelCompletion; may be given several times.")
    ],
    secret: Annotated[str | None, typer.Option(help="Signs what is sent.")] = None,
    as_json: Json = False,
) -> None:
    """Register a receiver; it is challenged at once."""
    body: dict[str, object] = {
        "displayName": name,
        "webUrl": url,
        "events": dict.fromkeys(event, True),
        "properties": {} if secret is None else {"secret": secret},
    }
    hook = connect(context).post("/speechtotext/v3.2/webhooks", body)
    if as_json:
        show_json(hook.value)
        return
    say(f"Web hook '{hook.name}' is made ({hook.id}). It is told nothing before it has answered the")
    say(f"challenge; see how that went with: tympan webhook show {hook.id}")


@app.command("list")
def list_web_hooks(context: typer.Context, as_json: Json = False) -> None:
    """Show the web hooks."""
    found = list(connect(context).pages("/speechtotext/v3.2/webhooks"))
    if as_json:
        show_json([hook.value for hook in found])
        return
    columns = ("Name", "Status", "URL", "Events", "Created", "Id")
    show_table("Web hooks", columns, map(_row, found), optional=("Created", "Events"))


def _row(hook: Answer) -> tuple[Cell, ...]:
    return (
        hook.name,
        status_text(hook.status),
        hook.text("webUrl"),
        ", ".join(hook.members("events")),
        moment(hook.text("createdDateTime")),
        hook.id,
    )


@app.command("show")
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show one web hook; why its receiver failed, if it did."""
    hook = find(connect(context), "webhooks", name)
    if as_json:
        show_json(hook.value)
        return
    rows = zip(("Name", "Status", "URL", "Events", "Created", "Id"), _row(hook), strict=True)
    version, signed = hook.text("properties/apiVersion"), "yes" if hook.text("properties/secret") else "no"
    show_members([*rows, ("API version", version), ("Signed", signed), ("Error", failure_text(hook))])


@app.command("delete")
def delete(context: typer.Context, name: Name) -> None:
    """Forget a web hook and what it was to be told."""
    client = connect(context)
    hook = find(client, "webhooks", name)
    client.delete(f"/speechtotext/v3.2/webhooks/{hook.id}")
    say(f"Web hook '{hook.name}' is deleted.")


@app.command("ping")
def ping(context: typer.Context, name: Name) -> None:
    """Send the web hook itself to its receiver."""
    client = connect(context)
    hook = find(client, "webhooks", name)
    client.post(f"/speechtotext/v3.2/webhooks/{hook.id}:ping")
    say(f"A ping is on its way. See whether it was taken with: tympan webhook deliveries {hook.id}")


@app.command("deliveries")
def deliveries(
    context: typer.Context,
    name: Name,
    state: Annotated[str | None, typer.Option(help="Only those: waiting, delivered or dead.")] = None,
    as_json: Json = False,
) -> None:
    """Show what a web hook was told or is still to be told, oldest first."""
    client = connect(context)
    hook = find(client, "webhooks", name)
    query = {} if state is None else {"state": state}
    found = list(client.pages(f"/api/v1/webhooks/{hook.id}/deliveries", **query))
    if as_json:
        show_json([delivery.value for delivery in found])
        return
    columns = ("Event", "State", "Attempts", "Next", "Error", "Created", "Id")
    show_table(
        f"Deliveries to '{hook.name}'",
        columns,
        map(_delivery_row, found),
        numbers=("Attempts",),
        optional=("Created", "Next", "Attempts", "Error"),
    )


def _delivery_row(delivery: Answer) -> tuple[Cell, ...]:
    return (
        delivery.text("event"),
        delivery.text("state"),
        str(delivery.count("attempts")),
        moment(delivery.text("nextAttemptDateTime")),
        delivery.text("lastError"),
        moment(delivery.text("createdDateTime")),
        delivery.text("id"),
    )


@app.command("replay")
def replay(
    context: typer.Context,
    name: Name,
    delivery: Annotated[
        str | None, typer.Argument(help="Id of a delivery; all that were given up when left out.")
    ] = None,
) -> None:
    """Send deliveries again, at once."""
    client = connect(context)
    hook = find(client, "webhooks", name)
    log = f"/api/v1/webhooks/{hook.id}/deliveries"
    if delivery is None:
        count = client.post(f"{log}:replay").count("replayed")
        say(f"{count} {'delivery is' if count == 1 else 'deliveries are'} on the way again.")
        return
    client.post(f"{log}/{delivery}:replay")
    say("The delivery is on its way again.")
