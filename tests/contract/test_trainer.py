"""What every trainer promises."""

import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import soundfile

from tympan.backends.trainer_whisper import WhisperTrainer
from tympan.domain.errors import CancelledError, InvalidInputError
from tympan.ports.recognizer import BUNDLE_INFO_FILE, BundleInfo
from tympan.ports.trainer import TrainingExample, TrainingOutcome, TrainingPlan, TrainingSettings
from tympan.testing.audio import speech_like
from tympan.testing.tiny_whisper import write_tiny_whisper
from tympan.testing.trainer import FakeTrainer

SENTENCES = ["one two three", "Call the front desk.", "four five", "please jump", "Have a nice day.", "ten"]


class Listener:
    """Writes everything down, and may cancel."""

    def __init__(self, cancel_after=None):
        self.fractions, self.events, self.cancel_after = [], [], cancel_after

    def progress(self, fraction, message):
        self.fractions.append(fraction)
        assert message
        if self.cancel_after is not None and len(self.of("loss")) >= self.cancel_after:
            raise CancelledError("The owner has cancelled the training.")

    def event(self, kind, payload):
        self.events.append((kind, payload))

    def of(self, kind):
        return [payload for known, payload in self.events if known == kind]


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory) -> Path:
    return write_tiny_whisper(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def recordings(tmp_path_factory) -> list[TrainingExample]:
    folder = tmp_path_factory.mktemp("recordings")
    made = []
    for index in range(13):
        duration_s = 0.8 + 0.2 * (index % 3)
        audio = folder / f"{index:064x}.flac"
        soundfile.write(audio, speech_like(duration_s, seed=index), 16_000, subtype="PCM_16")
        origin = "replay" if index >= 11 else "audio"
        text = SENTENCES[index % len(SENTENCES)]
        made.append(TrainingExample(audio=str(audio), text=text, origin=origin, duration_s=duration_s))
    return made


@pytest.fixture(scope="session", params=["whisper", "fake"])
def trainer(request):
    return WhisperTrainer(threads=1) if request.param == "whisper" else FakeTrainer()


@pytest.fixture(scope="session")
def plan(base_folder, recordings) -> TrainingPlan:
    return TrainingPlan(
        base_folder=str(base_folder),
        language="en",
        locale="en-US",
        examples=tuple(recordings[3:]),
        dev=tuple(recordings[:3]),
        settings=TrainingSettings(epochs=2, batch_size=1, lora_rank=2, learning_rate=1e-3),
    )


@dataclass
class Trained:
    """A finished training."""

    folder: Path
    outcome: TrainingOutcome
    listener: Listener


@pytest.fixture(scope="session")
def trained(trainer, plan, tmp_path_factory) -> Trained:
    folder, listener = tmp_path_factory.mktemp("trained"), Listener()
    return Trained(folder, trainer.train(plan, folder, listener, save=nothing), listener)


def nothing(_):
    """For callers that keep no checkpoints."""


def bundle_bytes(folder):
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_training_ends_in_a_bundle_that_says_what_it_was_trained_for(trainer, plan, trained, tmp_path):
    trainer.export(plan, trained.folder, tmp_path)

    files = bundle_bytes(tmp_path)
    assert {"model.bin", "config.json", "tokenizer.json", BUNDLE_INFO_FILE} <= files.keys()
    info = BundleInfo.from_json(files[BUNDLE_INFO_FILE].decode())
    is_trained = trained.outcome.best_step > 0
    assert info.trained_languages == (("en",) if is_trained else ())
    assert trained.outcome.steps > 0
    assert len(trained.outcome.losses) <= plan.settings.epochs


def test_progress_only_grows_and_losses_are_told_in_order(trained):
    fractions, steps = trained.listener.fractions, [e["step"] for e in trained.listener.of("loss")]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] <= 1
    assert steps == sorted(set(steps))


def test_the_same_plan_gives_the_same_bundle(trainer, plan, trained, tmp_path):
    trainer.train(plan, tmp_path / "again", Listener(), save=nothing)
    trainer.export(plan, trained.folder, tmp_path / "a")
    trainer.export(plan, tmp_path / "again", tmp_path / "b")
    assert bundle_bytes(tmp_path / "a") == bundle_bytes(tmp_path / "b")


def test_interrupted_training_goes_on_elsewhere_from_the_saved_checkpoint(trainer, plan, trained, tmp_path):
    elsewhere = tmp_path / "elsewhere"

    def save(checkpoint):
        shutil.copytree(checkpoint, elsewhere / "checkpoint", dirs_exist_ok=True)

    interrupted = Listener(cancel_after=8)
    with pytest.raises(CancelledError):
        trainer.train(plan, tmp_path / "killed", interrupted, save=save)
    rest = Listener()
    resumed = trainer.train(plan, elsewhere, rest, save=nothing)

    assert len(interrupted.of("loss")) == 8
    assert rest.of("loss")[0]["step"] > 1
    assert timeless(resumed) == timeless(trained.outcome)
    trainer.export(plan, trained.folder, tmp_path / "a")
    trainer.export(plan, elsewhere, tmp_path / "b")
    assert bundle_bytes(tmp_path / "a") == bundle_bytes(tmp_path / "b")


def test_finished_training_is_not_repeated(trainer, plan, trained):
    again = Listener()
    assert trainer.train(plan, trained.folder, again, save=nothing) == trained.outcome
    assert again.of("loss") == []


def test_without_a_dev_set_there_is_no_dev_error_rate(trainer, plan, tmp_path):
    outcome = trainer.train(replace(plan, dev=()), tmp_path, Listener(), save=nothing)
    assert (outcome.dev_wer_before, outcome.dev_wer_after) == (None, None)
    assert outcome.best_step == outcome.steps


def test_replay_alone_is_nothing_to_train_on(trainer, plan, tmp_path):
    replay = tuple(example for example in plan.examples if example.origin == "replay")
    with pytest.raises(InvalidInputError) as caught:
        trainer.train(replace(plan, examples=replay), tmp_path, Listener(), save=nothing)
    assert caught.value.code == "NothingToTrainOn"


def test_nothing_is_exported_or_transcribed_before_training_has_finished(trainer, plan, tmp_path):
    with pytest.raises(InvalidInputError, match="no finished training"):
        trainer.export(plan, tmp_path, tmp_path / "bundle")
    with pytest.raises(InvalidInputError, match="no finished training"):
        trainer.transcribe(plan, tmp_path, plan.dev)


def test_every_recording_gets_a_text_in_its_place(trainer, plan, trained):
    texts = trainer.transcribe(plan, trained.folder, plan.dev)
    assert trainer.transcribe(plan, trained.folder, plan.dev[::-1]) == texts[::-1]
    assert all(isinstance(text, str) for text in texts)


def test_replay_sentences_are_known_for_some_languages_only(trainer):
    assert all(sentence.strip() for sentence in trainer.replay_sentences("en"))
    assert trainer.replay_sentences("en")
    assert trainer.replay_sentences("zu") == ()


def test_the_sentences_of_the_gate_are_never_replayed(trainer):
    for language in ("en", "de", "es", "fr", "it"):
        assert not set(trainer.gate_sentences(language)) & set(trainer.replay_sentences(language))
    assert trainer.gate_sentences("en")
    assert trainer.gate_sentences("zu") == ()
    assert trainer.versions()


def timeless(outcome):
    return replace(outcome, cpu_s=0, peak_memory_bytes=0)


def test_the_distance_of_two_trainings_is_a_share_of_what_was_learnt(trainer, plan, trained, tmp_path):
    base = Path(plan.base_folder)
    trainer.export(plan, trained.folder, tmp_path / "bundle")
    is_trained = trained.outcome.best_step > 0
    assert trainer.update_distance(base, tmp_path / "bundle", tmp_path / "bundle") == 0
    back = trainer.update_distance(base, tmp_path / "bundle", base)
    assert back == pytest.approx(1.0 if isinstance(trainer, WhisperTrainer) else 2**0.5) or not is_trained
    forth = trainer.update_distance(base, base, tmp_path / "bundle")
    assert forth == (math.inf if is_trained else 0)


def test_the_conditions_of_a_training_are_told(trainer):
    conditions = trainer.conditions()
    assert conditions["processor"]
    assert all(isinstance(value, str) for value in conditions.values())
