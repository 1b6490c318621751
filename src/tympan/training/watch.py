"""Noticing that training has gone wrong."""

from __future__ import annotations

import math

from tympan.domain.errors import EngineError

_WINDOW = 10
_WORST_RISE_NATS = 3.0
_WORST_FACTOR = 2.0


class DivergenceWatch:
    """Stops a run whose loss is not a number or has exploded.

    Args:
        learning_rate: Peak rate, for the message.
        is_rate_chosen: True when the owner set it.
    """

    def __init__(self, learning_rate: float, *, is_rate_chosen: bool) -> None:
        self._rate = learning_rate
        self._is_rate_chosen = is_rate_chosen
        self._first: list[float] = []
        self._last: list[float] = []

    def see(self, step: int, loss: float) -> None:
        """Look at the loss of a step.

        Raises:
            EngineError: The loss is not finite, or the mean of the last 10 steps is more
                than twice that of the first 10 and over 3 nats above it.
        """
        if not math.isfinite(loss):
            raise self._diverged(step, "the loss is no longer a number")
        if len(self._first) < _WINDOW:
            self._first.append(loss)
            return
        self._last = [*self._last, loss][-_WINDOW:]
        start, now = sum(self._first) / _WINDOW, sum(self._last) / len(self._last)
        if len(self._last) == _WINDOW and now > max(start * _WORST_FACTOR, start + _WORST_RISE_NATS):
            raise self._diverged(step, f"the loss rose from {start:.2f} to {now:.2f}")

    def _diverged(self, step: int, what: str) -> EngineError:
        advice = (
            f"Leave the learning rate unset, or try a tenth of {self._rate:g}."
            if self._is_rate_chosen
            else "Check that transcripts belong to their recordings and are in the model's language."
        )
        return EngineError(f"Training diverged at step {step}: {what}. {advice}", code="TrainingDiverged")
