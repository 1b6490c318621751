"""Routes of datasets."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.dataset_block import LARGEST_BLOCK_BYTES
from tympan.domain.errors import NotFoundError
from tympan.domain.query import Compare, Filter, Or
from tympan.rest.answers import deleted, entity_answer, page_of
from tympan.rest.availability import IN_PATH_VERSIONS, since
from tympan.rest.calls import BodyDep, Call, CallDep, ListDep, bytes_of, checked_id
from tympan.rest.files import FileOwner, file_entry, files_page
from tympan.rest.locales import supported
from tympan.rest.uploads import Upload, receive_upload
from tympan.usecases.datasets import DatasetChange, NewDataset
from tympan.wire.bodies import refuse_fixed
from tympan.wire.management.datasets import (
    FIXED,
    block_references,
    blocks_document,
    content_url,
    dataset_document,
    kinds_known,
    new_dataset_members,
    source_name,
)
from tympan.wire.management.entities import changed_project_members
from tympan.wire.values import Document
from tympan.wire.versions import ApiVersion

router = APIRouter(prefix="/datasets")

WITH_BLOCKS = since(ApiVersion.V3_1)
"""v3.0 knew no blocks."""


def dataset_encoder(call: Call) -> Callable[[Dataset], Document]:
    """Writes datasets for one answer."""
    addresses = call.addresses
    return lambda dataset: dataset_document(dataset, addresses)


def known_kinds(call: Call) -> Filter | None:
    """Keep the datasets that the client's version has a word for."""
    known = kinds_known(call.version)
    if len(known) == len(DatasetKind):
        return None
    kinds: list[Filter] = [Compare("kind", "eq", kind.value) for kind in known]
    return reduce(Or, kinds)


def _find(call: Call, dataset_id: str) -> Dataset:
    dataset = call.services.datasets.get(checked_id(dataset_id, "dataset"))
    if dataset.kind not in kinds_known(call.version):
        raise NotFoundError(
            f"Version {call.version.value} of the API knows no datasets of kind {dataset.kind}. "
            "Use a later version."
        )
    return dataset


@router.get("/locales")
def list_locales(call: CallDep) -> Response:
    """Dataset kinds that can be used, by locale; the dated API turns it round."""
    call.allow_query()
    known = kinds_known(call.version)
    by_locale = {
        locale: [kind for kind in kinds if kind in known] for locale, kinds in supported(call).items()
    }
    if not call.version.is_dated:
        return JSONResponse(by_locale)
    return JSONResponse(
        {kind.value: [locale for locale, kinds in by_locale.items() if kind in kinds] for kind in known}
    )


@router.get("")
def list_datasets(call: CallDep) -> Response:
    """One page of datasets."""
    encode = dataset_encoder(call)
    return page_of(call, call.services.datasets, "datasets", encode, within=known_kinds(call))


@router.post("")
def create_dataset(call: CallDep, body: BodyDep) -> Response:
    """Have a file fetched from a URL; without one, begin an upload in blocks."""
    call.allow_query()
    new = NewDataset(**new_dataset_members(body, call.version), source_name=source_name(body))
    url = content_url(body, call.version)
    datasets = call.services.datasets
    dataset = datasets.create_in_blocks(new) if url is None else datasets.create_from_url(new, url)
    return entity_answer(dataset_document(dataset, call.addresses), dataset, is_new=True)


@router.post("/upload", dependencies=[IN_PATH_VERSIONS])
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
    members = new_dataset_members(upload.body(), call.version)
    with upload.path.open("rb") as file:
        chunks = iter(lambda: file.read(1 << 20), b"")
        new = NewDataset(**members, source_name=upload.file_name or "data")
        dataset = call.services.datasets.create(new, chunks)
    return entity_answer(dataset_document(dataset, call.addresses), dataset, is_new=True)


@router.get("/{dataset_id}")
def get_dataset(call: CallDep, dataset_id: str) -> Response:
    """Read a dataset."""
    call.allow_query()
    dataset = _find(call, dataset_id)
    return entity_answer(dataset_document(dataset, call.addresses), dataset)


@router.patch("/{dataset_id}")
def update_dataset(call: CallDep, body: BodyDep, dataset_id: str) -> Response:
    """Change a dataset."""
    call.allow_query()
    current = _find(call, dataset_id)
    refuse_fixed(body, dataset_document(current, call.addresses), FIXED)
    change = DatasetChange(**changed_project_members(body, current.custom_properties, call.version))
    dataset = call.services.datasets.update(current.id, change)
    return entity_answer(dataset_document(dataset, call.addresses), dataset)


@router.delete("/{dataset_id}")
def delete_dataset(call: CallDep, dataset_id: str) -> Response:
    """Delete a dataset."""
    call.allow_query()
    return deleted(dataset_id, call.services.datasets.delete)


def _owner(call: Call, dataset_id: str) -> FileOwner:
    dataset = _find(call, dataset_id)
    return FileOwner(place=("datasets", dataset.id), resource=dataset, files=dataset.files)


@router.get("/{dataset_id}/files")
def list_dataset_files(call: CallDep, dataset_id: str) -> Response:
    """Source, normalised data and report of a dataset."""
    return files_page(call, _owner(call, dataset_id))


@router.get("/{dataset_id}/files/{file_id}")
def get_dataset_file(call: CallDep, dataset_id: str, file_id: str) -> Response:
    """One file of a dataset."""
    return file_entry(call, _owner(call, dataset_id), file_id)


@router.get("/{dataset_id}/blocks", dependencies=[WITH_BLOCKS])
def list_dataset_blocks(call: CallDep, dataset_id: str) -> Response:
    """Blocks that were uploaded for a dataset, committed and not."""
    call.allow_query()
    dataset = _find(call, dataset_id)
    return entity_answer(blocks_document(*call.services.dataset_blocks.list(dataset.id)), dataset)


@router.put("/{dataset_id}/blocks", dependencies=[WITH_BLOCKS])
async def upload_dataset_block(call: CallDep, request: Request, dataset_id: str) -> Response:
    """Take one block of a dataset; it is read whole, since it is small."""
    call.allow_query("blockid")
    name = call.query.get("blockid", "").replace(" ", "+")  # where a client did not encode it
    dataset = await run_in_threadpool(_find, call, dataset_id)
    data = await bytes_of(request, LARGEST_BLOCK_BYTES)
    await run_in_threadpool(call.services.dataset_blocks.upload, dataset.id, name, data)
    return Response(status_code=201)


@router.post("/{dataset_id}/blocks:commit", dependencies=[WITH_BLOCKS])
def commit_dataset_blocks(call: CallDep, dataset_id: str, bodies: ListDep) -> Response:
    """Say which blocks make the file of a dataset, and have it imported."""
    call.allow_query()
    dataset = _find(call, dataset_id)
    call.services.dataset_blocks.commit(dataset.id, block_references(bodies))
    return Response(status_code=200)
