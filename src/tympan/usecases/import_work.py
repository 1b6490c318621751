"""What one import reads from and writes to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

from tympan.domain.dataset import Dataset, StoredFile
from tympan.domain.manifest import ManifestRecord
from tympan.ports.blobs import StoredBlob
from tympan.speech.findings import Finding
from tympan.speech.manifest_lines import write_records
from tympan.usecases.dataset_report import DatasetReport, ReportRow
from tympan.usecases.spool import Spool

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_REPORT_EVERY_LINES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWork:
    """One running import.

    Attributes:
        dataset: As it was when the import began.
        source: The upload, seekable.
        source_bytes: Its length.
        report: Gets one row per file or line.
        manifest: Gets one line per accepted record.
        progress: ``JobContext.progress``; raises when the import shall stop.
    """

    dataset: Dataset
    source: BinaryIO
    source_bytes: int
    report: DatasetReport
    manifest: Spool
    progress: Callable[..., None]

    @property
    def source_name(self) -> str:
        """The name the user gave, or one that tells the kind."""
        return self.dataset.source_name or self.dataset.kind.value.lower()

    def keep(self, record: ManifestRecord) -> None:
        """Write a record to the manifest."""
        for line in write_records([record]):
            self.manifest.write(line)

    def report_line(self, number: int, findings: tuple[Finding, ...]) -> None:
        """Write the row of one line of the source, and tell the progress now and then."""
        self.report.add(ReportRow(file=self.source_name, line=number, findings=findings))
        if number % _REPORT_EVERY_LINES == 0:
            share = self.source.tell() / max(self.source_bytes, 1)
            self.progress(min(share, 1.0), f"Read {number} lines", lines=number)

    def note(self, finding: Finding, *, line: int | None = None) -> None:
        """Write a row about the source as a whole."""
        self.report.add(ReportRow(file=self.source_name, line=line, findings=(finding,), is_note=True))


def stored_file(name: str, kind: str, blob: StoredBlob, duration_s: float | None = None) -> StoredFile:
    """A file that users may download; its id is the name made safe for a path."""
    return StoredFile(
        id=_UNSAFE.sub("-", name).strip("-.") or kind,
        name=name,
        kind=kind,
        key=blob.key,
        size_bytes=blob.size_bytes,
        duration_s=duration_s,
    )


def distinct_files(*files: StoredFile) -> tuple[StoredFile, ...]:
    """The files, with a number after the id of each whose id was taken before it."""
    taken: set[str] = set()
    distinct = []
    for file in files:
        number, file_id = 1, file.id
        while file_id in taken:
            number += 1
            file_id = f"{file.id}-{number}"
        taken.add(file_id)
        distinct.append(replace(file, id=file_id))
    return tuple(distinct)
