import inspect

import pytest
from tests.api.conftest import V32

from tympan.cli.errors import EXIT_STATUS
from tympan.domain import errors
from tympan.rest.errors import SAYINGS, error_response

CLASSES = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.ServiceError)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_said_over_http_and_on_the_command_line(kind):
    assert kind in SAYINGS
    assert kind in EXIT_STATUS


def test_a_code_that_is_not_published_is_kept_as_the_reason():
    body = error_response(errors.InvalidInputError("No audio.", code="AudioUnreadable", target="a.wav")).body
    assert b'"code":"InvalidPayload"' in body
    assert b'"details":{"reason":"AudioUnreadable"}' in body


def test_errors_that_pass_say_when_to_come_back():
    assert error_response(errors.UnavailableError("x", retry_after_s=7)).headers["retry-after"] == "7"
    over_quota = error_response(errors.TooLargeError("x", code="QuotaViolation"))
    assert (over_quota.status_code, over_quota.headers["retry-after"]) == (429, "30")
    busy = error_response(errors.UnavailableError("x", retry_after_s=3, code="TooManyRequests"))
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "3")
    assert error_response(errors.StorageFullError("x")).headers["retry-after"]


def test_a_crash_shows_nothing_of_the_inside(world):
    world.client.raise_server_exceptions = False
    world.client._transport.raise_server_exceptions = False

    def crash(_query):
        raise RuntimeError("/home/secret/path")

    object.__setattr__(world.services, "projects", type("Broken", (), {"list": staticmethod(crash)})())
    answer = world.client.get(f"{V32}/projects")
    assert answer.status_code == 500
    assert answer.json()["code"] == "InternalServerError"
    assert "secret" not in answer.text
