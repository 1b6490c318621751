"""Web hooks: addresses that are told what happens, and what they are still to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from tympan.domain.resource import Failure, Status

SECRET_OVERLAP = timedelta(hours=24)
"""For how long a replaced secret signs beside the new one, so that receivers can change over."""


class HookEvent(StrEnum):
    """What a web hook may be told; spelled as in the header of a delivery."""

    DATASET_CREATION = "DatasetCreation"
    DATASET_PROCESSING = "DatasetProcessing"
    DATASET_COMPLETION = "DatasetCompletion"
    DATASET_DELETION = "DatasetDeletion"
    MODEL_CREATION = "ModelCreation"
    MODEL_PROCESSING = "ModelProcessing"
    MODEL_COMPLETION = "ModelCompletion"
    MODEL_DELETION = "ModelDeletion"
    EVALUATION_CREATION = "EvaluationCreation"
    EVALUATION_PROCESSING = "EvaluationProcessing"
    EVALUATION_COMPLETION = "EvaluationCompletion"
    EVALUATION_DELETION = "EvaluationDeletion"
    TRANSCRIPTION_CREATION = "TranscriptionCreation"
    TRANSCRIPTION_PROCESSING = "TranscriptionProcessing"
    TRANSCRIPTION_COMPLETION = "TranscriptionCompletion"
    TRANSCRIPTION_DELETION = "TranscriptionDeletion"
    ENDPOINT_CREATION = "EndpointCreation"
    ENDPOINT_PROCESSING = "EndpointProcessing"
    ENDPOINT_COMPLETION = "EndpointCompletion"
    ENDPOINT_DELETION = "EndpointDeletion"
    PING = "Ping"
    CHALLENGE = "Challenge"


class Happening(StrEnum):
    """What happens to an entity; with the word for its type it names an event."""

    CREATION = "Creation"
    PROCESSING = "Processing"
    COMPLETION = "Completion"
    DELETION = "Deletion"


ENTITY_WORDS: Mapping[str, str] = {
    "datasets": "Dataset",
    "models": "Model",
    "evaluations": "Evaluation",
    "transcriptions": "Transcription",
    "endpoints": "Endpoint",
}
"""The collections whose entities are announced, with the word for one."""


def event_of(collection: str, happening: Happening) -> HookEvent:
    """The event for what happened to an entity of a collection.

    >>> event_of("datasets", Happening.DELETION).value
    'DatasetDeletion'
    """
    return HookEvent(ENTITY_WORDS[collection] + happening)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebHook:
    """An address of the owner that is told of events by POST.

    Attributes:
        id: UUID, lower case.
        display_name: The owner's name for it.
        web_url: Where events are sent.
        events: What it is told.
        secret: Signs what is sent; kept as it is, since signing needs it, and never shown.
        former_secret: The secret before; it signs too until ``former_secret_until``.
        status: ``NotStarted`` until the receiver has answered the challenge for this URL.
        failure: Set exactly when ``status`` is ``Failed``.
        was_confirmed: An earlier URL has answered its challenge: what happens while the new
            one is challenged is kept for it.
        challenge_id: The delivery that challenges the present URL.
        api_version: The published version it was made through; it is told of entities of the
            same version, in its words.
        base_url: Scheme and host it was made through; URLs in events begin with it.
    """

    id: str
    display_name: str
    description: str | None = None
    web_url: str
    events: tuple[HookEvent, ...] = ()
    secret: str | None = field(default=None, repr=False)
    former_secret: str | None = field(default=None, repr=False)
    former_secret_until: datetime | None = None
    custom_properties: Mapping[str, str] = field(default_factory=dict)
    status: Status = Status.NOT_STARTED
    failure: Failure | None = None
    was_confirmed: bool = False
    challenge_id: str | None = None
    api_version: str = "v3.2"
    base_url: str
    created_at: datetime
    last_action_at: datetime

    @property
    def is_confirmed(self) -> bool:
        """Whether events may be sent."""
        return self.status is Status.SUCCEEDED

    @property
    def may_be_sent(self) -> bool:
        """Whether anything may be sent at all, be it only the challenge."""
        return self.is_confirmed or self.challenge_id is not None

    def wants(self, event: HookEvent) -> bool:
        """Whether an event of its version is kept for it."""
        is_waiting = self.status is Status.NOT_STARTED and self.was_confirmed
        return event in self.events and (self.is_confirmed or is_waiting)

    def challenged(self, now: datetime, challenge_id: str) -> Self:
        """The hook while its URL is being challenged."""
        return replace(
            self, status=Status.NOT_STARTED, failure=None, challenge_id=challenge_id, last_action_at=now
        )

    def confirmed(self, now: datetime) -> Self:
        """The hook once its receiver has answered the challenge."""
        return replace(
            self,
            status=Status.SUCCEEDED,
            failure=None,
            was_confirmed=True,
            challenge_id=None,
            last_action_at=now,
        )

    def refused(self, now: datetime, failure: Failure) -> Self:
        """The hook after its receiver has not answered the challenge."""
        return replace(
            self,
            status=Status.FAILED,
            failure=failure,
            was_confirmed=False,
            challenge_id=None,
            last_action_at=now,
        )

    def signed_with(self, now: datetime, secret: str | None) -> Self:
        """The hook with another secret; None signs no more, from now on."""
        if secret == self.secret:
            return self
        former = self.secret if secret is not None else None
        until = None if former is None else now + SECRET_OVERLAP
        return replace(self, secret=secret, former_secret=former, former_secret_until=until)

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """What signs at a moment, the newest first."""
        found = [] if self.secret is None else [self.secret]
        if self.former_secret is not None and self.former_secret_until and now < self.former_secret_until:
            found.append(self.former_secret)
        return tuple(found)


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDelivery:
    """One message to one web hook, from its occasion until its receiver has taken it.

    Attributes:
        id: UUID; what receivers know as ``invocationId`` and ``webhook-id``, the same in
            every attempt.
        hook_id: Of the receiver.
        event: What it is told.
        collection: Where the entity is, such as ``datasets``; None for ping and challenge.
        entity_id: What it happened to.
        token: What the receiver must answer; only of a challenge.
        state: Waiting, delivered, or dead: given up.
        attempts: How often it was begun. An outcome counts only if this is still the number
            that its attempt was begun with.
        earlier_attempts: Those before the owner had it sent again; delays grow from there.
        next_attempt_at: When it is due. While an attempt runs: when that is taken for lost.
        tried_since: When the first attempt of this round began.
        last_attempt_at: When the newest attempt began.
        last_status: The HTTP status that the receiver answered last.
        last_error: Why the newest attempt did not succeed.
        finished_at: When it was delivered or given up.
    """

    id: str
    hook_id: str
    event: HookEvent
    collection: str | None = None
    entity_id: str | None = None
    token: str | None = field(default=None, repr=False)
    created_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    earlier_attempts: int = 0
    next_attempt_at: datetime
    tried_since: datetime | None = None
    last_attempt_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    finished_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether an attempt may begin."""
        return self.state is DeliveryState.WAITING and self.next_attempt_at <= now

    def begun(self, now: datetime, lease_s: float) -> Self:
        """The delivery with one more attempt, which is taken for lost after a time."""
        return replace(
            self,
            attempts=self.attempts + 1,
            tried_since=self.tried_since or now,
            last_attempt_at=now,
            next_attempt_at=now + timedelta(seconds=lease_s),
        )

    def delivered(self, now: datetime, status: int | None) -> Self:
        """The delivery once its receiver has taken it."""
        return replace(
            self, state=DeliveryState.DELIVERED, last_status=status, last_error=None, finished_at=now
        )

    def postponed(self, until: datetime, status: int | None, error: str) -> Self:
        """The delivery after an attempt that failed, with another to come."""
        return replace(self, next_attempt_at=until, last_status=status, last_error=error)

    def given_up(self, now: datetime, status: int | None, error: str) -> Self:
        """The delivery after its last attempt."""
        return replace(self, state=DeliveryState.DEAD, last_status=status, last_error=error, finished_at=now)

    def again(self, now: datetime) -> Self:
        """The delivery when its owner has it sent again, as a new round of attempts."""
        return replace(
            self,
            state=DeliveryState.WAITING,
            earlier_attempts=self.attempts,
            next_attempt_at=now,
            tried_since=None,
            finished_at=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """When a delivery that failed is tried again.

    Attributes:
        first_s: Pause after the first attempt; each further pause is three times as long.
        longest_s: No pause is longer, unless the receiver asks for it.
        total_s: After so long from the first attempt on, there is one last attempt.
    """

    first_s: float = 5.0
    longest_s: float = 4 * 3600.0
    total_s: float = 24 * 3600.0

    def next_attempt(
        self, delivery: HookDelivery, now: datetime, *, chance: float, asked_s: float = 0.0
    ) -> datetime | None:
        """When to try again; None to give up.

        Args:
            delivery: After an attempt that failed.
            now: Aware UTC time.
            chance: From 0 to 1; spreads pauses over a fifth around their length, so that
                what failed together does not come back together.
            asked_s: The shortest pause the receiver asks for.
        """
        last = (delivery.tried_since or now) + timedelta(seconds=self.total_s)
        if now >= last:
            return None
        failures = min(max(1, delivery.attempts - delivery.earlier_attempts), 20)
        pause_s = min(self.first_s * 3 ** (failures - 1), self.longest_s) * (0.9 + 0.2 * chance)
        return min(now + timedelta(seconds=max(pause_s, asked_s)), last)
