"""Paths as routes are written: without case, trailing slash and API version."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from tympan.wire.versions import (
    DATED_VERSIONS,
    NEWEST_DATED,
    OURS_SPEAKS,
    PATH_VERSIONS,
    ROOT,
    ApiVersion,
)

_ROOTS = (ROOT, "/speech/", "/stt/", "/sts/", "/api/", "/health", "/v1/")
_VERSION = "tympan.version"
# v3.0 wrote with a slash what later versions write with a colon; both are taken everywhere.
_ACTIONS = {("models", "copyto"), ("webhooks", "ping"), ("webhooks", "test")}
_ACTION_SEGMENTS = 3


class PathNormalizer:
    """Rewrites the path of API requests before they are routed, and notes their version.

    Every version of the management API is routed as ``/speechtotext/...``: ``version_of``
    tells a handler which one the client speaks.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its path rewritten."""
        if scope["type"] in ("http", "websocket") and scope["path"].lower().startswith(_ROOTS):
            path, version = split_version(normalized(scope["path"]), scope.get("query_string", b""))
            scope = {**scope, "path": path, _VERSION: version}
            # Starlette routes by path; the raw form would contradict it.
            scope.pop("raw_path", None)
        await self._app(scope, receive, send)


def version_of(scope: Scope) -> ApiVersion | None:
    """The version a request is written in; None when it names one that nobody knows."""
    version = scope.get(_VERSION, OURS_SPEAKS)
    return version if isinstance(version, ApiVersion) else None


def split_version(path: str, query: bytes) -> tuple[str, ApiVersion | None]:
    """The path without its version, and the version.

    >>> split_version("/speechtotext/v3.1/models/ab/copyto", b"")
    ('/speechtotext/models/ab:copyto', <ApiVersion.V3_1: 'v3.1'>)
    >>> split_version("/speechtotext/datasets", b"api-version=2024-11-15")
    ('/speechtotext/datasets', <ApiVersion.V2024_11_15: '2024-11-15'>)
    """
    if path != ROOT and not path.startswith(f"{ROOT}/"):
        return path, OURS_SPEAKS
    segments = path.split("/")[2:]
    version = next((one for one in PATH_VERSIONS if segments[:1] == [one.value]), None)
    if version is not None:
        return _joined(segments[1:]), version
    named = [
        values[-1]
        for name, values in parse_qs(query.decode("latin-1")).items()
        if name.lower() == "api-version"
    ]
    if not named:
        return _joined(segments), NEWEST_DATED
    return _joined(segments), next((one for one in DATED_VERSIONS if one.value == named[-1].lower()), None)


def _joined(segments: list[str]) -> str:
    if len(segments) == _ACTION_SEGMENTS and (segments[0], segments[2]) in _ACTIONS:
        segments = [segments[0], f"{segments[1]}:{segments[2]}"]
    return "/".join([ROOT, *segments])


def normalized(path: str) -> str:
    """The path without regard to case, and without one trailing slash.

    What follows ``files`` is the id of a file, whose case matters; everything else in an
    API path is a fixed word or an id that is written in lower case.

    >>> normalized("/SpeechToText/v3.2/webHooks/")
    '/speechtotext/v3.2/webhooks'
    >>> normalized("/speechtotext/v3.2/Datasets/AB/Files/A.WAV")
    '/speechtotext/v3.2/datasets/ab/files/A.WAV'
    >>> normalized("/speechtotext/v3.2/Endpoints/AB/Files/Logs/2026-01-05_WAV")
    '/speechtotext/v3.2/endpoints/ab/files/logs/2026-01-05_wav'
    """
    words: list[str] = []
    for segment in path.removesuffix("/").split("/"):
        # Logs of endpoints stand below files, as a fixed word; ids of logs are lower case.
        is_logs = segment.lower() == "logs" and "endpoints" in words
        is_file_id = bool(words) and words[-1] == "files" and not is_logs
        words.append(segment if is_file_id else segment.lower())
    return "/".join(words) or "/"
