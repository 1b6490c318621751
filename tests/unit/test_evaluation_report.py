"""The report of an evaluation: what is in it, that it repeats, and that others count the same."""

import csv
import doctest
import hashlib
import io
import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
from tests.unit.test_scoring import REFERENCES, House

from tympan.domain.errors import InvalidInputError, InvalidStateError
from tympan.domain.job import JobState
from tympan.domain.manifest import PronunciationEntry
from tympan.domain.model import Bundle, BundleFile
from tympan.domain.resource import Status
from tympan.speech.manifest_lines import write_records
from tympan.testing.entities import make_evaluation, make_model
from tympan.testing.sclite import sclite_command
from tympan.usecases.evaluation_comparing import ComparedModel, Comparing
from tympan.usecases.evaluations import Evaluations, NewEvaluation
from tympan.usecases.job_states import end_job

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "evaluation-report.schema.json").read_text())
TEXTS = [
    "We met Ann Smith at Tympan on May 5.",
    "It costs twenty dollars.",
    "",
    "The cat sat on the mat.",
    *["The weather is fine today and stays so."] * 9,
]
HEARD = [
    "we met Anne Smith at tin pan on may five",
    "it costs $20",
    "Thank you.",
    "the hat sat on the mat",
    *["the weather is fine today and stays so"] * 9,
]
BETTER = [*TEXTS[:2], "", "the hat sat on the mat", *HEARD[4:]]


def run(house, *models, terms=()):
    new = NewEvaluation(
        display_name="test", locale="en-US", dataset_id=house.dataset.id, model_ids=models, terms=terms
    )
    evaluation = Evaluations(store=house.store, clock=house.clock).create(new)
    house.scoring.run_recognize(house.attempt(evaluation, "recognize"))
    score(house, evaluation)
    return house.get(evaluation)


def score(house, evaluation):
    context = house.attempt(evaluation, "score")
    house.scoring.run_score(context)
    with house.store.write() as tx:
        end_job(tx, tx.jobs.get(context.job.id), house.clock.now(), JobState.SUCCEEDED)


def report_of(house, evaluation):
    report = json.loads(house.file(evaluation, "report.json"))
    jsonschema.validate(report, SCHEMA)
    return report


@pytest.fixture
def house():
    return House(TEXTS)


def test_the_report_holds_every_measure(house):
    base = house.add_model(HEARD)
    evaluation = run(house, base, house.add_model(BETTER, dataset_ids=()), terms=("Tympan", "Ann Smith"))
    report = report_of(house, evaluation)
    first, second = report["models"]
    assert first["wordErrorRate"] == evaluation.scores[0].words.rate
    assert (first["terms"]["recall"], second["terms"]["recall"]) == (0.0, 1.0)
    # "ann" and "tympan" are wrong, "smith" is right; all other errors are on other words.
    assert first["terms"]["biasedWords"]["counts"]["substitutions"] == 2
    assert first["terms"]["unbiasedWords"]["counts"]["substitutions"] == 1
    assert first["entities"]["money"]["exactMatch"] == 1.0
    assert first["entities"]["name"]["exact"] == 0
    assert first["hallucinations"]["flags"]["wordsOnSilence"] == 1
    assert (
        first["calibration"]["words"]
        == first["counts"]["correct"] + first["counts"]["substitutions"] + first["counts"]["insertions"]
    )
    assert first["contamination"]["isKnown"] is False
    assert second["contamination"]["recordings"] == 0
    assert second["terms"]["unseen"]["found"] == 2
    assert first["timing"]["engine"] == "fake"
    assert report["conditions"]["normalizer"]["name"] == "tympan-en/1"
    assert report["dataset"]["words"] == first["counts"]["words"]


def test_the_report_says_what_changed_and_what_is_suspected(house):
    report = report_of(house, run(house, house.add_model(HEARD), house.add_model(BETTER)))
    (comparison,) = report["comparisons"]
    assert comparison["bySpeaker"] is None
    assert comparison["recordings"] == {"fixed": 2, "broken": 0, "bothRight": 10, "bothWrong": 1}
    assert comparison["words"]["topFixed"] == [{"word": "ann", "count": 1}, {"word": "tympan", "count": 1}]
    assert comparison["words"]["broken"] == 0
    # Recordings of a few samples are too short for their words, so that each is suspected of that too.
    (suspect,) = [one for one in report["suspects"] if "modelsAgree" in one["reasons"]]
    assert (suspect["recording"], suspect["changes"][0]["heard"]) == ("rec_000004", "hat")
    assert report["recordings"][3]["isSuspected"]
    assert report["ranking"] == {"order": [1, 0], "indistinct": [[1, 0]]}
    assert {"word": "fine", "said": 9, "right": [9, 9]} in report["words"]


def test_the_same_inputs_give_the_same_bytes(house):
    evaluation = run(house, house.add_model(HEARD), house.add_model(BETTER), terms=("Tympan",))
    before = house.file(evaluation, "report.json")
    digest = json.loads(before).pop("digest")
    without = {name: value for name, value in json.loads(before).items() if name != "digest"}
    text = json.dumps(without, ensure_ascii=False, indent=1).encode()
    assert hashlib.sha256(text).hexdigest() == digest
    calls = len(house.calls)
    evaluations = Evaluations(store=house.store, clock=house.clock)
    again = evaluations.rescore(evaluation.id)
    assert (again.status, again.scores) == (Status.NOT_STARTED, evaluation.scores)
    house.scoring.run_recognize(house.attempt(again, "recognize"))
    score(house, again)
    assert house.file(house.get(again), "report.json") == before
    assert len(house.calls) == calls, "nothing was heard again"
    twice = evaluations.rescore(evaluation.id, terms=["weather"])
    house.scoring.run_recognize(house.attempt(twice, "recognize"))
    score(house, twice)
    assert [one["term"] for one in report_of(house, house.get(twice))["terms"]] == ["weather"]
    assert len(house.calls) == calls


def test_only_what_has_succeeded_is_scored_again(house):
    evaluations = Evaluations(store=house.store, clock=house.clock)
    with house.store.write() as tx:
        waiting = make_evaluation()
        tx.evaluations.add(waiting)
    with pytest.raises(InvalidStateError, match="NotStarted"):
        evaluations.rescore(waiting.id)


def test_terms_are_those_named_and_those_a_model_was_taught(house):
    entries = [PronunciationEntry(display="Tympan", spoken="tim pan", line=1)]
    blob = house.blobs.put_content(write_records(entries))
    digest = blob.key.removeprefix("sha256/")
    files = (BundleFile(name="pronunciations.jsonl", sha256=digest, size_bytes=blob.size_bytes),)
    bundle = Bundle(engine="fake", files=files)
    house.heard[bundle.digest] = TEXTS
    model = make_model(status=Status.SUCCEEDED, bundle=bundle, dataset_ids=())
    with house.store.write() as tx:
        tx.models.add(model)
    report = report_of(house, run(house, model.id, terms=("Tympan", "weather")))
    sources = {one["term"]: one["sources"] for one in report["terms"]}
    assert sources == {"weather": ["given"], "Tympan": ["given", model.id]}


@pytest.mark.parametrize("terms", [[""], ["x" * 201], [str(number) for number in range(10_001)]])
def test_terms_have_bounds(house, terms):
    with pytest.raises(InvalidInputError):
        run(house, house.add_model(HEARD), terms=terms)


def test_sentences_and_terms_of_the_training_text_are_found(house):
    training = house.add_dataset(["unrelated", "The weather is fine today and stays so."])
    custom = house.add_model(TEXTS, dataset_ids=(training.id,), display_name="mine")
    evaluation = run(house, custom, terms=("weather", "Tympan"))
    model = report_of(house, evaluation)["models"][0]
    assert model["contamination"]["sentences"] == 9
    assert (model["terms"]["seen"]["found"], model["terms"]["unseen"]["found"]) == (9, 1)
    assert any("word for word" in one for one in evaluation.warnings)


def test_slices_follow_labels_and_folders_of_the_dataset():
    house = House(TEXTS)
    plain = house.utterance

    def labelled(number, text):
        speaker = "Ann" if number % 2 else "Bob"
        return plain(number, text).__class__(
            **{
                name: getattr(plain(number, text), name) for name in ("audio_key", "duration_s", "transcript")
            },
            name=f"{'far' if number > 5 else 'near'}/{number}.wav",
            source_rate_hz=8000,
            group=speaker,
            labels={"device": "phone"} if number else {"device": "desk"},
        )

    house.utterance = labelled
    house.dataset = house.add_dataset(TEXTS)
    report = report_of(house, run(house, house.add_model(HEARD), house.add_model(BETTER)))
    shown = {(one["column"], one["value"]): one["recordings"] for one in report["slices"]}
    assert shown == {
        ("device", "phone"): 12,
        ("device", "desk"): 1,
        ("folder", "far"): 7,
        ("folder", "near"): 6,
        ("speaker", "Bob"): 7,
        ("speaker", "Ann"): 6,
    }
    assert report["dataset"]["speakers"] == report["comparisons"][0]["bySpeaker"]["speakers"] == 2
    by_speaker = report["models"][0]["wordErrorRateIntervalBySpeaker"]
    assert by_speaker["low"] < report["models"][0]["wordErrorRate"] < by_speaker["high"]
    assert report["comparisons"][0]["bySpeaker"]["verdict"] == "undecided"


def test_errors_can_be_read_as_a_table(house):
    evaluation = run(house, house.add_model(HEARD))
    rows = list(csv.reader(io.StringIO(house.file(evaluation, "confusions.csv").decode("utf-8-sig"))))
    assert rows[0] == ["model", "operation", "reference", "hypothesis", "count"]
    assert ["model1", "S", "cat", "hat", "1"] in rows


@pytest.mark.parametrize(
    ("reference", "hypothesis"),
    [(("ref.trn", "trn"), ("hyp1.trn", "trn")), (("ref.stm", "stm"), ("hyp1.ctm", "ctm"))],
)
def test_sclite_counts_the_same_in_every_form(house, tmp_path, reference, hypothesis):
    # The silent recording is left out: sclite takes an empty stm segment as not to be scored.
    house.dataset = house.add_dataset(TEXTS[:2])
    evaluation = run(house, house.add_model(HEARD))
    for name in (reference[0], hypothesis[0], "hyp1.pra"):
        (tmp_path / name).write_bytes(house.file(evaluation, name))
    command = [*sclite_command(), "-r", *reference, "-h", *hypothesis, "-i", "rm", "-e", "utf-8"]
    options = ["-o", "pralign", "stdout"]
    if reference[1] == "stm":
        command = [one for one in command if one not in ("-i", "rm")]
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, check=False)
    judged = re.findall(rb"Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    ours = re.findall(
        rb"Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)", (tmp_path / "hyp1.pra").read_bytes()
    )
    assert judged == ours, done.stdout.decode() + done.stderr.decode()
    counts = evaluation.scores[0].words
    assert sum(int(one[0]) for one in ours) == counts.hits


def comparing(house):
    return Comparing(store=house.store, blobs=house.blobs)


def test_models_of_two_evaluations_are_compared_without_hearing_them_again(house):
    first, second = run(house, house.add_model(HEARD)), run(house, house.add_model(BETTER))
    both = run(house, *first.model_ids, *second.model_ids)
    calls = len(house.calls)
    compared = comparing(house).compare(
        ComparedModel(evaluation_id=first.id), ComparedModel(evaluation_id=second.id)
    )
    assert compared.comparison == both.comparisons[0]
    assert (compared.fixed, compared.broken) == (2, 0)
    assert compared.test.p_value == report_of(house, both)["pairs"][0]["pValue"]
    assert len(house.calls) == calls
    turned = comparing(house).compare(
        ComparedModel(evaluation_id=both.id, number=2), ComparedModel(evaluation_id=both.id, number=1)
    )
    assert (turned.fixed, turned.broken) == (0, 2)


def test_what_cannot_be_compared_is_refused(house):
    evaluation = run(house, house.add_model(HEARD))
    this = ComparedModel(evaluation_id=evaluation.id)
    with pytest.raises(InvalidInputError, match="models 1 to 1"):
        comparing(house).compare(this, ComparedModel(evaluation_id=evaluation.id, number=2))
    house.dataset = house.add_dataset(REFERENCES)
    other = run(house, house.add_model(REFERENCES))
    with pytest.raises(InvalidInputError, match="different recordings"):
        comparing(house).compare(this, ComparedModel(evaluation_id=other.id))
    with house.store.write() as tx:
        waiting = make_evaluation()
        tx.evaluations.add(waiting)
    with pytest.raises(InvalidStateError, match="no report"):
        comparing(house).compare(this, ComparedModel(evaluation_id=waiting.id))


def test_a_dataset_says_what_it_can_show(house):
    plan = comparing(house).plan(house.dataset.id, 0.1)
    assert (plan.recordings, plan.is_fair_sample) == (13, True)
    assert plan.words == 9 + 4 + 6 + 9 * 8
    assert 0.1 < plan.detectable_difference < 0.15
    with pytest.raises(InvalidInputError, match="above 0"):
        comparing(house).plan(house.dataset.id, 12.0)


def test_the_examples_of_the_page_are_true():
    page = Path(__file__).parents[2] / "docs" / "evaluation.md"
    result = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert (result.failed, result.attempted > 20) == (0, True)
