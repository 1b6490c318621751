"""Files of resources: their lists, their entries, and their content by signed URL."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tympan.domain.dataset import StoredFile
from tympan.domain.endpoint_log import base_place
from tympan.domain.errors import InvalidInputError, NotFoundError
from tympan.domain.model import Bundle
from tympan.domain.resource import Resource
from tympan.ports.blobs import BlobStore
from tympan.rest.answers import PAGE_OPTIONS, filter_of, is_worked_on, next_link, paging
from tympan.rest.calls import Call, CallDep
from tympan.rest.services import Services
from tympan.rest.signatures import check_signature, content_path
from tympan.usecases.resource_rules import canonical_locale
from tympan.wire.addresses import OURS
from tympan.wire.filters import holds
from tympan.wire.management.entities import page_document
from tympan.wire.management.files import file_document
from tympan.wire.ranges import asked_span
from tympan.wire.values import Document

SAS = "sasValidityInSeconds"
_SAS_DATED = "sasLifetimeMinutes"
_LONGEST_LIFE_S = 31 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOwner:
    """A resource with files.

    Attributes:
        place: Where its files stand in paths, such as ``("datasets", id)``.
        resource: For the time its files were made.
        files: What it holds.
    """

    place: tuple[str, ...]
    resource: Resource
    files: Sequence[StoredFile]

    def find(self, file_id: str) -> StoredFile:
        """One of its files.

        Raises:
            NotFoundError: There is none with this id.
        """
        for file in self.files:
            if file.id == file_id:
                return file
        raise NotFoundError(
            f"{'/'.join(self.place)} has no file '{file_id}'. List its files to see what there is."
        )


def files_page(call: Call, owner: FileOwner) -> Response:
    """The files of a resource, one page."""
    call.allow_query(*PAGE_OPTIONS, sas_option(call))
    skip, top = paging(call)
    where = filter_of(call, "files")
    kept = [file for file in owner.files if holds(where, _filtered_by(file, owner.resource.last_action_at))]
    values = [_document(call, owner, file) for file in kept[skip : skip + top]]
    link = next_link(call, skip + top, top) if len(kept) > skip + top else None
    headers = {"Retry-After": "2"} if is_worked_on(owner.resource) else {}
    return JSONResponse(page_document(values, link), headers=headers)


def file_entry(call: Call, owner: FileOwner, file_id: str) -> Response:
    """One file of a resource."""
    call.allow_query(sas_option(call))
    return JSONResponse(_document(call, owner, owner.find(file_id)))


def bundle_files(call: Call, place: tuple[str, ...], bundle: Bundle) -> list[Document]:
    """The files of a model bundle, for its manifest."""
    return [
        {"name": file.name, "contentUrl": content_url(call, (*place, "files", file.name), file.key)}
        for file in bundle.files
    ]


def content_url(call: Call, place: tuple[str, ...], key: str) -> str:
    """A URL that serves a blob without a key: the bucket's own, else one of this server."""
    life_s = _life_s(call)
    direct = call.services.blobs.signed_url(key, expires_s=life_s)
    if direct is not None:
        return direct
    expires_at_s = int(call.services.access.clock.now().timestamp()) + life_s
    return call.base_url + content_path(call.services.secret, "/".join(place), expires_at_s=expires_at_s)


def _filtered_by(file: StoredFile, created_at: datetime) -> Mapping[str, str | datetime]:
    return {"name": file.name, "kind": file.kind, "created_at": created_at.replace(microsecond=0)}


def _document(call: Call, owner: FileOwner, file: StoredFile) -> Document:
    place = (*owner.place, "files", file.id)
    # An evaluation may carry tens of thousands of files: no lookup per file here.
    return file_document(
        file,
        self_url=call.addresses.management(*place),
        content_url=content_url(call, place, file.key),
        created_at=owner.resource.last_action_at,
        version=call.version,
    )


def sas_option(call: Call) -> str:
    """The query option that says how long file URLs work."""
    return _SAS_DATED if call.version.is_dated else SAS


def _life_s(call: Call) -> int:
    name = sas_option(call)
    text, unit_s = call.query.get(name.lower()), 60 if call.version.is_dated else 1
    if text is None:
        return call.services.file_url_life_s
    longest = _LONGEST_LIFE_S // unit_s
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= longest:
        raise InvalidInputError(
            f"{name} must be a whole number from 1 to {longest}, not '{text}'.",
            code="InvalidSasValidityDuration",
            target=name,
        )
    return int(text) * unit_s


router = APIRouter(prefix=f"{OURS}/content")


@router.get("/{collection}/{entity_id}/files/{file_id}")
def get_content(call: CallDep, request: Request, collection: str, entity_id: str, file_id: str) -> Response:
    """The bytes of a file; the signature in the query is the key."""
    call.allow_query("expires", "signature")
    services = call.services
    check_signature(
        services.secret,
        f"{collection}/{entity_id}/files/{file_id}",
        expires=call.query.get("expires", ""),
        signature=call.query.get("signature", ""),
        now_s=services.access.clock.now().timestamp(),
    )
    file = _FINDERS[collection](services, entity_id, file_id)
    return blob_response(services.blobs, file.key, file.name, request.headers.get("range"))


def _bundle_file(bundle: Bundle | None, name: str) -> StoredFile:
    for file in () if bundle is None else bundle.files:
        if file.name == name:
            return StoredFile(id=name, name=name, kind="ModelFile", key=file.key, size_bytes=file.size_bytes)
    raise NotFoundError(f"The model has no file '{name}'.")


def _model_file(services: Services, model_id: str, file_id: str) -> StoredFile:
    model = services.models.get(model_id)
    for file in model.files:
        if file.id == file_id:
            return file
    return _bundle_file(model.bundle, file_id)


def _dataset_file(services: Services, dataset_id: str, file_id: str) -> StoredFile:
    dataset = services.datasets.get(dataset_id)
    return FileOwner(place=("datasets", dataset_id), resource=dataset, files=dataset.files).find(file_id)


def _evaluation_file(services: Services, evaluation_id: str, file_id: str) -> StoredFile:
    tested = services.evaluations.get(evaluation_id)
    return FileOwner(place=("evaluations", evaluation_id), resource=tested, files=tested.files).find(file_id)


def _transcription_file(services: Services, transcription_id: str, file_id: str) -> StoredFile:
    heard = services.transcriptions.get(transcription_id)
    place = ("transcriptions", transcription_id)
    return FileOwner(place=place, resource=heard, files=services.transcriptions.files(heard)).find(file_id)


def _base_model_file(services: Services, model_id: str, file_id: str) -> StoredFile:
    return _bundle_file(services.base_models.get(model_id).bundle, file_id)


def _endpoint_log(services: Services, endpoint_id: str, file_id: str) -> StoredFile:
    return services.logs.get(endpoint_id, file_id).as_stored()


def _base_model_log(services: Services, locale: str, file_id: str) -> StoredFile:
    return services.logs.get(base_place(canonical_locale(locale)), file_id).as_stored()


_FINDERS: Mapping[str, Callable[[Services, str, str], StoredFile]] = {
    "datasets": _dataset_file,
    "evaluations": _evaluation_file,
    "models": _model_file,
    "base-models": _base_model_file,
    "endpoint-logs": _endpoint_log,
    "base-model-logs": _base_model_log,
    "transcriptions": _transcription_file,
}


def blob_response(blobs: BlobStore, key: str, name: str, wanted_range: str | None) -> Response:
    """A blob as a download, whole or the one range that was asked for.

    Source:
        RFC 9110, section 14: a range that starts past the end is 416.
    """
    size = blobs.info(key).size_bytes
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
    }
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    span = asked_span(wanted_range, size)
    if span is None:
        headers["Content-Length"] = str(size)
        return StreamingResponse(blobs.stream(key), headers=headers, media_type=media_type)
    start, end = span
    if start >= end:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    headers |= {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Content-Length": str(end - start)}
    chunks: Iterator[bytes] = blobs.stream(key, start=start, end=end)
    return StreamingResponse(chunks, status_code=206, headers=headers, media_type=media_type)
