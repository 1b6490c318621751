"""What is known of each recording of an upload: ``metadata.tsv``, a table with a row for each.

The first line names the columns; the first column is the file. ``speaker`` says who speaks:
recordings of one speaker are never parted between training and test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from tympan.speech.findings import Finding, warning
from tympan.speech.text_lines import TextLine, open_text

LABELS_NAME = "metadata.tsv"
SPEAKER = "speaker"

MOST_COLUMNS = 20
LONGEST_LABEL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingLabels:
    """The labels of recordings, and what is wrong with the table.

    Attributes:
        by_recording: Labels by column, for each recording that has any.
        findings: Line, and what is wrong there; such lines are left out.
    """

    by_recording: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    findings: Sequence[tuple[int, Finding]] = ()

    def of(self, recording: str) -> Mapping[str, str] | None:
        """The labels of a recording; None when it has none."""
        return self.by_recording.get(recording)

    def group_of(self, recording: str) -> str:
        """What must not be parted: its speaker, else the recording itself."""
        return self.by_recording.get(recording, {}).get(SPEAKER, recording)


def is_labels_file(name: str) -> bool:
    """Whether a file of an archive is the table, in whatever folder."""
    return name.rpartition("/")[2].casefold() == LABELS_NAME


def read_labels(file: BinaryIO, find: Callable[[str], str | None]) -> RecordingLabels:
    """Read the table.

    Args:
        file: Seekable; UTF-8 with or without BOM, or UTF-16 with BOM.
        find: The recording that a name in the table means; None for none.

    Raises:
        InvalidInputError: It is in no encoding that can be read (code ``EncodingInvalid``).
    """
    lines = (line for line in open_text(file).lines() if line.finding is not None or line.text.strip())
    head = next(lines, None)
    if head is None:
        return RecordingLabels()
    columns = [cell.strip() for cell in head.text.split("\t")]
    wrong = _wrong_head(columns)
    if wrong is not None:
        return RecordingLabels(findings=((head.number, wrong),))
    by_recording: dict[str, Mapping[str, str]] = {}
    findings: list[tuple[int, Finding]] = []
    for line in lines:
        row = _row(line, columns)
        recording = find(row[0]) if isinstance(row, tuple) else None
        if isinstance(row, Finding):
            findings.append((line.number, row))
        elif recording is None:
            message = f"The archive holds no recording '{row[0]}'. Its labels are not used."
            findings.append((line.number, warning("AudioMissing", message)))
        else:
            by_recording[recording] = row[1]
    return RecordingLabels(by_recording=by_recording, findings=findings)


def _wrong_head(columns: Sequence[str]) -> Finding | None:
    if len(columns) < 2 or len(set(columns)) < len(columns) or not all(columns):  # noqa: PLR2004
        message = (
            f"The first line of {LABELS_NAME} must name its columns, each once, such as "
            "'file<TAB>speaker<TAB>room'. The table is not used."
        )
        return warning("LabelsUnreadable", message)
    if len(columns) > MOST_COLUMNS + 1:
        message = (
            f"{LABELS_NAME} has more than {MOST_COLUMNS} columns beside the file. The table is not used."
        )
        return warning("LabelsUnreadable", message)
    return None


def _row(line: TextLine, columns: Sequence[str]) -> tuple[str, Mapping[str, str]] | Finding:
    if line.finding is not None:
        return line.finding
    cells = [cell.strip() for cell in line.text.split("\t")]
    if len(cells) > len(columns):
        message = f"The line has {len(cells)} cells, the first line has {len(columns)}. It is not used."
        return warning("LabelsUnreadable", message)
    if max(map(len, cells[1:]), default=0) > LONGEST_LABEL:
        return warning("LabelsUnreadable", f"A label is longer than {LONGEST_LABEL} characters.")
    return cells[0], dict(_labelled(columns, cells))


def _labelled(columns: Sequence[str], cells: Sequence[str]) -> Iterator[tuple[str, str]]:
    # A row may end early: empty cells at its end are trimmed away by many programs.
    for column, cell in zip(columns[1:], cells[1:], strict=False):
        if cell:
            yield column.casefold() if column.casefold() == SPEAKER else column, cell
