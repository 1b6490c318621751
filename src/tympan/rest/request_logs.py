"""Keeping what was heard in a request, where the owner of its endpoint wants that."""

from __future__ import annotations

import logging
from typing import BinaryIO

from tympan.domain.endpoint_log import base_place
from tympan.domain.errors import ServiceError
from tympan.rest.calls import Call
from tympan.usecases.endpoint_logs import NewLog
from tympan.wire.log_document import Asked, log_document
from tympan.wire.short_audio import Heard
from tympan.wire.values import Document

log = logging.getLogger(__name__)


def keep_request(call: Call, audio: BinaryIO, heard: Heard, asked: Asked) -> Document:
    """Keep audio and result; what the answer says of it, also when they could not be kept."""
    audio.seek(0)
    try:
        call.services.logs.keep(
            NewLog(
                place=asked.endpoint_id or base_place(heard.locale),
                session_id=asked.session_id,
                began_at=asked.began_at,
                audio=call.services.recognition.codec.open(audio).blocks(),
                samples=heard.samples,
                result=log_document(heard, asked),
            )
        )
    except ServiceError as error:
        log.exception("request could not be logged", extra={"endpoint": asked.endpoint_id})
        return {"logFailure": error.message}
    return {"log": asked.session_id}
