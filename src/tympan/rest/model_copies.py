"""Routes of copying models: the published ones, and ours between two servers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import TypeAdapter, ValidationError

from tympan.domain.errors import InvalidInputError, NotAuthenticatedError, TooLargeError
from tympan.domain.model_copy import CopyOffer, ModelCopy
from tympan.ports.copy_target import ARCHIVE_OFFER, COPY_CHUNK_BYTES
from tympan.rest.answers import entity_answer, is_worked_on
from tympan.rest.availability import between, since
from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.usecases.model_copies import GivenAuthorization
from tympan.usecases.zip_stream import ZipEntry, zipped
from tympan.wire.addresses import OURS
from tympan.wire.bodies import Body
from tympan.wire.management.model_copies import (
    authorization_document,
    operation_document,
    read_authorization,
)
from tympan.wire.management.models import custom_model_document
from tympan.wire.versions import ApiVersion

_POLL_S = 2
_LARGEST_OFFER = 1024 * 1024
_OFFER: TypeAdapter[CopyOffer] = TypeAdapter(CopyOffer)

router = APIRouter()
our_router = APIRouter()
transfer_router = APIRouter(prefix=OURS)


@router.post("/models:authorizecopy", dependencies=[since(ApiVersion.V3_2)])
def authorize_copy(call: CallDep, body: BodyDep) -> Response:
    """Let another server copy one model in."""
    call.allow_query()
    receiving = call.services.receiving
    issued = receiving.authorize(body.required("sourceResourceId"))
    document = authorization_document(
        issued.authorization, issued.secret, receiving.resource_id, call.addresses
    )
    return JSONResponse(document, headers={"Cache-Control": "no-store"})


@router.post("/models/{model_id}:copy", dependencies=[since(ApiVersion.V3_2)])
def copy_model(call: CallDep, body: BodyDep, model_id: str) -> Response:
    """Copy a model to the server that gave an authorization; an operation does it."""
    call.allow_query()
    copies, wanted, version = call.services.model_copies, checked_id(model_id, "model"), call.version.value
    if "targetSubscriptionKey" in body:
        _check_key(call, body)
        copy = copies.start_within(wanted, call.base_url, version)
    else:
        copy = copies.start(wanted, GivenAuthorization(**read_authorization(body)), version)
    answer = _operation_answer(call, copy, status=202)
    answer.headers["Operation-Location"] = call.addresses.management("operations", "models", "copy", copy.id)
    return answer


@router.post("/models/{model_id}:copyto", dependencies=[between(ApiVersion.V3_0, ApiVersion.V3_1)])
def copy_model_to(call: CallDep, body: BodyDep, model_id: str) -> Response:
    """Copy a model to the owner of another key of this server."""
    call.allow_query()
    _check_key(call, body)
    model = call.services.model_copies.copy_within(checked_id(model_id, "model"), call.version.value)
    return entity_answer(custom_model_document(model, call.addresses), model, is_new=True)


@router.get("/operations/models/copy/{copy_id}", dependencies=[since(ApiVersion.V3_2)])
def get_copy(call: CallDep, copy_id: str) -> Response:
    """How far a copy is."""
    call.allow_query()
    return _operation_answer(call, call.services.model_copies.get(checked_id(copy_id, "operation")))


@our_router.get("/models/{model_id}/archive.zip")
def get_archive(call: CallDep, model_id: str) -> Response:
    """A model with all its files, to be kept or brought to a server that this one cannot reach."""
    call.allow_query()
    services = call.services
    offer = services.model_copies.offer(checked_id(model_id, "model"))
    now, document = services.access.clock.now(), _OFFER.dump_json(offer, indent=1)
    entries = [ZipEntry(name=ARCHIVE_OFFER, at=now, read=lambda: iter([document]))]
    for sha256 in offer.sizes:
        read = partial(services.blobs.stream, f"sha256/{sha256}")
        entries.append(ZipEntry(name=f"files/{sha256}", at=now, read=read))
    headers = {
        "Content-Disposition": f'attachment; filename="model-{offer.model_id}.zip"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(zipped(entries), headers=headers, media_type="application/zip")


def _operation_answer(call: Call, copy: ModelCopy, *, status: int = 200) -> Response:
    headers = {"Retry-After": str(_POLL_S)} if is_worked_on(copy) else {}
    return JSONResponse(operation_document(copy, call.addresses), status_code=status, headers=headers)


def _check_key(call: Call, body: Body) -> None:
    """Make sure that the key in the body is one of this server's owner; it is never said again."""
    try:
        principal = call.services.access.authenticate(body.required("targetSubscriptionKey"))
    except NotAuthenticatedError as error:
        raise InvalidInputError(
            "targetSubscriptionKey is no key of this server. A key copies within one server; to copy to "
            "another one, ask it for an authorization (models:authorizecopy) and use :copy.",
            code="SubscriptionNotFound",
            target="targetSubscriptionKey",
        ) from error
    if not principal.is_owner:
        raise InvalidInputError(
            "targetSubscriptionKey opens one endpoint only. Give one of the owner's keys.",
            code="InvalidPermissions",
            target="targetSubscriptionKey",
        )


def shown_authorization(request: Request) -> str:
    """The id of the authorization that a source shows.

    Raises:
        NotAuthenticatedError: It shows none.
    """
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise NotAuthenticatedError("No copy authorization was given. Send its id as Authorization: Bearer.")
    return secret.strip()


Authorization = Annotated[str, Depends(shown_authorization)]


@transfer_router.post("/model-copies:offer")
async def offer_model(call: CallDep, request: Request, authorization: Authorization) -> Response:
    """What a source wants to copy here; answers with how much of each file has arrived."""
    call.allow_query()
    offer = _read_offer(await _limited_body(request, _LARGEST_OFFER))
    received = await run_in_threadpool(call.services.receiving.offer, authorization, offer)
    return JSONResponse({"received": dict(received)})


@transfer_router.post("/model-copies:send")
async def receive_piece(call: CallDep, request: Request, authorization: Authorization) -> Response:
    """A piece of a file."""
    call.allow_query("sha256", "start")
    start = call.query.get("start", "")
    if not start.isascii() or not start.isdigit():
        raise InvalidInputError("start must be a whole number.", code="InvalidParameterValue", target="start")
    chunk = await _limited_body(request, COPY_CHUNK_BYTES)
    receive = call.services.receiving.receive
    sha256 = call.query.get("sha256", "")
    return JSONResponse(
        {"received": await run_in_threadpool(receive, authorization, sha256, int(start), chunk)}
    )


@transfer_router.post("/model-copies:publish")
def publish_model(call: CallDep, authorization: Authorization) -> Response:
    """Everything has arrived."""
    call.allow_query()
    model = call.services.receiving.publish(authorization)
    document: Mapping[str, str] = {"model": model.id}
    return JSONResponse(document, status_code=201)


async def _limited_body(request: Request, limit_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit_bytes:
            raise TooLargeError(f"The request body is larger than {limit_bytes} bytes.")
    return bytes(data)


def _read_offer(data: bytes) -> CopyOffer:
    try:
        return _OFFER.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(
            f"The offer cannot be read: {where}: {first['msg']}.", target=where
        ) from error
