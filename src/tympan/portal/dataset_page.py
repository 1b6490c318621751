"""The page of one dataset: its import's report, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request

from tympan.domain.dataset import Dataset
from tympan.domain.manifest import Utterance
from tympan.domain.query import Compare, Query
from tympan.portal.histogram import Histogram, histogram_of
from tympan.portal.pages import Pages
from tympan.portal.reports import LARGEST_BYTES, Members, objects, read_report
from tympan.ports.blobs import BlobStore
from tympan.speech.manifest_lines import read_records

_ROWS = 50
_USERS = 20
STATUSES = {"accepted": ("good", "✓"), "warning": ("caution", "!"), "rejected": ("bad", "✕")}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows were refused or warned of.

    Attributes:
        code: Of the report.
        severity: ``error`` or ``warning``.
        count: How many findings there are.
        example: What was said of the first.
    """

    code: str
    severity: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One file or line.

    Attributes:
        name: Of the recording, or of the file the line is in.
        line: From 1; None for a whole file.
        status, style, sign: What became of it, in a word, a colour and a shape.
        message: What was found.
        codes: Reasons by their codes.
        seconds, rate, channels: Of the recording; None where there is none.
        text: The transcript; None where there is none.
        sha256: Under which the recording can be heard; None where it cannot.
    """

    name: str
    line: int | None
    status: str
    style: str
    sign: str
    message: str
    codes: Sequence[str]
    seconds: float | None
    rate: int | None
    channels: int | None
    text: str | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class ReportSheet:
    """One page of a report.

    Attributes:
        reasons: Frequent ones first.
        statuses: How many rows each has.
        rows: Of this page.
        number, last: Which page, of how many.
        total: Rows that the filter keeps.
        reason, status: The filter; empty keeps everything.
        lengths: Of the recordings that were accepted.
    """

    reasons: Sequence[Reason]
    statuses: Mapping[str, int]
    rows: Sequence[ShownRow]
    number: int
    last: int
    total: int
    reason: str
    status: str
    lengths: Histogram | None

    def query(self, **changed: str | int) -> str:
        """The query of this page with another filter or page number."""
        now: dict[str, str | int] = {"status": self.status, "reason": self.reason, "page": 1}
        return urlencode({name: value for name, value in (now | changed).items() if value not in ("", 1)})


def dataset_values(pages: Pages, request: Request, dataset: Dataset) -> dict[str, object]:
    """What the page of a dataset shows of it."""
    services = pages.services
    report = read_report(services.blobs, dataset.files, "report.json")
    uses = Query(where=Compare("dataset_id", "eq", dataset.id), top=_USERS)
    is_long = any(file.name == "report.json" and file.size_bytes > LARGEST_BYTES for file in dataset.files)
    return {
        "dataset": dataset,
        "sheet": None if report is None else report_sheet(services.blobs, dataset, report, request),
        "is_report_long": is_long,
        "tests": services.evaluations.list(uses),
        "trainings": services.models.list(uses),
    }


def report_sheet(blobs: BlobStore, dataset: Dataset, report: Members, request: Request) -> ReportSheet:
    """The page of a report that the query asks for."""
    rows = objects(report, "rows")
    reason, status = (request.query_params.get(name, "") for name in ("reason", "status"))
    kept = [row for row in rows if _is_kept(row, reason, status)]
    text = request.query_params.get("page", "1")
    last = max(1, -(-len(kept) // _ROWS))
    number = min(max(1, int(text)), last) if text.isascii() and text.isdigit() else 1
    page = kept[(number - 1) * _ROWS : number * _ROWS]
    heard = _utterances(blobs, dataset, {_name(row) for row in page if "seconds" in row})
    return ReportSheet(
        reasons=list(_reasons(report)),
        statuses=Counter(str(row.get("status", "")) for row in rows),
        rows=[_shown(row, heard.get(_name(row))) for row in page],
        number=number,
        last=last,
        total=len(kept),
        reason=reason,
        status=status,
        lengths=histogram_of(
            [
                seconds
                for row in rows
                if isinstance(seconds := row.get("seconds"), int | float) and row.get("status") != "rejected"
            ]
        ),
    )


def _is_kept(row: Members, reason: str, status: str) -> bool:
    codes = row.get("codes")
    has_reason = not reason or (isinstance(codes, list) and reason in codes)
    return has_reason and (not status or row.get("status") == status)


def _reasons(report: Members) -> Iterator[Reason]:
    counts, examples = Counter[tuple[str, str]](), dict[tuple[str, str], str]()
    for issue in objects(report, "issues"):
        kind = (str(issue.get("code", "")), str(issue.get("severity", "")))
        counts[kind] += 1
        examples.setdefault(kind, str(issue.get("message", "")))
    for (code, severity), count in counts.most_common():
        yield Reason(code, severity, count, examples[code, severity])


def _utterances(blobs: BlobStore, dataset: Dataset, names: set[str]) -> dict[str, Utterance]:
    found: dict[str, Utterance] = {}
    if dataset.manifest_key is None or not names:
        return found
    for utterance in read_records(blobs.stream(dataset.manifest_key), Utterance):
        if len(found) == len(names):
            break
        if utterance.name in names:
            found[utterance.name] = utterance
    return found


def _name(row: Members) -> str:
    return str(row.get("audio") or row.get("file", ""))


def _shown(row: Members, utterance: Utterance | None) -> ShownRow:
    line, seconds = row.get("line"), row.get("seconds")
    rate, channels, codes = row.get("sampleRateHz"), row.get("channels"), row.get("codes")
    status = str(row.get("status", ""))
    is_heard = utterance is not None and status != "rejected"
    style, sign = STATUSES.get(status, ("quiet", ""))
    return ShownRow(
        name=_name(row),
        line=line if isinstance(line, int) else None,
        status=status,
        style=style,
        sign=sign,
        message=str(row.get("message", "")),
        codes=[str(code) for code in codes] if isinstance(codes, list) else [],
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        rate=rate if isinstance(rate, int) else None,
        channels=channels if isinstance(channels, int) else None,
        text=utterance.transcript if utterance is not None and is_heard else None,
        sha256=utterance.audio_key.removeprefix("sha256/") if utterance is not None and is_heard else None,
    )
