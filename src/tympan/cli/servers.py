"""``tympan serve``, ``worker``, ``migrate`` and ``doctor``: what runs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer
from rich.text import Text

from tympan.cli.errors import FAILED
from tympan.cli.output import say, show_json, show_table
from tympan.cli.session import Json, Options

if TYPE_CHECKING:
    from tympan.app.settings import Settings

DataDir = Annotated[Path | None, typer.Option(help="Folder for everything the server keeps.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (serve, worker, migrate, doctor):
        app.command(command.__name__)(command)


class _Given(TypedDict, total=False):
    """Settings said on the command line; the rest comes from the environment."""

    data_dir: Path
    host: str
    port: int


def _settings(context: typer.Context, data_dir: Path | None, given: _Given | None = None) -> Settings:
    from tympan.app.settings import Settings

    options = context.obj if isinstance(context.obj, Options) else Options()
    said: _Given = given or {}
    folder = data_dir or options.data_dir
    if folder is not None:
        said["data_dir"] = folder
    return Settings(**said)


def serve(
    context: typer.Context,
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.")] = None,
) -> None:
    """Start everything: portal, API, worker and model host."""
    from tympan.app import supervisor

    given: _Given = {}
    if host is not None:
        given["host"] = host
    if port is not None:
        given["port"] = port
    supervisor.serve(_settings(context, data_dir, given))


def worker(context: typer.Context, data_dir: DataDir = None) -> None:
    """Start a worker only, for a machine of its own."""
    from tympan.app import processes

    processes.run_worker(_settings(context, data_dir))


def migrate(context: typer.Context, data_dir: DataDir = None) -> None:
    """Bring the database to the form this version needs; `serve` does it too."""
    from tympan.app import migration

    settings = _settings(context, data_dir)
    migration.migrate(settings)
    say("The database is up to date.")


def doctor(context: typer.Context, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Look for what could keep this machine from working, and say what to do."""
    from tympan.app.diagnosis import diagnose

    findings = diagnose(_settings(context, data_dir))
    if as_json:
        show_json(
            [
                {"check": one.check, "ok": one.is_ok, "found": one.found, "advice": one.advice}
                for one in findings
            ]
        )
    else:
        rows = (
            (Text("ok", "green") if one.is_ok else Text("problem", "red"), one.check, one.found, one.advice)
            for one in findings
        )
        show_table("Doctor", ("", "Check", "Found", "What to do"), rows)
    if not all(one.is_ok for one in findings):
        raise typer.Exit(FAILED)
