"""Running an evaluation: recognise every recording with every model, then score."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tympan.domain.dataset import Dataset, DatasetKind, StoredFile
from tympan.domain.errors import InvalidInputError, InvalidStateError
from tympan.domain.evaluation import Comparison, Evaluation, ModelScore
from tympan.domain.job import Job
from tympan.domain.manifest import Utterance
from tympan.domain.model import Model
from tympan.ports.audio import AudioCodec
from tympan.ports.blobs import BlobStore
from tympan.ports.clock import Clock
from tympan.ports.jobs import JobContext
from tympan.ports.recognizer import Recognition, RecognitionOptions, Recognizer
from tympan.ports.store import Store
from tympan.speech.display_format import Profanity
from tympan.speech.manifest_lines import read_records
from tympan.speech.signal_to_noise import signal_to_noise_db
from tympan.speech.text import Normalizer, normalizer_for
from tympan.usecases.evaluation_analysis import Analysis
from tympan.usecases.evaluation_report import REPORT_NAME, ReportInputs, report_bytes
from tympan.usecases.evaluation_terms import terms_of_test
from tympan.usecases.evaluation_transcripts import EvaluationTranscripts, Transcript, finish
from tympan.usecases.heard_facts import HeardFacts
from tympan.usecases.hypotheses import CHUNK_RECORDINGS, HEARD_BY, Hypothesis, HypothesisStore
from tympan.usecases.model_lookup import bundle_of, find_model
from tympan.usecases.recording_score import score_document, score_recording, text_document
from tympan.usecases.score_report import ModelTally, ScoreReport
from tympan.usecases.training_overlap import Contamination, TrainingOverlap, overlap_warnings

_BATCH_RECORDINGS = 8
_BATCH_SECONDS = 600.0  # 38 MB of samples; a longer recording is a batch of its own
_FILE_KIND = "EvaluationDetails"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME_IN_ID = 100
# Score files are small: a folder takes 0.1 ms each, a bucket 20 ms and more. Sending several
# at once brings 20,000 files (10,000 recordings, two models) to 3 s and half a minute.
_WRITERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    """What a step works on.

    Attributes:
        models: By id, each once, in the order of the evaluation.
    """

    evaluation: Evaluation
    dataset: Dataset
    models: Mapping[str, Model]
    utterances: Sequence[Utterance]
    hypotheses: Mapping[str, HypothesisStore]
    facts: HeardFacts

    @property
    def has_references(self) -> bool:
        """Whether the dataset has transcripts to score against."""
        return self.dataset.kind is DatasetKind.ACOUSTIC


@dataclass(frozen=True, slots=True)
class _Collected:
    """Where scored recordings go."""

    report: ScoreReport
    analysis: Analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """Runs evaluations in the background.

    Attributes:
        transcripts: Writes what was heard as transcriptions.
        at_once: Batches of recordings that are recognised together.
    """

    store: Store
    blobs: BlobStore
    codec: AudioCodec
    recognizer: Recognizer
    clock: Clock
    transcripts: EvaluationTranscripts
    at_once: int = 1

    def run_recognize(self, context: JobContext) -> None:
        """Recognise every recording with each tested model.

        A model that is named twice is run once. Hypotheses are kept in chunks as they come;
        a repeated attempt goes on behind the last whole chunk.

        Raises:
            NotFoundError: The evaluation or its dataset was deleted meanwhile.
            InvalidInputError: A model was deleted meanwhile, or does not know the language.
            ModelDamagedError: A file of a model is missing or damaged.
            UnavailableError: The engine cannot be reached; the attempt is repeated.
        """
        test = self._load(context.job)
        total = len(test.utterances) * len(test.models)
        done = 0
        for number, (model_id, model) in enumerate(test.models.items(), start=1):
            kept = test.hypotheses[model_id]
            for first in range(0, len(test.utterances), CHUNK_RECORDINGS):
                chunk = test.utterances[first : first + CHUNK_RECORDINGS]
                if kept.has_chunk(first):
                    done += len(chunk)
                    continue
                recognitions: list[Recognition] = []
                ratios: list[float | None] = []
                began = self.clock.now()
                message = f"Recognising {{}} of {len(test.utterances)} with {model.display_name}"
                context.progress(done / total, message.format(first + 1), files=done)
                for heard, measured in self._recognize_together(model, test.evaluation.locale, chunk):
                    recognitions += heard
                    ratios += measured
                    done += len(heard)
                    if len(recognitions) < len(chunk):
                        at = first + len(recognitions) + 1
                        context.progress(done / total, message.format(at), files=done)
                wall_s = (self.clock.now() - began).total_seconds()
                state = self.recognizer.state()
                test.facts.write_timing(number, first, wall_s=wall_s, state=state, at_once=self.at_once)
                if not test.facts.has_sound(first):
                    test.facts.write_sound(first, ratios)
                kept.write_chunk(first, recognitions)
        context.progress(1.0, f"Recognised {len(test.utterances)} recordings", files=done)

    def run_score(self, context: JobContext) -> None:
        """Score what was recognised and publish the results.

        Score files are blobs named after their bytes, so running it twice writes nothing
        twice; the evaluation is ``Succeeded`` once they are all there.

        Raises:
            NotFoundError: The evaluation, its dataset or hypotheses were deleted meanwhile.
            InvalidInputError: A model was deleted meanwhile.
        """
        test = self._load(context.job)
        normalizer = normalizer_for(test.evaluation.locale)
        tallies = [ModelTally(one, test.models[one].display_name) for one in test.evaluation.model_ids]
        report = ScoreReport(test.evaluation, normalizer.name, tallies)
        terms = terms_of_test(test.evaluation.terms, list(test.models.values()), self.blobs, normalizer)
        analysis = Analysis(test.evaluation.locale, normalizer, terms, test.evaluation.model_ids)
        files = self._score_recordings(context, test, _Collected(report, analysis))
        context.progress(0.9, "Looking through what the models were trained on")
        overlap = TrainingOverlap(store=self.store, blobs=self.blobs)
        seen = [overlap.of(model, test.utterances, tuple(terms.sources)) for model in test.models.values()]
        warnings = tuple(overlap_warnings(seen, test.utterances))
        scores: tuple[ModelScore, ...] = ()
        comparisons: tuple[Comparison, ...] = ()
        if test.has_references:
            context.progress(0.95, "Comparing the models")
            scores, comparisons = report.totals(), report.comparisons()
            documents = [
                (REPORT_NAME, self._report(test, analysis, tallies, (scores, comparisons), seen)),
                ("summary.json", report.summary(scores, comparisons, warnings)),
                ("summary.csv", report.table()),
                ("confusions.csv", report.confusions()),
                *report.sclite_files(),
            ]
            files = [*(self._keep(name, name, content) for name, content in documents), *files]
        transcripts = self._transcripts(context, test, normalizer)
        with self.store.write() as tx:
            tx.jobs.require_attempt(context.job.id, context.job.attempt)
            scored = tx.evaluations.get(test.evaluation.id).scored(
                self.clock.now(),
                normalizer=normalizer.name,
                scores=scores,
                comparisons=comparisons,
                warnings=warnings,
                files=tuple(files),
            )
            tx.evaluations.save(scored)
            finish(tx, transcripts, scored)

    def _load(self, job: Job) -> _Test:
        with self.store.read() as tx:
            evaluation = tx.evaluations.get(job.resource_id)
            dataset = tx.datasets.get(evaluation.dataset_id)
            models = {one: find_model(tx, one) for one in evaluation.model_ids}
        gone = [one for one, model in models.items() if model is None]
        if gone:
            raise InvalidInputError(
                f"Model {gone[0]} was deleted while it was being tested. Create the evaluation again with "
                "models that exist.",
                code="InvalidModel",
                target="model",
            )
        if dataset.manifest_key is None:
            raise InvalidStateError(
                f"Dataset '{dataset.display_name}' has not been imported. Wait until it is Succeeded.",
                target="dataset",
            )
        heard_by = str(job.arguments.get(HEARD_BY, job.id))
        return _Test(
            evaluation=evaluation,
            dataset=dataset,
            models={one: model for one, model in models.items() if model is not None},
            utterances=list(read_records(self.blobs.stream(dataset.manifest_key), Utterance)),
            hypotheses={
                one: HypothesisStore(blobs=self.blobs, job_id=heard_by, model_number=number)
                for number, one in enumerate(models, start=1)
            },
            facts=HeardFacts(blobs=self.blobs, job_id=heard_by),
        )

    def _recognize_together(
        self, model: Model, locale: str, chunk: Sequence[Utterance]
    ) -> Iterator[tuple[Sequence[Recognition], Sequence[float | None]]]:
        """The results of a chunk, batch by batch in the order of its recordings."""
        with ThreadPoolExecutor(self.at_once) as listeners:
            yield from listeners.map(lambda batch: self._recognize(model, locale, batch), _batches(chunk))

    def _recognize(
        self, model: Model, locale: str, batch: Sequence[Utterance]
    ) -> tuple[Sequence[Recognition], Sequence[float | None]]:
        """What is heard in each recording, and its signal-to-noise ratio."""
        recordings = []
        for utterance in batch:
            with self.blobs.open(utterance.audio_key) as file:
                recordings.append(self.codec.read_flac(file))
        # Masked words would all count as errors.
        options = RecognitionOptions(locale=locale, wants_words=True, profanity=Profanity.RAW)
        heard = self.recognizer.recognize(bundle_of(model), recordings, options)
        return heard, [signal_to_noise_db(samples) for samples in recordings]

    def _score_recordings(self, context: JobContext, test: _Test, into: _Collected) -> list[StoredFile]:
        """Score every recording, write its files, and take it into the reports."""
        count = len(test.utterances)
        ratios = test.facts.read_sound(count)
        heard = [test.hypotheses[one].read(count) for one in test.evaluation.model_ids]
        files: list[StoredFile] = []
        with ThreadPoolExecutor(_WRITERS) as writers:
            for first in range(0, count, CHUNK_RECORDINGS):
                context.progress(0.9 * first / count, f"Scoring {first + 1} of {count}", files=first)
                jobs: list[tuple[str, str, bytes]] = []
                for at in range(first, min(first + CHUNK_RECORDINGS, count)):
                    hypotheses = [next(one) for one in heard]
                    documents = _documents(test, at, hypotheses, into, ratios[at])
                    jobs += _named_files(at, test.utterances[at], documents)
                files += writers.map(lambda job: self._keep(*job), jobs)
        return files

    def _report(
        self,
        test: _Test,
        analysis: Analysis,
        tallies: Sequence[ModelTally],
        results: tuple[Sequence[ModelScore], Sequence[Comparison]],
        seen: Sequence[Contamination],
    ) -> bytes:
        """The report, with the facts of each tested model in their order."""
        count, ids = len(test.utterances), test.evaluation.model_ids
        numbers = {model_id: number for number, model_id in enumerate(test.models, start=1)}
        contaminations = {one.model_id: one for one in seen}
        inputs = ReportInputs(
            evaluation=test.evaluation,
            dataset=test.dataset,
            utterances=test.utterances,
            models=[test.models[one] for one in ids],
            analysis=analysis,
            tallies=tallies,
            scores=results[0],
            comparisons=results[1],
            contaminations=[contaminations[one] for one in ids],
            timings=[test.facts.read_timing(numbers[one], count) for one in ids],
            warnings=overlap_warnings(seen, test.utterances),
        )
        return report_bytes(inputs, self.blobs)

    def _transcripts(self, context: JobContext, test: _Test, normalizer: Normalizer) -> list[Transcript]:
        """Write what each model heard as a transcription."""
        pairs = dict(zip(test.evaluation.transcription_ids, test.evaluation.model_ids, strict=False))
        written: list[Transcript] = []
        for transcription_id, model_id in pairs.items():
            context.progress(0.96, "Writing what was heard")
            with self.store.read() as tx:
                transcription = tx.transcriptions.find(transcription_id)
            if transcription is not None:
                heard = test.hypotheses[model_id].read(len(test.utterances))
                model = test.models[model_id]
                written.append(
                    self.transcripts.write(transcription, model, test.utterances, heard, normalizer)
                )
        return written

    def _keep(self, file_id: str, name: str, content: bytes) -> StoredFile:
        stored = self.blobs.put_content([content])
        return StoredFile(
            id=file_id, name=name, kind=_FILE_KIND, key=stored.key, size_bytes=stored.size_bytes
        )


def _batches(utterances: Sequence[Utterance]) -> Iterator[Sequence[Utterance]]:
    """Few enough recordings, and little enough audio, to be in memory at once."""
    batch: list[Utterance] = []
    seconds = 0.0
    for utterance in utterances:
        if batch and (len(batch) == _BATCH_RECORDINGS or seconds + utterance.duration_s > _BATCH_SECONDS):
            yield batch
            batch, seconds = [], 0.0
        batch.append(utterance)
        seconds += utterance.duration_s
    if batch:
        yield batch


def _documents(
    test: _Test, at: int, hypotheses: Sequence[Hypothesis], into: _Collected, ratio_db: float | None
) -> list[dict[str, Any]]:
    """The score files of one recording, one per model."""
    models, utterance, normalizer = test.evaluation.model_ids, test.utterances[at], into.analysis.normalizer
    if not test.has_references:
        return [
            text_document(utterance, model_id, hypothesis, normalizer)
            for model_id, hypothesis in zip(models, hypotheses, strict=True)
        ]
    scores = [score_recording(utterance.transcript or "", one, normalizer) for one in hypotheses]
    into.report.add(utterance, scores)
    into.analysis.add(utterance, scores, ratio_db)
    return [
        score_document(utterance, model_id, score, normalizer)
        for model_id, score in zip(models, scores, strict=True)
    ]


def _named_files(
    at: int, utterance: Utterance, documents: Sequence[dict[str, Any]]
) -> Iterator[tuple[str, str, bytes]]:
    """Id, name and content of the score files of one recording."""
    safe = _UNSAFE.sub("_", utterance.name)[-_MAX_NAME_IN_ID:]
    for number, document in enumerate(documents, start=1):
        ending = f"model{number}_score.json"
        content = json.dumps(document, ensure_ascii=False).encode()
        yield f"{at + 1:06d}-{safe}.{ending}", f"{utterance.name}.{ending}", content
