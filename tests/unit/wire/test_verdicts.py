import pytest

from tympan.domain.evaluation import Comparison, ErrorCounts, Interval, ModelScore
from tympan.testing.entities import make_evaluation
from tympan.wire.verdicts import verdicts


def scored(model_id, errors, recordings=100):
    counts = ErrorCounts(hits=1000 - errors, substitutions=errors)
    return ModelScore(
        model_id=model_id,
        words=counts,
        characters=counts,
        tokens=counts,
        token_edits={},
        sentence_count=recordings,
        sentence_error_count=1,
        word_error_rate_interval=Interval(low=0.1, high=0.2),
        audio_s=1.0,
        cpu_s=1.0,
    )


def sentences(verdict, recordings=100):
    comparison = Comparison(
        model_id="b",
        baseline_id="a",
        difference=Interval(low=-0.031, high=-0.017),
        relative_change=-0.203,
        probability_better=0.999,
        verdict=verdict,
    )
    made = make_evaluation(
        model_ids=("a", "b"),
        scores=(scored("a", 118, recordings), scored("b", 94, recordings)),
        comparisons=(comparison,),
    )
    return list(verdicts(made, {"a": "Base", "b": "Custom"}))


def test_a_verdict_names_both_rates_the_change_and_how_sure_it_is():
    [sentence] = sentences("better")
    assert sentence == (
        "Custom is better than Base: word error rate 11.8 % to 9.4 %, -20.3 % relative "
        "(difference -3.1 to -1.7 points with 95 % confidence; better with probability 99.9 %)."
    )


@pytest.mark.parametrize(
    ("verdict", "opening"),
    [("worse", "Custom is worse than Base"), ("undecided", "Custom cannot be told apart from Base")],
)
def test_a_model_that_is_not_better_is_said_to_be_so(verdict, opening):
    assert sentences(verdict)[0].startswith(opening)


def test_few_recordings_are_called_few():
    assert sentences("undecided", recordings=3)[0].endswith(
        "Only 3 recordings were tested; fewer than 10 decide nothing."
    )


def test_one_model_alone_has_its_interval():
    made = make_evaluation(model_ids=("a",), scores=(scored("a", 118),))
    assert list(verdicts(made, {})) == [
        "model 1 has a word error rate of 11.8 % (95 % interval 10.0 % to 20.0 %)."
    ]


def test_an_evaluation_that_has_not_ended_has_no_verdict():
    assert list(verdicts(make_evaluation(), {})) == []
