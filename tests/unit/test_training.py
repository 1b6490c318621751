"""Training jobs: what is used and dropped, what survives a kill, when a model may count."""

import json
import shutil

import numpy as np
import pytest

from tympan.domain.dataset import DatasetKind
from tympan.domain.errors import (
    CancelledError,
    EngineError,
    InvalidInputError,
    InvalidStateError,
    SupersededError,
)
from tympan.domain.job import JobKind
from tympan.domain.lifecycle import LifecycleRule
from tympan.domain.manifest import FormattingRule, PronunciationEntry, Sentence, Utterance
from tympan.domain.resource import Status
from tympan.ports.recognizer import FORMATTING_FILE, PRONUNCIATIONS_FILE, BundleInfo
from tympan.speech.manifest_lines import write_records
from tympan.testing.audio import WavCodec, speech_like, wav_bytes
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import FakeClock
from tympan.testing.entities import make_base_model, make_dataset
from tympan.testing.model_files import FakeModelFiles
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.store import MemoryStore
from tympan.testing.synthesizer import FakeSynthesizer
from tympan.testing.trainer import FakeTrainer
from tympan.usecases.endpoints import Endpoints, NewEndpoint
from tympan.usecases.job_states import begin_attempt
from tympan.usecases.models import Models, NewModel
from tympan.usecases.training import Training

STEPS = JobKind.TRAIN_MODEL.steps


class Context:
    def __init__(self, job, cancel_after=None):
        self.job, self.events, self.fractions, self.cancel_after = job, [], [], cancel_after

    def progress(self, fraction, message, **counters):
        assert 0 <= fraction <= 1
        self.fractions.append(fraction)
        if self.cancel_after is not None and len(self.fractions) > self.cancel_after:
            raise CancelledError("The owner has cancelled the job.")

    def event(self, kind, payload):
        self.events.append((kind, payload))

    def texts(self, kind):
        return [payload["text"] for known, payload in self.events if known == kind]


class Murmur(dict):
    """What a trainer hears that understands nothing, so that no engine can be worse."""

    def get(self, key, default=None):
        return "hm"


class House:
    """A base model, and everything that training needs, with fakes for the engines."""

    def __init__(self, folder, locale="en-US"):
        self.folder, self.locale = folder, locale
        self.store, self.blobs, self.clock = MemoryStore(), MemoryBlobs(), FakeClock()
        self.files = FakeModelFiles(folder / "models")
        self.trainer, self.synthesizer = FakeTrainer(), FakeSynthesizer()
        self.heard = {}
        self.recognizer = FakeRecognizer(
            lambda bundle, samples, options: self.heard.get(samples.size, "hm"), languages=("en", "nl")
        )
        self.models = Models(store=self.store, clock=self.clock, rule=LifecycleRule.QUARTER)
        supplied = folder / "supplied"
        supplied.mkdir()
        (supplied / "model.bin").write_bytes(b"weights")
        (supplied / "tympan.json").write_text(BundleInfo(family="fake", is_multilingual=False).as_json())
        self.base = make_base_model(locale=locale, bundle=self.files.store("fake", supplied))
        with self.store.write() as tx:
            tx.base_models.add(self.base)

    def training(self, machine="one"):
        return Training(
            store=self.store,
            blobs=self.blobs,
            files=self.files,
            codec=WavCodec(),
            trainer=self.trainer,
            synthesizer=self.synthesizer,
            recognizer=self.recognizer,
            clock=self.clock,
            work_dir=self.folder / machine,
        )

    def utterance(self, number, text="please call me", **fields):
        samples = fields.pop("samples", None)
        if samples is None:
            samples = speech_like(1.0 + number / 1000, seed=number)
        stored = self.blobs.put_content([wav_bytes(samples)])
        self.heard[samples.size] = text
        known = {"duration_s": samples.size / 16_000, "group": f"speaker {number % 10}"}
        return Utterance(
            **{"name": f"{number}.wav", "audio_key": stored.key, "source_rate_hz": 16_000, "transcript": text}
            | known
            | fields
        )

    def dataset(self, kind, records):
        manifest = self.blobs.put_content(write_records(records))
        dataset = make_dataset(
            kind=kind,
            locale=self.locale,
            status=Status.SUCCEEDED,
            manifest_key=manifest.key,
            display_name=kind,
        )
        with self.store.write() as tx:
            tx.datasets.add(dataset)
        return dataset

    def recordings(self, count=50):
        return self.dataset(DatasetKind.ACOUSTIC, [self.utterance(n) for n in range(count)])

    def model(self, *datasets, **fields):
        known = {"display_name": "M", "locale": self.locale, "dataset_ids": [d.id for d in datasets]}
        return self.models.create(NewModel(**known | fields))

    def step(self, model, step, machine="one", **context):
        with self.store.write() as tx:
            job = begin_attempt(tx, tx.jobs.get(model.job_id), self.clock.now(), step=step)
        told = Context(job, **context)
        getattr(self.training(machine), f"run_{step}")(told)
        return told

    def train(self, model, machine="one"):
        self.contexts = {step: self.step(model, step, machine) for step in STEPS}
        return self.models.get(model.id)

    def report(self, model):
        return json.loads(b"".join(self.blobs.stream(model.files[0].key)))


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_recordings_become_a_published_model_with_a_report(house):
    model = house.train(house.model(house.recordings(), settings={"seed": 3}, weight_percent=40))

    assert (model.status, model.summary["dev_wer_before"], model.summary["dev_wer_after"]) == (
        Status.SUCCEEDED,
        0.4,
        0.2,
    )
    assert "went from 40.0% to 20.0%" in model.summary["note"]
    [plan] = house.trainer.plans
    assert (plan.settings.seed, plan.settings.weight_percent, plan.language, plan.locale) == (
        3,
        40,
        "en",
        "en-US",
    )
    report = house.report(model)
    [used] = report["datasets"]
    assert (used["usedLines"], used["skippedLines"], round(used["usedAudioSeconds"])) == (50, 0, 51)
    assert report["parity"]["isPassed"]
    assert report["versions"] == {"fake": "1"}
    assert report["metrics"]["devWerAfter"] == 0.2
    assert report["weights"] == {"customModelWeightPercent": 40}


def test_dev_and_training_share_no_speaker_and_replay_is_spoken(house):
    dataset = house.recordings(60)
    with house.store.read() as tx:
        assert tx.datasets.get(dataset.id).status is Status.SUCCEEDED
    house.train(house.model(dataset))
    [plan] = house.trainer.plans
    speaker_of = {round((1.0 + n / 1000) * 16_000): n % 10 for n in range(60)}
    sides = [
        {speaker_of[round(e.duration_s * 16_000)] for e in examples if e.origin == "audio"}
        for examples in (plan.examples, plan.dev)
    ]
    assert sides[1]
    assert not sides[0] & sides[1]
    assert [e.text for e in plan.examples if e.origin == "replay"] == list(
        house.trainer.replay_sentences("en")
    )


def test_few_recordings_are_all_trained_on(house):
    model = house.train(house.model(house.recordings(10)))
    assert house.trainer.plans[0].dev == ()
    assert "too few" in model.summary["note"]


def test_text_and_pronunciations_are_spoken_by_two_voices(house):
    house.trainer = FakeTrainer(texts=Murmur())
    text = house.dataset(DatasetKind.LANGUAGE, [Sentence(text="Reset the pump.", line=1)])
    entries = house.dataset(
        DatasetKind.PRONUNCIATION, [PronunciationEntry(display="CNTK", spoken="c n t k", line=1)]
    )
    model = house.train(house.model(text, entries, text="Prime the pump.\n\nReset the pump."))

    [plan] = house.trainer.plans
    texts = [e.text for e in plan.examples if e.origin == "text"]
    assert texts == ["Reset the pump."] * 2 + ["Prime the pump."] * 2
    taught = [e.text for e in plan.examples if e.origin == "pronunciation"]
    assert all("CNTK" in text for text in taught)
    assert not any("CNTK" in text for text in house.synthesizer.spoken)
    assert {file.name for file in model.bundle.files} >= {PRONUNCIATIONS_FILE, "model.bin", "tympan.json"}
    inline = house.report(model)["datasets"][2]
    assert (inline["kind"], inline["usedLines"], inline["skippedLines"]) == ("Text", 1, 1)


def test_an_ordinary_spoken_form_is_taught_but_never_rewritten(house):
    house.trainer = FakeTrainer(texts=Murmur())
    entries = [
        PronunciationEntry(display="cervus", spoken="service", line=1),
        PronunciationEntry(display="IEEE", spoken="i triple e", line=2),
    ]
    model = house.train(house.model(house.dataset(DatasetKind.PRONUNCIATION, entries)))

    [rules] = [file for file in model.bundle.files if file.name == PRONUNCIATIONS_FILE]
    kept = house.files.contents[rules.sha256].decode()
    assert "IEEE" in kept
    assert "cervus" not in kept
    assert any("cervus" in e.text for e in house.trainer.plans[0].examples)
    assert "ordinary speech" in house.report(model)["datasets"][0]["warnings"][0]


def test_what_cannot_be_used_is_left_out_and_told_with_its_reason(house):
    house.trainer = FakeTrainer(texts=Murmur())
    silent = np.zeros(16_000, np.float32)
    utterances = [
        *(house.utterance(n) for n in range(5)),
        house.utterance(5, text=" "),
        house.utterance(6, samples=silent),
        house.utterance(7, text="x" * 100),
        house.utterance(8, duration_s=31.0, text="A long one. It has two sentences."),
        house.utterance(0, name="again.wav"),
    ]
    model = house.train(house.model(house.dataset(DatasetKind.ACOUSTIC, utterances)))

    [used] = house.report(model)["datasets"]
    reasons = {part["reason"]: part["samples"] for part in used["skipped"]}
    assert reasons == {
        "The transcript is empty.": ["5.wav"],
        "The recording is silent.": ["6.wav"],
        "The transcript is too long for its recording.": ["7.wav"],
        "The same recording is there already.": ["again.wav"],
    }
    assert used["textOnly"]
    assert "longer than 30 s" in used["warnings"][0]
    spoken = {e.text for e in house.trainer.plans[0].examples if e.origin == "text"}
    assert spoken == {"A long one.", "It has two sentences."}
    assert house.contexts["prepare"].texts("warning") == used["warnings"]


def test_nothing_usable_is_refused_with_the_reasons(house):
    untold = house.dataset(DatasetKind.AUDIO_FILES, [house.utterance(n, transcript=None) for n in range(3)])
    model = house.model(untold)
    with pytest.raises(InvalidInputError, match="3 x The recording has no transcript") as caught:
        house.step(model, "prepare")
    assert caught.value.code == "NothingToTrainOn"


def test_text_without_a_voice_is_refused_alone_and_warned_about_beside_recordings(tmp_path):
    house = House(tmp_path, locale="nl-NL")
    text = house.dataset(DatasetKind.LANGUAGE, [Sentence(text="Goedemorgen.", line=1)])
    with pytest.raises(InvalidInputError, match="No voice on this machine"):
        house.step(house.model(text), "prepare")

    model = house.train(house.model(text, house.recordings(10)))

    report = house.report(model)
    assert "nl-NL" in report["warnings"][0]
    assert [part["usedLines"] for part in report["datasets"]] == [0, 10]


def test_rules_alone_need_no_training_and_leave_the_weights_as_they_are(house):
    rules = [
        FormattingRule(section="rewrite", source="old", target="new", line=2),
        FormattingRule(section="test", source="old", target="new", line=3),
    ]
    model = house.train(house.model(house.dataset(DatasetKind.OUTPUT_FORMATTING, rules)))

    assert house.trainer.plans == []
    names = {file.name: file.sha256 for file in model.bundle.files}
    assert names["model.bin"] == next(f.sha256 for f in house.base.bundle.files if f.name == "model.bin")
    assert house.files.contents[names[FORMATTING_FILE]].count(b"\n") == 1
    assert "Nothing was trained" in model.summary["note"]


def test_a_model_that_is_not_better_says_so_and_is_published_all_the_same(house):
    house.trainer = FakeTrainer(dev_wer_before=0.2, dev_wer_after=0.25)
    model = house.train(house.model(house.recordings()))
    assert model.status is Status.SUCCEEDED
    assert "not better than its base model" in model.summary["note"]


def test_an_exported_model_that_hears_worse_than_the_trained_one_is_not_published(house):
    model = house.model(house.recordings())
    for step in ("prepare", "train"):
        house.step(model, step)
    house.heard = {}
    with pytest.raises(
        EngineError, match=r"trainer reaches a WER of 0.0%, the serving engine 100.0%"
    ) as caught:
        house.step(model, "export")
    assert caught.value.code == "ParityFailed"


def test_every_step_may_be_repeated_and_another_machine_may_go_on(house):
    model = house.model(house.recordings(), text="Prime the pump.")
    house.step(model, "prepare")
    house.step(model, "prepare")
    with pytest.raises(CancelledError):
        house.step(model, "train", cancel_after=60)
    seen = house.step(model, "train", machine="two")
    assert next(p["step"] for kind, p in seen.events if kind == "loss") > 1
    house.step(model, "export", machine="three")
    house.step(model, "export", machine="three")
    house.step(model, "publish", machine="four")
    published = house.models.get(model.id)
    house.step(model, "publish", machine="four")
    assert house.models.get(model.id) == published
    assert published.status is Status.SUCCEEDED


def test_the_same_data_and_seed_give_the_same_plan(house):
    dataset = house.recordings()
    for machine in ("one", "two"):
        house.train(house.model(dataset, text="Prime the pump."), machine)
        shutil.rmtree(house.folder / machine)
    first, second = house.trainer.plans
    assert [e.text for e in first.examples] == [e.text for e in second.examples]
    assert [e.duration_s for e in first.dev] == [e.duration_s for e in second.dev]


def test_a_superseded_attempt_publishes_nothing(house):
    model = house.model(house.recordings())
    for step in ("prepare", "train", "export"):
        house.step(model, step)
    with house.store.write() as tx:
        old = begin_attempt(tx, tx.jobs.get(model.job_id), house.clock.now(), step="publish")
        begin_attempt(tx, old, house.clock.now(), step="publish")
    with pytest.raises(SupersededError):
        house.training().run_publish(Context(old))
    assert house.models.get(model.id).bundle is None


def test_nothing_is_left_behind_once_a_model_is_published(house):
    model = house.train(house.model(house.recordings()))
    assert list(house.blobs.list(f"jobs/{model.job_id}/")) == []
    assert not (house.folder / "one" / model.job_id).exists()


def gated(house, *, base, model):
    """A model whose base hears ``base`` and which itself hears ``model`` on what was held out."""
    house.recognizer._texts = lambda bundle, samples, options: (
        (base if bundle == house.base.bundle else model) if samples.size in house.heard else ""
    )
    trained = house.model(house.recordings())
    for step in ("prepare", "train"):
        house.step(trained, step)
    texts, house.recognizer._texts = house.recognizer._texts, lambda *_: "please call me"
    house.step(trained, "export")
    house.recognizer._texts = texts
    house.step(trained, "check")
    house.step(trained, "publish")
    return house.models.get(trained.id)


def test_a_model_that_was_shown_to_be_better_passes_the_gate(house):
    model = gated(house, base="please fall me", model="please call me")
    assert model.summary["gate"] == "passed"
    gate = house.report(model)["gate"]
    found = {check["name"]: check["outcome"] for check in gate["checks"]}
    assert found["gain"] == "passed"
    assert set(found) == {"gain", "general", "style", "length", "invention"}


def test_a_harmful_training_is_kept_explained_and_not_deployed_until_it_is_approved(house):
    model = gated(house, base="please call me", model="please fall me")
    assert model.status is Status.SUCCEEDED
    assert model.summary["gate"] == "failed"
    assert "the WER goes from 0.0% to 33.3%" in model.summary["gate_reasons"]
    endpoints = Endpoints(store=house.store, clock=house.clock)
    new = NewEndpoint(display_name="E", locale=house.locale, model_id=model.id)
    with pytest.raises(
        InvalidInputError, match=r"the WER goes from 0.0% to 33.3%.*tympan model approve"
    ) as seen:
        endpoints.create(new)
    assert seen.value.code == "ModelNotBetter"
    with pytest.raises(InvalidInputError, match="Say in at most"):
        house.models.approve(model.id, " ")
    approved = house.models.approve(model.id, "For a comparison.")
    assert approved.summary["approval"] == "2026-01-05T09:00:00Z: For a comparison."
    assert endpoints.create(new).model_id == model.id
    with pytest.raises(InvalidStateError, match="needs no approval"):
        house.models.approve(model.id, "Again.")


def test_everyday_recordings_of_the_owners_are_heard_too_and_never_trained_on(house):
    shared = house.utterance(0)
    everyday = house.dataset(
        DatasetKind.ACOUSTIC, [shared, *(house.utterance(n, text="open the window") for n in range(300, 320))]
    )
    house.recognizer._texts = lambda bundle, samples, options: (
        "close the window"
        if bundle != house.base.bundle and house.heard.get(samples.size) == "open the window"
        else house.heard.get(samples.size, "")
    )
    own = [shared, *(house.utterance(n) for n in range(1, 50))]
    model = house.train(
        house.model(house.dataset(DatasetKind.ACOUSTIC, own), settings={"general_dataset": everyday.id})
    )
    assert model.summary["gate"] == "failed"
    assert (
        "On 20 everyday recordings of yours the WER goes from 0.0% to 33.3%" in model.summary["gate_reasons"]
    )
    assert len(house.report(model)["datasets"]) == 1


def test_what_cannot_tell_what_was_forgotten_is_refused(house):
    own, text = house.recordings(5), house.dataset(DatasetKind.LANGUAGE, [])
    for dataset_id, said in (
        (own.id, "is trained on"),
        (text.id, "kind Acoustic"),
        ("nowhere", "kind Acoustic"),
        (7, "give the id"),
    ):
        with pytest.raises(InvalidInputError, match=said) as seen:
            house.model(own, settings={"general_dataset": dataset_id})
        assert seen.value.target == "settings.general_dataset"


def test_rules_alone_change_no_weights_so_there_is_nothing_to_measure(house):
    entries = [PronunciationEntry(display="3CPO", spoken="three see pee oh", line=1)]
    house.synthesizer = FakeSynthesizer(())
    model = house.train(house.model(house.dataset(DatasetKind.PRONUNCIATION, entries)))
    assert model.summary["gate"] == "notMeasured"
