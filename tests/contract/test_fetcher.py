"""What every fetcher promises; the real one is asked of a real server on loopback."""

import pytest
from tests.web_server import web_server

from tympan.backends.fetch.fetcher import HttpFetcher
from tympan.backends.fetch.transport import Patience, SafeHttp
from tympan.domain.errors import FetchError
from tympan.domain.reach import ReachRules, read_allowances
from tympan.testing.fetcher import FakeFetcher, Page

LOOPBACK = ReachRules(allowed=read_allowances("127.0.0.1"))
PATIENT = Patience(silence_s=5, total_s=20, grace_s=20)


class RealWeb:
    """A server on loopback and the real fetcher."""

    def __init__(self, server):
        self._server = server
        self.fetcher = HttpFetcher(SafeHttp(rules=LOOPBACK, patience=PATIENT))

    def put(self, path, page):
        headers = {"Content_Type": page.content_type} if page.content_type else {}
        if page.location is not None:
            headers["Location"] = page.location
        return self._server.serve(path, page.body, status=page.status, **headers)

    @property
    def sent(self):
        return [(request.body, request.headers) for request in self._server.requests]


class FakeWeb:
    """The same in memory."""

    def __init__(self):
        self.fetcher = FakeFetcher(rules=LOOPBACK)

    def put(self, path, page):
        url = f"http://127.0.0.1:8123{path}"
        self.fetcher.pages[url] = page
        return url

    @property
    def sent(self):
        return [(sent.body, sent.headers) for sent in self.fetcher.sent]


@pytest.fixture(params=["http", "fake"])
def web(request):
    if request.param == "fake":
        yield FakeWeb()
        return
    with web_server() as server:
        yield RealWeb(server)


def read(web, url, limit_bytes=1 << 20):
    with web.fetcher.fetch(url, limit_bytes=limit_bytes) as found:
        return b"".join(found.chunks)


def refusal(web, url, limit_bytes=1 << 20):
    with pytest.raises(FetchError) as caught:
        read(web, url, limit_bytes)
    return caught.value


def test_a_source_is_read_with_its_name_type_and_size(web):
    url = web.put("/data/a%20b.wav", Page(body=b"x" * 100_000, content_type="Audio/WAV; codec=1"))
    with web.fetcher.fetch(url, limit_bytes=100_000) as found:
        assert found.name == "a b.wav"
        assert found.content_type == "audio/wav"
        assert found.size_bytes == 100_000
        assert b"".join(found.chunks) == b"x" * 100_000


def test_the_query_reaches_the_source_as_it_was_written(web):
    url = web.put("/a.txt?sig=a%2Bb%2F%3D&se=2026-01-01T00%3A00%3A00Z", Page(body=b"signed"))
    assert read(web, url) == b"signed"


def test_more_than_the_limit_is_refused(web):
    url = web.put("/big", Page(body=b"x" * 1001))
    assert refusal(web, url, 1000).code == "SizeLimit"
    assert read(web, url, 1001) == b"x" * 1001


@pytest.mark.parametrize(("status", "is_transient"), [(404, False), (403, False), (500, True), (503, True)])
def test_an_answer_that_is_an_error_says_so(web, status, is_transient):
    error = refusal(web, web.put("/gone", Page(status=status)))
    assert str(status) in error.message
    assert error.code == "FetchFailed"
    assert error.is_transient is is_transient


def test_three_redirects_are_followed_and_the_name_is_that_of_the_first(web):
    end = web.put("/end", Page(body=b"here"))
    third = web.put("/3", Page(status=307, location=end))
    web.put("/2", Page(status=301, location=third))
    first = web.put("/1.wav", Page(status=302, location="/2"))
    with web.fetcher.fetch(first, limit_bytes=100) as found:
        assert found.name == "1.wav"
        assert b"".join(found.chunks) == b"here"
    assert refusal(web, web.put("/0", Page(status=302, location=first))).code == "FetchRefused"


def test_a_redirect_that_goes_round_in_circles_ends(web):
    web.put("/a", Page(status=302, location="/b"))
    assert refusal(web, web.put("/b", Page(status=302, location="/a"))).code == "FetchRefused"


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://[::ffff:169.254.169.254]/",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "//10.0.0.1/x",
        "http://127.0.0.1\\@example.com/",
        "http://user@127.0.0.1/",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(web, location):
    error = refusal(web, web.put("/innocent", Page(status=302, location=location)))
    assert error.code == "FetchRefused"
    assert not error.is_transient


REFUSED = [
    "",
    "example.com/a.wav",
    "ftp://example.com/a.wav",
    "file:///etc/passwd",
    "http:///a",
    "http://user:secret@example.com/",
    "http://user@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://example.com/a b",
    "http://example.com/a\r\nHost: other",
    "http://example.com/\0",
    "http://ex\u00a0ample.com/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://8.8.8.8:25/",
    "http://8.8.8.8:6379/",
    "http://bücher.example/",
    "http://%31%32%37.0.0.1/",
    # every spelling of 127.0.0.2 that some resolver takes (127.0.0.1 itself is allowed here)
    "http://127.0.0.2/",
    "http://2130706434/",
    "http://0x7f000002/",
    "http://0x7f.2/",
    "http://0177.0.0.2/",
    "http://127.2/",
    "http://127.0.2/",
    "http://127.0.0.02/",
    "http://127.0.0.2./",
    "http://127.0.0.0x2/",
    "http://0/",
    "http://0x/",
    # ranges that are not public
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/machine",
    "http://172.16.0.1/",
    "http://192.0.0.192/",
    "http://192.168.1.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[64:ff9b::8.8.8.8]/",
    "http://[64:ff9b:1::1]/",
    "http://[100::1]/",
    "http://[2001::1]/",
    "http://[2001:db8::1]/",
    "http://[2002:7f00:1::]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[2606:4700::1111%25eth0]/",
    "http://[ff02::1]/",
    "http://[::1/",
    "http://metadata/",
    "http://metadata.google.internal/",
    "http://METADATA.google.internal./",
]


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_malformed_or_not_public_is_refused_before_anything_is_sent(web, url):
    with pytest.raises(FetchError) as caught:
        web.fetcher.check(url)
    assert caught.value.code == "FetchRefused"
    assert refusal(web, url).code == "FetchRefused"
    with pytest.raises(FetchError) as caught:
        web.fetcher.send(url, b"x", {})
    assert caught.value.code == "FetchRefused"
    assert not web.sent


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.wav?sig=1#part",
        "HTTP://Example.COM",
        "http://8.8.8.8:8080/x",
        "https://[2606:4700::1111]/x",
        "https://account.blob.core.windows.net/container/a%20b.wav?sv=2022&sig=a%2Bb%3D",
        "http://example.com/größe.wav",
        "http://127.0.0.1:9/",
    ],
)
def test_what_is_public_or_allowed_passes_the_check(web, url):
    web.fetcher.check(url)


def test_what_is_sent_arrives_and_the_answer_comes_back(web):
    url = web.put("/hook", Page(body=b"y" * 100_000, content_type="text/plain", status=500))
    reply = web.fetcher.send(url, b'{"a": 1}', {"Content-Type": "application/json", "X-Sign": "abc"})
    assert reply.status == 500
    assert reply.body == b"y" * 65536
    assert reply.headers["content-type"] == "text/plain"
    [(body, headers)] = web.sent
    assert body == b'{"a": 1}'
    assert {name.lower(): value for name, value in headers.items()}["x-sign"] == "abc"


def test_a_receiver_that_redirects_is_not_followed(web):
    end = web.put("/end", Page(body=b"here"))
    reply = web.fetcher.send(web.put("/hook", Page(status=302, location=end)), b"x", {})
    assert reply.status == 302
    assert reply.headers["location"] == end
    assert len(web.sent) == 1
