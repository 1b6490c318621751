"""Fast transcription: one file in, its text out, in one request.

Source: Speech to text REST 2024-11-15 and 2025-10-15, ``Transcriptions_Transcribe``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from tympan.domain.errors import InvalidInputError
from tympan.ports.meters import SpeechApi
from tympan.rest.availability import IN_DATED_VERSIONS
from tympan.rest.calls import Call, CallDep
from tympan.rest.matched import matched_headers
from tympan.rest.recognition_meter import HearingRoute, HearingTimer, name_endpoint
from tympan.rest.uploads import Upload, receive_upload
from tympan.speech.itn_languages import has_itn
from tympan.usecases.file_recognition import FILE_LIMIT_BYTES, FileAnswer, FileRequest
from tympan.usecases.listening import HeardPhrase, ListeningOptions
from tympan.usecases.model_lookup import adaptation_of
from tympan.wire.management.fast import FastMembers, fast_document, read_definition


class _FastRoute(HearingRoute):
    api = SpeechApi.FAST


router = APIRouter(
    prefix="/transcriptions:transcribe", dependencies=[IN_DATED_VERSIONS], route_class=_FastRoute
)

FILES = "files"
"""What requests that wait for a whole file are counted as."""


@router.post("")
async def transcribe(call: CallDep, request: Request) -> Response:
    """Transcribe the recording in the form, or at the URL that the definition names."""
    call.allow_query()
    name_endpoint(request, None)  # models are named here, not endpoints
    services = call.services
    with services.files_at_once.one_more(FILES):
        async with receive_upload(
            request.headers.get("content-type", ""),
            request.stream(),
            folder=services.uploads_dir,
            limit_bytes=FILE_LIMIT_BYTES,
            file_field="audio",
            is_file_required=False,
        ) as upload:
            return await run_in_threadpool(_transcribe, call, upload)


def _transcribe(call: Call, upload: Upload) -> Response:
    asked = read_definition(upload.fields.get("definition"))
    with _audio(call, upload, asked) as file:
        timer = HearingTimer(call.services.meters, SpeechApi.FAST)
        answer = call.services.file_recognition.hear(file, _request(asked))
        phrases = list(answer.phrases)
        timer.done(answer.first.endpoint, answer.recording.samples)
    document = fast_document(phrases, samples=answer.recording.samples, asked=asked)
    return JSONResponse(document, headers=answer_headers(answer, phrases))


def _request(asked: FastMembers) -> FileRequest:
    return FileRequest(
        locales=asked.locales,
        model_ids=asked.model_ids,
        options=ListeningOptions(
            locale="",
            channels=asked.channels,
            wants_words=True,
            profanity=asked.profanity,
            speakers=None if asked.speakers is None else (1, asked.speakers or None),
            phrases=asked.phrase_list.phrases,
            phrase_weight=asked.phrase_list.weight,
        ),
    )


@contextmanager
def _audio(call: Call, upload: Upload, asked: FastMembers) -> Iterator[BinaryIO]:
    """The recording as a file, from the form or from a URL."""
    if (upload.file_name is None) is (asked.audio_url is None):
        raise InvalidInputError(
            "Send the recording in the form field 'audio', or name its URL in audioUrl of the definition: "
            "one of the two.",
            target="audio",
        )
    if asked.audio_url is not None:
        fetched = call.services.fetcher.fetch(asked.audio_url, limit_bytes=FILE_LIMIT_BYTES)
        with fetched as source, upload.path.open("wb") as target:
            target.writelines(source.chunks)
    with upload.path.open("rb") as file:
        yield file


def answer_headers(answer: FileAnswer, phrases: Sequence[HeardPhrase] = ()) -> dict[str, str]:
    """The models that answered, one for each language that was heard.

    Args:
        answer: Names the models that may.
        phrases: What was heard; without it, models that share their files are named once.
    """
    answering = answer.answering({phrase.locale for phrase in phrases})
    models = [chosen.model for chosen in answering]
    headers = {
        "X-Model-Id": ", ".join(model.id for model in models),
        "X-Model-Name": ", ".join(quote(model.display_name) for model in models),
        "X-Model-Version": ", ".join(model.bundle.digest[:12] for model in models if model.bundle),
    }
    adaptation = dict.fromkeys(part for model in models for part in adaptation_of(model))
    if adaptation:
        headers["X-Model-Adaptation"] = ", ".join(adaptation)
    headers |= matched_headers(term for phrase in phrases for term in phrase.matched)
    fallbacks = [f"{one.fallback}; model={one.model.id}" for one in answering if one.fallback is not None]
    if fallbacks:
        headers["X-Model-Fallback"] = ", ".join(fallbacks)
    without = dict.fromkeys(model.locale for model in models if not has_itn(model.locale))
    if without:
        headers["X-Inverse-Text-Normalization"] = ", ".join(f"none; locale={locale}" for locale in without)
    return headers
