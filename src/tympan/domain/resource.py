"""What all resources have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self


class Status(StrEnum):
    """States of every resource that background work prepares; Azure's spelling."""

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"

    @property
    def is_terminal(self) -> bool:
        """True when no background work will change the resource any more."""
        return self in (Status.SUCCEEDED, Status.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a resource failed: ``properties.error`` of the published shape."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The members every resource carries.

    Attributes:
        id: UUID, lower case.
        display_name: The owner's name for it, at least one character.
        description: Free text.
        locale: BCP-47 tag in canonical case, such as ``en-US``.
        custom_properties: At most 10 pairs; keys up to 64, values up to 256 characters.
        created_at: Aware UTC time.
        last_action_at: Aware UTC time of the last state change.
        api_version: The published API version it was made through, such as ``v3.2`` or
            ``2024-11-15``; web hooks hear of it through the same version.
    """

    id: str
    display_name: str
    description: str | None = None
    locale: str
    custom_properties: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime
    last_action_at: datetime
    api_version: str = "v3.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedResource(Resource):
    """A resource that a background job prepares.

    Attributes:
        project_id: The project it is shown under, if any.
        status: Where its background work stands.
        failure: Set exactly when ``status`` is ``Failed``.
        job_id: The newest job that works on it.
    """

    project_id: str | None = None
    status: Status = Status.NOT_STARTED
    failure: Failure | None = None
    job_id: str | None = None

    def running(self, now: datetime) -> Self:
        """The same resource while its job works on it."""
        return replace(self, status=Status.RUNNING, failure=None, last_action_at=now)

    def failed(self, now: datetime, failure: Failure) -> Self:
        """The same resource after its job has failed for good."""
        return replace(self, status=Status.FAILED, failure=failure, last_action_at=now)
