"""How much audio Whisper is shown, and how much it may write.

Whisper pads everything to 30 s. A model trained here is shown the recording plus one
second instead, which makes the encoder about ten times cheaper. Trainer and serving
engine must cut in the same way, so the rule lives here.
"""

import math

FULL_CONTEXT_S = 30.0
"""What Whisper was built for; also the longest a recording may be in one piece."""

_MARGIN_S = 1.0
_GRID_S = 0.5


def reduced_context_s(duration_s: float) -> float:
    """The context for a recording: its length plus one second, up to the next half second.

    >>> reduced_context_s(3.2), reduced_context_s(29.4)
    (4.5, 30.0)
    """
    return min(FULL_CONTEXT_S, math.ceil((duration_s + _MARGIN_S) / _GRID_S) * _GRID_S)


def token_cap(duration_s: float) -> int:
    """The most tokens a recording may be given; people rarely pass eight a second.

    Without a cap a decoder that has fallen into a loop costs both words and time.

    >>> token_cap(2.5)
    30
    """
    return 10 + int(8 * duration_s)
