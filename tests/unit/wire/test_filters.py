from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.domain.errors import InvalidInputError
from tympan.domain.query import And, Compare, Not, Or
from tympan.wire.filters import FILTER_NAMES, holds, parse_filter

NAMES = FILTER_NAMES["datasets"]


def test_and_binds_more_tightly_than_or_and_not_most():
    parsed = parse_filter("locale eq 'a' or locale eq 'b' and not locale eq 'c'", NAMES)
    a, b, c = (Compare("locale", "eq", value) for value in "abc")
    assert parsed == Or(a, And(b, Not(c)))


def test_parentheses_come_first():
    parsed = parse_filter("(locale eq 'a' or locale eq 'b') and locale eq 'c'", NAMES)
    assert isinstance(parsed, And)


def test_a_quote_is_written_twice_inside_a_value():
    assert parse_filter("displayName eq 'it''s (odd) and ''so'''", NAMES) == Compare(
        "display_name", "eq", "it's (odd) and 'so'"
    )


def test_a_time_with_or_without_quotes_means_the_second_that_clients_see():
    noon, later = datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 12, 0, 1, tzinfo=UTC)
    for text in ("2024-01-01T12:00:00Z", "'2024-01-01T12:00:00Z'", "2024-01-01T13:00:00+01:00"):
        assert parse_filter(f"createdDateTime gt {text}", NAMES) == Compare("created_at", "ge", later)
    assert parse_filter("createdDateTime le 2024-01-01T12:00:00Z", NAMES) == Compare(
        "created_at", "lt", later
    )
    assert parse_filter("createdDateTime lt 2024-01-01T12:00:00Z", NAMES) == Compare("created_at", "lt", noon)


@given(st.text(alphabet="()' eqndotranstu12", max_size=60))
def test_any_text_is_a_filter_or_is_refused(text):
    with suppress(InvalidInputError):
        assert parse_filter(text, NAMES)


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20))
def test_any_value_survives_quoting(value):
    quoted = value.replace("'", "''")
    assert parse_filter(f"displayName eq '{quoted}'", NAMES) == Compare("display_name", "eq", value)


def test_deep_nesting_is_refused():
    with pytest.raises(InvalidInputError, match="nested"):
        parse_filter("(" * 5000 + "locale eq 'a'" + ")" * 5000, NAMES)


def test_a_filter_holds_for_what_no_store_keeps():
    now = datetime(2024, 1, 1, tzinfo=UTC)
    values = {"name": "report.json", "kind": "DatasetReport", "created_at": now}
    names = FILTER_NAMES["files"]
    for text, expected in (
        ("name eq 'report.json' and not kind eq 'Audio'", True),
        ("name ne 'report.json' or createdDateTime gt 2024-01-01T00:00:00Z", False),
        ("createdDateTime ge 2024-01-01T00:00:00Z and createdDateTime le 2024-01-01T00:00:00Z", True),
    ):
        assert holds(parse_filter(text, names), values) is expected
