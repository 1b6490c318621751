"""Importing recordings: an archive with or without transcripts, or one audio file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from tympan.domain.dataset import DatasetKind, StoredFile
from tympan.domain.errors import InvalidInputError
from tympan.domain.manifest import Utterance
from tympan.ports.blobs import BlobStore
from tympan.speech.archive import ArchiveEntry, ZipArchive
from tympan.speech.findings import Finding, error, has_error, warning
from tympan.speech.recording_labels import RecordingLabels, is_labels_file, read_labels
from tympan.speech.text import normalizer_for
from tympan.speech.transcripts import (
    PREFERRED_NAME,
    RecordingNames,
    TranscriptLine,
    choose_transcript,
    read_transcripts,
)
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.dataset_report import ReportRow
from tympan.usecases.import_text import normalized_findings
from tympan.usecases.import_work import ImportWork, stored_file
from tympan.usecases.recording_conversion import Converted, RecordingConverter
from tympan.usecases.spool import Spool, room

_RECORDING_MEMORY_BYTES = 4 * 1024 * 1024
_WAITING_PER_THREAD = 2
"""Unpacked recordings that wait for a thread: enough to keep it busy, few enough for memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transcript:
    """The transcript of an archive: its file's name and its usable lines by recording."""

    name: str
    lines: dict[str, TranscriptLine]


@dataclass(frozen=True, slots=True)
class _Known:
    """What an archive says of its recordings beside their sound."""

    transcript: _Transcript | None
    labels: RecordingLabels


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingsImport:
    """Imports the kinds that hold recordings.

    Attributes:
        threads: Recordings converted at once; the order of the results does not depend on it.
    """

    blobs: BlobStore
    converter: RecordingConverter
    limits: DatasetLimits
    threads: int

    def run(self, work: ImportWork) -> tuple[StoredFile, ...]:
        """Import an archive, or one audio file for AudioFiles.

        Returns:
            The transcript, for Acoustic.

        Raises:
            InvalidInputError: The archive cannot be read at all.
            StorageFullError: No room is left.
        """
        work.source.seek(0)
        is_zip = work.source.read(2) == b"PK" or work.source_name.casefold().endswith(".zip")
        if work.dataset.kind is DatasetKind.AUDIO_FILES and not is_zip:
            self._import_single(work)
            return ()
        archive = ZipArchive.open(work.source, locale=work.dataset.locale, limits=self.limits.archive)
        for refused in archive.refused:
            work.report.add(ReportRow(file=refused.name, findings=(refused.finding,)))
        tables = [entry for entry in archive.entries if is_labels_file(entry.name)]
        texts = [entry for entry in archive.entries if entry.is_text and not is_labels_file(entry.name)]
        recordings = [entry for entry in archive.entries if not entry.is_text]
        labels = self._read_labels(work, archive, tables, recordings)
        if work.dataset.kind is DatasetKind.ACOUSTIC:
            return self._import_transcribed(work, archive, texts, recordings, labels)
        for entry in texts:
            message = "Transcripts are not read for AudioFiles. Upload an Acoustic dataset to use it."
            work.report.add(_note(entry.name, warning("FileIgnored", message)))
        self._convert_all(work, archive, recordings, _Known(None, labels))
        return ()

    def _import_transcribed(
        self,
        work: ImportWork,
        archive: ZipArchive,
        texts: list[ArchiveEntry],
        recordings: list[ArchiveEntry],
        labels: RecordingLabels,
    ) -> tuple[StoredFile, ...]:
        transcript, files = self._read_transcript(work, archive, texts, recordings)
        wanted = []
        for entry in recordings:
            if entry.name in transcript.lines:
                wanted.append(entry)
            else:
                work.report.add(ReportRow(file=entry.name, findings=(_no_line(transcript.name),)))
        self._convert_all(work, archive, wanted, _Known(transcript, labels))
        return files

    def _read_labels(
        self,
        work: ImportWork,
        archive: ZipArchive,
        tables: list[ArchiveEntry],
        recordings: list[ArchiveEntry],
    ) -> RecordingLabels:
        """What the table nearest to the top says of the recordings; a table that is wrong refuses none."""
        if not tables:
            return RecordingLabels()
        table = min(tables, key=lambda entry: (entry.name.count("/"), entry.name))
        names = RecordingNames([entry.name for entry in recordings])
        with Spool() as spool:
            try:
                with room():
                    archive.copy(table, spool.file)
                labels = read_labels(spool.file, names.find)
            except InvalidInputError as refusal:
                work.report.add(_note(table.name, warning(refusal.code, refusal.message)))
                return RecordingLabels()
        for number, finding in labels.findings:
            work.report.add(ReportRow(file=table.name, line=number, findings=(finding,), is_note=True))
        return labels

    def _import_single(self, work: ImportWork) -> None:
        outcome: Future[Converted] = Future()
        with Spool(_RECORDING_MEMORY_BYTES) as spool:
            for chunk in self.blobs.stream(str(work.dataset.source_key)):
                spool.write(chunk)
            try:
                outcome.set_result(self.converter.convert(spool))
            except InvalidInputError as refusal:
                outcome.set_exception(refusal)
        _Keeper(work, self.limits, _Known(None, RecordingLabels())).keep(work.source_name, outcome)

    def _read_transcript(
        self,
        work: ImportWork,
        archive: ZipArchive,
        texts: list[ArchiveEntry],
        recordings: list[ArchiveEntry],
    ) -> tuple[_Transcript, tuple[StoredFile, ...]]:
        name = choose_transcript([entry.name for entry in texts])
        for entry in texts:
            if name is not None and entry.name != name:
                message = f"'{name}' is the transcript; this text file is not read."
                work.report.add(_note(entry.name, warning("FileIgnored", message)))
        if name is None:
            work.note(_no_transcript(len(texts)))
            return _Transcript(name=PREFERRED_NAME, lines={}), ()
        with Spool() as spool:
            try:
                with room():
                    archive.copy(next(entry for entry in texts if entry.name == name), spool.file)
                blob = self.blobs.put_content(spool.chunks())
                lines = self._match_lines(work, name, spool, recordings)
            except InvalidInputError as refusal:
                work.report.add(ReportRow(file=name, findings=(_finding(refusal),)))
                return _Transcript(name=name, lines={}), ()
        file = stored_file(name.rpartition("/")[2], "AcousticDataTranscriptionV2", blob)
        return _Transcript(name=name, lines=lines), (file,)

    def _match_lines(
        self, work: ImportWork, name: str, text: Spool, recordings: list[ArchiveEntry]
    ) -> dict[str, TranscriptLine]:
        locale = work.dataset.locale
        normalizer = normalizer_for(locale) if work.dataset.is_text_normalized else None
        names = RecordingNames([entry.name for entry in recordings])
        lines: dict[str, TranscriptLine] = {}
        for line in read_transcripts(text.file, locale):
            audio = names.find(line.audio) if line.audio else None
            findings = line.findings
            if not has_error(findings):
                findings = (
                    *findings,
                    *_audio_findings(line.audio, lines.get(audio) if audio else None, audio),
                    *normalized_findings(line.text, normalizer),
                )
            if audio is not None and not has_error(findings):
                lines[audio] = line
            else:
                row = ReportRow(file=name, line=line.number, audio=line.audio or None, findings=findings)
                work.report.add(row)
        return lines

    def _convert_all(
        self,
        work: ImportWork,
        archive: ZipArchive,
        entries: list[ArchiveEntry],
        known: _Known,
    ) -> None:
        keeper = _Keeper(work, self.limits, known)
        for done, (entry, outcome) in enumerate(self._outcomes(archive, entries), start=1):
            keeper.keep(entry.name, outcome)
            counts = work.report.counts
            work.progress(
                done / len(entries),
                f"Converted {done} of {len(entries)} recordings",
                files=done,
                rejected=counts.rejected,
                seconds=counts.duration_s,
            )

    def _outcomes(
        self, archive: ZipArchive, entries: Iterable[ArchiveEntry]
    ) -> Iterator[tuple[ArchiveEntry, Future[Converted]]]:
        """Unpack one after another, convert some at once, and give the results in order."""
        waiting: deque[tuple[ArchiveEntry, Future[Converted]]] = deque()
        unpacked: deque[Spool] = deque(maxlen=self.threads * _WAITING_PER_THREAD)
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="convert")
        try:
            for entry in entries:
                unpacked.append(Spool(_RECORDING_MEMORY_BYTES))
                waiting.append((entry, self._started(pool, archive, entry, unpacked[-1])))
                if len(waiting) >= self.threads * _WAITING_PER_THREAD:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            pool.shutdown(cancel_futures=True)
            for spool in unpacked:  # of conversions that were never begun
                spool.close()

    def _started(
        self, pool: ThreadPoolExecutor, archive: ZipArchive, entry: ArchiveEntry, spool: Spool
    ) -> Future[Converted]:
        try:
            with room():
                archive.copy(entry, spool.file)
        except InvalidInputError as refusal:
            spool.close()
            refused: Future[Converted] = Future()
            refused.set_exception(refusal)
            return refused
        return pool.submit(self.converter.convert, spool)


class _Keeper:
    """Writes rows and records for converted recordings, in order."""

    def __init__(self, work: ImportWork, limits: DatasetLimits, known: _Known) -> None:
        self._work = work
        self._limits = limits
        self._transcript = known.transcript
        self._labels = known.labels
        self._first_names: dict[str, str] = {}

    def keep(self, name: str, outcome: Future[Converted]) -> None:
        line = self._transcript.lines.get(name) if self._transcript is not None else None
        file = self._transcript.name if self._transcript is not None and line is not None else name
        number = line.number if line is not None else None
        audio = name if line is not None else None
        try:
            converted = outcome.result()
        except InvalidInputError as refusal:
            row = ReportRow(file=file, line=number, audio=audio, findings=(_finding(refusal),))
            self._work.report.add(row)
            return
        findings = (*(line.findings if line is not None else ()), *self._findings(name, converted, line))
        self._work.report.add(
            ReportRow(file=file, line=number, audio=audio, findings=findings, measures=converted.measures)
        )
        if not has_error(findings):
            self._work.keep(
                Utterance(
                    name=name,
                    audio_key=converted.audio_key,
                    duration_s=converted.measures.duration_s,
                    source_rate_hz=converted.measures.info.sample_rate_hz,
                    transcript=line.text if line is not None else None,
                    line=number,
                    group=self._labels.group_of(name),
                    labels=self._labels.of(name),
                )
            )

    def _findings(self, name: str, converted: Converted, line: TranscriptLine | None) -> Iterator[Finding]:
        yield from converted.findings
        if converted.is_silent:
            message = "The recording is silent: nothing rises above -60 dBFS. Check the microphone."
            # Silence without a transcript is a fair test; silence with one is a mistake.
            yield error("AudioSilent", message) if line is not None else warning("AudioSilent", message)
        if line is not None and converted.measures.duration_s > self._limits.training_recording_s:
            message = (
                f"It lasts {converted.measures.duration_s:.0f} s. Training hears at most "
                f"{self._limits.training_recording_s:.0f} s at once and takes only its text; "
                "tests use it whole."
            )
            yield warning("AudioTooLongForTraining", message)
        first = self._first_names.setdefault(converted.audio_key, name)
        if first != name:
            yield warning("DuplicateAudio", f"It sounds exactly like '{first}'. Remove one of them.")


def _audio_findings(written: str, earlier: TranscriptLine | None, audio: str | None) -> Iterator[Finding]:
    if audio is None:
        message = f"The archive holds no recording '{written}'. Add it, or correct the name."
        yield error("AudioMissing", message)
    elif earlier is not None:
        message = f"Line {earlier.number} has a transcript for '{written}' already. Remove one of the lines."
        yield error("DuplicateAudio", message)


def _note(file: str, finding: Finding) -> ReportRow:
    return ReportRow(file=file, findings=(finding,), is_note=True)


def _no_line(transcript: str) -> Finding:
    message = (
        f"No line of the transcript names this file. Add 'name<TAB>text' to {transcript}, or remove the file."
    )
    return error("TranscriptMissing", message)


def _no_transcript(texts: int) -> Finding:
    if texts == 0:
        return error(
            "TranscriptMissing",
            f"The archive holds no transcript. Add {PREFERRED_NAME} with 'name<TAB>text' lines.",
        )
    message = f"The archive holds {texts} text files. Name the transcript {PREFERRED_NAME}."
    return error("TranscriptMissing", message)


def _finding(refusal: InvalidInputError) -> Finding:
    return error(refusal.code, refusal.message)
