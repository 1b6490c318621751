"""Endpoint documents."""

from __future__ import annotations

import math
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
from tympan.wire.values import Document, duration, optional_timestamp, present, read_duration
from tympan.wire.versions import ApiVersion

FIXED = ("locale",)
"""Members an update cannot change."""

MODES = ("interactive", "conversation", "dictation")
"""Recognition modes, as they stand in URLs."""

LONGEST_LIFE_S = 31 * 86400
"""Source: ``properties.timeToLive`` of the published description."""


class NewEndpointMembers(ProjectMembers):
    """What an endpoint takes; ``model_id`` None is the newest base model of the locale."""

    model_id: str | None
    is_logging: bool
    time_to_live_s: int | None


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
    if not version.is_dated and "text" in body:
        raise InvalidInputError(
            "text cannot adapt an endpoint here. Train a model with this text and deploy that.", target="text"
        )
    return {
        **new_project_members(body, version),
        "model_id": body.reference("model", "models"),
        "is_logging": _logging(properties) or False,
        "time_to_live_s": None if version.is_dated else _time_to_live_s(properties),
    }


def _time_to_live_s(properties: Body) -> int | None:
    """How long the endpoint lives after its deployment; None, as for 0, is without end."""
    text = (properties.text("timeToLive") or "").strip()
    if text in ("", "0"):
        return None
    seconds = read_duration(text)
    if seconds is None or seconds > LONGEST_LIFE_S:
        raise InvalidInputError(
            f"properties.timeToLive '{text[:40]}' must be an ISO 8601 duration of at most 31 days, such as "
            "PT12H or P7D; leave it out to keep the endpoint.",
            code="InvalidTimeToLive",
            target="properties.timeToLive",
        )
    return math.ceil(seconds) or None


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
    extra["deletedDateTime"] = optional_timestamp(endpoint.deleted_at)
    if endpoint.serving_model_id is not None:
        extra["servingModel"] = reference(addresses.model(endpoint.serving_model_id))
    return present(
        {
            "self": addresses.management("endpoints", endpoint.id),
            "model": reference(addresses.model(endpoint.model_id)),
            "links": _links(endpoint, addresses),
            "properties": present(
                {
                    "loggingEnabled": endpoint.is_logging,
                    "timeToLive": _life(endpoint, addresses),
                    "error": failure_document(endpoint.failure),
                }
            ),
            **document,
            "tympan": present(extra),
        }
    )


def _links(endpoint: Endpoint, addresses: Addresses) -> Document:
    # The dated API names streaming addresses only.
    if addresses.version.is_dated:
        return {"webSocket": addresses.live(endpoint.id)}
    links: Document = {f"rest{mode.title()}": addresses.recognition(mode, endpoint.id) for mode in MODES}
    links |= {f"webSocket{mode.title()}": addresses.live(endpoint.id, mode) for mode in MODES}
    return links | {"logs": addresses.management("endpoints", endpoint.id, "files", "logs")}


def _life(endpoint: Endpoint, addresses: Addresses) -> str | None:
    if endpoint.time_to_live_s is None or addresses.version.is_dated:
        return None
    return duration(endpoint.time_to_live_s)
