"""What is said of a training before it begins."""

import json
from dataclasses import replace

import pytest
from tests.unit.test_training import House

from tympan.domain.dataset import DatasetCounts, DatasetKind, StoredFile
from tympan.domain.errors import InvalidInputError
from tympan.domain.manifest import FormattingRule, PronunciationEntry, Sentence
from tympan.domain.model import Bundle, BundleFile
from tympan.usecases import training_estimate
from tympan.usecases.models import NewModel
from tympan.usecases.training_advice import Advisor
from tympan.usecases.training_estimate import Estimator, Work


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def advise(house, *datasets, **more):
    advisor = Advisor(
        store=house.store,
        blobs=house.blobs,
        models=house.models,
        trainer=house.trainer,
        synthesizer=house.synthesizer,
    )
    new = NewModel(display_name="", locale=house.locale, dataset_ids=[one.id for one in datasets], **more)
    return advisor.advise(new)


def codes(advice):
    return [concern.code for concern in advice.warnings]


def sentences(house, *texts):
    return house.dataset(DatasetKind.LANGUAGE, [Sentence(text=t, line=n) for n, t in enumerate(texts, 1)])


def test_what_was_advised_is_what_the_training_makes(house):
    data = house.recordings(60)
    text = sentences(house, "The gearbox leaks oil.", "Metoprolol was given twice.")
    entries = house.dataset(
        DatasetKind.PRONUNCIATION, [PronunciationEntry(display="CNTK", spoken="c n t k", line=1)]
    )

    advice = advise(house, data, text, entries)
    model = house.model(data, text, entries)
    house.step(model, "prepare")
    house.step(model, "train")

    [plan] = house.trainer.plans
    made = [example.origin for example in plan.examples]
    assert [one.examples for one in advice.recipe] == [
        made.count(origin) for origin in ("audio", "text", "pronunciation")
    ]
    assert (advice.held_out, advice.replay) == (len(plan.dev), made.count("replay"))
    assert (advice.speakers, advice.sentences) == (10, 2)
    assert advice.audio_s == pytest.approx(60 * 1.03, rel=0.01)
    assert advice.refusals == ()


def test_gains_are_ranges_with_a_source_and_little_audio_lowers_them(house):
    rules = house.dataset(
        DatasetKind.OUTPUT_FORMATTING, [FormattingRule(section="rewrite", source="a", target="b", line=1)]
    )
    audio, formatting = advise(house, house.recordings(), rules).gains
    assert (audio.kind, audio.low, audio.high) == ("Acoustic", 0.0, 0.48)
    assert "here is less, so expect less" in audio.source
    assert (formatting.low, formatting.high) == (None, None)
    long = house.dataset(
        DatasetKind.ACOUSTIC, [house.utterance(n + 100, f"Number {n}.", duration_s=28.0) for n in range(22)]
    )
    [audio] = advise(house, long).gains
    assert (audio.low, audio.high) == (0.07, 0.48)


def test_the_first_estimate_stands_on_a_probe_and_grows_with_data_epochs_and_weights(house, monkeypatch):
    def estimate(megabytes=75.5, minutes=10, epochs=3, gflops=40.0):
        monkeypatch.setattr(training_estimate, "probe_gflops", lambda: gflops)  # a real one differs each time
        file = BundleFile(name="model.bin", sha256="a" * 64, size_bytes=round(megabytes * 1e6))
        base = replace(house.base, bundle=Bundle(engine="fake", files=(file,)))
        work = Work(shown_s=60 * minutes, spoken_cpu_s=1.0, epochs=epochs)
        return Estimator(store=house.store, blobs=house.blobs).estimate(base, work)

    found = estimate()
    assert (found.calibration, found.cpu_s) == ("probe", pytest.approx(32.5))
    assert "A probe of this machine (40 GFLOP per CPU s)" in found.source
    assert (found.low_cpu_s, found.high_cpu_s) == (pytest.approx(13.6), pytest.approx(79.75))
    assert estimate(epochs=6).cpu_s == pytest.approx(1 + 31.5 * 1.75)
    assert estimate(minutes=20).cpu_s == pytest.approx(64.0)
    assert estimate(gflops=80.0).cpu_s == pytest.approx(16.75)
    assert estimate(megabytes=145.2).cpu_s == pytest.approx(71.4, abs=1), "as the benchmark measured"
    assert found.memory_bytes < estimate(megabytes=145.2).memory_bytes


def test_later_estimates_stand_on_what_trainings_cost_here(house):
    dataset = house.recordings()
    model = house.train(house.model(dataset))
    report = house.report(model)
    minutes = report["shownSeconds"] / 60
    report["metrics"] |= {"cpuSeconds": 2.0 * minutes, "peakMemoryBytes": 123}
    stored = house.blobs.put_content([json.dumps(report).encode()])
    with house.store.write() as tx:
        tx.models.save(replace(model, files=(replace(model.files[0], key=stored.key),)))

    estimate = advise(house, dataset).estimate

    assert estimate.calibration == "earlierTrainings"
    assert "2.00 to 2.00 CPU s" in estimate.source
    spoken_s = house.synthesizer.voices("en-US")[0].cost * 4
    assert estimate.cpu_s == pytest.approx(2.0 * minutes, abs=1 + spoken_s)
    assert estimate.memory_bytes == 123


def test_trainings_on_a_gpu_tell_nothing_of_a_cpu():
    report = {"metrics": {"device": "cuda", "cpuSeconds": 1.0}, "shownSeconds": 1.0}
    assert training_estimate._measured(report) is None
    assert training_estimate.probe_gflops() > 0.1


def test_bad_recordings_are_warned_about_each_with_its_reason(house):
    one = {"group": "the only speaker"}
    shouted = [house.utterance(n, "PLEASE CALL ME", **one) for n in range(20)]
    advice = advise(house, house.dataset(DatasetKind.ACOUSTIC, shouted))
    assert codes(advice) == ["FewUtterances", "OneSpeaker", "Duplicates", "AllCapitals"]
    texts = {concern.code: concern.text for concern in advice.warnings}
    assert "95% of the recordings" in texts["Duplicates"]
    assert "20 usable recordings" in texts["FewUtterances"]
    assert advice.speakers == 1


def test_good_recordings_are_not_warned_about(house):
    texts = [f"Please call {first}{second}." for first in "abcdefghij" for second in "klmnop"]
    varied = [house.utterance(number, text) for number, text in enumerate(texts)]
    assert codes(advise(house, house.dataset(DatasetKind.ACOUSTIC, varied))) == []


def test_another_language_than_declared_is_told(house):
    german = sentences(house, *(f"Der Hund und die Katze schlafen heute nicht im Haus {n}" for n in range(5)))
    [concern] = advise(house, german).warnings
    assert concern.code == "OtherLanguage"
    assert "look like 'de', not like en-US" in concern.text


def test_a_list_of_ordinary_words_is_told(house):
    assert codes(advise(house, sentences(house, "service", "good morning", "water", "metoprolol"))) == [
        "OrdinaryTerms"
    ]
    assert codes(advise(house, sentences(house, "metoprolol", "Xoriant", "water"))) == []
    assert codes(advise(house, sentences(house, "Close the door.", "Open it.", "Call me."))) == []


def test_what_cannot_train_is_refused_with_the_reasons(house):
    untold = house.dataset(DatasetKind.AUDIO_FILES, [house.utterance(n, transcript=None) for n in range(3)])
    advice = advise(house, untold)
    [refusal] = advice.refusals
    assert "There is nothing to train on." in refusal
    assert "3 x The recording has no transcript" in refusal
    assert (advice.estimate, advice.gains, advice.recipe) == (None, (), ())


def test_text_without_a_voice_is_refused_alone_and_warned_about_beside_recordings(tmp_path):
    house = House(tmp_path, locale="nl-NL")
    text = sentences(house, "Goedemorgen.")
    assert "no voice on this machine speaks nl-NL" in advise(house, text).refusals[0]
    both = advise(house, text, house.recordings(10))
    assert both.refusals == ()
    assert "NoVoice" in codes(both)
    assert [one.becomes for one in both.recipe][1] == "Nothing: no voice speaks it."


def test_what_could_not_even_be_asked_for_is_an_error(house):
    with pytest.raises(InvalidInputError, match="There is nothing to train on"):
        advise(house)
    with pytest.raises(InvalidInputError, match="it must be a whole number from 1 to 50"):
        advise(house, house.recordings(10), settings={"epochs": 99})


def test_what_the_import_found_is_told_and_not_looked_for_again(house):
    report = {"issues": [{"code": "AudioSilent"}, {"code": "AudioSilent"}, {"code": "TabMissing"}]}
    stored = house.blobs.put_content([json.dumps(report).encode()])
    file = StoredFile(
        id="report.json", name="report.json", kind="DatasetReport", key=stored.key, size_bytes=9
    )
    dataset = house.recordings(10)
    with house.store.write() as tx:
        counts = DatasetCounts(accepted=10, rejected=3)
        tx.datasets.save(replace(dataset, files=(file,), counts=counts))
    [told] = advise(house, dataset).datasets
    assert (told.usable_lines, told.rejected) == (10, 3)
    assert told.findings == {"AudioSilent": 2, "TabMissing": 1}
