"""What receivers of web hooks get, verified with code that nobody here wrote."""

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tympan.domain.web_hook import SECRET_OVERLAP, HookEvent
from tympan.testing.entities import make_delivery, make_web_hook
from tympan.wire.hook_messages import hook_message

BASE = "https://speech.test"


def now():
    """The real time, which the verifier compares with when a test runs."""
    return datetime.now(UTC)  # noqa: TID251


def verifier(secret):
    return Webhook(b64encode(secret.encode()).decode())


def message(delivery=None, **members):
    return hook_message(make_web_hook(**members), delivery or make_delivery(), BASE, now())


def test_the_body_names_the_entity_in_the_hooks_version_and_the_delivery():
    delivery = make_delivery(event=HookEvent.MODEL_CREATION, collection="models", entity_id="m1")
    old = message(delivery, api_version="v3.0")
    assert json.loads(old.body) == {
        "self": f"{BASE}/speechtotext/v3.0/models/m1",
        "invocationId": delivery.id,
    }
    assert old.headers["X-MicrosoftSpeechServices-Event"] == "ModelCreation"
    dated = json.loads(message(delivery, api_version="2024-11-15").body)
    assert dated["self"] == f"{BASE}/speechtotext/models/m1?api-version=2024-11-15"


def test_both_signatures_are_right():
    sent = message(secret="Grüße, 42")
    payload = verifier("Grüße, 42").verify(sent.body, dict(sent.headers))
    assert payload["invocationId"] == sent.headers["webhook-id"]
    # As a receiver written for the published service computes it.
    expected = b64encode(hmac.digest("Grüße, 42".encode(), sent.body, hashlib.sha256)).decode()
    assert sent.headers["X-MicrosoftSpeechServices-Signature"] == expected


def test_a_changed_body_another_secret_and_an_old_time_are_noticed():
    sent = message(secret="right")
    for secret, body, headers in (
        ("wrong", sent.body, sent.headers),
        ("right", sent.body + b" ", sent.headers),
        ("right", sent.body, {**sent.headers, "webhook-id": "another"}),
    ):
        with pytest.raises(WebhookVerificationError):
            verifier(secret).verify(body, dict(headers))
    old = hook_message(make_web_hook(secret="right"), make_delivery(), BASE, now() - timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError, match="old"):
        verifier("right").verify(old.body, dict(old.headers))


def test_a_secret_in_the_standard_form_is_decoded_as_receivers_decode_it():
    secret = "whsec_" + b64encode(b"24 random bytes or more.").decode()
    sent = message(secret=secret)
    Webhook(secret).verify(sent.body, dict(sent.headers))


def test_without_a_secret_nothing_is_signed():
    headers = message().headers
    assert {"X-MicrosoftSpeechServices-Signature", "webhook-signature"} & set(headers) == set()
    assert {"webhook-id", "webhook-timestamp"} <= set(headers)


def test_a_replaced_secret_verifies_for_a_day_and_the_published_header_has_the_new_one():
    delivery = make_delivery()
    hook = make_web_hook(secret="old").signed_with(now(), "new")
    sent = hook_message(hook, delivery, BASE, now())
    for secret in ("old", "new"):
        verifier(secret).verify(sent.body, dict(sent.headers))
    only_new = hook_message(make_web_hook(secret="new"), delivery, BASE, now())
    name = "X-MicrosoftSpeechServices-Signature"
    assert sent.headers[name] == only_new.headers[name]
    assert hook.secrets_at(now() + SECRET_OVERLAP) == ("new",)
    assert hook.signed_with(now(), None).secrets_at(now()) == ()


def test_the_challenge_carries_its_token_beside_what_the_url_holds_and_signs_the_token():
    delivery = make_delivery(event=HookEvent.CHALLENGE, collection=None, entity_id=None, token="a-token")
    sent = message(delivery, web_url="https://receiver.test/call?code=x%26y", secret="s")
    assert sent.url == "https://receiver.test/call?code=x%26y&validationToken=a-token"
    expected = b64encode(hmac.digest(b"s", b"a-token", hashlib.sha256)).decode()
    assert sent.headers["X-MicrosoftSpeechServices-Signature"] == expected
    verifier("s").verify(sent.body, dict(sent.headers))


def test_a_ping_shows_the_hook_and_not_its_secret():
    delivery = make_delivery(event=HookEvent.PING, collection=None, entity_id=None)
    sent = message(delivery, secret="very secret", display_name="Mine")
    shown = json.loads(sent.body)
    assert shown["displayName"] == "Mine"
    assert b"very secret" not in sent.body
