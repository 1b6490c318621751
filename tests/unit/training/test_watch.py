"""Training that goes wrong is stopped with a plain sentence."""

import pytest

from tympan.domain.errors import EngineError
from tympan.training.watch import DivergenceWatch


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_training(loss):
    watch = DivergenceWatch(0.3, is_rate_chosen=True)
    watch.see(1, 2.0)
    with pytest.raises(EngineError, match=r"step 2.*no longer a number.*tenth of 0.3") as caught:
        watch.see(2, loss)
    assert caught.value.code == "TrainingDiverged"


def test_an_exploding_loss_stops_training_and_names_the_data_when_the_rate_is_ours():
    watch = DivergenceWatch(5e-4, is_rate_chosen=False)
    for step in range(1, 20):
        watch.see(step, 2.0 if step <= 10 else 9.0)
    with pytest.raises(EngineError, match=r"rose from 2.00 to 9.00.*transcripts"):
        watch.see(20, 9.0)


def test_a_single_bad_step_is_forgiven():
    watch = DivergenceWatch(5e-4, is_rate_chosen=False)
    for step in range(1, 100):
        watch.see(step, 9.0 if step == 50 else 2.0)
