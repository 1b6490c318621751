"""Dataset documents."""

from __future__ import annotations

from enum import StrEnum

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.errors import InvalidInputError
from tympan.wire.addresses import Addresses
from tympan.wire.bodies import Body
from tympan.wire.v3.entities import ProjectMembers, failure_document, new_project_members, worked_members
from tympan.wire.values import Document, duration, present

FIXED = ("locale", "kind")
"""Members an update cannot change."""


class TextNormalizationKind(StrEnum):
    """Whether transcripts and lines are normalised."""

    DEFAULT = "Default"
    NONE = "None"


class NewDatasetMembers(ProjectMembers):
    """What a dataset takes."""

    kind: DatasetKind
    is_text_normalized: bool


def new_dataset_members(body: Body) -> NewDatasetMembers:
    """Read the members of a dataset to create.

    Raises:
        InvalidInputError: A required member is absent or wrong.
    """
    kind = body.choice("kind", DatasetKind)
    if kind is None:
        raise InvalidInputError(f"kind is required. Use one of: {', '.join(DatasetKind)}.", target="kind")
    wanted = body.part("properties").choice("textNormalizationKind", TextNormalizationKind)
    return {
        **new_project_members(body),
        "kind": kind,
        "is_text_normalized": wanted is not TextNormalizationKind.NONE,
    }


def dataset_document(dataset: Dataset, addresses: Addresses) -> Document:
    """A dataset as clients see it."""
    normalization = (
        TextNormalizationKind.DEFAULT if dataset.is_text_normalized else TextNormalizationKind.NONE
    )
    return present(
        {
            "self": addresses.management("datasets", dataset.id),
            "kind": dataset.kind.value,
            "links": {"files": addresses.management("datasets", dataset.id, "files")},
            "properties": present(
                {
                    "textNormalizationKind": normalization.value,
                    "acceptedLineCount": dataset.counts.accepted,
                    "rejectedLineCount": dataset.counts.rejected,
                    "duration": duration(dataset.counts.duration_s) if dataset.kind.has_audio else None,
                    "error": failure_document(dataset.failure),
                }
            ),
            **worked_members(dataset, addresses),
        }
    )
