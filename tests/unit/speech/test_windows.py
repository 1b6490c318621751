"""Long recordings are cut where nobody speaks, and nothing of them is lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tympan.domain.errors import InvalidInputError
from tympan.speech.windows import windows


def blocks_of(samples, size=16_000):
    return (samples[:, start : start + size] for start in range(0, samples.shape[1], size))


def noise(seconds, channels=1, seed=0):
    generator = np.random.default_rng(seed)
    return generator.normal(0, 0.1, (channels, int(seconds * 16_000))).astype(np.float32)


@given(seconds=st.floats(0, 40), channels=st.integers(1, 3), size=st.integers(100, 50_000))
@settings(max_examples=30, deadline=None)
def test_windows_follow_each_other_and_hold_everything(seconds, channels, size):
    samples = noise(seconds, channels)
    found = list(windows(blocks_of(samples, size), longest=160_000, shortest=80_000))
    joined = [window.samples for window in found] or [samples[:, :0]]
    assert np.array_equal(np.concatenate(joined, axis=1), samples)
    assert [window.start for window in found] == [
        sum(one.samples.shape[1] for one in found[:number]) for number in range(len(found))
    ]
    assert all(window.samples.shape[1] <= 160_000 for window in found)
    assert all(window.samples.shape[1] >= 80_000 for window in found[:-1])


def test_the_cut_falls_into_the_pause_that_all_channels_share():
    samples = noise(20, channels=2)
    samples[0, 90_000:100_000] = 0  # only one channel is quiet here
    samples[:, 120_000:130_000] = 0
    first = next(windows(blocks_of(samples), longest=160_000, shortest=80_000))
    assert 120_000 < first.samples.shape[1] < 130_000


def test_what_came_before_the_damage_is_given_out_first():
    def damaged():
        yield noise(1)
        raise InvalidInputError("The recording breaks off.")

    found = windows(damaged())
    assert next(found).samples.shape == (1, 16_000)
    with pytest.raises(InvalidInputError, match="breaks off"):
        next(found)
