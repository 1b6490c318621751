"""``tympan``: start a server, or talk to one."""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import typer

from tympan import __version__
from tympan.cli import (
    base_models,
    datasets,
    endpoints,
    evaluations,
    jobs,
    models,
    projects,
    servers,
    transcribe,
    transcriptions,
    web_hooks,
)
from tympan.cli.errors import FAILED, INTERRUPTED, exit_status
from tympan.cli.session import Options
from tympan.domain.errors import ServiceError

app = typer.Typer(
    help="Open, self-hosted Custom Speech.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
servers.add_to(app)
app.add_typer(projects.app, name="project")
app.add_typer(datasets.app, name="dataset")
app.add_typer(base_models.app, name="base-model")
app.add_typer(models.app, name="model")
app.add_typer(evaluations.app, name="evaluation")
app.add_typer(endpoints.app, name="endpoint")
app.add_typer(transcriptions.app, name="transcription")
app.add_typer(jobs.app, name="job")
app.add_typer(web_hooks.app, name="webhook")
transcribe.add_to(app)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"tympan {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    server: Annotated[
        str | None, typer.Option(help="URL of the server; else TYMPAN_SERVER_URL, else the local one.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Key; else TYMPAN_KEY, else the data folder's.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Data folder; else TYMPAN_DATA_DIR.")] = None,
    version: Annotated[  # noqa: ARG001  its callback does the work
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Remember where the server is."""
    context.obj = Options(server=server, key=key, data_dir=data_dir)


def main() -> None:
    """Run a command; every error ends in a sentence and a status, none in a traceback."""
    try:
        app()
    except ServiceError as error:
        _say(error.message)
        sys.exit(exit_status(error))
    except KeyboardInterrupt:
        _say("Stopped.")
        sys.exit(INTERRUPTED)
    except Exception:  # noqa: BLE001  the top of the program: nobody is left to act on it
        _say(f"This should not have happened. Please report it with the file {_report()}.")
        sys.exit(FAILED)


def _report() -> str:
    with tempfile.NamedTemporaryFile(
        "w", prefix="tympan-error-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        traceback.print_exc(file=file)
    return file.name


def _say(message: str) -> None:
    from tympan.cli.output import errors, say

    say(("Error: ", "bold red"), message, to=errors)
