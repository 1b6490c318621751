"""Train on one set of recorded speech and measure gain and harm.

    PYTHONPATH=src python recipes/adaptation/measure.py --base BUNDLE --train SET/train.tsv \
        --test SET/test.tsv --other OTHER/test.tsv --work FOLDER

A set is a TSV with the columns path, seconds, speaker, lang and transcript. Both models
recognise through the product's own engine (int8, beam 5, voice activity detection), the
base model with the context that such models need. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import resource
import time
from dataclasses import replace
from pathlib import Path

import soundfile
import soxr
import torch

from tympan.backends.clock import SystemClock
from tympan.backends.synth_pico import PicoSynthesizer
from tympan.backends.whisper.engine_name import ENGINE
from tympan.backends.whisper.recognizer import WhisperRecognizer
from tympan.domain.evaluation import ErrorCounts
from tympan.domain.model import Bundle, BundleFile
from tympan.ports.recognizer import RecognitionOptions
from tympan.ports.trainer import TrainingExample, TrainingPlan, TrainingSettings
from tympan.speech.audio_context import FULL_CONTEXT_S
from tympan.speech.dev_split import dev_indexes
from tympan.speech.metrics import count_words
from tympan.speech.text import normalizer_for
from tympan.training.general import general_sentences
from tympan.training.merge import export
from tympan.training.recipe import Recipe
from tympan.training.session import train

RATE_HZ = 16_000


def main() -> None:
    """Run one training and print its figures."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    work = arguments.work
    (work / "audio").mkdir(parents=True, exist_ok=True)
    rows = read_set(arguments.train, work, arguments.lang)
    rows = [row for row in rows if row["duration_s"] <= FULL_CONTEXT_S]
    groups = [row["speaker"] for row in rows]
    held_out = frozenset() if arguments.no_dev else dev_indexes(groups, arguments.seed)
    examples = [_example(row, "audio") for index, row in enumerate(rows) if index not in held_out]
    examples += replay_examples(arguments.lang, work, min(arguments.replay, max(40, len(examples))))
    plan = TrainingPlan(
        base_folder=str(arguments.base),
        language=arguments.lang,
        locale=arguments.locale,
        examples=tuple(examples),
        dev=tuple(_example(rows[index], "audio") for index in sorted(held_out)),
        settings=TrainingSettings(seed=arguments.seed, epochs=arguments.epochs),
    )
    recipe = replace(Recipe(), **json.loads(arguments.recipe))
    started = time.time()
    outcome = train(plan, work / arguments.name, _Printer(), save=lambda _: None, recipe=recipe)
    export(plan, work / arguments.name, work / arguments.name / "bundle", recipe)
    result = {
        "name": arguments.name,
        "base": arguments.base.name,
        "train": f"{len(plan.examples)} examples, {sum(e.duration_s for e in plan.examples) / 60:.1f} min",
        "recipe": json.loads(arguments.recipe),
        "replay": arguments.replay,
        "wall_s": round(time.time() - started, 1),
        "cpu_s": outcome.cpu_s,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "dev_wer": [outcome.dev_wer_before, outcome.dev_wer_after],
        "best_step": outcome.best_step,
        "steps": outcome.steps,
        "losses": [round(loss, 3) for loss in outcome.losses],
        "sets": {},
    }
    bundles = {"custom": work / arguments.name / "bundle"}
    if arguments.measure_base:
        bundles = {"base": arguments.base, **bundles}
    for path in [*arguments.test, *arguments.other]:
        recordings = read_set(path, work, arguments.lang)
        recordings = [r for r in recordings if r["duration_s"] <= FULL_CONTEXT_S - 1][:: arguments.every]
        name = f"{path.parent.name}/{path.stem}"
        result["sets"][name] = {
            kind: measure(bundle, recordings, arguments.locale) for kind, bundle in bundles.items()
        }
    print(json.dumps(result, indent=1))


def read_set(path: Path, work: Path, language: str) -> list[dict]:
    """The recordings of one language, converted to 16 kHz mono FLAC named by content."""
    rows = []
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if not row["lang"].startswith(language):
                continue
            source = path.parent / row["path"]
            target = work / "audio" / f"{hashlib.sha256(source.read_bytes()).hexdigest()}.flac"
            if not target.exists():
                samples, rate_hz = soundfile.read(source, dtype="float32", always_2d=True)
                samples = samples.mean(axis=1)
                if rate_hz != RATE_HZ:
                    samples = soxr.resample(samples, rate_hz, RATE_HZ)
                soundfile.write(target, samples, RATE_HZ, subtype="PCM_16")
            rows.append(
                {
                    "audio": str(target),
                    "text": row["transcript"],
                    "speaker": row["speaker"] if len(row["speaker"]) else row["path"],
                    "duration_s": soundfile.info(target).duration,
                }
            )
    speakers = {row["speaker"] for row in rows}
    if len(speakers) == 1:
        rows = [{**row, "speaker": row["audio"]} for row in rows]
    return rows


def replay_examples(language: str, work: Path, count: int) -> list[TrainingExample]:
    """General sentences, spoken in turn by every voice of the language."""
    synthesizer = PicoSynthesizer()
    voices = synthesizer.voices(language)
    examples = []
    for index, sentence in enumerate(general_sentences(language)[:count]):
        voice = voices[index % len(voices)]
        name = hashlib.sha256(f"{voice.id}|{sentence}".encode()).hexdigest()
        target = work / "audio" / f"{name}.flac"
        if not target.exists():
            soundfile.write(target, synthesizer.synthesize(sentence, voice), RATE_HZ, subtype="PCM_16")
        duration_s = soundfile.info(target).duration
        examples.append(
            TrainingExample(audio=str(target), text=sentence, origin="replay", duration_s=duration_s)
        )
    synthesizer.close()
    return examples


def measure(bundle_folder: Path, recordings: list[dict], locale: str) -> dict:
    """WER and CPU seconds of a bundle on recordings, as it is served."""
    recognizer = WhisperRecognizer(_Folders(), SystemClock())
    bundle = Bundle(
        engine=ENGINE, files=(BundleFile(name=str(bundle_folder), sha256="0" * 64, size_bytes=1),)
    )
    samples = [soundfile.read(recording["audio"], dtype="float32")[0] for recording in recordings]
    started = time.process_time()
    heard = recognizer.recognize(bundle, samples, RecognitionOptions(locale=locale))
    spent = time.process_time() - started
    recognizer.close()
    normalize = normalizer_for(locale).normalize
    counts = ErrorCounts()
    for recording, recognition in zip(recordings, heard, strict=True):
        counts += count_words(normalize(recording["text"]).split(), normalize(recognition.text).split())
    return {
        "wer": round(100 * counts.rate, 2),
        "substitutions": counts.substitutions,
        "deletions": counts.deletions,
        "insertions": counts.insertions,
        "words": counts.reference_length,
        "recordings": len(recordings),
        "cpu_rtf": round(spent / sum(recording["duration_s"] for recording in recordings), 4),
    }


class _Folders:
    """Model files that lie in a folder already, which the bundle's only file names."""

    def fetch(self, bundle: Bundle) -> Path:
        return Path(bundle.files[0].name)


class _Printer:
    def progress(self, fraction: float, message: str) -> None:
        """Nothing: the figures come at the end."""

    def event(self, kind: str, payload: dict) -> None:
        if kind != "loss":
            print(f"# {kind} {payload}", flush=True)


def _example(row: dict, origin: str) -> TrainingExample:
    return TrainingExample(audio=row["audio"], text=row["text"], origin=origin, duration_s=row["duration_s"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="bundle folder of the base model")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, nargs="+", default=[])
    parser.add_argument("--other", type=Path, nargs="+", default=[], help="sets that must not get worse")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--name", default="run")
    parser.add_argument("--lang", default="en")
    parser.add_argument("--locale", default="en-US")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--replay", type=int, default=1000, help="most general sentences to replay")
    parser.add_argument("--recipe", default="{}", help="JSON of recipe fields to change")
    parser.add_argument("--every", type=int, default=1, help="measure every n-th recording only")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-dev", action="store_true", help="train on everything, to the last epoch")
    parser.add_argument("--measure-base", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
