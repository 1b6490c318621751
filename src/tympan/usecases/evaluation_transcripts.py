"""The transcriptions behind an evaluation: what each tested model heard, as result files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from tympan.domain.dataset import StoredFile
from tympan.domain.evaluation import Evaluation
from tympan.domain.manifest import Utterance
from tympan.domain.model import Model
from tympan.domain.transcription import (
    SourceKind,
    SourceOutcome,
    SourceResult,
    Transcription,
    TranscriptionCounts,
)
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.blobs import BlobStore
from tympan.ports.clock import Clock
from tympan.ports.recognizer import RecognizedWord
from tympan.ports.store import Transaction
from tympan.speech.text import Normalizer
from tympan.speech.text_forms import PlacedToken, bare, place_tokens
from tympan.usecases.hypotheses import Hypothesis
from tympan.usecases.listening import Candidate, HeardPhrase
from tympan.usecases.model_lookup import bundle_of
from tympan.usecases.result_files import REPORT_KIND, RESULT_KIND, Writers
from tympan.usecases.transcriptions import file_line

_AT_ONCE = 256
# As for score files: a folder takes 0.1 ms each, a bucket 20 ms and more.
_WRITERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What became of one transcription.

    Attributes:
        files_key: Blob of its list of files.
    """

    transcription_id: str
    counts: TranscriptionCounts
    files_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationTranscripts:
    """Writes what was heard for an evaluation in the form of batch transcriptions.

    Blobs are named after their bytes, as those of evaluations are.
    """

    blobs: BlobStore
    clock: Clock
    writers: Writers

    def write(
        self,
        transcription: Transcription,
        model: Model,
        utterances: Sequence[Utterance],
        hypotheses: Iterator[Hypothesis],
        normalizer: Normalizer,
    ) -> Transcript:
        """Write a result file for every recording, and the report."""
        heard = zip(utterances, hypotheses, strict=True)
        files: list[StoredFile] = []

        def keep(numbered: tuple[int, tuple[Utterance, Hypothesis]]) -> StoredFile:
            number, (utterance, hypothesis) = numbered
            phrases = _phrases(transcription.locale, utterance, hypothesis, normalizer)
            result = self._result(transcription, model, utterance)
            chunks = self.writers.result(transcription, result, lambda: phrases)
            return self._keep(f"{number:06d}-json", f"{utterance.name}.json", RESULT_KIND, chunks)

        with ThreadPoolExecutor(_WRITERS) as pool:
            numbered = enumerate(heard)
            while some := list(islice(numbered, _AT_ONCE)):
                files += pool.map(keep, some)
        counts = TranscriptionCounts(
            succeeded=len(files), duration_s=round(sum(one.duration_s for one in utterances), 3)
        )
        outcomes = (SourceOutcome(source=one.name) for one in utterances)
        report = self.writers.report(counts, outcomes)
        files.append(self._keep("report", "report.json", REPORT_KIND, report))
        listed = self.blobs.put_content(map(file_line, files))
        return Transcript(transcription_id=transcription.id, counts=counts, files_key=listed.key)

    def _result(self, transcription: Transcription, model: Model, utterance: Utterance) -> SourceResult:
        return SourceResult(
            source=utterance.name,
            timestamp=self.clock.now(),
            samples=round(utterance.duration_s * SAMPLE_RATE_HZ),
            model_ids={transcription.locale: model.id},
            model_versions={transcription.locale: bundle_of(model).digest[:12]},
        )

    def _keep(self, file_id: str, name: str, kind: str, chunks: Iterator[bytes]) -> StoredFile:
        stored = self.blobs.put_content(chunks)
        return StoredFile(id=file_id, name=name, kind=kind, key=stored.key, size_bytes=stored.size_bytes)


def new_transcription(evaluation: Evaluation, transcription_id: str, model: Model) -> Transcription:
    """The transcription that shows what one model heard; it lives and ends with the evaluation."""
    return Transcription(
        id=transcription_id,
        display_name=f"{evaluation.display_name}: {model.display_name}",
        locale=evaluation.locale,
        source_kind=SourceKind.DATASET,
        dataset_id=evaluation.dataset_id,
        model_id=model.id,
        model_ids={evaluation.locale: model.id},
        evaluation_id=evaluation.id,
        job_id=evaluation.job_id,
        created_at=evaluation.created_at,
        last_action_at=evaluation.created_at,
        api_version=evaluation.api_version,
    )


def finish(tx: Transaction, transcripts: Sequence[Transcript], evaluation: Evaluation) -> None:
    """Show the transcriptions as finished, in the transaction that finishes the evaluation."""
    for one in transcripts:
        current = tx.transcriptions.find(one.transcription_id)
        if current is not None:
            reported = current.reported(counts=one.counts, files_key=one.files_key)
            tx.transcriptions.save(reported.finished(evaluation.last_action_at))


def _phrases(
    locale: str, utterance: Utterance, hypothesis: Hypothesis, normalizer: Normalizer
) -> tuple[HeardPhrase, ...]:
    if not hypothesis.text.strip():
        return ()
    words = hypothesis.words
    start, end = (
        (words[0].start, words[-1].end) if words else (0, round(utterance.duration_s * SAMPLE_RATE_HZ))
    )
    text = hypothesis.text
    placed = [PlacedToken(word.text, word.start, word.end, word.confidence) for word in words]
    confidence = sum(word.confidence for word in words) / len(words) if words else 0.0
    reading = Candidate(
        confidence=confidence,
        lexical=normalizer.normalize(hypothesis.spoken),
        itn=bare(text),
        masked_itn=bare(text),
        display=text,
        display_words=tuple(
            RecognizedWord(text=one.text, start=one.start, end=one.end, confidence=one.confidence)
            for one in place_tokens(text.split(), placed)
        ),
    )
    return (HeardPhrase(channel=0, start=start, end=end, locale=locale, candidates=(reading,)),)
