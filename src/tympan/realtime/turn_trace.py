"""The span of a turn: what it asks, who answers, and how long the first answers take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tympan.ports.meters import BASE
from tympan.ports.tracing import Carrier, Role, Tracer, failure_of
from tympan.usecases.serving import Chosen

_CLEAN_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_FIRST = {"first_partial": "tympan.first_partial_s", "final": "tympan.final_s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOrigin:
    """Where a turn comes from.

    Attributes:
        session_id: A UUID by which the client knows the session.
        request_id: Of the turn, as the client wrote it.
        parent: What the client says that its connection is part of.
    """

    session_id: str
    request_id: str
    parent: Carrier


class TurnTrace:
    """Traces one turn from its beginning, which is when this is made.

    Args:
        tracer: Is told.
        origin: Of the turn.
    """

    def __init__(self, tracer: Tracer, origin: TurnOrigin) -> None:
        values = {"tympan.session_id": origin.session_id}
        if _CLEAN_ID.fullmatch(origin.request_id):  # else it may hold words
            values["tympan.request_id"] = origin.request_id
        self._span = tracer.begin("stream turn", role=Role.SERVER, parent=origin.parent, values=values)
        self._told: set[str] = set()

    def answered_by(self, chosen: Mapping[str, Chosen]) -> None:
        """These models answer, by locale, the likeliest first."""
        first = next(iter(chosen.values()))
        models = dict.fromkeys(one.model.id for one in chosen.values())
        self._span.set(
            {
                "tympan.endpoint": first.endpoint.id if first.endpoint else BASE,
                "tympan.model_id": ",".join(models),
            }
        )

    def first_partial(self, seconds: float) -> None:
        """The first partial about a stretch of speech was told, so long after its first sample."""
        self._happened("first_partial", seconds)

    def final(self, seconds: float) -> None:
        """A phrase was told, so long after its last sample."""
        self._happened("final", seconds)

    def active(self) -> AbstractContextManager[object]:
        """Let what is asked of the model host inside the block be part of the turn."""
        return self._span.active()

    def fail(self, error: BaseException) -> None:
        """The turn has failed."""
        self._span.fail(failure_of(error))

    def end(self) -> None:
        """The turn is over."""
        self._span.end()

    def _happened(self, name: str, seconds: float) -> None:
        self._span.event(name, {"seconds": seconds})
        if name not in self._told:
            self._told.add(name)
            self._span.set({_FIRST[name]: seconds})
