"""``tympan evaluation``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tympan.cli import evaluation_reports
from tympan.cli.documents import Answer
from tympan.cli.evaluation_reports import Terms, read_terms
from tympan.cli.output import Cell, failure_text, moment, percent, say, show_json, show_table, status_text
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

if TYPE_CHECKING:
    from tympan.cli.client import Client

app = typer.Typer(help="Tests of models on recordings with transcripts.", no_args_is_help=True)

evaluation_reports.add_to(app)

Name = Annotated[str, typer.Argument(help="Name or id of the evaluation.")]


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="Name or id of an acoustic dataset.")],
    model: Annotated[
        list[str],
        typer.Option("--model", "-m", help="Name or id, or 'base'; repeatable, the first is the baseline."),
    ],
    terms: Terms = None,
    project: InProject = None,
    locale: InLocale = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Test one or more models on a dataset."""
    from tympan.cli.waiting import finished

    client = connect(context)
    shelf = project_of(client, project)
    place = locale_of(locale, shelf)
    tested = [find_model(client, one, locale=place, project=shelf).text("self") for one in model]
    body = members(name, place, shelf) | {
        "dataset": {"self": find(client, "datasets", dataset, shelf).text("self")},
        "model1": {"self": tested[0]},
        "model2": {"self": tested[1] if len(tested) > 1 else tested[0]},
        "models": [{"self": url} for url in tested],
    }
    if terms is not None:
        body["tympan"] = {"terms": read_terms(terms)}
    evaluation = client.post("/speechtotext/v3.2/evaluations", body)
    if wait:
        evaluation = finished(client, evaluation, is_quiet=as_json)
    _show(client, evaluation, as_json=as_json)


@app.command("show")
def show(context: typer.Context, name: Name, project: InProject = None, as_json: Json = False) -> None:
    """Show what an evaluation found."""
    client = connect(context)
    _show(client, find(client, "evaluations", name, project_of(client, project)), as_json=as_json)


def _show(client: Client, evaluation: Answer, *, as_json: bool) -> None:
    if as_json:
        show_json(evaluation.value)
        return
    say(f"Evaluation '{evaluation.name}' is ", status_text(evaluation.status), f" ({evaluation.id})")
    if evaluation.status == "Failed":
        say(failure_text(evaluation))
    if evaluation.status != "Succeeded":
        return
    numbers = ("WER", "95 % interval", "Words", "Subst.", "Del.", "Ins.", "CER", "Change")
    show_table(
        f"Word error rate, {evaluation.text('tympan/normalizer')}",
        ("Model", *numbers),
        _rows(client, evaluation),
        numbers=numbers,
        optional=("CER", "Words"),
    )
    for sentence in evaluation.texts("tympan/verdicts"):
        say((sentence, "bold"))
    for warning in evaluation.texts("tympan/warnings"):
        say(("Note: ", "yellow"), warning)


def _rows(client: Client, evaluation: Answer) -> list[tuple[Cell, ...]]:
    changes = {
        one.text("model/self"): one.number("relativeChange") for one in evaluation.parts("tympan/comparisons")
    }
    rows: list[tuple[Cell, ...]] = []
    for score in evaluation.parts("tympan/scores"):
        url = score.text("model/self")
        low, high = (score.number(f"wordErrorRateInterval/{end}") for end in ("low", "high"))
        change = changes.get(url)
        rows.append(
            (
                _model_name(client, url),
                percent(score.number("wordErrorRate")),
                f"{percent(low)} to {percent(high)}",
                *(str(score.count(name)) for name in ("words", "substitutions", "deletions", "insertions")),
                percent(score.number("characterErrorRate")),
                "" if change is None else f"{100 * change:+.1f} %",
            )
        )
    return rows


def _model_name(client: Client, url: str) -> str:
    from tympan.domain.errors import NotFoundError

    path = url.removeprefix(client.url)
    try:
        return client.get(path).name
    except NotFoundError:
        return f"{url.rsplit('/', 1)[-1]} (deleted)"


@app.command("list")
def list_evaluations(context: typer.Context, project: InProject = None, as_json: Json = False) -> None:
    """Show the evaluations."""
    client = connect(context)
    shelf = project_of(client, project)
    within = "" if shelf is None else f"/projects/{shelf.id}"
    found = list(client.pages(f"/speechtotext/v3.2{within}/evaluations"))
    if as_json:
        show_json([evaluation.value for evaluation in found])
        return
    columns = ("Name", "Status", "Models", "WER 1", "WER 2", "Created", "Id")
    numbers = ("Models", "WER 1", "WER 2")
    optional = ("Created", "Models", "Status")
    show_table("Evaluations", columns, map(_list_row, found), numbers=numbers, optional=optional)


def _list_row(evaluation: Answer) -> tuple[Cell, ...]:
    models = list(evaluation.parts("models"))
    second = percent(evaluation.number("properties/wordErrorRate2")) if len(models) > 1 else ""
    return (
        evaluation.name,
        status_text(evaluation.status),
        str(len(models)),
        percent(evaluation.number("properties/wordErrorRate1")),
        second,
        moment(evaluation.text("createdDateTime")),
        evaluation.id,
    )


@app.command("delete")
def delete(context: typer.Context, name: Name, project: InProject = None) -> None:
    """Delete an evaluation."""
    client = connect(context)
    evaluation = find(client, "evaluations", name, project_of(client, project))
    client.delete(f"/speechtotext/v3.2/evaluations/{evaluation.id}")
    say(f"Evaluation '{evaluation.name}' is deleted.")
