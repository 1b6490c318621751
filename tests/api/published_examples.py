"""The official examples: what each sends, and what must exist before it can."""

import json
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import unquote, urlencode

from tests.api.conftest import OWNER_KEY
from tests.api.published_description import PUBLISHED, VERSIONS, description

from tympan.domain.dataset import DatasetKind
from tympan.domain.resource import Status
from tympan.testing.entities import (
    BUNDLE,
    make_base_model,
    make_dataset,
    make_endpoint,
    make_evaluation,
    make_log,
    make_model,
    make_model_copy,
    make_project,
    make_transcription,
    make_web_hook,
)
from tympan.usecases.transcriptions import file_line
from tympan.wire.addresses import is_id

_SUCCEEDED = {"status": Status.SUCCEEDED}
_BY_COLLECTION = {
    "projects": lambda fields: make_project(**fields),
    "datasets": lambda fields: make_dataset(**fields | _SUCCEEDED | {"kind": DatasetKind.ACOUSTIC}),
    "models": lambda fields: make_model(**fields | _SUCCEEDED | {"bundle": BUNDLE}),
    "base": lambda fields: make_base_model(**fields),
    "evaluations": lambda fields: make_evaluation(**fields | _SUCCEEDED),
    "transcriptions": lambda fields: make_transcription(**fields | _SUCCEEDED),
    "endpoints": lambda fields: make_endpoint(**fields | _SUCCEEDED),
    "webhooks": lambda fields: make_web_hook(**fields | _SUCCEEDED),
}
_STORES = {"base": "base_models", "webhooks": "web_hooks"}


@dataclass(frozen=True)
class Example:
    """One official example of one version.

    Attributes:
        name: Of its file.
        operation: Its operation id.
        sent: Its parameters by place: ``path``, ``query``, ``body``, ``formData``, ``header``.
        statuses: The success it shows.
    """

    version: object
    name: str
    operation: str
    method: str
    template: str
    sent: dict
    statuses: tuple

    @property
    def path(self):
        """The path with the example's own values."""
        return re.sub(r"\{(\w+)\}", lambda found: str(self.sent["path"][found[1]]), self.template)

    @property
    def query(self):
        """The query, with the version that is tested."""
        values = {name: unquote(str(value)) for name, value in self.sent["query"].items()}
        values.pop("api-version", None)
        return urlencode(values | ({"api-version": self.version.value} if self.version.is_dated else {}))


def examples():
    """Every example of every version."""
    for version in VERSIONS:
        described = description(version)
        # The dated version refers to examples that were published with its preview.
        folder = PUBLISHED / "examples" / ("2024-05-15-preview" if version.is_dated else version.value)
        for method, template, operation in described.operations:
            for shown in operation.get("x-ms-examples", {}).values():
                name = shown["$ref"].rsplit("/", 1)[-1]
                document = json.loads((folder / name).read_text("utf-8"))
                yield Example(
                    version=version,
                    name=name,
                    operation=operation["operationId"],
                    method=method.upper(),
                    template=template,
                    sent=_placed(described.document, operation, document["parameters"]),
                    statuses=tuple(int(status) for status in document["responses"]),
                )


def _placed(document, operation, values):
    sent = {place: {} for place in ("path", "query", "body", "formData", "header")}
    given = {name.lower(): value for name, value in values.items()}
    shared = document["parameters"]
    parameters = operation.get("parameters", ())
    for parameter in [shared[one["$ref"].rsplit("/", 1)[-1]] if "$ref" in one else one for one in parameters]:
        if parameter["name"].lower() in given and parameter["in"] in sent:
            sent[parameter["in"]][parameter["name"]] = given[parameter["name"].lower()]
    return sent


def prepared(world, example):
    """The example, once everything that it takes for granted is there.

    What only the published service can have is replaced by what a client of this server has: its
    key, a token of one of its lists, an authorization that it gave, and a locale for ``Acoustic``.
    """
    body = next(iter(example.sent["body"].values()), {})
    locale = body.get("locale", "en-US") if isinstance(body, dict) else "en-US"
    locale = example.sent["formData"].get("locale", locale)
    locale = f"{locale[:2]}-{locale[3:].upper()}"
    options = body.get("properties", {}).get("languageIdentification", {}) if isinstance(body, dict) else {}
    for spoken in {locale, *options.get("candidateLocales", ())}:
        world.add(make_base_model(locale=spoken))
    own = example.sent["path"].get("id")
    if own is not None and is_id(own):
        put_entity(world, example.template, own, locale, example.sent["path"].get("fileId"))
    for spoken, model in options.get("speechModelMapping", {}).items():
        _add(world, "models", model["self"].split("?")[0].rsplit("/", 1)[-1], spoken)
    for url in _references(example.sent["body"]) | _references(example.sent["formData"]):
        segments = url.split("?")[0].rstrip("/").split("/")
        _add(world, segments[-2], segments[-1], locale)
    for part, stand_in in _STAND_INS.items():
        if part in example.template:
            stand_in(world, example)
    return example


def _blocks(world, example):
    with world.store.write() as tx:
        dataset = tx.datasets.get(example.sent["path"]["id"])
        tx.datasets.save(replace(dataset, is_in_blocks=True, status=Status.NOT_STARTED, job_id=None))
    if example.template.endswith(":commit"):
        for entry in next(iter(example.sent["body"].values())):
            path = f"/datasets/{dataset.id}/blocks?blockid={entry['id']}&api-version=2024-11-15"
            world.client.put(f"/speechtotext{path}", content=b"A line.\n").raise_for_status()


def _logs(world, example):
    example.sent["query"].pop("skipToken", None)
    if "locale" in example.sent["path"]:
        example.sent["path"]["locale"] = "en-US"
        place = "base/en-US"
    else:
        place = example.sent["path"]["id"]
        with world.store.write() as tx:
            tx.endpoints.save(replace(tx.endpoints.get(place), has_logged=True))
    if "logId" in example.sent["path"]:
        with world.store.write() as tx:
            tx.logs.add(make_log(id=example.sent["path"]["logId"].lower(), place=place))


def _copy_by_key(_world, example):
    example.sent["body"]["modelCopy"] = {"targetSubscriptionKey": OWNER_KEY}


def _copy_by_authorization(world, example):
    query = example.version.query
    source = world.services.receiving.resource_id
    given = world.client.post(
        f"{example.version.path}/models:authorizecopy{query}", json={"sourceResourceId": source}
    )
    example.sent["body"] = {"modelCopyAuthorization": given.json()}


def _operation(world, example):
    with world.store.write() as tx:
        tx.model_copies.add(make_model_copy(id=example.sent["path"]["id"].lower()))


def _fast(_world, example):
    example.sent["formData"]["definition"] = '{"locales": ["en-US"]}'  # a bracket is missing there


def _listed_hooks(_world, example):
    wanted = example.sent["query"].get("filter")
    if wanted:
        example.sent["query"]["filter"] = wanted.replace("03-011T", "03-01T")  # no day has three digits


_STAND_INS = {
    "/webhooks": _listed_hooks,
    ":transcribe": _fast,
    "/blocks": _blocks,
    "/files/logs": _logs,
    "/copyto": _copy_by_key,
    ":copyto": _copy_by_key,
    "}:copy": lambda world, example: (
        None if example.template.endswith("to") else _copy_by_authorization(world, example)
    ),
    "/operations/models/copy": _operation,
}


def put_entity(world, template, entity_id, locale="en-US", file_id=None):
    """The entity that a path speaks of, made unless it is there."""
    collection = "base" if "/models/base/" in template else template.split("/")[1]
    _add(world, collection, entity_id, locale, file_id)


def _add(world, collection, entity_id, locale, file_id=None):
    if collection not in _BY_COLLECTION:
        return
    with world.store.read() as tx:
        if getattr(tx, _STORES.get(collection, collection)).find(entity_id.lower()) is not None:
            return
    fields = {"id": entity_id.lower(), "locale": locale}
    if collection == "webhooks":
        del fields["locale"]
    entity = _BY_COLLECTION[collection](fields)
    if collection == "models":
        entity = replace(entity, decoding_expires_at=entity.created_at + timedelta(days=365))
    if file_id is not None:
        file = replace(world.file("report.json", b"{}"), id=file_id)
        if collection == "transcriptions":
            entity = replace(entity, files_key=world.blobs.put_content([file_line(file)]).key)
        else:
            entity = replace(entity, files=(file,))
    world.add(entity)


def _references(value):
    """Every URL of an entity in a body."""
    if isinstance(value, dict):
        return set().union(*map(_references, value.values()))
    if isinstance(value, list):
        return set().union(*map(_references, value))
    is_reference = isinstance(value, str) and "/speechtotext/" in value and is_id(value.split("?")[0][-36:])
    return {value} if is_reference else set()
