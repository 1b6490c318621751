"""What a step shows the decoder: each language with its own prefix, and silence without words."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from tympan.ports.trainer import TrainingExample, TrainingPlan, TrainingSettings
from tympan.testing.audio import speech_like
from tympan.testing.tiny_whisper import write_tiny_whisper
from tympan.training.bench import open_bench
from tympan.training.features import Clip
from tympan.training.merge import export
from tympan.training.recipe import Recipe
from tympan.training.session import train
from tympan.training.weights import load_network

RECIPE = Recipe(dropout=0.0, replay_divergence_weight=0.0)


class Silent:
    def progress(self, fraction, message):
        pass

    def event(self, kind, payload):
        pass


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_tiny_whisper(tmp_path_factory.mktemp("base"), is_multilingual=True)


@pytest.fixture
def speech(tmp_path):
    path = tmp_path / f"{1:064x}.flac"
    soundfile.write(path, speech_like(1.0, seed=1), 16_000, subtype="PCM_16")
    return TrainingExample(audio=str(path), text="one two three", origin="audio", duration_s=1.0)


@pytest.fixture
def bench(base, speech, tmp_path):
    plan = TrainingPlan(
        base_folder=str(base),
        language="en",
        locale="en-US",
        examples=(speech,),
        dev=(),
        settings=TrainingSettings(epochs=30, batch_size=2, lora_rank=16, learning_rate=5e-3),
    )
    return open_bench(plan, tmp_path / "work")


def trained(bench, examples, tmp_path):
    plan = replace(bench.plan, examples=examples)
    train(plan, tmp_path / "trained", Silent(), save=lambda _: None, recipe=RECIPE)
    export(plan, tmp_path / "trained", tmp_path / "bundle")
    return load_network(tmp_path / "bundle")


def test_silence_is_learnt_as_a_text_that_ends_at_once(bench, speech, tmp_path):
    silence = tmp_path / f"{99:064x}.flac"
    soundfile.write(silence, np.zeros(16_000, np.float32), 16_000, subtype="PCM_16")
    nothing = TrainingExample(audio=str(silence), text="", origin="replay", duration_s=1.0)

    assert first_token(bench, bench.network, nothing) != bench.tokens.end
    network = trained(bench, (speech, *[nothing] * 5), tmp_path)
    assert first_token(bench, network, nothing) == bench.tokens.end


def test_each_recording_is_learnt_in_its_own_language(bench, speech, tmp_path):
    german = replace(speech, text="Guten Tag.", language="de")
    network = trained(bench, (speech, german), tmp_path)
    assert first_token(bench, network, speech) == bench.tokens.encode("one two three")[0]
    assert first_token(bench, network, german) == bench.tokens.encode("Guten Tag.", "de")[0]


@torch.inference_mode()
def first_token(bench, network, recording):
    """The likeliest token after the prefix."""
    encoding = bench.encodings.encode([Clip(files=(recording.audio,), gap_s=0.0, context_s=2.0)])[0]
    hidden = network.model.decoder(
        input_ids=torch.tensor([bench.tokens.prefix_of(recording.language)]),
        encoder_hidden_states=torch.from_numpy(encoding.astype(np.float32))[None],
    ).last_hidden_state[0, -1]
    return int(network.proj_out(hidden).argmax())


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_text_has_no_tokens(bench, text):
    assert bench.tokens.encode(text) == bench.tokens.encode(text, "de") == []


def test_each_language_has_its_own_prefix(bench):
    english, german = bench.tokens.prefix_of(""), bench.tokens.prefix_of("de")
    assert english == bench.tokens.prefix == bench.tokens.prefix_of("en")
    assert len(english) == len(german)
    assert [a == b for a, b in zip(english, german, strict=True)] == [True, False, True, True]
