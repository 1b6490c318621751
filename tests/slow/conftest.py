"""The table of kills, printed at the end of a run."""

import os
from pathlib import Path

import pytest
from tests.servers import KillTable

_TABLE = pytest.StashKey[KillTable]()


@pytest.fixture(scope="session")
def kill_table(pytestconfig: pytest.Config) -> KillTable:
    """Collects what every kill led to; ``TYMPAN_KILL_TABLE`` names a file that gets it too."""
    return pytestconfig.stash.setdefault(_TABLE, KillTable())


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    table = config.stash.get(_TABLE, None)
    if table is None or not table.rows:
        return
    terminalreporter.section("kill -9, and what followed")
    terminalreporter.write_line(table.text())
    path = os.environ.get("TYMPAN_KILL_TABLE")  # noqa: TID251  not a setting of the product
    if path:
        Path(path).write_text(table.text() + "\n")
