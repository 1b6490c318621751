"""Endpoints: deployed models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from tympan.domain.resource import Failure, Status, WorkedResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(WorkedResource):
    """A model that clients can call under a stable id.

    ``model_id`` is what the owner wants; ``serving_model_id`` is what answers. They differ
    while a change of model is under way, so the old model serves until the new one is warm.

    Attributes:
        model_id: The model the owner asked for.
        serving_model_id: The model that answers requests; None before the first deployment.
        is_logging: Whether audio and results are kept.
        is_suspended: Requests are refused; the id and keys stay.
        has_logged: Logging was on at some time, or a request asked for it: there may be logs.
        time_to_live_s: The endpoint is deleted so long after its newest deployment ended; None never.
        completed_at: When that was; None while it is being deployed for the first time.
    """

    model_id: str
    serving_model_id: str | None = None
    is_logging: bool = False
    is_suspended: bool = False
    has_logged: bool = False
    time_to_live_s: int | None = None
    completed_at: datetime | None = None

    def deployed(self, now: datetime) -> Self:
        """The endpoint once its wanted model is warm."""
        return replace(
            self,
            status=Status.SUCCEEDED,
            failure=None,
            serving_model_id=self.model_id,
            completed_at=now,
            last_action_at=now,
        )

    def failed(self, now: datetime, failure: Failure) -> Self:
        """The endpoint after its deployment has failed; what served before goes on serving."""
        return replace(self, status=Status.FAILED, failure=failure, completed_at=now, last_action_at=now)

    @property
    def deleted_at(self) -> datetime | None:
        """When its time to live is over; None while that is not known."""
        if self.time_to_live_s is None or self.completed_at is None or not self.status.is_terminal:
            return None
        return self.completed_at + timedelta(seconds=self.time_to_live_s)
