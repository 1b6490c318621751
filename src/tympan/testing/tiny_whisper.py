"""A Whisper with random weights, a few layers small: the real engine in milliseconds.

It hears nothing sensible, but it can be trained, merged, converted and recognised with like
the real ones. Making it needs torch and transformers.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

from tympan.ports.recognizer import BUNDLE_INFO_FILE, BundleInfo
from tympan.training.weights import export_bundle

_TEXT = (
    "please call the front desk and ask for room four hundred and twelve. the quick brown fox jumps over the "
    "lazy dog. one two three four five six seven eight nine ten. thank you for calling, have a nice day. "
    "Wer den Pfennig nicht ehrt, ist des Talers nicht wert. Guten Tag, wie geht es Ihnen heute?"
)
_LANGUAGES = ("en", "de")
_TIMESTAMPS = 1501
_SPREAD = 0.2
_MULTILINGUAL_VOCABULARY = 51865
"""The trainer knows a multilingual Whisper by this; CTranslate2 by an empty token in it."""


def write_tiny_whisper(folder: Path, *, is_multilingual: bool = False, seed: int = 0) -> Path:
    """Write a bundle folder; the same arguments give the same bytes.

    Args:
        folder: Made when missing.
        is_multilingual: Knows English and German instead of English alone; 7 MB instead of 1.
        seed: Of the weights.

    Returns:
        The folder.
    """
    tokenizer = _tokenizer(is_multilingual=is_multilingual)
    tokens = _vocabulary(tokenizer, is_multilingual=is_multilingual)
    ids = {token: index for index, token in enumerate(tokens)}
    with tempfile.TemporaryDirectory() as template:
        _write_template(Path(template), tokenizer, ids, is_multilingual=is_multilingual)
        export_bundle(_network(ids, seed), Path(template), folder)
    return folder


def _write_template(template: Path, tokenizer: Any, ids: dict[str, int], *, is_multilingual: bool) -> None:  # noqa: ANN401
    """Everything but the weights."""
    tokenizer.save(str(template / "tokenizer.json"))
    limits = {
        "alignment_heads": [[0, 0], [1, 1]],
        "lang_ids": [ids[f"<|{language}|>"] for language in _LANGUAGES if f"<|{language}|>" in ids],
        "suppress_ids": _suppressed(ids),
        "suppress_ids_begin": [ids["<|endoftext|>"]],
    }
    (template / "config.json").write_text(json.dumps(limits))
    (template / "vocabulary.json").write_text(json.dumps(list(ids)))
    info = BundleInfo(
        family="whisper-test",
        is_multilingual=is_multilingual,
        languages=_LANGUAGES if is_multilingual else ("en",),
    )
    (template / BUNDLE_INFO_FILE).write_text(info.as_json())


def write_tiny_transformers(folder: Path, *, seed: int = 0) -> Path:
    """Write the English model in transformers form: safetensors, configuration and tokenizer."""
    tokenizer = _tokenizer(is_multilingual=False)
    tokens = _vocabulary(tokenizer, is_multilingual=False)
    network = _network({token: index for index, token in enumerate(tokens)}, seed)
    network.save_pretrained(folder, safe_serialization=True)
    tokenizer.add_special_tokens(tokens[tokenizer.get_vocab_size() :])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    return folder


def _tokenizer(*, is_multilingual: bool) -> Any:  # noqa: ANN401  the library has no types
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([_TEXT], trainer)
    tokenizer.add_special_tokens(_specials(_LANGUAGES if is_multilingual else ("en",)))
    return tokenizer


def _specials(languages: tuple[str, ...]) -> list[str]:
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    names = ["endoftext", "startoftranscript", *languages, *tasks]
    return [f"<|{name}|>" for name in names]


def _vocabulary(tokenizer: Any, *, is_multilingual: bool) -> list[str]:  # noqa: ANN401
    """Every token in the order of its id; timestamps are in no ``tokenizer.json``."""
    ids = tokenizer.get_vocab()
    tokens = sorted(ids, key=lambda token: int(ids[token]))
    tokens += [f"<|{index * 0.02:.2f}|>" for index in range(_TIMESTAMPS)]
    if not is_multilingual:
        return tokens
    return [
        *tokens,
        "",
        *(f"<|spare{index}|>" for index in range(_MULTILINGUAL_VOCABULARY - len(tokens) - 1)),
    ]


def _suppressed(ids: dict[str, int]) -> list[int]:
    """What must never be written: two symbols, as in the real models, and all but text."""
    return [ids["("], ids["["], *range(ids["<|endoftext|>"] + 1, len(ids))]


def _network(ids: dict[str, int], seed: int) -> Any:  # noqa: ANN401
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    config = WhisperConfig(
        vocab_size=len(ids),
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        decoder_start_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
        bos_token_id=end,
        suppress_tokens=None,
        begin_suppress_tokens=None,
        init_std=_SPREAD,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = WhisperForConditionalGeneration(config).eval()
        # transformers zeroes the padding token's weights, which in Whisper ends the text too.
        network.model.decoder.embed_tokens.weight.data[end].normal_(std=_SPREAD)
    network.generation_config = GenerationConfig(
        decoder_start_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
        bos_token_id=end,
        suppress_tokens=_suppressed(ids),
        begin_suppress_tokens=[end],
        alignment_heads=[[0, 0], [1, 1]],
    )
    return network
