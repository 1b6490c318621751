"""Publishing what a transcription's job has heard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tympan.domain.dataset import StoredFile
from tympan.domain.errors import FetchError, InvalidInputError
from tympan.domain.transcription import SourceOutcome, Transcription, TranscriptionCounts
from tympan.ports.blobs import BlobStore
from tympan.ports.clock import Clock
from tympan.ports.containers import Containers
from tympan.ports.jobs import JobContext
from tympan.ports.store import Store
from tympan.usecases.result_files import REPORT_KIND, SUBTITLES_KIND, Writers
from tympan.usecases.transcription_sources import patiently
from tympan.usecases.transcription_work import Outcome, TranscriptionWork
from tympan.usecases.transcriptions import file_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """The last step of a transcription.

    Attributes:
        pause: Waits; given so that tests need not.
    """

    store: Store
    blobs: BlobStore
    containers: Containers
    writers: Writers
    clock: Clock
    pause: Callable[[float], None] = time.sleep

    def run_publish(self, context: JobContext) -> None:
        """Write the report, list the files, and send them to the destination container.

        Raises:
            InvalidInputError: No recording could be transcribed (code ``InvalidData``), or the
                destination container cannot be written (``InaccessibleCustomerStorage``); the
                files can be read here nevertheless.
            NotFoundError: The transcription was deleted meanwhile.
        """
        with self.store.read() as tx:
            transcription = tx.transcriptions.get(context.job.resource_id)
        work = TranscriptionWork(self.blobs, transcription, context.job.id, context.job.attempt)
        context.progress(0.0, "Writing the report")
        outcomes = list(work.outcomes(range(sum(1 for _ in work.sources()))).values())
        counts = TranscriptionCounts(
            succeeded=sum(one.error_kind is None for one in outcomes),
            failed=sum(one.error_kind is not None for one in outcomes),
            duration_s=round(sum(one.duration_s for one in outcomes), 3),
        )
        report = self._report(work, transcription, counts, outcomes)
        files = [*(file for one in outcomes for file in one.files), report]
        files_key, _ = work.put("files.jsonl", map(file_line, files))
        with self.store.write() as tx:
            tx.jobs.require_attempt(context.job.id, context.job.attempt)
            current = tx.transcriptions.get(transcription.id)
            tx.transcriptions.save(current.reported(counts=counts, files_key=files_key))
        self._deliver(context, transcription, files)
        if counts.succeeded == 0:
            raise _nothing_done(outcomes)
        with self.store.write() as tx:
            tx.jobs.require_attempt(context.job.id, context.job.attempt)
            current = tx.transcriptions.get(transcription.id)
            tx.transcriptions.save(current.finished(self.clock.now()))

    def _report(
        self,
        work: TranscriptionWork,
        transcription: Transcription,
        counts: TranscriptionCounts,
        outcomes: Iterable[Outcome],
    ) -> StoredFile:
        def is_told(one: Outcome) -> bool:
            return one.error_kind is None and (transcription.phrases > 0 or one.matched > 0)

        shown = (
            SourceOutcome(
                source=one.source,
                matched=one.matched if is_told(one) else None,
                error_kind=one.error_kind,
                error_message=one.error_message,
            )
            for one in outcomes
        )
        key, size = work.put("report.json", self.writers.report(counts, shown))
        return StoredFile(id="report", name="report.json", kind=REPORT_KIND, key=key, size_bytes=size)

    def _deliver(self, context: JobContext, transcription: Transcription, files: list[StoredFile]) -> None:
        """Send the published files to the destination container; twice writes the same again."""
        if transcription.destination_url is None:
            return
        published = [file for file in files if file.kind != SUBTITLES_KIND]
        for at, file in enumerate(published):
            context.progress(at / len(published), f"Sending file {at + 1} of {len(published)}", files=at)
            name = f"{transcription.id}/{file.name}"
            self._send(transcription.destination_url, name, file)

    def _send(self, url: str, name: str, file: StoredFile) -> None:
        def write() -> None:
            chunks = self.blobs.stream(file.key)
            self.containers.put(
                url, name, chunks, size_bytes=file.size_bytes, content_type="application/json"
            )

        try:
            patiently(write, self.pause)
        except FetchError as error:
            raise InvalidInputError(
                f"The results could not be written to destinationContainerUrl: {error.message} "
                "They can be read here. Give a URL with the right to write, and create it again.",
                code="InaccessibleCustomerStorage",
                target="properties.destinationContainerUrl",
            ) from error


def _nothing_done(outcomes: list[Outcome]) -> InvalidInputError:
    first = outcomes[0]
    return InvalidInputError(
        f"None of the {len(outcomes)} recordings could be transcribed. The first, {first.source}: "
        f"{first.error_message} See report.json for each.",
        code="InvalidData",
    )
