"""Routes of web hooks, and of the log of their deliveries (ours)."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from tympan.domain.web_hook import DeliveryState, WebHook
from tympan.rest.answers import deleted, entity_answer, next_link, page_of, paging
from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.usecases.web_hooks import NewWebHook, WebHookChange
from tympan.wire.management.entities import page_document
from tympan.wire.management.web_hooks import (
    changed_web_hook_members,
    new_web_hook_members,
    web_hook_document,
)
from tympan.wire.ours.hook_deliveries import delivery_document
from tympan.wire.values import Document, choice

_NOUN = "web hook"
_SOON = {"Retry-After": "2"}

router = APIRouter(prefix="/webhooks")
our_router = APIRouter(prefix="/webhooks")


def _encoder(call: Call) -> Callable[[WebHook], Document]:
    return lambda hook: web_hook_document(hook, call.addresses)


@router.get("")
def list_web_hooks(call: CallDep) -> Response:
    """One page of web hooks."""
    return page_of(call, call.services.web_hooks, "webhooks", _encoder(call))


@router.post("")
def create_web_hook(call: CallDep, body: BodyDep) -> Response:
    """Register a receiver; it is challenged at once."""
    call.allow_query()
    new = NewWebHook(base_url=call.base_url, **new_web_hook_members(body, call.version))
    hook = call.services.web_hooks.create(new)
    return entity_answer(_encoder(call)(hook), hook, is_new=True)


@router.get("/{hook_id}")
def get_web_hook(call: CallDep, hook_id: str) -> Response:
    """Read a web hook."""
    call.allow_query()
    hook = call.services.web_hooks.get(checked_id(hook_id, _NOUN))
    return entity_answer(_encoder(call)(hook), hook)


@router.patch("/{hook_id}")
def update_web_hook(call: CallDep, body: BodyDep, hook_id: str) -> Response:
    """Change a web hook; another URL is challenged before it is told anything."""
    call.allow_query()
    current = call.services.web_hooks.get(checked_id(hook_id, _NOUN))
    change = WebHookChange(**changed_web_hook_members(body, current))
    hook = call.services.web_hooks.update(current.id, change)
    return entity_answer(_encoder(call)(hook), hook)


@router.delete("/{hook_id}")
def delete_web_hook(call: CallDep, hook_id: str) -> Response:
    """Forget a web hook and what it was to be told."""
    call.allow_query()
    return deleted(hook_id, call.services.web_hooks.delete)


@router.post("/{hook_id}:ping")
def ping_web_hook(call: CallDep, hook_id: str) -> Response:
    """Send the web hook itself to its receiver."""
    call.allow_query()
    call.services.web_hooks.ping(checked_id(hook_id, _NOUN))
    return Response(status_code=202, headers=_SOON)


@router.post("/{hook_id}:test")
def test_web_hook(call: CallDep, hook_id: str) -> Response:
    """Send the last matching event once more; 204 where there is none."""
    call.allow_query()
    delivery = call.services.web_hooks.test(checked_id(hook_id, _NOUN))
    return Response(status_code=204) if delivery is None else Response(status_code=202, headers=_SOON)


@our_router.get("/{hook_id}/deliveries")
def list_deliveries(call: CallDep, hook_id: str) -> Response:
    """One page of what a web hook was or is to be told, oldest first; ``state`` keeps those in one."""
    call.allow_query("skip", "top", "state")
    skip, top = paging(call)
    text = call.query.get("state")
    state = None if text is None else choice(DeliveryState, text, "state")
    hook = checked_id(hook_id, _NOUN)
    found = call.services.hook_deliveries.list(hook, state, skip=skip, top=top + 1)
    link = next_link(call, skip + top, top) if len(found) > top else None
    documents = [delivery_document(delivery, call.addresses) for delivery in found[:top]]
    return JSONResponse(page_document(documents, link))


@our_router.post("/{hook_id}/deliveries:replay")
def replay_dead_deliveries(call: CallDep, hook_id: str) -> Response:
    """Send all that was given up again."""
    call.allow_query()
    count = call.services.hook_deliveries.replay_dead(checked_id(hook_id, _NOUN))
    return JSONResponse({"replayed": count}, status_code=202)


@our_router.post("/{hook_id}/deliveries/{delivery_id}:replay")
def replay_delivery(call: CallDep, hook_id: str, delivery_id: str) -> Response:
    """Send one delivery again."""
    call.allow_query()
    hook, delivery = checked_id(hook_id, _NOUN), checked_id(delivery_id, "delivery")
    again = call.services.hook_deliveries.replay(hook, delivery)
    return JSONResponse(delivery_document(again, call.addresses), status_code=202)
