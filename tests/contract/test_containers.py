"""What every reader of containers promises; the real one is asked of a real server."""

import gzip
import json

import pytest
from tests.azurite import azurite
from tests.web_server import web_server

from tympan.backends.fetch.containers import HttpContainers
from tympan.backends.fetch.fetcher import HttpFetcher
from tympan.backends.fetch.transport import Patience, SafeHttp
from tympan.domain.errors import FetchError
from tympan.domain.reach import ReachRules, read_allowances
from tympan.testing.containers import FakeContainers
from tympan.testing.fetcher import FakeFetcher

LOOPBACK = ReachRules(allowed=read_allowances("127.0.0.1"))
HTTP = SafeHttp(rules=LOOPBACK, patience=Patience(silence_s=10, total_s=30, grace_s=30))
NAMES = ["a.wav", "calls/b c.wav", "calls/größe.wav", "calls/d+e&f=g.wav", "z/y/x.wav"]
BLOBS = {name: name.encode() * 3 for name in NAMES}


@pytest.fixture(scope="session")
def account(tmp_path_factory):
    with azurite(tmp_path_factory.mktemp("azurite")) as account:
        yield account


class Azure:
    """An account that checks signatures."""

    can_sign = True

    def __init__(self, account):
        self._account = account
        self.containers = HttpContainers(HTTP)
        self.fetcher = HttpFetcher(HTTP)

    def make(self, blobs, permissions="rl"):
        name = self._account.new_container()
        for blob, data in blobs.items():
            self._account.put(name, blob, data)
        return self._account.signed(name, permissions)

    def read(self, url, name):
        return self._account.read(url.partition("?")[0].rpartition("/")[2], name)


class Bucket:
    """A public bucket that speaks S3; nothing can be put there."""

    def __init__(self, bucket):
        self._bucket = bucket
        self.containers = HttpContainers(HTTP)
        self.fetcher = HttpFetcher(HTTP)

    def make(self, blobs):
        client = self._bucket.client()
        for found in client.list_objects_v2(Bucket=self._bucket.name).get("Contents", []):
            client.delete_object(Bucket=self._bucket.name, Key=found["Key"])
        for blob, data in blobs.items():
            client.put_object(Bucket=self._bucket.name, Key=blob, Body=data, ACL="public-read")
        return f"{self._bucket.endpoint}/{self._bucket.name}?list-type=2"


class Fake:
    """Containers in memory."""

    can_sign = True

    def __init__(self):
        self.fetcher = FakeFetcher(rules=LOOPBACK)
        self.containers = FakeContainers(fetcher=self.fetcher, rules=LOOPBACK)
        self._number = 0

    def make(self, blobs, permissions="rl"):
        self._number += 1
        url = self.containers.fill(f"http://127.0.0.1:8123/account/c{self._number}?sig=secret", blobs)
        if "w" not in permissions:
            self.containers.read_only.add(url)
        return url

    def read(self, url, name):
        page = self.fetcher.pages[f"{url.partition('?')[0]}/{name}?{url.partition('?')[2]}"]
        return page.body, page.content_type


@pytest.fixture(params=["azure", "fake"])
def store(request):
    return Fake() if request.param == "fake" else Azure(request.getfixturevalue("account"))


@pytest.fixture(params=["azure", "s3", "fake"])
def source(request):
    if request.param == "s3":
        return Bucket(request.getfixturevalue("moto_bucket"))
    return Fake() if request.param == "fake" else Azure(request.getfixturevalue("account"))


def test_what_is_listed_can_be_fetched(source):
    listed = source.containers.list(source.make(BLOBS))
    assert [blob.name for blob in listed] == sorted(NAMES)
    for blob in listed:
        assert blob.size_bytes == len(BLOBS[blob.name])
        with source.fetcher.fetch(blob.url, limit_bytes=1000) as found:
            assert b"".join(found.chunks) == BLOBS[blob.name]
            assert found.name == blob.name.rpartition("/")[2]
        assert blob.url not in repr(blob)


def test_a_prefix_narrows_the_list(source):
    listed = source.containers.list(source.make(BLOBS), prefix="calls/")
    assert {blob.name for blob in listed} == {name for name in NAMES if name.startswith("calls/")}


def test_an_empty_container_is_empty(source):
    assert source.containers.list(source.make({})) == []


def test_more_than_the_limit_is_an_error(source):
    url = source.make(BLOBS)
    assert len(source.containers.list(url, limit=5)) == 5
    with pytest.raises(FetchError) as caught:
        source.containers.list(url, limit=4)
    assert caught.value.code == "SizeLimit"


def test_a_result_is_put_where_it_belongs_and_replaced_the_second_time(store):
    url = store.make({}, "rwlc")
    for text in ("first", "second"):
        body = json.dumps({"text": text}).encode() * 1000
        halves = [body[:5000], body[5000:]]
        store.containers.put(url, "out/a.json", halves, size_bytes=len(body), content_type="application/json")
        assert store.read(url, "out/a.json") == (body, "application/json")


def test_a_signature_that_does_not_allow_to_write_is_told(store):
    url = store.make({}, "rl")
    with pytest.raises(FetchError) as caught:
        store.containers.put(url, "a.json", [b"{}"], size_bytes=2, content_type="application/json")
    assert "403" in caught.value.message
    assert not caught.value.is_transient


def test_a_container_that_is_not_there_is_told(store):
    url = store.make({}, "rwlc")
    place, _, query = url.partition("?")
    for call in (
        lambda: store.containers.list(f"{place}x?{query}"),
        lambda: store.containers.put(f"{place}x?{query}", "a", [b""], size_bytes=0, content_type="a/b"),
    ):
        with pytest.raises(FetchError) as caught:
            call()
        assert "404" in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///var/data",
        "http://169.254.169.254/metadata?sig=a",
        "http://10.0.0.1/container?list-type=2",
        "https://account.blob.core.windows.net/?sig=a",
        "https://bucket.s3.amazonaws.com/?list-type=2&X-Amz-Signature=a",
    ],
)
def test_what_is_no_container_is_refused_before_anything_is_sent(store, url):
    for call in (
        lambda: store.containers.check(url),
        lambda: store.containers.list(url),
        lambda: store.containers.put(url, "a", [b""], size_bytes=0, content_type="a/b"),
    ):
        with pytest.raises(FetchError) as caught:
            call()
        assert caught.value.code == "FetchRefused"


def test_results_are_not_put_into_a_bucket(store):
    url = "https://bucket.s3.amazonaws.com/?list-type=2"
    store.containers.check(url)
    with pytest.raises(FetchError):
        store.containers.check(url, is_destination=True)


def test_a_changed_signature_lists_nothing(account):
    url = Azure(account).make(BLOBS)
    with pytest.raises(FetchError) as caught:
        HttpContainers(HTTP).list(url.replace("sig=", "sig=A"))
    assert "403" in caught.value.message


def test_a_public_container_needs_no_signature(account):
    name = account.new_container(is_public=True)
    account.put(name, "a.wav", b"abc")
    [blob] = HttpContainers(HTTP).list(account.place(name))
    with HttpFetcher(HTTP).fetch(blob.url, limit_bytes=10) as found:
        assert b"".join(found.chunks) == b"abc"


@pytest.mark.parametrize("kind", ["azure", "s3"])
def test_a_list_of_several_pages_is_read_to_its_end(request, kind):
    store = (
        Bucket(request.getfixturevalue("moto_bucket"))
        if kind == "s3"
        else Azure(request.getfixturevalue("account"))
    )
    names = [f"{number:05}.wav" for number in range(11)]
    url = store.make(dict.fromkeys(names, b"x"))
    in_threes = HttpContainers(HTTP, page_entries=3)
    assert [blob.name for blob in in_threes.list(url)] == names


def azure_page(*blobs, marker=""):
    items = "".join(
        f"<Blob>{name}<Properties><Content-Length>{size}</Content-Length>{more}</Properties></Blob>"
        for name, size, more in blobs
    )
    text = f"<EnumerationResults><Blobs>{items}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
    return b"\xef\xbb\xbf" + f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()


@pytest.fixture
def server():
    with web_server() as server:
        yield server


def test_the_marker_leads_from_page_to_page_and_the_signature_goes_along(server):
    pages = {
        "": azure_page(("<Name>a</Name>", 1, ""), marker="2!92!next=="),
        "&marker=2%2192%21next%3D%3D": azure_page(marker="last"),
        "&marker=last": azure_page(
            ('<Name Encoded="true">b%EF%BF%BE%26</Name>', 2, ""),
            ("<Name>folder</Name>", 0, "<ResourceType>directory</ResourceType>"),
        ),
    }
    for marker, body in pages.items():
        server.serve(f"/c?restype=container&comp=list&maxresults=5000{marker}&sv=1&sig=a%2Bb%2F%3D", body)
    server.routes["/c"] = lambda handler: handler.send_error(403)
    url = server.url("/c/?sv=1&comp=list&sig=a%2Bb%2F%3D&restype=container")
    listed = HttpContainers(HTTP).list(url)
    assert [(blob.name, blob.size_bytes) for blob in listed] == [("a", 1), ("b\ufffe&", 2)]
    assert listed[0].url == server.url("/c/a?sv=1&sig=a%2Bb%2F%3D")


@pytest.mark.parametrize("markers", [["same"], ["one", "two"]])
def test_a_list_without_end_is_given_up(server, markers):
    count = 0

    def endless(handler):
        nonlocal count
        count += 1
        body = azure_page(marker=markers[count % len(markers)])
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    server.routes["/c"] = endless
    with pytest.raises(FetchError):
        HttpContainers(HTTP).list(server.url("/c?sig=a"), limit=20)
    assert count <= 21


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Not here</html>",
        b'{"values": []}',
        b"<EnumerationResults>",
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><EnumerationResults>&l9;</EnumerationResults>'.encode(),
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><EnumerationResults>&f;</EnumerationResults>',
        azure_page(("<Name>a</Name>", "many", "")),
        azure_page(("<Name>a</Name>", "-1", "")),
    ],
)
def test_what_is_no_list_or_a_trap_is_refused(server, body):
    server.serve("/c", body)
    with pytest.raises(FetchError) as caught:
        HttpContainers(HTTP).list(server.url("/c?sig=a"))
    assert "list of a container" in caught.value.message


def test_a_list_that_is_packed_or_far_too_long_is_refused(server):
    server.serve("/packed", gzip.compress(azure_page()), Content_Encoding="gzip")
    with pytest.raises(FetchError):
        HttpContainers(HTTP).list(server.url("/packed?sig=a"))

    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n<EnumerationResults>")
        while True:
            handler.wfile.write(b" " * 65536)

    server.routes["/endless"] = endless
    with pytest.raises(FetchError) as caught:
        HttpContainers(HTTP).list(server.url("/endless?sig=a"))
    assert caught.value.code == "SizeLimit"


def test_a_container_that_redirects_inside_is_not_followed_there(server):
    server.redirect("/c", "http://169.254.169.254/?restype=container&comp=list")
    with pytest.raises(FetchError) as caught:
        HttpContainers(HTTP).list(server.url("/c?sig=a"))
    assert caught.value.code == "FetchRefused"


def test_names_that_would_climb_out_of_the_container_stay_names(server):
    server.serve(
        "/c", azure_page(("<Name>../../other/a.wav</Name>", 1, ""), ("<Name>a?b#c.wav</Name>", 1, ""))
    )
    urls = {blob.name: blob.url for blob in HttpContainers(HTTP).list(server.url("/c?sig=a"))}
    assert urls["a?b#c.wav"] == server.url("/c/a%3Fb%23c.wav?sig=a")
    assert urls["../../other/a.wav"] == server.url("/c/../../other/a.wav?sig=a")
