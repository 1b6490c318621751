"""The log of what web hooks were told, and sending it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tympan.domain.errors import InvalidStateError, NotFoundError
from tympan.domain.query import Compare, Query, every
from tympan.domain.web_hook import DeliveryState, HookDelivery, HookEvent
from tympan.ports.clock import Clock
from tympan.ports.store import Store
from tympan.usecases.web_hooks import confirmed_hook


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDeliveries:
    """What users can do with deliveries."""

    store: Store
    clock: Clock

    def list(
        self, hook_id: str, state: DeliveryState | None = None, *, skip: int = 0, top: int | None = None
    ) -> Sequence[HookDelivery]:
        """One page of what a web hook was or is to be told, oldest first.

        Raises:
            NotFoundError: There is no such web hook.
        """
        in_state = None if state is None else Compare("state", "eq", state)
        where = every(Compare("hook_id", "eq", hook_id), in_state)
        with self.store.read() as tx:
            tx.web_hooks.get(hook_id)
            return tx.hook_deliveries.list(Query(where=where, skip=skip, top=top))

    def replay(self, hook_id: str, delivery_id: str) -> HookDelivery:
        """Send a delivery again, at once, with the ids it had.

        One that waits for its next attempt is brought forward.

        Raises:
            NotFoundError: The web hook has no such delivery.
            InvalidStateError: It is a challenge, or the receiver has not answered one.
        """
        now = self.clock.now()
        with self.store.write() as tx:
            hook = tx.web_hooks.get(hook_id)
            delivery = tx.hook_deliveries.get(delivery_id)
            if delivery.hook_id != hook.id:
                raise NotFoundError(
                    f"Web hook '{hook.display_name}' has no delivery '{delivery_id}'. List its deliveries."
                )
            if delivery.event is HookEvent.CHALLENGE:
                raise InvalidStateError(
                    "A challenge is not sent again. An update of the web hook that names webUrl makes "
                    "a new one."
                )
            confirmed_hook(tx, hook_id)
            again = delivery.again(now)
            tx.hook_deliveries.save(again)
        return again

    def replay_dead(self, hook_id: str) -> int:
        """Send all that was given up again; returns how many there are.

        Raises:
            NotFoundError: There is no such web hook.
            InvalidStateError: Its receiver has not answered the challenge.
        """
        now = self.clock.now()
        dead = every(Compare("hook_id", "eq", hook_id), Compare("state", "eq", DeliveryState.DEAD))
        with self.store.write() as tx:
            confirmed_hook(tx, hook_id)
            found = [
                delivery
                for delivery in tx.hook_deliveries.list(Query(where=dead))
                if delivery.event is not HookEvent.CHALLENGE
            ]
            for delivery in found:
                tx.hook_deliveries.save(delivery.again(now))
        return len(found)
