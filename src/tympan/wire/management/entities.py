"""What the documents of all entities share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, cast

from tympan.domain.resource import Failure, Resource, WorkedResource
from tympan.wire.addresses import Addresses, optional_reference, reference
from tympan.wire.bodies import Body
from tympan.wire.values import Document, present, timestamp
from tympan.wire.versions import ApiVersion


class NewMembers(TypedDict):
    """What every entity takes when it is created, under the use cases' names."""

    api_version: str
    display_name: str
    locale: str
    description: str | None
    custom_properties: Mapping[str, str]


class ProjectMembers(NewMembers):
    """The same for entities that may stand in a project."""

    project_id: str | None


class ChangedMembers(TypedDict, total=False):
    """What every entity lets its owner change; absent is unchanged."""

    display_name: str
    description: str | None
    custom_properties: Mapping[str, str]


class ChangedProjectMembers(ChangedMembers, total=False):
    """The same for entities that may stand in a project."""

    project_id: str | None


def new_members(body: Body, version: ApiVersion) -> NewMembers:
    """Read what every entity takes.

    Raises:
        InvalidInputError: A required member is absent or of the wrong type.
    """
    return {
        "api_version": version.value,
        "display_name": body.required("displayName"),
        "locale": body.required("locale"),
        "description": body.text("description"),
        "custom_properties": body.properties(),
    }


def new_project_members(body: Body, version: ApiVersion) -> ProjectMembers:
    """Read what every entity of a project takes; the dated API knows no projects."""
    project_id = None if version.is_dated else body.reference("project", "projects")
    return {**new_members(body, version), "project_id": project_id}


def changed_members(body: Body, current: Mapping[str, str]) -> ChangedMembers:
    """Read an update; ``current`` are the custom properties it is merged into."""
    changes: ChangedMembers = {}
    name = body.text("displayName")
    if name is not None:
        changes["display_name"] = name
    if body.names("description"):
        changes["description"] = body.text("description")
    properties = body.merged_properties(current)
    if properties is not None:
        changes["custom_properties"] = properties
    return changes


def changed_project_members(
    body: Body, current: Mapping[str, str], version: ApiVersion
) -> ChangedProjectMembers:
    """Read an update of an entity that may stand in a project; the dated API knows no projects."""
    changes = cast("ChangedProjectMembers", changed_members(body, current))
    if body.names("project") and not version.is_dated:
        changes["project_id"] = body.reference("project", "projects")
    return changes


def common_members(resource: Resource) -> Document:
    """The tail of every document."""
    return {
        "createdDateTime": timestamp(resource.created_at),
        "locale": resource.locale,
        "displayName": resource.display_name,
        "description": resource.description or None,
        "customProperties": dict(resource.custom_properties),
    }


def worked_members(resource: WorkedResource, addresses: Addresses) -> Document:
    """The tail of every document of an entity that background work prepares.

    ``tympan`` is ours: where the work on the entity can be watched.
    """
    job = resource.job_id
    project_id = None if addresses.version.is_dated else resource.project_id
    return {
        "project": optional_reference("projects", project_id, addresses),
        "lastActionDateTime": timestamp(resource.last_action_at),
        "status": resource.status.value,
        **common_members(resource),
        "tympan": None if job is None else {"job": reference(addresses.ours("jobs", job))},
    }


def failure_document(failure: Failure | None) -> Document | None:
    """``properties.error`` of an entity."""
    return None if failure is None else {"code": failure.code, "message": failure.message}


def page_document(values: Sequence[Document], next_link: str | None) -> Document:
    """A page of a list; ``values`` is always there."""
    return {"values": list(values)} | present({"@nextLink": next_link})
