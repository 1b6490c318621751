import pytest
from tests.api.conftest import V32, error_of

from tympan.domain.evaluation import Comparison, ErrorCounts, Interval, ModelScore
from tympan.testing.entities import make_base_model, make_dataset, make_evaluation

EVALUATIONS = f"{V32}/evaluations"


def score(model_id, substitutions=2, deletions=1, insertions=2, words=173):
    counts = ErrorCounts(
        hits=words - substitutions - deletions,
        substitutions=substitutions,
        deletions=deletions,
        insertions=insertions,
    )
    return ModelScore(
        model_id=model_id,
        words=counts,
        characters=counts,
        tokens=counts,
        token_edits={"punctuation": 3, "lexical": 1},
        sentence_count=3,
        sentence_error_count=2,
        word_error_rate_interval=Interval(low=0.01, high=0.05),
        audio_s=60.0,
        cpu_s=6.0,
    )


@pytest.fixture
def dataset(world):
    made = world.add(make_dataset())
    return world.imported(made.id)


def body_of(dataset, *models, **members):
    refs = [{"self": f"{V32}/models/base/{model.id}"} for model in models]
    return {
        "displayName": "Test",
        "locale": "en-US",
        "dataset": {"self": f"{V32}/datasets/{dataset.id}"},
        "model1": refs[0],
        "model2": refs[-1],
    } | members


def test_a_new_evaluation_has_counts_of_minus_one(world, client, dataset, base_model):
    answer = client.post(EVALUATIONS, json=body_of(dataset, base_model))
    evaluation = answer.json()
    assert answer.status_code == 201
    assert evaluation["properties"]["wordErrorRate1"] == -1.0
    assert evaluation["properties"]["wordErrorRate2"] == -1.0
    assert evaluation["properties"]["wordCount2"] == -1
    assert evaluation["model1"] == evaluation["model2"]
    assert evaluation["models"] == [evaluation["model1"]]


def test_the_figures_are_those_of_the_published_example(world, client, base_model):
    other = world.add(make_base_model())
    made = world.add(make_evaluation(model_ids=(base_model.id, other.id)))
    comparison = Comparison(
        model_id=other.id,
        baseline_id=base_model.id,
        difference=Interval(low=-0.03, high=-0.01),
        relative_change=-0.4,
        probability_better=0.999,
        verdict="better",
    )
    with world.store.write() as tx:
        done = made.scored(
            world.clock.now(),
            normalizer="tympan-en/1",
            scores=(score(base_model.id), score(other.id, substitutions=0)),
            comparisons=(comparison,),
            warnings=("Two recordings were also trained on.",),
            files=(world.file("summary.json", b"{}", "EvaluationDetails"),),
        )
        tx.evaluations.save(done)
    shown = client.get(f"{EVALUATIONS}/{made.id}").json()
    figures = shown["properties"]
    assert figures["wordErrorRate1"] == 0.0289
    assert figures["correctWordCount1"] == 170
    assert figures["sentenceErrorRate1"] == 0.667
    assert figures["tokenErrors1"]["punctuation"] == {"numberOfEdits": 3, "percentageOfAllEdits": 75.0}
    assert shown["tympan"]["normalizer"] == "tympan-en/1"
    assert shown["tympan"]["comparisons"][0]["verdict"] == "better"
    assert "is better than" in shown["tympan"]["verdicts"][0]
    assert shown["tympan"]["warnings"] == ["Two recordings were also trained on."]
    [file] = client.get(shown["links"]["files"]).json()["values"]
    assert client.get(file["self"]).json() == file
    assert client.get(file["links"]["contentUrl"]).json() == {}


def test_any_number_of_models_is_tested_at_once(world, client, dataset, base_model):
    others = [world.add(make_base_model()) for _ in range(2)]
    refs = [{"self": f"{V32}/models/base/{one.id}"} for one in (base_model, *others)]
    answer = client.post(EVALUATIONS, json=body_of(dataset, base_model, others[0], models=refs))
    evaluation = answer.json()
    assert [one["self"].rsplit("/", 1)[-1] for one in evaluation["models"]] == [
        base_model.id,
        others[0].id,
        others[1].id,
    ]
    assert evaluation["properties"]["wordCount3"] == -1


def test_references_to_nothing_are_refused(client, dataset, base_model):
    body = body_of(dataset, base_model) | {"dataset": {"self": f"{V32}/datasets/{base_model.id}"}}
    assert client.post(EVALUATIONS, json=body).status_code == 400
    body = body_of(dataset, base_model, model2={"self": "nothing"})
    message = error_of(client.post(EVALUATIONS, json=body), 400, "InvalidRequest", "InvalidPayload")[
        "message"
    ]
    assert message.startswith("The value of model2.Self does not reference an entity.")
    body = body_of(dataset, base_model) | {"dataset": None}
    assert (
        error_of(client.post(EVALUATIONS, json=body), 400, "InvalidRequest", "InvalidPayload")["target"]
        == "dataset"
    )


def test_an_evaluation_can_be_renamed_listed_and_deleted(world, client):
    made = world.add(make_evaluation())
    url = f"{EVALUATIONS}/{made.id}"
    assert client.patch(url, json={"displayName": "B"}).json()["displayName"] == "B"
    assert len(client.get(EVALUATIONS).json()["values"]) == 1
    assert client.get(f"{EVALUATIONS}/locales").json() == []
    assert client.delete(url).status_code == 204
