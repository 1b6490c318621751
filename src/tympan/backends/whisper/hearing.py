"""One recognition: pieces in, plausible texts out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tympan.backends.whisper.favouring import Favouring
from tympan.backends.whisper.network import Decoded, DecodingSettings, Encoding, WhisperNetwork
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.speech.audio_context import FULL_CONTEXT_S, reduced_context_s, token_cap, unadapted_context_s
from tympan.speech.plausibility import is_invented, is_loop, without_loop
from tympan.speech.text_forms import PlacedToken, place_tokens

# Encoding gains nothing from batches on a CPU, the decoder's beams do: measured 0.0254 CPU
# seconds a second for one piece at a time, 0.0174 for four, 0.0171 for eight.
_BATCH = 4
_CAP_STEP_S = 2.0
_NO_REPEAT_NGRAM = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """A stretch of a recording that is decoded in one go.

    Attributes:
        recording: Index of the recording.
        start: Its first sample in the recording.
        samples: Shape ``(samples,)``, 16 kHz mono in [-1, 1], at most 30 s.
        speech: First sample of speech and the sample after the last, in the recording.
        voice: Mean probability of speech where there is any; 1 when nobody looked.
    """

    recording: int
    start: int
    samples: NDArray[np.float32]
    speech: tuple[int, int]
    voice: float = 1.0

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.samples.size / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heard:
    """What a piece says; ``decoded.text`` is empty when it says nothing.

    Attributes:
        words: Text, first sample and sample after the last within the piece, confidence.
        cpu_s: CPU seconds spent on the piece.
        matched: Favoured terms in the text.
    """

    piece: Piece
    decoded: Decoded
    words: tuple[tuple[str, int, int, float], ...] = ()
    cpu_s: float = 0.0
    matched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Decodes pieces with one network and one way of decoding.

    Attributes:
        language: Whisper's code.
        beam_size: 1 is greedy.
        wants_words: Whether words are aligned.
        used_cpu_s: Says what the call used so far.
        is_guarded: Whether what cannot be true is decoded again or dropped.
        others: How many less likely texts are wanted of each piece.
        favouring: Terms to favour, if any.
    """

    network: WhisperNetwork
    language: str
    beam_size: int
    wants_words: bool
    used_cpu_s: Callable[[], float]
    is_guarded: bool = True
    others: int = 0
    favouring: Favouring | None = None

    def hear(self, pieces: Sequence[Piece]) -> Iterator[Heard]:
        """Decode pieces; the results come in another order."""
        for batch in _batches(pieces, self._context_s):
            before = self.used_cpu_s()
            heard = self._hear_batch(batch)
            share = (self.used_cpu_s() - before) / len(batch)
            yield from (replace(one, cpu_s=share) for one in heard)

    def _context_s(self, piece: Piece) -> float:
        is_reduced = self.network.info.has_reduced_context
        return (reduced_context_s if is_reduced else unadapted_context_s)(piece.duration_s)

    def _hear_batch(self, batch: Sequence[Piece]) -> list[Heard]:
        context_s = self._context_s(batch[0])
        encodings = [self.network.encode(piece.samples, context_s) for piece in batch]
        # The cap is rounded up so that pieces share a batch; unguarded it must be the trainer's.
        cap_s = _cap_s(batch[0]) if self.is_guarded else max(piece.duration_s for piece in batch)
        results = self.network.decode(encodings, self._settings(cap_s))
        return [
            self._checked(piece, encoding, decoded, context_s)
            for piece, encoding, decoded in zip(batch, encodings, results, strict=True)
        ]

    def _checked(self, piece: Piece, encoding: Encoding, decoded: Decoded, context_s: float) -> Heard:
        """The result of a piece, decoded again where it cannot be true."""
        if not self.is_guarded:
            return self._worded(piece, encoding, decoded)
        if self._is_runaway(piece, decoded) and context_s < FULL_CONTEXT_S:
            encoding = self.network.encode(piece.samples, FULL_CONTEXT_S)
            [decoded] = self.network.decode([encoding], self._settings(piece.duration_s))
        if self._is_runaway(piece, decoded):
            settings = replace(self._settings(piece.duration_s), no_repeat_ngram=_NO_REPEAT_NGRAM)
            [decoded] = self.network.decode([encoding], settings)
        if is_loop(decoded.text):
            decoded = replace(decoded, text=without_loop(decoded.text), ids=())
        is_nothing = is_invented(
            decoded.text, confidence=decoded.confidence, no_speech=decoded.no_speech, voice=piece.voice
        )
        if is_nothing or not decoded.text:
            return Heard(piece=piece, decoded=replace(decoded, text="", ids=()))
        if self.favouring is None:
            return self._worded(piece, encoding, decoded)
        return self._favoured(piece, encoding, decoded, self.favouring)

    def _favoured(self, piece: Piece, encoding: Encoding, decoded: Decoded, favouring: Favouring) -> Heard:
        def again(glossary: Sequence[str]) -> Decoded:
            settings = replace(self._settings(piece.duration_s), glossary=tuple(glossary))
            [second] = self.network.decode([encoding], settings)
            return second

        found = favouring.apply(decoded, again)
        return replace(self._worded(piece, encoding, found.decoded), matched=found.matched)

    def _worded(self, piece: Piece, encoding: Encoding, decoded: Decoded) -> Heard:
        words = self._words(piece, encoding, decoded) if self.wants_words else ()
        return Heard(piece=piece, decoded=decoded, words=words)

    def _is_runaway(self, piece: Piece, decoded: Decoded) -> bool:
        return len(decoded.ids) >= token_cap(piece.duration_s, self.language) or is_loop(decoded.text)

    def _settings(self, duration_s: float) -> DecodingSettings:
        return DecodingSettings(
            language=self.language,
            beam_size=self.beam_size,
            token_cap=token_cap(duration_s, self.language),
            others=self.others,
        )

    def _words(
        self, piece: Piece, encoding: Encoding, decoded: Decoded
    ) -> tuple[tuple[str, int, int, float], ...]:
        if not decoded.ids:
            # A loop was cut out of the text; its tokens say nothing about the rest.
            return _spread(decoded, piece.samples.size)
        found = self.network.align(encoding, decoded, self.language, piece.samples.size)
        if self.favouring is None:
            return tuple(found)
        # A term that took the place of what sounds like it has the place of that in time.
        placed = place_tokens(decoded.text.split(), [PlacedToken(*word) for word in found])
        return tuple((word.text, word.start, word.end, word.confidence) for word in placed)


def _batches(pieces: Sequence[Piece], context_s: Callable[[Piece], float]) -> Iterator[list[Piece]]:
    """Pieces that may be decoded together: the same context and the same token cap.

    Both follow from the piece alone, so its text does not depend on its neighbours.
    """
    groups: dict[tuple[float, float], list[Piece]] = {}
    for piece in pieces:
        groups.setdefault((context_s(piece), _cap_s(piece)), []).append(piece)
    for group in groups.values():
        yield from (group[at : at + _BATCH] for at in range(0, len(group), _BATCH))


def _cap_s(piece: Piece) -> float:
    return float(np.ceil(piece.duration_s / _CAP_STEP_S)) * _CAP_STEP_S


def _spread(decoded: Decoded, samples: int) -> tuple[tuple[str, int, int, float], ...]:
    texts = decoded.text.split()
    edges = [samples * index // len(texts) for index in range(len(texts) + 1)]
    return tuple(
        (text, edges[index], edges[index + 1], decoded.confidence) for index, text in enumerate(texts)
    )
