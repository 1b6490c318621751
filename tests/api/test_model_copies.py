"""Copying models: between two servers over their own routes, and within one."""

import dataclasses
import hashlib
from datetime import timedelta

import pytest
from tests.api.conftest import OWNER_KEY, V32, error_of, make_world

from tympan.backends.copy_target_http import HttpCopyTarget
from tympan.domain.dataset import StoredFile
from tympan.domain.errors import (
    ForbiddenError,
    InvalidInputError,
    InvalidStateError,
    TooLargeError,
    UnavailableError,
)
from tympan.domain.model import Bundle, BundleFile
from tympan.domain.resource import Status
from tympan.ports.copy_target import COPY_CHUNK_BYTES
from tympan.testing.clock import START
from tympan.testing.entities import make_base_model, make_endpoint, make_model
from tympan.usecases.job_states import begin_attempt
from tympan.usecases.model_copies import ModelCopying
from tympan.usecases.model_receiving import OwnCopyTarget

WEIGHTS = b"weights!" * (COPY_CHUNK_BYTES // 8) + b"the rest"
THERE = "/subscriptions/there"
DATED = "?api-version=2024-11-15"


class Context:
    """What a step is given."""

    def __init__(self, job):
        self.job, self.said = job, []

    def progress(self, fraction, message, **counters):
        self.said.append((fraction, counters))

    def event(self, kind, payload):
        self.said.append((kind, payload))


@pytest.fixture
def there(tmp_path, world):
    """A second server, which the first one can reach."""
    other = make_world(tmp_path / "there", host="http://there.test", resource_id=THERE)
    world.relay.hosts["there.test"] = other.client
    return other


def trained(world, **fields):
    """A custom model that Succeeded, with files in the blob store."""
    files = {"model.bin": WEIGHTS, "tympan.json": b"{}", "tokenizer.json": b"{}"}
    stored = {name: world.blobs.put_content([data]) for name, data in files.items()}
    bundle = Bundle(
        engine="fake",
        files=tuple(
            BundleFile(name=name, sha256=one.sha256, size_bytes=one.size_bytes)
            for name, one in stored.items()
        ),
    )
    report = world.blobs.put_content([b'{"schemaVersion": 1}'])
    kept = StoredFile(
        id="report.json",
        name="report.json",
        kind="ModelReport",
        key=report.key,
        size_bytes=report.size_bytes,
    )
    base = world.add(make_base_model(display_name="20260101 whisper-tiny", source="starter 1.0"))
    known = {"base_model_id": base.id, "bundle": bundle, "status": Status.SUCCEEDED, "files": (kept,)}
    return world.add(make_model(**known | {"decoding_expires_at": START + timedelta(days=400)} | fields))


def authorization(there, source="/subscriptions/here"):
    return there.client.post(f"{V32}/models:authorizecopy", json={"sourceResourceId": source}).json()


def run(world, operation):
    """What the worker does: one attempt of the copy's job."""
    with world.store.write() as tx:
        copy = tx.model_copies.get(operation["id"])
        job = begin_attempt(tx, tx.jobs.get(copy.job_id), world.clock.now(), step="copy")

    def target(copy):
        if copy.is_local:
            return OwnCopyTarget(receiving=world.services.receiving, authorization=copy.authorization)
        return HttpCopyTarget(world.relay, copy.target_url, copy.authorization)

    context = Context(job)
    ModelCopying(store=world.store, blobs=world.blobs, clock=world.clock, targets=target).run_copy(context)
    return context


@pytest.mark.parametrize("query", ["", DATED], ids=["v3.2", "dated"])
def test_a_model_goes_to_another_server_and_is_whole_there(world, there, query):
    model = trained(world, description="Phones", weight_percent=40, dataset_ids=("d1",))
    root = V32 if not query else "/speechtotext"
    body = {"sourceResourceId": "/SUBSCRIPTIONS/here"}
    given = there.client.post(f"{root}/models:authorizecopy{query}", json=body).json()
    assert given["targetResourceId"] == THERE
    assert given["expirationDateTime"] == "2026-01-06T09:00:00Z"
    asked = world.client.post(f"{root}/models/{model.id}:copy{query}", json=given)
    assert asked.status_code == 202
    operation = asked.json()
    assert asked.headers["operation-location"] == operation["self"]
    assert asked.headers["retry-after"] == "2"
    assert operation["status"] == "NotStarted"
    run(world, operation)
    done = world.client.get(operation["self"])
    assert done.json()["status"] == "Succeeded"
    assert "retry-after" not in done.headers
    link = done.json()["result"]["link"]
    assert link.startswith(f"http://there.test{root}/models/")
    assert link.endswith(query)
    copy = there.client.get(link).json()
    assert (copy["status"], copy["displayName"], copy["description"]) == ("Succeeded", "Model", "Phones")
    assert copy["properties"]["deprecationDates"]["transcriptionDateTime"] == "2027-02-09T09:00:00Z"
    assert copy["datasets"] == []
    assert copy["tympan"]["copiedFrom"] == {
        "resourceId": "/subscriptions/here",
        "model": model.id,
        "baseModelName": "20260101 whisper-tiny",
        "baseModelSource": "starter 1.0",
        "datasets": ["d1"],
    }
    with there.store.read() as tx:
        kept = tx.models.get(link.partition("?")[0].rpartition("/")[2])
    assert kept.bundle == model.bundle
    for file in (*kept.bundle.files, *kept.files):
        data = b"".join(there.blobs.stream(file.key))
        assert f"sha256/{hashlib.sha256(data).hexdigest()}" == file.key
    assert list(there.blobs.list("copies/")) == []


def test_a_copy_that_broke_off_goes_on_where_it_was(world, there):
    model = trained(world)
    operation = world.client.post(f"{V32}/models/{model.id}:copy", json=authorization(there)).json()
    world.relay.breaks_after = 2  # the offer, and the first piece of the weights
    with pytest.raises(UnavailableError):
        run(world, operation)
    assert world.client.get(operation["self"]).json()["status"] == "Running"
    world.relay.breaks_after, world.relay.sent = None, []
    said = run(world, operation).said
    assert dict(said[:1])["note"]["bytes"] == COPY_CHUNK_BYTES
    pieces = [size for url, size in world.relay.sent if ":send" in url]
    assert COPY_CHUNK_BYTES not in pieces, "the first piece was sent again"
    assert len(b"the rest") in pieces
    assert run(world, operation).said == [], "a copy that is made is not made again"


def test_a_kill_after_publishing_gives_the_same_copy(world, there):
    model = trained(world)
    operation = world.client.post(f"{V32}/models/{model.id}:copy", json=authorization(there)).json()
    run(world, operation)
    with world.store.write() as tx:
        copy = tx.model_copies.get(operation["id"])
        assert copy.authorization == "", "what opens the target is not kept longer than needed"
    first = copy.target_model_id
    given = authorization(there)
    again = world.client.post(f"{V32}/models/{model.id}:copy", json=given).json()
    run(world, again)
    with world.store.write() as tx:  # as if the record of the end had been lost
        done = tx.model_copies.get(again["id"])
        tx.model_copies.save(
            dataclasses.replace(done, status=Status.RUNNING, authorization=given["id"], target_model_id=None)
        )
    run(world, again)
    with world.store.read() as tx:
        assert tx.model_copies.get(again["id"]).target_model_id == done.target_model_id != first
    with there.store.read() as tx:
        assert tx.models.count() == 2


def test_what_the_target_has_is_not_sent(world, there):
    model = trained(world)
    there.blobs.put_content([WEIGHTS])
    operation = world.client.post(f"{V32}/models/{model.id}:copy", json=authorization(there)).json()
    run(world, operation)
    assert sum(size for url, size in world.relay.sent if ":send" in url) < 100


def test_an_authorization_serves_one_copy_of_one_source_for_a_day(world, there):
    model = trained(world)
    url = f"{V32}/models/{model.id}:copy"
    used = authorization(there)
    run(world, world.client.post(url, json=used).json())
    with pytest.raises(ForbiddenError) as refused:
        run(world, world.client.post(url, json=used).json())
    assert refused.value.code == "ModelCopyAuthorizationExpired"
    foreign = authorization(there, "/subscriptions/elsewhere")
    error_of(world.client.post(url, json=foreign), 403, "Forbidden", "InvalidSourceAzureResourceId")
    forged = foreign | {"sourceResourceId": "/subscriptions/here"}
    with pytest.raises(ForbiddenError) as refused:
        run(world, world.client.post(url, json=forged).json())
    assert refused.value.code == "InvalidSourceAzureResourceId"
    late = authorization(there)
    running = world.client.post(url, json=late).json()
    for server in (world, there):
        server.clock.advance(24 * 3600)
    error_of(world.client.post(url, json=late), 403, "Forbidden", "ModelCopyAuthorizationExpired")
    with pytest.raises(ForbiddenError):
        run(world, running)
    forever = late | {"expirationDateTime": "2099-01-01T00:00:00Z"}
    with pytest.raises(ForbiddenError) as refused:
        run(world, world.client.post(url, json=forever).json())
    assert refused.value.code == "ModelCopyAuthorizationExpired"
    there.services.receiving.clear_expired()
    with there.store.read() as tx:
        assert tx.copy_authorizations.count() == 0


@pytest.mark.parametrize("member", ["id", "targetResourceEndpoint", "sourceResourceId", "expirationDateTime"])
def test_an_authorization_must_be_whole(world, there, member):
    model = trained(world)
    given = authorization(there)
    del given[member]
    answer = world.client.post(f"{V32}/models/{model.id}:copy", json=given)
    error_of(answer, 400, "InvalidRequest", "InvalidPayload")


def test_an_address_that_may_not_be_reached_is_refused_at_once(world, there):
    model = trained(world)
    for address in ("http://169.254.169.254/", "nonsense", "file:///etc/passwd"):
        given = authorization(there) | {"targetResourceEndpoint": address}
        answer = world.client.post(f"{V32}/models/{model.id}:copy", json=given)
        error_of(answer, 400, "InvalidRequest", "InvalidPayload")
    with world.store.read() as tx:
        assert tx.jobs.count() == 0


def test_only_trained_custom_models_are_copied(world, there):
    given = authorization(there)
    waiting = world.add(make_model())
    base = world.add(make_base_model())
    error_of(
        world.client.post(f"{V32}/models/{waiting.id}:copy", json=given),
        409,
        "Conflict",
        "InvalidPrerequisite",
    )
    error_of(
        world.client.post(f"{V32}/models/{base.id}:copy", json=given), 400, "InvalidRequest", "InvalidModel"
    )
    unknown = "00000000-0000-4000-8000-000000000000"
    error_of(world.client.post(f"{V32}/models/{unknown}:copy", json=given), 404, "NotFound")
    error_of(world.client.get(f"{V32}/operations/models/copy/{unknown}"), 404, "NotFound")


@pytest.mark.parametrize("version", ["v3.0", "v3.1"])
def test_a_key_of_this_server_copies_within_it_at_once(world, version):
    model = trained(world, dataset_ids=("d1",))
    action = "/copyto" if version == "v3.0" else ":copyto"
    url = f"/speechtotext/{version}/models/{model.id}{action}"
    made = world.client.post(url, json={"targetSubscriptionKey": OWNER_KEY})
    assert made.status_code == 201
    assert made.headers["location"] == made.json()["self"] != f"http://speech.test{url}"
    assert made.json()["status"] == "Succeeded"
    assert made.json()["datasets"][0]["self"].endswith("/d1")
    refused = world.client.post(url, json={"targetSubscriptionKey": "no-key-of-this-server"})
    assert (
        "no-key-of-this-server"
        not in error_of(refused, 400, "InvalidRequest", "SubscriptionNotFound")["message"]
    )
    endpoint = world.add(make_endpoint())
    key = world.services.access.create_endpoint_key(endpoint.id, "phone").secret
    answer = world.client.post(url, json={"targetSubscriptionKey": key})
    error_of(answer, 400, "InvalidRequest", "InvalidPermissions")


def test_the_old_body_on_the_new_route_is_an_operation_on_this_server(world):
    model = trained(world)
    asked = world.client.post(f"{V32}/models/{model.id}:copy", json={"targetSubscriptionKey": OWNER_KEY})
    run(world, asked.json())
    link = world.client.get(asked.json()["self"]).json()["result"]["link"]
    assert link != f"http://speech.test{V32}/models/{model.id}"
    assert world.client.get(link).json()["status"] == "Succeeded"


def test_other_versions_have_no_such_route(world):
    model = trained(world)
    body = {"targetSubscriptionKey": OWNER_KEY}
    error_of(world.client.post(f"/speechtotext/v3.1/models/{model.id}:copy", json=body), 404, "NotFound")
    error_of(world.client.post(f"{V32}/models/{model.id}:copyto", json=body), 404, "NotFound")
    error_of(world.client.post("/speechtotext/v3.1/models:authorizecopy", json=body), 404, "NotFound")


def opened(there, **changed):
    """An authorization that was used for an offer; returns what opens it and the offered hash."""
    given = authorization(there)
    sha256 = hashlib.sha256(b"weights").hexdigest()
    info = hashlib.sha256(b"{}").hexdigest()
    offer = {
        "copy_id": "c",
        "source_resource_id": "/subscriptions/here",
        "model_id": "m",
        "display_name": "Model",
        "locale": "en-US",
        "base_model_id": "b",
        "bundle": {
            "engine": "fake",
            "files": [
                {"name": "model.bin", "sha256": sha256, "size_bytes": 7},
                {"name": "tympan.json", "sha256": info, "size_bytes": 2},
            ],
        },
    } | changed
    headers = {"Authorization": f"Bearer {given['id']}", "Ocp-Apim-Subscription-Key": ""}
    answer = there.client.post("/api/v1/model-copies:offer", json=offer, headers=headers)
    return headers, sha256, answer


def test_pieces_are_checked_as_they_come(there):
    headers, sha256, answer = opened(there)
    assert answer.json()["received"][sha256] == 0
    send = "/api/v1/model-copies:send"

    def piece(data, start, name=sha256):
        query = {"sha256": name, "start": start}
        return there.client.post(send, params=query, content=data, headers=headers)

    error_of(piece(b"ights", 2), 409, "Conflict", "InvalidPrerequisite")
    error_of(piece(b"weights and more", 0), 413, "InvalidRequest", "InvalidPayload")
    error_of(piece(b"weights", 0, "0" * 64), 400, "InvalidRequest", "InvalidPayload")
    error_of(piece(b"weights", "x"), 400, "InvalidArgument", "InvalidParameterValue")
    error_of(piece(b"x" * (COPY_CHUNK_BYTES + 1), 0), 413, "InvalidRequest", "InvalidPayload")
    error_of(
        there.client.post("/api/v1/model-copies:publish", headers=headers),
        409,
        "Conflict",
        "InvalidPrerequisite",
    )
    assert piece(b"wei", 0).json() == {"received": 3}
    assert piece(b"wei", 0).json() == {"received": 3}, "sent twice counts once"
    error_of(piece(b"GHTS", 3), 400, "InvalidRequest", "InvalidModel")
    assert list(there.blobs.list("copies/")) == [], "what is damaged is not kept"
    assert piece(b"weig", 0).json() == {"received": 4}
    assert piece(b"ights", 2).json() == {"received": 7}, "pieces may overlap"
    info = hashlib.sha256(b"{}").hexdigest()
    assert piece(b"{}", 0, info).json() == {"received": 2}
    made = there.client.post("/api/v1/model-copies:publish", headers=headers)
    assert made.status_code == 201
    assert there.client.get(f"{V32}/models/{made.json()['model']}").json()["status"] == "Succeeded"


FILE = {"name": "model.bin", "sha256": "a" * 64, "size_bytes": 1}
INFO = {"name": "tympan.json", "sha256": "b" * 64, "size_bytes": 1}


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ([FILE], 400),
        ([FILE, INFO, {**FILE, "name": "../evil"}], 400),
        ([FILE, INFO, {**FILE, "name": ".hidden"}], 400),
        ([FILE, INFO, FILE], 400),
        ([FILE, {**INFO, "sha256": "short"}], 400),
        ([FILE, {**INFO, "sha256": "a" * 64, "size_bytes": 2}], 400),
        ([FILE, {**INFO, "size_bytes": -1}], 413),
        ([FILE, {**INFO, "size_bytes": 10_000_001}], 413),
        ([FILE, INFO, *({**FILE, "name": f"f{n}"} for n in range(100))], 413),
    ],
)
def test_an_offer_that_could_do_harm_is_refused(there, files, status):
    _, _, answer = opened(there, bundle={"engine": "fake", "files": files})
    assert answer.status_code == status


def test_an_offer_must_be_readable(there):
    _, _, answer = opened(there, bundle="x")
    assert "bundle" in error_of(answer, 400, "InvalidRequest", "InvalidPayload")["message"]
    _, _, answer = opened(there, locale="English")
    error_of(answer, 400, "InvalidArgument", "InvalidLocale")


def test_nobody_copies_in_without_an_authorization(there):
    for action in ("offer", "send?sha256=x&start=0", "publish"):
        url = f"/api/v1/model-copies:{action}"
        error_of(there.client.post(url, content=b"{}"), 401, "Unauthorized", "InvalidSubscription")
    guessed = {"Authorization": "Bearer 00000000-0000-4000-8000-000000000000"}
    for action in ("send?sha256=x&start=0", "publish"):
        answer = there.client.post(f"/api/v1/model-copies:{action}", content=b"{}", headers=guessed)
        error_of(answer, 403, "Forbidden", "ModelCopyAuthorizationExpired")


def test_the_authorization_is_stored_as_a_hash_and_shown_in_no_document(world, there):
    model = trained(world)
    given = authorization(there)
    with there.store.read() as tx:
        assert given["id"] not in repr(tx.copy_authorizations.list())
    operation = world.client.post(f"{V32}/models/{model.id}:copy", json=given)
    assert given["id"] not in operation.text
    assert given["id"] not in world.client.get("/api/v1/jobs").text
    with world.store.read() as tx:
        assert given["id"] not in repr(tx.model_copies.list())


class Replies:
    """A target that says what a test wants."""

    def __init__(self, status, body):
        self.status, self.body = status, body

    def send(self, url, body, headers):
        return dataclasses.make_dataclass("R", ["status", "body"])(self.status, self.body)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"<html>", InvalidInputError),
        (200, b"{}", InvalidInputError),
        (404, b"{}", InvalidInputError),
        (302, b"", InvalidInputError),
        (403, b'{"message": "No.", "innerError": {"code": "Forbidden"}}', ForbiddenError),
        (413, b"{}", TooLargeError),
        (409, b"{}", UnavailableError),
        (429, b"{}", UnavailableError),
        (500, b"{}", UnavailableError),
        (503, b"x", UnavailableError),
    ],
)
def test_what_a_strange_or_busy_target_says_is_understood(status, body, error):
    target = HttpCopyTarget(Replies(status, body), "http://there.test", "secret")
    with pytest.raises(error) as raised:
        target.send("a" * 64, 0, b"x")
    assert "secret" not in str(raised.value)


def test_a_target_that_goes_nowhere_is_not_asked_for_ever():
    target = HttpCopyTarget(Replies(200, b'{"received": 5}'), "http://there.test", "secret")
    with pytest.raises(InvalidInputError):
        target.send("a" * 64, 5, b"x")


def test_nothing_is_published_before_it_was_offered(there):
    given = authorization(there)
    with pytest.raises(InvalidStateError):
        there.services.receiving.publish(given["id"])
