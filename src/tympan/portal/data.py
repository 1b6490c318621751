"""What people do with datasets: upload them, listen to their recordings, delete them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.errors import InvalidInputError, NotFoundError
from tympan.portal.actions import Action, Show, access_token, text_of
from tympan.portal.pages import HEADERS, Pages
from tympan.portal.words import kind_words
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.datasets import NewDataset
from tympan.wire.ranges import asked_span

_API = "/speechtotext/datasets"
_TAB = "/projects/{project_id}/data"
_ONE = f"{_TAB}/{{entity_id}}"
_CHUNK_BYTES = 1 << 20
_LONGEST_NAME = 200
_AUDIO = (".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".mp4", ".webm", ".aac", ".wma", ".amr")
_ENDINGS = {
    DatasetKind.ACOUSTIC: (".zip",),
    DatasetKind.AUDIO_FILES: (".zip", *_AUDIO),
    DatasetKind.LANGUAGE: (".txt",),
    DatasetKind.PRONUNCIATION: (".txt",),
    DatasetKind.LANGUAGE_MARKDOWN: (".md", ".txt"),
    DatasetKind.OUTPUT_FORMATTING: (".md", ".txt"),
}
_HINTS = {
    DatasetKind.ACOUSTIC: "A zip of recordings and trans.txt: a line per recording, with name, tab and text.",
    DatasetKind.AUDIO_FILES: "A zip of recordings, or a single one. To test with and to transcribe.",
    DatasetKind.LANGUAGE: "A text file, one sentence a line, as people say it.",
    DatasetKind.PRONUNCIATION: "A text file: what is written, a tab, how it is said.",
    DatasetKind.LANGUAGE_MARKDOWN: "Lists of names and sentences with places for them, in Markdown.",
    DatasetKind.OUTPUT_FORMATTING: "Rules for how numbers, names and profanity are written.",
}


@dataclass(frozen=True, slots=True)
class OfferedKind:
    """A kind of dataset, as the form offers it.

    Attributes:
        value: Of the API.
        label: In words.
        endings: Which file names it takes.
        limit_bytes: Largest file.
        hint: What it is made of.
    """

    value: str
    label: str
    endings: tuple[str, ...]
    limit_bytes: int
    hint: str


def offered_kinds(limits: DatasetLimits) -> list[OfferedKind]:
    """Every kind that can be uploaded."""
    return [
        OfferedKind(kind.value, kind_words(kind), endings, limits.upload_bytes(kind), _HINTS[kind])
        for kind, endings in _ENDINGS.items()
    ]


def routes(pages: Pages) -> dict[str, Show]:
    """Recordings by path."""
    return {f"{_ONE}/recordings/{{sha256}}": _Data(pages).recording}


def actions(pages: Pages, table: Show, page: Show) -> list[Action]:
    """Every form about datasets.

    Args:
        pages: What is rendered with.
        table: The tab that lists datasets.
        page: The page of one dataset.
    """
    do = _Data(pages)
    limits = pages.services.datasets.limits
    largest = max(limits.upload_bytes(kind) for kind in DatasetKind)
    token = ("POST", "/sts/v1.0/issuetoken")
    return [
        Action(
            path=_TAB,
            name="upload",
            act=do.upload,
            show=table,
            api=("POST", f"{_API}/upload"),
            largest_file_bytes=largest,
        ),
        Action(path=f"{_TAB}/token", name="upload", act=access_token(pages), show=table, api=token),
        Action(
            path=f"{_ONE}/delete",
            name="delete-dataset",
            act=do.delete,
            show=page,
            api=("DELETE", f"{_API}/{{dataset_id}}"),
        ),
    ]


class _Data:
    def __init__(self, pages: Pages) -> None:
        self._services = pages.services

    def upload(self, request: Request, form: FormData) -> str:
        """One file as a plain form; scripts send it in blocks instead."""
        project = self._services.projects.get(request.path_params["project_id"])
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise InvalidInputError("No file was chosen. Choose one and send the form again.", target="file")
        name = "".join(one for one in file.filename if one.isprintable()).replace("\\", "/")
        name = name.rpartition("/")[2][-_LONGEST_NAME:]
        kind = text_of(form, "kind")
        if kind not in set(DatasetKind):
            raise InvalidInputError("Choose what the file holds.", target="kind")
        dataset = self._services.datasets.create(
            NewDataset(
                kind=DatasetKind(kind),
                display_name=text_of(form, "name") or name.rpartition(".")[0] or name or "data",
                description=text_of(form, "description") or None,
                locale=project.locale,
                project_id=project.id,
                source_name=name or None,
            ),
            _chunks(file.file),
        )
        return f"/projects/{project.id}/data/{dataset.id}"

    def delete(self, request: Request, _form: FormData) -> str:
        self._services.datasets.delete(self._dataset(request).id)
        return f"/projects/{request.path_params['project_id']}/data"

    def recording(self, request: Request) -> Response:
        """A recording as the import made it: 16 kHz mono FLAC, in whole or in part."""
        dataset, sha256 = self._dataset(request), request.path_params["sha256"]
        key = f"sha256/{sha256}"
        blobs = self._services.blobs
        if dataset.manifest_key is None or not _names(blobs.stream(dataset.manifest_key), key):
            raise NotFoundError(f"'{dataset.display_name}' holds no such recording.")
        size = blobs.info(key).size_bytes
        span = asked_span(request.headers.get("range"), size)
        start, end = span or (0, size)
        headers = HEADERS | {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=3600"}
        if start >= end:
            return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
        headers["Content-Length"] = str(end - start)
        if span is not None:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        chunks = blobs.stream(key, start=start, end=end)
        status = 200 if span is None else 206
        return StreamingResponse(chunks, status_code=status, headers=headers, media_type="audio/flac")

    def _dataset(self, request: Request) -> Dataset:
        dataset = self._services.datasets.get(request.path_params["entity_id"])
        if dataset.project_id != request.path_params["project_id"]:
            raise NotFoundError(f"'{dataset.display_name}' is not in this project.")
        return dataset


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while data := file.read(_CHUNK_BYTES):
        yield data


def _names(manifest: Iterator[bytes], key: str) -> bool:
    """Whether a manifest names a recording; read as bytes, since each play asks it."""
    wanted, rest = f'"audio_key":"{key}"'.encode(), b""
    if not key.removeprefix("sha256/").isalnum():
        return False
    for piece in manifest:
        rest += piece
        if wanted in rest:
            return True
        rest = rest[-len(wanted) :]
    return False
