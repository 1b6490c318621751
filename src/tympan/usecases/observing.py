"""What can be said of the whole server at this moment."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

from tympan.domain.errors import ServiceError
from tympan.domain.job import JobKind, JobState
from tympan.ports.meters import Reading
from tympan.ports.recognizer import Recognizer
from tympan.ports.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """Reads figures of now.

    Attributes:
        recognizer: Its state is shown; one that is away is a figure too.
        living_workers: How many workers have shown signs of life.
    """

    store: Store
    recognizer: Recognizer
    living_workers: Callable[[], int] = lambda: 0

    def readings(self) -> list[Reading]:
        """All of them; a part that does not answer leaves its figures out and says so in another."""
        return [*self._host(), *self._jobs(), *self._workers()]

    def _host(self) -> Iterator[Reading]:
        up = "Whether the model host answers"
        try:
            state = self.recognizer.state()
        except ServiceError as error:
            log.warning("model host does not answer", extra={"reason": error.message})
            yield Reading(name="model_host_up", help=up, value=0)
            return
        yield Reading(name="model_host_up", help=up, value=1)
        yield Reading(name="models_loaded", help="Models in the model host's memory", value=len(state.loaded))
        yield Reading(
            name="model_host_memory_bytes", help="Memory of the model host", value=state.memory_bytes
        )
        yield Reading(name="model_loads", help="Models it has loaded", value=state.loads, is_total=True)
        yield Reading(
            name="model_load_seconds", help="Seconds spent on loading them", value=state.load_s, is_total=True
        )

    def _jobs(self) -> Iterator[Reading]:
        up = "Whether the database answers"
        try:
            with self.store.read() as tx:
                counts = tx.jobs.counts()
        except ServiceError as error:
            log.warning("database does not answer", extra={"reason": error.message})
            yield Reading(name="database_up", help=up, value=0)
            return
        yield Reading(name="database_up", help=up, value=1)
        queues: Counter[str] = Counter()
        for kind, state in product(JobKind, JobState):
            value = counts.get((kind, state), 0)
            queues[kind.queue] += value if state is JobState.NOT_STARTED else 0
            labels = (("kind", kind.value), ("state", state.value))
            yield Reading(
                name="jobs", help="Jobs by what they do and where they stand", labels=labels, value=value
            )
        for queue, waiting in queues.items():
            yield Reading(
                name="queue_length",
                help="Jobs that nobody has begun",
                labels=(("queue", queue),),
                value=waiting,
            )

    def _workers(self) -> Iterator[Reading]:
        try:
            alive = self.living_workers()
        except ServiceError as error:
            log.warning("workers cannot be counted", extra={"reason": error.message})
            return
        yield Reading(name="workers", help="Workers that have shown signs of life", value=alive)
