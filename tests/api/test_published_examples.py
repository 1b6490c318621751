"""Every official example is sent as it stands, and answered with the success that it shows."""

import io
import json

import pytest
from tests.api.conftest import wav
from tests.api.published_examples import examples, prepared

EXAMPLES = tuple(examples())


def test_there_are_examples_of_every_version():
    assert len(EXAMPLES) == 320


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one.version.value}-{one.name[:-5]}")
def test_an_official_example_is_answered_as_published(world, example):
    example = prepared(world, example)
    headers = {name: str(value) for name, value in example.sent["header"].items()}
    options = {"headers": headers}
    body = next(iter(example.sent["body"].values()), None)
    if example.sent["formData"]:
        field = "audio" if "audio" in example.sent["formData"] else "data"
        texts = {name: value for name, value in example.sent["formData"].items() if name != field}
        options["data"] = {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in texts.items()
        }
        options["files"] = {field: ("data", io.BytesIO(wav() if field == "audio" else b"PK"))}
    elif body == "{binary}":
        options["content"] = b"A line.\n"
        headers["Content-Type"] = "application/octet-stream"
    elif body is not None:
        options["json"] = body
    url = f"{example.version.path}{example.path}?{example.query}"
    answer = world.client.request(example.method, url, **options)
    assert answer.status_code in example.statuses, answer.text
