"""Tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from tympan.cli.documents import Answer

_COLOURS = {
    "Succeeded": "green",
    "Running": "blue",
    "NotStarted": "blue",
    "Failed": "red",
    "Cancelled": "red",
    "Suspended": "yellow",
}

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def show_json(value: object) -> None:
    """Write a document, and nothing else, to standard output."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def show_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str] = ()
) -> None:
    """Write a table; columns of numbers stand right."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in numbers else "left",
            overflow="fold",
            no_wrap=column in ("Id", "Status"),
        )
    count = 0
    for row in rows:
        table.add_row(*row)
        count += 1
    if count:
        console.print(table)
    else:
        console.print(f"{title}: none yet.")


def show_members(pairs: Iterable[tuple[str, str]]) -> None:
    """Write names and values, one pair a line, leaving empty ones out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            table.add_row(name, value)
    console.print(table)


def status_text(status: str) -> str:
    """A status with its colour."""
    colour = _COLOURS.get(status)
    return f"[{colour}]{status}[/]" if colour else status


def failure_text(answer: Answer) -> str:
    """Why an entity failed; empty when it did not."""
    return answer.text("properties/error/message")


def day(timestamp: str) -> str:
    """The day of a time, or ``never``."""
    return timestamp[:10] if timestamp else "never"


def moment(timestamp: str) -> str:
    """A time as people read it."""
    return timestamp.replace("T", " ").removesuffix("Z")


def percent(rate: float | None) -> str:
    """A rate as a percentage; a dash while it is not known."""
    return "-" if rate is None or rate < 0 else f"{100 * rate:.1f} %"
