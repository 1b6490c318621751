"""Imports from outside: every bad input has its row, and nothing good is lost."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.errors import CancelledError, InvalidInputError, StorageFullError, SupersededError
from tympan.domain.job import Job
from tympan.domain.manifest import PronunciationEntry, Sentence, Utterance
from tympan.domain.resource import Status
from tympan.speech.archive import ArchiveLimits
from tympan.speech.manifest_lines import Record, read_records
from tympan.testing.audio import WavCodec, speech_like, wav_bytes, zip_bytes
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import FakeClock
from tympan.testing.fetcher import FakeFetcher
from tympan.testing.inverse_normalizer import FakeInverseNormalizer
from tympan.testing.store import MemoryStore
from tympan.usecases.dataset_import import DatasetImport
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.datasets import Datasets, NewDataset

SAMPLES = Path(__file__).parents[3] / "shared" / "azure" / "samples"
GOOD = wav_bytes(speech_like(1.5))


@dataclass
class Context:
    """A job context that can stop the job."""

    job: Job
    stop_at: str | None = None
    stop_with: Exception | None = None
    messages: list[tuple[float, str, Mapping[str, float]]] = field(default_factory=list)

    def progress(self, fraction: float, message: str, **counters: float) -> None:
        self.messages.append((fraction, message, counters))
        if self.stop_at is not None and message.startswith(self.stop_at):
            raise self.stop_with or CancelledError("cancelled")

    def event(self, kind: str, payload: Mapping[str, Any]) -> None:
        raise AssertionError("imports write no events")


@dataclass
class Bench:
    """A server's inside with fakes, and one dataset at a time."""

    store: MemoryStore = field(default_factory=MemoryStore)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    limits: DatasetLimits = field(default_factory=DatasetLimits)
    fetcher: FakeFetcher = field(default_factory=FakeFetcher)

    def datasets(self) -> Datasets:
        return Datasets(
            store=self.store,
            blobs=self.blobs,
            clock=FakeClock(),
            fetcher=self.fetcher,
            limits=self.limits,
        )

    def upload(
        self, kind: DatasetKind, data: bytes, locale: str = "en-US", name: str = "data.zip", **members: Any
    ) -> Dataset:
        new = NewDataset(kind=kind, display_name="d", locale=locale, source_name=name, **members)
        return self.datasets().create(new, [data])

    def run(self, dataset: Dataset, *, clock: FakeClock | None = None, **options: Any) -> Context:
        clock = clock or FakeClock()
        with self.store.write() as tx:
            job = tx.jobs.get(str(dataset.job_id)).begun(clock.now(), step="import")
            tx.jobs.save(job)
        context = Context(job, **options)
        DatasetImport(
            store=self.store,
            blobs=self.blobs,
            codec=WavCodec(),
            clock=clock,
            fetcher=self.fetcher,
            inverse=FakeInverseNormalizer(),
            limits=self.limits,
            threads=2,
        ).run(context)
        return context

    def imported(self, kind: DatasetKind, data: bytes, locale: str = "en-US", **members: Any) -> Imported:
        dataset = self.upload(kind, data, locale, **members)
        self.run(dataset)
        return self.seen(dataset)

    def refused(
        self, kind: DatasetKind, data: bytes, locale: str = "en-US", **members: Any
    ) -> tuple[InvalidInputError, Imported]:
        dataset = self.upload(kind, data, locale, **members)
        with pytest.raises(InvalidInputError) as caught:
            self.run(dataset)
        assert caught.value.code == "InvalidDataset"
        return caught.value, self.seen(dataset)

    def seen(self, dataset: Dataset) -> Imported:
        with self.store.read() as tx:
            return Imported(tx.datasets.get(dataset.id), self.blobs)


@dataclass
class Imported:
    """A dataset as its owner sees it after the import."""

    dataset: Dataset
    blobs: MemoryBlobs

    def file(self, name: str) -> bytes:
        (file,) = [file for file in self.dataset.files if file.name == name]
        data = b"".join(self.blobs.stream(file.key))
        assert len(data) == file.size_bytes
        return data

    @property
    def report(self) -> dict[str, Any]:
        return json.loads(self.file("report.json"))

    @property
    def codes(self) -> dict[str, list[str]]:
        """Codes by the most telling name of each row."""
        return {
            str(row.get("audio") or row["file"]): row["codes"]
            for row in self.report["rows"]
            if "codes" in row
        }

    @property
    def line_codes(self) -> dict[int, list[str]]:
        return {row["line"]: row["codes"] for row in self.report["rows"] if "codes" in row}

    def records(self, record_type: type[Record]) -> list[Record]:
        return list(read_records(self.blobs.stream(str(self.dataset.manifest_key)), record_type))

    @property
    def counts(self) -> tuple[int, int]:
        return self.dataset.counts.accepted, self.dataset.counts.rejected


@pytest.fixture
def bench() -> Bench:
    return Bench()


def acoustic(files: Mapping[str, bytes], lines: Iterable[str], name: str = "trans.txt") -> bytes:
    return zip_bytes({**files, name: "\n".join(lines).encode("utf-8-sig")})


def test_recordings_become_flac_with_a_manifest_a_report_and_their_files(bench: Bench):
    data = acoustic(
        {"a.wav": GOOD, "b.wav": wav_bytes(speech_like(2, seed=1))}, ["a.wav\tHello.", "b.wav\tWorld!"]
    )
    imported = bench.imported(DatasetKind.ACOUSTIC, data)
    assert imported.dataset.status is Status.SUCCEEDED
    assert imported.counts == (2, 0)
    assert imported.dataset.counts.duration_s == 3.5
    first, second = imported.records(Utterance)
    assert (first.name, first.transcript, first.line, first.duration_s) == ("a.wav", "Hello.", 1, 1.5)
    assert (second.name, second.source_rate_hz, second.group) == ("b.wav", 16000, "b.wav")
    with bench.blobs.open(first.audio_key) as file:
        stored = WavCodec().read_flac(file)
    assert stored.size == 24000
    assert {(file.name, file.kind) for file in imported.dataset.files} == {
        ("data.zip", "AcousticDataArchive"),
        ("trans.txt", "AcousticDataTranscriptionV2"),
        ("report.json", "DatasetReport"),
        ("report.csv", "DatasetReport"),
    }
    assert imported.file("data.zip") == data


LABELS = [
    "file\tSpeaker\troom",
    "a.wav\tAnn\tkitchen",
    "B.WAV\tBob",
    "c.wav\tX",
    "a.wav\t1\t2\t3",
    f"a.wav\t{'x' * 101}",
]


@pytest.mark.parametrize("kind", [DatasetKind.ACOUSTIC, DatasetKind.AUDIO_FILES])
def test_a_table_labels_recordings_and_says_who_speaks(bench: Bench, kind: DatasetKind):
    files = {
        "a.wav": GOOD,
        "b.wav": wav_bytes(speech_like(2, seed=1)),
        "d.wav": wav_bytes(speech_like(1, seed=2)),
    }
    lines = [f"{name}\tHello." for name in files]
    table = {"metadata.tsv": "\n".join(LABELS).encode()}
    imported = bench.imported(kind, acoustic({**files, **table}, lines))
    assert imported.counts == (3, 0)
    first, second, third = imported.records(Utterance)
    assert (first.group, first.labels) == ("Ann", {"speaker": "Ann", "room": "kitchen"})
    assert (second.group, second.labels) == ("Bob", {"speaker": "Bob"})
    assert (third.group, third.labels) == ("d.wav", None)
    rows = {row["line"]: row["codes"] for row in imported.report["rows"] if row["file"] == "metadata.tsv"}
    assert rows == {4: ["AudioMissing"], 5: ["LabelsUnreadable"], 6: ["LabelsUnreadable"]}


@pytest.mark.parametrize("head", ["file", "file\tx\tx", "file\t\tx", "\t".join(map(str, range(22)))])
def test_a_table_that_cannot_be_read_refuses_no_recording(bench: Bench, head: str):
    table = {"deep/metadata.tsv": f"{head}\na.wav\tAnn".encode()}
    imported = bench.imported(DatasetKind.ACOUSTIC, acoustic({"a.wav": GOOD, **table}, ["a.wav\tHello."]))
    assert imported.counts == (1, 0)
    assert imported.records(Utterance)[0].labels is None
    assert imported.codes["deep/metadata.tsv"] == ["LabelsUnreadable"]


def test_an_empty_table_and_one_in_no_encoding_are_passed_over(bench: Bench):
    for data, codes in ((b"\n", None), (b"\xff\xfe\x00\x00a", ["EncodingInvalid"])):
        files = {"a.wav": GOOD, "metadata.tsv": data}
        imported = bench.imported(DatasetKind.ACOUSTIC, acoustic(files, ["a.wav\tHello."]))
        assert imported.counts == (1, 0)
        assert imported.codes.get("metadata.tsv") == codes


def test_the_report_has_the_published_members_and_one_row_a_line(bench: Bench):
    imported = bench.imported(
        DatasetKind.ACOUSTIC, acoustic({"a.wav": GOOD}, ["a.wav\tHello.", "missing.wav\tGone.", "no tab"])
    )
    report = imported.report
    assert report["schemaVersion"] == 1
    assert (report["kind"], report["locale"]) == ("Acoustic", "en-US")
    assert (report["acceptedLineCount"], report["rejectedLineCount"], report["warningCount"]) == (1, 2, 0)
    assert report["durationMilliseconds"] == 1500
    assert len(report["sha256"]) == 64
    assert {(issue["severity"], issue["code"], issue["line"]) for issue in report["issues"]} == {
        ("error", "AudioMissing", 2),
        ("error", "TabMissing", 3),
    }
    (row,) = [row for row in report["rows"] if row["status"] == "accepted"]
    assert (row["file"], row["line"], row["audio"]) == ("trans.txt", 1, "a.wav")
    assert (row["seconds"], row["sampleRateHz"], row["channels"]) == (1.5, 16000, 1)
    assert 0 < row["speechShare"] <= 1
    rows = list(csv.DictReader(io.StringIO(imported.file("report.csv").decode("utf-8-sig"))))
    assert [row["status"] for row in rows] == [row["status"] for row in report["rows"]]


def test_the_csv_holds_no_formulas(bench: Bench):
    name = "=HYPERLINK(1).wav"
    imported = bench.imported(DatasetKind.AUDIO_FILES, zip_bytes({name: GOOD, "@x.wav": b"no"}))
    files = [
        row["file"] for row in csv.DictReader(io.StringIO(imported.file("report.csv").decode("utf-8-sig")))
    ]
    assert files == [f"'{name}", "'@x.wav"]


def test_every_bad_recording_has_its_reason_and_the_good_one_stays(bench: Bench):
    files = {
        "good.wav": GOOD,
        "empty.wav": wav_bytes(np.zeros(0, dtype=np.float32)),
        "nothing.wav": b"",
        "silent.wav": wav_bytes(np.zeros(16000, dtype=np.float32)),
        "text.wav": b"this is no recording" * 20,
        "short.wav": GOOD[: len(GOOD) // 2],
        "untold.wav": wav_bytes(speech_like(1, seed=5)),
        "nested.zip": zip_bytes({"x.wav": GOOD}),
        "../out.wav": GOOD,
    }
    told = [name for name in files if name not in ("untold.wav", "nested.zip", "../out.wav")]
    imported = bench.imported(DatasetKind.ACOUSTIC, acoustic(files, [f"{name}\tsome words" for name in told]))
    assert imported.codes == {
        "empty.wav": ["AudioEmpty"],
        "nothing.wav": ["AudioUnreadable"],
        "silent.wav": ["AudioSilent"],
        "text.wav": ["AudioUnreadable"],
        "short.wav": ["AudioUnreadable"],
        "untold.wav": ["TranscriptMissing"],
        "nested.zip": ["ZipNested"],
        "../out.wav": ["ZipUnsafePath"],
    }
    assert imported.counts == (1, 8)
    assert [record.name for record in imported.records(Utterance)] == ["good.wav"]
    assert all(row["message"] for row in imported.report["rows"] if "codes" in row)


def test_every_bad_transcript_line_has_its_reason(bench: Bench):
    lines = [
        "a.wav\tfirst words",
        "a.wav\tagain",
        "gone.wav\twords",
        "no tab here",
        "b.wav\tone\ttwo",
        "b.wav\t",
        "b.wav\t?! ...",
        "b.wav\tbell\x07",
        "",
        "b.wav\tfine",
    ]
    imported = bench.imported(
        DatasetKind.ACOUSTIC, acoustic({"a.wav": GOOD, "b.wav": wav_bytes(speech_like(1))}, lines)
    )
    assert imported.line_codes == {
        2: ["DuplicateAudio"],
        3: ["AudioMissing"],
        4: ["TabMissing"],
        5: ["TooManyTabs"],
        6: ["LineEmpty"],
        7: ["NormalizedEmpty"],
        8: ["ControlCharacter"],
    }
    assert [record.line for record in imported.records(Utterance)] == [1, 10]


def test_a_line_in_another_encoding_is_refused_with_its_number(bench: Bench):
    transcript = "a.wav\tfine\nb.wav\tGrüße\n".encode("latin-1")
    data = zip_bytes({"a.wav": GOOD, "b.wav": wav_bytes(speech_like(1)), "trans.txt": transcript})
    imported = bench.imported(DatasetKind.ACOUSTIC, data)
    (issue,) = [issue for issue in imported.report["issues"] if issue["code"] == "EncodingInvalid"]
    assert issue["line"] == 2
    assert "UTF-8" in issue["message"]
    assert imported.counts[0] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_transcripts_in_unicode_are_read_with_either_line_end(bench: Bench, encoding: str):
    data = zip_bytes({"a.wav": GOOD, "words.tsv": "a.wav\tGrüße, 世界\r\n".encode(encoding)})
    (record,) = bench.imported(DatasetKind.ACOUSTIC, data, "de-DE").records(Utterance)
    assert record.transcript == "Grüße, 世界"


@pytest.mark.parametrize("name", ["تسجيل ١.wav", "录音一.wav", "cafe\u0301.wav", "Ünïcödé 🙂.wav"])
def test_names_in_any_script_meet_their_lines_whatever_the_composition(bench: Bench, name: str):
    written = unicodedata.normalize("NFC" if name != unicodedata.normalize("NFC", name) else "NFD", name)
    data = acoustic({f"أصوات/{name}": GOOD}, [f"{written}\thello"], name="أصوات/trans.txt")
    (record,) = bench.imported(DatasetKind.ACOUSTIC, data).records(Utterance)
    assert record.name == unicodedata.normalize("NFC", name)


def test_the_published_form_is_accepted_silently_and_others_are_converted_with_a_warning(bench: Bench):
    files = {
        "phone.wav": wav_bytes(speech_like(1, 1, rate_hz=8000), 8000),
        "cd.wav": wav_bytes(speech_like(1, 2, rate_hz=44100), 44100, channels=2),
    }
    imported = bench.imported(DatasetKind.AUDIO_FILES, zip_bytes(files))
    assert imported.codes == {"cd.wav": ["AudioSampleRate", "AudioChannels"]}
    assert [record.source_rate_hz for record in imported.records(Utterance)] == [8000, 44100]
    assert imported.counts == (2, 0)


def test_clipping_repetition_and_length_are_warned_of(bench: Bench):
    loud = wav_bytes(speech_like(2) * 20)
    files = {"loud.wav": loud, "long.wav": wav_bytes(speech_like(31)), "twice.wav": loud}
    imported = bench.imported(DatasetKind.ACOUSTIC, acoustic(files, [f"{name}\twords" for name in files]))
    assert imported.codes == {
        "loud.wav": ["AudioClipped"],
        "long.wav": ["AudioTooLongForTraining"],
        "twice.wav": ["AudioClipped", "DuplicateAudio"],
    }
    assert imported.counts == (3, 0)


def test_a_recording_over_the_limit_is_refused(bench: Bench):
    bench.limits = DatasetLimits(recording_s=3.0)
    files = {"long.wav": wav_bytes(speech_like(10)), "ok.wav": wav_bytes(speech_like(3))}
    imported = bench.imported(DatasetKind.AUDIO_FILES, zip_bytes(files))
    assert imported.codes == {"long.wav": ["AudioTooLong"]}


def test_silence_without_a_transcript_is_a_fair_test(bench: Bench):
    silence = wav_bytes(np.zeros(16000, dtype=np.float32))
    imported = bench.imported(DatasetKind.AUDIO_FILES, zip_bytes({"silence.wav": silence}))
    assert imported.codes == {"silence.wav": ["AudioSilent"]}
    assert imported.counts == (1, 0)


def test_files_over_the_limits_of_an_archive_are_named_and_the_others_stay(bench: Bench):
    bench.limits = DatasetLimits(archive=ArchiveLimits(entries=2, total_bytes=2 * len(GOOD) - 1))
    imported = bench.imported(
        DatasetKind.AUDIO_FILES, zip_bytes({"a.wav": GOOD, "b.wav": GOOD, "c.wav": GOOD})
    )
    assert imported.codes == {"c.wav": ["CountLimit"], "b.wav": ["SizeLimit"]}
    assert imported.counts == (1, 2)


def test_one_plain_recording_is_a_dataset_of_audio_files(bench: Bench):
    imported = bench.imported(DatasetKind.AUDIO_FILES, GOOD, name="one.wav")
    (file,) = [file for file in imported.dataset.files if file.kind == "Audio"]
    assert (file.name, file.duration_s) == ("one.wav", 1.5)
    (record,) = imported.records(Utterance)
    assert (record.name, record.transcript) == ("one.wav", None)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"garbage" * 100, "ZipUnreadable"),
        (acoustic({"a.wav": GOOD}, ["a.wav\thello"])[:-30], "ZipUnreadable"),
        (zip_bytes({}), "ZipUnreadable"),
        (zip_bytes({"a.wav": GOOD}), "TranscriptMissing"),
        (zip_bytes({"a.wav": GOOD, "one.txt": b"a.wav\tx", "two.txt": b"a.wav\tx"}), "TranscriptMissing"),
        (zip_bytes({"trans.txt": b"a.wav\thello"}), "AudioMissing"),
        (zip_bytes({"a.wav": GOOD, "trans.txt": "a.wav\thello".encode("utf-16-le")}), "EncodingInvalid"),
    ],
)
def test_when_nothing_can_be_used_the_import_fails_and_keeps_its_report(bench: Bench, data: bytes, code: str):
    error, imported = bench.refused(DatasetKind.ACOUSTIC, data)
    assert code in error.message
    assert code in [issue["code"] for issue in imported.report["issues"]]
    assert imported.dataset.manifest_key is None
    assert imported.counts[0] == 0
    assert imported.counts[1] >= 1


def test_related_text(bench: Bench):
    text = "\ufeffHello, world!\n\nsee www.example.com\nno no no no\n?!\na naïve line ☃\n"
    imported = bench.imported(DatasetKind.LANGUAGE, text.encode(), name="text.txt")
    assert imported.line_codes == {
        3: ["UriFound"],
        4: ["RepetitionTooLong"],
        5: ["NormalizedEmpty"],
        6: ["NonAscii"],
    }
    assert imported.records(Sentence) == [
        Sentence(text="Hello, world!", line=1),
        Sentence(text="a naïve line ☃", line=6),
    ]
    assert imported.file("normalized.txt").decode().splitlines()[0] == "hello world"
    assert [(file.name, file.kind) for file in imported.dataset.files if file.kind == "LanguageData"] == [
        ("languagedata", "LanguageData"),
        ("normalized.txt", "LanguageData"),
    ]


def test_related_text_is_left_alone_when_the_owner_says_so(bench: Bench):
    imported = bench.imported(
        DatasetKind.LANGUAGE, b"Hello, World!\n", name="text.txt", is_text_normalized=False
    )
    assert imported.file("normalized.txt") == b"Hello, World!\n"


def test_a_missing_byte_order_mark_is_noted_once_and_counts_nothing(bench: Bench):
    imported = bench.imported(DatasetKind.LANGUAGE, b"one line\nanother\n", name="text.txt")
    assert [issue["code"] for issue in imported.report["issues"]] == ["BomMissing"]
    assert imported.counts == (2, 0)


def test_pronunciations(bench: Bench):
    imported = bench.imported(
        DatasetKind.PRONUNCIATION,
        b"\xef\xbb\xbf3CPO\tthree c p o\nbad line\nIEEE\ti triple e\n",
        name="p.txt",
    )
    assert imported.records(PronunciationEntry) == [
        PronunciationEntry(display="3CPO", spoken="three c p o", line=1),
        PronunciationEntry(display="IEEE", spoken="i triple e", line=3),
    ]
    assert imported.line_codes == {2: ["TabMissing"]}
    assert [file.kind for file in imported.dataset.files if file.name == "p.txt"] == ["PronunciationData"]


def test_structured_text_becomes_sentences_and_spellings(bench: Bench):
    text = "@ list locale =\n- english\n- german\n@ list unused =\n- x\n"
    text += "@ speech:phoneticlexicon\n- .net/D AO T N EH T\n"
    text += "# s\n- We speak {@locale}\n- Hello\n- {@nowhere}\n"
    imported = bench.imported(DatasetKind.LANGUAGE_MARKDOWN, text.encode(), name="s.md")
    assert sorted(record.text for record in imported.records(Sentence)) == [
        "Hello",
        "We speak english",
        "We speak german",
    ]
    assert imported.records(PronunciationEntry) == [
        PronunciationEntry(display=".net", spoken="dawtnet", line=7)
    ]
    assert imported.line_codes == {4: ["ListUnused"], 11: ["ListUnknown"]}
    assert imported.counts == (6, 1)


def test_display_format_rules_are_tested_at_import(bench: Bench):
    text = "#itn\ncat-\\d\n(bad\n#test\nmy cat nine\tMy cat-9\nmy cat nine\tMy cat 9\n"
    imported = bench.imported(DatasetKind.OUTPUT_FORMATTING, text.encode(), name="f.txt")
    assert imported.line_codes == {3: ["PatternInvalid"], 6: ["TestFailed"]}
    assert imported.counts == (3, 1)


def test_text_in_another_encoding_fails_with_a_report(bench: Bench):
    for kind in (DatasetKind.LANGUAGE, DatasetKind.PRONUNCIATION, DatasetKind.LANGUAGE_MARKDOWN):
        error, imported = bench.refused(kind, "hello\tworld\n".encode("utf-16-be"), name="x.txt")
        assert "EncodingInvalid" in error.message
        assert imported.counts == (0, 1)


def test_progress_counts_files_to_the_end(bench: Bench):
    files = {f"{number}.wav": wav_bytes(speech_like(0.5, seed=number)) for number in range(9)}
    dataset = bench.upload(DatasetKind.AUDIO_FILES, zip_bytes(files))
    context = bench.run(dataset)
    assert [counters["files"] for _, _, counters in context.messages[1:]] == list(range(1, 10))
    assert context.messages[-1][0] == 1.0


def test_running_twice_gives_the_same_dataset(bench: Bench):
    files = {f"{number}.wav": wav_bytes(speech_like(0.5, seed=number)) for number in range(9)}
    dataset = bench.upload(DatasetKind.AUDIO_FILES, zip_bytes(files))
    with pytest.raises(RuntimeError):  # killed half-way
        bench.run(dataset, stop_at="Converted 5", stop_with=RuntimeError("killed"))
    assert bench.seen(dataset).dataset == dataset
    bench.run(dataset)
    once = bench.seen(dataset).dataset
    bench.run(dataset)
    assert bench.seen(dataset).dataset == once
    assert [record.name for record in bench.seen(dataset).records(Utterance)] == list(files)


def test_a_cancelled_import_changes_nothing(bench: Bench):
    dataset = bench.upload(DatasetKind.AUDIO_FILES, zip_bytes({"a.wav": GOOD, "b.wav": GOOD}))
    with pytest.raises(CancelledError):
        bench.run(dataset, stop_at="Converted 1")
    assert bench.seen(dataset).dataset == dataset


def test_a_superseded_attempt_writes_nothing(bench: Bench):
    dataset = bench.upload(DatasetKind.AUDIO_FILES, zip_bytes({"a.wav": GOOD}))
    with bench.store.write() as tx:
        job = tx.jobs.get(str(dataset.job_id)).begun(FakeClock().now(), step="import")
        tx.jobs.save(job.begun(FakeClock().now(), step="import"))
    stale = DatasetImport(
        store=bench.store,
        blobs=bench.blobs,
        codec=WavCodec(),
        clock=FakeClock(),
        fetcher=bench.fetcher,
        inverse=FakeInverseNormalizer(),
    )
    with pytest.raises(SupersededError):
        stale.run(Context(job))
    assert bench.seen(dataset).dataset == dataset


def test_a_disk_that_fills_up_is_told_and_nothing_half_written_counts():
    files = {f"{number}.wav": wav_bytes(speech_like(2, seed=number)) for number in range(5)}
    data = zip_bytes(files)
    bench = Bench(blobs=MemoryBlobs(capacity_bytes=len(data) + 2 * len(files["0.wav"])))
    dataset = bench.upload(DatasetKind.AUDIO_FILES, data)
    with pytest.raises(StorageFullError):
        bench.run(dataset)
    assert bench.seen(dataset).dataset == dataset


PUBLISHED = [
    ("de-DE-testing-audio-and-trans.zip", DatasetKind.ACOUSTIC, 1),
    ("en-US-general-testing-audio-and-trans.zip", DatasetKind.ACOUSTIC, 1),
    ("en-US-general-training-audio-and-trans.zip", DatasetKind.ACOUSTIC, 2),
    ("en-US-biology-plain-text.txt", DatasetKind.LANGUAGE, 116),
    ("en-US-general-related-text.txt", DatasetKind.LANGUAGE, 28),
    ("en-US-biology-pronunciation.txt", DatasetKind.PRONUNCIATION, 6),
    ("en-US-general-pronunciation.txt", DatasetKind.PRONUNCIATION, 3),
    ("en-US-display-format.txt", DatasetKind.OUTPUT_FORMATTING, 40),
    ("en-US-general-structured-text.md", DatasetKind.LANGUAGE_MARKDOWN, 11),
    ("en-US-media-entities-structured-text.md", DatasetKind.LANGUAGE_MARKDOWN, 1800),
]


# The published samples lie beside a developer's checkout; elsewhere there are none to read,
# and the fixtures above say the same in small.
if SAMPLES.exists():

    @pytest.mark.parametrize(("name", "kind", "accepted"), PUBLISHED)
    def test_the_published_samples_are_accepted_whole(
        bench: Bench, name: str, kind: DatasetKind, accepted: int
    ):
        imported = bench.imported(kind, (SAMPLES / name).read_bytes(), name[:5], name=name)
        assert imported.counts == (accepted, 0)
        codes = {issue["code"] for issue in imported.report["issues"]}
        assert codes <= {"AudioTooLongForTraining", "BomMissing"}
