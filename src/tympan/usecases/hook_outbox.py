"""What is still to be told to web hooks: claimed, sent by others, settled."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tympan.domain.query import And, Compare, Filter, Query, every
from tympan.domain.resource import Failure
from tympan.domain.web_hook import DeliveryState, HookDelivery, HookEvent, RetryRule, WebHook
from tympan.ports.clock import Clock
from tympan.ports.store import Store, Transaction
from tympan.usecases.web_hooks import waiting_for

GONE = 410
_CHALLENGE_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attempt.

    Attributes:
        status: HTTP status of the receiver's answer; None when there was none.
        error: Why it did not succeed, for the owner; None when it did.
        may_heal: Whether another attempt can succeed.
        asked_s: The shortest pause the receiver asks for.
    """

    status: int | None = None
    error: str | None = None
    may_heal: bool = True
    asked_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HookOutbox:
    """Hands out what is due, and records what became of it.

    Safe with several workers: a delivery is handed out by a change of its row, to one of
    them, for a time. An outcome that comes after that time counts only if nobody else has
    begun another attempt. So each delivery is sent at least once.

    Attributes:
        lease_s: After so long, an attempt without an outcome is taken for lost.
        rule: When to try again.
        chance: A number from 0 to 1; spreads pauses.
    """

    store: Store
    clock: Clock
    lease_s: float = 60.0
    rule: RetryRule = field(default_factory=RetryRule)
    chance: Callable[[], float] = random.random

    def hooks_due(self, busy: Collection[str] = ()) -> Sequence[str]:
        """Ids of web hooks for which something is due; one short look when nothing is.

        Args:
            busy: Ids that need not be looked at.
        """
        now = self.clock.now()
        with self.store.read() as tx:
            if not tx.hook_deliveries.count(_due(now)):
                return ()
            found = [hook for hook in tx.web_hooks.list() if hook.id not in busy]
            return [
                hook.id for hook in found if hook.may_be_sent and tx.hook_deliveries.count(_due_of(hook, now))
            ]

    def claim(self, hook_id: str) -> tuple[WebHook, HookDelivery] | None:
        """Begin an attempt at the oldest delivery that is due; None when none is."""
        now = self.clock.now()
        with self.store.write() as tx:
            hook = tx.web_hooks.find(hook_id)
            if hook is None or not hook.may_be_sent:
                return None
            oldest = tx.hook_deliveries.list(Query(where=_due_of(hook, now), top=1))
            # On PostgreSQL another worker may have taken it until its row is locked.
            delivery = tx.hook_deliveries.find(oldest[0].id) if oldest else None
            if delivery is None or not delivery.is_due(now):
                return None
            begun = delivery.begun(now, self.lease_s)
            tx.hook_deliveries.save(begun)
        return hook, begun

    def settle(self, begun: HookDelivery, outcome: Outcome) -> HookDelivery | None:
        """Record what became of an attempt; None when it does not count any more."""
        now = self.clock.now()
        with self.store.write() as tx:
            delivery = tx.hook_deliveries.find(begun.id)
            if delivery is None or delivery.attempts != begun.attempts:
                return None
            if delivery.state is not DeliveryState.WAITING:
                return None
            settled = self._settled(delivery, outcome, now)
            tx.hook_deliveries.save(settled)
            if settled.event is HookEvent.CHALLENGE:
                _settle_challenge(tx, settled, now)
        return settled

    def _settled(self, delivery: HookDelivery, outcome: Outcome, now: datetime) -> HookDelivery:
        if outcome.error is None:
            return delivery.delivered(now, outcome.status)
        again = None
        tries_left = delivery.event is not HookEvent.CHALLENGE or delivery.attempts < _CHALLENGE_ATTEMPTS
        if outcome.may_heal and tries_left:
            again = self.rule.next_attempt(delivery, now, chance=self.chance(), asked_s=outcome.asked_s)
        if again is None:
            return delivery.given_up(now, outcome.status, outcome.error)
        return delivery.postponed(again, outcome.status, outcome.error)

    def remove_old(self, *, delivered_before: datetime, dead_before: datetime) -> int:
        """Remove deliveries that ended long ago; returns how many."""
        with self.store.write() as tx:
            ended = (
                _ended(DeliveryState.DELIVERED, delivered_before),
                _ended(DeliveryState.DEAD, dead_before),
            )
            return sum(tx.hook_deliveries.discard(where) for where in ended)


def _due(now: datetime) -> Filter | None:
    waiting = Compare("state", "eq", DeliveryState.WAITING)
    return every(waiting, Compare("next_attempt_at", "le", now))


def _due_of(hook: WebHook, now: datetime) -> Filter | None:
    """What may be sent to a web hook: only the challenge until that is answered."""
    only = Compare("id", "eq", hook.challenge_id) if hook.challenge_id is not None else None
    return every(Compare("hook_id", "eq", hook.id), _due(now), only)


def _settle_challenge(tx: Transaction, challenge: HookDelivery, now: datetime) -> None:
    """Let the web hook follow its challenge."""
    hook = tx.web_hooks.find(challenge.hook_id)
    if hook is None or hook.challenge_id != challenge.id or challenge.state is DeliveryState.WAITING:
        return
    if challenge.state is DeliveryState.DELIVERED:
        tx.web_hooks.save(hook.confirmed(now))
        return
    message = f"The receiver did not answer the challenge. {challenge.last_error}"
    tx.web_hooks.save(hook.refused(now, Failure(code="InvalidCallbackUri", message=message)))
    for delivery in tx.hook_deliveries.list(waiting_for(hook.id)):
        tx.hook_deliveries.save(delivery.given_up(now, delivery.last_status, message))


def _ended(state: DeliveryState, before: datetime) -> Filter:
    return And(Compare("state", "eq", state), Compare("finished_at", "lt", before))
