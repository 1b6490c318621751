"""``tympan base-model``."""

from __future__ import annotations

from typing import Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import Cell, day, say, show_json, show_members, show_table
from tympan.cli.session import InLocale, Json, Wait, connect, find_model
from tympan.domain.errors import EngineError

app = typer.Typer(help="Models as supplied, which custom models are trained from.", no_args_is_help=True)


@app.command("list")
def list_base_models(context: typer.Context, locale: InLocale = None, as_json: Json = False) -> None:
    """Show the base models."""
    query = {} if locale is None else {"filter": f"locale eq '{locale}'"}
    found = list(connect(context).pages("/speechtotext/v3.2/models/base", **query))
    if as_json:
        show_json([model.value for model in found])
        return
    columns = ("Name", "Locale", "Size", "Licence", "Trains until", "Recognises until", "Id")
    title = "Base models" if locale is None else f"Base models for {locale}"
    optional = ("Licence", "Size", "Locale", "Trains until", "Recognises until")
    show_table(title, columns, map(_row, found), numbers=("Size",), optional=optional)
    if not found:
        say("Import one with: tympan base-model import hf:owner/name")


def _row(model: Answer) -> tuple[Cell, ...]:
    return (
        model.name,
        model.text("locale"),
        f"{model.count('tympan/sizeBytes') / 1e6:.0f} MB",
        model.text("tympan/licence"),
        day(model.text("properties/deprecationDates/adaptationDateTime")),
        day(model.text("properties/deprecationDates/transcriptionDateTime")),
        model.id,
    )


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name or id; 'base' is the newest of the locale.")],
    locale: Annotated[str, typer.Option("--locale", "-l", help="Locale, such as en-US.")] = "en-US",
    as_json: Json = False,
) -> None:
    """Show one base model."""
    model = find_model(connect(context), name, locale=locale)
    if as_json:
        show_json(model.value)
        return
    columns = ("Name", "Locale", "Size", "Licence", "Trains until", "Recognises until", "Id")
    kinds = ", ".join(model.texts("properties/features/supportsAdaptationsWith"))
    rows = zip(columns, _row(model), strict=True)
    show_members([*rows, ("Source", model.text("tympan/source")), ("Adapts with", kinds)])


@app.command("import")
def import_model(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Installed package, folder on the server, or hf:owner/name.")],
    locale: Annotated[
        list[str] | None, typer.Option("--locale", "-l", help="Offer it for this locale only; repeatable.")
    ] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Bring a base model in."""
    from tympan.cli.waiting import watch

    client = connect(context)
    body: dict[str, object] = {"source": source, "locales": locale or None}
    job = client.post("/api/v1/base-models:import", body)
    if wait:
        job = watch(client, f"/api/v1/jobs/{job.id}", is_quiet=as_json)
    if as_json:
        show_json(job.value)
    if job.text("state") in ("Failed", "Cancelled"):
        raise EngineError(
            f"The import of {source} failed: {job.text('error/message') or 'it was cancelled.'}"
        )
    if not as_json:
        done = "is imported" if wait else f"is being imported; watch it with: tympan job show {job.id}"
        say(f"{source} {done}")
