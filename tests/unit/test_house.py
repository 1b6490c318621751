"""The house's own rules, held by tests."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from tympan.app.settings import Settings
from tympan.app.settings_page import settings_page
from tympan.cli.main import app

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "tympan").rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 600, 60


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_go_one_way():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_files_and_functions_stay_small(path):
    source = path.read_text("utf-8")
    assert source.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, f"{node.name} is too long"


def test_every_setting_is_documented():
    assert (ROOT / "docs" / "settings.md").read_text("utf-8") == settings_page(), "run `make docs`"
    assert all(field.description for field in Settings.model_fields.values())


def commands(group, path=()):
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        yield from commands(command, (*path, name)) if inner else [(*path, name)]


def test_every_command_is_documented():
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for path in commands(typer.main.get_command(app)):
        assert f"`tympan {' '.join(path)}" in page, f"docs/cli.md does not name tympan {' '.join(path)}"


@pytest.mark.parametrize("module", ["tympan.rest.server", "tympan.portal.site", "tympan.cli.main"])
def test_faces_can_be_imported_without_the_training_packages(module):
    hidden = "('torch', 'transformers', 'peft', 'ctranslate2', 'faster_whisper')"
    code = f"import sys\nfor name in {hidden}: sys.modules[name] = None\nimport {module}"
    done = run_python(code)
    assert done.returncode == 0, done.stderr
