"""Copying models between servers: the permission a target gives, and the work of the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from tympan.domain.dataset import StoredFile
from tympan.domain.model import Bundle
from tympan.domain.resource import Status, WorkedResource


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOffer:
    """What a source says of a model before it sends the files.

    Attributes:
        copy_id: The source's own id of this copy; an authorization serves one copy only.
        source_resource_id: Resource id of the source.
        model_id: Of the model at the source.
        base_model_id: At the source; the same files give the same id on every server.
        base_model_name: Such as ``20260105 whisper-tiny``; says what to import for retraining.
        base_model_source: Where that came from.
        dataset_ids: At the source.
        decoding_expires_at: At the source; None is never.
        bundle: The files, by SHA-256.
        reports: The training report and its parts, by SHA-256 too.
    """

    copy_id: str
    source_resource_id: str
    model_id: str
    display_name: str
    description: str | None = None
    locale: str
    custom_properties: Mapping[str, str] = field(default_factory=dict)
    base_model_id: str
    base_model_name: str = ""
    base_model_source: str = ""
    dataset_ids: tuple[str, ...] = ()
    project_id: str | None = None
    weight_percent: int = 100
    settings: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    decoding_expires_at: datetime | None = None
    bundle: Bundle
    reports: tuple[StoredFile, ...] = ()
    api_version: str = "v3.2"

    @property
    def sizes(self) -> Mapping[str, int]:
        """Size in bytes of every file, by SHA-256; equal files count once."""
        sizes = {file.sha256: file.size_bytes for file in self.bundle.files}
        return sizes | {report.key.rpartition("/")[2]: report.size_bytes for report in self.reports}


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyAuthorization:
    """A permission, given by the target, to copy one model in.

    Attributes:
        id: SHA-256 of the id that the source shows; that id itself is never stored.
        model_id: The id that the copy will have.
        source_resource_id: Who may use it.
        is_local: Source and target are the same server.
        expires_at: Aware UTC time.
        offer: What is being copied, once the source has said so; None before.
        is_spent: The copy exists.
    """

    id: str
    model_id: str
    source_resource_id: str
    is_local: bool = False
    created_at: datetime
    expires_at: datetime
    offer: CopyOffer | None = None
    is_spent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCopy(WorkedResource):
    """A copy that this server, as the source, makes elsewhere.

    Attributes:
        model_id: The model that is copied.
        source_resource_id: Of this server, as the authorization names it.
        target_url: Base URL of the target.
        is_local: The target is this server.
        authorization: What opens the target; empty once the copy is made.
        expires_at: When the target stops accepting it.
        target_model_id: The copy at the target, once it is made.
    """

    model_id: str
    source_resource_id: str
    target_url: str
    is_local: bool = False
    authorization: str = field(repr=False, default="")
    expires_at: datetime
    target_model_id: str | None = None

    def copied(self, now: datetime, target_model_id: str) -> Self:
        """The copy once the target has published it."""
        return replace(
            self,
            status=Status.SUCCEEDED,
            failure=None,
            authorization="",
            target_model_id=target_model_id,
            last_action_at=now,
        )
