"""The page about compatibility says what the tests hold."""

from pathlib import Path

from tests.api.compatibility_page import page
from tests.api.published_examples import examples

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date():
    written = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
    assert written == page(), "run `python -m tests.api.compatibility_page > docs/compatibility.md`"


def test_every_operation_on_the_page_has_an_official_example():
    shown = {(one.version.value, one.operation) for one in examples()}
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert sum(line.count("yes") for line in rows) == len(shown) == 69 + 74 + 75 + 56
