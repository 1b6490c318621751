"""Sends one delivery to its receiver and judges the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tympan.domain.errors import FetchError
from tympan.domain.web_hook import HookDelivery, HookEvent, WebHook
from tympan.ports.clock import Clock
from tympan.ports.fetcher import Fetcher, Reply
from tympan.usecases.hook_outbox import GONE, Outcome
from tympan.wire.hook_messages import hook_message

_MAY_HEAL = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSender:
    """Brings deliveries to receivers.

    Attributes:
        public_url: Base URL of the server as set; None takes the one a hook was made through.
    """

    fetcher: Fetcher
    clock: Clock
    public_url: str | None = None

    def send(self, hook: WebHook, delivery: HookDelivery) -> Outcome:
        """Make one attempt."""
        base_url = (self.public_url or hook.base_url).rstrip("/")
        message = hook_message(hook, delivery, base_url, self.clock.now())
        is_challenge = delivery.event is HookEvent.CHALLENGE
        try:
            reply = self.fetcher.send(message.url, message.body, message.headers)
        except FetchError as error:
            # A receiver that was there once may come back, whatever keeps it away now.
            reason = error.message.replace("The source", "The receiver", 1)
            return Outcome(error=reason, may_heal=error.is_transient or not is_challenge)
        if is_challenge:
            return _judged_challenge(reply, delivery.token or "")
        return _judged(reply, self.clock.now())


def _judged(reply: Reply, now: datetime) -> Outcome:
    if reply.status // 100 == 2:  # noqa: PLR2004  all successes
        return Outcome(status=reply.status)
    if reply.status == GONE:
        error = "The receiver says that it is gone for good (status 410), so this is not tried again."
        return Outcome(status=reply.status, error=error, may_heal=False)
    asked_s = _asked_pause_s(reply.headers.get("retry-after", ""), now)
    return Outcome(status=reply.status, error=_not_taken(reply.status), asked_s=asked_s)


def _judged_challenge(reply: Reply, token: str) -> Outcome:
    if reply.status != 200:  # noqa: PLR2004  as published: no other success
        may_heal = reply.status in _MAY_HEAL
        return Outcome(status=reply.status, error=_not_taken(reply.status), may_heal=may_heal)
    if reply.body.strip() != token.encode():
        error = (
            "It must answer with status 200 and the value of validationToken as the body, and nothing else."
        )
        return Outcome(status=reply.status, error=error, may_heal=False)
    return Outcome(status=reply.status)


def _not_taken(status: int) -> str:
    if status // 100 == 3:  # noqa: PLR2004  redirects
        return f"The receiver answered with status {status}; redirects are not followed. Name its final URL."
    return f"The receiver answered with status {status}."


def _asked_pause_s(text: str, now: datetime) -> float:
    """Seconds of a ``Retry-After`` header, which says a number or a time; 0 when it says neither.

    Source: RFC 9110, section 10.2.3.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text), 7 * 24 * 3600))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
