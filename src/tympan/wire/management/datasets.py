"""Dataset documents."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.dataset_block import BlockList, BlockReference, DatasetBlock
from tympan.domain.errors import InvalidInputError
from tympan.wire.addresses import Addresses
from tympan.wire.bodies import Body
from tympan.wire.management.entities import (
    ProjectMembers,
    failure_document,
    new_project_members,
    worked_members,
)
from tympan.wire.values import Document, present, spans
from tympan.wire.versions import ApiVersion

FIXED = ("locale", "kind")
"""Members an update cannot change."""
_LONGEST_FILE_NAME = 255


class TextNormalizationKind(StrEnum):
    """Whether transcripts and lines are normalised."""

    DEFAULT = "Default"
    NONE = "None"


class NewDatasetMembers(ProjectMembers):
    """What a dataset takes."""

    kind: DatasetKind
    is_text_normalized: bool


def kinds_known(version: ApiVersion) -> tuple[DatasetKind, ...]:
    """The kinds of datasets that a version has a word for."""
    later = {DatasetKind.LANGUAGE_MARKDOWN: ApiVersion.V3_1, DatasetKind.OUTPUT_FORMATTING: ApiVersion.V3_2}
    return tuple(kind for kind in DatasetKind if version >= later.get(kind, ApiVersion.V3_0))


def new_dataset_members(body: Body, version: ApiVersion) -> NewDatasetMembers:
    """Read the members of a dataset to create.

    Raises:
        InvalidInputError: A required member is absent or wrong.
    """
    kind, known = body.choice("kind", DatasetKind), kinds_known(version)
    if kind is None:
        raise InvalidInputError(f"kind is required. Use one of: {', '.join(known)}.", target="kind")
    if kind not in known:
        raise InvalidInputError(
            f"Version {version.value} of the API knows no kind {kind}. Use a later version, "
            f"or one of: {', '.join(known)}.",
            target="kind",
        )
    wanted = body.part("properties").choice("textNormalizationKind", TextNormalizationKind)
    return {
        **new_project_members(body, version),
        "kind": kind,
        "is_text_normalized": wanted is not TextNormalizationKind.NONE,
    }


def content_url(body: Body, version: ApiVersion) -> str | None:
    """Where the file of a new dataset is; None: it comes in blocks.

    Raises:
        InvalidInputError: It is absent, and the version knows no blocks.
    """
    url = body.text("contentUrl")
    if url is None and not version >= ApiVersion.V3_1:
        raise InvalidInputError(
            f"contentUrl is required in {version.value}; blocks came with v3.1.", target="contentUrl"
        )
    return url


def source_name(body: Body) -> str | None:
    """What the user's file is called that will come in blocks; its ending tells an archive from a recording.

    Raises:
        InvalidInputError: It is longer than any file name.
    """
    name = body.part("tympan").text("sourceName")
    if name is not None and len(name) > _LONGEST_FILE_NAME:
        raise InvalidInputError(
            f"tympan.sourceName has {len(name)} characters; a file name has at most {_LONGEST_FILE_NAME}.",
            target="tympan.sourceName",
        )
    shown = "".join(character for character in name or "" if character.isprintable())
    return shown.replace("\\", "/").rpartition("/")[2] or None


def block_references(bodies: Sequence[Body]) -> list[BlockReference]:
    """Read the list of a commit; a block without a kind is the latest of its name.

    Raises:
        InvalidInputError: An entry names no block, or its kind is not known.
    """
    return [
        BlockReference(kind=body.choice("kind", BlockList) or BlockList.LATEST, name=body.required("id"))
        for body in bodies
    ]


def blocks_document(committed: Sequence[DatasetBlock], uncommitted: Sequence[DatasetBlock]) -> Document:
    """The blocks of a dataset as clients see them."""
    lists = {"committedBlocks": committed, "uncommittedBlocks": uncommitted}
    return {
        name: [{"name": block.name, "size": block.size_bytes} for block in blocks]
        for name, blocks in lists.items()
    }


def _links(dataset: Dataset, addresses: Addresses) -> Document:
    def link(*segments: str) -> str:
        return addresses.management("datasets", dataset.id, *segments)

    links: Document = {"files": link("files")}
    if dataset.is_in_blocks and addresses.version >= ApiVersion.V3_1:
        links["commitBlocks"] = link("blocks:commit")
        links["listBlocks"] = links["uploadBlocks"] = link("blocks")
    return links


def dataset_document(dataset: Dataset, addresses: Addresses) -> Document:
    """A dataset as clients see it."""
    version = addresses.version
    normalization = (
        TextNormalizationKind.DEFAULT if dataset.is_text_normalized else TextNormalizationKind.NONE
    )
    return present(
        {
            "self": addresses.management("datasets", dataset.id),
            "kind": dataset.kind.value,
            "links": _links(dataset, addresses),
            "properties": present(
                {
                    "textNormalizationKind": normalization.value if version >= ApiVersion.V3_2 else None,
                    "acceptedLineCount": dataset.counts.accepted,
                    "rejectedLineCount": dataset.counts.rejected,
                    **spans(dataset.counts.duration_s if dataset.kind.has_audio else None, version),
                    "error": failure_document(dataset.failure),
                }
            ),
            **worked_members(dataset, addresses),
        }
    )
