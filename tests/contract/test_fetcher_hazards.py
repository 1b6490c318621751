"""What the open web and those who abuse it do to the real fetcher."""

import gzip
import logging
import socket
import ssl
import time
import tracemalloc
from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.web_server import web_server

from tympan.backends.clock import SystemClock
from tympan.backends.fetch.fetcher import HttpFetcher
from tympan.backends.fetch.transport import Patience, SafeHttp
from tympan.domain.errors import FetchError
from tympan.domain.reach import ReachRules, own_addresses, read_allowances

QUICK = Patience(connect_s=2, silence_s=0.3, total_s=2, grace_s=1, least_rate=1000)
MIB = 1 << 20


@pytest.fixture
def server():
    with web_server() as server:
        yield server


def fetcher(allow="127.0.0.1", resolve=None, patience=QUICK, **options):
    rules = ReachRules(allowed=read_allowances(allow), **options)
    return HttpFetcher(SafeHttp(rules=rules, patience=patience, **({"resolve": resolve} if resolve else {})))


def read(fetcher, url, limit_bytes=MIB):
    with fetcher.fetch(url, limit_bytes=limit_bytes) as found:
        return b"".join(found.chunks)


def refusal(fetcher, url, limit_bytes=MIB):
    with pytest.raises(FetchError) as caught:
        read(fetcher, url, limit_bytes)
    return caught.value


class Resolver:
    """Gives one answer after another, and remembers how often it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host, port):
        self.asked += 1
        answer = self.answers[min(self.asked, len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_name_that_answers_differently_the_second_time_is_asked_only_once(server):
    url = server.serve("/a", b"first answer").replace("127.0.0.1", "rebinding.example")
    resolve = Resolver(["127.0.0.1"], ["169.254.169.254"])
    assert read(fetcher(resolve=resolve), url) == b"first answer"
    assert resolve.asked == 1
    turned = Resolver(["169.254.169.254"], ["127.0.0.1"])
    assert refusal(fetcher(resolve=turned), url).code == "FetchRefused"
    assert turned.asked == 1
    assert len(server.requests) == 1


def test_of_several_addresses_only_a_permitted_one_is_connected_to(server):
    url = server.serve("/a", b"ok").replace("127.0.0.1", "mixed.example")
    resolve = Resolver(["10.0.0.1", "fe80::1%eth0", "::ffff:127.0.0.1", "127.0.0.1"])
    assert read(fetcher(resolve=resolve), url) == b"ok"


def test_the_next_address_is_tried_when_one_does_not_answer(server):
    url = server.serve("/a", b"ok").replace("127.0.0.1", "two.example")
    assert read(fetcher("127.0.0.0/8", Resolver(["127.0.0.3", "127.0.0.1"])), url) == b"ok"


def test_a_connection_that_leads_elsewhere_is_given_up(server, monkeypatch):
    # As a kernel that rewrites destinations would do.
    url = server.serve("/a", b"inside").replace("127.0.0.1", "moved.example")
    connect = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda address, *rest, **more: connect(("127.0.0.1", server.port), *rest)
    )
    assert refusal(fetcher("", Resolver(["8.8.8.8"])), url).code == "FetchRefused"
    assert not server.requests


def test_a_redirect_to_a_name_is_resolved_and_checked_too(server):
    inner = server.serve("/secret", b"inside").replace("127.0.0.1", "inner.example")
    url = server.redirect("/a", inner).replace("127.0.0.1", "outer.example")
    rules = ReachRules(allowed=read_allowances("outer.example"))

    def resolve(host, port):
        return ["127.0.0.1"]

    guarded = HttpFetcher(SafeHttp(rules=rules, patience=QUICK, resolve=resolve))
    assert refusal(guarded, url).code == "FetchRefused"
    assert [request.path for request in server.requests] == ["/a"]


def test_an_unknown_host_and_one_inside_are_refused_in_the_same_words(caplog):
    unknown = refusal(
        fetcher(resolve=Resolver(socket.gaierror(socket.EAI_NONAME, "no"))), "http://a.example/"
    )
    with caplog.at_level(logging.WARNING):
        inside = refusal(fetcher(resolve=Resolver(["10.20.30.40"])), "http://b.example/?sig=secret")
    assert (unknown.message, unknown.code) == (inside.message, inside.code)
    assert "10.20.30.40" not in inside.message
    [record] = [one for one in caplog.records if "not public" in one.message]
    assert record.addresses == ["10.20.30.40"]
    assert "secret" not in str(record.__dict__)


def test_a_name_server_that_fails_for_now_may_be_asked_again():
    error = refusal(
        fetcher(resolve=Resolver(socket.gaierror(socket.EAI_AGAIN, "later"))), "http://a.example/"
    )
    assert error.is_transient
    assert error.code == "FetchFailed"


def test_what_may_be_reached_can_be_narrowed_to_a_host_and_a_port(server):
    url = server.serve("/a", b"ok")
    assert read(fetcher(f"127.0.0.1:{server.port}"), url) == b"ok"
    assert refusal(fetcher(f"127.0.0.1:{server.port + 1}"), url).code == "FetchRefused"
    named, resolve = url.replace("127.0.0.1", "store.lan"), Resolver(["127.0.0.1"])
    assert read(fetcher(f"store.lan:{server.port}", resolve), named) == b"ok"
    assert read(fetcher("*.LAN", resolve), named) == b"ok"
    assert refusal(fetcher("lan", resolve), named).code == "FetchRefused"
    assert refusal(fetcher("*.store.lan", resolve), named).code == "FetchRefused"


def test_an_allowed_range_does_not_open_what_tells_the_secrets_of_a_cloud():
    everywhere = "0.0.0.0/0, ::/0, *.google.internal"
    for url in (
        "http://169.254.169.254/",
        "http://[fd00:ec2::254]/",
        "http://168.63.129.16/",
        "http://metadata.google.internal/",
    ):
        with pytest.raises(FetchError):
            fetcher(everywhere).check(url)
    assert (
        refusal(fetcher(everywhere, Resolver(["169.254.169.254"])), "http://x.example/").code
        == "FetchRefused"
    )
    fetcher("169.254.169.254").check("http://169.254.169.254/")
    fetcher("metadata.google.internal").check("http://metadata.google.internal/")


def test_ports_can_be_narrowed_but_what_is_allowed_stays_so(server):
    only_web = {"ports": frozenset({80, 443})}
    with pytest.raises(FetchError):
        fetcher("", **only_web).check("http://example.com:8080/")
    fetcher("", **only_web).check("http://example.com/")
    assert read(fetcher("127.0.0.1", **only_web), server.serve("/a", b"ok")) == b"ok"
    refused = refusal(fetcher("10.0.0.0/8", Resolver(["8.8.8.8"]), **only_web), "http://a.example:8080/")
    assert refused.code == "FetchRefused"


def test_ports_of_other_protocols_are_not_spoken_to():
    with pytest.raises(FetchError):
        fetcher("").check("http://example.com:25/")
    for allow in ("", "127.0.0.1"):
        refused = refusal(fetcher(allow, Resolver(["8.8.8.8"])), "http://mail.example:25/")
        assert refused.code == "FetchRefused"


def test_public_addresses_of_this_machine_are_not_reached():
    own = own_addresses(["8.8.4.4", "fe80::1%eth0", "02:42:ac:11:00:02"])
    assert own == {ip_address("8.8.4.4"), ip_address("fe80::1")}
    with pytest.raises(FetchError):
        fetcher("", own=own).check("http://8.8.4.4/")
    fetcher("8.8.4.4", own=own).check("http://8.8.4.4/")


def drip(handler):
    """A byte now and then, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.1)


def drip_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"A: b\r\n")
        time.sleep(0.1)


def stay_silent(handler):
    time.sleep(3)


def informing(handler):
    while True:
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.01)


@pytest.mark.parametrize("route", [drip, drip_headers, stay_silent, informing])
def test_a_source_that_keeps_the_connection_open_for_ever_is_given_up(server, route):
    server.routes["/slow"] = route
    start = time.monotonic()
    error = refusal(fetcher(), server.url("/slow"))
    assert error.is_transient
    assert time.monotonic() - start < 10
    hurried = HttpFetcher(fetcher()._http, reply_s=0.5)
    with pytest.raises(FetchError):
        hurried.send(server.url("/slow"), b"x", {})
    assert time.monotonic() - start < 10


def test_the_time_that_the_reader_itself_takes_does_not_count(server):
    url = server.serve("/a", b"x" * (8 * MIB))
    got = 0
    with fetcher().fetch(url, limit_bytes=16 * MIB) as found:
        for number, chunk in enumerate(found.chunks):
            got += len(chunk)
            if number < 3:
                time.sleep(1)
    assert got == 8 * MIB


def test_an_endless_body_ends_at_the_limit_and_takes_no_memory(server):
    def endless(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while True:
            handler.wfile.write(b"10000\r\n" + bytes(65536) + b"\r\n")

    server.routes["/endless"] = endless
    sizes = []
    tracemalloc.start()
    try:
        with (
            pytest.raises(FetchError) as caught,
            fetcher().fetch(server.url("/endless"), limit_bytes=32 * MIB) as found,
        ):
            sizes.extend(len(chunk) for chunk in found.chunks)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    error, size = caught.value, sum(sizes)
    assert error.code == "SizeLimit"
    assert not error.is_transient
    assert size <= 32 * MIB
    assert peak < 4 * MIB


def test_a_body_that_would_unpack_to_more_is_not_read(server):
    bomb = gzip.compress(bytes(50 * MIB))
    url = server.serve("/bomb", bomb, Content_Encoding="gzip")
    error = refusal(fetcher(), url)
    assert "gzip" in error.message
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_headers_without_end_are_refused(server):
    def many(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            handler.wfile.write(b"A: " + b"b" * 1000 + b"\r\n")

    server.routes["/headers"] = many
    assert refusal(fetcher(), server.url("/headers")).code == "FetchFailed"


@pytest.mark.parametrize("length", ["-1", "1e9", "5, 6", "٣"])
def test_a_nonsensical_length_is_refused(server, length):
    def odd(handler):
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhello".encode())

    server.routes["/odd"] = odd
    assert refusal(fetcher(), server.url("/odd")).code == "FetchFailed"


def test_a_body_that_breaks_off_is_an_error_that_may_heal(server):
    def short(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    server.routes["/short"] = short
    assert refusal(fetcher(), server.url("/short")).is_transient


def test_nobody_listening_is_an_error_that_may_heal():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = refusal(fetcher(), f"http://127.0.0.1:{closed.getsockname()[1]}/")
    assert error.is_transient
    assert error.code == "FetchFailed"


def test_nothing_of_a_caller_is_told_to_the_place_a_redirect_leads_to(server):
    end = server.serve("/end", b"here")
    read(fetcher(), server.redirect("/start?sig=secret", end))
    assert not {"referer", "authorization", "cookie"} & set(server.requests[1].headers)
    assert "secret" not in str(server.requests[1])


def certificate(folder, *names):
    """A certificate of our own for some names, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = SystemClock().now()
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + built.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_certificate_is_verified_for_the_name_although_the_address_is_pinned(tmp_path):
    path = certificate(tmp_path, "right.example")
    trusting = ssl.create_default_context(cafile=path)
    rules = ReachRules(allowed=read_allowances("127.0.0.1"))
    http = SafeHttp(rules=rules, patience=QUICK, resolve=Resolver(["127.0.0.1"]), tls=trusting)
    with web_server(certificate=path) as server:
        server.serve("/a", b"ok")
        assert read(HttpFetcher(http), server.url("/a", "right.example")) == b"ok"
        wrong = refusal(HttpFetcher(http), server.url("/a", "wrong.example"))
        assert "certificate" in wrong.message
        assert not wrong.is_transient
        strangers = fetcher(resolve=Resolver(["127.0.0.1"]))
        assert "certificate" in refusal(strangers, server.url("/a", "right.example")).message
