"""Which versions of the published API a route belongs to."""

from __future__ import annotations

from typing import cast

from fastapi import Depends, Request
from fastapi.params import Depends as Dependency
from starlette.exceptions import HTTPException

from tympan.domain.errors import InvalidInputError
from tympan.rest.paths import version_of
from tympan.wire.versions import DATED_VERSIONS, ApiVersion


def known_version(request: Request) -> ApiVersion:
    """The version that a request is written in.

    Raises:
        InvalidInputError: It names one that nobody knows.
    """
    version = version_of(request.scope)
    if version is None:
        known = ", ".join(one.value for one in DATED_VERSIONS)
        raise InvalidInputError(
            f"The api-version is not known. Use one of: {known}, or a path such as /speechtotext/v3.2.",
            code="InvalidParameterValue",
            target="api-version",
        )
    return version


def between(first: ApiVersion, last: ApiVersion) -> Dependency:
    """Answer 404 in versions before ``first`` or after ``last``, as if the route were not there."""

    def check(request: Request) -> None:
        version = known_version(request)
        if not (version >= first and last >= version):
            raise HTTPException(404)

    return cast("Dependency", Depends(check))


def since(first: ApiVersion) -> Dependency:
    """Answer 404 in versions before ``first``."""
    return between(first, DATED_VERSIONS[-1])


IN_PATH_VERSIONS = between(ApiVersion.V3_0, ApiVersion.V3_2)
"""For what the dated API has no words for, such as projects."""

IN_DATED_VERSIONS = since(ApiVersion.V2024_11_15)
"""For what only the dated API has."""
