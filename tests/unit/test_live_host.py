"""The model host's side of a stream, without a socket."""

import asyncio
import logging

import pytest
from starlette.websockets import WebSocket

from tympan.backends.model_host.live_frames import HEADER, LiveHeader
from tympan.backends.model_host.live_host import follow
from tympan.ports.live_recognition import LiveOptions
from tympan.testing.entities import make_base_model
from tympan.testing.live_recognizer import FakeLive
from tympan.testing.recognizer import FakeRecognizer


class Leaving:
    """A client that says what it is given and takes only so many messages."""

    def __init__(self, *messages, takes):
        self.coming = [{"type": "websocket.connect"}, *messages, {"type": "websocket.disconnect"}]
        self.takes = takes

    async def receive(self):
        return self.coming.pop(0)

    async def send(self, message):
        if message["type"] != "websocket.accept":
            self.takes -= 1
        if self.takes < 0:
            raise OSError

    async def socket(self):
        socket = WebSocket({"type": "websocket"}, self.receive, self.send)
        await socket.accept()
        return socket


async def opened(opening):
    return opening()


@pytest.mark.parametrize("takes", [0, 1])
def test_a_client_that_goes_away_leaves_no_stream_behind(takes, caplog):
    live = FakeLive(FakeRecognizer(lambda *_: "words"))
    header = LiveHeader(bundle=make_base_model().bundle, options=LiveOptions(locale="en-US"))
    loud = b"\x00\x00\x00\x3f" * 16_000
    client = Leaving(
        {"type": "websocket.receive", "text": HEADER.dump_json(header).decode()},
        {"type": "websocket.receive", "bytes": loud},
        {"type": "websocket.receive", "bytes": loud},
        {"type": "websocket.receive", "bytes": b""},
        takes=takes,
    )

    async def all_of_it():
        await follow(await client.socket(), live, opened)

    with caplog.at_level(logging.WARNING):
        asyncio.run(all_of_it())
    assert len(live.opened) == 1
    assert live.active == 0
    assert not caplog.records
