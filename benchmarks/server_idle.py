"""How fast `tympan serve` is ready on an empty data folder, and what each process holds when idle.

The alternative beside it: a FastAPI application with a single route on uvicorn.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from benchmarks.record import write_result

RUNS = 3
SETTLE_S = 15
LIMIT_S = 60
BARE = (
    "import sys, uvicorn, fastapi; a = fastapi.FastAPI(); a.get('/health/ready')(lambda: {}); "
    "uvicorn.run(a, port=int(sys.argv[1]), log_level='error')"
)


def main() -> None:
    """Measure both and write the result page."""
    ready = [_tympan()[0] for _ in range(RUNS - 1)]
    seconds, memory = _tympan()
    ready.append(seconds)
    bare = [_ready_s([sys.executable, "-c", BARE, str(port)], port) for port in map(_free_port, range(RUNS))]
    rows: list[list[object]] = [["what", "value"]]
    rows.append(["`tympan serve` to ready, s (each run)", ", ".join(f"{s:.2f}" for s in ready)])
    rows.append(["bare FastAPI on uvicorn to ready, s (each run)", ", ".join(f"{s:.2f}" for s in bare)])
    rows.append(["ratio of medians", f"{sorted(ready)[1] / sorted(bare)[1]:.1f}"])
    rows += [[f"idle memory, {name}, MB (proportional)", f"{mb:.0f}"] for name, mb in memory]
    rows.append(["idle memory together, MB", f"{sum(mb for _, mb in memory):.0f}"])
    write_result("server_idle", "Start and idle memory", rows, packages=("fastapi", "uvicorn", "dbos"))


def _tympan() -> tuple[float, list[tuple[str, float]]]:
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        tympan = Path(sys.executable).with_name("tympan")
        command = [str(tympan), "serve", "--data-dir", folder, "--port", str(port)]
        begun = time.perf_counter()
        with Path(folder, "out.log").open("wb") as out:
            server = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            _wait(port)
            seconds = time.perf_counter() - begun
            time.sleep(SETTLE_S)
            return seconds, _memory(server.pid)
        finally:
            server.terminate()
            server.wait(LIMIT_S)


def _memory(pid: int) -> list[tuple[str, float]]:
    root = psutil.Process(pid)
    return [(_role(p), p.memory_full_info().pss / 1e6) for p in (root, *root.children(recursive=True))]


def _role(process: psutil.Process) -> str:
    words = process.cmdline()
    known = ("gateway", "worker", "model-host")
    return next((k for k in known if any(k in w.replace("_", "-") for w in words)), "supervisor")


def _ready_s(command: list[str], port: int) -> float:
    begun = time.perf_counter()
    server = subprocess.Popen(command, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    try:
        _wait(port)
        return time.perf_counter() - begun
    finally:
        server.kill()
        server.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=1).status_code == httpx.codes.OK:
                return
        except (httpx.TransportError, json.JSONDecodeError):
            pass
        time.sleep(0.02)
    raise TimeoutError(f"nothing was ready on port {port} within {LIMIT_S} s")


def _free_port(_: int = 0) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
