"""A Whisper bundle in memory: encoding, decoding and aligning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer as WordTokenizer
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tympan.domain.errors import EngineError, InvalidInputError, ModelDamagedError
from tympan.ports.recognizer import BUNDLE_INFO_FILE, PARTIALS_FILE, BundleInfo
from tympan.speech.audio_context import MOST_TOKENS
from tympan.speech.languages import whisper_language

Encoding = Any
"""The encoder's output for one piece, as CTranslate2 holds it."""

_HOP_SAMPLES = 160
_FRAMES_A_SECOND = 100
_TEXT_POSITIONS = 448
_MOST_SHOWN = 200
"""Tokens of a glossary; with the text they must fit into the positions."""
_UNSPACED = frozenset(("ja", "zh", "yue", "th", "lo", "my", "km"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What the decoder wrote for one piece.

    Attributes:
        ids: Token ids of the text.
        text: The text, trimmed.
        confidence: Geometric mean of the token probabilities, 0 to 1.
        no_speech: Whisper's own probability that nobody speaks.
        others: Less likely texts with their confidence, each another than those before it.
    """

    ids: tuple[int, ...]
    text: str
    confidence: float
    no_speech: float
    others: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingSettings:
    """How to decode.

    Attributes:
        language: Whisper's code.
        beam_size: 1 is greedy.
        token_cap: Most tokens of text.
        no_repeat_ngram: Token sequences of this length may not come twice; 0 forbids none.
        others: How many less likely texts are wanted besides.
        prefix: Tokens that the text begins with; they cost next to nothing.
        glossary: Terms that the decoder is shown as if they had been said before.
    """

    language: str
    beam_size: int
    token_cap: int
    no_repeat_ngram: int = 0
    others: int = 0
    prefix: tuple[int, ...] = ()
    glossary: tuple[str, ...] = ()


class WhisperNetwork:
    """A loaded bundle. Thread-safe.

    Args:
        folder: The bundle's files.
        threads: Threads a computation uses.
        workers: Computations at once; they share the weights.
        compute_type: CTranslate2 compute type, such as ``int8``.
        is_for_partials: Take the weights for partials (``ports.recognizer.PARTIALS_FILE``).

    Raises:
        ModelDamagedError: A file is missing or cannot be read.
    """

    def __init__(
        self, folder: Path, *, threads: int, workers: int, compute_type: str, is_for_partials: bool = False
    ) -> None:
        try:
            self.info = BundleInfo.from_json((folder / BUNDLE_INFO_FILE).read_text(encoding="utf-8"))
            if is_for_partials:
                self.info = replace(self.info, has_reduced_context=True)
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._model = ctranslate2.models.Whisper(
                str(folder),
                files=_with_partials_weights(folder) if is_for_partials else None,
                device="cpu",
                compute_type=compute_type,
                intra_threads=threads,
                inter_threads=workers,
                # Unlimited: who may wait is decided before the engine, not by blocking in it.
                max_queued_batches=-1,
            )
        except ModelDamagedError:
            raise
        except Exception as error:  # both libraries raise plain Exception and RuntimeError
            raise ModelDamagedError(
                f"The model in {folder} cannot be loaded: {error}. Import or train it again."
            ) from error
        self._features = FeatureExtractor(feature_size=self._model.n_mels)
        self._end = self._id("<|endoftext|>")

    def language_of(self, locale: str) -> str:
        """Whisper's code for a locale.

        Raises:
            InvalidInputError: The model does not know the language.
        """
        language = whisper_language(locale)
        known = self.info.languages if self.info.is_multilingual else ("en",)
        is_known = language is not None and (
            language in known if known else self.tokenizer.token_to_id(f"<|{language}|>") is not None
        )
        if language is None or not is_known:
            names = ", ".join(sorted(known)) or "the languages of multilingual Whisper"
            raise InvalidInputError(
                f"{self.info.family} does not know the language of {locale}; it knows {names}. "
                "Choose another model.",
                code="InvalidLocale",
                target="locale",
            )
        return language

    def encode(self, samples: NDArray[np.float32], context_s: float) -> Encoding:
        """Encode one piece.

        Args:
            samples: Shape ``(samples,)``, 16 kHz mono in [-1, 1]; at most ``context_s``.
            context_s: Seconds shown to the encoder, silence behind the piece included; a
                multiple of 0.02, at most 30.
        """
        mel = self._log_mel(samples, round(context_s * _FRAMES_A_SECOND))
        return self._model.encode(ctranslate2.StorageView.from_array(mel[np.newaxis]))

    def check_multilingual(self) -> None:
        """Make sure that the model can tell languages apart.

        Raises:
            InvalidInputError: It knows one language only (code ``InvalidModel``).
        """
        if not self.info.is_multilingual:
            raise InvalidInputError(
                f"{self.info.family} knows one language only and cannot tell languages apart. Import a "
                "multilingual base model, such as whisper-base.",
                code="InvalidModel",
                target="model",
            )

    def language_probabilities(self, encoding: Encoding) -> dict[str, float]:
        """How likely each language is spoken in a piece, by Whisper's code; they add up to 1.

        Raises:
            EngineError: The engine failed.
        """
        try:
            [found] = self._model.detect_language(encoding)
        except RuntimeError as error:
            raise EngineError(
                f"The engine failed while identifying a language: {error}. Try again."
            ) from error
        return {token.removeprefix("<|").removesuffix("|>"): float(share) for token, share in found}

    def decode(self, encodings: Sequence[Encoding], settings: DecodingSettings) -> list[Decoded]:
        """Decode pieces that were encoded with the same context.

        Raises:
            EngineError: The engine failed.
        """
        batch = encodings[0]
        if len(encodings) > 1:
            batch = ctranslate2.StorageView.from_array(np.concatenate([np.array(e) for e in encodings]))
        prompt = [*self._shown(settings.glossary), *self._prompt(settings.language), *settings.prefix]
        cap = max(1, min(MOST_TOKENS, settings.token_cap) - len(settings.prefix))
        try:
            results = self._model.generate(
                batch,
                [prompt] * len(encodings),
                # A beam finds no more texts than it has places.
                beam_size=max(settings.beam_size, settings.others + 1),
                num_hypotheses=settings.others + 1,
                # The engine allows only half of max_length when the prompt is short.
                max_length=min(_TEXT_POSITIONS, max(2 * cap, cap + len(prompt))),
                no_repeat_ngram_size=settings.no_repeat_ngram,
                return_scores=True,
                return_no_speech_prob=True,
            )
        except RuntimeError as error:
            raise EngineError(f"The engine failed while decoding: {error}. Try again.") from error
        return [self._decoded(result) for result in results]

    def align(
        self, encoding: Encoding, decoded: Decoded, language: str, samples: int
    ) -> list[tuple[str, int, int, float]]:
        """Find the words of a text in its piece.

        Returns:
            For each word its text, its first sample, the sample after its last, and the
            geometric mean of its token probabilities.
        """
        if not decoded.ids:
            return []
        frames = min(math.ceil(samples / _HOP_SAMPLES), 2 * encoding.shape[1])
        [found] = self._model.align(encoding, self._prompt(language)[:-1], [list(decoded.ids)], frames)
        splitter = WordTokenizer(self.tokenizer, self.info.is_multilingual, "transcribe", language)
        texts, tokens = splitter.split_to_word_tokens([*decoded.ids, self._end])
        starts = _token_starts(found.alignments, len(decoded.ids) + 1)
        words: list[tuple[str, int, int, float]] = []
        place = 0
        for text, ids in zip(texts[:-1], tokens[:-1], strict=True):
            after = place + len(ids)
            start, end = (min(samples, starts[index] * 2 * _HOP_SAMPLES) for index in (place, after))
            logs = [math.log(max(p, 1e-10)) for p in found.text_token_probs[place:after]]
            words.append((text, start, end, math.exp(sum(logs) / max(1, len(logs)))))
            place = after
        return words

    def _shown(self, glossary: Sequence[str]) -> list[int]:
        if not glossary:
            return []
        text = f" Glossary: {', '.join(glossary)}."
        ids = self.tokenizer.encode(text, add_special_tokens=False).ids[:_MOST_SHOWN]
        return [self._id("<|startofprev|>"), *ids]

    def _prompt(self, language: str) -> list[int]:
        spoken = (f"<|{language}|>", "<|transcribe|>") if self.info.is_multilingual else ()
        return [self._id(token) for token in ("<|startoftranscript|>", *spoken, "<|notimestamps|>")]

    def _id(self, token: str) -> int:
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise ModelDamagedError(
                f"tokenizer.json of the model lacks {token}. Import the model again.", target="tokenizer.json"
            )
        return int(found)

    def _log_mel(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        """Log-mel features, shape ``(mels, frames)``; silence behind the piece costs nothing."""
        # Three frames of silence, so that no window at the end reaches over the edge.
        filled = np.pad(samples, (0, -samples.size % _HOP_SAMPLES + 3 * _HOP_SAMPLES))
        mel = np.asarray(self._features(filled, padding=0), np.float32)[:, :frames]
        # The extractor clips everything to 8 decades below the loudest value; silence lies there
        # or, in a quiet piece, at its floor of 1e-10.
        floor = max((-10.0 + 4.0) / 4.0, float(mel.max()) - 8.0 / 4.0)
        rest = np.full((mel.shape[0], frames - mel.shape[1]), floor, np.float32)
        return np.ascontiguousarray(np.concatenate([mel, rest], axis=1))

    def begins_word(self, token: int, language: str) -> bool:
        """Whether a word begins with a token; where nobody writes spaces, a character."""
        if language in _UNSPACED:
            return "\ufffd" not in self.tokenizer.decode([token])
        return (self.tokenizer.id_to_token(token) or "").startswith("\u0120")

    def _decoded(self, result: Any) -> Decoded:  # noqa: ANN401  the engine has no types
        texts: list[tuple[tuple[int, ...], str, float]] = []
        for sequence, score in zip(result.sequences_ids, result.scores, strict=True):
            ids = tuple(i for i in sequence if i < self._end)
            # The engine divides by the number of tokens without the end of text.
            mean_log_prob = score * len(sequence) / (len(sequence) + 1)
            text = self.tokenizer.decode(list(ids)).strip()
            if text not in [text for _, text, _ in texts]:
                texts.append((ids, text, min(1.0, math.exp(mean_log_prob))))
        ids, text, confidence = texts[0]
        return Decoded(
            ids=ids,
            text=text,
            confidence=confidence,
            no_speech=float(result.no_speech_prob),
            others=tuple((text, confidence) for _, text, confidence in texts[1:] if text),
        )


def _with_partials_weights(folder: Path) -> dict[str, bytes]:
    """The bundle's files as the engine looks for them, with the weights for partials."""
    named = {path.name: path for path in folder.iterdir() if path.suffix in (".json", ".txt")}
    named["model.bin"] = folder / PARTIALS_FILE
    return {name: path.read_bytes() for name, path in named.items()}


def _token_starts(alignments: Sequence[tuple[int, int]], tokens: int) -> list[int]:
    """The first encoder frame (20 ms) of each token, from a path of (token, frame) pairs."""
    starts: list[int] = []
    for token, frame in alignments:
        while len(starts) <= token:
            starts.append(frame)
    last = starts[-1] if starts else 0
    return starts + [last] * (tokens - len(starts))
