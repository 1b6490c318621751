"""Datasets by URL and in blocks, in the words of each version."""

import base64
import json
from urllib.parse import urlencode

import pytest
from tests.api.conftest import error_of

from tympan.domain.query import EVERYTHING
from tympan.domain.resource import Status
from tympan.wire.versions import ApiVersion

EVERY = (ApiVersion.V3_0, ApiVersion.V3_1, ApiVersion.V3_2, ApiVersion.V2024_11_15)
WITH_BLOCKS = EVERY[1:]
URL = "https://store.example.com/data/lines.txt?sig=top-secret"


def datasets_of(version, *rest):
    return "/".join([f"{version.path}/datasets", *rest]) + version.query


def create(client, version, **members):
    body = {"displayName": "Text", "locale": "en-US", "kind": "Language"} | members
    return client.post(datasets_of(version), json=body)


def name(number):
    return base64.b64encode(number.to_bytes(2, "big")).decode()


def put(client, document, block, data):
    link = document["links"]["uploadBlocks"]
    url = f"{link}{'&' if '?' in link else '?'}{urlencode({'blockid': block})}"
    return client.put(url, content=data, headers={"Content-Type": "application/octet-stream"})


def commit(client, document, *entries):
    return client.post(document["links"]["commitBlocks"], json=list(entries))


def uncommitted(*blocks):
    return [{"kind": "Uncommitted", "id": block} for block in blocks]


@pytest.mark.parametrize("version", EVERY)
def test_a_dataset_by_url_waits_for_its_import_and_never_tells_the_url(world, client, version):
    answer = create(client, version, contentUrl=URL)
    document = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == document["self"]
    assert int(answer.headers["retry-after"]) > 0
    assert document["status"] == "NotStarted"
    assert set(document["links"]) == {"files"}
    assert client.get(document["self"]).json() == document
    [job] = world.services.jobs.list()
    told = [answer.text, client.get(datasets_of(version)).text, client.get(f"/api/v1/jobs/{job.id}").text]
    assert not [text for text in told if "secret" in text or "store.example.com" in text]
    kept = world.services.datasets.get(job.resource_id)
    assert kept.source_url == URL
    assert "secret" not in repr(kept)


@pytest.mark.parametrize("version", EVERY)
@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://store.example.com/a",
        "http://127.0.0.1/a",
        "http://169.254.169.254/latest/meta-data",
        "http://user:pw@store.example.com/",
        "http://0x7f.1/",
    ],
)
def test_a_url_that_leads_inside_or_nowhere_is_refused_at_once(world, client, version, url):
    error = error_of(create(client, version, contentUrl=url), 400, "InvalidRequest", "InvalidPayload")
    assert error["innerError"]["target"] == "contentUrl" or error.get("target") == "contentUrl"
    assert world.services.datasets.count() == 0


def test_v3_0_knows_no_blocks(world, client):
    error_of(create(client, ApiVersion.V3_0), 400, "InvalidRequest", "InvalidPayload")
    document = create(client, ApiVersion.V3_1).json()
    place = document["self"].rsplit("/", 1)[-1]
    seen = client.get(datasets_of(ApiVersion.V3_0, place)).json()
    assert set(seen["links"]) == {"files"}
    assert client.get(datasets_of(ApiVersion.V3_0, place, "blocks")).status_code == 404


@pytest.mark.parametrize("version", WITH_BLOCKS)
def test_a_file_comes_in_blocks_in_any_order_and_is_imported_in_the_order_of_the_commit(
    world, client, version
):
    answer = create(client, version)
    document = answer.json()
    assert answer.status_code == 201
    assert document["status"] == "NotStarted"
    links = document["links"]
    dataset = document["self"].partition("?")[0]
    assert links["uploadBlocks"] == links["listBlocks"] == f"{dataset}/blocks{version.query}"
    assert links["commitBlocks"] == f"{dataset}/blocks:commit{version.query}"
    assert world.services.jobs.list() == []

    for number, data in ((2, b"third"), (0, b"mistaken"), (1, b"second\n"), (9, b"left out")):
        sent = put(client, document, name(number), data)
        assert (sent.status_code, sent.content) == (201, b"")
    assert put(client, document, name(0), b"first\n").status_code == 201  # replaces
    listed = client.get(links["listBlocks"]).json()
    assert listed["committedBlocks"] == []
    assert {block["name"]: block["size"] for block in listed["uncommittedBlocks"]} == {
        name(0): 6,
        name(1): 7,
        name(2): 5,
        name(9): 8,
    }

    done = commit(client, document, {"kind": "latest", "id": name(0)}, *uncommitted(name(1), name(2)))
    assert (done.status_code, done.content) == (200, b"")
    assert client.get(document["self"]).json()["status"] == "Running"
    listed = client.get(links["listBlocks"]).json()
    assert [block["name"] for block in listed["committedBlocks"]] == [name(0), name(1), name(2)]
    assert listed["uncommittedBlocks"] == []
    [job] = world.services.jobs.list()
    assert world.services.datasets.get(job.resource_id).job_id == job.id
    kept = {b"".join(world.blobs.stream(info.key)) for info in world.blobs.list("blocks/")}
    assert kept == {b"first\n", b"second\n", b"third"}

    again = commit(client, document, *uncommitted(name(0), name(1), name(2)))
    assert again.status_code == 200, "a client whose answer was lost says it again"
    assert len(world.services.jobs.list()) == 1
    error_of(put(client, document, name(3), b"late"), 409, "Conflict", "InvalidPrerequisite")
    error_of(commit(client, document, *uncommitted(name(0))), 409, "Conflict", "InvalidPrerequisite")


@pytest.mark.parametrize(
    ("block", "data", "status", "detailed"),
    [
        ("", b"x", 400, "InvalidPayload"),
        ("not base64!", b"x", 400, "InvalidPayload"),
        ("AAA", b"x", 400, "InvalidPayload"),
        (base64.b64encode(bytes(65)).decode(), b"x", 400, "InvalidPayload"),
        (name(1), b"", 400, "EmptyRequest"),
        (name(1), bytes(8 * 1024**2 + 1), 413, "InvalidPayload"),
    ],
)
def test_what_is_no_block_is_refused_and_leaves_nothing(world, client, block, data, status, detailed):
    document = create(client, ApiVersion.V3_2).json()
    error_of(put(client, document, block, data), status, "InvalidRequest", detailed)
    assert client.get(document["links"]["listBlocks"]).json()["uncommittedBlocks"] == []
    assert list(world.blobs.list("blocks/")) == []


def test_the_largest_block_and_the_longest_id_are_taken(client):
    document = create(client, ApiVersion.V3_2, kind="Acoustic").json()
    longest = base64.b64encode(bytes([255]) * 64).decode()
    assert "/" in longest
    assert put(client, document, longest, bytes(8 * 1024**2)).status_code == 201
    [block] = client.get(document["links"]["listBlocks"]).json()["uncommittedBlocks"]
    assert block == {"name": longest, "size": 8 * 1024**2}


def test_a_plus_that_a_client_did_not_encode_is_still_a_plus(client):
    document = create(client, ApiVersion.V3_2).json()
    assert client.put(f"{document['links']['uploadBlocks']}?blockid=++++", content=b"x").status_code == 201
    [block] = client.get(document["links"]["listBlocks"]).json()["uncommittedBlocks"]
    assert block["name"] == "++++"


def test_all_ids_of_a_dataset_have_one_length(client):
    document = create(client, ApiVersion.V3_2).json()
    assert put(client, document, name(1), b"x").status_code == 201
    error = error_of(put(client, document, "AAAAAAAA", b"x"), 400, "InvalidRequest", "InvalidPayload")
    assert "same length" in error["message"]


@pytest.mark.parametrize(
    ("body", "detailed"),
    [
        ([], "EmptyRequest"),
        ([{"kind": "Uncommitted", "id": name(7)}], "InvalidPayload"),
        ([{"kind": "Committed", "id": name(1)}], "InvalidPayload"),
        ([{"kind": "Uncommitted"}], "InvalidPayload"),
        ([{"kind": "Other", "id": name(1)}], "InvalidPayload"),
        ({"kind": "Uncommitted", "id": name(1)}, "InvalidRequestBodyFormat"),
        (["AAA="], "InvalidRequestBodyFormat"),
    ],
)
def test_a_commit_that_names_no_uploaded_block_is_refused_and_changes_nothing(world, client, body, detailed):
    document = create(client, ApiVersion.V3_2).json()
    put(client, document, name(1), b"x")
    answer = client.post(document["links"]["commitBlocks"], json=body)
    error_of(answer, 400, "InvalidRequest", detailed)
    assert client.get(document["self"]).json()["status"] == "NotStarted"
    assert world.services.jobs.list() == []
    assert commit(client, document, *uncommitted(name(1))).status_code == 200


def test_a_dataset_that_was_uploaded_whole_takes_no_blocks(world, client):
    document = create(client, ApiVersion.V3_2, contentUrl=URL).json()
    answer = client.put(f"{document['self']}/blocks?blockid=AAA=", content=b"x")
    error_of(answer, 409, "Conflict", "InvalidPrerequisite")
    assert client.get(f"{document['self']}/blocks").json() == {"committedBlocks": [], "uncommittedBlocks": []}


def test_deleting_a_dataset_takes_its_blocks_along(world, client):
    document = create(client, ApiVersion.V3_2).json()
    put(client, document, name(1), b"x")
    assert client.delete(document["self"]).status_code == 204
    assert client.get(document["links"]["listBlocks"]).status_code == 404
    with world.store.read() as tx:
        assert tx.dataset_blocks.count() == 0
    world.clock.advance(2 * 86400)
    world.services.dataset_blocks.expire()
    assert list(world.blobs.list("blocks/")) == []


def test_blocks_need_a_key_like_everything_else(client):
    document = create(client, ApiVersion.V3_2).json()
    for method, link in (("GET", "listBlocks"), ("PUT", "uploadBlocks"), ("POST", "commitBlocks")):
        answer = client.request(method, document["links"][link], headers={"Ocp-Apim-Subscription-Key": "x"})
        assert answer.status_code == 401


def test_a_commit_takes_thousands_of_blocks(world, client):
    document = create(client, ApiVersion.V3_2).json()
    [dataset] = world.services.datasets.list(EVERYTHING)
    for number in range(50):
        put(client, document, name(number), b"x")
    entries = [{"kind": "Uncommitted", "id": name(number % 50)} for number in range(5000)]
    assert len(json.dumps(entries)) < 4 * 1024**2
    assert commit(client, document, *entries).status_code == 200
    assert world.services.datasets.get(dataset.id).status is Status.RUNNING
    assert len(client.get(document["links"]["listBlocks"]).json()["committedBlocks"]) == 5000


def test_a_file_that_comes_in_blocks_may_have_a_name(world, client):
    named = {"tympan": {"sourceName": "C:\\talks\\calls\x07.zip"}}
    answer = create(client, ApiVersion.V3_2, kind="AudioFiles", **named)
    [dataset] = world.services.datasets.list(EVERYTHING)
    assert answer.status_code == 201
    assert dataset.source_name == "calls.zip"
    too_long = create(client, ApiVersion.V3_2, tympan={"sourceName": "x" * 256})
    assert error_of(too_long, 400, "InvalidRequest", "InvalidPayload")["message"].startswith("tympan")
