"""Documents of copying models."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from tympan.domain.errors import InvalidInputError
from tympan.domain.model_copy import CopyAuthorization, ModelCopy
from tympan.domain.resource import Status
from tympan.wire.addresses import Addresses
from tympan.wire.bodies import Body
from tympan.wire.management.entities import failure_document
from tympan.wire.values import Document, present, read_timestamp, timestamp

REGION = "self-hosted"
"""What stands where a cloud names its region."""


def authorization_document(
    authorization: CopyAuthorization, secret: str, resource_id: str, addresses: Addresses
) -> Document:
    """An authorization as the target issues it; only this answer shows its id."""
    return {
        "targetResourceRegion": REGION,
        "targetResourceId": resource_id,
        "targetResourceEndpoint": addresses.base_url,
        "sourceResourceId": authorization.source_resource_id,
        "expirationDateTime": timestamp(authorization.expires_at),
        "id": secret,
    }


class AuthorizationMembers(TypedDict):
    """What a client hands over, under the use case's names."""

    id: str
    target_endpoint: str
    target_resource_id: str
    source_resource_id: str
    expires_at: datetime


def read_authorization(body: Body) -> AuthorizationMembers:
    """Read an authorization that a client hands over, under the use case's names.

    Raises:
        InvalidInputError: A member is absent or wrong.
    """
    text = body.required("expirationDateTime")
    expires_at = read_timestamp(text)
    if expires_at is None:
        raise InvalidInputError(
            f"expirationDateTime '{text[:40]}' is no time such as 2026-01-31T12:00:00Z.",
            target="expirationDateTime",
        )
    body.required("targetResourceRegion")
    return {
        "id": body.required("id"),
        "target_endpoint": body.required("targetResourceEndpoint"),
        "target_resource_id": body.required("targetResourceId"),
        "source_resource_id": body.required("sourceResourceId"),
        "expires_at": expires_at,
    }


def operation_document(copy: ModelCopy, addresses: Addresses) -> Document:
    """The operation that makes a copy; ``result.link`` names the copy on the target."""
    target = Addresses(base_url=copy.target_url, version=addresses.version)
    link = None if copy.target_model_id is None else target.management("models", copy.target_model_id)
    is_done = copy.status is Status.SUCCEEDED
    return present(
        {
            "self": addresses.management("operations", "models", "copy", copy.id),
            "id": copy.id,
            "createdDateTime": timestamp(copy.created_at),
            "lastActionDateTime": timestamp(copy.last_action_at),
            "status": copy.status.value,
            "result": {"link": link} if is_done and link else None,
            "error": failure_document(copy.failure),
            "tympan": present({"job": _job(copy, addresses)}),
        }
    )


def _job(copy: ModelCopy, addresses: Addresses) -> Document | None:
    return None if copy.job_id is None else {"self": addresses.ours("jobs", copy.job_id)}
