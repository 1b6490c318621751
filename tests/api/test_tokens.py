"""Access tokens: ten minutes of what a key opens."""

import jwt
import pytest
from tests.api.conftest import OWNER_KEY, V32, error_of, wav

from tympan.domain.errors import NotAuthenticatedError
from tympan.testing.clock import FakeClock
from tympan.testing.entities import make_endpoint
from tympan.testing.store import MemoryStore
from tympan.usecases.access import Access

ISSUE = "/sts/v1.0/issueToken"
RECOGNISE = "/speech/recognition/conversation/cognitiveservices/v1"


def bearer(token):
    return {"Ocp-Apim-Subscription-Key": "", "Authorization": f"Bearer {token}"}


@pytest.fixture
def endpoint(world, base_model):
    return world.add(make_endpoint(model_id=base_model.id).deployed(world.clock.now()))


@pytest.mark.parametrize(
    "path", [ISSUE, ISSUE.lower(), f"{ISSUE}?scope=speechservicesmanagement", f"{ISSUE}/"]
)
def test_a_key_gets_a_token_that_opens_what_the_key_opens(world, base_model, path):
    answer = world.client.post(path)
    assert answer.status_code == 200
    assert answer.text.count(".") == 2
    assert OWNER_KEY not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert world.client.get(f"{V32}/datasets", headers=bearer(answer.text)).status_code == 200
    heard = world.client.post(
        f"{RECOGNISE}?language=en-US",
        content=wav(),
        headers=bearer(answer.text) | {"Content-Type": "audio/wav"},
    )
    assert heard.status_code == 200


def test_a_token_lives_for_ten_minutes(world):
    token = world.client.post(ISSUE).text
    world.clock.advance(599)
    assert world.client.get(f"{V32}/datasets", headers=bearer(token)).status_code == 200
    world.clock.advance(1)
    answer = world.client.get(f"{V32}/datasets", headers=bearer(token))
    assert "expired" in error_of(answer, 401, "Unauthorized", "InvalidSubscription")["message"]


def test_a_key_of_an_endpoint_gets_a_token_for_it_alone(world, endpoint):
    key = world.services.access.create_endpoint_key(endpoint.id, "phone")
    token = world.client.post(ISSUE, headers={"Ocp-Apim-Subscription-Key": key.secret}).text
    error_of(world.client.get(f"{V32}/datasets", headers=bearer(token)), 403, "Forbidden", "Forbidden")
    headers = bearer(token) | {"Content-Type": "audio/wav"}
    assert (
        world.client.post(f"{RECOGNISE}?cid={endpoint.id}", content=wav(), headers=headers).status_code == 200
    )
    other = world.client.post(f"{RECOGNISE}?language=en-US", content=wav(), headers=headers)
    error_of(other, 403, "Forbidden", "Forbidden")
    world.services.access.delete_endpoint_key(endpoint.id, key.key.id)
    again = world.client.post(f"{RECOGNISE}?cid={endpoint.id}", content=wav(), headers=headers)
    error_of(again, 401, "Unauthorized", "InvalidSubscription")


def test_a_token_gets_no_token(world):
    token = world.client.post(ISSUE).text
    error_of(world.client.post(ISSUE, headers=bearer(token)), 403, "Forbidden", "Forbidden")


def test_without_a_key_there_is_no_token(world):
    for key in ("", "wrong"):
        answer = world.client.post(ISSUE, headers={"Ocp-Apim-Subscription-Key": key})
        error_of(answer, 401, "Unauthorized", "InvalidSubscription")


@pytest.mark.parametrize("change", ["secret", "none", "issuer", "no exp", "words", "cut"])
def test_a_forged_token_opens_nothing(world, change, caplog):
    real = world.client.post(ISSUE).text
    claims = jwt.decode(real, options={"verify_signature": False})
    secret = world.services.access.token_secret
    forged = {
        "secret": jwt.encode(claims, b"x" * 32),
        "none": jwt.encode(claims, None, algorithm="none"),
        "issuer": jwt.encode(claims | {"iss": "other"}, secret),
        "no exp": jwt.encode({"iss": "tympan", "sub": claims["sub"]}, secret),
        "words": jwt.encode(claims | {"exp": "never"}, secret),
        "cut": real[:-2],
    }[change]
    answer = world.client.get(f"{V32}/datasets", headers=bearer(forged))
    error_of(answer, 401, "Unauthorized", "InvalidSubscription")
    assert forged not in answer.text + caplog.text


def test_a_server_without_a_secret_takes_no_token_signed_with_nothing():
    access = Access(store=MemoryStore(), clock=FakeClock())
    access.bootstrap(OWNER_KEY)
    with access.store.read() as tx:
        (key, *_) = tx.keys.list()
    claims = {"iss": "tympan", "sub": key.id, "exp": access.clock.now().timestamp() + 60}
    with pytest.raises(NotAuthenticatedError):
        access.authenticate(jwt.encode(claims, b"\0" * 32))
