"""Paths are matched without regard to case, and one trailing slash is ignored."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_ROOTS = ("/speechtotext", "/speech/", "/api/", "/health")


class PathNormalizer:
    """Rewrites the path of API requests before they are routed.

    What follows ``files`` is the id of a file, whose case matters; everything else in an
    API path is a fixed word or an id that is written in lower case.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its path rewritten."""
        if scope["type"] == "http" and scope["path"].lower().startswith(_ROOTS):
            scope = {**scope, "path": normalized(scope["path"])}
            # Starlette routes by path; the raw form would contradict it.
            scope.pop("raw_path", None)
        await self._app(scope, receive, send)


def normalized(path: str) -> str:
    """The path as routes are written.

    >>> normalized("/SpeechToText/v3.2/webHooks/")
    '/speechtotext/v3.2/webhooks'
    >>> normalized("/speechtotext/v3.2/Datasets/AB/Files/A.WAV")
    '/speechtotext/v3.2/datasets/ab/files/A.WAV'
    """
    words: list[str] = []
    for segment in path.removesuffix("/").split("/"):
        is_file_id = bool(words) and words[-1] == "files"
        words.append(segment if is_file_id else segment.lower())
    return "/".join(words) or "/"
