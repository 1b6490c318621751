"""Documents of base models and custom models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tympan.domain.dataset import DatasetKind
from tympan.domain.model import BaseModel, Bundle, CustomModel
from tympan.domain.resource import Status
from tympan.wire.addresses import Addresses, reference
from tympan.wire.bodies import Body
from tympan.wire.management.datasets import kinds_known
from tympan.wire.management.entities import (
    ProjectMembers,
    common_members,
    failure_document,
    new_project_members,
    worked_members,
)
from tympan.wire.values import Document, optional_timestamp, present, timestamp
from tympan.wire.versions import ApiVersion

FIXED = ("locale", "baseModel", "datasets", "text")
"""Members an update cannot change."""


class NewModelMembers(ProjectMembers):
    """What a custom model takes.

    ``weight_percent`` None leaves the choice to the server. ``settings`` are ours: training
    settings by name, in the member ``tympan.settings``.
    """

    base_model_id: str | None
    dataset_ids: tuple[str, ...]
    text: str | None
    weight_percent: int | None
    settings: Mapping[str, object]


def new_model_members(body: Body, version: ApiVersion) -> NewModelMembers:
    """Read the members of a custom model to create.

    Raises:
        InvalidInputError: A required member is absent or wrong.
    """
    return {
        **new_project_members(body, version),
        "base_model_id": body.reference("baseModel", "models"),
        "dataset_ids": body.references("datasets", "datasets"),
        "text": None if version.is_dated else body.text("text"),
        "weight_percent": body.part("properties").whole("customModelWeightPercent", low=1, high=100),
        "settings": dict(body.part("tympan").part("settings").members),
    }


def base_model_document(model: BaseModel, addresses: Addresses) -> Document:
    """A base model as clients see it."""
    version = addresses.version
    document = {
        "self": addresses.management("models", "base", model.id),
        "links": {"manifest": addresses.management("models", "base", model.id, "manifest")},
        "properties": present(
            {
                "deprecationDates": present(
                    {
                        "adaptationDateTime": optional_timestamp(model.adaptation_expires_at),
                        "transcriptionDateTime": optional_timestamp(model.decoding_expires_at),
                    }
                ),
                "features": _features(version, model.supported_kinds),
                "chargeForAdaptation": False if version >= ApiVersion.V3_2 else None,
            }
        ),
        "lastActionDateTime": timestamp(model.last_action_at),
        "status": Status.SUCCEEDED.value,
        **common_members(model),
        "tympan": {
            "family": model.family,
            "source": model.source,
            "licence": model.licence,
            "releasedDateTime": timestamp(model.released_at),
            "sizeBytes": _size(model.bundle),
        },
    }
    # Older clients know one type for base and custom models, and walk its datasets.
    return present(document) | ({} if version >= ApiVersion.V3_2 else {"datasets": []})


def custom_model_document(model: CustomModel, addresses: Addresses) -> Document:
    """A custom model as clients see it."""
    version = addresses.version
    document = worked_members(model, addresses)
    ours = document.pop("tympan")
    extra = ours if isinstance(ours, dict) else {}
    if model.settings:
        extra["settings"] = dict(model.settings)
    if model.summary:
        extra["summary"] = dict(model.summary)
    if model.origin:
        extra["copiedFrom"] = dict(model.origin)
    if model.bundle is not None:
        extra |= {"version": model.bundle.digest, "sizeBytes": _size(model.bundle)}
    has_weight = version >= ApiVersion.V3_1
    properties = present(
        {
            "deprecationDates": present(
                {"transcriptionDateTime": optional_timestamp(model.decoding_expires_at)}
            ),
            "customModelWeightPercent": model.weight_percent if has_weight else None,
            "features": _features(version),
            "error": failure_document(model.failure),
        }
    )
    return present(
        {
            "self": addresses.management("models", model.id),
            "baseModel": reference(addresses.management("models", "base", model.base_model_id)),
            "datasets": [reference(addresses.management("datasets", one)) for one in model.dataset_ids],
            "links": _links(model, addresses),
            "properties": properties,
            **document,
            "tympan": extra,
        }
    )


def _features(version: ApiVersion, kinds: Sequence[DatasetKind] | None = None) -> Document:
    """What a model can be used for; v3.0 has no word for it."""
    if not version >= ApiVersion.V3_1:
        return {}
    names = (
        ("supportsTranscriptionsSubmit", "supportsTranscriptionsTranscribe")
        if version.is_dated
        else ("supportsTranscriptions",)
    )
    return present(
        {
            "supportsAdaptationsWith": kinds
            and [kind.value for kind in kinds if kind in kinds_known(version)],
            **dict.fromkeys(names, True),
            "supportsEndpoints": True,
            "supportsTranscriptionsOnSpeechContainers": False,
            "supportedOutputFormats": ["Display", "Lexical"] if version >= ApiVersion.V3_2 else None,
        }
    )


def _links(model: CustomModel, addresses: Addresses) -> Document:
    version = addresses.version
    links: Document = {"manifest": addresses.management("models", model.id, "manifest")}
    if version >= ApiVersion.V3_1:
        links["files"] = addresses.management("models", model.id, "files")
    if version >= ApiVersion.V3_2:
        return links | {"copy": addresses.management("models", f"{model.id}:copy")}
    action = [f"{model.id}:copyto"] if version >= ApiVersion.V3_1 else [model.id, "copyto"]
    return links | {"copyTo": addresses.management("models", *action)}


def manifest_document(model_url: str, files: list[Document]) -> Document:
    """The files a model is made of, for running it elsewhere."""
    return {"model": reference(model_url), "modelFiles": list(files), "properties": {}}


def _size(bundle: Bundle) -> int:
    return sum(file.size_bytes for file in bundle.files)
