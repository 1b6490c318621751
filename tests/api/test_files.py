from urllib.parse import urlsplit

import pytest
from tests.api.conftest import V32, error_of

from tympan.testing.entities import make_dataset


@pytest.fixture
def files_url(world):
    dataset = world.add(make_dataset())
    source = world.file("Träger <1>.txt", b"0123456789", "LanguageData")
    world.imported(dataset.id, files=[world.file("report.json", b"{}"), source])
    return f"{V32}/datasets/{dataset.id}/files"


def content_url(client, files_url, **query):
    page = client.get(files_url, params={"filter": "kind eq 'LanguageData'", **query}).json()
    return page["values"][0]["links"]["contentUrl"]


def anonymous(client, url, **headers):
    del client.headers["Ocp-Apim-Subscription-Key"]
    parts = urlsplit(url)
    return client.get(f"{parts.path}?{parts.query}", headers=headers)


def test_files_are_listed_one_by_one_and_page_by_page(client, files_url):
    page = client.get(files_url, params={"top": 1}).json()
    assert [one["name"] for one in page["values"]] == ["report.json"]
    rest = client.get(page["@nextLink"]).json()
    assert rest["values"][0]["properties"] == {"size": 10}
    entry = client.get(rest["values"][0]["self"]).json()
    assert entry["name"] == "Träger <1>.txt"
    error_of(client.get(f"{files_url}/nothing"), 404, "NotFound")
    assert client.get(
        files_url, params={"filter": "name eq 'x' or createdDateTime lt 2020-01-01"}
    ).json() == {"values": []}


def test_content_is_open_to_a_plain_get_and_is_a_download(client, files_url):
    answer = anonymous(client, content_url(client, files_url))
    assert answer.content == b"0123456789"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''Tr%C3%A4ger")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_ranges_are_served(client, files_url):
    url = content_url(client, files_url)
    part = anonymous(client, url, Range="bytes=2-4")
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    client.headers["Ocp-Apim-Subscription-Key"] = "x"
    assert anonymous(client, url, Range="bytes=-3").content == b"789"
    client.headers["Ocp-Apim-Subscription-Key"] = "x"
    assert anonymous(client, url, Range="bytes=8-99").content == b"89"
    client.headers["Ocp-Apim-Subscription-Key"] = "x"
    assert anonymous(client, url, Range="bytes=10-").status_code == 416


def test_a_content_url_expires(world, client, files_url):
    url = content_url(client, files_url, sasValidityInSeconds=60)
    world.clock.advance(60)
    error_of(anonymous(client, url), 403, "Forbidden", "Forbidden")


def test_a_content_url_opens_one_file_only(client, files_url):
    url = content_url(client, files_url)
    other = url.replace("Tr%C3%A4ger%20%3C1%3E.txt", "report.json")
    assert other != url
    error_of(anonymous(client, other), 403, "Forbidden", "Forbidden")


def test_a_signature_that_was_altered_opens_nothing(client, files_url):
    url = content_url(client, files_url)
    error_of(anonymous(client, url[:-1] + ("0" if url[-1] != "0" else "1")), 403, "Forbidden", "Forbidden")
    client.headers["Ocp-Apim-Subscription-Key"] = "x"
    error_of(anonymous(client, url.split("?")[0]), 403, "Forbidden", "Forbidden")


def test_the_life_of_a_url_has_bounds(client, files_url):
    for text in ("0", "-1", "99999999", "x"):
        answer = client.get(files_url, params={"sasValidityInSeconds": text})
        error_of(answer, 400, "InvalidArgument", "InvalidSasValidityDuration")
