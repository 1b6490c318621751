"""Weights for partials beside a model's own: streams write partials with them, and nothing else does."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.model_files import LocalModelFiles
from tympan.backends.whisper import cascade
from tympan.backends.whisper.engine_name import ENGINE
from tympan.backends.whisper.network import DecodingSettings
from tympan.backends.whisper.recognizer import WhisperRecognizer
from tympan.ports.recognizer import BUNDLE_INFO_FILE, PARTIALS_FILE, RecognitionOptions
from tympan.testing.tiny_whisper import write_tiny_whisper

SETTINGS = DecodingSettings(language="en", beam_size=1, token_cap=20)
SOUND = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """Two models, the first with the second's weights for partials, and the same trained for less context."""
    folder = tmp_path_factory.mktemp("partials")
    plain, other = (write_tiny_whisper(folder / name, seed=seed) for name, seed in (("one", 1), ("two", 2)))
    both = folder / "both"
    shutil.copytree(plain, both)
    shutil.copyfile(other / "model.bin", both / PARTIALS_FILE)
    trained = folder / "trained"
    shutil.copytree(both, trained)
    info = json.loads((trained / BUNDLE_INFO_FILE).read_text())
    (trained / BUNDLE_INFO_FILE).write_text(json.dumps(info | {"has_reduced_context": True}))
    files = LocalModelFiles(ObstoreBlobs((folder / "blobs").as_uri(), SystemClock()), folder / "models")
    less = folder / "two-trained"
    shutil.copytree(other, less)
    info = json.loads((less / BUNDLE_INFO_FILE).read_text())
    (less / BUNDLE_INFO_FILE).write_text(json.dumps(info | {"has_reduced_context": True}))
    names = ("one", "two", "both", "trained", "two-trained")
    return files, {name: files.store(ENGINE, folder / name) for name in names}


@pytest.fixture
def recognizer(bundles):
    one = WhisperRecognizer(bundles[0], SystemClock())
    yield one
    one.close()


def written(network):
    [decoded] = network.decode([network.encode(SOUND, 3.0)], SETTINGS)
    return decoded.ids


def test_partials_come_from_weights_of_their_own(recognizer, bundles):
    with recognizer.hold(bundles[1]["both"]) as both, recognizer.hold(bundles[1]["two"]) as two:
        assert written(both.partials()) == written(two.network) != written(both.network)
        assert both.partials().info.has_reduced_context
        assert not both.network.info.has_reduced_context
        assert both.partials() is both.partials()
        assert two.partials() is two.network


def test_a_model_trained_for_less_context_needs_no_others(recognizer, bundles):
    with recognizer.hold(bundles[1]["trained"]) as trained:
        assert trained.partials() is trained.network


def test_what_is_recognised_does_not_change(recognizer, bundles):
    options = RecognitionOptions(locale="en-US", is_voice_gated=False)
    texts = {
        name: recognizer.recognize(bundles[1][name], [SOUND], options)[0].text
        for name in ("one", "two", "both")
    }
    assert texts["both"] == texts["one"] != texts["two"]


@pytest.mark.parametrize(("least", "name"), [(0.0, "two"), (1.1, "one")])
def test_a_prompt_answer_is_that_of_the_weights_for_partials_where_they_are_sure(
    recognizer, bundles, monkeypatch, least, name
):
    monkeypatch.setattr(cascade, "_SURE", least)
    reference = {"one": "one", "two": "two-trained"}[name]
    plain = RecognitionOptions(locale="en-US", is_voice_gated=False, beam_size=1)
    prompt = replace(plain, is_prompt=True)
    [wanted] = recognizer.recognize(bundles[1][reference], [SOUND], plain)
    [found] = recognizer.recognize(bundles[1]["both"], [SOUND], prompt)
    assert found.text == wanted.text != ""
    [careful] = recognizer.recognize(bundles[1]["both"], [SOUND], plain)
    assert (found.text == careful.text) == (name == "one")
