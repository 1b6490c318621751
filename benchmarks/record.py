"""Writes a result page: the figures with the command, the versions and the machine beside them."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results"


def write_result(
    name: str,
    title: str,
    rows: Sequence[Sequence[object]],
    *,
    packages: Sequence[str] = (),
    notes: str = "",
    arguments: str = "",
) -> Path:
    """Write ``results/<name>.md`` and print its table.

    Args:
        name: Of the script, without its ending.
        title: One line that says what was measured.
        rows: The table; the first row is its head.
        packages: Distributions whose version matters.
        notes: What a reader must know to judge the figures.
        arguments: What stood behind the command, without any path of this machine.
    """
    head, *body = [[str(cell) for cell in row] for row in rows]
    table = [_row(head), _row(["---"] * len(head)), *map(_row, body)]
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total >> 30} GiB"
    page = [
        f"# {title}",
        "",
        f"Command: `{f'python -m benchmarks.{name} {arguments}'.strip()}`",
        f"Machine: {machine}; Python {platform.python_version()}{'; ' + versions if versions else ''}",
        "",
        *table,
        "",
        *([notes, ""] if notes else []),
    ]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.md"
    path.write_text("\n".join(page), "utf-8")
    sys.stdout.write("\n".join(table) + "\n")
    return path


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
