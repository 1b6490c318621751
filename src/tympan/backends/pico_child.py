"""The process that speaks with Pico for ``backends.synth_pico``.

The library keeps traces of the last text, so that the same text sounds a little different
the next time, and for some texts it never returns. So every text is spoken by a copy of a
process that has just loaded the voice, and that copy is ended when it takes too long.

Protocol: a line of JSON ``{"text", "rate"}`` in; four bytes of length and 16-bit samples
out; no samples where the voice failed. Run as ``python -m tympan.backends.pico_child VOICE``.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys

import py_nanotts

_VOLUME = 0.5
"""At full volume loud vowels are clipped."""

_LONGEST_S = 10


def main() -> None:
    """Speak until the input ends."""
    voice = sys.argv[1]
    engine = py_nanotts.NanoTTS()
    engine.speak("x", voice=voice)  # loads the voice
    for line in sys.stdin.buffer:
        copy = os.fork()
        if copy == 0:
            _speak(engine, voice, json.loads(line))
        _, status = os.waitpid(copy, 0)
        if status:
            _answer(b"")


def _speak(engine: py_nanotts.NanoTTS, voice: str, request: dict[str, str | float]) -> None:
    # The default action of SIGALRM ends the process even inside the library.
    signal.alarm(_LONGEST_S)
    _answer(engine.speak(request["text"], voice=voice, speed=request["rate"], volume=_VOLUME))
    os._exit(0)


def _answer(samples: bytes) -> None:
    sys.stdout.buffer.write(struct.pack("<I", len(samples)) + samples)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
