"""The testing tab, without a browser: real reports, written from what fakes heard."""

import pytest
from tests.portal.bench import TEXTS
from tests.portal.conftest import HOSTILE, Page

from tympan.domain.dataset import DatasetKind
from tympan.testing.entities import make_project


@pytest.fixture
def tab(project):
    return f"/projects/{project.id}/testing"


def test_the_form_offers_recordings_and_models_and_takes_over_a_choice(signed_in, bench, tab, models):
    page = signed_in.page(f"{tab}/new?base={models[0]}&model={models[1]}&dataset={bench.dataset.id}")
    chosen = [one["value"] for one in page.all("option") if "selected" in one]
    assert chosen == [bench.dataset.id, *models]
    assert page.all("input", name="name")[0]["value"] == f"{HOSTILE} against Base"
    assert "Calls (Audio + transcripts)" in page.text


def test_a_refused_test_keeps_what_was_given(signed_in, send, bench, tab, models):
    answer = send(tab, name="June", dataset=bench.dataset.id, model1=models[0], terms="x" * 201)
    assert (answer.status_code, "A term has 1 to" in answer.text) == (422, True)
    page = Page(answer.text)
    assert page.all("input", name="name")[0]["value"] == "June"
    assert "x" * 201 in page.text
    assert not signed_in.services.evaluations.count()


def test_a_test_opens_with_its_verdict_and_shows_every_measure(signed_in, tested):
    page = signed_in.page(tested)
    verdict = page.text.index(f"{HOSTILE} cannot be told apart from Base: word error rate")
    assert verdict < page.text.index("On Calls , normalised by tympan-en")
    assert "better with probability" in page.text
    for measure in (
        "Recordings without an error 10 of 13 10 of 13",
        "Found of those said (recall) 0.0 % 100.0 %",
        "Errors on words of terms",
        "Money 100.0 % 0.0 %",
        "Confidence is off by",
        "Smallest difference that shows",
        "Seconds for a second of audio",
    ):
        assert measure in page.text, measure


def test_recordings_are_filtered_by_what_became_of_them(signed_in, tested):
    page = signed_in.page(tested)
    for shown in ("With errors 4", "Fixed 1", "Broken 1", "Still wrong 2", "Right 9"):
        assert shown in page.text, shown
    fixed = signed_in.page(f"{tested}?show=fixed")
    assert "höre 0.wav Base 42.9 %" in fixed.text
    assert "ann Base: anne S (substituted) ann" in fixed.text
    assert "Base: tin I (inserted)" in fixed.text
    broken = signed_in.page(f"{tested}?show=broken")
    assert f"twenty twenty {HOSTILE}: twenty D (deleted)" in broken.text
    right = signed_in.page(f"{tested}?show=right&page=99")
    assert "höre 12.wav" in right.text
    assert "Page" not in right.text.partition("Recordings")[2].partition("Files")[0].replace("Pages", "")


def test_confusions_terms_parts_and_words_are_counted(signed_in, tested):
    page = signed_in.page(tested)
    assert "substituted S cat hat 1 1" in page.text
    assert "substituted S ann anne 1 0" in page.text
    assert "Ann Smith 1 0 found, 1 missed 1 found, 0 missed" in page.text
    assert "room room Recordings Base" in page.text
    assert "bar few 7 7.5 % 0.0 % to 19.6 % 1.9 %" in page.text
    assert f"{HOSTILE} few 6" in page.text
    assert "Words fixed ann 1× tympan 1×" in page.text
    assert "Words broken dollars 1× twenty 1×" in page.text


def test_suspected_references_are_listed_and_heard(signed_in, tested):
    page = signed_in.page(tested)
    assert "all models heard the same other words" in page.text
    player = page.all("audio")[-1]
    answer = signed_in.client.get(player["src"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/flac")
    assert int(answer.headers["content-length"]) == len(answer.content) > 0
    assert signed_in.client.get(f"{tested}/audio/rec_999999").status_code == 404


def test_the_exports_are_linked(signed_in, tested):
    page = signed_in.page(tested)
    for name in ("report.json", "summary.csv", "confusions.csv", "hyp2.ctm", "ref.stm"):
        [link] = [one for one in page.links if one.endswith(f"/files/{name}")]
        assert signed_in.client.get(link).status_code == 200
    assert f"/api/v1/evaluations/{tested.rsplit('/', 1)[1]}/report" in page.text


def test_one_model_alone_has_no_comparison(signed_in, send, bench, tab, models):
    new = {"name": "Alone", "dataset": bench.dataset.id, "model1": models[0], "model2": ""}
    there = send(tab, **new).headers["location"]
    assert "Waits for its turn" in signed_in.page(there).text
    bench.score(there.rsplit("/", 1)[1])
    page = signed_in.page(there)
    assert "Base has a word error rate of" in page.text
    assert "Fixed" not in page.text
    assert "What changed" not in page.text
    assert "Alone Succeeded — Base" in signed_in.page(tab).text


def test_recordings_without_transcripts_give_texts_and_no_figures(signed_in, send, bench, project, models):
    dataset = bench.move(bench.add_dataset([None] * len(TEXTS), DatasetKind.AUDIO_FILES), project)
    new = {"name": "Texts", "dataset": dataset.id, "model1": models[0], "model2": models[1]}
    there = send(f"/projects/{project.id}/testing", **new).headers["location"]
    bench.score(there.rsplit("/", 1)[1])
    page = signed_in.page(there)
    assert "All 13" in page.text
    assert f"höre 1.wav Base it costs $20 {HOSTILE} it costs" in page.text
    assert "Word error rate" not in page.text
    assert "höre 12.wav" in signed_in.page(f"{there}?page=2").text


def test_a_test_is_scored_again_with_other_terms_stopped_and_deleted(signed_in, send, tab, tested):
    evaluations, evaluation_id = signed_in.services.evaluations, tested.rsplit("/", 1)[1]
    assert evaluations.get(evaluation_id).terms == ("Ann Smith", "Tympan")
    assert send(f"{tested}/rescore", terms="Bob\n").headers["location"] == tested
    assert evaluations.get(evaluation_id).terms == ("Bob",)
    assert send(f"{tested}/delete").status_code == 422, "it is at work"
    send(f"{tested}/cancel")
    assert "Cancelled by its owner" in signed_in.page(tested).text
    send(f"{tested}/retry")
    send(f"{tested}/cancel")
    assert send(f"{tested}/delete").headers["location"] == tab
    assert not evaluations.count()


def test_a_test_of_another_project_is_neither_shown_nor_touched(signed_in, send, project, tested):
    other = signed_in.add("projects", make_project())
    elsewhere = tested.replace(project.id, other.id)
    for path in (elsewhere, f"{elsewhere}/audio/rec_000001"):
        assert signed_in.client.get(path).status_code == 404
    assert send(f"{elsewhere}/delete").status_code == 404
    assert signed_in.services.evaluations.count() == 1


def test_names_and_transcripts_are_never_markup(signed_in, tab, tested):
    for path in (tested, f"{tested}?show=wrong", tab, f"{tab}/new"):
        assert "<script>alert" not in signed_in.client.get(path).text


def test_every_form_on_these_pages_goes_to_an_action(signed_in, tab, tested):
    for path, addresses in ((f"{tab}/new", {tab}), (tested, {f"{tested}/rescore", f"{tested}/delete"})):
        assert {form["action"] for form in signed_in.page(path).all("form")} - {"/sign-out"} == addresses
        for address in addresses:
            assert signed_in.client.post(address).status_code == 403, address
