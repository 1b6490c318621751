"""Web hooks: registering receivers, changing them, pinging and testing them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tympan.domain.errors import FetchError, InvalidInputError, InvalidStateError
from tympan.domain.query import EVERYTHING, Compare, Query, every
from tympan.domain.resource import Status
from tympan.domain.web_hook import DeliveryState, HookDelivery, HookEvent, WebHook
from tympan.ports.clock import Clock
from tympan.ports.fetcher import Fetcher
from tympan.ports.store import Store, Transaction
from tympan.usecases.change import UNCHANGED, Unchanged, changed
from tympan.usecases.hook_occasions import last_occasion
from tympan.usecases.resource_rules import checked_name, checked_properties

_LONGEST_SECRET = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebHook:
    """What it takes to register a web hook.

    Attributes:
        base_url: Scheme and host that the request came through.
    """

    display_name: str
    web_url: str
    events: tuple[HookEvent, ...]
    base_url: str
    secret: str | None = None
    description: str | None = None
    custom_properties: Mapping[str, str] = field(default_factory=dict)
    api_version: str = "v3.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebHookChange:
    """What an update may change.

    Attributes:
        events: Those named, each with whether it is wanted from now on; others stay.
        secret: None signs no more.
    """

    display_name: str | Unchanged = UNCHANGED
    description: str | Unchanged | None = UNCHANGED
    custom_properties: Mapping[str, str] | Unchanged = UNCHANGED
    web_url: str | Unchanged = UNCHANGED
    events: Mapping[HookEvent, bool] = field(default_factory=dict)
    secret: str | Unchanged | None = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class WebHooks:
    """What users can do with web hooks.

    Attributes:
        fetcher: Says which addresses may be called at all.
        is_for_all_versions: Web hooks hear of entities of every version.
    """

    store: Store
    clock: Clock
    fetcher: Fetcher
    is_for_all_versions: bool = False

    def create(self, new: NewWebHook) -> WebHook:
        """Register a receiver and challenge it.

        Hook and challenge are written in one transaction. It is told nothing before its
        receiver has answered the challenge.

        Raises:
            InvalidInputError: Name or custom properties break a rule, the secret is too
                long, or the URL may not be called (code ``InvalidCallbackUri``).

        Source:
            Speech to text REST v3.2, operation ``WebHooks_Create``.
        """
        now = self.clock.now()
        self._check_url(new.web_url)
        hook = WebHook(
            id=str(uuid.uuid4()),
            display_name=checked_name(new.display_name),
            description=new.description,
            web_url=new.web_url,
            events=new.events,
            secret=_checked_secret(new.secret),
            custom_properties=checked_properties(new.custom_properties),
            api_version=new.api_version,
            base_url=new.base_url,
            created_at=now,
            last_action_at=now,
        )
        with self.store.write() as tx:
            hook = _challenged(tx, hook, now)
            tx.web_hooks.add(hook)
        return hook

    def get(self, hook_id: str) -> WebHook:
        """The web hook.

        Raises:
            NotFoundError: There is none.
        """
        with self.store.read() as tx:
            return tx.web_hooks.get(hook_id)

    def list(self, query: Query = EVERYTHING) -> Sequence[WebHook]:
        """One page of web hooks."""
        with self.store.read() as tx:
            return tx.web_hooks.list(query)

    def update(self, hook_id: str, change: WebHookChange) -> WebHook:
        """Change a web hook.

        Another URL is challenged before it is told anything; what happens meanwhile is kept
        for it. Naming the URL of a hook that has failed challenges it again. A new secret
        signs at once, the one before beside it for a day.

        Raises:
            NotFoundError: There is no such web hook.
            InvalidInputError: As for ``create``.
        """
        now = self.clock.now()
        if not isinstance(change.web_url, Unchanged):
            self._check_url(change.web_url)
        with self.store.write() as tx:
            before = tx.web_hooks.get(hook_id)
            hook = replace(
                before,
                display_name=checked_name(changed(before.display_name, change.display_name)),
                description=changed(before.description, change.description),
                custom_properties=checked_properties(
                    changed(before.custom_properties, change.custom_properties)
                ),
                web_url=changed(before.web_url, change.web_url),
                events=tuple(
                    event for event in HookEvent if change.events.get(event, event in before.events)
                ),
            ).signed_with(now, _checked_secret(changed(before.secret, change.secret)))
            is_named = not isinstance(change.web_url, Unchanged)
            if hook.web_url != before.web_url or (is_named and before.status is Status.FAILED):
                hook = _challenged(tx, hook, now)
            tx.web_hooks.save(hook)
        return hook

    def delete(self, hook_id: str) -> None:
        """Forget a web hook and all that it was to be told; harmless when there is none."""
        with self.store.write() as tx:
            tx.hook_deliveries.discard(Compare("hook_id", "eq", hook_id))
            tx.web_hooks.delete(hook_id)

    def ping(self, hook_id: str) -> HookDelivery:
        """Send the web hook itself to its receiver.

        Raises:
            NotFoundError: There is no such web hook.
            InvalidStateError: Its receiver has not answered the challenge.
        """
        now = self.clock.now()
        with self.store.write() as tx:
            hook = confirmed_hook(tx, hook_id)
            return _added(tx, hook, HookEvent.PING, now)

    def test(self, hook_id: str) -> HookDelivery | None:
        """Send the event that happened last among those the hook wants, once more.

        Returns:
            The delivery; None where nothing has happened yet that the hook would be told.

        Raises:
            NotFoundError: There is no such web hook.
            InvalidStateError: Its receiver has not answered the challenge.
        """
        now = self.clock.now()
        with self.store.write() as tx:
            hook = confirmed_hook(tx, hook_id)
            occasion = last_occasion(tx, hook, is_for_all_versions=self.is_for_all_versions)
            if occasion is None:
                return None
            event, collection, entity_id = occasion
            return _added(tx, hook, event, now, collection=collection, entity_id=entity_id)

    def _check_url(self, url: str) -> None:
        try:
            self.fetcher.check(url)
        except FetchError as error:
            raise InvalidInputError(
                f"webUrl: {error.message}", code="InvalidCallbackUri", target="webUrl"
            ) from error


def confirmed_hook(tx: Transaction, hook_id: str) -> WebHook:
    """A web hook whose receiver has answered the challenge.

    Raises:
        NotFoundError: There is no such web hook.
        InvalidStateError: It has not been answered.
    """
    hook = tx.web_hooks.get(hook_id)
    if not hook.is_confirmed:
        why = f" ({hook.failure.message})" if hook.failure is not None else ""
        raise InvalidStateError(
            f"Web hook '{hook.display_name}' is {hook.status}{why}; nothing is sent before its receiver has "
            "answered the challenge. An update that names webUrl challenges it again."
        )
    return hook


def _challenged(tx: Transaction, hook: WebHook, now: datetime) -> WebHook:
    """The hook with a new challenge in place of the one before."""
    if hook.challenge_id is not None:
        tx.hook_deliveries.delete(hook.challenge_id)
    challenge = _added(tx, hook, HookEvent.CHALLENGE, now, token=secrets.token_urlsafe(24))
    return hook.challenged(now, challenge.id)


def _added(
    tx: Transaction,
    hook: WebHook,
    event: HookEvent,
    now: datetime,
    **members: str,
) -> HookDelivery:
    delivery = HookDelivery(
        id=str(uuid.uuid4()),
        hook_id=hook.id,
        event=event,
        collection=members.get("collection"),
        entity_id=members.get("entity_id"),
        token=members.get("token"),
        created_at=now,
        next_attempt_at=now,
    )
    tx.hook_deliveries.add(delivery)
    return delivery


def _checked_secret(secret: str | None) -> str | None:
    if secret is not None and len(secret) > _LONGEST_SECRET:
        raise InvalidInputError(
            f"The secret has {len(secret)} characters; at most {_LONGEST_SECRET} are kept.",
            target="properties.secret",
        )
    return secret or None


def waiting_for(hook_id: str) -> Query:
    """What a web hook is still to be told."""
    waiting = Compare("state", "eq", DeliveryState.WAITING)
    return Query(where=every(Compare("hook_id", "eq", hook_id), waiting))
