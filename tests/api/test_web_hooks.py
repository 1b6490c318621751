import json

import pytest
from tests.api.conftest import V32, error_of, upload

from tympan.domain.resource import Status
from tympan.domain.web_hook import DeliveryState, HookEvent
from tympan.testing.entities import make_dataset, make_delivery, make_web_hook
from tympan.testing.fetcher import Page
from tympan.usecases.hook_outbox import HookOutbox
from tympan.wire.management.web_hooks import MASK
from tympan.worker.hook_sender import HookSender

HOOKS = f"{V32}/webhooks"
RECEIVER = "https://receiver.test/call"
PATHS = {
    "v3.0": "/speechtotext/v3.0",
    "v3.1": "/speechtotext/v3.1",
    "v3.2": V32,
    "2024-11-15": "/speechtotext",
}
BODY = {"displayName": "Mine", "webUrl": RECEIVER, "events": {"datasetCompletion": True, "ping": True}}


class Worker:
    """Delivers what is due, to receivers in memory that answer challenges."""

    def __init__(self, world):
        self.world = world
        self.outbox = HookOutbox(store=world.store, clock=world.clock)
        self.sender = HookSender(fetcher=self, clock=world.clock)

    def send(self, url, body, headers):
        plain, _, token = url.partition("?validationToken=")
        page = self.world.fetcher.pages.get(plain, Page())
        self.world.fetcher.pages[url] = Page(status=page.status, body=token.encode() or page.body)
        return self.world.fetcher.send(url, body, headers)

    def deliver(self):
        """Send all that is due; returns event and body of each."""
        sent = self.world.fetcher.sent
        sent.clear()
        for hook_id in self.outbox.hooks_due():
            while (claimed := self.outbox.claim(hook_id)) is not None:
                self.outbox.settle(claimed[1], self.sender.send(*claimed))
        events = [one.headers["X-MicrosoftSpeechServices-Event"] for one in sent]
        return list(zip(events, [json.loads(one.body) for one in sent], strict=True))


@pytest.fixture
def worker(world):
    return Worker(world)


def url_of(version, path=""):
    query = "?api-version=2024-11-15" if version == "2024-11-15" else ""
    return f"{PATHS[version]}/webhooks{path}{query}"


@pytest.mark.parametrize("version", PATHS)
def test_every_version_makes_reads_lists_changes_and_deletes_hooks(world, client, worker, version):
    made = client.post(url_of(version), json=BODY)
    hook = made.json()
    assert made.status_code == 201
    assert made.headers["location"] == hook["self"]
    assert hook["status"] == "NotStarted"
    assert hook["events"] == {"datasetCompletion": True, "ping": True}
    assert hook["properties"] == {"apiVersion": "v" + version.removeprefix("v")}
    mark = "/" if version == "v3.0" else ":"
    assert hook["links"]["ping"].split("?")[0] == f"{hook['self'].split('?')[0]}{mark}ping"
    assert hook["links"]["test"].split("?")[0] == f"{hook['self'].split('?')[0]}{mark}test"
    read = client.get(hook["self"])
    assert read.json() == hook
    assert "retry-after" in read.headers
    worker.deliver()
    assert client.get(hook["self"]).json()["status"] == "Succeeded"
    assert client.post(hook["links"]["ping"]).status_code == 202
    assert client.get(url_of(version)).json()["values"] == [client.get(hook["self"]).json()]
    changed = client.patch(hook["self"], json={"displayName": "Other", "events": {"modelDeletion": True}})
    assert changed.json()["displayName"] == "Other"
    assert set(changed.json()["events"]) == {"datasetCompletion", "modelDeletion", "ping"}
    assert client.delete(hook["self"]).status_code == 204
    assert client.delete(hook["self"]).status_code == 204
    error_of(client.get(hook["self"]), 404, "NotFound")
    error_of(client.patch(hook["self"], json={}), 404, "NotFound")


def test_the_published_sample_calls_in_odd_case_with_a_slash(client):
    assert client.post("/speechtotext/webHooks/", json=BODY).status_code == 201


def test_a_receiver_is_challenged_then_told_and_pinged(client, world, worker):
    hook = client.post(HOOKS, json=BODY | {"properties": {"secret": "s3cret"}}).json()
    assert hook["properties"]["secret"] == MASK
    dataset = upload(client).json()
    [(event, body)] = worker.deliver()
    assert event == "Challenge"
    assert body["self"] == hook["self"]
    assert worker.deliver() == []
    world.imported(dataset["self"].rsplit("/", 1)[-1])
    [(event, body)] = worker.deliver()
    assert event == "DatasetCompletion"
    assert body["self"] == dataset["self"]
    assert set(body) == {"self", "invocationId"}
    answer = client.post(hook["links"]["ping"])
    assert (answer.status_code, answer.content) == (202, b"")
    assert "retry-after" in answer.headers
    [(event, body)] = worker.deliver()
    assert event == "Ping"
    assert body == client.get(hook["self"]).json()
    assert "s3cret" not in client.get(HOOKS).text


def test_a_receiver_that_does_not_answer_fails_and_may_be_named_again(client, world, worker):
    world.fetcher.pages[RECEIVER] = Page(status=404)
    hook = client.post(HOOKS, json=BODY).json()
    worker.deliver()
    failed = client.get(hook["self"]).json()
    assert failed["status"] == "Failed"
    assert failed["properties"]["error"]["code"] == "InvalidCallbackUri"
    assert "status 404" in failed["properties"]["error"]["message"]
    for action in ("ping", "test"):
        error_of(client.post(hook["links"][action]), 409, "Conflict", "InvalidPrerequisite")
    del world.fetcher.pages[RECEIVER]
    assert client.patch(hook["self"], json={"webUrl": RECEIVER}).json()["status"] == "NotStarted"
    worker.deliver()
    healed = client.get(hook["self"]).json()
    assert healed["status"] == "Succeeded"
    assert "error" not in healed["properties"]


def test_a_hook_hears_only_of_entities_of_its_own_version(client, world, worker):
    for version in ("v3.1", "2024-11-15"):
        client.post(url_of(version), json=BODY | {"events": {"datasetCreation": True}})
    worker.deliver()
    form = {"displayName": "Text", "locale": "en-US", "kind": "Language"}
    made = client.post("/speechtotext/v3.1/datasets/upload", data=form, files={"data": b"a line\n"}).json()
    assert [body["self"] for _, body in worker.deliver()] == [made["self"]]


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"displayName": "x"}, None),
        ({"properties": {"secret": ""}}, None),
        ({"properties": {"secret": None}}, None),
        ({"properties": {"secret": MASK}}, "old"),
        ({"properties": {"secret": "new"}}, "new"),
    ],
)
def test_an_update_without_a_secret_takes_the_signature_away(client, world, change, kept):
    hook = world.add(make_web_hook(secret="old"))
    shown = client.patch(f"{HOOKS}/{hook.id}", json=change).json()
    assert shown["properties"].get("secret") == (MASK if kept else None)
    assert world.services.web_hooks.get(hook.id).secret == kept


def test_a_test_sends_the_last_matching_event_or_nothing(client, world, worker):
    events = (HookEvent.DATASET_COMPLETION, HookEvent.DATASET_DELETION)
    hook = world.add(make_web_hook(web_url=RECEIVER, events=events))
    url = f"{HOOKS}/{hook.id}:test"
    world.add(make_dataset(status=Status.RUNNING))
    world.add(make_dataset(status=Status.SUCCEEDED, api_version="v3.1"))
    assert client.post(url).status_code == 204
    older = world.add(make_dataset(status=Status.SUCCEEDED))
    newer = world.add(make_dataset(status=Status.FAILED, created_at=world.clock.advance(1)))
    worker.deliver()
    assert client.post(url).status_code == 202
    [(event, body)] = worker.deliver()
    assert event == "DatasetCompletion"
    assert body["self"].endswith(newer.id)
    for dataset in (newer, older):
        world.clock.advance(1)
        client.delete(f"{V32}/datasets/{dataset.id}")
    worker.deliver()
    assert client.post(url).status_code == 202
    [(event, body)] = worker.deliver()
    assert event == "DatasetDeletion"
    assert body["self"].endswith(older.id)


@pytest.mark.parametrize(
    ("change", "detailed"),
    [
        ({"webUrl": "http://169.254.169.254/latest"}, "InvalidCallbackUri"),
        ({"webUrl": "http://127.0.0.1:8080/"}, "InvalidCallbackUri"),
        ({"webUrl": "ftp://receiver.test/"}, "InvalidCallbackUri"),
        ({"webUrl": "receiver"}, "InvalidCallbackUri"),
        ({"webUrl": None}, "InvalidPayload"),
        ({"events": None}, "InvalidPayload"),
        ({"events": {"projectCreation": True}}, "InvalidWebHookEventKind"),
        ({"events": {"\ud800": True}}, "InvalidWebHookEventKind"),
        ({"events": {"ping": "yes"}}, "InvalidPayload"),
        ({"displayName": " "}, "InvalidPayload"),
        ({"properties": {"secret": "x" * 1025}}, "InvalidPayload"),
    ],
)
def test_what_cannot_be_honoured_is_refused(client, change, detailed):
    text = json.dumps(BODY | change)
    answer = client.post(HOOKS, content=text, headers={"Content-Type": "application/json"})
    error_of(answer, 400, "InvalidRequest", detailed)
    assert client.get(HOOKS).json()["values"] == []


def test_an_update_to_an_address_that_may_not_be_called_changes_nothing(client, world):
    hook = world.add(make_web_hook())
    answer = client.patch(f"{HOOKS}/{hook.id}", json={"webUrl": "http://10.0.0.1/"})
    error_of(answer, 400, "InvalidRequest", "InvalidCallbackUri")
    assert world.services.web_hooks.get(hook.id) == hook


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("webUrl eq 'https://b.test/'", ["B"]),
        ("status eq 'failed'", ["C"]),
        ("displayName ne 'B' and createdDateTime ge 2020-01-01T00:00:00Z", ["A", "C"]),
        ("description eq 'second'", ["B"]),
    ],
)
def test_lists_are_filtered(client, world, expression, names):
    world.add(make_web_hook(display_name="A", web_url="https://a.test/"))
    world.add(make_web_hook(display_name="B", web_url="https://b.test/", description="second"))
    world.add(make_web_hook(display_name="C", status=Status.FAILED))
    found = client.get(HOOKS, params={"filter": expression}).json()["values"]
    assert sorted(hook["displayName"] for hook in found) == names


def test_hooks_have_no_locale_to_filter_by(client):
    answer = client.get(HOOKS, params={"filter": "locale eq 'en-US'"})
    error_of(answer, 400, "InvalidArgument", "UnsupportedFilter")


def test_the_log_is_listed_filtered_and_sent_again(client, world, worker):
    hook = world.add(make_web_hook(web_url=RECEIVER))
    log = f"/api/v1/webhooks/{hook.id}/deliveries"
    dead = [
        world.add(
            make_delivery(
                hook_id=hook.id,
                state=DeliveryState.DEAD,
                attempts=13,
                last_status=500,
                last_error="The receiver answered with status 500.",
                created_at=world.clock.advance(1),
                finished_at=world.clock.now(),
            )
        )
        for _ in range(3)
    ]
    world.add(make_delivery(hook_id=hook.id, state=DeliveryState.DELIVERED))
    world.add(make_delivery(state=DeliveryState.DEAD))
    assert len(client.get(log).json()["values"]) == 4
    page = client.get(log, params={"state": "Dead", "top": 2}).json()
    assert [one["id"] for one in page["values"]] == [one.id for one in dead[:2]]
    assert page["values"][0]["lastStatus"] == 500
    assert page["values"][0]["entity"]["self"] == f"http://speech.test{V32}/datasets/{dead[0].entity_id}"
    rest = client.get(page["@nextLink"]).json()
    assert [one["id"] for one in rest["values"]] == [dead[2].id]
    again = client.post(page["values"][1]["links"]["replay"])
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    assert [body["invocationId"] for _, body in worker.deliver()] == [dead[1].id]
    assert client.post(f"{log}:replay").json() == {"replayed": 2}
    assert [body["invocationId"] for _, body in worker.deliver()] == [dead[0].id, dead[2].id]
    assert client.get(log, params={"state": "dead"}).json()["values"] == []


def test_what_cannot_be_sent_again_is_refused(client, world):
    hook, other = world.add(make_web_hook()), world.add(make_web_hook())
    failed = world.add(make_web_hook(status=Status.FAILED))
    log = f"/api/v1/webhooks/{hook.id}/deliveries"
    delivery = world.add(make_delivery(hook_id=hook.id))
    challenge = world.add(make_delivery(hook_id=hook.id, event=HookEvent.CHALLENGE))
    error_of(client.post(f"{log}/{challenge.id}:replay"), 409, "Conflict", "InvalidPrerequisite")
    error_of(client.post(f"/api/v1/webhooks/{other.id}/deliveries/{delivery.id}:replay"), 404, "NotFound")
    error_of(client.post(f"{log}/nothing:replay"), 404, "NotFound")
    error_of(
        client.post(f"/api/v1/webhooks/{failed.id}/deliveries:replay"), 409, "Conflict", "InvalidPrerequisite"
    )
    error_of(client.get(log, params={"state": "lost"}), 400, "InvalidRequest", "InvalidPayload")
    error_of(client.get(f"/api/v1/webhooks/{challenge.id}/deliveries"), 404, "NotFound")


def test_the_log_needs_a_key(client, world):
    hook = world.add(make_web_hook())
    bare = client.get(f"/api/v1/webhooks/{hook.id}/deliveries", headers={"Ocp-Apim-Subscription-Key": ""})
    assert bare.status_code == 401
