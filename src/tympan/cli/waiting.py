"""Waiting for background work, with what it says shown as it comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from tympan.cli.documents import Answer
from tympan.cli.output import console, errors, failure_text, say
from tympan.domain.errors import EngineError

if TYPE_CHECKING:
    from tympan.cli.client import Client

_POLL_S = 0.5
_FINAL = ("Succeeded", "Failed", "Cancelled")


def watch(client: Client, job_url: str, *, is_quiet: bool) -> Answer:
    """Follow a job to its end.

    Args:
        client: To ask with.
        job_url: URL or path of the job.
        is_quiet: Show nothing (for ``--json``).

    Returns:
        The job in its final state, whatever that is.
    """
    path = job_url.removeprefix(client.url)
    seen = 0
    with _bar(is_quiet=is_quiet) as progress:
        line = progress.add_task("Waiting for a worker", total=100)
        while True:
            job = client.get(path)
            seen = _show_events(client, path, seen, is_quiet=is_quiet)
            _show_progress(progress, line, job, client.get(f"{path}/progress"))
            if job.text("state") in _FINAL:
                return job
            time.sleep(_POLL_S)


def finished(client: Client, entity: Answer, *, is_quiet: bool) -> Answer:
    """Wait for the work on an entity and read it again.

    Raises:
        EngineError: The work failed or was cancelled; the message says why.
    """
    job_url = entity.find("tympan/job/self")
    if job_url is not None:
        watch(client, _path(job_url), is_quiet=is_quiet)
    done = client.get(_path(entity.text("self")))
    if done.status == "Failed":
        raise EngineError(
            f"'{done.name}' failed: {failure_text(done) or 'no reason was given.'} "
            f"(code {done.text('properties/error/code') or 'unknown'}, id {done.id})"
        )
    return done


def _path(url: str) -> str:
    # A public URL may differ from the one this client uses; the path is the same.
    return "/" + url.split("://", 1)[-1].split("/", 1)[-1]


def _bar(*, is_quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=errors if is_quiet else console,
        transient=True,
        disable=is_quiet or not console.is_terminal,
    )


def _show_progress(progress: Progress, line: TaskID, job: Answer, report: Answer) -> None:
    steps = job.texts("steps") or [""]
    step = report.text("step")
    done = steps.index(step) if step in steps else 0
    share = (done + (report.number("percent") or 0.0) / 100) / len(steps)
    name = f"{step}: " if len(steps) > 1 and step else ""
    progress.update(line, description=name + report.text("message"), completed=100 * share)


def _show_events(client: Client, path: str, seen: int, *, is_quiet: bool) -> int:
    for event in client.get(f"{path}/events", after=seen).parts("values"):
        seen = event.count("sequence")
        if not is_quiet:
            say(event_text(event))
    return seen


def event_text(event: Answer) -> Text:
    """An event as one line."""
    kind, payload = event.text("kind"), event.members("payload")
    style = {"warning": "yellow", "retry": "yellow"}.get(kind, "dim")
    said = payload.get("text") or payload.get("message")
    if not isinstance(said, str):
        said = ", ".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in payload.items())
    return Text.assemble("  ", (kind.replace("_", " "), style), " ", said)


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
