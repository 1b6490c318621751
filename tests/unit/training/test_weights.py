"""Whisper weights go from CTranslate2 to torch and back without loss."""

import struct

import numpy as np
import pytest

from tympan.domain.errors import InvalidInputError, ModelDamagedError
from tympan.testing.tiny_whisper import write_tiny_whisper
from tympan.training.ct2_file import Ct2File, read_ct2, write_ct2
from tympan.training.weights import export_bundle, load_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_whisper(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def copy(folder, tmp_path):
    (tmp_path / "model.bin").write_bytes((folder / "model.bin").read_bytes())
    return tmp_path


def test_loading_and_exporting_gives_the_same_bytes(folder, tmp_path):
    export_bundle(load_network(folder), folder, tmp_path)
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {
        f.name: f.read_bytes() for f in folder.iterdir()
    }


def test_int8_weights_are_read_through_their_row_scales(folder, copy):
    file = read_ct2(folder / "model.bin")
    name = "decoder/layer_0/ffn/linear_0/weight"
    exact = file.tensors[name].astype(np.float32)
    scale = 127 / np.abs(exact).max(axis=1)
    tensors = dict(file.tensors) | {
        name: np.rint(exact * scale[:, None]).astype(np.int8),
        f"{name}_scale": scale.astype(np.float32),
    }
    write_ct2(
        copy / "model.bin",
        Ct2File(spec=file.spec, revision=file.revision, tensors=tensors, aliases=file.aliases),
    )

    read = load_network(copy).model.decoder.layers[0].fc1.weight.detach().numpy()

    assert np.abs(read - exact).max() <= 0.51 / scale.min()


def test_bfloat16_is_read(tmp_path):
    path = tmp_path / "model.bin"
    bits = (np.array([1.5, -2.0], np.float32).view(np.uint32) >> 16).astype(np.uint16)
    body = (
        struct.pack("<H", 2) + b"x\0" + struct.pack("<BI", 1, 2) + struct.pack("<BI", 5, 4) + bits.tobytes()
    )
    head = struct.pack("<I", 6) + struct.pack("<H", 2) + b"S\0" + struct.pack("<II", 1, 1)
    path.write_bytes(head + body + struct.pack("<I", 0))
    assert read_ct2(path).tensors["x"].tolist() == [1.5, -2.0]


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.9, 0.9999999])
def test_a_file_cut_short_is_damaged(folder, copy, share):
    whole = (folder / "model.bin").read_bytes()
    (copy / "model.bin").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelDamagedError, match=r"model\.bin"):
        load_network(copy)


def test_a_missing_file_is_damaged(tmp_path):
    with pytest.raises(ModelDamagedError, match="missing"):
        load_network(tmp_path)


def test_another_version_or_kind_of_model_is_refused_with_what_to_do(folder, copy):
    whole = (folder / "model.bin").read_bytes()
    (copy / "model.bin").write_bytes(struct.pack("<I", 3) + whole[4:])
    with pytest.raises(InvalidInputError, match="Convert the model again"):
        load_network(copy)
    (copy / "model.bin").write_bytes(whole.replace(b"WhisperSpec", b"ChatterSpec"))
    with pytest.raises(InvalidInputError, match="ChatterSpec"):
        load_network(copy)


def test_a_model_that_lacks_a_tensor_or_has_a_wrong_shape_is_damaged(folder, copy):
    file = read_ct2(folder / "model.bin")
    for name, change in (("encoder/conv1/bias", None), ("decoder/layer_norm/beta", np.zeros(3, np.float16))):
        tensors = {key: value for key, value in file.tensors.items() if key != name}
        if change is not None:
            tensors[name] = change
        broken = Ct2File(spec=file.spec, revision=file.revision, tensors=tensors, aliases=file.aliases)
        write_ct2(copy / "model.bin", broken)
        with pytest.raises(ModelDamagedError, match="Import the model again"):
            load_network(copy)


def test_random_bytes_never_crash_the_reader(tmp_path):
    path = tmp_path / "model.bin"
    for seed in range(50):
        noise = np.random.default_rng(seed).integers(0, 256, 300, dtype=np.uint8).tobytes()
        path.write_bytes(struct.pack("<I", 6) + noise)
        with pytest.raises(ModelDamagedError):
            read_ct2(path)
