"""Writes ``docs/settings.md`` from the settings: ``python -m tympan.app.settings_page``."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path

from pydantic.fields import FieldInfo

from tympan.app.settings import Settings

_HEAD = """# Settings

Every setting is an environment variable. None has to be set. This page is made from
`src/tympan/app/settings.py` by `make docs`.

| setting | default | what it does |
| --- | --- | --- |
"""


def settings_page() -> str:
    """The page, as Markdown."""
    rows = [
        f"| `TYMPAN_{name.upper()}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    value = field.default.value if isinstance(field.default, Enum) else field.default
    if value is None:
        return "not set"
    return f"`{value.as_posix() if isinstance(value, Path) else value}`"


if __name__ == "__main__":
    sys.stdout.write(settings_page())
