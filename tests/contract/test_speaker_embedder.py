"""Every implementation of SpeakerEmbedder keeps the port's promises."""

import functools
import io
import pickle
import shutil
import socket
import threading
import time
import wave
import zipfile
from importlib import metadata

import httpx
import numpy as np
import onnxruntime
import pytest
import torch
import uvicorn
from tests.spoken import spoken
from torch.nn import functional

from tympan.backends.model_host.client import ModelHostClient
from tympan.backends.model_host.server import Engines, host_application
from tympan.backends.speakers import embedder as embedders
from tympan.backends.speakers.campplus import campplus_graph
from tympan.backends.speakers.embedder import CampplusEmbedder
from tympan.backends.speakers.filterbank import log_mels
from tympan.backends.speakers.torch_archive import read_tensors
from tympan.domain.errors import InvalidInputError, ModelDamagedError, UnavailableError
from tympan.testing.live_recognizer import FakeLive
from tympan.testing.recognizer import FakeRecognizer
from tympan.testing.speaker_embedder import FakeEmbedder

SECRET = "a-shared-secret"
VOICES = ("en-US", "de-DE", "es-ES")
SENTENCES = (
    "The quick brown fox jumps over the lazy dog, and nobody has ever asked it why.",
    "Seven, eight, nine, ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen.",
)


@functools.cache
def said(voice, sentence):
    with wave.open(io.BytesIO(spoken(SENTENCES[sentence], voice=voice))) as wav:
        return np.frombuffer(wav.readframes(wav.getnframes()), "<i2").astype(np.float32) / 32768


def whose(samples):
    """The voice of a recording that ``said`` made, for the fake."""
    for number, voice in enumerate(VOICES):
        if any(samples.size == said(voice, sentence).size for sentence in range(2)):
            return [(0, samples.size, number)]
    return [(0, samples.size, len(VOICES))]


class Host:
    """A model host on a thread."""

    def __init__(self, embedder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        recognizer = FakeRecognizer()
        engines = Engines(recognizer=recognizer, live=FakeLive(recognizer), embedder=embedder)
        application = host_application(engines, SECRET)
        self.server = uvicorn.Server(uvicorn.Config(application, port=port, log_config=None))
        self.thread = threading.Thread(target=self.server.run)
        self.client = ModelHostClient(f"http://127.0.0.1:{port}", SECRET)

    def __enter__(self):
        self.thread.start()
        deadline = time.monotonic() + 30
        while not self.server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.client

    def __exit__(self, *_):
        self.client.close()
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture(scope="module")
def campplus():
    return CampplusEmbedder()


@pytest.fixture(params=["fake", "campplus", "host"])
def embedder(request, campplus):
    if request.param == "fake":
        yield FakeEmbedder(whose)
    elif request.param == "campplus":
        yield campplus
    else:
        with Host(campplus) as client:
            yield client


def test_windows_lie_in_stretches_of_voice_and_vectors_have_length_one(embedder):
    recordings = [said("en-US", 0), np.zeros(32_000, np.float32), said("de-DE", 1), np.zeros(0, np.float32)]
    traces = embedder.trace(recordings)
    assert [bool(trace.windows) for trace in traces] == [True, False, True, False]
    for samples, trace in zip(recordings, traces, strict=True):
        assert trace.vectors.dtype == np.float32
        assert len(trace.vectors) == len(trace.windows)
        assert np.allclose(np.linalg.norm(trace.vectors, axis=1), 1, atol=1e-4)
        for first, after in trace.windows:
            assert any(start <= first < after <= end for start, end in trace.stretches)
        assert all(0 <= start < end <= samples.size for start, end in trace.stretches)
        assert sorted(trace.stretches) == list(trace.stretches)


def test_a_voice_is_more_like_itself_than_like_others(embedder):
    traces = embedder.trace([said(voice, sentence) for voice in VOICES for sentence in range(2)])
    means = np.stack([trace.vectors.mean(axis=0) for trace in traces])
    alike = means @ means.T
    same = [alike[2 * voice, 2 * voice + 1] for voice in range(len(VOICES))]
    other = [alike[a, b] for a in range(len(means)) for b in range(len(means)) if a // 2 != b // 2]
    assert min(same) > max(other)


def test_results_come_in_the_order_of_the_recordings(embedder):
    recordings = [said("en-US", 0), said("de-DE", 0), said("en-US", 0)]
    together = embedder.trace(recordings)
    [alone] = embedder.trace(recordings[1:2])
    assert np.allclose(together[1].vectors, alone.vectors, atol=1e-3)
    assert np.array_equal(together[0].vectors, together[2].vectors)
    assert list(embedder.trace([])) == []


def test_what_is_installed_passes_the_check(embedder):
    embedder.check()


@pytest.mark.parametrize("kind", ["fake", "campplus", "host"])
def test_what_is_not_installed_is_refused_with_the_way_to_install_it(kind, monkeypatch):
    monkeypatch.setattr(embedders, "PACKAGE", "no-such-package")
    missing = CampplusEmbedder()
    if kind == "fake":
        missing = FakeEmbedder()
        missing.is_installed = False
    with Host(missing) as client:
        asked = client if kind == "host" else missing
        for call in (asked.check, lambda: asked.trace([said("en-US", 0)])):
            with pytest.raises(InvalidInputError, match="pip install") as refused:
                call()
            assert refused.value.code == "DiarizationNotInstalled"


def test_a_host_that_is_away_is_unavailable():
    client = ModelHostClient("http://127.0.0.1:9", SECRET)
    for call in (client.check, lambda: client.trace([said("en-US", 0)])):
        with pytest.raises(UnavailableError):
            call()
    client.close()


def test_the_host_asks_for_its_secret(campplus):
    with Host(campplus) as client:
        url = str(client._http.base_url)
        assert httpx.get(f"{url}/voices", trust_env=False).status_code == 403
        assert httpx.post(f"{url}/voices", content=b"", trust_env=False).status_code == 403


def test_damaged_weights_are_refused_by_name(tmp_path):
    weights = tmp_path / "campplus.pt"
    weights.write_bytes(b"other bytes")
    with pytest.raises(ModelDamagedError, match="SHA-256"):
        CampplusEmbedder(weights).trace([said("en-US", 0)])


def test_the_installed_package_states_what_it_carries():
    found = metadata.metadata(embedders.PACKAGE)
    assert found["License-Expression"] == "MIT"


class TorchCampplus:
    """The network once more, as 3D-Speaker wrote it, by torch's own operations."""

    def __init__(self, weights):
        self.weights = torch.load(weights, weights_only=True)

    def conv(self, value, name, **how):
        weight, bias = self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias")
        return (functional.conv2d if weight.ndim == 4 else functional.conv1d)(value, weight, bias, **how)

    def norm(self, value, name):
        parts = [
            self.weights.get(f"{name}.{part}") for part in ("running_mean", "running_var", "weight", "bias")
        ]
        return functional.batch_norm(value, *parts)

    def active(self, value, name):
        return functional.relu(self.norm(value, name))

    def front(self, mels):
        value = self.active(self.conv(mels.transpose(1, 2)[:, None], "head.conv1", padding=1), "head.bn1")
        for name in ("head.layer1.0", "head.layer1.1", "head.layer2.0", "head.layer2.1"):
            stride = (2, 1) if name.endswith("0") else 1
            inner = self.active(self.conv(value, f"{name}.conv1", stride=stride, padding=1), f"{name}.bn1")
            inner = self.norm(self.conv(inner, f"{name}.conv2", padding=1), f"{name}.bn2")
            if name.endswith("0"):
                short = self.conv(value, f"{name}.shortcut.0", stride=stride)
                value = self.norm(short, f"{name}.shortcut.1")
            value = functional.relu(inner + value)
        value = self.active(self.conv(value, "head.conv2", stride=(2, 1), padding=1), "head.bn2")
        return value.flatten(1, 2)

    def layer(self, value, name, dilation):
        value = self.conv(self.active(value, f"{name}.nonlinear1.batchnorm"), f"{name}.linear1")
        value = self.active(value, f"{name}.nonlinear2.batchnorm")
        parts = functional.avg_pool1d(value, 100, 100, ceil_mode=True)
        around = parts.repeat_interleave(100, dim=2)[..., : value.shape[2]]
        context = functional.relu(
            self.conv(value.mean(2, keepdim=True) + around, f"{name}.cam_layer.linear1")
        )
        mask = torch.sigmoid(self.conv(context, f"{name}.cam_layer.linear2"))
        local = self.conv(value, f"{name}.cam_layer.linear_local", padding=dilation, dilation=dilation)
        return local * mask

    def __call__(self, mels):
        value = self.conv(self.front(mels), "xvector.tdnn.linear", stride=2, padding=2)
        value = self.active(value, "xvector.tdnn.nonlinear.batchnorm")
        for block, layers, dilation in ((1, 12, 1), (2, 24, 2), (3, 16, 2)):
            for number in range(1, layers + 1):
                grown = self.layer(value, f"xvector.block{block}.tdnnd{number}", dilation)
                value = torch.cat([value, grown], 1)
            value = self.active(value, f"xvector.transit{block}.nonlinear.batchnorm")
            value = self.conv(value, f"xvector.transit{block}.linear")
        value = self.active(value, "xvector.out_nonlinear.batchnorm")
        pooled = torch.cat([value.mean(2), value.std(2, unbiased=True)], 1)[..., None]
        return self.norm(self.conv(pooled, "xvector.dense.linear"), "xvector.dense.nonlinear.batchnorm")[
            ..., 0
        ]


@pytest.mark.parametrize("frames", [23, 148, 200])
def test_the_network_gives_what_torch_gives(frames):
    weights = embedders.installed_weights()
    ours, theirs = read_tensors(weights), torch.load(weights, weights_only=True)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name].numpy()) for name in ours)
    mels = np.random.default_rng(0).standard_normal((2, frames, 80)).astype(np.float32)
    session = onnxruntime.InferenceSession(campplus_graph(ours), providers=["CPUExecutionProvider"])
    [found] = session.run(None, {"mels": mels})
    with torch.inference_mode():
        expected = TorchCampplus(weights)(torch.from_numpy(mels)).numpy()
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_an_archive_that_asks_for_more_than_tensors_is_refused(tmp_path):
    path = tmp_path / "harmful.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(shutil.rmtree))
    with pytest.raises(ModelDamagedError, match="rmtree"):
        read_tensors(path)
    (tmp_path / "text.pt").write_text("no archive")
    with pytest.raises(ModelDamagedError, match=r"text\.pt"):
        read_tensors(tmp_path / "text.pt")


def test_frames_are_kaldis():
    """A tone fills its own band, and the frames are those that fit."""
    time_s = np.arange(16_000) / 16_000
    mels = log_mels((0.1 * np.sin(2 * np.pi * 1000 * time_s)).astype(np.float32))
    assert mels.shape == (98, 80)
    mel_of = lambda hertz: 1127 * np.log(1 + hertz / 700)  # noqa: E731
    step = (mel_of(8000) - mel_of(20)) / 81
    assert abs(int(mels.mean(axis=0).argmax()) - ((mel_of(1000) - mel_of(20)) / step - 1)) <= 1
    assert log_mels(np.zeros(399, np.float32)).shape == (0, 80)
