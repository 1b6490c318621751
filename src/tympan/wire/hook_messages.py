"""What is sent to the receivers of web hooks, signed in two ways.

The published way: ``X-MicrosoftSpeechServices-Signature`` is the base64 of the HMAC-SHA256
of the body (of the token, for the challenge) under the bytes of the secret.

Standard Webhooks 1.0: ``webhook-signature`` is ``v1,`` and the base64 of the HMAC-SHA256 of
``<webhook-id>.<webhook-timestamp>.<body>``. Its key are the bytes behind ``whsec_``, decoded
from base64, or the bytes of the secret where that has not that form. While a replaced
secret still counts there are two signatures with a blank between them.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from tympan.domain.web_hook import HookDelivery, HookEvent, WebHook
from tympan.wire.addresses import Addresses
from tympan.wire.management.web_hooks import web_hook_document
from tympan.wire.values import Document
from tympan.wire.versions import ApiVersion

_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookMessage:
    """One POST request."""

    url: str
    body: bytes
    headers: Mapping[str, str]


def hook_message(hook: WebHook, delivery: HookDelivery, base_url: str, now: datetime) -> HookMessage:
    """The request that brings a delivery to its receiver.

    Args:
        hook: The receiver.
        delivery: What it is told.
        base_url: Scheme and host that URLs in the message begin with.
        now: When it is sent; receivers refuse messages that are minutes old.
    """
    addresses = Addresses(base_url=base_url, version=ApiVersion(hook.api_version))
    body = json.dumps(_document(hook, delivery, addresses)).encode()
    is_challenge = delivery.event is HookEvent.CHALLENGE
    token = delivery.token or ""
    headers = {
        "Content-Type": "application/json",
        "X-MicrosoftSpeechServices-Event": delivery.event.value,
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(now.timestamp())),
    }
    secrets = hook.secrets_at(now)
    if secrets:
        signed = token.encode() if is_challenge else body
        headers["X-MicrosoftSpeechServices-Signature"] = published_signature(secrets[0], signed)
        stamped = f"{delivery.id}.{headers['webhook-timestamp']}.".encode() + body
        headers["webhook-signature"] = " ".join(standard_signature(secret, stamped) for secret in secrets)
    url = with_token(hook.web_url, token) if is_challenge else hook.web_url
    return HookMessage(url=url, body=body, headers=headers)


def _document(hook: WebHook, delivery: HookDelivery, addresses: Addresses) -> Document:
    if delivery.event is HookEvent.PING:
        return web_hook_document(hook, addresses)
    place = (delivery.collection or "webhooks", delivery.entity_id or hook.id)
    return {"self": addresses.management(*place), "invocationId": delivery.id}


def with_token(url: str, token: str) -> str:
    """The URL of a challenge; a query that is there already stays.

    >>> with_token("https://a.test/b?c=d", "t"), with_token("https://a.test", "t")
    ('https://a.test/b?c=d&validationToken=t', 'https://a.test?validationToken=t')
    """
    address, mark, fragment = url.partition("#")
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}validationToken={quote(token, safe='')}{mark}{fragment}"


def published_signature(secret: str, text: bytes) -> str:
    """The signature of the published API; this is case 2 of RFC 4231.

    >>> published_signature("Jefe", b"what do ya want for nothing?")
    'W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM='
    """
    return _signed(secret.encode(), text)


def standard_signature(secret: str, text: bytes) -> str:
    """One signature of Standard Webhooks."""
    return f"v1,{_signed(_standard_key(secret), text)}"


def _signed(key: bytes, text: bytes) -> str:
    return b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def _standard_key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
