"""The Recognizer port in this process: any number of bundles, loaded on demand."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, lru_cache, partial

import numpy as np
import psutil
from numpy.typing import NDArray

from tympan.backends.whisper.cascade import Cascade
from tympan.backends.whisper.cpu_share import CpuShares
from tympan.backends.whisper.display import DisplayRules
from tympan.backends.whisper.engine_name import ENGINE
from tympan.backends.whisper.favouring import Favouring
from tympan.backends.whisper.hearing import Heard, Hearing, Piece
from tympan.backends.whisper.network import WhisperNetwork
from tympan.backends.whisper.pieces import cut_pieces
from tympan.backends.whisper.spoken_languages import language_stretches
from tympan.backends.whisper.turns import split_at_changes
from tympan.backends.whisper.words import recognized_words
from tympan.domain.errors import InvalidInputError
from tympan.domain.model import Bundle
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.clock import Clock
from tympan.ports.inverse_normalizer import InverseNormalizer
from tympan.ports.model_files import ModelFiles
from tympan.ports.recognizer import (
    PARTIALS_FILE,
    Alternative,
    HostState,
    LanguageStretch,
    Phrase,
    Recognition,
    RecognitionOptions,
)
from tympan.speech.audio_context import longest_segment_s
from tympan.speech.display_format import Formatted
from tympan.speech.phrase_index import PhraseIndex, Term

_LONG_SAMPLES = 20 * SAMPLE_RATE_HZ

_REDUCED_SEGMENT_S = 15.0
"""Trained models have seen few longer recordings."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedModel:
    """A bundle in memory.

    Attributes:
        network: Recognises.
        rules: Change what it writes.
        partials: Writes the partials of streams; loads when the first stream needs it. Models
            that have no weights for it write their partials with ``network``.
    """

    network: WhisperNetwork
    rules: DisplayRules
    partials: Callable[[], WhisperNetwork]


@dataclass(slots=True, eq=False)
class _Slot:
    """One bundle; its lock is held while it loads."""

    used_at: datetime
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    loaded: LoadedModel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How the engine uses this machine.

    Attributes:
        threads: Threads a computation uses.
        workers: Computations at once in each model; they share its weights.
        compute_type: CTranslate2 compute type, such as ``int8`` or ``float32``.
        idle_unload_s: A model unused for so long leaves memory.
    """

    threads: int = 1
    workers: int = 1
    compute_type: str = "int8"
    idle_unload_s: float = 600.0


class WhisperRecognizer:
    """Recognises with Whisper bundles on CTranslate2. Thread-safe.

    Args:
        files: Brings bundles to this machine.
        clock: Tells how long a model was idle.
        settings: As above.
        inverse: Writes numbers as figures; None leaves them as the model wrote them.
    """

    def __init__(
        self,
        files: ModelFiles,
        clock: Clock,
        settings: EngineSettings | None = None,
        inverse: InverseNormalizer | None = None,
    ) -> None:
        self._inverse = inverse
        self._files = files
        self._clock = clock
        self._settings = settings or EngineSettings()
        self._lock = threading.Lock()
        self._slots: dict[str, _Slot] = {}
        self._loads, self._load_s = 0, 0.0
        self._cpu = CpuShares()
        self._closing = threading.Event()
        self._sweeper: threading.Thread | None = None

    def warm(self, bundle: Bundle) -> None:
        """Load the model and recognise a second of silence."""
        with self._model(bundle) as model:
            network = model.network
            language = next(iter(network.info.languages), "en")
            hearing = Hearing(
                network=network, language=language, beam_size=1, wants_words=False, used_cpu_s=lambda: 0.0
            )
            silence = np.zeros(SAMPLE_RATE_HZ, np.float32)
            list(hearing.hear([Piece(recording=0, start=0, samples=silence, speech=(0, silence.size))]))

    def recognize(
        self, bundle: Bundle, recordings: Sequence[NDArray[np.float32]], options: RecognitionOptions
    ) -> Sequence[Recognition]:
        """Recognise recordings, one result each, in their order."""
        heard = self._recognized(bundle, recordings, options)
        if sum(samples.size for samples in recordings) >= _LONG_SAMPLES:
            # Hours of windows would leave the heap in pieces, each a little larger than before.
            _give_memory_back()
        return heard

    def _recognized(
        self, bundle: Bundle, recordings: Sequence[NDArray[np.float32]], options: RecognitionOptions
    ) -> Sequence[Recognition]:
        with self._model(bundle) as model, self._cpu.call() as used_cpu_s:
            network, rules = model.network, model.rules
            language = network.language_of(options.locale)
            changes = options.changes or ((),) * len(recordings)
            pieces, cut_cpu_s = self._cut(network, language, recordings, options, used_cpu_s)
            careful = Hearing(
                network=network,
                language=language,
                beam_size=options.beam_size or network.info.beam_size,
                # Only words tell where a piece can be cut between two speakers.
                wants_words=options.wants_words or any(options.changes),
                used_cpu_s=used_cpu_s,
                is_guarded=options.is_guarded,
                others=options.alternatives,
                favouring=self._favouring(rules, options) if options.is_guarded else None,
            )
            hearing = _prompt(model, careful) if options.is_prompt else careful
            heard: list[list[Heard]] = [[] for _ in recordings]
            for one in hearing.hear(pieces):
                index = one.piece.recording
                heard[index].extend(split_at_changes(one, changes[index]))
            return [
                _recognition(of_one, rules, options, cpu_s)
                for of_one, cpu_s in zip(heard, cut_cpu_s, strict=True)
            ]

    def identify_languages(
        self, bundle: Bundle, recordings: Sequence[NDArray[np.float32]], candidates: Sequence[str]
    ) -> Sequence[Sequence[LanguageStretch]]:
        """Tell which languages are spoken where, one result for each recording."""
        with self._model(bundle) as model:
            network = model.network
            network.check_multilingual()
            languages = [network.language_of(locale) for locale in candidates]
            return [language_stretches(network, samples, languages) for samples in recordings]

    @contextmanager
    def hold(self, bundle: Bundle) -> Iterator[LoadedModel]:
        """The loaded model, kept for the block even when it is unloaded meanwhile."""
        with self._model(bundle) as loaded:
            yield loaded

    @contextmanager
    def count_cpu(self) -> Iterator[Callable[[], float]]:
        """Count what the block uses beside other calls; gives a function that says how much so far."""
        with self._cpu.call() as used_cpu_s:
            yield used_cpu_s

    def unload(self, digest: str) -> None:
        """Free the model's memory once its running calls have ended."""
        with self._lock:
            self._slots.pop(digest, None)
        _give_memory_back()

    def unload_idle(self) -> None:
        """Unload every model that was not used for ``idle_unload_s``."""
        oldest = self._clock.now() - timedelta(seconds=self._settings.idle_unload_s)
        with self._lock:
            idle = [key for key, slot in self._slots.items() if not slot.calls and slot.used_at <= oldest]
            for key in idle:
                del self._slots[key]
        if idle:
            _give_memory_back()

    def state(self) -> HostState:
        """What is loaded now."""
        with self._lock:
            loaded = tuple(sorted(key for key, slot in self._slots.items() if slot.loaded))
            loads, load_s = self._loads, self._load_s
        return HostState(
            loaded=loaded,
            memory_bytes=int(psutil.Process().memory_info().rss),
            engine=ENGINE,
            loads=loads,
            load_s=load_s,
        )

    def close(self) -> None:
        """Unload everything and end the thread that watches for idle models."""
        self._closing.set()
        with self._lock:
            self._slots.clear()
            sweeper = self._sweeper
        if sweeper is not None:
            sweeper.join()

    def _favouring(self, rules: DisplayRules, options: RecognitionOptions) -> Favouring | None:
        """Terms to favour; those of a list that was used lately are at hand."""
        terms = tuple(dict.fromkeys((*(Term(text, text) for text in options.phrases), *rules.terms)))
        if not terms or options.phrase_weight <= 0:
            return None
        return Favouring(index=_index(terms, options.locale), weight=options.phrase_weight)

    @contextmanager
    def _model(self, bundle: Bundle) -> Iterator[LoadedModel]:
        """The loaded model, kept for the block even when it is unloaded meanwhile."""
        if bundle.engine != ENGINE:
            raise InvalidInputError(f"This engine runs {ENGINE} models, not {bundle.engine} models.")
        digest = bundle.digest
        with self._lock:
            slot = self._slots.setdefault(digest, _Slot(self._clock.now()))
            slot.calls += 1
            self._watch_idle()
        try:
            with slot.lock:
                if slot.loaded is None:
                    slot.loaded = self._timed_load(bundle)
                loaded = slot.loaded
            yield loaded
        finally:
            with self._lock:
                slot.calls -= 1
                slot.used_at = self._clock.now()
                if slot.loaded is None and self._slots.get(digest) is slot:
                    del self._slots[digest]

    def _timed_load(self, bundle: Bundle) -> LoadedModel:
        began = time.monotonic()
        loaded = self._load(bundle)
        with self._lock:
            self._loads += 1
            self._load_s += time.monotonic() - began
        return loaded

    def _load(self, bundle: Bundle) -> LoadedModel:
        folder = self._files.fetch(bundle)
        read = partial(
            WhisperNetwork,
            folder,
            threads=self._settings.threads,
            workers=self._settings.workers,
            compute_type=self._settings.compute_type,
        )
        network, lock = read(), threading.Lock()
        has_partials = (folder / PARTIALS_FILE).exists() and not network.info.has_reduced_context
        read_once = cache(partial(read, is_for_partials=True) if has_partials else lambda: network)

        def partials() -> WhisperNetwork:
            with lock:
                return read_once()

        return LoadedModel(network=network, rules=DisplayRules(folder, self._inverse), partials=partials)

    def _watch_idle(self) -> None:
        """Start the thread that unloads idle models; the caller holds the lock."""
        if self._sweeper is None and not self._closing.is_set():
            self._sweeper = threading.Thread(target=self._sweep, name="idle-models", daemon=True)
            self._sweeper.start()

    def _sweep(self) -> None:
        while not self._closing.wait(min(60.0, self._settings.idle_unload_s / 4)):
            self.unload_idle()

    def _cut(
        self,
        network: WhisperNetwork,
        language: str,
        recordings: Sequence[NDArray[np.float32]],
        options: RecognitionOptions,
        used_cpu_s: Callable[[], float],
    ) -> tuple[list[Piece], list[float]]:
        """The pieces to decode, and the CPU seconds that finding them took per recording."""
        longest_s = longest_segment_s(language)
        if network.info.has_reduced_context:
            longest_s = min(longest_s, _REDUCED_SEGMENT_S)
        pieces: list[Piece] = []
        cpu_s = []
        for index, samples in enumerate(recordings):
            before = used_cpu_s()
            changes = options.changes[index] if options.changes else ()
            pieces.extend(
                cut_pieces(index, samples, longest_s, is_voice_gated=options.is_voice_gated, changes=changes)
            )
            cpu_s.append(used_cpu_s() - before)
        return pieces, cpu_s


def _prompt(model: LoadedModel, careful: Hearing) -> Hearing | Cascade:
    """Hear with the weights for partials first, where the model has any."""
    network = model.partials()
    if network is model.network:
        return careful
    # Other readings come from the beam; without them the likeliest text is found greedily.
    quick = replace(careful, network=network, beam_size=careful.beam_size if careful.others else 1)
    return Cascade(quick=quick, careful=careful)


@lru_cache(maxsize=64)
def _index(terms: tuple[Term, ...], locale: str) -> PhraseIndex:
    return PhraseIndex(terms, locale.partition("-")[0].lower())


def _give_memory_back() -> None:
    """Ask the C library to return what was freed; glibc keeps most of a model otherwise."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _recognition(
    heard: Sequence[Heard], rules: DisplayRules, options: RecognitionOptions, cut_cpu_s: float
) -> Recognition:
    phrases = []
    for one in sorted(heard, key=lambda one: (one.piece.start, one.piece.speech)):
        if not one.decoded.text:
            continue
        shown = rules.apply(one.decoded.text, options.locale, options.profanity)
        if not shown.text:
            continue
        start, end = one.piece.speech
        words = one.words if options.wants_words else ()
        phrases.append(
            Phrase(
                start=start,
                end=end,
                text=shown.text,
                unmasked=shown.unmasked,
                spoken=shown.spoken,
                confidence=one.decoded.confidence,
                words=recognized_words(words, offset=one.piece.start, within=(start, end)),
                rewrites=shown.applied,
                matched=one.matched,
                alternatives=_alternatives(one, shown, rules, options),
            )
        )
    return Recognition(phrases=tuple(phrases), cpu_s=cut_cpu_s + sum(one.cpu_s for one in heard))


def _alternatives(
    heard: Heard, best: Formatted, rules: DisplayRules, options: RecognitionOptions
) -> tuple[Alternative, ...]:
    """The less likely texts as they are shown; what looks the same is listed once."""
    found: dict[str, Alternative] = {}
    for text, confidence in heard.decoded.others:
        shown = rules.apply(text, options.locale, options.profanity)
        if shown.text and shown.text != best.text and shown.text not in found:
            found[shown.text] = Alternative(
                text=shown.text,
                unmasked=shown.unmasked,
                spoken=shown.spoken,
                confidence=min(confidence, heard.decoded.confidence),
            )
    return tuple(found.values())
