"""Web hook documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, cast

from tympan.domain.errors import InvalidInputError
from tympan.domain.web_hook import HookEvent, WebHook
from tympan.wire.addresses import Addresses, reference
from tympan.wire.bodies import Body
from tympan.wire.management.entities import ChangedMembers, changed_members, failure_document
from tympan.wire.values import Document, is_storable, present, timestamp
from tympan.wire.versions import ApiVersion

MASK = "********"
"""Stands where a secret is; sent back in an update, it leaves the secret as it is."""


def _member(event: HookEvent) -> str:
    return event.value[0].lower() + event.value[1:]


_EVENTS = {_member(event).lower(): event for event in HookEvent}


class NewWebHookMembers(TypedDict):
    """What a web hook takes."""

    api_version: str
    display_name: str
    description: str | None
    custom_properties: Mapping[str, str]
    web_url: str
    events: tuple[HookEvent, ...]
    secret: str | None


class ChangedWebHookMembers(ChangedMembers, total=False):
    """What a web hook lets its owner change."""

    web_url: str
    events: Mapping[HookEvent, bool]
    secret: str | None


def new_web_hook_members(body: Body, version: ApiVersion) -> NewWebHookMembers:
    """Read the members of a web hook to create.

    Raises:
        InvalidInputError: A required member is absent or wrong, or an event is not known
            (code ``InvalidWebHookEventKind``).
    """
    if "events" not in body:
        raise InvalidInputError("events is required.", target="events")
    return {
        "api_version": version.value,
        "display_name": body.required("displayName"),
        "description": body.text("description"),
        "custom_properties": body.properties(),
        "web_url": body.required("webUrl"),
        "events": tuple(event for event, is_wanted in _events(body).items() if is_wanted),
        "secret": body.part("properties").text("secret") or None,
    }


def changed_web_hook_members(body: Body, current: WebHook) -> ChangedWebHookMembers:
    """Read an update of a web hook; one without a secret takes the signature away, as published."""
    changes = cast("ChangedWebHookMembers", changed_members(body, current.custom_properties))
    web_url = body.text("webUrl")
    if web_url is not None:
        changes["web_url"] = web_url
    changes["events"] = _events(body)
    secret = body.part("properties").text("secret")
    if secret != MASK:
        changes["secret"] = secret or None
    return changes


def _events(body: Body) -> dict[HookEvent, bool]:
    given = body.part("events")
    found: dict[HookEvent, bool] = {}
    for name in given.members:
        event = _EVENTS.get(name.lower())
        if event is None:
            known = ", ".join(map(_member, HookEvent))
            shown = name[:64] if is_storable(name) else "(unreadable)"
            raise InvalidInputError(
                f"events.{shown} is not known. Use some of: {known}.",
                code="InvalidWebHookEventKind",
                target="events",
            )
        found[event] = given.flag(name) or False
    return {event: found[event] for event in HookEvent if event in found}


def web_hook_document(hook: WebHook, addresses: Addresses) -> Document:
    """A web hook as clients see it; its secret is masked."""
    # Required, so that it stays also when it is empty.
    events = {"events": {_member(event): True for event in hook.events}}
    return events | present(
        {
            "self": addresses.management("webhooks", hook.id),
            "displayName": hook.display_name,
            "description": hook.description or None,
            "webUrl": hook.web_url,
            "links": {"ping": _action(hook, "ping", addresses), "test": _action(hook, "test", addresses)},
            "properties": present(
                {
                    "apiVersion": ApiVersion(hook.api_version).label,
                    "secret": None if hook.secret is None else MASK,
                    "error": failure_document(hook.failure),
                }
            ),
            "customProperties": dict(hook.custom_properties),
            "createdDateTime": timestamp(hook.created_at),
            "lastActionDateTime": timestamp(hook.last_action_at),
            "status": hook.status.value,
            "tympan": {"deliveries": reference(addresses.ours("webhooks", hook.id, "deliveries"))},
        }
    )


def _action(hook: WebHook, action: str, addresses: Addresses) -> str:
    # v3.0 wrote with a slash what later versions write with a colon.
    if addresses.version is ApiVersion.V3_0:
        return addresses.management("webhooks", hook.id, action)
    return addresses.management("webhooks", f"{hook.id}:{action}")
