"""Measures of recordings: loudness, clipping, speech share."""

import numpy as np
import pytest

from tympan.speech.voice_share import VoiceMeter
from tympan.testing.audio import speech_like


def measured(samples: np.ndarray, block: int = 16000) -> VoiceMeter:
    meter = VoiceMeter()
    blocks = [samples[start : start + block].astype(np.float32) for start in range(0, samples.size, block)]
    assert sum(piece.size for piece in meter.watch(blocks)) == samples.size
    return meter


def test_speech_between_pauses_is_told_from_them():
    talk = speech_like(4, seed=1)
    pause = np.random.default_rng(0).normal(0, 1e-4, 64000)
    assert measured(np.concatenate([talk, pause])).speech_share < measured(talk).speech_share
    assert 0.2 < measured(np.concatenate([talk, pause])).speech_share < 0.6


@pytest.mark.parametrize("samples", [np.zeros(16000), np.random.default_rng(0).normal(0, 0.1, 16000)])
def test_silence_and_steady_noise_are_not_speech(samples: np.ndarray):
    assert measured(samples).speech_share == 0.0


def test_silence_is_what_stays_below_60_db():
    assert measured(np.zeros(1000)).is_silent
    assert measured(np.random.default_rng(0).normal(0, 1e-4, 16000)).is_silent
    assert not measured(speech_like(1)).is_silent
    assert measured(np.zeros(0)).is_silent


def test_clipped_samples_are_counted():
    samples = np.concatenate([np.ones(100), np.full(300, 0.5), -np.ones(100)])
    assert measured(samples).clipped_share == pytest.approx(0.4)


def test_measures_do_not_depend_on_the_blocks():
    samples = speech_like(3.017)
    one, other = measured(samples, 16000), measured(samples, 777)
    assert one.speech_share == other.speech_share
    assert one.duration_s == other.duration_s == samples.size / 16000
