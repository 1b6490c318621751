"""Whisper weights: CTranslate2 bundle to torch network and back.

Source: ``ctranslate2/specs/whisper_spec.py`` and ``ctranslate2/converters/transformers.py``
(``WhisperLoader``). Fused layers: ``self_attention/linear_0`` is query, key and value,
``attention/linear_1`` is key and value; keys have no bias, so that third is zero.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import WhisperConfig, WhisperForConditionalGeneration

from tympan.domain.errors import InvalidInputError, ModelDamagedError
from tympan.training.ct2_file import Ct2File, read_ct2, write_ct2

MODEL_FILE = "model.bin"
_SPEC = "WhisperSpec"
_REVISION = 3
_GELU = 3  # ctranslate2 ActivationType
_MULTILINGUAL_VOCABULARY = 51865

Network: TypeAlias = Any
"""A ``transformers`` Whisper network; the library has no types."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a parameter of the network lies in the file.

    Attributes:
        parameter: Name in the network's state dict.
        tensor: Name in the file.
        part: Index among the fused parts, each an equal share of the first axis.
        parts: How many parts are fused; 1 for a tensor of its own.
    """

    parameter: str
    tensor: str
    part: int = 0
    parts: int = 1


def load_network(folder: Path) -> Network:
    """The network of a bundle folder in float32, on the CPU, in evaluation mode.

    Raises:
        InvalidInputError: The file is a CTranslate2 model, but not Whisper's.
        ModelDamagedError: A file is missing, cut short or inconsistent.
    """
    file = read_ct2(folder / MODEL_FILE)
    if file.spec != _SPEC:
        raise InvalidInputError(
            f"{MODEL_FILE} holds a {file.spec} model; only Whisper models can be trained.", target=MODEL_FILE
        )
    try:
        config = _config_of(file)
        state = {place.parameter: _parameter(file, place) for place in _places(config)}
    except KeyError as error:
        raise ModelDamagedError(
            f"{MODEL_FILE} lacks the tensor {error}. Import the model again.", target=MODEL_FILE
        ) from error
    state["proj_out.weight"] = state["model.decoder.embed_tokens.weight"]
    with torch.device("meta"):
        network = WhisperForConditionalGeneration(config)
    _check_shapes(network, state)
    network.load_state_dict(state, assign=True)
    network.tie_weights()
    network.generation_config = None
    return network.eval()


def export_bundle(network: Network, template_folder: Path, into: Path) -> None:
    """Write a bundle folder: the network in float16, every other file from a template.

    Args:
        network: Whisper without open LoRA layers.
        template_folder: Holds ``config.json``, ``tokenizer.json`` and the vocabulary of the
            same family; its ``model.bin``, if any, is not read.
        into: Made when missing; files of the same name are replaced.
    """
    into.mkdir(parents=True, exist_ok=True)
    for source in sorted(template_folder.iterdir()):
        if source.is_file() and source.name != MODEL_FILE:
            shutil.copyfile(source, into / source.name)
    half_written = into / f"{MODEL_FILE}.part"
    write_ct2(half_written, _file_of(network))
    half_written.replace(into / MODEL_FILE)


def read_decoder_limits(folder: Path) -> Mapping[str, Any]:
    """``config.json`` of a bundle: suppressed token ids and alignment heads.

    Raises:
        ModelDamagedError: The file is missing or not JSON.
    """
    try:
        return cast("Mapping[str, Any]", json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ModelDamagedError(
            f"config.json of the model cannot be read: {error}. Import the model again.", target="config.json"
        ) from error


def _config_of(file: Ct2File) -> WhisperConfig:
    vocabulary, width = file.tensors["decoder/embeddings/weight"].shape
    heads = int(file.tensors["encoder/num_heads"])
    feed_forward = file.tensors["encoder/layer_0/ffn/linear_0/weight"].shape[0]
    end_of_text = 50257 if vocabulary >= _MULTILINGUAL_VOCABULARY else 50256
    return WhisperConfig(
        vocab_size=vocabulary,
        num_mel_bins=file.tensors["encoder/conv1/weight"].shape[1],
        d_model=width,
        encoder_layers=_layer_count(file, "encoder"),
        decoder_layers=_layer_count(file, "decoder"),
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=feed_forward,
        decoder_ffn_dim=feed_forward,
        max_source_positions=file.tensors["encoder/position_encodings/encodings"].shape[0],
        max_target_positions=file.tensors["decoder/position_encodings/encodings"].shape[0],
        decoder_start_token_id=min(end_of_text + 1, vocabulary - 1),
        eos_token_id=min(end_of_text, vocabulary - 1),
        pad_token_id=min(end_of_text, vocabulary - 1),
        bos_token_id=min(end_of_text, vocabulary - 1),
        suppress_tokens=None,
        begin_suppress_tokens=None,
        attn_implementation="sdpa",
    )


def _layer_count(file: Ct2File, side: str) -> int:
    prefix = f"{side}/layer_"
    numbers = {name[len(prefix) :].split("/")[0] for name in file.tensors if name.startswith(prefix)}
    count = sum(number.isdigit() for number in numbers)
    if count == 0:
        raise KeyError(f"{prefix}0")
    return count


def _parameter(file: Ct2File, place: _Place) -> torch.Tensor:
    values = as_float32(file, place.tensor)
    rows = values.shape[0] // place.parts
    own = values if place.parts == 1 else values[place.part * rows : (place.part + 1) * rows]
    return torch.from_numpy(own.copy())


def as_float32(file: Ct2File, name: str) -> NDArray[np.float32]:
    """A tensor of a file as numbers, whatever it is stored as; the shape stays."""
    values = file.tensors[name]
    if values.dtype in (np.int8, np.int16):
        scale = file.tensors[f"{name}_scale"].astype(np.float32)
        # int8 has one scale a row, int16 one for the whole tensor.
        return values.astype(np.float32) / scale.reshape(-1, *([1] * (values.ndim - 1)))
    return values.astype(np.float32)


def _check_shapes(network: Network, state: Mapping[str, torch.Tensor]) -> None:
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if wanted != found:
        wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise ModelDamagedError(
            f"{MODEL_FILE} does not fit a Whisper network: {', '.join(wrong[:3])} "
            f"({len(wrong)} tensors). Import the model again.",
            target=MODEL_FILE,
        )


def _file_of(network: Network) -> Ct2File:
    state = {name: value.detach().float().cpu().numpy() for name, value in network.state_dict().items()}
    tensors: dict[str, NDArray[np.generic]] = dict(_numbers(network.config))
    fused: dict[str, dict[int, NDArray[np.generic]]] = {}
    for place in _places(network.config):
        values = state[place.parameter].astype(np.float16)
        if place.parts == 1:
            tensors[place.tensor] = values
        else:
            fused.setdefault(place.tensor, {})[place.part] = values
    for name, parts in fused.items():
        # Only the key's bias is ever absent.
        count = 3 if "self_attention" in name else 2
        empty = np.zeros_like(next(iter(parts.values())))
        tensors[name] = np.concatenate([parts.get(part, empty) for part in range(count)])
    return Ct2File(
        spec=_SPEC,
        revision=_REVISION,
        tensors=dict(sorted(tensors.items())),
        aliases={"decoder/projection/weight": "decoder/embeddings/weight"},
    )


def _numbers(config: WhisperConfig) -> Iterator[tuple[str, NDArray[np.generic]]]:
    heads = np.array(config.encoder_attention_heads, dtype=np.int16)
    yield "encoder/num_heads", heads
    yield "decoder/num_heads", heads
    yield "decoder/alignment_heads", np.array(1, dtype=np.int16)
    yield "decoder/alignment_layer", np.array(-1, dtype=np.int16)
    yield "decoder/activation", np.array(_GELU, dtype=np.int8)
    yield "decoder/pre_norm", np.array(1, dtype=np.int8)
    for name in ("alibi", "scale_embeddings", "start_from_zero_embedding"):
        yield f"decoder/{name}", np.array(0, dtype=np.int8)


def _places(config: WhisperConfig) -> Iterator[_Place]:
    yield from _layer("model.encoder.conv1", "encoder/conv1")
    yield from _layer("model.encoder.conv2", "encoder/conv2")
    yield _Place("model.decoder.embed_tokens.weight", "decoder/embeddings/weight")
    for side, layers in (("encoder", config.encoder_layers), ("decoder", config.decoder_layers)):
        yield _Place(f"model.{side}.embed_positions.weight", f"{side}/position_encodings/encodings")
        yield from _norm(f"model.{side}.layer_norm", f"{side}/layer_norm")
        for index in range(layers):
            yield from _block(f"model.{side}.layers.{index}", f"{side}/layer_{index}")


def _block(parameter: str, tensor: str) -> Iterator[_Place]:
    yield from _norm(f"{parameter}.self_attn_layer_norm", f"{tensor}/self_attention/layer_norm")
    yield from _fused(f"{parameter}.self_attn", f"{tensor}/self_attention/linear_0", "qkv")
    yield from _layer(f"{parameter}.self_attn.out_proj", f"{tensor}/self_attention/linear_1")
    if ".decoder." in parameter:
        yield from _norm(f"{parameter}.encoder_attn_layer_norm", f"{tensor}/attention/layer_norm")
        yield from _layer(f"{parameter}.encoder_attn.q_proj", f"{tensor}/attention/linear_0")
        yield from _fused(f"{parameter}.encoder_attn", f"{tensor}/attention/linear_1", "kv")
        yield from _layer(f"{parameter}.encoder_attn.out_proj", f"{tensor}/attention/linear_2")
    yield from _norm(f"{parameter}.final_layer_norm", f"{tensor}/ffn/layer_norm")
    yield from _layer(f"{parameter}.fc1", f"{tensor}/ffn/linear_0")
    yield from _layer(f"{parameter}.fc2", f"{tensor}/ffn/linear_1")


def _layer(parameter: str, tensor: str) -> Iterator[_Place]:
    yield _Place(f"{parameter}.weight", f"{tensor}/weight")
    yield _Place(f"{parameter}.bias", f"{tensor}/bias")


def _norm(parameter: str, tensor: str) -> Iterator[_Place]:
    yield _Place(f"{parameter}.weight", f"{tensor}/gamma")
    yield _Place(f"{parameter}.bias", f"{tensor}/beta")


def _fused(parameter: str, tensor: str, roles: str) -> Iterator[_Place]:
    for part, role in enumerate(roles):
        yield _Place(f"{parameter}.{role}_proj.weight", f"{tensor}/weight", part, len(roles))
        if role != "k":
            yield _Place(f"{parameter}.{role}_proj.bias", f"{tensor}/bias", part, len(roles))
