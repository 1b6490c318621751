"""Documents of base models and custom models."""

from __future__ import annotations

from collections.abc import Mapping

from tympan.domain.model import BaseModel, Bundle, CustomModel
from tympan.domain.resource import Status
from tympan.wire.addresses import Addresses, reference
from tympan.wire.bodies import Body
from tympan.wire.v3.entities import (
    ProjectMembers,
    common_members,
    failure_document,
    new_project_members,
    worked_members,
)
from tympan.wire.values import Document, optional_timestamp, present, timestamp

FIXED = ("locale", "baseModel", "datasets", "text")
"""Members an update cannot change."""

# Batch transcription and containers are not built: the document says so.
_FEATURES: Document = {
    "supportsTranscriptions": False,
    "supportsEndpoints": True,
    "supportsTranscriptionsOnSpeechContainers": False,
    "supportedOutputFormats": ["Display", "Lexical"],
}


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


def new_model_members(body: Body) -> NewModelMembers:
    """Read the members of a custom model to create.

    Raises:
        InvalidInputError: A required member is absent or wrong.
    """
    return {
        **new_project_members(body),
        "base_model_id": body.reference("baseModel", "models"),
        "dataset_ids": body.references("datasets", "datasets"),
        "text": body.text("text"),
        "weight_percent": body.part("properties").whole("customModelWeightPercent", low=1, high=100),
        "settings": dict(body.part("tympan").part("settings").members),
    }


def base_model_document(model: BaseModel, addresses: Addresses) -> Document:
    """A base model as clients see it."""
    return present(
        {
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
                    "features": {
                        "supportsAdaptationsWith": [kind.value for kind in model.supported_kinds],
                        **_FEATURES,
                    },
                    "chargeForAdaptation": False,
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
    )


def custom_model_document(model: CustomModel, addresses: Addresses) -> Document:
    """A custom model as clients see it."""
    document = worked_members(model, addresses)
    ours = document.pop("tympan")
    extra = ours if isinstance(ours, dict) else {}
    if model.settings:
        extra["settings"] = dict(model.settings)
    if model.summary:
        extra["summary"] = dict(model.summary)
    if model.bundle is not None:
        extra |= {"version": model.bundle.digest, "sizeBytes": _size(model.bundle)}
    return present(
        {
            "self": addresses.management("models", model.id),
            "baseModel": reference(addresses.management("models", "base", model.base_model_id)),
            "datasets": [reference(addresses.management("datasets", one)) for one in model.dataset_ids],
            "links": {
                "manifest": addresses.management("models", model.id, "manifest"),
                "files": addresses.management("models", model.id, "files"),
            },
            "properties": present(
                {
                    "deprecationDates": present(
                        {"transcriptionDateTime": optional_timestamp(model.decoding_expires_at)}
                    ),
                    "customModelWeightPercent": model.weight_percent,
                    "features": dict(_FEATURES),
                    "error": failure_document(model.failure),
                }
            ),
            **document,
            "tympan": extra,
        }
    )


def manifest_document(model_url: str, files: list[Document]) -> Document:
    """The files a model is made of, for running it elsewhere."""
    return {"model": reference(model_url), "modelFiles": list(files), "properties": {}}


def _size(bundle: Bundle) -> int:
    return sum(file.size_bytes for file in bundle.files)
