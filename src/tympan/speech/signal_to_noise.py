"""How far speech stands out of what is behind it, estimated from levels alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FRAME = 320  # 20 ms at 16 kHz
_LEAST_FRAMES = 25
_FLOOR = 1e-10
_SPEECH_PERCENTILE = 95.0
_NOISE_PERCENTILE = 15.0
_MOST_DB = 60.0


def signal_to_noise_db(samples: NDArray[np.float32]) -> float | None:
    """Estimate the signal-to-noise ratio of a recording.

    The level that 95 % of frames stay below is taken as speech, the level that 15 % stay
    below as noise, as NIST's stnr does with the histogram of levels. A recording without pauses
    has no noise alone in it and comes out too low; the value is made to sort recordings into
    bands.

    Args:
        samples: Shape ``(samples,)``, 16 kHz mono in [-1, 1].

    Returns:
        Decibels, 0 to 60; None for less than half a second, and for silence.
    """
    frames = samples.size // _FRAME
    if frames < _LEAST_FRAMES:
        return None
    shaped = samples[: frames * _FRAME].astype(np.float64).reshape(frames, _FRAME)
    levels = 10 * np.log10((shaped**2).mean(axis=1) + _FLOOR)
    loud, quiet = np.percentile(levels, [_SPEECH_PERCENTILE, _NOISE_PERCENTILE])
    if loud <= 10 * np.log10(_FLOOR) + 1:
        return None
    return float(min(max(loud - quiet, 0.0), _MOST_DB))
