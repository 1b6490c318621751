"""Tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tympan.cli.documents import Answer

_COLOURS = {
    "Succeeded": "green",
    "Running": "blue",
    "NotStarted": "blue",
    "Failed": "red",
    "Cancelled": "red",
    "Suspended": "yellow",
}

Cell = str | Text
"""A cell of a table: plain, or with a style of its own."""

_PADDING = 3
_PIPE_WIDTH = 160

# What is piped into a file or a program has no width of its own; tables shall stay whole there.
console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
errors = Console(stderr=True, highlight=False)


def show_json(value: object) -> None:
    """Write a document, and nothing else, to standard output."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def say(*pieces: str | Text | tuple[str, str], to: Console = console) -> None:
    """Write a line as it is; a pair is a text with its style. Nothing in a text is markup."""
    to.print(Text.assemble(*pieces), soft_wrap=True)


def show_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    numbers: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> None:
    """Write a table.

    Args:
        title: Above it; stands alone where there are no rows.
        columns: Their names.
        rows: Their cells.
        numbers: Columns that stand right.
        optional: Columns to leave out, first ones first, where the terminal is too narrow.
    """
    cells = [[_as_text(cell) for cell in row] for row in rows]
    if not cells:
        say(f"{title}: none yet.")
        return
    shown = _fitting(columns, cells, optional)
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for index in shown:
        name = columns[index]
        is_whole = name in ("Id", "Status", *numbers)
        table.add_column(
            name, justify="right" if name in numbers else "left", overflow="fold", no_wrap=is_whole
        )
    for row in cells:
        table.add_row(*(row[index] for index in shown))
    console.print(table)


def _fitting(columns: Sequence[str], rows: Sequence[Sequence[Text]], optional: Sequence[str]) -> list[int]:
    widths = [
        max(len(name), *(row[index].cell_len for row in rows)) + _PADDING
        for index, name in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    for name in optional:
        if sum(widths[index] for index in shown) < console.width:
            break
        shown.remove(columns.index(name))
    return shown


def show_members(pairs: Iterable[tuple[str, Cell]]) -> None:
    """Write names and values, one pair a line, leaving empty ones out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            table.add_row(Text(name), _as_text(value))
    console.print(table)


def _as_text(cell: Cell) -> Text:
    return Text(cell) if isinstance(cell, str) else cell


def status_text(status: str) -> Text:
    """A status with its colour."""
    return Text(status, style=_COLOURS.get(status, ""))


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
