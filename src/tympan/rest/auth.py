"""Every route but health and signed file content needs a key."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from tympan.domain.errors import ForbiddenError
from tympan.rest.calls import services_of
from tympan.usecases.access import Principal

KEY_HEADER = "ocp-apim-subscription-key"


def shown_secret(request: Request) -> str | None:
    """The key of a request: its own header, or a bearer token."""
    key = request.headers.get(KEY_HEADER)
    if key:
        return key.strip()
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def principal_of(request: Request) -> Principal:
    """Who calls.

    Raises:
        NotAuthenticatedError: No key, or one nobody knows.
    """
    return services_of(request).access.authenticate(shown_secret(request))


def require_owner(principal: Annotated[Principal, Depends(principal_of)]) -> Principal:
    """Let only keys of the whole server in.

    Raises:
        ForbiddenError: The key opens one endpoint only.
    """
    if not principal.is_owner:
        raise ForbiddenError(
            f"The key '{principal.name}' opens recognition with endpoint {principal.endpoint_id} only. "
            "Use one of the owner's keys."
        )
    return principal


OwnerOnly = Depends(require_owner)
