"""What is said to the Speech SDKs, and where an endpoint that hears it comes from."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
import soxr
from tests.running_server import RunningServer
from tests.spoken import conversation

TALK = (
    ("Please enter your extension, followed by the pound key.", "en-US"),
    ("The train to the airport leaves from the second platform.", "en-GB"),
    ("You have three new messages.", "en-US"),
)
WORDS = ("followed by the pound key", "train to the airport", "new messages")
TWO_SPEAKERS = (
    ("Good morning, I would like to book a table for two people on Friday evening.", "en-US"),
    ("Certainly. What time would you like to come, and may I have your name?", "en-GB"),
    ("Eight o'clock would be perfect for us, and my name is Miller.", "en-US"),
    ("Thank you, Mister Miller. The table by the window is yours.", "en-GB"),
)
GERMAN = (("Die Besprechung beginnt um neun Uhr morgens im großen Saal.", "de-DE"),)
DICTATED = (("Dear Anna comma please call me question mark", "en-US"),)


def dialogue(path: Path) -> Path:
    """A WAV file of two speakers; the second one's voice is made deeper, as the voices at hand are alike."""
    parts = []
    for number, one in enumerate(TWO_SPEAKERS):
        samples, rate_hz = soundfile.read(io.BytesIO(conversation([one], pause_s=1.0)[0]))
        parts.append(soxr.resample(samples, rate_hz, rate_hz * 1.2) if number % 2 else samples)
    soundfile.write(path, np.concatenate(parts), rate_hz, subtype="PCM_16")
    return path


def heard_all(texts: Iterable[str]) -> bool:
    """Whether every sentence of the talk is among the texts."""
    found = " ".join(texts).lower()
    return all(word in found for word in WORDS)


def hearing_endpoint(server: RunningServer) -> str:
    """The id of a new endpoint, whose model hears English."""
    found = server.tympan("base-model", "list", "--locale", "en-US")
    model = next(one for one in found if one["displayName"].endswith("whisper-tiny.en"))
    made = server.tympan("endpoint", "create", "live", "--model", _id(model), "--locale", "en-US")
    return _id(made.get("endpoint", made))


def _id(document: dict) -> str:
    return str(document["self"].rsplit("/", 1)[-1])
