"""The management API under 100 requests at once, and the cost of a page in a list of 10,000 datasets.

The alternatives beside it: a bare FastAPI route that answers with the same page from memory,
and the same deep page asked for with `skip` alone, as a list without places must find it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from benchmarks.record import write_result
from tympan.backends.sql.store import SqlStore
from tympan.domain.dataset import DatasetKind
from tympan.testing.entities import make_dataset

DATASETS = 10_000
TOP = 100
DEPTHS = (0, 1_000, 5_000, 9_900)
REPEATS = 15
AT_ONCE, REQUESTS = 100, 1_000
LIMIT_S = 60
KEY = "benchmark-key"
HEADERS = {"Ocp-Apim-Subscription-Key": KEY}
BARE = (
    "import sys, json, uvicorn, fastapi; a = fastapi.FastAPI(); page = json.load(open(sys.argv[2])); "
    "a.get('/page')(lambda: fastapi.responses.JSONResponse(page)); "
    "uvicorn.run(a, port=int(sys.argv[1]), log_level='error')"
)


def main() -> None:
    """Measure and write the result page."""
    with tempfile.TemporaryDirectory() as name, _tympan(Path(name)) as url:
        _fill(Path(name))
        depths = [(depth, *_page_cost(url, depth)) for depth in DEPTHS]
        page = Path(name) / "page.json"
        page.write_text(httpx.get(f"{url}/speechtotext/v3.2/datasets", headers=HEADERS).text)
        ours = asyncio.run(_hammer(f"{url}/speechtotext/v3.2/datasets?top={TOP}"))
        single = asyncio.run(_hammer(f"{url}/speechtotext/v3.2/projects"))
        with _process([sys.executable, "-c", BARE, str(port := _free_port()), str(page)], port):
            bare = asyncio.run(_hammer(f"http://127.0.0.1:{port}/page"))
    rows: list[list[object]] = [["what", "value"]]
    for depth, by_link, by_skip in depths:
        what = f"page of {TOP} behind {depth:,} datasets, by @nextLink / by skip, ms"
        rows.append([what, f"{by_link:.1f} / {by_skip:.1f}"])
    rows.append(["deepest page / first page, by @nextLink", f"{depths[-1][1] / depths[0][1]:.2f}"])
    rows.append(["deepest page / first page, by skip", f"{depths[-1][2] / depths[0][2]:.2f}"])
    for what, (each, seconds) in (
        (f"page of {TOP} datasets", ours),
        ("list of projects (empty)", single),
        ("the same page from a bare FastAPI route", bare),
    ):
        cuts = statistics.quantiles(each, n=100)
        figures = f"{cuts[49]:.0f} / {cuts[94]:.0f}, {len(each) / seconds:.0f}"
        rows.append([f"{AT_ONCE} at once, {what}: P50 / P95 ms, requests a second", figures])
    rows.append(["requests that failed", 0])
    write_result(
        "management_api",
        "Management API",
        rows,
        packages=("fastapi", "uvicorn", "sqlalchemy", "httpx"),
        notes="Client and server share the machine. A request that does not answer 200 ends the run.",
    )


def _fill(folder: Path) -> None:
    store = SqlStore(f"sqlite:///{folder}/app.db")
    with store.write() as tx:
        first = make_dataset(kind=DatasetKind.LANGUAGE).created_at
        for number in range(DATASETS):
            tx.datasets.add(
                make_dataset(display_name=f"Dataset {number}", created_at=first + timedelta(seconds=number))
            )


def _page_cost(url: str, depth: int) -> tuple[float, float]:
    """Median ms of the page behind so many datasets, by the server's link and by ``skip``."""
    lists = f"{url}/speechtotext/v3.2/datasets"
    by_skip = f"{lists}?skip={depth}&top={TOP}"
    by_link = f"{lists}?top={TOP}"
    with httpx.Client(headers=HEADERS) as client:
        if depth:
            by_link = client.get(f"{lists}?skip={depth - TOP}&top={TOP}").json()["@nextLink"]
        return tuple(_median_ms(client, address) for address in (by_link, by_skip))


def _median_ms(client: httpx.Client, address: str) -> float:
    seconds = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        answer = client.get(address)
        seconds.append(time.perf_counter() - begun)
        assert answer.status_code == 200, answer.text
    return 1000 * statistics.median(seconds)


async def _hammer(address: str) -> tuple[list[float], float]:
    """Milliseconds of each request and seconds of the whole run."""
    gate = asyncio.Semaphore(AT_ONCE)
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(headers=HEADERS, limits=limits, timeout=LIMIT_S) as client:

        async def one() -> float:
            async with gate:
                begun = time.perf_counter()
                answer = await client.get(address)
                assert answer.status_code == 200, answer.text
                return 1000 * (time.perf_counter() - begun)

        begun = time.perf_counter()
        each = await asyncio.gather(*(one() for _ in range(REQUESTS)))
        return list(each), time.perf_counter() - begun


@contextmanager
def _tympan(folder: Path) -> Iterator[str]:
    port = _free_port()
    tympan = Path(sys.executable).with_name("tympan")
    settings = {
        "TYMPAN_BOOTSTRAP_KEY": KEY,
        "TYMPAN_MANAGEMENT_RATE": "1000000",
        "TYMPAN_DATASETS_LIMIT": "20000",
    }
    command = [str(tympan), "serve", "--data-dir", str(folder), "--port", str(port)]
    with _process(command, port, settings):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _process(command: list[str], port: int, settings: dict[str, str] | None = None) -> Iterator[None]:
    with tempfile.TemporaryFile() as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(settings or {})})
        try:
            _wait(port)
            yield
        finally:
            server.terminate()
            server.wait(LIMIT_S)


def _wait(port: int) -> None:
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=1)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    main()
