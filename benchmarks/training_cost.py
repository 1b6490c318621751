"""What a training costs on a CPU, by base model: the figures that estimates stand on.

    python -m benchmarks.training_cost SET

SET is a folder of recordings with a table ``train.tsv`` (columns ``path`` and ``transcript``). Each
training runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import write_result
from tympan.backends.audio_av import AvAudioCodec
from tympan.backends.model_supply import PackagedModels
from tympan.backends.trainer_whisper import WhisperTrainer
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.trainer import TrainingExample, TrainingPlan
from tympan.speech.audio_context import unadapted_context_s
from tympan.usecases.training_estimate import probe_gflops

EXAMPLES, HELD_OUT = 24, 16


class Silent:
    """An observer that listens to nothing."""

    def progress(self, fraction: float, message: str) -> None:
        """Nothing."""

    def event(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Nothing."""


def examples(folder: Path, audio: Path) -> list[TrainingExample]:
    """Recordings to train on, as many as replay, and some to hold out."""
    codec, made = AvAudioCodec(), []
    with (folder / "train.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        for number, row in enumerate(islice(rows, 2 * EXAMPLES + HELD_OUT)):
            with (folder / row["path"]).open("rb") as opened:
                samples = np.concatenate(list(codec.open(opened).blocks()))
            path = audio / f"{hashlib.sha256(samples.tobytes()).hexdigest()}.flac"
            with path.open("wb") as written:
                codec.write_flac(iter([samples]), written)
            origin = "replay" if EXAMPLES <= number < 2 * EXAMPLES else "audio"
            made.append(
                TrainingExample(
                    audio=str(path),
                    text=row["transcript"],
                    origin=origin,
                    duration_s=len(samples) / SAMPLE_RATE_HZ,
                )
            )
    return made


def measure(base: str, recordings: Path, work: Path, held_out: int) -> dict[str, Any]:
    """One training; the figures of its outcome."""
    made = examples(recordings, work)
    trained, dev = made[: 2 * EXAMPLES], made[2 * EXAMPLES : 2 * EXAMPLES + held_out]
    plan = TrainingPlan(
        base_folder=base, language="en", locale="en-US", examples=tuple(trained), dev=tuple(dev)
    )
    outcome = WhisperTrainer(threads=1).train(plan, work, Silent(), save=lambda _: None)
    return {
        "audio_s": sum(one.duration_s for one in trained),
        "shown_s": sum(unadapted_context_s(one.duration_s) for one in trained),
        "cpu_s": outcome.cpu_s,
        "peak_bytes": outcome.peak_memory_bytes,
        "steps": outcome.steps,
    }


def main(folder: Path) -> None:
    """Train each installed base model, without and with held-out recordings."""
    rows: list[list[object]] = [
        ["base model", "model.bin, MB", "held out", "audio, min", "shown, min", "CPU s",
         "CPU s per min shown", "peak, GB", "probe, GFLOP per CPU s"],
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as made:
        for source in PackagedModels().installed():
            base = Path(made) / hashlib.sha256(source.encode()).hexdigest()
            base.mkdir()
            family = PackagedModels().bring(source, base).family
            size_mb = (base / "model.bin").stat().st_size / 1e6
            for held_out in (0, HELD_OUT):
                work = Path(made) / f"{base.name}-{held_out}"
                work.mkdir()
                before = probe_gflops()
                command = [
                    sys.executable,
                    "-m",
                    "benchmarks.training_cost",
                    str(folder),
                    str(base),
                    str(work),
                ]
                done = subprocess.run([*command, str(held_out)], capture_output=True, text=True, check=True)
                found = json.loads(done.stdout)
                speed = max(before, probe_gflops())
                shown_min = found["shown_s"] / 60
                rows.append(
                    [family, f"{size_mb:.1f}", held_out, f"{found['audio_s'] / 60:.2f}", f"{shown_min:.2f}",
                     f"{found['cpu_s']:.1f}", f"{found['cpu_s'] / shown_min:.2f}",
                     f"{found['peak_bytes'] / 1e9:.2f}", f"{speed:.1f}"]
                )  # fmt: skip
                sys.stderr.write(f"{rows[-1]}\n")
    write_result(
        "training_cost",
        "What a training costs on a CPU",
        rows,
        packages=("torch", "transformers", "peft"),
        notes=(
            f"{EXAMPLES} recordings and as many of replay, three epochs, one thread, default settings. "
            "*Shown* is what the network sees: a recording of 3 s costs what 15 s cost, since both fill half "
            f"a window. Held-out recordings ({HELD_OUT}) are decoded up to seven times. The machine was "
            "shared, so CPU seconds count."
        ),
        arguments="SET",
    )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        base_folder, work_folder, count = sys.argv[2:]
        found_here = measure(base_folder, Path(sys.argv[1]), Path(work_folder), int(count))
        sys.stdout.write(json.dumps(found_here))
    else:
        main(Path(sys.argv[1]))
