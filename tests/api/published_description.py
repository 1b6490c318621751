"""Validates answers against the published description of the API, version 3.2."""

import functools
import json
import re
from pathlib import Path

from jsonschema import Draft4Validator, FormatChecker

_DESCRIPTION = json.loads((Path(__file__).parent / "published" / "speechtotext-v3.2.json").read_text("utf-8"))
_ROOT = "/speechtotext/v3.2"


def check_answer(method, path, status, document):
    """Fail unless the answer has the shape that the description gives it."""
    operation = _operation(method.lower(), path.removeprefix(_ROOT))
    if operation is None:
        assert status >= 400, f"{method} {path} is not a published operation, yet it answered {status}"
        schema = {"$ref": "#/definitions/Error"}
    else:
        responses = operation["responses"]
        assert status >= 400 or str(status) in responses, f"{method} {path} must not answer {status}"
        schema = responses.get(str(status), responses["default"]).get("schema")
    if schema is None:
        assert document is None, f"{method} {path} must have no body"
        return
    errors = sorted(_validator(json.dumps(schema)).iter_errors(document), key=str)
    assert not errors, f"{method} {path}: {errors[0].message} at {list(errors[0].absolute_path)}"
    _check_absent_members(document)


def _operation(method, path):
    for template, operations in _DESCRIPTION["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        is_fixed = "{" not in template
        if (
            method in operations
            and (template.lower() == path.lower() or re.fullmatch(pattern, path, re.IGNORECASE))
            and (is_fixed or not _has_fixed_twin(path, method))
        ):
            return operations[method]
    return None


def _has_fixed_twin(path, method):
    paths = _DESCRIPTION["paths"]
    return any("{" not in one and one.lower() == path.lower() and method in paths[one] for one in paths)


@functools.cache
def _validator(schema):
    # Swagger 2.0 schemas are JSON schemas of draft 4 with a few words more, which are ignored.
    whole = {**json.loads(schema), "definitions": _DESCRIPTION["definitions"]}
    return Draft4Validator(whole, format_checker=FormatChecker())


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
