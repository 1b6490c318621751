"""Working on the windows of a recording, several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from tympan.domain.errors import InvalidInputError
from tympan.speech.windows import Window

R = TypeVar("R")


def worked_in_order(
    windows: Iterator[Window], work: Callable[[Window], R], *, at_once: int
) -> Iterator[tuple[Window, R]]:
    """Do the same with every window; results come in the order of the windows.

    The work is part of whatever span is active here. At most twice as many windows are held as
    are worked on at once.

    Raises:
        InvalidInputError: As ``windows`` do, once all before it was given out.
    """
    damage: InvalidInputError | None = None
    at_once = max(1, at_once)
    with ThreadPoolExecutor(at_once, "listening") as pool:
        waiting: deque[tuple[Window, Future[R]]] = deque()
        while True:
            try:
                window = next(windows, None)
            except InvalidInputError as error:
                damage, window = error, None
            if window is not None:
                waiting.append((window, pool.submit(copy_context().run, work, window)))
            while waiting and (window is None or len(waiting) >= 2 * at_once):
                done, result = waiting.popleft()
                yield done, result.result()
            if window is None:
                break
    if damage is not None:
        raise damage
