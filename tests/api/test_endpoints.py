import pytest
from tests.api.conftest import V32, error_of

from tympan.testing.entities import make_base_model, make_endpoint
from tympan.wire.values import read_duration

ENDPOINTS = f"{V32}/endpoints"


def test_a_new_endpoint_names_its_model_and_its_addresses(client, base_model):
    body = {"displayName": "Phone", "locale": "en-US", "model": {"self": base_model.id}}
    answer = client.post(ENDPOINTS, json=body)
    endpoint = answer.json()
    endpoint_id = endpoint["self"].rsplit("/", 1)[-1]
    assert answer.status_code == 201
    assert answer.headers["location"] == endpoint["self"]
    assert endpoint["model"]["self"] == f"http://speech.test{V32}/models/base/{base_model.id}"
    assert endpoint["links"]["restConversation"] == (
        f"http://speech.test/speech/recognition/conversation/cognitiveservices/v1?cid={endpoint_id}"
    )
    assert endpoint["links"]["webSocketConversation"] == (
        f"ws://speech.test/speech/recognition/conversation/cognitiveservices/v1?cid={endpoint_id}"
    )
    assert endpoint["properties"] == {"loggingEnabled": False}
    dated = client.get(f"/speechtotext/endpoints/{endpoint_id}?api-version=2024-11-15").json()
    assert dated["links"] == {"webSocket": f"ws://speech.test/stt/speech/universal/v2?cid={endpoint_id}"}


def test_a_model_that_is_not_named_is_the_newest_base_model(client, base_model):
    answer = client.post(ENDPOINTS, json={"displayName": "Phone", "locale": "en-US"})
    assert answer.json()["model"]["self"].endswith(base_model.id)


def test_an_update_swaps_the_model_and_both_names_switch_logging(world, client, base_model):
    endpoint = world.add(make_endpoint(model_id=base_model.id, serving_model_id=base_model.id))
    other = world.add(make_base_model())
    url = f"{ENDPOINTS}/{endpoint.id}"
    body = {"model": {"self": f"{V32}/models/{other.id}"}, "properties": {"contentLoggingEnabled": True}}
    swapped = client.patch(url, json=body).json()
    assert swapped["status"] == "Running"
    assert swapped["model"]["self"].endswith(other.id)
    assert swapped["tympan"]["servingModel"]["self"].endswith(base_model.id)
    assert swapped["properties"] == {"loggingEnabled": True}
    off = client.patch(url, json={"properties": {"loggingEnabled": False}}).json()
    assert off["properties"] == {"loggingEnabled": False}


def test_what_cannot_be_honoured_is_refused(client, base_model):
    body = {"displayName": "Phone", "locale": "en-US"}
    for life in ("P32D", "a week", "P", "PT", "-P1D", "PT2678401S"):
        answer = client.post(ENDPOINTS, json=body | {"properties": {"timeToLive": life}})
        error_of(answer, 400, "InvalidRequest", "InvalidTimeToLive")
    error_of(client.post(ENDPOINTS, json=body | {"text": "hello"}), 400, "InvalidRequest", "InvalidPayload")
    error_of(
        client.post(ENDPOINTS, json=body | {"model": {"self": "x"}}), 400, "InvalidRequest", "InvalidPayload"
    )


def test_an_endpoint_is_suspended_resumed_and_deleted(world, client, base_model):
    endpoint = world.add(make_endpoint(model_id=base_model.id))
    ours = f"/api/v1/endpoints/{endpoint.id}"
    assert client.post(f"{ours}:suspend").json()["tympan"]["suspended"] is True
    assert client.post(f"{ours}:resume").json()["tympan"]["suspended"] is False
    assert client.delete(f"{ENDPOINTS}/{endpoint.id}").status_code == 204
    error_of(client.post(f"{ours}:suspend"), 404, "NotFound")


def test_a_key_of_an_endpoint_is_shown_once(world, client, base_model):
    endpoint = world.add(make_endpoint(model_id=base_model.id))
    keys = f"/api/v1/endpoints/{endpoint.id}/keys"
    made = client.post(keys, json={"name": "phone"})
    assert made.status_code == 201
    assert len(made.json()["key"]) == 64
    [listed] = client.get(keys).json()["values"]
    assert listed["name"] == "phone"
    assert "key" not in listed
    assert client.delete(listed["self"]).status_code == 204
    assert client.get(keys).json() == {"values": []}
    error_of(client.post(keys, json={"name": " "}), 400, "InvalidRequest", "InvalidPayload")


@pytest.mark.parametrize(("life", "seconds"), [("P1D", 86400), ("PT12H30M", 45000), ("P31D", 31 * 86400)])
def test_an_endpoint_is_deleted_when_its_time_to_live_after_its_deployment_is_over(
    world, client, base_model, life, seconds
):
    body = {"displayName": "Phone", "locale": "en-US", "properties": {"timeToLive": life}}
    made = client.post(ENDPOINTS, json=body).json()
    assert read_duration(made["properties"]["timeToLive"]) == seconds
    endpoint_id = made["self"].rsplit("/", 1)[-1]
    world.clock.advance(40 * 86400)  # it waits for a worker that long, and that does not count
    world.services.endpoints.delete_expired()
    with world.store.write() as tx:
        tx.endpoints.save(tx.endpoints.get(endpoint_id).deployed(world.clock.now()))
    world.clock.advance(seconds - 1)
    world.services.endpoints.delete_expired()
    assert "deletedDateTime" in client.get(made["self"]).json()["tympan"]
    world.clock.advance(1)
    world.services.endpoints.delete_expired()
    error_of(client.get(made["self"]), 404, "NotFound")


def test_a_failed_deployment_counts_as_the_end_of_it(world, client, base_model):
    body = {"displayName": "Phone", "locale": "en-US", "properties": {"timeToLive": "PT6H"}}
    made = client.post(ENDPOINTS, json=body).json()
    world.failed("endpoints", made["self"].rsplit("/", 1)[-1])
    world.clock.advance(6 * 3600)
    world.services.endpoints.delete_expired()
    error_of(client.get(made["self"]), 404, "NotFound")


@pytest.mark.parametrize("life", ["0", "PT0S", "P0D", "", None])
def test_no_time_to_live_is_for_ever(world, client, base_model, life):
    body = {"displayName": "Phone", "locale": "en-US", "properties": {"timeToLive": life}}
    made = client.post(ENDPOINTS, json=body).json()
    assert "timeToLive" not in made["properties"]
    with world.store.write() as tx:
        endpoint = tx.endpoints.get(made["self"].rsplit("/", 1)[-1])
        tx.endpoints.save(endpoint.deployed(world.clock.now()))
    world.clock.advance(10 * 365 * 86400)
    world.services.endpoints.delete_expired()
    assert client.get(made["self"]).status_code == 200


def test_the_dated_version_knows_no_time_to_live(client, base_model):
    body = {"displayName": "Phone", "locale": "en-US", "properties": {"timeToLive": "P1D"}}
    made = client.post("/speechtotext/endpoints?api-version=2024-11-15", json=body).json()
    assert "timeToLive" not in made["properties"]
    later = made["self"].replace("/speechtotext/", "/speechtotext/v3.2/").partition("?")[0]
    assert "timeToLive" not in client.get(later).json()["properties"]
