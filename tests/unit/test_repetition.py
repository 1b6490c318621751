"""Repeating a training from its passport: the same model, another one, or a reason why not."""

import ast
import importlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from tests.unit.test_training import Context, House, Murmur

import tympan
from tympan.backends.audio_av import AvAudioCodec
from tympan.backends.trainer_whisper import WhisperTrainer
from tympan.domain.dataset import DatasetKind
from tympan.domain.errors import InvalidStateError
from tympan.domain.job import JobKind, JobState
from tympan.domain.manifest import PronunciationEntry, Sentence
from tympan.domain.resource import Status
from tympan.testing.audio import speech_like
from tympan.testing.entities import make_model
from tympan.testing.synthesizer import FakeSynthesizer
from tympan.testing.tiny_whisper import write_tiny_whisper
from tympan.testing.trainer import FakeTrainer
from tympan.usecases import training_passport
from tympan.usecases.job_states import begin_attempt, end_job
from tympan.usecases.training_passport import CODE, Passport
from tympan.usecases.training_repetition import Repetition, Verifications


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def verify(house, model, machine="verifier"):
    """The verdict of a verification, run step by step as a worker does."""
    job = Verifications(store=house.store, clock=house.clock).request(model.id)
    for step in JobKind.VERIFY_MODEL.steps:
        with house.store.write() as tx:
            begun = begin_attempt(tx, tx.jobs.get(job.id), house.clock.now(), step=step)
        told = Context(begun)
        getattr(Repetition(training=house.training(machine)), f"run_{step}")(told)
    with house.store.write() as tx:
        end_job(tx, tx.jobs.get(job.id), house.clock.now(), JobState.SUCCEEDED)
    [verdict] = [payload for kind, payload in told.events if kind == "verdict"]
    return verdict


def passport(house, model):
    return Passport.from_document(house.report(model)["passport"])


def test_the_report_holds_all_that_it_takes_to_repeat_a_training(house):
    dataset = house.recordings()
    model = house.train(house.model(dataset, text="Prime the pump.", settings={"seed": 3}))
    found = passport(house, model)
    assert [(one.id, one.manifest) for one in found.datasets] == [(dataset.id, dataset.manifest_key)]
    assert (found.base_model_id, found.base_model_sha256) == (house.base.id, house.base.bundle.digest)
    assert (found.settings["seed"], found.settings["epochs"], found.settings["weight_percent"]) == (3, 3, 100)
    assert (found.code_version, len(found.code_sha256)) == (tympan.__version__, 64)
    assert found.voices
    assert found.speech_sha256
    assert len(found.texts) == len(house.trainer.plans[0].dev)
    assert found.versions == {"fake": "1"}


def test_a_repeated_training_gives_the_same_digest_and_leaves_nothing_behind(house):
    model = house.train(house.model(house.recordings(), text="Prime the pump."))
    blobs, trained = {blob.key for blob in house.blobs.list("")}, house.models.get(model.id)

    verdict = verify(house, model)

    assert verdict["outcome"] == "sameWeights"
    assert verdict["figures"] == {"digest": model.bundle.digest}
    assert len(house.trainer.plans) == 2
    assert house.models.get(model.id) == trained
    [left] = {blob.key for blob in house.blobs.list("")} - blobs
    assert left.endswith("/verdict.json")
    assert list((house.folder / "verifier").iterdir()) == []


def test_rules_alone_are_repeated_too(house):
    house.synthesizer = FakeSynthesizer(())
    entry = PronunciationEntry(display="3CPO", spoken="three see pee oh", line=1)
    model = house.train(house.model(house.dataset(DatasetKind.PRONUNCIATION, [entry])))
    assert verify(house, model)["outcome"] == "sameWeights"


def test_float_noise_is_the_same_result_and_its_size_is_told(house, monkeypatch):
    model = house.train(house.model(house.recordings()))
    monkeypatch.setattr(house.trainer, "update_distance", lambda *_: 0.01)
    monkeypatch.setattr(house.trainer, "versions", lambda: {"fake": "2"})
    alter_exports(house, monkeypatch)

    verdict = verify(house, model)

    assert verdict["outcome"] == "sameResults"
    assert verdict["figures"]["updateDistance"] == 0.01
    assert verdict["figures"]["differingFiles"] == ["model.bin"]
    assert verdict["notes"] == ["fake was 1, and is 2 here."]
    assert "the weights lie 1.00% of what training changed apart (at most 5%)" in verdict["text"]


@pytest.mark.parametrize(("distance", "heard"), [(0.3, {}), (0.01, Murmur())])
def test_another_model_is_called_so(house, monkeypatch, distance, heard):
    model = house.train(house.model(house.recordings()))
    monkeypatch.setattr(house.trainer, "update_distance", lambda *_: distance)
    house.trainer._texts = heard
    alter_exports(house, monkeypatch)
    verdict = verify(house, model)
    assert verdict["outcome"] == "different"
    total = verdict["figures"]["texts"]
    assert verdict["figures"]["differingTexts"] == (total if heard is not None and distance < 0.05 else 0)


def alter_exports(house, monkeypatch):
    export = house.trainer.export

    def other(plan, folder, into):
        export(plan, folder, into)
        (into / "model.bin").write_bytes(b"other weights")

    monkeypatch.setattr(house.trainer, "export", other)


def test_a_deleted_and_a_changed_dataset_are_named(house):
    gone, changed = house.recordings(), house.dataset(DatasetKind.LANGUAGE, [Sentence(text="Hm.", line=1)])
    model = house.train(house.model(gone, changed))
    other = house.blobs.put_content([b'{"type": "other"}\n'])
    with house.store.write() as tx:
        tx.datasets.delete(gone.id)
        tx.datasets.save(replace(changed, manifest_key=other.key))

    verdict = verify(house, model)

    assert verdict["outcome"] == "notRepeatable"
    assert verdict["reasons"] == [
        f"Dataset '{gone.display_name}' ({gone.id}) was deleted.",
        f"Dataset '{changed.display_name}' ({changed.id}) was changed: its content is another.",
    ]
    assert len(house.trainer.plans) == 1


def test_recordings_for_the_gate_alone_may_be_gone(house):
    everyday = house.dataset(DatasetKind.ACOUSTIC, [house.utterance(n + 500) for n in range(3)])
    model = house.train(house.model(house.recordings(10), settings={"general_dataset": everyday.id}))
    with house.store.write() as tx:
        tx.datasets.delete(everyday.id)
    assert verify(house, model)["outcome"] == "sameWeights"


def test_a_recording_that_is_gone_is_a_reason(house):
    dataset = house.recordings()
    model = house.train(house.model(dataset))
    [key] = {house.utterance(7).audio_key}
    house.blobs.delete(key)
    verdict = verify(house, model)
    assert verdict["outcome"] == "notRepeatable"
    assert key in verdict["text"]


def test_another_code_version_and_a_missing_voice_are_named(house, monkeypatch):
    model = house.train(house.model(house.recordings()))
    old = passport(house, model)
    monkeypatch.setattr("tympan.usecases.training_repetition.code_sha256", lambda: "f" * 64)
    house.synthesizer = FakeSynthesizer(())
    verdict = verify(house, model)
    assert verdict["outcome"] == "notRepeatable"
    code, *voices = verdict["reasons"]
    assert code.startswith(f"It was trained by Tympan {tympan.__version__} with the training code ")
    assert old.code_sha256[:12] in code
    assert "ffffffffffff" in code
    assert voices == [f"The voice '{voice}' is not on this machine." for voice in old.voices]


def test_voices_that_speak_differently_are_found(house, monkeypatch):
    model = house.train(house.model(house.recordings(), text="Prime the pump."))
    speak = house.synthesizer.synthesize
    quieter = lambda text, voice, *, rate=1.0: speak(text, voice, rate=rate) * 0.5  # noqa: E731
    monkeypatch.setattr(house.synthesizer, "synthesize", quieter)
    assert "speak differently than then" in verify(house, model)["text"]
    slower = lambda text, voice, *, rate=1.0: speak(text, voice, rate=rate).repeat(2)  # noqa: E731
    monkeypatch.setattr(house.synthesizer, "synthesize", slower)
    assert "gave other examples than then" in verify(house, model, "third")["text"]


def test_an_update_during_the_training_is_told(house, monkeypatch):
    model = house.model(house.recordings())
    house.step(model, "prepare")
    monkeypatch.setattr("tympan.usecases.training.code_sha256", lambda: "f" * 64)
    for step in ("train", "export", "check", "publish"):
        house.step(model, step)
    assert "was updated while it was trained" in verify(house, house.models.get(model.id))["text"]


def test_models_without_a_passport_say_why(house):
    model = house.train(house.model(house.recordings()))
    document = house.report(model) | {"passport": None}
    report = house.blobs.put_content([json.dumps(document).encode()])
    old = replace(model, files=(replace(model.files[0], key=report.key),))
    copied = make_model(status=Status.SUCCEEDED, origin={"server": "x"}, base_model_id=house.base.id)
    with house.store.write() as tx:
        tx.models.save(old)
        tx.models.add(copied)
    assert "an earlier version of Tympan trained it" in verify(house, old)["text"]
    assert "copied from another server" in verify(house, copied)["text"]


def test_one_verification_at_a_time_and_only_of_what_is_trained(house):
    model = house.model(house.recordings())
    verifications = Verifications(store=house.store, clock=house.clock)
    with pytest.raises(InvalidStateError, match="Only a finished training can be repeated"):
        verifications.request(model.id)
    house.train(model)
    assert verifications.request(model.id) == verifications.request(model.id)


def test_every_part_that_decides_what_is_learnt_counts_as_training_code():
    """What the trainer and the preparation import from ``tympan.speech`` is in the list."""
    package = Path(tympan.__file__).parent
    seen, waiting = set(), ["tympan.training.session", "tympan.training.merge"]
    waiting.append("tympan.usecases.training_preparation")
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        tree = ast.parse(Path(importlib.import_module(name).__file__).read_text("utf-8"))
        for node in ast.walk(tree):
            is_ours = isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tympan.")
            if is_ours and node.module.split(".")[1] in ("speech", "training"):
                waiting.append(node.module)
    files = {str(Path(importlib.import_module(one).__file__).relative_to(package)) for one in seen}
    missing = {file for file in files if not any(file == one or file.startswith(f"{one}/") for one in CODE)}
    assert not missing
    assert all((package / one).exists() for one in CODE)


def test_a_changed_line_of_training_code_changes_its_digest(monkeypatch):
    whole = training_passport.code_sha256()
    assert whole == training_passport.code_sha256()
    monkeypatch.setattr(training_passport, "CODE", CODE[:-1])
    assert training_passport.code_sha256() != whole


class QuickTrainer(WhisperTrainer):
    """The real one with little replay."""

    def replay_sentences(self, language):
        return FakeTrainer().replay_sentences(language)


class Tiny(House):
    """The same house with the real trainer, on a Whisper a few layers small."""

    def __init__(self, folder):
        super().__init__(folder)
        self.trainer = QuickTrainer(threads=1)
        bundle = self.files.store("fake", write_tiny_whisper(folder / "tiny"))
        self.base = replace(self.base, bundle=bundle)
        with self.store.write() as tx:
            tx.base_models.save(self.base)

    def training(self, machine="one"):
        return replace(super().training(machine), codec=AvAudioCodec())

    def utterance(self, number, text="please call me", **fields):
        made = super().utterance(number, text, **fields)
        path = self.folder / "recording.flac"
        soundfile.write(path, speech_like(1.0 + number / 1000, seed=number), 16_000, subtype="PCM_16")
        return replace(made, audio_key=self.blobs.put_content([path.read_bytes()]).key)


def test_the_real_trainer_gives_the_same_weights_again(tmp_path):
    house = Tiny(tmp_path)
    model = house.model(house.recordings(2), settings={"epochs": 1, "lora_rank": 2})
    for step in ("prepare", "train", "export", "publish"):
        house.step(model, step)
    verdict = verify(house, house.models.get(model.id))
    assert verdict["outcome"] == "sameWeights", verdict["text"]
    assert "instructions" in passport(house, house.models.get(model.id)).conditions
