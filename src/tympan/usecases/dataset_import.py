"""The import of a dataset: from an upload to a manifest and a report."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace

from tympan.domain.dataset import Dataset, DatasetKind, StoredFile
from tympan.domain.errors import InvalidInputError
from tympan.domain.resource import Status
from tympan.ports.audio import AudioCodec
from tympan.ports.blobs import BlobStore, StoredBlob
from tympan.ports.clock import Clock
from tympan.ports.fetcher import Fetcher
from tympan.ports.inverse_normalizer import InverseNormalizer
from tympan.ports.jobs import JobContext
from tympan.ports.store import Store
from tympan.speech.findings import error
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.dataset_report import DatasetReport, ReportRow
from tympan.usecases.dataset_source import DatasetSource
from tympan.usecases.import_audio import RecordingsImport
from tympan.usecases.import_text import (
    import_display_format,
    import_pronunciations,
    import_sentences,
    import_structured_text,
)
from tympan.usecases.import_work import ImportWork, distinct_files, stored_file
from tympan.usecases.recording_conversion import RecordingConverter
from tympan.usecases.spool import Spool

_MOST_THREADS = 4
_SOURCE_FILES = {
    DatasetKind.ACOUSTIC: "AcousticDataArchive",
    DatasetKind.AUDIO_FILES: "AcousticDataArchive",
    DatasetKind.LANGUAGE: "LanguageData",
    DatasetKind.LANGUAGE_MARKDOWN: "LanguageData",
    DatasetKind.PRONUNCIATION: "PronunciationData",
    DatasetKind.OUTPUT_FORMATTING: "OutputFormattingData",
}
"""Source: developer reference, section 7.2."""


def _default_threads() -> int:
    return min(os.cpu_count() or 1, _MOST_THREADS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetImport:
    """Runs import jobs.

    Attributes:
        inverse: Writes the numbers in test lines of display formats, as results have them.
        retry_s: For how long a source that cannot be reached is tried again.
        threads: Recordings converted at once.
    """

    store: Store
    blobs: BlobStore
    codec: AudioCodec
    clock: Clock
    fetcher: Fetcher
    inverse: InverseNormalizer
    limits: DatasetLimits = field(default_factory=DatasetLimits)
    retry_s: float = 600.0
    threads: int = field(default_factory=_default_threads)

    def run(self, context: JobContext) -> None:
        """Import the dataset of a job.

        Everything found goes into the report, one row per file or line. Blobs are written
        first, under the hash of their bytes; then one transaction makes them count, so
        running it twice is harmless and a killed run leaves nothing behind that shows.

        Raises:
            InvalidInputError: Its file could not be had, or nothing in it could be used (code
                ``InvalidDataset``); in the second case the report is kept all the same.
            UnavailableError: Its source cannot be reached now; running it again may help.
            StorageFullError: No room is left; the dataset is as it was.
            CancelledError: The owner has asked for it.
            SupersededError: Another attempt has taken over.
        """
        with self.store.read() as tx:
            dataset = tx.datasets.get(context.job.resource_id)
        if dataset.status is Status.SUCCEEDED:
            return  # an earlier attempt got so far and was killed before it was recorded
        source_key = dataset.source_key
        if source_key is None:
            dataset, source_key = self._source().bring(context, dataset)
        with DatasetReport() as report, Spool() as manifest:
            files = self._read(dataset, source_key, context, report, manifest)
            files = distinct_files(
                *self._report_files(dataset, report), *self._source_files(dataset, report), *files
            )
            if report.counts.accepted == 0:
                self._refuse(context, report, files)
            else:
                self._publish(context, report, files, manifest)

    def _source(self) -> DatasetSource:
        return DatasetSource(
            store=self.store,
            blobs=self.blobs,
            clock=self.clock,
            fetcher=self.fetcher,
            limits=self.limits,
            retry_s=self.retry_s,
        )

    def _read(
        self, dataset: Dataset, source_key: str, context: JobContext, report: DatasetReport, manifest: Spool
    ) -> tuple[StoredFile, ...]:
        with self.blobs.open(source_key) as source:
            work = ImportWork(
                dataset=dataset,
                source=source,
                source_bytes=self.blobs.info(source_key).size_bytes,
                report=report,
                manifest=manifest,
                progress=context.progress,
            )
            context.progress(0.0, "Reading the upload")
            try:
                return self._read_kind(work)
            except InvalidInputError as refusal:
                finding = error(refusal.code, refusal.message)
                report.add(ReportRow(file=work.source_name, findings=(finding,), is_note=True))
                return ()

    def _read_kind(self, work: ImportWork) -> tuple[StoredFile, ...]:
        match work.dataset.kind:
            case DatasetKind.ACOUSTIC | DatasetKind.AUDIO_FILES:
                converter = RecordingConverter(codec=self.codec, blobs=self.blobs, limits=self.limits)
                recordings = RecordingsImport(
                    blobs=self.blobs, converter=converter, limits=self.limits, threads=self.threads
                )
                return recordings.run(work)
            case DatasetKind.LANGUAGE:
                return import_sentences(work, self.blobs)
            case DatasetKind.PRONUNCIATION:
                import_pronunciations(work)
            case DatasetKind.LANGUAGE_MARKDOWN:
                import_structured_text(work, self.limits.structured)
            case DatasetKind.OUTPUT_FORMATTING:
                import_display_format(work, self.limits.formatting, self.inverse)
        return ()

    def _source_files(self, dataset: Dataset, report: DatasetReport) -> tuple[StoredFile, ...]:
        key = str(dataset.source_key)
        blob = StoredBlob(key, self.blobs.info(key).size_bytes, self._sha256(key))
        name = dataset.source_name or dataset.kind.value.lower()
        if dataset.kind is DatasetKind.LANGUAGE:
            return (stored_file("languagedata", "LanguageData", blob),)
        if dataset.kind is DatasetKind.AUDIO_FILES and not name.casefold().endswith(".zip"):
            is_zip = next(self.blobs.stream(key, end=2), b"") == b"PK"
            if not is_zip:
                return (stored_file(name, "Audio", blob, duration_s=report.counts.duration_s),)
        return (stored_file(name, _SOURCE_FILES[dataset.kind], blob),)

    def _report_files(self, dataset: Dataset, report: DatasetReport) -> tuple[StoredFile, ...]:
        document = report.json_chunks(
            kind=dataset.kind.value, locale=dataset.locale, sha256=self._sha256(str(dataset.source_key))
        )
        return (
            stored_file("report.json", "DatasetReport", self.blobs.put_content(document)),
            stored_file("report.csv", "DatasetReport", self.blobs.put_content(report.csv_chunks())),
        )

    def _sha256(self, key: str) -> str:
        folder, _, name = key.rpartition("/")
        if folder == "sha256":
            return name
        digest = hashlib.sha256()
        for chunk in self.blobs.stream(key):
            digest.update(chunk)
        return digest.hexdigest()

    def _publish(
        self, context: JobContext, report: DatasetReport, files: tuple[StoredFile, ...], manifest: Spool
    ) -> None:
        stored = self.blobs.put_content(manifest.chunks())
        with self.store.write() as tx:
            tx.jobs.require_attempt(context.job.id, context.job.attempt)
            dataset = tx.datasets.get(context.job.resource_id)
            tx.datasets.save(
                dataset.imported(self.clock.now(), manifest_key=stored.key, counts=report.counts, files=files)
            )

    def _refuse(self, context: JobContext, report: DatasetReport, files: tuple[StoredFile, ...]) -> None:
        with self.store.write() as tx:
            tx.jobs.require_attempt(context.job.id, context.job.attempt)
            dataset = tx.datasets.get(context.job.resource_id)
            tx.datasets.save(replace(dataset, counts=report.counts, files=files))
        name = dataset.source_name or dataset.display_name
        reasons = report.top_reasons() or "It holds no lines."
        raise InvalidInputError(
            f"Nothing in '{name}' can be used. {reasons} The report lists everything.",
            code="InvalidDataset",
            target=name,
        )
