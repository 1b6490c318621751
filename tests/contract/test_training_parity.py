"""What was trained is what is served: train, merge, export, recognise, with the real engine."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.model_files import LocalModelFiles
from tympan.backends.trainer_whisper import WhisperTrainer
from tympan.backends.whisper.engine_name import ENGINE
from tympan.backends.whisper.recognizer import EngineSettings, WhisperRecognizer
from tympan.ports.recognizer import RecognitionOptions
from tympan.ports.trainer import TrainingExample, TrainingPlan, TrainingSettings
from tympan.testing.audio import speech_like
from tympan.testing.tiny_whisper import write_tiny_whisper
from tympan.training.ct2_file import read_ct2

TEXTS = ["One two three four.", "Call the front desk."]
GERMAN = ["Guten Tag.", "Wie geht es Ihnen heute?"]


class Silent:
    def progress(self, fraction, message):
        pass

    def event(self, kind, payload):
        pass


def recordings(folder, texts):
    made = []
    for index, text in enumerate(texts):
        path = folder / f"{index:064x}.flac"
        samples = (
            np.sin(np.arange(16_000) * 0.02 * (index + 1) ** 2) * speech_like(1.0, seed=index) * 8
        ).clip(-1, 1)
        soundfile.write(path, samples, 16_000, subtype="PCM_16")
        made.append(TrainingExample(audio=str(path), text=text, origin="audio", duration_s=1.0))
    return tuple(made)


@pytest.mark.parametrize(("language", "locale", "texts"), [("en", "en-US", TEXTS), ("de", "de-DE", GERMAN)])
def test_a_model_writes_what_it_was_taught_in_trainer_and_engine_alike(tmp_path, language, locale, texts):
    base = write_tiny_whisper(tmp_path / "base", is_multilingual=language != "en")
    (tmp_path / "audio").mkdir()
    examples = recordings(tmp_path / "audio", texts)
    settings = TrainingSettings(epochs=50, batch_size=2, lora_rank=64, learning_rate=5e-3)
    plan = TrainingPlan(
        base_folder=str(base), language=language, locale=locale, examples=examples, dev=(), settings=settings
    )
    trainer = WhisperTrainer(threads=1)

    trainer.train(plan, tmp_path / "work", Silent(), save=lambda _: None)
    trainer.export(plan, tmp_path / "work", tmp_path / "bundle")
    trained = trainer.transcribe(plan, tmp_path / "work", examples)
    served = served_texts(tmp_path, tmp_path / "bundle", examples, locale)

    assert trained == tuple(texts)
    assert served == list(trained)


def test_a_weight_of_one_percent_leaves_the_model_nearly_as_it_was(tmp_path):
    base = write_tiny_whisper(tmp_path / "base")
    (tmp_path / "audio").mkdir()
    examples = recordings(tmp_path / "audio", TEXTS)
    settings = TrainingSettings(epochs=3, batch_size=2, learning_rate=1e-2)
    plan = TrainingPlan(
        base_folder=str(base), language="en", locale="en-US", examples=examples, dev=(), settings=settings
    )
    trainer = WhisperTrainer(threads=1)
    trainer.train(plan, tmp_path / "work", Silent(), save=lambda _: None)

    distances = {}
    for percent in (1, 100):
        weighted = replace(plan, settings=replace(settings, weight_percent=percent))
        trainer.export(weighted, tmp_path / "work", tmp_path / f"{percent}")
        distances[percent] = distance(base / "model.bin", tmp_path / f"{percent}" / "model.bin")

    assert 0 < distances[1] < 0.05 * distances[100]


def served_texts(folder, bundle_folder, examples, locale):
    files = LocalModelFiles(ObstoreBlobs((folder / "blobs").as_uri(), SystemClock()), folder / "models")
    (folder / "blobs").mkdir(exist_ok=True)
    bundle = files.store(ENGINE, bundle_folder)
    recognizer = WhisperRecognizer(files, SystemClock(), EngineSettings())
    samples = [soundfile.read(example.audio, dtype="float32")[0] for example in examples]
    options = RecognitionOptions(locale=locale, beam_size=1, is_voice_gated=False)
    texts = [recognition.text for recognition in recognizer.recognize(bundle, samples, options)]
    recognizer.close()
    return texts


def distance(first, second):
    one, other = read_ct2(first).tensors, read_ct2(second).tensors
    name = "decoder/layer_0/ffn/linear_0/weight"
    return float(np.abs(one[name].astype(np.float32) - other[name].astype(np.float32)).sum())
