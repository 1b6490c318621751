"""Signing in: a cookie that names a key, signed by the server, and proof against forged forms."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from starlette.requests import Request
from starlette.responses import Response

from tympan.portal.services import PortalServices
from tympan.usecases.access import Principal

SESSION_COOKIE = "tympan_session"
FORM_COOKIE = "tympan_form"
LIFE_S = 12 * 3600
_SAME_SITE = ("same-origin", "none")


def start_session(
    response: Response, services: PortalServices, principal: Principal, request: Request
) -> None:
    """Remember who signed in. The cookie holds the id of the key, never the key."""
    expires = int(services.access.clock.now().timestamp()) + LIFE_S
    payload = f"{principal.key_id}.{expires}"
    _set(response, SESSION_COOKIE, f"{payload}.{_sign(services.secret, 'session', payload)}", request)


def end_session(response: Response) -> None:
    """Forget who signed in."""
    response.delete_cookie(SESSION_COOKIE, path="/")


def signed_in(request: Request, services: PortalServices) -> Principal | None:
    """Who signed in; None when nobody did, the session is over, or the key is gone."""
    payload, _, signature = request.cookies.get(SESSION_COOKIE, "").rpartition(".")
    if not hmac.compare_digest(signature.encode(), _sign(services.secret, "session", payload).encode()):
        return None
    key_id, _, expires = payload.partition(".")
    if int(expires) <= services.access.clock.now().timestamp():
        return None
    principal = services.access.find(key_id)
    return principal if principal is not None and principal.is_owner else None


def form_token(request: Request, services: PortalServices) -> tuple[str, str]:
    """The nonce for the form cookie, and the token the form must send with it."""
    nonce = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    return nonce, _sign(services.secret, "form", nonce)


def keep_form_cookie(response: Response, nonce: str, request: Request) -> None:
    """Let the form be sent by this browser only."""
    _set(response, FORM_COOKIE, nonce, request)


def is_own_form(request: Request, services: PortalServices, token: str) -> bool:
    """Whether a form was made by this server for this browser."""
    nonce = request.cookies.get(FORM_COOKIE, "")
    came_from = request.headers.get("sec-fetch-site", "same-origin")
    is_signed = hmac.compare_digest(token.encode(), _sign(services.secret, "form", nonce).encode())
    return bool(nonce) and came_from in _SAME_SITE and is_signed


def _set(response: Response, name: str, value: str, request: Request) -> None:
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    response.set_cookie(
        name, value, max_age=LIFE_S, path="/", httponly=True, samesite="lax", secure=scheme == "https"
    )


def _sign(secret: bytes, purpose: str, text: str) -> str:
    return hmac.new(secret, f"{purpose}\n{text}".encode(), hashlib.sha256).hexdigest()
