"""The last thing that a web hook would have been told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from tympan.domain.query import Compare, Filter, Or, Query
from tympan.domain.resource import Status, WorkedResource
from tympan.domain.web_hook import ENTITY_WORDS, Happening, HookDelivery, HookEvent, WebHook, event_of
from tympan.ports.store import Repository, Transaction
from tympan.usecases.announcing import is_listed

_PAGE = 50
_STATES: dict[Happening, Filter | None] = {
    Happening.CREATION: None,
    Happening.PROCESSING: Compare("status", "eq", Status.RUNNING),
    Happening.COMPLETION: Or(
        Compare("status", "eq", Status.SUCCEEDED), Compare("status", "eq", Status.FAILED)
    ),
}

Occasion = tuple[HookEvent, str, str]
"""Event, collection, and id of the entity."""


def last_occasion(tx: Transaction, hook: WebHook, *, is_for_all_versions: bool) -> Occasion | None:
    """What happened last to an entity that still is there; else what the hook was told last."""
    found = [
        (entity.last_action_at, event, collection, entity.id)
        for collection in ENTITY_WORDS
        for happening, where in _STATES.items()
        if (event := event_of(collection, happening)) in hook.events
        for entity in _newest(tx, collection, where, None if is_for_all_versions else hook.api_version)
    ]
    if found:
        # Of the events of one entity the later stage counts.
        _, event, collection, entity_id = max(found, key=lambda one: (one[0], list(HookEvent).index(one[1])))
        return event, collection, entity_id
    return _told(tx, hook)


def _newest(
    tx: Transaction, collection: str, where: Filter | None, version: str | None
) -> Iterator[WorkedResource]:
    """The newest entity that a filter keeps, if there is one; lists are read from their end."""
    repository = cast("Repository[WorkedResource]", getattr(tx, collection))
    end = repository.count(where)
    while end > 0:
        start = max(0, end - _PAGE)
        for entity in reversed(repository.list(Query(where=where, skip=start, top=end - start))):
            if version in (None, entity.api_version) and is_listed(entity):
                yield entity
                return
        end = start


def _told(tx: Transaction, hook: WebHook) -> Occasion | None:
    """What the hook was told last, such as a deletion, of which no entity is left."""
    where = Compare("hook_id", "eq", hook.id)
    end = tx.hook_deliveries.count(where)
    while end > 0:
        start = max(0, end - _PAGE)
        page = tx.hook_deliveries.list(Query(where=where, skip=start, top=end - start))
        for delivery in reversed(page):
            occasion = _occasion(delivery)
            if occasion is not None and delivery.event in hook.events:
                return occasion
        end = start
    return None


def _occasion(delivery: HookDelivery) -> Occasion | None:
    if delivery.collection is None or delivery.entity_id is None:
        return None
    return delivery.event, delivery.collection, delivery.entity_id
