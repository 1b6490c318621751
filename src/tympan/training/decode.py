"""Greedy decoding in torch: for dev error rates, label style and the parity check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray

from tympan.training.features import Clip
from tympan.training.text_tokens import TextTokens
from tympan.training.weights import Network

_BATCH_SIZE = 16
LONGEST_LABEL = 440
"""Most token ids of a transcript; the decoder has 448 places, prefix included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A clip to decode.

    Attributes:
        clip: What the encoder shall see.
        token_cap: Most token ids to write.
    """

    clip: Clip
    token_cap: int


def transcribe(
    network: Network,
    tokens: TextTokens,
    recordings: Sequence[Heard],
    encodings_of: Callable[[Sequence[Clip]], Sequence[NDArray[np.float16]]],
    advance: Callable[[int], None],
) -> list[str]:
    """Greedy texts of recordings, in their order.

    Args:
        network: Whisper, in evaluation mode.
        tokens: Its tokenizer.
        recordings: Of any lengths; those of equal context are decoded together.
        encodings_of: Encoder outputs of clips of equal context, each ``(frames, width)``.
        advance: Called with the number of recordings just decoded.
    """
    texts = [""] * len(recordings)
    order = sorted(range(len(recordings)), key=lambda i: recordings[i].clip.context_s)
    for _, same in groupby(order, key=lambda i: recordings[i].clip.context_s):
        group = list(same)
        for start in range(0, len(group), _BATCH_SIZE):
            batch = group[start : start + _BATCH_SIZE]
            encodings = np.stack(list(encodings_of([recordings[i].clip for i in batch])))
            caps = [recordings[i].token_cap for i in batch]
            for index, ids in zip(batch, greedy(network, tokens, encodings, caps), strict=True):
                texts[index] = tokens.decode(ids)
            advance(len(batch))
    return texts


@torch.inference_mode()
def greedy(
    network: Network, tokens: TextTokens, encodings: NDArray[np.float16], caps: Sequence[int]
) -> list[list[int]]:
    """Token ids of the likeliest next token, again and again, until the end token or the cap.

    Args:
        network: Whisper, in evaluation mode.
        tokens: Its tokenizer.
        encodings: Shape ``(batch, frames, width)``.
        caps: Most ids per item.
    """
    device = network.proj_out.weight.device
    encoded = torch.from_numpy(encodings.astype(np.float32)).to(device)
    blocked = torch.tensor(tokens.suppressed, device=device)
    blocked_first = torch.tensor(tokens.suppressed_first, dtype=torch.long, device=device)
    inputs = torch.tensor([tokens.prefix] * len(caps), device=device)
    written: list[list[int]] = [[] for _ in caps]
    is_open = [True] * len(caps)
    cache = None
    for position in range(min(max(caps), LONGEST_LABEL)):
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            output = network.model.decoder(
                input_ids=inputs, encoder_hidden_states=encoded, past_key_values=cache, use_cache=True
            )
            logits = network.proj_out(output.last_hidden_state[:, -1]).float()
        cache = output.past_key_values
        logits[:, blocked] = -torch.inf
        if position == 0:
            logits[:, blocked_first] = -torch.inf
        best = logits.argmax(-1)
        for item, token in enumerate(best.tolist()):
            is_open[item] = is_open[item] and token != tokens.end and position < caps[item]
            if is_open[item]:
                written[item].append(token)
        if not any(is_open):
            break
        inputs = best[:, None]
    return written
