"""Sound entities for tests; every builder takes the fields that matter to the test.

``make_dataset(locale="de-DE")`` is a dataset of which only the locale is said.
"""

# ruff: noqa: ANN401  fields are checked by the dataclasses themselves
from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from tympan.domain.access import AccessKey, hash_secret
from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.dataset_block import DatasetBlock, block_id
from tympan.domain.endpoint import Endpoint
from tympan.domain.endpoint_log import LogFile
from tympan.domain.evaluation import Evaluation
from tympan.domain.job import Job, JobKind
from tympan.domain.model import BaseModel, Bundle, BundleFile, CustomModel
from tympan.domain.model_copy import CopyAuthorization, ModelCopy
from tympan.domain.project import Project
from tympan.domain.resource import Status
from tympan.domain.transcription import SourceKind, Transcription
from tympan.domain.web_hook import HookDelivery, HookEvent, WebHook
from tympan.testing.clock import START

BUNDLE = Bundle(engine="ct2", files=(BundleFile(name="model.bin", sha256="a" * 64, size_bytes=3),))
"""A bundle whose file exists nowhere."""


def make_project(**fields: Any) -> Project:
    """A project."""
    return Project(**_resource("Project") | fields)


def make_dataset(**fields: Any) -> Dataset:
    """An Acoustic dataset that was not imported yet."""
    return Dataset(**_resource("Dataset") | {"kind": DatasetKind.ACOUSTIC} | fields)


def make_block(**fields: Any) -> DatasetBlock:
    """A block that was not committed yet."""
    dataset_id, name = fields.get("dataset_id", str(uuid.uuid4())), fields.get("name", "AAA=")
    new = {"id": block_id(dataset_id, name), "dataset_id": dataset_id, "name": name, "created_at": START}
    return DatasetBlock(**new | {"size_bytes": 3, "key": "blocks/x"} | fields)


def make_base_model(**fields: Any) -> BaseModel:
    """A base model with a bundle."""
    supplied = {
        "bundle": BUNDLE,
        "family": "whisper-tiny.en",
        "source": "test",
        "licence": "MIT",
        "released_at": START,
    }
    return BaseModel(**_resource("20260105 whisper-tiny.en") | supplied | fields)


def make_model(**fields: Any) -> CustomModel:
    """A custom model that was not trained yet."""
    return CustomModel(**_resource("Model") | {"base_model_id": str(uuid.uuid4())} | fields)


def make_evaluation(**fields: Any) -> Evaluation:
    """An evaluation of one model that has not run yet."""
    tested = {"dataset_id": str(uuid.uuid4()), "model_ids": (str(uuid.uuid4()),)}
    return Evaluation(**_resource("Evaluation") | tested | fields)


def make_endpoint(**fields: Any) -> Endpoint:
    """An endpoint that was not deployed yet."""
    return Endpoint(**_resource("Endpoint") | {"model_id": str(uuid.uuid4())} | fields)


def make_transcription(**fields: Any) -> Transcription:
    """A transcription of URLs that has not run yet."""
    asked = {"source_kind": SourceKind.URLS, "model_id": str(uuid.uuid4())}
    return Transcription(**_resource("Transcription") | asked | fields)


def make_key(secret: str | None = None, **fields: Any) -> AccessKey:
    """A key that opens the whole server."""
    new_id = str(uuid.uuid4())
    known: dict[str, Any] = {
        "id": new_id,
        "name": "key1",
        "sha256": hash_secret(secret or new_id),
        "created_at": START,
    }
    return AccessKey(**known | fields)


def make_log(**fields: Any) -> LogFile:
    """The audio of a request whose blob exists nowhere."""
    guid = str(uuid.uuid4())
    known: dict[str, Any] = {
        "id": f"2026-01-05_090000__{guid}_wav",
        "place": "base/en-US",
        "session_id": guid,
        "name": f"090000__{guid}.wav",
        "kind": "Audio",
        "key": f"logs/base/en-US/2026-01-05/{guid}.wav",
        "size_bytes": 44,
        "created_at": START,
    }
    return LogFile(**known | fields)


def make_copy_authorization(secret: str | None = None, **fields: Any) -> CopyAuthorization:
    """A permission for a day, given to the resource ``/source``."""
    known: dict[str, Any] = {
        "id": hash_secret(secret or str(uuid.uuid4())),
        "model_id": str(uuid.uuid4()),
        "source_resource_id": "/source",
        "created_at": START,
        "expires_at": START + timedelta(days=1),
    }
    return CopyAuthorization(**known | fields)


def make_model_copy(**fields: Any) -> ModelCopy:
    """A copy that nobody has begun."""
    known = {
        "model_id": str(uuid.uuid4()),
        "source_resource_id": "/source",
        "target_url": "http://target.test",
        "authorization": str(uuid.uuid4()),
        "expires_at": START + timedelta(days=1),
    }
    return ModelCopy(**_resource("Model") | known | fields)


def make_web_hook(**fields: Any) -> WebHook:
    """A web hook that has answered its challenge and is told of finished datasets."""
    new: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "display_name": "Hook",
        "web_url": "https://receiver.test/call",
        "events": (HookEvent.DATASET_COMPLETION,),
        "status": Status.SUCCEEDED,
        "was_confirmed": True,
        "base_url": "http://speech.test",
        "created_at": START,
        "last_action_at": START,
    }
    return WebHook(**new | fields)


def make_delivery(**fields: Any) -> HookDelivery:
    """A delivery that is due."""
    new: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "hook_id": str(uuid.uuid4()),
        "event": HookEvent.DATASET_COMPLETION,
        "collection": "datasets",
        "entity_id": str(uuid.uuid4()),
        "created_at": START,
        "next_attempt_at": START,
    }
    return HookDelivery(**new | fields)


def make_job(**fields: Any) -> Job:
    """A job nobody has begun."""
    new: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "kind": JobKind.IMPORT_DATASET,
        "resource_id": str(uuid.uuid4()),
        "created_at": START,
    }
    return Job(**new | fields)


def _resource(display_name: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "display_name": display_name,
        "locale": "en-US",
        "created_at": START,
        "last_action_at": START,
    }
