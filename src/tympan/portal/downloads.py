"""Files of datasets, evaluations and models, as downloads for who is signed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tympan.domain.dataset import StoredFile
from tympan.domain.errors import NotFoundError
from tympan.portal.pages import HEADERS, Pages


def routes(pages: Pages) -> dict[str, Callable[[Request], Response]]:
    """Downloads by path."""
    services = pages.services
    finders: dict[str, Callable[[str], Sequence[StoredFile]]] = {
        "data": lambda entity_id: services.datasets.get(entity_id).files,
        "testing": lambda entity_id: services.evaluations.get(entity_id).files,
        "training": lambda entity_id: services.models.get(entity_id).files,
    }

    def download(files_of: Callable[[str], Sequence[StoredFile]]) -> Callable[[Request], Response]:
        def send(request: Request) -> Response:
            entity_id, file_id = request.path_params["entity_id"], request.path_params["file_id"]
            for file in files_of(entity_id):
                if file.id == file_id:
                    return _sent(pages, file)
            raise NotFoundError(f"There is no file '{file_id}' here.")

        return send

    def send_logs(request: Request) -> Response:
        endpoint = services.endpoints.get(request.path_params["entity_id"])
        name = f'attachment; filename="logs-{endpoint.id}.zip"'
        chunks = services.logs.archive(endpoint.id)
        headers = HEADERS | {"Content-Disposition": name}
        return StreamingResponse(chunks, headers=headers, media_type="application/zip")

    return {
        "/projects/{project_id}/deployment/{entity_id}/logs.zip": send_logs,
    } | {
        f"/projects/{{project_id}}/{tab}/{{entity_id}}/files/{{file_id}}": download(files_of)
        for tab, files_of in finders.items()
    }


def _sent(pages: Pages, file: StoredFile) -> Response:
    # Uploads are foreign: never shown as a page of this host, whatever they hold.
    name = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    headers = HEADERS | {"Content-Disposition": name, "Content-Length": str(file.size_bytes)}
    chunks = pages.services.blobs.stream(file.key)
    return StreamingResponse(chunks, headers=headers, media_type="application/octet-stream")
