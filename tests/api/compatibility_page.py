"""Makes ``docs/compatibility.md`` from ``compatibility_page.md`` and the published descriptions.

``python -m tests.api.compatibility_page > docs/compatibility.md``. That an operation is answered as
published is not claimed here but held by ``test_published_examples.py``, which sends every official
example of it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.api.published_description import VERSIONS, description


def page() -> str:
    """The whole page."""
    return Path(__file__).with_suffix(".md").read_text("utf-8").replace("{table}", _table())


def _table() -> str:
    names = [version.value for version in VERSIONS]
    known = _operations()
    rows = [["operation", *names], ["---"] * (len(names) + 1)]
    for (path, method), versions in sorted(known.items()):
        rows.append([f"`{method} {path}`", *("yes" if name in versions else "–" for name in names)])
    totals = [str(sum(name in versions for versions in known.values())) for name in names]
    rows.append([f"{len(known)} operations", *totals])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _operations() -> dict[tuple[str, str], set[str]]:
    """The versions of each operation; what v3.0 writes with a slash stands with its later colon."""
    found: dict[tuple[str, str], set[str]] = {}
    for version in VERSIONS:
        for method, template, _ in description(version).operations:
            path = re.sub(r"\}/(copyto|ping|test)$", r"}:\1", template)
            found.setdefault((path, method.upper()), set()).add(version.value)
    return found


if __name__ == "__main__":
    sys.stdout.write(page())
