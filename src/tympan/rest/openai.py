"""Routes in the shape of the OpenAI API, for clients that speak that.

Source: OpenAI API reference, ``audio/transcriptions`` and ``models``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from tympan.domain.errors import ForbiddenError, NotFoundError, ServiceError
from tympan.domain.phrase_list import checked_phrase_list
from tympan.ports.meters import SpeechApi
from tympan.ports.recognizer import Phrase
from tympan.rest.auth import principal_of
from tympan.rest.calls import Call, CallDep
from tympan.rest.errors import error_headers, saying_of
from tympan.rest.fast import FILES, answer_headers
from tympan.rest.recognition_meter import HearingRoute, HearingTimer, count_refusal, name_endpoint
from tympan.rest.request_logs import keep_request
from tympan.rest.uploads import Upload, receive_upload
from tympan.speech.prompt_terms import prompt_terms
from tympan.usecases.access import Principal
from tympan.usecases.file_recognition import FILE_LIMIT_BYTES, FileAnswer, FileRequest
from tympan.usecases.listening import HeardPhrase
from tympan.wire.log_document import Asked
from tympan.wire.openai import (
    ANY_MODEL,
    Granularity,
    ResponseFormat,
    SpeechRequest,
    error_document,
    event,
    event_chunks,
    model_document,
    prompt_effect,
    read_form,
    text_of,
    verbose_document,
)
from tympan.wire.short_audio import Heard
from tympan.wire.subtitles import srt_chunks, vtt_chunks
from tympan.wire.values import Document


class _OpenAiErrors(APIRoute):
    """Answers errors in the shape that these clients read."""

    def get_route_handler(self) -> Callable[[Request], object]:  # type: ignore[override]  # Starlette's is wider
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except ServiceError as error:
                return _error_answer(error)
            except HTTPException as error:
                document = error_document(str(error.detail), status=error.status_code, code=None, param=None)
                return JSONResponse(document, status_code=error.status_code)

        return answered


class _SpeechRoute(_OpenAiErrors, HearingRoute):
    """Counted before errors become answers."""

    api = SpeechApi.OPENAI


router = APIRouter(prefix="/v1", route_class=_OpenAiErrors)
speech = APIRouter(route_class=_SpeechRoute)
Caller = Annotated[Principal, Depends(principal_of)]


@router.get("/models")
def list_models(caller: Caller, call: CallDep) -> Response:
    """Everything that a request can name as its model."""
    return JSONResponse({"object": "list", "data": _offered(call, caller)})


@router.get("/models/{model_id:path}")
def get_model(caller: Caller, call: CallDep, model_id: str) -> Response:
    """One of them."""
    for document in _offered(call, caller):
        if str(document["id"]).lower() == model_id.lower():
            return JSONResponse(document)
    raise NotFoundError(
        f"There is no model '{model_id}'. GET /v1/models lists what there is.", target="model"
    )


@router.post("/audio/translations")
def translate(_caller: Caller) -> Response:
    """Refuse: this server writes what was said, in the language it was said in."""
    raise NotFoundError("This server does not translate. Use POST /v1/audio/transcriptions.")


@speech.post("/audio/transcriptions")
async def transcribe(caller: Caller, call: CallDep, request: Request) -> Response:
    """Transcribe the file in the form."""
    async with receive_upload(
        request.headers.get("content-type", ""),
        request.stream(),
        folder=call.services.uploads_dir,
        limit_bytes=FILE_LIMIT_BYTES,
        file_field="file",
    ) as upload:
        asked = read_form(upload.fields, upload.lists)
        wanted = _wanted(call, caller, asked)
        name_endpoint(request, wanted.endpoint_id)
        wanted, headers = await run_in_threadpool(_favouring, asked, wanted)  # reads lists of words
        if asked.is_streamed:
            answered = await run_in_threadpool(_streamed, call, request, upload, wanted)
        else:
            answered = await run_in_threadpool(_transcribed, call, upload, asked, wanted)
        answered.headers.update(headers)
        return answered


router.include_router(speech)  # before the route that takes every other path


@router.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def refuse_unknown(_caller: Caller, rest: str) -> Response:
    """Say that there is no such route, in the shape that these clients read."""
    raise NotFoundError(f"There is no route /v1/{rest}, or not with this method.")


def _wanted(call: Call, caller: Principal, asked: SpeechRequest) -> FileRequest:
    """What to ask for; a key of one endpoint opens that endpoint only."""
    recognition = call.services.file_recognition
    if caller.endpoint_id is not None and asked.model in ANY_MODEL:
        return FileRequest(endpoint_id=caller.endpoint_id)
    if asked.model in ANY_MODEL:
        return recognition.request_for_language(asked.language)
    wanted = recognition.request_for(asked.model, asked.language)
    if caller.endpoint_id not in (None, wanted.endpoint_id):
        raise ForbiddenError(f"This key opens one endpoint only. Name it as the model: {caller.endpoint_id}.")
    return wanted


def _favouring(asked: SpeechRequest, wanted: FileRequest) -> tuple[FileRequest, dict[str, str]]:
    """The request with its phrases, and headers that say what became of the prompt.

    A prompt cannot be decoded after here: its names and unusual words become phrases to favour.
    """
    locale = asked.language or (wanted.locales[0] if len(wanted.locales) == 1 else "")
    terms = prompt_terms(asked.prompt, locale.partition("-")[0].lower() or None)
    named = checked_phrase_list(terms, target="prompt")
    favoured = checked_phrase_list((*asked.hotwords, *named.phrases), target="hotwords")
    options = replace(wanted.options, phrases=favoured.phrases, phrase_weight=favoured.weight)
    headers = {"X-Prompt-Effect": prompt_effect(terms)} if asked.prompt else {}
    return replace(wanted, options=options), headers


def _transcribed(call: Call, upload: Upload, asked: SpeechRequest, wanted: FileRequest) -> Response:
    options = replace(wanted.options, wants_words=Granularity.WORD in asked.granularities)
    began_at = call.services.access.clock.now()
    with call.services.files_at_once.one_more(FILES), upload.path.open("rb") as file:
        timer = HearingTimer(call.services.meters, SpeechApi.OPENAI)
        answer = call.services.file_recognition.hear(file, replace(wanted, options=options))
        phrases = list(answer.phrases)
        timer.done(answer.first.endpoint, answer.recording.samples)
        _keep(call, file, answer, phrases, began_at)
    headers = answer_headers(answer, phrases)
    match asked.form:
        case ResponseFormat.JSON:
            return JSONResponse({"text": text_of(phrases)}, headers=headers)
        case ResponseFormat.TEXT:
            return PlainTextResponse(text_of(phrases) + "\n", headers=headers)
        case ResponseFormat.SRT:
            return Response(b"".join(srt_chunks(phrases)), headers=headers, media_type="application/x-subrip")
        case ResponseFormat.VTT:
            return Response(b"".join(vtt_chunks(phrases)), headers=headers, media_type="text/vtt")
    document = verbose_document(
        phrases,
        samples=answer.recording.samples,
        locale=answer.first.model.locale,
        granularities=asked.granularities,
    )
    return JSONResponse(document, headers=headers)


def _streamed(call: Call, request: Request, upload: Upload, wanted: FileRequest) -> Response:
    headers: dict[str, str] = {}
    events = _events(call, upload, wanted, headers)
    # What goes wrong before the first event still has a status of its own; and a stream that has
    # begun gives file and place back, whenever its client leaves.
    first = next(events)
    return StreamingResponse(
        chain([first], _guarded(events, request)), media_type="text/event-stream", headers=headers
    )


def _events(call: Call, upload: Upload, wanted: FileRequest, headers: dict[str, str]) -> Iterator[bytes]:
    """The text as it is heard; ``headers`` are filled in before the first event."""
    began_at = call.services.access.clock.now()
    # The uploaded file goes when its request was read, but an open one can be read on.
    with call.services.files_at_once.one_more(FILES), upload.path.open("rb") as file:
        timer = HearingTimer(call.services.meters, SpeechApi.OPENAI)
        answer = call.services.file_recognition.hear(file, wanted)
        headers.update(answer_headers(answer))
        heard: list[HeardPhrase] = []
        yield from event_chunks(_seen(answer.phrases, heard))
        timer.done(answer.first.endpoint, answer.recording.samples)
        _keep(call, file, answer, heard, began_at)


def _guarded(events: Iterator[bytes], request: Request) -> Iterator[bytes]:
    """An error in the middle becomes an event, since the status has gone out."""
    try:
        yield from events
    except ServiceError as error:
        count_refusal(request, SpeechApi.OPENAI, error)
        yield event({"type": "error", **_error_members(error)})


def _seen(phrases: Iterator[HeardPhrase], heard: list[HeardPhrase]) -> Iterator[HeardPhrase]:
    for phrase in phrases:
        heard.append(phrase)
        yield phrase


def _keep(
    call: Call, file: BinaryIO, answer: FileAnswer, phrases: Sequence[HeardPhrase], began_at: datetime
) -> None:
    """Log the request where the endpoint's owner wants it."""
    chosen = answer.first
    if not call.services.logs.wants(chosen.endpoint, is_asked=False):
        return
    heard = Heard(
        phrases=[
            Phrase(
                start=phrase.start,
                end=phrase.end,
                text=phrase.candidates[0].display,
                confidence=phrase.candidates[0].confidence,
            )
            for phrase in phrases
        ],
        samples=answer.recording.samples,
        locale=chosen.model.locale,
        model_id=chosen.model.id,
        model_name=chosen.model.display_name,
        model_version=chosen.model.bundle.digest[:12] if chosen.model.bundle else "",
        fallback=chosen.fallback,
        adaptation=answer.adaptation,
    )
    endpoint_id = chosen.endpoint.id if chosen.endpoint else None
    asked = Asked(session_id=str(uuid.uuid4()), request_id=None, endpoint_id=endpoint_id, began_at=began_at)
    keep_request(call, file, heard, asked)


def _offered(call: Call, caller: Principal) -> list[Document]:
    return [
        model_document(one.id, one.created_s, one.owner, one.name)
        for one in call.services.file_recognition.offered()
        if caller.is_owner or one.id == caller.endpoint_id
    ]


def _error_members(error: ServiceError) -> Document:
    status = saying_of(error).status
    return error_document(error.message, status=status, code=error.code, param=error.target)


def _error_answer(error: ServiceError) -> Response:
    saying = saying_of(error)
    return JSONResponse(
        _error_members(error), status_code=saying.status, headers=error_headers(error, saying)
    )
