"""Log lines carry their fields and never a secret."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from tympan.app.logs import configure_logs


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Where a process that knows one secret writes its lines."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logs("worker", secrets=["s3cr3t-key"], stream=stream)
    yield stream
    root.handlers[:], root.level = before
    logging.captureWarnings(capture=False)


def test_a_record_is_one_line_of_json_with_its_fields(written: io.StringIO) -> None:
    logging.getLogger("tympan.worker").info("job claimed", extra={"job": "j1", "attempt": 2})
    (line,) = written.getvalue().splitlines()
    document = json.loads(line)
    assert document.pop("at").endswith("+00:00")
    assert document == {
        "level": "info",
        "process": "worker",
        "logger": "tympan.worker",
        "message": "job claimed",
        "job": "j1",
        "attempt": 2,
    }


def test_a_traceback_stays_within_the_line_of_its_record(written: io.StringIO) -> None:
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("tympan").exception("attempt crashed")
    (line,) = written.getvalue().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["error"]


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("the key is s3cr3t-key", {}),
        ("request", {"headers": {"Ocp-Apim-Subscription-Key": "s3cr3t-key"}}),
        ("connected", {"url": "postgresql://me:s3cr3t-password@db/tympan"}),
        ("started", {"model_host_secret": "s3cr3t-other"}),
    ],
)
def test_secrets_are_hidden_wherever_they_stand(
    written: io.StringIO, message: str, fields: dict[str, object]
) -> None:
    logging.getLogger("tympan").warning(message, extra=fields)
    assert "***" in written.getvalue()
    assert "s3cr3t" not in written.getvalue()


def test_what_libraries_tell_of_their_work_is_left_out(written: io.StringIO) -> None:
    for name in ("dbos", "uvicorn.error", "httpx"):
        logging.getLogger(name).info("all is well")
    assert written.getvalue() == ""
