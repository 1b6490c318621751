"""Endpoints: deployed models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from tympan.domain.resource import Status, WorkedResource


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
    """

    model_id: str
    serving_model_id: str | None = None
    is_logging: bool = False
    is_suspended: bool = False

    def deployed(self, now: datetime) -> Self:
        """The endpoint once its wanted model is warm."""
        return replace(
            self,
            status=Status.SUCCEEDED,
            failure=None,
            serving_model_id=self.model_id,
            last_action_at=now,
        )
