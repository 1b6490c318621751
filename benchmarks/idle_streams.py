"""What a connection of the speech protocol costs that is only there.

A whole server with a loaded tiny.en hears nothing: clients connect, send ``speech.config`` as the
SDKs do, and stay. Counted are CPU and memory of every process of the server, over and above what
it takes with nobody connected. Browsers offer to compress messages, the other SDKs do not; and an
application may stay connected after it has spoken, so these are measured too.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from tests.running_server import RunningServer
from tests.speech_client import SpeechClient
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.realtime import MODELS, endpoint_query, spoken_sentences
from benchmarks.record import write_result
from tympan.wire.usp.turn_request import Mode

CONFIG = '{"context":{"system":{"name":"SpeechSDK","version":"1.53.0","build":"Linux-x64","lang":"Python"}}}'
SETTLE_S = 5.0
MOST_CPU = 0.1
MOST_KB = 300
_OWN = re.compile(r"^(?:Pss_Anon|Pss_Shmem|SwapPss):\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the processes of a server took while nothing was sent.

    Attributes:
        cpu: Per cent of one core.
        kb: Memory; see ``memory_kb``.
        lost: Connections that were gone at the end.
    """

    cpu: float
    kb: float
    lost: int = 0


def main() -> None:
    """Measure and write the result page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--connections", default="50,200,1000")
    asked = parser.parse_args()
    counts = [int(one) for one in asked.connections.split(",")]
    head = [
        "connections",
        "CPU of the server, % of a core",
        "memory but files, MB",
        "CPU each, %",
        "memory each, kB",
        "lost",
    ]
    rows: list[list[object]] = [head]
    speech = spoken_sentences()[0][1].tobytes()
    for name, compression in (("", None), (", compression offered", "deflate")):
        with _server(speech) as (server, query):
            rows += asyncio.run(_connected(server, query, counts, asked.seconds, name, compression))
    with _server(speech) as (server, query):
        rows += _after_a_turn(server, query, speech, counts[0], asked.seconds)
    write_result(
        "idle_streams",
        "Connections that are only there",
        rows,
        arguments=" ".join(sys.argv[1:]),
        packages=("uvicorn", "websockets"),
        notes=f"Over {asked.seconds} s, beside the same server with nobody connected just before. "
        "Memory is what smaps_rollup calls Pss_Anon, Pss_Shmem and SwapPss. "
        f"Wanted of a connection: under {MOST_CPU} % of a core and under {MOST_KB} kB.",
    )


@contextmanager
def _server(speech: bytes) -> Iterator[tuple[RunningServer, str]]:
    """A server of its own for each kind of connection: freed memory of others would hide theirs."""
    with tempfile.TemporaryDirectory() as folder:
        server = RunningServer(Path(folder) / "data", poll_s=0.25)
        server.start()
        try:
            query = endpoint_query(server, MODELS["tiny.en"])
            for _ in range(3):  # what is loaded or filled once belongs to the server
                with _turn(server, query, speech):
                    pass
            yield server, query
        finally:
            server.close()


async def _connected(
    server: RunningServer, query: str, counts: Sequence[int], seconds: int, name: str, compression: str | None
) -> list[list[object]]:
    before = await _taken(server, (), seconds)
    rows = [_row(f"0{name}", 0, before, before)]
    async with AsyncExitStack() as stack:
        sockets: list[ClientConnection] = []
        for count in counts:
            while len(sockets) < count:
                sockets.append(await stack.enter_async_context(_connection(server, query, compression)))
                await sockets[-1].send(_config())
            rows.append(_row(f"{count}{name}", count, before, await _taken(server, sockets, seconds)))
    return rows


def _after_a_turn(
    server: RunningServer, query: str, speech: bytes, count: int, seconds: int
) -> list[list[object]]:
    """Nobody connected, then connections whose turn is over."""
    name = ", each after a turn"
    before = asyncio.run(_taken(server, (), seconds))
    with ExitStack() as stack:
        clients = [stack.enter_context(_turn(server, query, speech)) for _ in range(count)]
        taken = asyncio.run(_taken(server, (), seconds))
        taken = replace(taken, lost=sum(client.closed is not None for client in clients))
    return [_row(f"0{name}", 0, before, before), _row(f"{count}{name}", count, before, taken)]


@contextmanager
def _turn(server: RunningServer, query: str, speech: bytes) -> Iterator[SpeechClient]:
    """A connection that stays after its turn."""
    with SpeechClient(server.url, server.key, query) as client:
        client.begin()
        client.speak(speech, pace=0)
        client.wait()
        yield client


def _row(name: str, count: int, before: Taken, taken: Taken) -> list[object]:
    """What each connection takes is what came on top."""
    row: list[object] = [name, f"{taken.cpu:.2f}", f"{taken.kb / 1000:.1f}"]
    if count:
        row += [f"{(taken.cpu - before.cpu) / count:.4f}", f"{(taken.kb - before.kb) / count:.0f}"]
    else:
        row += ["-", "-"]
    sys.stderr.write(f"{row}\n")
    return [*row, taken.lost]


def _connection(server: RunningServer, query: str, compression: str | None) -> connect:
    return connect(
        f"ws{server.url.removeprefix('http')}/speech/recognition/{Mode.CONVERSATION}/cognitiveservices/v1?{query}",
        additional_headers={"Ocp-Apim-Subscription-Key": server.key, "X-ConnectionId": uuid.uuid4().hex},
        compression=compression,
        ping_interval=None,  # the SDKs send none
        proxy=None,
    )


def _config() -> str:
    return f"Path: speech.config\r\nContent-Type: application/json\r\n\r\n{CONFIG}"


async def _taken(server: RunningServer, sockets: Sequence[ClientConnection], seconds: int) -> Taken:
    await asyncio.sleep(SETTLE_S)
    before, begun = cpu_s(server), time.monotonic()
    await asyncio.sleep(seconds)
    cpu = 100 * (cpu_s(server) - before) / (time.monotonic() - begun)
    return Taken(cpu=cpu, kb=memory_kb(server), lost=sum(one.close_code is not None for one in sockets))


def cpu_s(server: RunningServer) -> float:
    """CPU seconds of every process of a server so far."""
    times = [one.cpu_times() for one in _processes(server)]
    return sum(one.user + one.system for one in times)


def memory_kb(server: RunningServer) -> float:
    """Memory of every process of a server, but for its files.

    Files that are mapped, such as libraries, are left out: their proportional share grows and
    shrinks with what other programs of the machine map, and connections map none.
    """
    texts = (Path(f"/proc/{one.pid}/smaps_rollup").read_text() for one in _processes(server))
    return sum(int(found) * 1.024 for text in texts for found in _OWN.findall(text))


def _processes(server: RunningServer) -> list[psutil.Process]:
    root = psutil.Process(server.pid)
    return [root, *root.children(recursive=True)]


if __name__ == "__main__":
    main()
