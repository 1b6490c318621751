"""Recognition of short audio in one request.

Source: REST API for short audio. Missing key 403, unknown key 401, unknown endpoint 400.
"""

from __future__ import annotations

import asyncio
import math
import re
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated, BinaryIO, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from tympan.domain.errors import ForbiddenError, InvalidInputError, TooLargeError
from tympan.domain.phrase_list import PhraseList, checked_phrase_list
from tympan.ports.meters import BASE, SpeechApi
from tympan.rest.auth import principal_of, shown_secret
from tympan.rest.calls import Call, CallDep
from tympan.rest.errors import UnsupportedMediaTypeError
from tympan.rest.matched import matched_headers
from tympan.rest.recognition_meter import HearingRoute, HearingTimer, name_endpoint
from tympan.rest.request_logs import keep_request
from tympan.usecases.access import Principal
from tympan.usecases.listening import Punctuation
from tympan.usecases.recognition import AudioOptions, RecognitionAnswer
from tympan.wire.addresses import is_id
from tympan.wire.log_document import Asked
from tympan.wire.short_audio import LIMITS_S, PROFANITY, Format, Heard, ProfanityOption, recognition_document
from tympan.wire.values import Document, choice

_MEMORY_BYTES = 1 << 20
_REQUEST_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_LARGEST_AUDIO = 64 * 1024 * 1024
_DICTATION = "dictation"
_OPTIONS = ("language", "format", "profanity", "cid", "storeAudio", "phrases", "biasingWeight")
"""The last two are ours; in fast transcription ``phraseList`` has members of these names."""


class _ShortAudioRoute(HearingRoute):
    api = SpeechApi.SHORT_AUDIO


router = APIRouter(prefix="/speech/recognition", route_class=_ShortAudioRoute)


def recognition_caller(request: Request) -> Principal:
    """Who calls.

    Raises:
        ForbiddenError: No key was shown.
        NotAuthenticatedError: Nobody knows the key.
    """
    if shown_secret(request) is None:
        raise ForbiddenError("No key was given. Send it in the header Ocp-Apim-Subscription-Key.")
    return principal_of(request)


@router.post("/{mode}/cognitiveservices/v1")
async def recognize(
    principal: Annotated[Principal, Depends(recognition_caller)], call: CallDep, request: Request, mode: str
) -> Response:
    """Recognise the recording in the body."""
    call.allow_query(*_OPTIONS)
    if mode not in LIMITS_S:
        raise InvalidInputError(
            f"There is no mode '{mode}'. Use one of: {', '.join(LIMITS_S)}.", target="mode"
        )
    form = choice(Format, call.query.get("format", Format.SIMPLE), "format")
    profanity = choice(ProfanityOption, call.query.get("profanity", ProfanityOption.MASKED), "profanity")
    endpoint_id = _endpoint_id(call, principal)
    name_endpoint(request, endpoint_id)
    is_stored = _flag(call, "storeAudio")
    _refuse_unbuilt(request)
    began_at = call.services.access.clock.now()
    phrase_list = _phrase_list(call, request)
    options = AudioOptions(
        limit_s=LIMITS_S[mode],
        profanity=PROFANITY[profanity],
        punctuation=Punctuation.DICTATED if mode == _DICTATION else Punctuation.AUTOMATIC,
        phrase_list=phrase_list,
    )
    with call.services.at_once.one_more(endpoint_id or BASE):
        async with _spooled(request) as audio:
            timer = HearingTimer(call.services.meters, SpeechApi.SHORT_AUDIO)
            recognise = call.services.recognition.recognize
            language = call.query.get("language")
            answer = await run_in_threadpool(recognise, endpoint_id, language, audio, options)
            timer.done(answer.endpoint, answer.samples)
            heard = replace(_heard(answer), is_dictated=mode == _DICTATION)
            document = recognition_document(heard, form, is_list_given=bool(phrase_list.phrases))
            if call.services.logs.wants(answer.endpoint, is_asked=is_stored):
                asked = _asked(request, answer, began_at)
                note = await run_in_threadpool(keep_request, call, audio, _heard(answer), asked)
                document["Tympan"] = {**cast("Document", document["Tympan"]), **note}
    return JSONResponse(document, headers=_headers(answer))


def _endpoint_id(call: Call, principal: Principal) -> str | None:
    given = call.query.get("cid")
    if given is not None and not is_id(given):
        raise InvalidInputError(f"cid '{given}' is not the id of an endpoint.", target="cid")
    wanted = given.lower() if given is not None else None
    if principal.endpoint_id is not None and wanted != principal.endpoint_id:
        raise ForbiddenError(
            f"This key opens one endpoint only. Add cid={principal.endpoint_id}, or use another key."
        )
    return wanted


def _flag(call: Call, name: str) -> bool:
    text = call.query.get(name.lower(), "false").lower()
    if text not in ("true", "1", "false", "0", ""):
        raise InvalidInputError(f"{name} must be true or false, not '{text[:20]}'.", target=name)
    return text in ("true", "1")


def _phrase_list(call: Call, request: Request) -> PhraseList:
    """``phrases``, once for each phrase, and ``biasingWeight``."""
    phrases = [value for name, value in request.query_params.multi_items() if name.lower() == "phrases"]
    given = call.query.get("biasingweight") or None
    try:
        weight = None if given is None else float(given)
    except ValueError:
        weight = math.nan
    if weight is not None and not math.isfinite(weight):
        raise InvalidInputError(
            f"biasingWeight must be a number, not '{(given or '')[:20]}'.", target="biasingWeight"
        )
    return checked_phrase_list(phrases, weight, target="phrases", weight_target="biasingWeight")


def _asked(request: Request, answer: RecognitionAnswer, began_at: datetime) -> Asked:
    request_id = request.headers.get("x-requestid", "")
    return Asked(
        session_id=str(uuid.uuid4()),
        request_id=request_id if _REQUEST_ID.fullmatch(request_id) else None,
        endpoint_id=answer.endpoint.id if answer.endpoint else None,
        began_at=began_at,
    )


def _refuse_unbuilt(request: Request) -> None:
    if "pronunciation-assessment" in request.headers:
        raise InvalidInputError(
            "This server does not assess pronunciation. Leave the header Pronunciation-Assessment out.",
            target="Pronunciation-Assessment",
        )
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if (
        content_type
        and not content_type.startswith(("audio/", "video/"))
        and content_type != "application/octet-stream"
    ):
        raise UnsupportedMediaTypeError(
            f"The content type '{content_type}' is not audio. Send the recording itself, such as audio/wav."
        )


@asynccontextmanager
async def _spooled(request: Request) -> AsyncIterator[BinaryIO]:
    """The request body as a file that can be read again, on disk when it is long."""
    size = 0
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES) as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > _LARGEST_AUDIO:
                raise TooLargeError(
                    f"The request is larger than {_LARGEST_AUDIO} bytes, more than a minute of audio needs."
                )
            await asyncio.to_thread(file.write, chunk)
        if size == 0:
            raise InvalidInputError("The request has no audio in its body.", code="EmptyRequest")
        file.seek(0)
        yield cast("BinaryIO", file)


def _heard(answer: RecognitionAnswer) -> Heard:
    return Heard(
        phrases=answer.recognition.phrases,
        samples=answer.samples,
        locale=answer.locale,
        model_id=answer.model_id,
        model_name=answer.model_name,
        model_version=answer.model_version,
        fallback=answer.fallback,
        adaptation=answer.adaptation,
    )


def _headers(answer: RecognitionAnswer) -> dict[str, str]:
    headers = {
        "X-Model-Id": answer.model_id,
        "X-Model-Name": quote(answer.model_name),
        "X-Model-Version": answer.model_version,
    }
    if answer.fallback is not None:
        headers["X-Model-Fallback"] = f"{answer.fallback}; model={answer.model_id}"
    matched = (term for phrase in answer.recognition.phrases for term in phrase.matched)
    return headers | matched_headers(matched)
