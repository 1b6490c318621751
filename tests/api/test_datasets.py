import asyncio
import json
import tracemalloc

import pytest
from tests.api.conftest import V32, error_of, upload

from tympan.rest.uploads import receive_upload
from tympan.testing.entities import make_dataset

DATASETS = f"{V32}/datasets"


def test_an_upload_becomes_a_dataset_that_is_being_worked_on(world, client, project):
    answer = upload(
        client,
        b"\xef\xbb\xbfhello world\n",
        project=project["self"].replace("v3.2", "v3.1") + "?x=1",
        kind="LANGUAGE",
        description="Sentences",
        customProperties=json.dumps({"a": "b"}),
        email="someone@example.com",
    )
    dataset = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == dataset["self"]
    assert int(answer.headers["retry-after"]) > 0
    assert dataset["status"] == "NotStarted"
    assert dataset["kind"] == "Language"
    assert dataset["project"] == {"self": project["self"]}
    assert dataset["customProperties"] == {"a": "b"}
    assert dataset["properties"]["textNormalizationKind"] == "Default"
    kept = world.services.datasets.get(dataset["self"].rsplit("/", 1)[-1])
    assert b"".join(world.blobs.stream(kept.source_key)) == b"\xef\xbb\xbfhello world\n"
    assert kept.source_name == "lines.txt"


def test_a_finished_import_shows_its_counts_and_a_failed_one_its_reason(world, client):
    audio = world.add(make_dataset())
    world.imported(audio.id)
    shown = client.get(f"{DATASETS}/{audio.id}")
    assert shown.json()["properties"]["duration"] == "PT59.25S"
    assert shown.json()["properties"]["acceptedLineCount"] == 2
    assert shown.json()["status"] == "Succeeded"
    assert "retry-after" not in shown.headers
    broken = world.add(make_dataset())
    world.failed("datasets", broken.id)
    error = client.get(f"{DATASETS}/{broken.id}").json()["properties"]["error"]
    assert error == {"code": "InvalidDataset", "message": "Line 3 of trans.txt has no tab."}


def test_lists_filter_by_kind_and_status(world, client):
    done = world.add(make_dataset(display_name="done"))
    world.imported(done.id)
    world.add(make_dataset(display_name="waiting"))
    answer = client.get(DATASETS, params={"filter": "kind eq 'acoustic' and status eq 'succeeded'"})
    assert [one["displayName"] for one in answer.json()["values"]] == ["done"]
    assert "retry-after" not in answer.headers
    assert "retry-after" in client.get(DATASETS).headers


def test_a_dataset_can_be_renamed_moved_and_deleted(world, client, project):
    dataset = world.add(make_dataset())
    url = f"{DATASETS}/{dataset.id}"
    moved = client.patch(
        url, json={"displayName": "B", "project": {"self": project["self"]}, "kind": "Acoustic"}
    )
    assert moved.json()["project"] == {"self": project["self"]}
    assert "project" not in client.patch(url, json={"project": None}).json()
    error_of(client.patch(url, json={"kind": "Language"}), 400, "InvalidRequest", "UnsupportedDelta")
    answer = client.patch(url, json={"project": {"self": f"{V32}/projects/{dataset.id}"}})
    assert (
        "does not reference an entity" in error_of(answer, 400, "InvalidRequest", "InvalidProject")["message"]
    )
    answer = client.patch(url, json={"project": {"self": "http://elsewhere/models/1"}})
    error_of(answer, 400, "InvalidRequest", "InvalidPayload")
    assert client.delete(url).status_code == 204
    assert client.delete(url).status_code == 204


def test_locales_are_those_of_the_base_models_with_their_kinds(client, base_model):
    assert client.get(f"{DATASETS}/locales").json()["en-US"][0] == "Acoustic"
    assert client.get(f"{V32}/models/locales").json() == ["en-US"]


@pytest.mark.parametrize(
    ("fields", "detailed", "target"),
    [
        ({"kind": None}, "InvalidPayload", "kind"),
        ({"kind": "Video"}, "InvalidPayload", "kind"),
        ({"displayName": None}, "InvalidPayload", "displayName"),
        ({"customProperties": "{"}, "InvalidPayload", "customProperties"),
    ],
)
def test_a_form_that_breaks_a_rule_is_refused(client, fields, detailed, target):
    assert error_of(upload(client, **fields), 400, "InvalidRequest", detailed)["target"] == target


def test_a_form_without_file_or_cut_short_is_refused(world, client):
    url = f"{DATASETS}/upload"
    answer = client.post(
        url, data={"displayName": "a"}, headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    error_of(answer, 400, "InvalidRequest", "InvalidRequestBodyFormat")
    cut = b'--b\r\nContent-Disposition: form-data; name="data"; filename="a"\r\n\r\nhello'
    answer = client.post(url, content=cut, headers={"Content-Type": "multipart/form-data; boundary=b"})
    error_of(answer, 400, "InvalidRequest", "InvalidRequestBodyFormat")
    whole = b'--b\r\nContent-Disposition: form-data; name="kind"\r\n\r\nLanguage\r\n--b--\r\n'
    answer = client.post(url, content=whole, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert error_of(answer, 400, "InvalidRequest", "InvalidPayload")["target"] == "data"
    error_of(client.post(url, json={}), 415, "UnsupportedMediaType")
    error_of(upload(client, b""), 400, "InvalidRequest", "EmptyRequest")
    assert list(world.services.uploads_dir.iterdir()) == []


def test_a_file_over_the_limit_is_refused(client):
    error_of(upload(client, b"x" * 1_000_001), 413, "InvalidRequest", "InvalidPayload")


def test_memory_does_not_grow_with_an_upload(world, tmp_path):
    async def pieces():
        yield b'--b\r\nContent-Disposition: form-data; name="data"; filename="a.zip"\r\n\r\n'
        for _ in range(600):
            yield bytes(1 << 18)
        yield b"\r\n--b--\r\n"

    async def receive():
        form = receive_upload(
            "multipart/form-data; boundary=b", pieces(), folder=tmp_path, limit_bytes=1 << 30
        )
        async with form as uploaded:
            return uploaded.path.stat().st_size

    tracemalloc.start()
    try:
        assert asyncio.run(receive()) == 600 << 18
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_the_report_is_served_as_it_was_written(world, client):
    dataset = world.add(make_dataset())
    error_of(client.get(f"/api/v1/datasets/{dataset.id}/report"), 409, "Conflict", "InvalidPrerequisite")
    world.imported(dataset.id, files=[world.file("report.json", b'{"schemaVersion": 1}')])
    assert client.get(f"/api/v1/datasets/{dataset.id}/report").json() == {"schemaVersion": 1}
