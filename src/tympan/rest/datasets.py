"""Routes of datasets."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from tympan.domain.dataset import Dataset
from tympan.domain.errors import InvalidInputError
from tympan.rest.answers import deleted, entity_answer, page_of
from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.rest.files import FileOwner, file_entry, files_page
from tympan.rest.locales import supported
from tympan.rest.uploads import Upload, receive_upload
from tympan.usecases.datasets import DatasetChange, NewDataset
from tympan.wire.bodies import refuse_fixed
from tympan.wire.v3.datasets import FIXED, dataset_document, new_dataset_members
from tympan.wire.v3.entities import changed_project_members
from tympan.wire.values import Document

router = APIRouter(prefix="/datasets")


def dataset_encoder(call: Call) -> Callable[[Dataset], Document]:
    """Writes datasets for one answer."""
    addresses = call.addresses
    return lambda dataset: dataset_document(dataset, addresses)


@router.get("/locales")
def list_locales(call: CallDep) -> Response:
    """Dataset kinds that can be used, by locale."""
    call.allow_query()
    return JSONResponse(supported(call))


@router.get("")
def list_datasets(call: CallDep) -> Response:
    """One page of datasets."""
    return page_of(call, call.services.datasets, "datasets", dataset_encoder(call))


@router.post("")
def create_dataset(body: BodyDep) -> Response:
    """Refuse: this server fetches no URLs and takes no blocks yet."""
    new_dataset_members(body)
    raise InvalidInputError(
        "This server does not fetch datasets from URLs and does not take them in blocks yet. "
        "Send the file itself to POST /speechtotext/v3.2/datasets/upload.",
        target="contentUrl",
    )


@router.post("/upload")
async def upload_dataset(call: CallDep, request: Request) -> Response:
    """Take a file as multipart form data; it goes to disk as it arrives."""
    call.allow_query()
    services = call.services
    async with receive_upload(
        request.headers.get("content-type", ""),
        request.stream(),
        folder=services.uploads_dir,
        limit_bytes=services.upload_limit_bytes,
    ) as upload:
        return await run_in_threadpool(_create, call, upload)


def _create(call: Call, upload: Upload) -> Response:
    members = new_dataset_members(upload.body())
    with upload.path.open("rb") as file:
        chunks = iter(lambda: file.read(1 << 20), b"")
        new = NewDataset(**members, source_name=upload.file_name)
        dataset = call.services.datasets.create(new, chunks)
    return entity_answer(dataset_document(dataset, call.addresses), dataset, is_new=True)


@router.get("/{dataset_id}")
def get_dataset(call: CallDep, dataset_id: str) -> Response:
    """Read a dataset."""
    call.allow_query()
    dataset = call.services.datasets.get(checked_id(dataset_id, "dataset"))
    return entity_answer(dataset_document(dataset, call.addresses), dataset)


@router.patch("/{dataset_id}")
def update_dataset(call: CallDep, body: BodyDep, dataset_id: str) -> Response:
    """Change a dataset."""
    call.allow_query()
    current = call.services.datasets.get(checked_id(dataset_id, "dataset"))
    refuse_fixed(body, dataset_document(current, call.addresses), FIXED)
    change = DatasetChange(**changed_project_members(body, current.custom_properties))
    dataset = call.services.datasets.update(current.id, change)
    return entity_answer(dataset_document(dataset, call.addresses), dataset)


@router.delete("/{dataset_id}")
def delete_dataset(call: CallDep, dataset_id: str) -> Response:
    """Delete a dataset."""
    call.allow_query()
    return deleted(dataset_id, call.services.datasets.delete)


def _owner(call: Call, dataset_id: str) -> FileOwner:
    dataset = call.services.datasets.get(checked_id(dataset_id, "dataset"))
    return FileOwner(place=("datasets", dataset.id), resource=dataset, files=dataset.files)


@router.get("/{dataset_id}/files")
def list_dataset_files(call: CallDep, dataset_id: str) -> Response:
    """Source, normalised data and report of a dataset."""
    return files_page(call, _owner(call, dataset_id))


@router.get("/{dataset_id}/files/{file_id}")
def get_dataset_file(call: CallDep, dataset_id: str, file_id: str) -> Response:
    """One file of a dataset."""
    return file_entry(call, _owner(call, dataset_id), file_id)
