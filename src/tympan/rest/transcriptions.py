"""Routes of batch transcriptions."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from tympan.domain.errors import InvalidInputError
from tympan.domain.query import Compare, Filter, Or
from tympan.domain.transcription import Transcription
from tympan.rest.answers import deleted, entity_answer, page_of
from tympan.rest.availability import IN_DATED_VERSIONS, IN_PATH_VERSIONS
from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.rest.files import FileOwner, file_entry, files_page
from tympan.rest.locales import locales_answer, supported
from tympan.usecases.result_files import SUBTITLES_KIND
from tympan.usecases.transcriptions import NewTranscription, TranscriptionChange
from tympan.wire.bodies import Body, refuse_fixed
from tympan.wire.management.entities import changed_project_members
from tympan.wire.management.transcriptions import FIXED, new_transcription_members, transcription_document
from tympan.wire.values import Document
from tympan.wire.versions import PATH_VERSIONS, ApiVersion

router = APIRouter()


def transcription_encoder(call: Call) -> Callable[[Transcription], Document]:
    """Writes transcriptions for one answer."""
    addresses = call.model_addresses
    return lambda transcription: transcription_document(transcription, addresses)


def known_features(call: Call) -> Filter | None:
    """Keep the transcriptions that the client's version has words for."""
    known = [version for version in PATH_VERSIONS if call.version >= version]
    if len(known) == len(PATH_VERSIONS):
        return None
    since: list[Filter] = [Compare("since", "eq", version.value) for version in known]
    return reduce(Or, since)


def _find(call: Call, transcription_id: str) -> Transcription:
    transcription = call.services.transcriptions.get(checked_id(transcription_id, "transcription"))
    if not call.version >= ApiVersion(transcription.since):
        raise InvalidInputError(
            "The API version cannot be used to access this transcription. "
            f"Please use API version {transcription.since} or higher.",
            code="InvalidTranscription",
        )
    return transcription


@router.get("/transcriptions/locales")
def list_locales(call: CallDep) -> Response:
    """Locales that can be transcribed; the dated API tells batch from fast transcription."""
    if not call.version.is_dated:
        return locales_answer(call)
    call.allow_query()
    locales = list(supported(call))
    return JSONResponse({"Submit": locales, "Transcribe": locales})


@router.get("/transcriptions")
def list_transcriptions(call: CallDep) -> Response:
    """One page of transcriptions."""
    encode = transcription_encoder(call)
    return page_of(call, call.services.transcriptions, "transcriptions", encode, within=known_features(call))


@router.post("/transcriptions", dependencies=[IN_PATH_VERSIONS])
def create_transcription(call: CallDep, body: BodyDep) -> Response:
    """Have recordings transcribed."""
    return _create(call, body)


@router.post("/transcriptions:submit", dependencies=[IN_DATED_VERSIONS])
def submit_transcription(call: CallDep, body: BodyDep) -> Response:
    """Have recordings transcribed, in the words of the dated API."""
    return _create(call, body)


def _create(call: Call, body: Body) -> Response:
    call.allow_query()
    new = NewTranscription(**new_transcription_members(body, call.version))
    transcription = call.services.transcriptions.create(new)
    return entity_answer(transcription_encoder(call)(transcription), transcription, is_new=True)


@router.get("/transcriptions/{transcription_id}")
def get_transcription(call: CallDep, transcription_id: str) -> Response:
    """Read a transcription."""
    call.allow_query()
    transcription = _find(call, transcription_id)
    return entity_answer(transcription_encoder(call)(transcription), transcription)


@router.patch("/transcriptions/{transcription_id}")
def update_transcription(call: CallDep, body: BodyDep, transcription_id: str) -> Response:
    """Change what is said of a transcription."""
    call.allow_query()
    current = _find(call, transcription_id)
    encode = transcription_encoder(call)
    refuse_fixed(body, encode(current), FIXED)
    change = TranscriptionChange(**changed_project_members(body, current.custom_properties, call.version))
    transcription = call.services.transcriptions.update(current.id, change)
    return entity_answer(encode(transcription), transcription)


@router.delete("/transcriptions/{transcription_id}")
def delete_transcription(call: CallDep, transcription_id: str) -> Response:
    """Delete a transcription and its results."""
    call.allow_query()
    return deleted(transcription_id, call.services.transcriptions.delete)


def _owner(call: Call, transcription_id: str) -> FileOwner:
    transcription = _find(call, transcription_id)
    files = call.services.transcriptions.files(transcription)
    published = [file for file in files if file.kind != SUBTITLES_KIND]
    return FileOwner(place=("transcriptions", transcription.id), resource=transcription, files=published)


@router.get("/transcriptions/{transcription_id}/files")
def list_transcription_files(call: CallDep, transcription_id: str) -> Response:
    """Result files and the report."""
    return files_page(call, _owner(call, transcription_id))


@router.get("/transcriptions/{transcription_id}/files/{file_id}")
def get_transcription_file(call: CallDep, transcription_id: str, file_id: str) -> Response:
    """One file of a transcription."""
    return file_entry(call, _owner(call, transcription_id), file_id)
