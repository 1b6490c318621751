"""Limits: said in one place, in the answers, and held to."""

import math
from dataclasses import replace

import pytest
from tests.api.conftest import OWNER_KEY, V32, error_of, make_world, upload, wav

from tympan.app.limits import published_limits
from tympan.app.settings import Settings
from tympan.domain.dataset import DatasetCounts
from tympan.domain.errors import UnavailableError
from tympan.domain.resource import Status
from tympan.testing.entities import make_base_model, make_dataset, make_endpoint, make_key
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.endpoints import Endpoints
from tympan.usecases.models import Models
from tympan.usecases.traffic import RequestRate, RequestsAtOnce

RECOGNISE = "/speech/recognition/conversation/cognitiveservices/v1"


class Seconds:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def slow(tmp_path, seconds):
    """A server that takes three management requests in ten seconds."""
    return make_world(tmp_path, management_rate=RequestRate(3, 10, seconds))


def test_every_management_answer_says_what_is_left_and_one_too_many_is_429(slow, seconds):
    for left in (2, 1):
        answer = slow.client.get(f"{V32}/datasets")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-limit"] == "3"
        assert answer.headers["ratelimit-remaining"] == str(left)
        assert answer.headers["ratelimit-reset"] == "10"
        assert answer.headers["ratelimit-policy"] == '"management";q=3;w=10'
        assert answer.headers["ratelimit"] == f'"management";r={left};t=10'
    missing = slow.client.get(f"{V32}/datasets/00000000-0000-4000-8000-000000000000")
    assert (missing.status_code, missing.headers["ratelimit-remaining"]) == (404, "0")
    seconds.now = 2.5
    over = slow.client.get("/speechtotext/datasets?api-version=2024-11-15")
    error = error_of(over, 429, "TooManyRequests", "QuotaViolation")
    assert "TYMPAN_MANAGEMENT_RATE" in error["message"]
    assert over.headers["retry-after"] == over.headers["ratelimit-reset"] == "8"
    assert over.headers["ratelimit-remaining"] == "0"
    seconds.now = 10.0
    assert slow.client.get(f"{V32}/datasets").status_code == 200


def test_a_token_uses_up_what_its_key_may(slow):
    token = slow.client.post("/sts/v1.0/issueToken").text
    bearer = {"Ocp-Apim-Subscription-Key": "", "Authorization": f"Bearer {token}"}
    for _ in range(2):
        slow.client.get(f"{V32}/datasets")
    assert slow.client.get(f"{V32}/datasets", headers=bearer).headers["ratelimit-remaining"] == "0"
    assert slow.client.get(f"{V32}/datasets", headers=bearer).status_code == 429
    with slow.store.write() as tx:
        tx.keys.add(make_key("another-key-of-the-owner"))
    other = {"Ocp-Apim-Subscription-Key": "another-key-of-the-owner"}
    assert slow.client.get(f"{V32}/datasets", headers=other).status_code == 200


def test_a_wrong_key_uses_up_nothing_and_other_routes_are_not_counted(slow):
    for _ in range(5):
        wrong = slow.client.get(f"{V32}/datasets", headers={"Ocp-Apim-Subscription-Key": "wrong"})
        assert wrong.status_code == 401
        assert "ratelimit-limit" not in wrong.headers
        assert "ratelimit-limit" not in slow.client.get("/api/v1/jobs").headers
        assert "ratelimit-limit" not in slow.client.get("/health/live").headers
    assert slow.client.get(f"{V32}/datasets").headers["ratelimit-remaining"] == "2"


def test_requests_at_once_to_one_endpoint_are_429_beyond_the_limit(tmp_path):
    at_once = RequestsAtOnce(1)
    world = make_world(tmp_path, at_once=at_once)
    base = world.add(make_base_model())
    endpoint = world.add(make_endpoint(model_id=base.id).deployed(world.clock.now()))
    send = {"content": wav(), "headers": {"Content-Type": "audio/wav"}}
    with at_once.one_more(endpoint.id):
        busy = world.client.post(f"{RECOGNISE}?cid={endpoint.id}", **send)
        error_of(busy, 429, "TooManyRequests", "QuotaViolation")
        assert busy.headers["retry-after"] == "1"
        assert world.client.post(f"{RECOGNISE}?language=en-US", **send).status_code == 200
    assert world.client.post(f"{RECOGNISE}?cid={endpoint.id}", **send).status_code == 200


def test_as_many_endpoints_as_may_be(world, client, base_model):
    endpoints = Endpoints(store=world.store, clock=world.clock, limit=1)
    client.app.state.services = replace(world.services, endpoints=endpoints)
    body = {"displayName": "Phone", "locale": "en-US"}
    first = client.post(f"{V32}/endpoints", json=body)
    over = client.post(f"{V32}/endpoints", json=body)
    error_of(over, 429, "TooManyRequests", "QuotaViolation")
    assert "retry-after" in over.headers
    client.delete(first.json()["self"])
    assert client.post(f"{V32}/endpoints", json=body).status_code == 201


def test_as_much_audio_as_may_be_in_a_training(world, client, base_model):
    models = Models(store=world.store, clock=world.clock, rule=world.services.models.rule, audio_limit_s=100)
    client.app.state.services = replace(world.services, models=models)
    ids = []
    for _ in range(2):
        counts = DatasetCounts(accepted=1, rejected=0, warnings=0, duration_s=60.0)
        ids.append(world.add(make_dataset(status=Status.SUCCEEDED, counts=counts)).id)
    body = {"displayName": "M", "locale": "en-US"}
    both = client.post(f"{V32}/models", json=body | {"datasets": [{"self": one} for one in ids]})
    error_of(both, 413, "InvalidRequest", "InvalidPayload")
    one = client.post(f"{V32}/models", json=body | {"datasets": [{"self": ids[0]}]})
    assert one.status_code == 201


def test_custom_properties_are_held_to_their_limits(client):
    for properties in ({str(n): "" for n in range(11)}, {"k" * 65: "v"}, {"k": "v" * 257}):
        body = {"displayName": "P", "locale": "en-US", "customProperties": properties}
        error_of(client.post(f"{V32}/projects", json=body), 400, "InvalidRequest", "InvalidPayload")
    fitting = {"k" * 64: "v" * 256} | {str(n): "" for n in range(9)}
    body = {"displayName": "P", "locale": "en-US", "customProperties": fitting}
    assert client.post(f"{V32}/projects", json=body).status_code == 201


def test_the_table_is_published_with_the_values_that_are_set(tmp_path):
    settings = Settings(management_rate=7, endpoints_limit=3, log_retention_days=0)
    world = make_world(tmp_path, limits=published_limits(settings, DatasetLimits()))
    rows = {row["name"]: row for row in world.client.get("/api/v1/limits").json()["values"]}
    assert rows["managementRequests"]["value"] == 7
    assert rows["deployments"] == {
        "name": "deployments",
        "value": 3,
        "unit": "endpoints",
        "description": "Endpoints on this server",
        "setting": "TYMPAN_ENDPOINTS_LIMIT",
    }
    assert rows["logRetention"]["value"] == 0
    assert "setting" not in rows["customProperties"]
    error_of(
        world.client.get("/api/v1/limits", headers={"Ocp-Apim-Subscription-Key": ""}),
        401,
        "Unauthorized",
        "InvalidSubscription",
    )


def test_the_defaults_are_the_published_ones():
    found = {row.name: row.value for row in published_limits(Settings(), DatasetLimits())}
    published = {
        "managementRequests": 100,
        "datasets": 500,
        "datasetBlock": 8 * 1024**2,
        "acousticArchive": 2 * 1024**3,
        "archiveFiles": 10_000,
        "textDataset": 200 * 1024**2,
        "pronunciationDataset": 1024**2,
        "displayFormatDataset": 10 * 1024**2,
        "displayFormatItnRules": 200,
        "displayFormatRewriteRules": 1000,
        "displayFormatProfanities": 1000,
        "structuredTextLists": 20,
        "structuredTextItems": 35_000,
        "structuredTextPhoneticEntries": 15_000,
        "structuredTextPronunciations": 2,
        "inlineModelText": 500 * 1024,
        "recording": 7200,
        "trainingAudio": 360_000,
        "trainingTime": 604_800,
        "deployments": 50,
        "requestsAtOnce": 100,
        "shortAudioConversation": 60,
        "shortAudioInteractive": 15,
        "endpointTimeToLive": 31 * 86400,
        "customProperties": 10,
        "customPropertyKey": 64,
        "customPropertyValue": 256,
        "logRetention": 30,
        "fileUrlLife": 43_200,
    }
    assert {name: found[name] for name in published} == published


def test_every_row_can_be_read_and_names_a_real_setting():
    rows = published_limits(Settings(), DatasetLimits())
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert row.what
        assert row.unit
        assert math.isfinite(row.value)
        if row.setting is not None:
            assert row.setting.removeprefix("TYMPAN_").lower() in Settings.model_fields


def test_the_number_of_datasets_is_held_to(world, client):
    datasets = replace(world.services.datasets, limits=DatasetLimits(datasets=1))
    client.app.state.services = replace(world.services, datasets=datasets)
    assert upload(client).status_code == 201
    error_of(upload(client), 429, "TooManyRequests", "QuotaViolation")


@pytest.mark.parametrize("version", ["v3.0", "v3.1"])
def test_health_is_told_as_published(tmp_path, version):
    workers = [1]
    world = make_world(tmp_path, living_workers=lambda: workers[0])
    url = f"/speechtotext/{version}/healthstatus"

    def told():
        document = world.client.get(url).json()
        return document["status"], {one["name"]: one["status"] for one in document["components"]}

    whole = dict.fromkeys(("Database", "BlobStore", "ModelHost", "Worker"), "Healthy")
    assert told() == ("Healthy", whole)
    workers[0] = 0
    assert told() == ("Degraded", whole | {"Worker": "Degraded"})

    def away(*_):
        raise UnavailableError("gone")

    world.recognizer.state = away
    world.blobs.exists = away
    assert told() == (
        "Unhealthy",
        whole | {"Worker": "Degraded", "BlobStore": "Unhealthy", "ModelHost": "Unhealthy"},
    )
    error_of(world.client.get(url.replace(version, "v3.2")), 404, "NotFound")
    without = world.client.get(url, headers={"Ocp-Apim-Subscription-Key": ""})
    error_of(without, 401, "Unauthorized", "InvalidSubscription")


def test_a_key_is_never_in_what_limits_say(slow):
    for _ in range(4):
        answer = slow.client.get(f"{V32}/datasets")
    assert OWNER_KEY not in answer.text + str(answer.headers)
