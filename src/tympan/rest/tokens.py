"""Access tokens for clients that do not show their key.

Source: ``POST /sts/v1.0/issueToken``; the answer is the token itself, as plain text.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse

from tympan.rest.auth import principal_of
from tympan.rest.calls import CallDep
from tympan.usecases.access import Principal

router = APIRouter(prefix="/sts/v1.0")


@router.post("/issuetoken")
def issue_token(call: CallDep, principal: Annotated[Principal, Depends(principal_of)]) -> PlainTextResponse:
    """A token that opens for ten minutes what the key opens; ``scope`` is accepted and changes nothing."""
    call.allow_query("scope")
    token = call.services.access.issue_token(principal)
    return PlainTextResponse(token, media_type="application/jwt", headers={"Cache-Control": "no-store"})
