"""Endpoint documents."""

from __future__ import annotations

from typing import cast

from tympan.domain.endpoint import Endpoint
from tympan.domain.errors import InvalidInputError
from tympan.wire.addresses import Addresses, reference
from tympan.wire.bodies import Body
from tympan.wire.management.entities import (
    ChangedProjectMembers,
    ProjectMembers,
    changed_project_members,
    failure_document,
    new_project_members,
    worked_members,
)
from tympan.wire.values import Document, present
from tympan.wire.versions import ApiVersion

FIXED = ("locale",)
"""Members an update cannot change."""

MODES = ("interactive", "conversation", "dictation")
"""Recognition modes, as they stand in URLs."""


NO_LOGS_YET = "Logging is switched on, but this version of the server keeps no logs yet."
"""Said wherever an endpoint with logging is shown."""


class NewEndpointMembers(ProjectMembers):
    """What an endpoint takes; ``model_id`` None is the newest base model of the locale."""

    model_id: str | None
    is_logging: bool


class ChangedEndpointMembers(ChangedProjectMembers, total=False):
    """What an endpoint lets its owner change."""

    model_id: str
    is_logging: bool


def new_endpoint_members(body: Body, version: ApiVersion) -> NewEndpointMembers:
    """Read the members of an endpoint to create.

    Raises:
        InvalidInputError: A required member is absent or wrong, or an option that this
            server cannot honour is asked for.
    """
    properties = body.part("properties")
    if (
        not version.is_dated
        and "timeToLive" in properties
        and properties.text("timeToLive") not in ("0", "PT0S", "P0D", "")
    ):
        raise InvalidInputError(
            "This server does not delete endpoints by itself yet. Leave properties.timeToLive out.",
            code="InvalidTimeToLive",
            target="properties.timeToLive",
        )
    if not version.is_dated and "text" in body:
        raise InvalidInputError(
            "text cannot adapt an endpoint here. Train a model with this text and deploy that.", target="text"
        )
    return {
        **new_project_members(body, version),
        "model_id": body.reference("model", "models"),
        "is_logging": _logging(properties) or False,
    }


def changed_endpoint_members(body: Body, current: Endpoint, version: ApiVersion) -> ChangedEndpointMembers:
    """Read an update of an endpoint."""
    project_changes = changed_project_members(body, current.custom_properties, version)
    changes = cast("ChangedEndpointMembers", project_changes)
    model_id = body.reference("model", "models")
    if model_id is not None:
        changes["model_id"] = model_id
    is_logging = _logging(body.part("properties"))
    if is_logging is not None:
        changes["is_logging"] = is_logging
    return changes


def _logging(properties: Body) -> bool | None:
    # Written as contentLoggingEnabled in updates and as loggingEnabled everywhere else.
    wanted = properties.flag("contentLoggingEnabled")
    return properties.flag("loggingEnabled") if wanted is None else wanted


def endpoint_document(endpoint: Endpoint, addresses: Addresses) -> Document:
    """An endpoint as clients see it."""
    document = worked_members(endpoint, addresses)
    ours = document.pop("tympan")
    extra = ours if isinstance(ours, dict) else {}
    extra["suspended"] = endpoint.is_suspended
    if endpoint.is_logging:
        extra["warnings"] = [NO_LOGS_YET]
    if endpoint.serving_model_id is not None:
        extra["servingModel"] = reference(addresses.model(endpoint.serving_model_id))
    return present(
        {
            "self": addresses.management("endpoints", endpoint.id),
            "model": reference(addresses.model(endpoint.model_id)),
            "links": _links(endpoint, addresses),
            "properties": present(
                {"loggingEnabled": endpoint.is_logging, "error": failure_document(endpoint.failure)}
            ),
            **document,
            "tympan": extra,
        }
    )


def _links(endpoint: Endpoint, addresses: Addresses) -> Document:
    # The dated API names streaming addresses only.
    if addresses.version.is_dated:
        return {}
    return {f"rest{mode.title()}": addresses.recognition(mode, endpoint.id) for mode in MODES}
