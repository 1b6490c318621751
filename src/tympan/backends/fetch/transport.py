"""HTTP to exactly the address that was checked, with an end to every wait."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

import httpcore
import httpx

from tympan.domain.errors import FetchError
from tympan.domain.reach import ReachRules, not_reachable
from tympan.domain.web_address import IpAddress, WebAddress, read_web_address, refused

log = logging.getLogger(__name__)

Resolver = Callable[[str, int], Sequence[str]]
"""The addresses of a host; raises ``socket.gaierror`` as ``socket.getaddrinfo`` does."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_ADDRESSES = 4
# Only what was asked for comes, byte for byte: nothing that unpacks to more.
_ALWAYS = {"User-Agent": "Tympan", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
_PIECE_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for others.

    Attributes:
        connect_s: For a connection, its encryption included.
        silence_s: Between two pieces of an answer.
        total_s: For one request with its redirects; only waiting counts, not the caller's own work.
        grace_s: After so long, an answer must have come at ``least_rate``: one byte now and
            then is a way to hold a connection for ever.
        least_rate: Bytes per second.
        redirects: Most that are followed.
    """

    connect_s: float = 10.0
    silence_s: float = 30.0
    total_s: float = 3600.0
    grace_s: float = 60.0
    least_rate: float = 8192.0
    redirects: int = 3


def system_addresses(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(slots=True)
class _Watch:
    """Counts how long one request has waited, and for how many bytes."""

    patience: Patience
    waited_s: float = 0.0
    moved_bytes: int = 0

    def next_wait(self, longest_s: float) -> float:
        """How long the next wait may take; not above 0 when there is none left."""
        earned_s = self.patience.grace_s + self.moved_bytes / self.patience.least_rate
        return min(longest_s, min(self.patience.total_s, earned_s) - self.waited_s)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.waited_s += time.monotonic() - start


class _WatchedStream(httpcore.NetworkStream):
    """A connection whose every wait is counted."""

    def __init__(self, stream: httpcore.NetworkStream, watch: _Watch) -> None:
        self._stream = stream
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  the watch knows better
        wait_s = self._watch.next_wait(self._watch.patience.silence_s)
        if wait_s <= 0:
            raise httpcore.ReadTimeout("slower than a useful source, or longer than a request may take")
        with self._watch.waiting():
            data = self._stream.read(max_bytes, wait_s)
        self._watch.moved_bytes += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  the same
        for start in range(0, len(buffer), _PIECE_BYTES):
            piece = buffer[start : start + _PIECE_BYTES]
            wait_s = self._watch.next_wait(self._watch.patience.silence_s)
            if wait_s <= 0:
                raise httpcore.WriteTimeout("the receiver takes the request too slowly")
            with self._watch.waiting():
                self._stream.write(piece, wait_s)
            self._watch.moved_bytes += len(piece)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  the same
    ) -> httpcore.NetworkStream:
        wait_s = max(self._watch.next_wait(self._watch.patience.connect_s), 0.001)
        with self._watch.waiting():
            stream = self._stream.start_tls(ssl_context, server_hostname, wait_s)
        return _WatchedStream(stream, self._watch)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _CheckedNetwork(httpcore.NetworkBackend):
    """Connects to one target: resolves it once, and goes to an address that the rules permit."""

    def __init__(self, target: WebAddress, rules: ReachRules, resolve: Resolver, watch: _Watch) -> None:
        self._target = target
        self._rules = rules
        self._resolve = resolve
        self._watch = watch
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002  the target says it
        port: int,  # noqa: ARG002  the same
        timeout: float | None = None,  # noqa: ARG002  the watch knows better
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for address in self._addresses()[:_MOST_ADDRESSES]:
            wait_s = max(self._watch.next_wait(self._watch.patience.connect_s), 0.001)
            try:
                with self._watch.waiting():
                    stream = self._sockets.connect_tcp(
                        str(address), self._target.port, wait_s, local_address, socket_options or []
                    )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            self._check_peer(stream, address)
            return _WatchedStream(stream, self._watch)
        raise failure or not_reachable()

    def _addresses(self) -> list[IpAddress]:
        """The permitted addresses of the target; the host is asked for once and never again."""
        if self._target.address is not None:
            found = [self._target.address]
        else:
            with self._watch.waiting():
                found = [ip_address(text) for text in self._resolved()]
        permitted = [address for address in found if self._rules.permits(self._target, address)]
        if not permitted:
            said = {"origin": self._target.origin, "addresses": [str(address) for address in found]}
            log.warning("address refused: not public and not in TYMPAN_FETCH_ALLOW", extra=said)
            raise not_reachable()
        return permitted

    def _resolved(self) -> Sequence[str]:
        try:
            return self._resolve(self._target.host, self._target.port)
        except (socket.gaierror, UnicodeError) as error:
            said = {"origin": self._target.origin, "cause": str(error)}
            log.warning("address refused: its host is not known", extra=said)
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                raise FetchError(
                    "The address cannot be reached now: its host cannot be looked up.", is_transient=True
                ) from error
            raise not_reachable() from error

    def _check_peer(self, stream: httpcore.NetworkStream, address: IpAddress) -> None:
        peer = ip_address(str(stream.get_extra_info("server_addr")[0]).partition("%")[0])
        if peer != address:
            stream.close()
            said = {"origin": self._target.origin, "address": str(address), "peer": str(peer)}
            log.error("address refused: the connection leads to another address", extra=said)
            raise not_reachable()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer whose body has not been read yet.

    Attributes:
        address: Where it came from, after redirects.
        status: HTTP status.
        headers: Names in lower case.
        chunks: The body as sent, without any decoding of its content.
    """

    address: WebAddress
    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]

    @property
    def size_bytes(self) -> int | None:
        """Length as announced."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None


@dataclass(frozen=True, kw_only=True)
class SafeHttp:
    """Makes requests to addresses that users name. Thread-safe; keeps no connection open.

    Attributes:
        rules: Where it may connect to.
        patience: How long it waits.
        resolve: Asks for the addresses of a host.
        tls: Whom it trusts; None: as the system and ``SSL_CERT_FILE`` say.
    """

    rules: ReachRules
    patience: Patience = field(default_factory=Patience)
    resolve: Resolver = system_addresses
    tls: ssl.SSLContext | None = None

    def checked(self, url: str) -> WebAddress:
        """Read an address and refuse what can be seen to be wrong.

        Raises:
            FetchError: It is refused.
        """
        address = read_web_address(url)
        self._check(address)
        return address

    @contextmanager
    def request(
        self,
        method: str,
        address: WebAddress,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterator[bytes] | None = None,
        total_s: float | None = None,
    ) -> Iterator[Answer]:
        """Make one request, without following redirects.

        Raises:
            FetchError: It is refused or cannot be reached; also while the body is read.
        """
        with self._exchange(method, address, _Watch(self._patience(total_s)), headers, content) as answer:
            yield answer

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Answer]:
        """Read an address, following redirects to where each may lead.

        Raises:
            FetchError: One of the addresses is refused or cannot be reached, or there are too
                many redirects; also while the body is read.
        """
        address, watch = self.checked(url), _Watch(self.patience)
        for _ in range(self.patience.redirects + 1):
            with ExitStack() as stack:
                answer = stack.enter_context(self._exchange("GET", address, watch, headers, None))
                if answer.status not in _REDIRECTS:
                    yield answer
                    return
                address = self._next(answer)
        raise refused(f"It leads over more than {self.patience.redirects} redirects.")

    def _patience(self, total_s: float | None) -> Patience:
        if total_s is None:
            return self.patience
        return replace(self.patience, total_s=min(total_s, self.patience.total_s), grace_s=total_s)

    def _next(self, answer: Answer) -> WebAddress:
        location = answer.headers.get("location")
        if location is None:
            raise FetchError(f"The source answered with status {answer.status} and names no place to go.")
        address = answer.address.joined(location)
        self._check(address)
        return address

    def _check(self, address: WebAddress) -> None:
        try:
            self.rules.check(address)
        except FetchError as error:
            log.warning("address refused", extra={"origin": address.origin, "cause": error.message})
            raise

    @contextmanager
    def _exchange(
        self,
        method: str,
        address: WebAddress,
        watch: _Watch,
        headers: Mapping[str, str] | None,
        content: bytes | Iterator[bytes] | None,
    ) -> Iterator[Answer]:
        network = _CheckedNetwork(address, self.rules, self.resolve, watch)
        url = httpcore.URL(scheme=address.scheme, host=address.host, port=address.port, target=address.target)
        lines = [("Host", address.authority), *(_ALWAYS | dict(headers or {})).items()]
        with (
            _translated(address),
            httpcore.ConnectionPool(self._tls(address), network_backend=network) as pool,
            pool.stream(method, url, headers=lines, content=content) as response,
        ):
            yield Answer(
                address=address,
                status=response.status,
                headers=_read_headers(response.headers),
                chunks=_translated_chunks(response, address),
            )

    def _tls(self, address: WebAddress) -> ssl.SSLContext | None:
        if address.scheme != "https":
            return None
        return self.tls or httpx.create_ssl_context()


def _read_headers(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in lines}


def _translated_chunks(response: httpcore.Response, address: WebAddress) -> Iterator[bytes]:
    with _translated(address):
        yield from response.iter_stream()


@contextmanager
def _translated(address: WebAddress) -> Iterator[None]:
    """Say for users what went wrong, and for operators in the log where and why.

    Raises:
        FetchError: The network failed.
    """
    try:
        yield
    except httpcore.TimeoutException as error:
        raise _failed(address, error, "does not answer in time.", is_transient=True) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        if isinstance(error.__context__, ssl.SSLCertVerificationError):  # httpcore clears the cause
            raise _failed(address, error, "has no valid certificate for its name.") from error
        raise _failed(address, error, "does not answer, or broke off.", is_transient=True) from error


def _failed(address: WebAddress, error: Exception, what: str, *, is_transient: bool = False) -> FetchError:
    said = {"origin": address.origin, "cause": f"{type(error).__name__}: {error}"}
    log.warning("address not reached", extra=said)
    return FetchError(f"The source {what}", is_transient=is_transient)
