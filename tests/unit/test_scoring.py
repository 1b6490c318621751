"""Running evaluations: hypotheses that survive a kill, and scores that add up."""

import csv
import io
import json

import numpy as np
import pytest

from tympan.app.writers import WRITERS
from tympan.domain.dataset import DatasetKind
from tympan.domain.errors import InvalidInputError, SupersededError
from tympan.domain.evaluation import ErrorCounts
from tympan.domain.job import JobState
from tympan.domain.manifest import Utterance
from tympan.domain.model import Bundle, BundleFile
from tympan.domain.resource import Failure, Status
from tympan.speech.manifest_lines import write_records
from tympan.testing.audio import WavCodec, wav_bytes
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import FakeClock
from tympan.testing.entities import make_base_model, make_dataset, make_model
from tympan.testing.inverse_normalizer import FakeInverseNormalizer
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.store import MemoryStore
from tympan.usecases.evaluation_transcripts import EvaluationTranscripts
from tympan.usecases.evaluations import Evaluations, NewEvaluation
from tympan.usecases.job_states import begin_attempt, end_job
from tympan.usecases.jobs import Jobs
from tympan.usecases.scoring import Scoring

STEP_SAMPLES = 160  # recording n is n + 1 times as long, which is how the fake ear knows it


class Context:
    def __init__(self, job):
        self.job, self.messages = job, []

    def progress(self, fraction, message, **counters):
        assert 0 <= fraction <= 1
        self.messages.append(message)

    def event(self, kind, payload):
        pass


class House:
    """A test set and models that hear what ``heard`` says."""

    def __init__(self, transcripts, kind=DatasetKind.ACOUSTIC, *, store=None, blobs=None):
        self.store, self.blobs, self.clock = store or MemoryStore(), blobs or MemoryBlobs(), FakeClock()
        self.heard, self.calls = {}, []
        self.recognizer = FakeRecognizer(self.hear)
        self.scoring = Scoring(
            store=self.store,
            blobs=self.blobs,
            codec=WavCodec(),
            recognizer=self.recognizer,
            clock=self.clock,
            transcripts=EvaluationTranscripts(blobs=self.blobs, clock=self.clock, writers=WRITERS),
        )
        self.dataset = self.add_dataset(transcripts, kind)

    def add_dataset(self, transcripts, kind=DatasetKind.ACOUSTIC):
        records = [self.utterance(number, text) for number, text in enumerate(transcripts)]
        manifest = self.blobs.put_content(write_records(records))
        dataset = make_dataset(kind=kind, status=Status.SUCCEEDED, manifest_key=manifest.key)
        with self.store.write() as tx:
            tx.datasets.add(dataset)
        return dataset

    def utterance(self, number, text):
        samples = np.full((number + 1) * STEP_SAMPLES, 0.25, np.float32)
        stored = self.blobs.put_content([wav_bytes(samples)])
        return Utterance(
            name=f"höre {number}.wav",
            audio_key=stored.key,
            duration_s=samples.size / 16_000,
            source_rate_hz=16_000,
            transcript=text,
            group=str(number),
        )

    def hear(self, bundle, samples, options):
        number = samples.size // STEP_SAMPLES - 1
        self.calls.append((bundle.digest, number))
        return self.heard[bundle.digest][number]

    def add_model(self, texts, **fields):
        """A model that hears these texts; a custom one when datasets are named."""
        letter = "abcdef"[len(self.heard)]
        bundle = Bundle(
            engine="fake", files=(BundleFile(name="model.bin", sha256=letter * 64, size_bytes=1),)
        )
        self.heard[bundle.digest] = texts
        fields = {"display_name": f"model {letter}", "bundle": bundle} | fields
        with self.store.write() as tx:
            if "dataset_ids" in fields:
                model = make_model(status=Status.SUCCEEDED, **fields)
                tx.models.add(model)
            else:
                model = make_base_model(**fields)
                tx.base_models.add(model)
        return model.id

    def evaluate(self, *model_ids):
        new = NewEvaluation(
            display_name="test", locale="en-US", dataset_id=self.dataset.id, model_ids=model_ids
        )
        return Evaluations(store=self.store, clock=self.clock).create(new)

    def attempt(self, evaluation, step):
        with self.store.write() as tx:
            return Context(begin_attempt(tx, tx.jobs.get(evaluation.job_id), self.clock.now(), step=step))

    def run(self, *model_ids):
        evaluation = self.evaluate(*model_ids)
        self.scoring.run_recognize(self.attempt(evaluation, "recognize"))
        self.scoring.run_score(self.attempt(evaluation, "score"))
        return self.get(evaluation)

    def get(self, evaluation):
        with self.store.read() as tx:
            return tx.evaluations.get(evaluation.id)

    def file(self, evaluation, name):
        (file,) = [file for file in evaluation.files if file.name == name]
        content = b"".join(self.blobs.stream(file.key))
        assert len(content) == file.size_bytes
        return content


REFERENCES = ["He paid $5.", "The cat sat on the mat.", "Yes."]


def test_every_model_is_scored_and_compared_with_the_first():
    house = House(REFERENCES)
    base = house.add_model(["he paid five euros", "the cat sat on mat", "yes yes"])
    custom = house.add_model(REFERENCES, dataset_ids=())
    evaluation = house.run(base, custom)
    assert (evaluation.status, evaluation.normalizer) == (Status.SUCCEEDED, "tympan-en/1")
    first, second = evaluation.scores
    assert first.words == ErrorCounts(hits=9, substitutions=1, deletions=1, insertions=1)
    assert (first.sentence_count, first.sentence_error_count) == (3, 3)
    assert first.audio_s == pytest.approx(6 * STEP_SAMPLES / 16_000)
    assert first.cpu_s > 0
    assert sum(first.token_edits.values()) == first.tokens.errors > first.words.errors
    assert second.words == ErrorCounts(hits=11)
    (comparison,) = evaluation.comparisons
    assert (comparison.model_id, comparison.baseline_id, comparison.verdict) == (custom, base, "undecided")
    assert comparison.relative_change == -1


def test_figures_change_what_is_shown_and_nothing_that_is_counted():
    heard = ["He paid twenty five dollars.", "Twenty-five cats sat.", "Yes, five percent."]
    documents = []
    for inverse in (None, FakeInverseNormalizer()):
        house = House(["He paid $25.", "The cat sat.", "Yes, five percent."])
        house.recognizer.inverse = inverse
        evaluation = house.run(house.add_model(heard))
        documents.append(
            [json.loads(house.file(evaluation, f"höre {n}.wav.model1_score.json")) for n in range(3)]
        )
    before, after = documents
    assert [one["hypothesis"]["display"] for one in after] == [
        "He paid 25 dollars.",
        "25 cats sat.",
        "Yes, 5%.",
    ]
    assert [one["hypothesis"]["itn"] for one in after] == ["he paid 25 dollars", "25 cats sat", "yes 5%"]
    for name in ("counts", "wordErrorRate", "alignment", "characterErrorRate", "normalizedHypothesis"):
        assert [one[name] for one in after] == [one[name] for one in before]


def test_score_files_follow_the_schema_and_say_when_each_word_was_heard():
    house = House(REFERENCES)
    evaluation = house.run(house.add_model(["He paid five euros.", "", "yes"]))
    document = json.loads(house.file(evaluation, "höre 0.wav.model1_score.json"))
    assert document["reference"] == "He paid $5."
    assert document["hypothesis"]["display"] == "He paid five euros."
    assert document["normalizedReference"] == "he paid five dollars"
    assert document["normalizedHypothesis"] == "he paid five euros"
    assert document["counts"] == {
        "words": 4,
        "correct": 3,
        "substitutions": 1,
        "deletions": 0,
        "insertions": 0,
    }
    assert document["wordErrorRate"] == 0.25
    assert [column["op"] for column in document["alignment"]] == ["C", "C", "C", "S"]
    assert document["alignment"][3] == {
        "op": "S",
        "ref": "dollars",
        "hyp": "euros",
        "offsetMilliseconds": 8,
        "durationMilliseconds": 2,
    }
    assert document["tokens"]["errors"]["lexical"] > 0
    assert all(file.kind == "EvaluationDetails" for file in evaluation.files)
    assert len({file.id for file in evaluation.files}) == len(evaluation.files)
    assert all(file.id.isascii() and " " not in file.id for file in evaluation.files)


def transcriptions_of(house, evaluation):
    with house.store.read() as tx:
        return [tx.transcriptions.get(one) for one in evaluation.transcription_ids]


def test_what_each_model_heard_is_a_transcription_of_its_own():
    house = House(REFERENCES)
    base, custom = (house.add_model(texts) for texts in (["He paid five euros.", "", "yes"], REFERENCES))
    evaluation = house.run(base, custom)
    first, second = transcriptions_of(house, evaluation)
    assert (first.status, first.model_id, second.model_id) == (Status.SUCCEEDED, base, custom)
    assert (first.counts.succeeded, first.counts.failed) == (3, 0)
    listed = b"".join(house.blobs.stream(first.files_key)).splitlines()
    files = {file["name"]: file for file in map(json.loads, listed)}
    assert list(files) == [*(f"höre {number}.wav.json" for number in range(3)), "report.json"]
    result = json.loads(b"".join(house.blobs.stream(files["höre 0.wav.json"]["key"])))
    assert result["source"] == "höre 0.wav"
    assert result["combinedRecognizedPhrases"][0]["display"] == "He paid five euros."
    assert result["recognizedPhrases"][0]["nBest"][0]["lexical"] == "he paid five euros"
    silent = json.loads(b"".join(house.blobs.stream(files["höre 1.wav.json"]["key"])))
    assert silent["recognizedPhrases"] == []


def test_equal_models_share_one_transcription():
    house = House(REFERENCES)
    model = house.add_model(REFERENCES)
    first, second = house.evaluate(model, model).transcription_ids
    assert first == second


def test_the_transcriptions_of_a_test_fail_and_wait_with_it():
    house = House(REFERENCES)
    evaluation = house.evaluate(house.add_model(REFERENCES))
    with house.store.write() as tx:
        job = tx.jobs.get(evaluation.job_id)
        end_job(tx, job, house.clock.now(), JobState.FAILED, Failure(code="c", message="m"))
    (failed,) = transcriptions_of(house, evaluation)
    assert (failed.status, failed.failure.message) == (Status.FAILED, "m")
    Jobs(store=house.store, clock=house.clock).retry(job.id)
    (waiting,) = transcriptions_of(house, evaluation)
    assert (waiting.status, waiting.failure) == (Status.NOT_STARTED, None)


def test_the_summary_adds_up_and_lists_what_was_confused():
    house = House(["a cat", "a cat", "a dog"])
    evaluation = house.run(house.add_model(["a hat", "a hat", "a dog now"]))
    summary = json.loads(house.file(evaluation, "summary.json"))
    (model,) = summary["models"]
    assert model["topSubstitutions"] == [{"reference": "cat", "hypothesis": "hat", "count": 2}]
    assert model["topInsertions"] == [{"hypothesis": "now", "count": 1}]
    assert model["topDeletions"] == []
    assert [one["models"][0]["counts"]["substitutions"] for one in summary["recordings"]] == [1, 1, 0]
    assert summary["normalizer"] == "tympan-en/1"
    assert house.file(evaluation, "ref.trn").decode().splitlines()[2] == "a dog (rec_000003)"
    assert house.file(evaluation, "hyp1.trn").decode().splitlines()[2] == "a dog now (rec_000003)"


def test_the_table_holds_no_formula():
    house = House(["=1+1", "plain"])
    evaluation = house.run(house.add_model(["@cmd", "plain"]))
    rows = list(csv.DictReader(io.StringIO(house.file(evaluation, "summary.csv").decode("utf-8-sig"))))
    assert (rows[0]["reference"], rows[0]["model1_hypothesis"]) == ("'=1+1", "'@cmd")
    assert (rows[1]["reference"], rows[1]["model1_word_error_rate"]) == ("plain", "0.0")


def test_recordings_without_words_are_scored():
    house = House(["", "", "..."])
    (score,) = house.run(house.add_model(["", "thanks for watching", ""])).scores
    assert score.words == ErrorCounts(insertions=3)
    assert (score.sentence_error_count, score.words.rate) == (1, 1.0)


def test_without_transcripts_there_are_texts_and_no_scores():
    house = House([None, None], kind=DatasetKind.AUDIO_FILES)
    evaluation = house.run(house.add_model(["one", "two"]))
    assert (evaluation.status, evaluation.scores, evaluation.comparisons) == (Status.SUCCEEDED, (), ())
    document = json.loads(house.file(evaluation, "höre 1.wav.model1_score.json"))
    assert document["hypothesis"]["display"] == "two"
    assert "counts" not in document


def test_a_model_named_twice_is_recognised_once_and_never_better_than_itself():
    house = House(REFERENCES)
    model = house.add_model(["he paid", "the cat", "no"])
    evaluation = house.run(model, model)
    assert len(house.calls) == len(REFERENCES)
    assert evaluation.scores[0] == evaluation.scores[1]
    assert evaluation.comparisons[0].verdict == "undecided"


def test_a_killed_attempt_is_continued_behind_its_last_chunk():
    house = House(["word"] * 70)
    model = house.add_model(["word"] * 40 + [None] * 30)
    evaluation = house.evaluate(model)
    house.recognizer._texts = dying(house.hear, at=40)
    with pytest.raises(KeyboardInterrupt):
        house.scoring.run_recognize(house.attempt(evaluation, "recognize"))
    house.heard = {digest: ["word"] * 70 for digest in house.heard}
    house.recognizer._texts, house.calls = house.hear, []
    house.scoring.run_recognize(house.attempt(evaluation, "recognize"))
    assert [number for _, number in house.calls] == list(range(32, 70))
    house.scoring.run_score(house.attempt(evaluation, "score"))
    assert house.get(evaluation).scores[0].words == ErrorCounts(hits=70)


def test_progress_names_the_model_and_the_recording():
    house = House(REFERENCES)
    evaluation = house.evaluate(house.add_model(REFERENCES, display_name="whisper"))
    context = house.attempt(evaluation, "recognize")
    house.scoring.run_recognize(context)
    assert context.messages == ["Recognising 1 of 3 with whisper", "Recognised 3 recordings"]


def test_recordings_that_were_trained_on_are_warned_about():
    house = House(REFERENCES)
    training = house.add_dataset(["He paid $5.", "The cat sat on the mat."])
    base = house.add_model(REFERENCES)
    custom = house.add_model(REFERENCES, dataset_ids=(training.id, "deleted"), display_name="mine")
    overlap, unknown = house.run(base, custom).warnings
    assert "'mine' was trained on 2 of the 3 recordings" in overlap
    assert "höre 0.wav, höre 1.wav" in overlap
    assert "deleted" in unknown


def test_a_superseded_attempt_publishes_nothing():
    house = House(REFERENCES)
    evaluation = house.evaluate(house.add_model(REFERENCES))
    house.scoring.run_recognize(house.attempt(evaluation, "recognize"))
    old = house.attempt(evaluation, "score")
    house.attempt(evaluation, "score")
    with pytest.raises(SupersededError):
        house.scoring.run_score(old)
    assert house.get(evaluation).status is Status.RUNNING


def test_scoring_twice_gives_the_same_evaluation():
    house = House(REFERENCES)
    evaluation = house.run(house.add_model(["he paid", "", "yes"]))
    house.scoring.run_score(house.attempt(evaluation, "score"))
    assert house.get(evaluation) == evaluation


def test_a_model_deleted_meanwhile_is_named():
    house = House(REFERENCES)
    model = house.add_model(REFERENCES)
    evaluation = house.evaluate(model)
    with house.store.write() as tx:
        tx.base_models.delete(model)
    with pytest.raises(InvalidInputError, match=model):
        house.scoring.run_recognize(house.attempt(evaluation, "recognize"))


def dying(hear, *, at):
    def hear_or_die(bundle, samples, options):
        if samples.size // STEP_SAMPLES - 1 == at:
            raise KeyboardInterrupt
        return hear(bundle, samples, options)

    return hear_or_die
