"""Running batch transcriptions: list the recordings and hear each."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice

from tympan.domain.dataset import StoredFile
from tympan.domain.errors import (
    CancelledError,
    EngineError,
    FetchError,
    InvalidInputError,
    NotFoundError,
    ServiceError,
    TooLargeError,
)
from tympan.domain.model import Bundle
from tympan.domain.transcription import SourceResult, Transcription
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.blobs import BlobStore
from tympan.ports.clock import Clock
from tympan.ports.jobs import JobContext
from tympan.ports.store import Store
from tympan.speech.display_format import Profanity
from tympan.usecases.listening import Listening, ListeningOptions, Punctuation
from tympan.usecases.model_lookup import bundle_of, find_model
from tympan.usecases.phrase_spool import PhraseSpool
from tympan.usecases.result_files import RESULT_KIND, SUBTITLES_KIND, Writers
from tympan.usecases.transcription_sources import Sources
from tympan.usecases.transcription_work import Outcome, Source, TranscriptionWork

_LOOK_S = 0.25
_VERSION_LENGTH = 12
_FILE_ERRORS = (InvalidInputError, TooLargeError, FetchError, NotFoundError, EngineError)
_ERROR_KINDS = {"FetchFailed": "InvalidRecordingsUri", "FetchRefused": "InvalidRecordingsUri"}
_PROFANITY = {"None": Profanity.RAW}

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Tally:
    """How far the work is.

    Attributes:
        ended: Numbers of the sources that have an outcome; only the thread of the step adds to them.
        failed: How many of them have failed.
        seconds: Heard so far, by source; each listener changes its own.
        is_ending: Listeners stop at the next phrase.
    """

    total: int
    seconds: list[float]
    ended: set[int] = field(default_factory=set)
    failed: int = 0
    is_ending: threading.Event = field(default_factory=threading.Event)

    def add(self, number: int, outcome: Outcome) -> None:
        """Count a source that has ended."""
        self.ended.add(number)
        self.failed += outcome.error_kind is not None

    def counters(self) -> dict[str, float]:
        """For the progress row."""
        seconds = round(sum(self.seconds), 1)
        return {"files": len(self.ended), "failed": self.failed, "total": self.total, "seconds": seconds}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What a step works on."""

    transcription: Transcription
    work: TranscriptionWork
    bundles: Mapping[str, Bundle]
    options: ListeningOptions
    tally: _Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcribing:
    """Runs transcriptions in the background.

    Attributes:
        at_once: Recordings that are heard together.
    """

    store: Store
    blobs: BlobStore
    sources: Sources
    listening: Listening
    writers: Writers
    clock: Clock
    at_once: int = 1

    def run_transcribe(self, context: JobContext) -> None:
        """List the recordings, and hear every one that has no outcome yet.

        Each outcome is kept as soon as it is known, so a repeated attempt goes on behind the
        last one. A recording that cannot be fetched or heard becomes a line of the report. One
        that ends the whole process again and again is heard alone, and then left out.

        Raises:
            NotFoundError: The transcription or its dataset was deleted meanwhile.
            FetchError: The container cannot be listed, or there is too much in it.
            InvalidInputError: There are no recordings; a model was deleted meanwhile, or does not
                know the language.
            ModelDamagedError: A file of a model is missing or damaged.
            UnavailableError: The engine cannot be reached; the attempt is repeated.
            StorageFullError: The disk is full; the attempt is repeated.
        """
        with self.store.read() as tx:
            transcription = tx.transcriptions.get(context.job.resource_id)
        work = TranscriptionWork(self.blobs, transcription, context.job.id, context.job.attempt)
        if not work.is_listed():
            context.progress(0.0, "Listing the recordings")
            work.write_sources(self.sources.list(transcription))
        sources = list(work.sources())
        done = work.outcomes(sorted(work.done()))
        seconds = [done[at].duration_s if at in done else 0.0 for at in range(len(sources))]
        tally = _Tally(total=len(sources), seconds=seconds)
        for number, outcome in done.items():
            tally.add(number, outcome)
        task = _Task(
            transcription=transcription,
            work=work,
            bundles=self._bundles(transcription),
            options=listening_options(transcription, self._phrases(transcription)),
            tally=tally,
        )
        blame = work.blame()
        for number in blame.guilty:
            outcome = _fatal(sources[number])
            work.keep(number, outcome)
            tally.add(number, outcome)
        for number in blame.suspects:
            self._hear_all(context, task, [(number, sources[number])], is_alone=True)
        rest = [(number, source) for number, source in enumerate(sources) if number not in tally.ended]
        self._hear_all(context, task, rest, is_alone=False)

    def _phrases(self, transcription: Transcription) -> tuple[str, ...]:
        if not transcription.phrases:
            return ()
        return tuple(json.loads(b"".join(self.blobs.stream(transcription.phrases_key))))

    def _bundles(self, transcription: Transcription) -> Mapping[str, Bundle]:
        with self.store.read() as tx:
            models = {locale: find_model(tx, one) for locale, one in transcription.model_ids.items()}
        bundles: dict[str, Bundle] = {}
        for locale, model in models.items():
            if model is None:
                raise InvalidInputError(
                    f"Model {transcription.model_ids[locale]} for {locale} was deleted while it was needed. "
                    "Create the transcription again with a model that exists.",
                    code="InvalidModel",
                    target="model",
                )
            bundles[locale] = bundle_of(model)
        return bundles

    def _hear_all(
        self, context: JobContext, task: _Task, sources: list[tuple[int, Source]], *, is_alone: bool
    ) -> None:
        """Hear sources, several at once; look for cancellation all the while."""
        listeners = ThreadPoolExecutor(self.at_once)
        waiting: set[Future[tuple[int, Outcome]]] = set()
        remaining = iter(sources)
        try:
            while True:
                # Few at a time: each look takes as long as there are recordings to look at.
                for number, source in islice(remaining, 2 * self.at_once - len(waiting)):
                    waiting.add(listeners.submit(self._hear, task, number, source, is_alone=is_alone))
                self._tell(context, task)
                if not waiting:
                    break
                ready, waiting = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
                for one in ready:
                    task.tally.add(*one.result())
        except BaseException as error:
            # The process is about to end: nobody waits for threads that are deep in the engine.
            task.tally.is_ending.set()
            listeners.shutdown(wait=False, cancel_futures=True)
            if isinstance(error, ServiceError) or not isinstance(error, Exception):
                task.work.leave()  # told to stop, or kept from going on: no recording is to blame
            raise
        listeners.shutdown()

    def _tell(self, context: JobContext, task: _Task) -> None:
        tally = task.tally
        done = len(tally.ended)
        message = f"Transcribing {min(done + 1, tally.total)} of {tally.total}"
        context.progress(done / max(1, tally.total), message, **tally.counters())

    def _hear(self, task: _Task, number: int, source: Source, *, is_alone: bool) -> tuple[int, Outcome]:
        """Hear one source and keep its outcome."""
        _go_on(task)
        task.work.begin(number, is_alone=is_alone)
        outcome = self._outcome(task, number, source)
        task.work.keep(number, outcome)
        return number, outcome

    def _outcome(self, task: _Task, number: int, source: Source) -> Outcome:
        try:
            return self._heard(task, number, source)
        except _FILE_ERRORS as error:
            if error.code == "InvalidLocale":
                raise  # the model, not the recording
            log.info("source failed", extra={"source": source.shown, "code": error.code})
            return _failed(source, error)

    def _heard(self, task: _Task, number: int, source: Source) -> Outcome:
        def listen(seconds: float) -> None:
            task.tally.seconds[number] = seconds
            _go_on(task)

        with self.sources.opened(source) as file, PhraseSpool() as spool:
            heard = self.listening.hear(task.bundles, file, task.options, listen)
            matched: dict[str, None] = {}
            for phrase in heard.phrases:
                _go_on(task)
                spool.add(phrase)
                matched |= dict.fromkeys(phrase.matched)
            result = SourceResult(
                source=source.shown,
                timestamp=self.clock.now(),
                samples=heard.samples,
                channels=tuple(heard.channels),
                model_ids=task.transcription.model_ids,
                model_versions={one: b.digest[:_VERSION_LENGTH] for one, b in task.bundles.items()},
                adaptation=tuple(heard.adaptation),
                matched=tuple(matched),
            )
            files = self._write(task, number, source, result, spool)
        seconds = heard.samples / SAMPLE_RATE_HZ
        task.tally.seconds[number] = seconds
        return Outcome(source=source.shown, files=files, duration_s=seconds, matched=len(matched))

    def _write(
        self, task: _Task, number: int, source: Source, result: SourceResult, spool: PhraseSpool
    ) -> tuple[StoredFile, ...]:
        forms = [("json", RESULT_KIND, self.writers.result(task.transcription, result, spool.phrases))]
        for ending, write in self.writers.subtitles.items():
            forms.append((ending, SUBTITLES_KIND, write(spool.phrases())))
        files = []
        for ending, kind, chunks in forms:
            key, size = task.work.put(f"{number:06d}.{ending}", chunks)
            name = f"{source.name}.{ending}"
            file_id = f"{number:06d}-{ending}"
            files.append(StoredFile(id=file_id, name=name, kind=kind, key=key, size_bytes=size))
        return tuple(files)


def listening_options(transcription: Transcription, phrases: tuple[str, ...] = ()) -> ListeningOptions:
    """The options of a transcription as the listener reads them; ``phrases`` are those to favour."""
    options = transcription.options
    languages = options.languages
    profanity = _PROFANITY.get(options.profanity.value) or Profanity(options.profanity.value)
    return ListeningOptions(
        locale=transcription.locale,
        channels=options.channels,
        wants_words=options.wants_words or options.wants_display_words,
        punctuation=Punctuation(options.punctuation.value),
        profanity=profanity,
        candidate_locales=languages.candidate_locales if languages is not None else (),
        is_single_language=languages is not None and languages.mode.value == "Single",
        speakers=options.speakers.bounds if options.speakers is not None else None,
        phrases=phrases,
        phrase_weight=transcription.phrase_weight,
    )


def _go_on(task: _Task) -> None:
    if task.tally.is_ending.is_set():
        raise CancelledError("The process is about to end.")


def _failed(source: Source, error: ServiceError) -> Outcome:
    kind = _ERROR_KINDS.get(error.code, error.code)
    return Outcome(source=source.shown, error_kind=kind, error_message=error.message)


def _fatal(source: Source) -> Outcome:
    return Outcome(
        source=source.shown,
        error_kind="InvalidAudio",
        error_message="The process that heard this recording ended unexpectedly, again and again. The file "
        "may be damaged; convert it to WAV or FLAC and try again.",
    )
