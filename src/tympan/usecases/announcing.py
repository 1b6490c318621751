"""Announcing: what happens to resources becomes deliveries to web hooks, in the same transaction.

Wrapped around the store of every process, so that it does not matter who makes a change.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, Protocol, TypeVar, cast

from tympan.domain.query import EVERYTHING, Filter, Query
from tympan.domain.resource import Status
from tympan.domain.web_hook import ENTITY_WORDS, Happening, HookDelivery, WebHook, event_of
from tympan.ports.clock import Clock
from tympan.ports.store import Repository, Store, Transaction


class Announced(Protocol):
    """What of an entity is looked at."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def status(self) -> Status:
        """Where its work stands."""
        ...

    @property
    def api_version(self) -> str:
        """The version it was made through."""
        ...


A = TypeVar("A", bound=Announced)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncingStore:
    """A store that tells web hooks of every change to the entities they can hear of.

    Creation, processing (the status becomes ``Running``), completion (it becomes
    ``Succeeded`` or ``Failed``) and deletion each become one delivery for each web hook that
    wants it, written by the transaction that makes the change: none is announced that did
    not happen, and none that happened is forgotten. Where there are no web hooks it costs
    one look into an empty table per transaction that changes such an entity.

    Attributes:
        store: Keeps everything.
        clock: Stamps the deliveries.
        is_for_all_versions: Web hooks hear of all entities; else only of those made through
            their own version of the API, as published.
    """

    store: Store
    clock: Clock
    is_for_all_versions: bool = False

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that may write, and announces what it changes when it ends."""
        return self._write()

    @contextmanager
    def _write(self) -> Iterator[Transaction]:
        with self.store.write() as tx:
            notes = _Notes(tx, is_for_all_versions=self.is_for_all_versions)
            yield cast("Transaction", _AnnouncingTransaction(tx, notes))
            notes.write(self.clock)

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent snapshot."""
        return self.store.read()

    def ping(self) -> None:
        """Reach the database.

        Raises:
            UnavailableError: It cannot be reached.
        """
        self.store.ping()


@dataclass(slots=True)
class _Notes:
    """What one transaction has to announce, in order."""

    tx: Transaction
    is_for_all_versions: bool
    taken: list[tuple[str, Happening, Announced]] = field(default_factory=list)
    _hooks: Sequence[WebHook] | None = None

    @property
    def hooks(self) -> Sequence[WebHook]:
        """All web hooks, read once per transaction and only when something changes."""
        if self._hooks is None:
            # Counting none costs half of what listing none does.
            self._hooks = self.tx.web_hooks.list() if self.tx.web_hooks.count() else ()
        return self._hooks

    def write(self, clock: Clock) -> None:
        """Write a delivery for each note and each web hook that wants it."""
        if not self.taken:
            return
        now = clock.now()
        for place, (collection, happening, entity) in enumerate(self.taken):
            # A microsecond apart, so that they leave in the order in which they happened.
            moment = now + timedelta(microseconds=place)
            for hook in self.hooks:
                is_own = self.is_for_all_versions or hook.api_version == entity.api_version
                if is_own and hook.wants(event_of(collection, happening)):
                    self.tx.hook_deliveries.add(
                        HookDelivery(
                            id=str(uuid.uuid4()),
                            hook_id=hook.id,
                            event=event_of(collection, happening),
                            collection=collection,
                            entity_id=entity.id,
                            created_at=moment,
                            next_attempt_at=moment,
                        )
                    )


class _AnnouncingTransaction:
    """The repositories of a transaction, those of ``ENTITY_WORDS`` watched."""

    def __init__(self, tx: Transaction, notes: _Notes) -> None:
        self._tx = tx
        self._notes = notes
        self._watched: dict[str, object] = {}

    def __getattr__(self, name: str) -> object:
        if name not in ENTITY_WORDS:
            return getattr(self._tx, name)
        if name not in self._watched:
            self._watched[name] = _WatchedRepository(getattr(self._tx, name), name, self._notes)
        return self._watched[name]


class _WatchedRepository(Generic[A]):
    """One repository whose changes are noted."""

    def __init__(self, inner: Repository[A], collection: str, notes: _Notes) -> None:
        self._inner = inner
        self._collection = collection
        self._notes = notes
        self._statuses: dict[str, Status] = {}

    def __getattr__(self, name: str) -> object:
        # Whatever else a repository can do changes no entity's status.
        return getattr(self._inner, name)

    def add(self, entity: A) -> None:
        """Insert a new entity; one that is complete already is announced as such too."""
        self._inner.add(entity)
        self._statuses[entity.id] = entity.status
        self._note(entity, Happening.CREATION, *_change(Status.NOT_STARTED, entity.status))

    def find(self, entity_id: str) -> A | None:
        """The entity, or None."""
        entity = self._inner.find(entity_id)
        if entity is not None:
            self._statuses.setdefault(entity.id, entity.status)
        return entity

    def get(self, entity_id: str) -> A:
        """The entity."""
        entity = self._inner.get(entity_id)
        self._statuses.setdefault(entity.id, entity.status)
        return entity

    def save(self, entity: A) -> None:
        """Replace the stored entity of the same id."""
        if entity.id not in self._statuses and self._notes.hooks:
            self.find(entity.id)
        before = self._statuses.get(entity.id, entity.status)
        self._inner.save(entity)
        self._statuses[entity.id] = entity.status
        self._note(entity, *_change(before, entity.status))

    def delete(self, entity_id: str) -> bool:
        """Remove the entity; False when there was none."""
        entity = self._inner.find(entity_id) if self._notes.hooks else None
        is_deleted = self._inner.delete(entity_id)
        if entity is not None:
            self._note(entity, Happening.DELETION)
        return is_deleted

    def list(self, query: Query = EVERYTHING) -> Sequence[A]:
        """One page."""
        return self._inner.list(query)

    def count(self, where: Filter | None = None) -> int:
        """How many entities the filter keeps."""
        return self._inner.count(where)

    def _note(self, entity: A, *happenings: Happening) -> None:
        if happenings and is_listed(entity) and self._notes.hooks:
            self._notes.taken += [(self._collection, happening, entity) for happening in happenings]


def is_listed(entity: object) -> bool:
    """Whether lists show an entity: not what only stands behind an evaluation."""
    return getattr(entity, "evaluation_id", None) is None


_ENTERED: Mapping[Status, Happening] = {
    Status.RUNNING: Happening.PROCESSING,
    Status.SUCCEEDED: Happening.COMPLETION,
    Status.FAILED: Happening.COMPLETION,
}


def _change(before: Status, after: Status) -> tuple[Happening, ...]:
    happening = _ENTERED.get(after)
    return (happening,) if happening is not None and before is not after else ()
