"""Reports of evaluations over HTTP, and from the command line."""

import json

import pytest
from tests.api.conftest import V32, error_of
from tests.api.test_command_line import folder, tympan, worker_does  # noqa: F401  fixtures
from tests.unit.test_evaluation_report import BETTER, HEARD, TEXTS, run
from tests.unit.test_scoring import House

from tympan.cli.errors import CONFLICT, USAGE
from tympan.testing.entities import make_evaluation

OURS = "/api/v1/evaluations"


@pytest.fixture
def house(world):
    return House(TEXTS, store=world.store, blobs=world.blobs)


@pytest.fixture
def tested(house):
    return run(house, house.add_model(HEARD), house.add_model(BETTER), terms=("Tympan",))


def test_the_report_is_one_of_its_files_and_has_a_route(client, house, tested):
    shown = client.get(f"{V32}/evaluations/{tested.id}").json()
    assert (shown["tympan"]["termCount"], "terms" in shown["tympan"]) == (1, False)
    report = client.get(shown["tympan"]["report"])
    assert report.content == house.file(tested, "report.json")
    assert report.json()["models"][1]["terms"]["recall"] == 1.0
    names = {one["name"] for one in client.get(shown["links"]["files"]).json()["values"]}
    assert names >= {"report.json", "confusions.csv", "ref.stm", "ref.trn", "hyp1.ctm", "hyp2.pra"}


def test_there_is_no_report_before_the_end(world, client):
    made = world.add(make_evaluation())
    assert client.get(f"{OURS}/{made.id}/report").status_code == 409
    assert "report" not in client.get(f"{V32}/evaluations/{made.id}").json().get("tympan", {})


def test_terms_come_with_a_new_evaluation(client, house):
    model = house.add_model(HEARD)
    reference = {"self": f"{V32}/models/base/{model}"}
    body = {
        "displayName": "Test",
        "locale": "en-US",
        "dataset": {"self": f"{V32}/datasets/{house.dataset.id}"},
        "model1": reference,
        "model2": reference,
        "tympan": {"terms": [" Tympan ", "Ann  Smith", "Tympan"]},
    }
    assert client.post(f"{V32}/evaluations", json=body).json()["tympan"]["termCount"] == 2
    body["tympan"] = {"terms": [1]}
    error = error_of(client.post(f"{V32}/evaluations", json=body), 400, "InvalidRequest", "InvalidPayload")
    assert "tympan.terms" in error["message"]


def test_what_was_heard_is_scored_again_with_other_terms(client, house, tested):
    answer = client.post(f"{OURS}/{tested.id}:rescore", json={"terms": ["weather", "cat"]})
    assert (answer.status_code, answer.json()["status"]) == (200, "NotStarted")
    assert answer.json()["tympan"]["termCount"] == 2
    assert answer.json()["properties"]["wordErrorRate1"] > 0, "the old figures stay until then"
    assert client.post(f"{OURS}/{tested.id}:rescore", json={}).status_code == 409


def test_two_evaluations_are_compared(client, house, tested):
    query = {"first": tested.id, "second": tested.id, "firstModel": 1}
    compared = client.get(f"{OURS}:compare", params=query).json()
    assert compared["words"] == {"fixed": 2, "broken": 0}
    assert compared["baseline"]["model"]["self"].endswith(tested.model_ids[0])
    assert compared["verdict"] in ("better", "undecided")
    for wrong in ({"first": ""}, {"firstModel": "x"}, {"firstModel": 3}, {"other": 1}):
        assert client.get(f"{OURS}:compare", params=query | wrong).status_code == 400


def test_a_dataset_says_beforehand_what_it_can_show(client, house):
    query = {"dataset": house.dataset.id, "wordErrorRate": 0.1}
    plan = client.get(f"{OURS}:plan", params=query).json()
    assert (plan["recordings"], plan["isFairSample"]) == (13, True)
    assert 0.1 < plan["detectableDifference"] < 0.2
    for wrong in ({"wordErrorRate": "much"}, {"wordErrorRate": 12}, {"dataset": ""}):
        assert client.get(f"{OURS}:plan", params=query | wrong).status_code == 400


def test_the_command_line_shows_saves_and_compares(world, house, tested, tympan, tmp_path):  # noqa: F811
    status, out, _ = tympan("evaluation", "report", tested.id)
    assert status == 0
    for shown in ("tympan-en/1", "B-WER", "2 words fixed, 0 broken", "hat"):
        assert shown in out
    assert json.loads(tympan("evaluation", "report", tested.id, "--json")[1])["schemaVersion"] == 1
    target = tmp_path / "files"
    assert tympan("evaluation", "export", tested.id, "--to", target, "--format", "sclite")[0] == 0
    assert {one.name for one in target.iterdir()} == {
        "ref.trn",
        "ref.stm",
        *(f"hyp{number}.{ending}" for number in (1, 2) for ending in ("trn", "ctm", "pra")),
    }
    assert (target / "ref.trn").read_bytes() == house.file(tested, "ref.trn")
    assert tympan("evaluation", "export", tested.id, "--to", target, "--each", "--format", "json")[0] == 0
    assert len(list(target.glob("*_score.json"))) == 2 * len(TEXTS)
    status, out, _ = tympan("evaluation", "compare", tested.id, tested.id, "--first-model", 1)
    assert (status, "2, 0" in out) == (0, True)
    assert (
        json.loads(tympan("evaluation", "compare", tested.id, tested.id, "--json")[1])["words"]["fixed"] == 0
    )
    status, out, _ = tympan("evaluation", "plan", "--dataset", house.dataset.id, "--wer", 10)
    assert (status, "points will be seen" in out) == (0, True)
    assert tympan("evaluation", "plan", "--dataset", house.dataset.id, "--wer", 1000)[0] == USAGE


def test_the_command_line_scores_again(world, house, tested, tympan, tmp_path):  # noqa: F811
    (tmp_path / "terms.txt").write_text("weather\n\n cat \n")

    def score_again(job):
        house.scoring.run_score(house.attempt(house.get(tested), "score"))

    worker = worker_does(world, score_again)
    status, out, err = tympan("evaluation", "rescore", tested.id, "--terms", tmp_path / "terms.txt")
    worker.join()
    assert (status, "Succeeded" in out) == (0, True), out + err
    report = json.loads(tympan("evaluation", "report", tested.id, "--json")[1])
    assert [one["term"] for one in report["terms"]] == ["weather", "cat"]
    waiting = world.add(make_evaluation(display_name="waiting"))
    assert tympan("evaluation", "rescore", waiting.id)[0] == CONFLICT
