"""A client that speaks the protocol of the Speech SDKs, and notes when what came."""

import json
import struct
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

RATE_HZ = 16_000
_CHUNK_S = 0.1
_HEADER = struct.pack(
    "<4sI4s4sIHHIIHH4sI", b"RIFF", 0, b"WAVE", b"fmt ", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16, b"data", 0
)


@dataclass
class Message:
    """A message of the server; ``at`` is the time of ``time.monotonic``."""

    at: float
    path: str
    document: dict[str, Any]


@dataclass
class SpeechClient:
    """One turn on a connection of its own.

    Args:
        url: Of the server, such as ``http://127.0.0.1:8080``.
        key: That opens it.
        query: What stands behind the path.
    """

    url: str
    key: str
    query: str = "language=en-US"
    mode: str = "conversation"
    messages: list[Message] = field(default_factory=list)
    closed: ConnectionClosed | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    began_at: float = 0.0
    _opened: Any = None
    _socket: ClientConnection | None = None
    _id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __enter__(self) -> Self:
        path = f"/speech/recognition/{self.mode}/cognitiveservices/v1?{self.query}"
        headers = {"Ocp-Apim-Subscription-Key": self.key, "X-ConnectionId": uuid.uuid4().hex}
        self._opened = connect(
            f"ws{self.url.removeprefix('http')}{path}",
            additional_headers=headers,
            compression=None,
            proxy=None,
        )
        self._socket = self._opened.__enter__()
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.__exit__(None, None, None)

    def begin(self, **context: object) -> None:
        """Open the turn and send the header of the audio."""
        assert self._socket is not None
        self._socket.send(f"Path:speech.context\r\nX-RequestId:{self._id}\r\n\r\n{json.dumps(context)}")
        self.audio(_HEADER)
        self.began_at = time.monotonic()

    def audio(self, data: bytes) -> None:
        """Send some bytes; none are the end."""
        assert self._socket is not None
        head = f"Path:audio\r\nX-RequestId:{self._id}\r\n".encode()
        with suppress(ConnectionClosed):  # ``closed`` says so
            self._socket.send(struct.pack(">H", len(head)) + head + data)

    def speak(self, samples: bytes, *, pace: float = 1.0, is_last: bool = True) -> None:
        """Send 16-bit samples, so many seconds of them a second; 0 sends them at once."""
        size = int(RATE_HZ * _CHUNK_S) * 2
        begun = time.monotonic()
        for number, first in enumerate(range(0, len(samples), size)):
            self.audio(samples[first : first + size])
            if pace:
                time.sleep(max(0.0, begun + (number + 1) * _CHUNK_S / pace - time.monotonic()))
        if is_last:
            self.audio(b"")

    def phrases(self) -> list[Message]:
        """The phrases with words so far."""
        return [
            one
            for one in self.messages
            if one.path == "speech.phrase" and one.document["RecognitionStatus"] == "Success"
        ]

    def text(self) -> str:
        """What was recognised so far."""
        return " ".join(phrase.document["DisplayText"] for phrase in self.phrases())

    def wait(self, patience_s: float = 60.0) -> "SpeechClient":
        """Until the turn or the connection has ended."""
        assert self.ended.wait(patience_s), self.messages
        return self

    def _read(self) -> None:
        assert self._socket is not None
        try:
            while True:
                head, _, body = str(self._socket.recv()).partition("\r\n\r\n")
                headers = dict(line.split(":", 1) for line in head.split("\r\n"))
                self.messages.append(Message(time.monotonic(), headers["Path"], json.loads(body)))
                if headers["Path"] == "turn.end":
                    self.ended.set()
        except ConnectionClosed as closed:
            self.closed = closed
            self.ended.set()
