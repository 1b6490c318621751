"""LoRA on the decoder: attach, save, load, scale, merge.

Source: Hu et al. 2021, LoRA (arXiv 2106.09685); library peft.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from tympan.domain.errors import InvalidInputError, ModelDamagedError
from tympan.training.recipe import Recipe
from tympan.training.weights import Network

WEIGHTS_FILE = "lora.safetensors"
_TARGETS = r"model\.decoder\.layers\.\d+\..*(q_proj|k_proj|v_proj|out_proj|fc1|fc2)"

Wrapped: TypeAlias = Any
"""A network with open LoRA layers; ``peft`` has no types."""


def attach(network: Network, *, rank: int, recipe: Recipe, seed: int) -> Wrapped:
    """Open LoRA layers in every linear layer of the decoder; only they can be trained then.

    The network itself is changed. A fresh update is zero: the output does not change.
    """
    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank,
        lora_alpha=rank * recipe.alpha_per_rank,
        lora_dropout=recipe.dropout,
        target_modules=_TARGETS,
    )
    with warnings.catch_warnings():
        # peft asks transformers for a property by its old name.
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(network, config)


def weights_of(wrapped: Wrapped) -> dict[str, torch.Tensor]:
    """Copies of the LoRA weights by parameter name, on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in _trainable(wrapped)}


def put_weights(wrapped: Wrapped, weights: Mapping[str, torch.Tensor]) -> None:
    """Replace the LoRA weights.

    Raises:
        InvalidInputError: They belong to another network or rank.
    """
    own = dict(_trainable(wrapped))
    if own.keys() != weights.keys() or any(own[n].shape != w.shape for n, w in weights.items()):
        raise InvalidInputError("The LoRA weights belong to another base model or rank. Train again.")
    with torch.no_grad():
        for name, value in weights.items():
            own[name].copy_(value)


def save_weights(weights: Mapping[str, torch.Tensor], folder: Path) -> None:
    """Write LoRA weights into a folder; the file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    half_written = folder / f"{WEIGHTS_FILE}.part"
    save_file(dict(weights), str(half_written))
    half_written.replace(folder / WEIGHTS_FILE)


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Read LoRA weights.

    Raises:
        ModelDamagedError: The file is missing or damaged.
    """
    try:
        return dict(load_file(str(folder / WEIGHTS_FILE)))
    except Exception as error:  # the library raises its own undocumented types
        raise ModelDamagedError(
            f"{WEIGHTS_FILE} of this training cannot be read: {error}. Start the training again.",
            target=WEIGHTS_FILE,
        ) from error


def core(wrapped: Wrapped) -> Network:
    """The Whisper network inside, with its LoRA layers in action."""
    return wrapped.base_model.model


@contextmanager
def scaled(wrapped: Wrapped, percent: int) -> Iterator[None]:
    """Weaken the update to ``percent`` of itself for the length of a block."""
    _scale(wrapped, percent / 100)
    try:
        yield
    finally:
        _scale(wrapped, 100 / percent)


def merge(wrapped: Wrapped, percent: int) -> Network:
    """Add ``percent`` of the update to the network's own weights and drop the LoRA layers."""
    _scale(wrapped, percent / 100)
    return wrapped.merge_and_unload()


def _scale(wrapped: Wrapped, factor: float) -> None:
    if factor == 1.0:
        return
    with torch.no_grad():
        for name, value in _trainable(wrapped):
            if "lora_B" in name:
                value.mul_(factor)


def _trainable(wrapped: Wrapped) -> Iterator[tuple[str, torch.Tensor]]:
    return ((name, value) for name, value in wrapped.named_parameters() if value.requires_grad)
