"""What the speech protocol is built on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tympan.domain.errors import ForbiddenError
from tympan.ports.clock import Clock
from tympan.ports.live_audio import LiveAudio
from tympan.ports.meters import Meters
from tympan.ports.tracing import NO_TRACES, Tracer
from tympan.usecases.access import Access, Principal
from tympan.usecases.endpoint_logs import EndpointLogs
from tympan.usecases.listening import ListeningOptions, Punctuation
from tympan.usecases.live_recognition import LiveRecognition, LiveRequest
from tympan.usecases.model_lookup import adaptation_of, bundle_of
from tympan.usecases.serving import Chosen
from tympan.usecases.traffic import RequestsAtOnce
from tympan.wire.answerer import Answerer, answerer_members
from tympan.wire.usp.turn_request import Mode, TurnRequest
from tympan.wire.values import Document

_READINGS = 5
"""As many as detailed answers list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeServices:
    """Use cases and the few values that only connections need.

    Attributes:
        logs: Keeps turns whose owner wants that.
        clock: Tells when a turn began.
        live_audio: Makes what turns the bytes of a turn into samples.
        meters: Counts and times turns.
        tracer: Traces turns.
        at_once: Counts turns that run, by endpoint.
        idle_s: A connection on which nothing came for so long is closed.
        engine_wait_s: A turn waits so long for an engine that is being started again.
    """

    access: Access
    live: LiveRecognition
    logs: EndpointLogs
    clock: Clock
    live_audio: Callable[[], LiveAudio]
    meters: Meters
    tracer: Tracer = NO_TRACES
    at_once: RequestsAtOnce = field(default_factory=lambda: RequestsAtOnce(0))
    idle_s: float = 900.0
    engine_wait_s: float = 15.0


def live_request(asked: TurnRequest, principal: Principal) -> LiveRequest:
    """What a turn asks for, in the words of the use case.

    Raises:
        ForbiddenError: The key opens another endpoint only.
    """
    _check_allowed(asked, principal)
    punctuation = Punctuation.DICTATED if asked.mode is Mode.DICTATION else Punctuation.AUTOMATIC
    return LiveRequest(
        endpoint_id=asked.endpoint_id,
        locale=asked.language,
        candidates=asked.candidates,
        endpoint_ids=asked.endpoint_ids,
        is_told_once=asked.is_told_once,
        wants_speakers=asked.wants_speakers,
        silence_s=asked.silence_s,
        options=ListeningOptions(
            locale="",
            wants_words=asked.wants_words,
            alternatives=_READINGS if asked.is_detailed else 1,
            punctuation=punctuation,
            profanity=asked.profanity,
            phrases=asked.phrase_list.phrases,
            phrase_weight=asked.phrase_list.weight,
        ),
    )


def about(chosen: Mapping[str, Chosen], asked: TurnRequest) -> Mapping[str, Document]:
    """Which model answers in each locale, as clients are told."""
    is_dictated = asked.mode is Mode.DICTATION
    return {
        locale: answerer_members(replace(answerer_of(one), is_dictated=is_dictated))
        for locale, one in chosen.items()
    }


def answerer_of(chosen: Chosen) -> Answerer:
    """The model that answers, as clients are told."""
    model = chosen.model
    return Answerer(
        model_id=model.id,
        model_name=model.display_name,
        model_version=bundle_of(model).digest[:12],
        locale=model.locale,
        fallback=chosen.fallback,
        adaptation=adaptation_of(model),
    )


def _check_allowed(asked: TurnRequest, principal: Principal) -> None:
    if principal.endpoint_id is None:
        return
    named = {asked.endpoint_id, *asked.endpoint_ids.values()} - ({None} if asked.candidates else set())
    if named != {principal.endpoint_id}:
        raise ForbiddenError(
            f"This key opens one endpoint only. Name endpoint {principal.endpoint_id}, or use another key."
        )
