"""``tympan model``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tympan.cli import model_copies, model_trainings
from tympan.cli.documents import Answer
from tympan.cli.output import (
    Cell,
    day,
    failure_text,
    moment,
    percent,
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

app = typer.Typer(help="Models trained here.", no_args_is_help=True)

model_copies.add_to(app)
model_trainings.add_to(app)

Name = Annotated[str, typer.Argument(help="Name or id of the model.")]


@app.command("train")
def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    dataset: Annotated[list[str], typer.Option("--dataset", "-d", help="Name or id; repeatable.")],
    base: Annotated[str, typer.Option(help="Base model: name, id, or 'base' for the newest.")] = "base",
    project: InProject = None,
    locale: InLocale = None,
    weight: Annotated[int | None, typer.Option(help="Weight of the training, 1 to 100 percent.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Training setting as NAME=VALUE; repeatable.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Train a custom model from datasets."""
    from tympan.cli.waiting import finished

    client = connect(context)
    shelf = project_of(client, project)
    place = locale_of(locale, shelf)
    sources = [find(client, "datasets", one, shelf) for one in dataset]
    body = members(name, place, shelf) | {
        "baseModel": {"self": find_model(client, base, locale=place, project=shelf).text("self")},
        "datasets": [{"self": source.text("self")} for source in sources],
        "description": description,
        "properties": {"customModelWeightPercent": weight},
        "tympan": {"settings": dict(map(_setting, setting or []))},
    }
    model = client.post("/speechtotext/v3.2/models", body)
    if wait:
        model = finished(client, model, is_quiet=as_json)
    if as_json:
        show_json(model.value)
        return
    say(f"Model '{model.name}' is ", status_text(model.status), f" ({model.id})")
    if model.status == "Succeeded":
        show_members(_summary(model))
        say(f"Test it with: tympan evaluation create NAME --dataset TEST --model base --model {model.id}")


def _setting(text: str) -> tuple[str, object]:
    name, sign, value = text.partition("=")
    if not sign:
        raise InvalidInputError(f"'{text}' is no setting. Write it as NAME=VALUE, such as seed=1.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _summary(model: Answer) -> list[tuple[str, str]]:
    figures = model.members("tympan/summary")
    return [(_label(name), _figure(name, value)) for name, value in figures.items() if value is not None]


def _label(name: str) -> str:
    return name.replace("_", " ")


def _figure(name: str, value: object) -> str:
    if isinstance(value, float):
        return percent(value) if "wer" in name.lower() else f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)


@app.command("list")
def list_models(context: typer.Context, project: InProject = None, as_json: Json = False) -> None:
    """Show the custom models."""
    client = connect(context)
    shelf = project_of(client, project)
    within = "" if shelf is None else f"/projects/{shelf.id}"
    found = list(client.pages(f"/speechtotext/v3.2{within}/models"))
    if as_json:
        show_json([model.value for model in found])
        return
    columns = ("Name", "Locale", "Status", "Recognises until", "Created", "Id")
    optional = ("Created", "Locale", "Recognises until")
    show_table("Custom models", columns, map(_row, found), optional=optional)


def _row(model: Answer) -> tuple[Cell, ...]:
    return (
        model.name,
        model.text("locale"),
        status_text(model.status),
        day(model.text("properties/deprecationDates/transcriptionDateTime")),
        moment(model.text("createdDateTime")),
        model.id,
    )


@app.command("approve")
def approve(
    context: typer.Context,
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the model.")],
    project: InProject = None,
) -> None:
    """Let a model be deployed that was not found to be better than its base model."""
    client = connect(context)
    model = find(client, "models", name, project_of(client, project))
    client.post(f"/api/v1/models/{model.id}:approve", {"reason": reason})
    say(f"Model '{model.name}' may be deployed.")


@app.command("show")
def show(context: typer.Context, name: Name, project: InProject = None, as_json: Json = False) -> None:
    """Show one custom model."""
    client = connect(context)
    model = find(client, "models", name, project_of(client, project))
    if as_json:
        show_json(model.value)
        return
    columns = ("Name", "Locale", "Status", "Recognises until", "Created", "Id")
    rows = zip(columns, _row(model), strict=True)
    base = ("Base model", model.text("baseModel/self"))
    show_members([*rows, base, ("Error", failure_text(model)), *_summary(model)])


@app.command("report")
def report(context: typer.Context, name: Name, project: InProject = None) -> None:
    """Write the training report as JSON: what was used and dropped, and what came of it."""
    client = connect(context)
    model = find(client, "models", name, project_of(client, project))
    show_json(json.loads(client.content(f"/api/v1/models/{model.id}/report")))


@app.command("delete")
def delete(context: typer.Context, name: Name, project: InProject = None) -> None:
    """Delete a custom model."""
    client = connect(context)
    model = find(client, "models", name, project_of(client, project))
    client.delete(f"/speechtotext/v3.2/models/{model.id}")
    say(f"Model '{model.name}' is deleted.")
