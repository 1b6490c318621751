"""Builds what a worker does for web hooks."""

from __future__ import annotations

from datetime import timedelta

from tympan.app.foundation import Foundation
from tympan.backends.fetch.fetcher import HttpFetcher
from tympan.domain.web_hook import RetryRule
from tympan.usecases.hook_outbox import HookOutbox
from tympan.worker.hook_lanes import HookLanes
from tympan.worker.hook_sender import HookSender
from tympan.worker.housekeeping import Chore

_SWEEP_S = 3600.0
_SLACK_S = 10.0


def hook_chores(base: Foundation) -> list[Chore]:
    """Sending what is due, and forgetting what ended long ago."""
    settings = base.settings
    outbox = HookOutbox(
        store=base.store,
        clock=base.clock,
        # An attempt that runs may take its whole time for the answer and still be recorded.
        lease_s=2 * settings.hook_answer_s + _SLACK_S,
        rule=RetryRule(first_s=settings.hook_retry_first_s, total_s=settings.hook_retry_total_s),
    )
    fetcher = HttpFetcher(base.http, reply_s=settings.hook_answer_s)
    sender = HookSender(fetcher=fetcher, clock=base.clock, public_url=settings.public_url)
    lanes = HookLanes(outbox=outbox, sender=sender, at_once=settings.hooks_at_once)

    def forget() -> None:
        now = base.clock.now()
        outbox.remove_old(
            delivered_before=now - timedelta(days=settings.hook_keep_delivered_days),
            dead_before=now - timedelta(days=settings.hook_keep_dead_days),
        )

    return [
        Chore(name="web hooks", every_s=settings.poll_s, run=lanes.run),
        Chore(name="web hook log", every_s=_SWEEP_S, run=forget),
    ]
