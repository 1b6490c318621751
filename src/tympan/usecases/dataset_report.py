"""The report of an import: one row per file or line, as JSON and as CSV.

Rows are written to temporary files while the import goes on, so that memory does not grow
with their number. Source: developer reference, section 7.3 (``rows`` and the CSV are ours).
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from tympan.domain.dataset import DatasetCounts
from tympan.ports.audio import AudioInfo
from tympan.speech.findings import Finding, has_error
from tympan.usecases.spool import Spool

_SCHEMA_VERSION = 1
_COLUMNS = (
    "file", "line", "audio", "status", "codes", "message", "seconds", "sampleRateHz", "channels", "codec",
    "speechShare", "clippedShare",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_MAX_REASONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingMeasures:
    """What was measured of one recording.

    Attributes:
        duration_s: Seconds.
        info: Of the uploaded file.
        speech_share: Estimated share of speech, 0 to 1.
        clipped_share: Share of samples at full scale, 0 to 1.
    """

    duration_s: float
    info: AudioInfo
    speech_share: float
    clipped_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One file or line.

    Attributes:
        file: The file the row is about, or the text file that holds the line.
        line: From 1.
        audio: The recording the line names.
        findings: Any error refuses the row.
        measures: Of the recording, if it could be decoded.
        is_note: It is about the whole file, so it is not counted as accepted.
    """

    file: str
    line: int | None = None
    audio: str | None = None
    findings: tuple[Finding, ...] = ()
    measures: RecordingMeasures | None = None
    is_note: bool = False

    @property
    def status(self) -> str:
        """``accepted``, ``warning`` (accepted too) or ``rejected``."""
        if has_error(self.findings):
            return "rejected"
        return "warning" if self.findings else "accepted"


class DatasetReport:
    """Collects rows; use as a context manager, which removes the temporary files."""

    def __init__(self) -> None:
        self._rows = Spool()
        self._issues = Spool()
        self._csv = Spool()
        self._counts = Counter[str]()
        self._duration_s = 0.0
        self._reasons = Counter[str]()
        self._first_messages: dict[str, str] = {}
        self._csv.write("\ufeff".encode() + _csv_line(_COLUMNS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for spool in (self._rows, self._issues, self._csv):
            spool.close()

    @property
    def counts(self) -> DatasetCounts:
        """What was found so far."""
        return DatasetCounts(
            accepted=self._counts["accepted"],
            rejected=self._counts["rejected"],
            warnings=self._counts["warnings"],
            duration_s=round(self._duration_s, 3),
        )

    def add(self, row: ReportRow) -> None:
        """Write one row; an accepted recording adds to the duration."""
        values = _row_values(row)
        document = {name: value for name, value in values.items() if value not in (None, [], "")}
        self._rows.write((b",\n  " if self._rows.size_bytes else b"") + _json(document))
        codes = " ".join(finding.code for finding in row.findings)
        self._csv.write(_csv_line([_guarded(values | {"codes": codes}, name) for name in _COLUMNS]))
        if row.status == "rejected":
            self._counts["rejected"] += 1
        elif not row.is_note:
            self._counts["accepted"] += 1
            self._duration_s += row.measures.duration_s if row.measures else 0.0
        for finding in row.findings:
            self._add_issue(row, finding)

    def top_reasons(self) -> str:
        """The most frequent errors in one sentence each, with their number."""
        return " ".join(
            f"{code} ({count}x): {self._first_messages[code]}"
            for code, count in self._reasons.most_common(_MAX_REASONS)
        )

    def json_chunks(self, *, kind: str, locale: str, sha256: str) -> Iterator[bytes]:
        """``report.json`` in pieces."""
        counts = self.counts
        header = {
            "schemaVersion": _SCHEMA_VERSION,
            "kind": kind,
            "locale": locale,
            "acceptedLineCount": counts.accepted,
            "rejectedLineCount": counts.rejected,
            "warningCount": counts.warnings,
            "durationMilliseconds": round(counts.duration_s * 1000),
            "sha256": sha256,
        }
        yield _json(header)[:-1] + b',\n "issues": [\n  '
        yield from self._issues.chunks()
        yield b'\n ],\n "rows": [\n  '
        yield from self._rows.chunks()
        yield b"\n ]}\n"

    def csv_chunks(self) -> Iterator[bytes]:
        """``report.csv`` in pieces: UTF-8 with BOM, as spreadsheets expect."""
        return self._csv.chunks()

    def _add_issue(self, row: ReportRow, finding: Finding) -> None:
        severity = "error" if finding.is_error else "warning"
        self._counts["warnings"] += not finding.is_error
        if finding.is_error:
            self._reasons[finding.code] += 1
            self._first_messages.setdefault(finding.code, _placed(row, finding.message))
        document = {"severity": severity, "code": finding.code, "file": row.file, "line": row.line}
        document |= {"audio": row.audio, "message": finding.message}
        kept = {name: value for name, value in document.items() if value is not None}
        self._issues.write((b",\n  " if self._issues.size_bytes else b"") + _json(kept))


def _row_values(row: ReportRow) -> dict[str, object]:
    measures = row.measures
    values: dict[str, object] = {
        "file": row.file,
        "line": row.line,
        "audio": row.audio,
        "status": row.status,
        "codes": [finding.code for finding in row.findings],
        "message": " ".join(finding.message for finding in row.findings),
    }
    if measures is not None:
        values |= {
            "seconds": round(measures.duration_s, 3),
            "sampleRateHz": measures.info.sample_rate_hz,
            "channels": measures.info.channels,
            "codec": measures.info.codec,
            "speechShare": round(measures.speech_share, 3),
            "clippedShare": round(measures.clipped_share, 5),
        }
    return values


def _placed(row: ReportRow, message: str) -> str:
    line = f" line {row.line}" if row.line is not None else ""
    return f"{row.audio or row.file}{line}: {message}"


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _guarded(values: Mapping[str, object], name: str) -> object:
    # A spreadsheet would run a name such as =HYPERLINK(...) as a formula.
    value = values.get(name)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _csv_line(cells: tuple[object, ...] | list[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
