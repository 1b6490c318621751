"""Waiting for background work, with what it says shown as it comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from tympan.cli.documents import Answer
from tympan.cli.output import console, errors, failure_text, percent, say
from tympan.domain.errors import EngineError, UnavailableError

if TYPE_CHECKING:
    from tympan.cli.client import Client

_POLL_S = 0.5
_PATIENCE_S = 60.0
_FINAL = ("Succeeded", "Failed", "Cancelled")


def watch(client: Client, job_url: str, *, is_quiet: bool) -> Answer:
    """Follow a job to its end, also over a restart of the server.

    Args:
        client: To ask with.
        job_url: URL or path of the job.
        is_quiet: Show nothing (for ``--json``).

    Returns:
        The job in its final state, whatever that is.

    Raises:
        UnavailableError: The server has not answered for a minute.
    """
    path = path_of(job_url)
    with _bar(is_quiet=is_quiet) as progress:
        view = _View(progress, progress.add_task("Waiting for a worker", total=100), is_quiet=is_quiet)
        lost_at: float | None = None
        while True:
            try:
                job = client.get(path)
                view.show(job, client.get(f"{path}/progress"), client.get(f"{path}/events", after=view.seen))
                lost_at = None
            except UnavailableError:
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at > _PATIENCE_S:
                    raise
            else:
                if job.text("state") in _FINAL:
                    return job
            time.sleep(_POLL_S)


class _View:
    """What a person sees of a running job.

    Args:
        progress: The bar; disabled where nobody looks at a terminal.
        line: Its line.
        is_quiet: Show nothing.

    Attributes:
        seen: Sequence number of the last event shown.
    """

    def __init__(self, progress: Progress, line: TaskID, *, is_quiet: bool) -> None:
        self._progress = progress
        self._line = line
        self._is_quiet = is_quiet
        self._step = ""
        self._loss = ""
        self.seen = 0

    def show(self, job: Answer, report: Answer, events: Answer) -> None:
        """Take in what is new."""
        for event in events.parts("values"):
            self.seen = event.count("sequence")
            loss = event.number("payload/loss")
            if loss is not None:  # far too many to print; the newest stands beside the bar
                self._loss = f", loss {loss:.4g}"
            elif not self._is_quiet:
                say(event_text(event))
        self._show_progress(job, report)

    def _show_progress(self, job: Answer, report: Answer) -> None:
        steps = job.texts("steps") or [""]
        step = report.text("step")
        done = steps.index(step) if step in steps else 0
        share = (done + (report.number("percent") or 0.0) / 100) / len(steps)
        name = f"{step}: " if len(steps) > 1 and step else ""
        text = f"{name}{report.text('message')}{self._loss if step == 'train' else ''}"
        self._progress.update(self._line, description=text, completed=100 * share)
        if self._progress.disable and not self._is_quiet and step != self._step:
            say(f"  {name}{report.text('message')}")
        self._step = step


def finished(client: Client, entity: Answer, *, is_quiet: bool) -> Answer:
    """Wait for the work on an entity and read it again.

    Raises:
        EngineError: The work failed or was cancelled; the message says why.
    """
    job_url = entity.find("tympan/job/self")
    if job_url is not None:
        watch(client, path_of(job_url), is_quiet=is_quiet)
    done = client.get(path_of(entity.text("self")))
    if done.status == "Failed":
        raise EngineError(
            f"'{done.name}' failed: {failure_text(done) or 'no reason was given.'} "
            f"(code {done.text('properties/error/code') or 'unknown'}, id {done.id})"
        )
    return done


def path_of(url: str) -> str:
    """The path of a URL that the server gave."""
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


def event_text(event: Answer) -> Text:
    """An event as one line."""
    kind, payload = event.text("kind"), event.members("payload")
    style = {"warning": "yellow", "retry": "yellow", "wait": "yellow"}.get(kind, "dim")
    rate = payload.get("wer")
    if isinstance(rate, int | float):
        payload["wer"] = percent(rate)
    said = payload.get("text") or payload.get("message")
    if not isinstance(said, str):
        said = ", ".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in payload.items())
    return Text.assemble("  ", (kind.replace("_", " "), style), " ", said)


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
