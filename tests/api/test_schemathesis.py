"""Requests that nobody thought of, made from each published description, over a real socket.

What the descriptions cannot say is explained in ``docs/compatibility.md``, one line for each
check that is left out or softened here.
"""

import os
import socket
import threading
import time
import warnings

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.api.conftest import OWNER_KEY, make_world
from tests.api.published_description import VERSIONS, description
from tests.api.published_examples import put_entity

from tympan.testing.entities import make_base_model

EXAMPLES = int(os.environ.get("TYMPAN_SCHEMATHESIS_EXAMPLES", "8"))  # noqa: TID251  not a setting of the product
KNOWN_ID = "7e5f1c52-4d0b-4a77-9a0e-3f1f0a6a9e10"


def content_type_of_a_body(context, response, case):
    """A 204 has no body, so it has no type either."""
    return content_type_conformance(context, response, case) if response.content else None


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_of_a_body,
    response_headers_conformance,
    response_schema_conformance,
]


class Server:
    """The routes on fakes, answering over HTTP."""

    def __init__(self, folder):
        self.world = make_world(folder)
        self.world.add(make_base_model(locale="en-US"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(self.world.client.app, log_level="critical", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True)
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def close(self):
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("schemathesis"))
    made.start()
    yield made
    made.close()


def _cases():
    for version in VERSIONS:
        schema = schemathesis.openapi.from_dict(description(version).document)
        for result in schema.get_all_operations():
            operation = result.ok()
            name = f"{version.value} {operation.method.upper()} {operation.path}"
            yield pytest.param(version, operation, GenerationMode.POSITIVE, id=f"{name} sound")
            if _can_be_wrong(operation):
                yield pytest.param(version, operation, GenerationMode.NEGATIVE, id=f"{name} unsound")


def _can_be_wrong(operation):
    """Whether there is anything in a request that a client can spell wrongly."""
    is_free_text = [parameter.definition.get("format") is None for parameter in operation.path_parameters]
    return bool(operation.query or operation.body) or not all(is_free_text)


@pytest.mark.parametrize(("version", "operation", "mode"), list(_cases()))
def test_generated_requests_are_answered_as_described(server, version, operation, mode):
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def run(case, is_known):
        if is_known and "id" in (case.path_parameters or {}):
            put_entity(server.world, operation.path, KNOWN_ID)
            case.path_parameters["id"] = KNOWN_ID
        options = {"params": {"api-version": version.value}} if version.is_dated else {}
        case.call_and_validate(
            base_url=server.address + version.path,
            headers={"Ocp-Apim-Subscription-Key": OWNER_KEY},
            checks=CHECKS,
            **options,
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run()
