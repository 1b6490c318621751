import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.domain.errors import InvalidInputError
from tympan.wire.addresses import Addresses, reference_id
from tympan.wire.values import duration, read_timestamp, ticks, timestamp

ID = "8a043172-65b7-4cf3-a8b5-4449efa5a0f1"


def test_times_have_no_fraction_and_are_utc():
    moment = datetime(2024, 7, 14, 19, 15, 55, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(moment) == "2024-07-14T17:15:55Z"
    assert read_timestamp("2024-07-14T17:15:55Z") == datetime(2024, 7, 14, 17, 15, 55, tzinfo=UTC)
    assert read_timestamp("yesterday") is None
    assert read_timestamp("2024-13-99") is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59, "PT59S"), (2.58, "PT2.58S"), (0, "PT0S"), (60, "PT1M"), (3723.5, "PT1H2M3.5S"), (59.999, "PT1M")],
)
def test_durations_are_iso_8601(seconds, text):
    assert duration(seconds) == text


def test_a_sample_is_625_ticks():
    assert ticks(16_000) == 10_000_000


@pytest.mark.parametrize(
    "value",
    [
        {"self": f"https://westus.api.cognitive.microsoft.com/speechtotext/v3.0/models/base/{ID}"},
        {"self": f"https://other:8443/speechtotext/models/{ID}?api-version=2024-11-15"},
        {"self": f"/speechtotext/v3.2/Models/Base/{ID.upper()}/"},
        {"self": ID},
        ID,
    ],
)
def test_a_reference_is_read_by_the_end_of_its_path(value):
    assert reference_id(value, "model", "models") == ID


@pytest.mark.parametrize(
    "value",
    [
        {"self": f"http://h/speechtotext/v3.2/datasets/{ID}"},
        {"self": "x"},
        {},
        7,
        "",
        f"base/{ID}",
        ["a"],
        {"self": 1},
    ],
)
def test_a_reference_to_something_else_is_refused(value):
    with pytest.raises(InvalidInputError, match=r"The value of model\.Self does not reference an entity\."):
        reference_id(value, "model", "models")


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_is_refused(text):
    with contextlib.suppress(InvalidInputError):
        assert reference_id(text, "model", "models")


def test_addresses_quote_what_comes_from_users():
    addresses = Addresses(base_url="http://h")
    assert addresses.management("datasets", "1", "files", "a/b ä") == (
        "http://h/speechtotext/v3.2/datasets/1/files/a%2Fb%20%C3%A4"
    )
