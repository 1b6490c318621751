"""What a stream has to decode, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from tympan.backends.whisper.live_ear import Stretch
from tympan.backends.whisper.live_pool import Urgency
from tympan.ports.live_recognition import placed
from tympan.ports.recognizer import Phrase, Recognition
from tympan.speech.plausibility import is_invented


@dataclass(slots=True, eq=False)
class Guess:
    """What a stretch says if it has ended."""

    speech: tuple[int, int]
    heard: Recognition | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Due:
    """Something to decode."""

    urgency: Urgency
    stretch: Stretch
    known_at: float


def phrase_of(heard: Recognition, stretch: Stretch) -> Phrase | None:
    """The phrase in a stretch, placed in the stream; None where nothing was said."""
    said = [phrase for phrase in heard.phrases if phrase.text]
    if not said:
        return None
    [phrase] = said[:1]
    if is_invented(phrase.text, confidence=1.0, no_speech=0.0, voice=stretch.voice):
        return None
    return placed(phrase, stretch.begin, stretch.speech)
