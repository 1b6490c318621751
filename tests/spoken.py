"""Recordings made where the tests run, so that none must be kept."""

import io
import wave
import zipfile
from collections.abc import Iterable, Mapping, Sequence

from py_nanotts import NanoTTS

SENTENCES = (
    "Please enter your extension.",
    "The conference is locked.",
    "Press the pound key.",
    "You have three new messages.",
    "Goodbye.",
    "Your call is important to us.",
    "The mailbox is full.",
    "Please hold the line.",
    "Thank you for calling.",
    "Enter your password now.",
    "The number is busy.",
    "To hear the options again, press star.",
)


def spoken(text: str, voice: str = "en-US") -> bytes:
    """A WAV file, 16 kHz mono, in which a machine says a text."""
    return _wav(NanoTTS().speak(text, voice=voice))


def conversation(
    parts: Iterable[tuple[str, str]], pause_s: float = 0.35
) -> tuple[bytes, list[tuple[float, float]]]:
    """A WAV file of texts, each in its voice, one after the other.

    Returns:
        The file, and where in seconds each text begins and ends.
    """
    pause, spoken_so_far, places = bytes(2 * int(pause_s * 16_000)), b"", []
    for text, voice in parts:
        with wave.open(io.BytesIO(spoken(text, voice))) as wav:
            said = wav.readframes(wav.getnframes())
        places.append((len(spoken_so_far) / 32_000, (len(spoken_so_far) + len(said)) / 32_000))
        spoken_so_far += said + pause
    return _wav(spoken_so_far), places


def archive(texts: Mapping[str, str], voices: Sequence[str] = ("en-US",)) -> bytes:
    """A zip in the Azure layout: recordings by name, and ``trans.txt``."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for number, (name, text) in enumerate(texts.items()):
            zipped.writestr(name, spoken(text, voices[number % len(voices)]))
        zipped.writestr("trans.txt", "".join(f"{name}\t{text}\n" for name, text in texts.items()))
    return file.getvalue()


def _wav(samples: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(16_000)
        wav.writeframes(samples)
    return file.getvalue()
