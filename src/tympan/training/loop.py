"""The training loop. It yields its steps; watching, stopping and saving live outside."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from tympan.training.examples import Example, batches
from tympan.training.features import Clip
from tympan.training.lora import Wrapped, core
from tympan.training.recipe import Recipe
from tympan.training.text_tokens import TextTokens

REPLAY = "replay"
_IGNORED = -100  # cross_entropy's mark for positions without a label


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step did.

    Attributes:
        number: From 1.
        epoch: From 1.
        is_epoch_end: No batch of this epoch is left.
        loss: Cross-entropy per token in nats; the divergence is not in it.
        learning_rate: Used in this step.
    """

    number: int
    epoch: int
    is_epoch_end: bool
    loss: float
    learning_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All that a run of the loop goes through.

    Attributes:
        examples: To train on.
        epochs: Passes over them.
        batch_size: Most examples a step.
        peak_rate: Highest learning rate.
        seed: Of order and dropout.
        recipe: Shapes of the schedule, weights of the divergences.
    """

    examples: Sequence[Example]
    epochs: int
    batch_size: int
    peak_rate: float
    seed: int
    recipe: Recipe

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass; the same in every epoch."""
        return sum(1 for _ in batches(self.examples, self.batch_size, self.seed, 1))

    def learning_rate(self, step: int, total: int) -> float:
        """Linear warm-up, then linear decay."""
        rise = step / max(1.0, total * self.recipe.warmup_share)
        fall = max(self.recipe.last_rate_share, 1 - (step - 1) / total)
        return self.peak_rate * min(1.0, rise) * fall


def make_optimizer(wrapped: Wrapped) -> torch.optim.Optimizer:
    """AdamW over the LoRA weights, without weight decay."""
    return torch.optim.AdamW((p for p in wrapped.parameters() if p.requires_grad), weight_decay=0.0)


def training_steps(
    wrapped: Wrapped,
    optimizer: torch.optim.Optimizer,
    course: Course,
    tokens: TextTokens,
    load: Callable[[Clip], NDArray[np.float16]],
    *,
    steps_done: int = 0,
) -> Iterator[Step]:
    """Take the steps after ``steps_done``, yielding after each.

    Every step seeds its own randomness from seed and number, so a run that goes on from
    saved weights and optimizer takes the very steps it would have taken.
    """
    per_epoch = course.steps_per_epoch
    total = per_epoch * course.epochs
    number = 0
    for epoch in range(1, course.epochs + 1):
        for batch in batches(course.examples, course.batch_size, course.seed, epoch):
            number += 1
            if number <= steps_done:
                continue
            torch.manual_seed(course.seed * 1_000_003 + number)
            rate = course.learning_rate(number, total)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = _take_step(wrapped, optimizer, course.recipe, batch, tokens, load)
            yield Step(
                number=number,
                epoch=epoch,
                is_epoch_end=number % per_epoch == 0,
                loss=loss,
                learning_rate=rate,
            )


def _take_step(
    wrapped: Wrapped,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
    batch: Sequence[Example],
    tokens: TextTokens,
    load: Callable[[Clip], NDArray[np.float16]],
) -> float:
    wrapped.train()
    device = core(wrapped).proj_out.weight.device
    encodings = np.stack([load(example.clip) for example in batch]).astype(np.float32)
    encoded = torch.from_numpy(encodings).to(device)
    inputs, labels = _label_tensors(batch, tokens, device)
    has_label = labels != _IGNORED
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        logits = _logits(wrapped, inputs, encoded, has_label)
    weights = _label_weights(batch, labels, recipe)[has_label]
    loss = (weights * cross_entropy(logits, labels[has_label], reduction="none")).sum() / len(logits)
    is_held = _is_held(batch, labels, tokens, recipe) & has_label
    total = loss
    if recipe.replay_divergence_weight and is_held.any():
        divergence = _divergence(wrapped, inputs, encoded, is_held, logits[is_held[has_label]])
        # Per token of the batch, as the loss is.
        total = loss + recipe.replay_divergence_weight * divergence / len(logits)
    torch.autograd.backward(total)
    trained = [p for p in wrapped.parameters() if p.requires_grad]
    norm = torch.nn.utils.clip_grad_norm_(trained, recipe.gradient_norm)
    if math.isfinite(float(norm)):
        # A step with infinite gradients would destroy the weights; the loss tells the watcher.
        optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def _label_tensors(
    batch: Sequence[Example], tokens: TextTokens, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Input ids and labels, both ``(batch, length)``; the label is the next input."""
    prefixes = [tokens.prefix_of(example.language) for example in batch]
    texts = [[*tokens.encode(example.text, example.language), tokens.end] for example in batch]
    rows = [[*prefix, *text] for prefix, text in zip(prefixes, texts, strict=True)]
    length = max(len(row) for row in rows)
    ids = torch.full((len(rows), length), tokens.end)
    labels = torch.full((len(rows), length), _IGNORED)
    for index, (row, text) in enumerate(zip(rows, texts, strict=True)):
        ids[index, : len(row)] = torch.tensor(row)
        labels[index, len(row) - len(text) : len(row)] = torch.tensor(text)
    return ids[:, :-1].to(device), labels[:, 1:].to(device)


def _logits(
    wrapped: Wrapped, inputs: torch.Tensor, encoded: torch.Tensor, has_label: torch.Tensor
) -> torch.Tensor:
    """Logits of the labelled positions only, ``(positions, vocabulary)``: the costliest product."""
    network = core(wrapped)
    hidden = network.model.decoder(
        input_ids=inputs, encoder_hidden_states=encoded, use_cache=False
    ).last_hidden_state
    return torch.as_tensor(network.proj_out(hidden[has_label])).float()


def _label_weights(batch: Sequence[Example], labels: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """How much each position's label counts, ``(batch, length)``."""
    weights = [recipe.replay_label_weight if example.origin == REPLAY else 1.0 for example in batch]
    return torch.tensor(weights, device=labels.device)[:, None].expand(labels.shape)


def _is_held(
    batch: Sequence[Example], labels: torch.Tensor, tokens: TextTokens, recipe: Recipe
) -> torch.Tensor:
    """Positions at which the base model's word probabilities are kept, ``(batch, length)``.

    Those of replay, or of all examples. In reduced context the base model does not know where to stop, and
    that must not be kept.
    """
    is_held = torch.tensor(
        [recipe.is_divergence_everywhere or example.origin == REPLAY for example in batch],
        device=labels.device,
    )
    if recipe.is_context_reduced:
        return is_held[:, None] & (labels != tokens.end)
    return is_held[:, None].expand(labels.shape)


def _divergence(
    wrapped: Wrapped,
    inputs: torch.Tensor,
    encoded: torch.Tensor,
    is_held: torch.Tensor,
    logits: torch.Tensor,
) -> torch.Tensor:
    """Kullback-Leibler divergence from the base model's word probabilities, summed, in nats."""
    with torch.no_grad(), wrapped.disable_adapter():
        wrapped.eval()
        base = log_softmax(_logits(wrapped, inputs, encoded, is_held), dim=-1)
    wrapped.train()
    return kl_div(log_softmax(logits, dim=-1), base, reduction="sum", log_target=True)
