"""``tympan dataset``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import (
    Cell,
    console,
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
    locale_of,
    members,
    project_of,
)
from tympan.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from tympan.cli.client import Client

app = typer.Typer(help="Recordings and texts to train and test with.", no_args_is_help=True)

KINDS = {
    "acoustic": "Acoustic",
    "audio": "AudioFiles",
    "text": "Language",
    "pronunciation": "Pronunciation",
    "structured-text": "LanguageMarkdown",
    "display-format": "OutputFormatting",
}
"""Short names of the dataset kinds; the published names work too."""

_ROWS = 50
Name = Annotated[str, typer.Argument(help="Name or id of the dataset.")]


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    kind: Annotated[str, typer.Option("--kind", "-k", help=f"One of: {', '.join(KINDS)}.")],
    file: Annotated[Path | None, typer.Argument(help="Zip, recording or text file to upload.")] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="Where the server shall fetch the file, instead of FILE.")
    ] = None,
    project: InProject = None,
    locale: InLocale = None,
    description: Annotated[str | None, typer.Option(help="What it is.")] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Upload a dataset or have it fetched, and have every line and file of it checked."""
    from tympan.cli.client import existing_file, management
    from tympan.cli.waiting import finished

    if (file is None) == (url is None):
        raise InvalidInputError("Give either the path of a file or --url.")
    if file is not None:
        existing_file(file)
    client = connect(context)
    shelf = project_of(client, project)
    body = members(name, locale_of(locale, shelf), shelf) | {"kind": _kind(kind)}
    if description is not None:
        body["description"] = description
    if file is not None:
        dataset = uploaded(client, body, file, is_quiet=as_json)
    else:
        dataset = client.post(management("datasets"), body | {"contentUrl": url})
    if wait:
        dataset = finished(client, dataset, is_quiet=as_json)
    if as_json:
        show_json(dataset.value)
        return
    say(f"Dataset '{dataset.name}' is ", status_text(dataset.status), f": {_counts(dataset)} ({dataset.id})")
    if dataset.count("properties/rejectedLineCount"):
        say(f"See why with: tympan dataset report {dataset.id}")


def _kind(text: str) -> str:
    known = KINDS | {value.lower(): value for value in KINDS.values()}
    kind = known.get(text.lower())
    if kind is None:
        raise InvalidInputError(f"There is no dataset kind '{text}'. Use one of: {', '.join(KINDS)}.")
    return kind


def uploaded(client: Client, body: dict[str, object], file: Path, *, is_quiet: bool) -> Answer:
    """Send a file as a new dataset, with a bar while it goes; a large one in blocks."""
    from tympan.cli.block_upload import FROM_BYTES, upload_in_blocks

    size_bytes = file.stat().st_size
    with _bar(file.name, size_bytes, is_quiet=is_quiet) as on_sent:
        if size_bytes > FROM_BYTES:
            return upload_in_blocks(client, body, file, on_sent)
        project = body.get("project")
        reference = {"project": Answer(project).text("self")} if project else {}
        fields = {member: str(value) for member, value in (body | reference).items()}
        return client.upload("/speechtotext/v3.2/datasets/upload", fields, file, on_sent)


@contextmanager
def _bar(name: str, size_bytes: int, *, is_quiet: bool) -> Iterator[Callable[[int], None]]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (
        TextColumn("Uploading {task.description}", markup=False),
        BarColumn(bar_width=30),
        DownloadColumn(),
    )
    is_hidden = is_quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as progress:
        line = progress.add_task(name, total=size_bytes)
        yield lambda sent: progress.advance(line, sent)


def _counts(dataset: Answer) -> str:
    accepted, rejected = (dataset.count(f"properties/{name}LineCount") for name in ("accepted", "rejected"))
    duration = dataset.text("properties/duration").removeprefix("PT").lower()
    said = f"{accepted} accepted, {rejected} rejected"
    return said if duration in ("", "0s") else f"{said}, {duration} of audio"


@app.command("list")
def list_datasets(context: typer.Context, project: InProject = None, as_json: Json = False) -> None:
    """Show the datasets."""
    client = connect(context)
    shelf = project_of(client, project)
    within = "" if shelf is None else f"/projects/{shelf.id}"
    found = list(client.pages(f"/speechtotext/v3.2{within}/datasets"))
    if as_json:
        show_json([dataset.value for dataset in found])
        return
    columns = ("Name", "Kind", "Locale", "Status", "Accepted", "Rejected", "Audio", "Created", "Id")
    show_table(
        "Datasets",
        columns,
        map(_row, found),
        numbers=("Accepted", "Rejected"),
        optional=("Created", "Locale", "Audio", "Kind", "Rejected"),
    )


def _row(dataset: Answer) -> tuple[Cell, ...]:
    return (
        dataset.name,
        dataset.text("kind"),
        dataset.text("locale"),
        status_text(dataset.status),
        str(dataset.count("properties/acceptedLineCount")),
        str(dataset.count("properties/rejectedLineCount")),
        dataset.text("properties/duration").removeprefix("PT").lower(),
        moment(dataset.text("createdDateTime")),
        dataset.id,
    )


@app.command("show")
def show(context: typer.Context, name: Name, project: InProject = None, as_json: Json = False) -> None:
    """Show one dataset."""
    client = connect(context)
    dataset = find(client, "datasets", name, project_of(client, project))
    if as_json:
        show_json(dataset.value)
        return
    columns = ("Name", "Kind", "Locale", "Status", "Accepted", "Rejected", "Audio", "Created", "Id")
    show_members([*zip(columns, _row(dataset), strict=True), ("Error", failure_text(dataset))])


@app.command("report")
def report(
    context: typer.Context,
    name: Name,
    project: InProject = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every row, not only findings.")] = False,
    as_json: Json = False,
) -> None:
    """Show what the import found, line by line and file by file."""
    client = connect(context)
    dataset = find(client, "datasets", name, project_of(client, project))
    document = json.loads(client.content(f"/api/v1/datasets/{dataset.id}/report"))
    if as_json:
        show_json(document)
        return
    _show_report(dataset, Answer(document), is_whole=everything)


def _show_report(dataset: Answer, document: Answer, *, is_whole: bool) -> None:
    say((dataset.name, "bold"), f": {_counts(dataset)}, {document.count('warningCount')} warnings")
    issues = list(document.parts("issues"))
    if not issues:
        say("Nothing was found to say against it.")
        return
    codes = Counter((issue.text("severity"), issue.text("code")) for issue in issues)
    show_table(
        "Findings",
        ("Severity", "Code", "Count"),
        ((severity, code, str(count)) for (severity, code), count in codes.most_common()),
        numbers=("Count",),
    )
    shown = issues if is_whole else issues[:_ROWS]
    columns = ("Severity", "Where", "Line", "Code", "What")
    show_table(f"First {len(shown)} of {len(issues)}", columns, map(_issue_row, shown), numbers=("Line",))
    if len(shown) < len(issues):
        say("See them all with --all.")


def _issue_row(issue: Answer) -> tuple[Cell, ...]:
    where = issue.text("audio") or issue.text("file")
    line = issue.count("line")
    return issue.text("severity"), where, str(line) if line else "", issue.text("code"), issue.text("message")


@app.command("delete")
def delete(context: typer.Context, name: Name, project: InProject = None) -> None:
    """Delete a dataset."""
    client = connect(context)
    dataset = find(client, "datasets", name, project_of(client, project))
    client.delete(f"/speechtotext/v3.2/datasets/{dataset.id}")
    say(f"Dataset '{dataset.name}' is deleted.")
