"""Validates answers against the published descriptions of the API, each version against its own."""

import functools
import json
import re
from pathlib import Path
from urllib.parse import parse_qs

from jsonschema import Draft4Validator, FormatChecker

from tympan.wire.versions import DATED_VERSIONS, NEWEST_DATED, PATH_VERSIONS, ApiVersion

PUBLISHED = Path(__file__).parent / "published"
VERSIONS = (ApiVersion.V3_0, ApiVersion.V3_1, ApiVersion.V3_2, ApiVersion.V2024_11_15)


class Description:
    """The published description of one version."""

    def __init__(self, version):
        self.version = version
        path = PUBLISHED / f"speechtotext-{version.value}.json"
        self.document = json.loads(path.read_text("utf-8"))
        self.operations = [
            (method, template, operation)
            for template, operations in self.document["paths"].items()
            for method, operation in operations.items()
            if method in ("get", "put", "post", "patch", "delete")
        ]
        for _, _, operation in self.operations:
            # Fast transcription alone lists no errors; they have the shape of all others.
            operation["responses"].setdefault("default", {"schema": {"$ref": "#/definitions/Error"}})

    def find(self, method, path):
        """The operation that a path belongs to; fixed words go before places for ids."""
        found = [
            (template.count("{"), template, operation)
            for verb, template, operation in self.operations
            if verb == method and re.fullmatch(_pattern(template), path, re.IGNORECASE)
        ]
        return min(found, key=lambda one: one[0])[1:] if found else (None, None)

    def check(self, method, path, status, document):
        """Fail unless the answer has the shape that the description gives it.

        Returns:
            The template of the path; None when no operation is described.
        """
        template, operation = self.find(method.lower(), path)
        if operation is None:
            assert status >= 400, f"{method} {path} is not published, yet it answered {status}"
            schema = {"$ref": "#/definitions/Error"}
        else:
            responses = operation["responses"]
            assert status >= 400 or str(status) in responses, f"{method} {path} must not answer {status}"
            schema = responses.get(str(status), responses["default"]).get("schema")
        if schema is None:
            assert document is None, f"{method} {path} must have no body"
            return template
        errors = sorted(self._validator(json.dumps(schema)).iter_errors(document), key=str)
        where = f"{self.version.value} {method} {path}"
        assert not errors, f"{where}: {errors[0].message} at {list(errors[0].absolute_path)}"
        _check_absent_members(document)
        return template

    @functools.cache  # noqa: B019  descriptions live as long as the tests
    def _validator(self, schema):
        # Swagger 2.0 schemas are JSON schemas of draft 4 with a few words more, which are ignored.
        whole = {**json.loads(schema), "definitions": self.document["definitions"]}
        return Draft4Validator(whole, format_checker=FormatChecker())


@functools.cache
def description(version):
    """The description of a version; dates that only add to fast transcription share one."""
    return Description(NEWEST_DATED if version.is_dated else version)


def split_url(path, query):
    """The version that a URL is written in and the path within it; None for other routes."""
    for version in PATH_VERSIONS:
        if path.lower() == version.path or path.lower().startswith(version.path + "/"):
            return version, path[len(version.path) :]
    if not path.lower().startswith("/speechtotext"):
        return None, path
    named = parse_qs(query).get("api-version", [NEWEST_DATED.value])[-1]
    version = next((one for one in DATED_VERSIONS if one.value == named), NEWEST_DATED)
    return version, path[len("/speechtotext") :]


def _pattern(template):
    return re.sub(r"\\\{\w+\\\}", "[^/:]+", re.escape(template))


def _check_absent_members(document):
    """Members without a value are left out, never null."""
    if isinstance(document, dict):
        for name, value in document.items():
            assert value is not None, f"{name} is null; it must be left out"
            if name != "tympan":
                _check_absent_members(value)
    elif isinstance(document, list):
        for item in document:
            _check_absent_members(item)
