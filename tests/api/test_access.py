import logging

import pytest
from tests.api.conftest import OWNER_KEY, V32, error_of

from tympan.domain.errors import InvalidInputError, UnavailableError
from tympan.testing.clock import FakeClock
from tympan.testing.entities import make_endpoint
from tympan.testing.store import MemoryStore
from tympan.usecases.access import Access

PROTECTED = [
    ("GET", f"{V32}/projects"),
    ("POST", f"{V32}/datasets/upload"),
    ("GET", f"{V32}/nothing/of/the/kind"),
    ("GET", "/api/v1/jobs"),
    ("GET", "/api/v1/server"),
    ("POST", "/api/v1/base-models:import"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_every_route_needs_a_key(client, method, path):
    del client.headers["Ocp-Apim-Subscription-Key"]
    error_of(client.request(method, path), 401, "Unauthorized", "InvalidSubscription")
    answer = client.request(method, path, headers={"Ocp-Apim-Subscription-Key": "wrong"})
    error_of(answer, 401, "Unauthorized", "InvalidSubscription")


def test_a_key_may_be_a_bearer_token(client):
    del client.headers["Ocp-Apim-Subscription-Key"]
    answer = client.get(f"{V32}/projects", headers={"Authorization": f"Bearer {OWNER_KEY}"})
    assert answer.status_code == 200


def test_an_endpoint_key_opens_no_management_route(world, client):
    endpoint = world.add(make_endpoint())
    issued = world.services.access.create_endpoint_key(endpoint.id, "phone")
    answer = client.get(f"{V32}/projects", headers={"Ocp-Apim-Subscription-Key": issued.secret})
    error_of(answer, 403, "Forbidden", "Forbidden")


def test_health_needs_no_key_and_tells_what_is_missing(world, client):
    del client.headers["Ocp-Apim-Subscription-Key"]
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").json()["status"] == "Healthy"

    def unreachable():
        raise UnavailableError("gone")

    world.recognizer.state = unreachable
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert {"name": "modelHost", "status": "Unhealthy"} in answer.json()["components"]


def test_no_key_is_written_to_the_log(client, caplog):
    caplog.set_level(logging.DEBUG)
    client.get(f"{V32}/projects", headers={"Ocp-Apim-Subscription-Key": "a-wrong-secret"})
    client.get(f"{V32}/projects")
    assert OWNER_KEY not in caplog.text
    assert "a-wrong-secret" not in caplog.text


def test_two_keys_are_made_once():
    access = Access(store=MemoryStore(), clock=FakeClock())
    keys = access.bootstrap()
    assert list(keys) == ["key1", "key2"]
    assert access.bootstrap() == {}
    assert access.authenticate(keys["key2"]).name == "key2"
    with access.store.read() as tx:
        assert not {key.sha256 for key in tx.keys.list()} & set(keys.values())


def test_a_chosen_key_becomes_the_first_and_can_be_changed():
    access = Access(store=MemoryStore(), clock=FakeClock())
    assert access.bootstrap("chosen-key")["key1"] == "chosen-key"
    assert access.bootstrap("chosen-key") == {}
    assert access.bootstrap("another-key") == {"key1": "another-key"}
    assert access.authenticate("another-key").is_owner
    with pytest.raises(InvalidInputError):
        access.bootstrap("short")


def test_an_issued_key_does_not_show_itself(world):
    endpoint = world.add(make_endpoint())
    issued = world.services.access.create_endpoint_key(endpoint.id, "phone")
    assert issued.secret not in repr(issued)
