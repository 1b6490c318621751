"""The Data tab and the page of a dataset, without a browser."""

import dataclasses
import json
import time

import pytest

from tympan.domain.dataset import DatasetCounts, DatasetKind, StoredFile
from tympan.domain.manifest import Utterance
from tympan.domain.query import EVERYTHING
from tympan.ports.audio import AudioInfo
from tympan.speech.findings import error, warning
from tympan.speech.manifest_lines import write_records
from tympan.testing.entities import make_dataset, make_evaluation
from tympan.usecases.dataset_report import DatasetReport, RecordingMeasures, ReportRow

HOSTILE = '"><script>alert(1)</script>'
INFO = AudioInfo(container="wav", sample_rate_hz=8000, channels=2, codec="pcm_s16le")
SILENT = error("AudioSilent", "Silent. <b>Check</b> the microphone.")
CLIPPED = warning("AudioClipped", "Clipped.")


@pytest.fixture
def send(signed_in, project):
    """Sends the form on the Data tab."""
    place = f"/projects/{project.id}/data"

    def send(file=None, path=place, **fields):
        token = signed_in.page("/projects").all("input", name="token")[0]["value"]
        files = {"file": file} if file else None
        return signed_in.client.post(path, data={"token": token} | fields, files=files)

    return send


def imported(site, project, rows):
    """A dataset of recordings whose report and manifest the import's own writers made."""
    utterances = []
    with DatasetReport() as report:
        for row in rows:
            report.add(row)
            if row.measures is not None and row.status != "rejected":
                utterances.append(utterance(site, row.audio, row.measures.duration_s))
        chunks = list(report.json_chunks(kind="Acoustic", locale="en-US", sha256="0" * 64))
        return kept(site, project, chunks, utterances, report.counts)


def utterance(site, name, duration_s):
    key = site.blobs.put_content([name.encode()]).key
    shared = {"source_rate_hz": 8000, "group": name, "transcript": f"say {HOSTILE}"}
    return Utterance(name=name, audio_key=key, duration_s=duration_s, **shared)


def kept(site, project, report, utterances, counts):
    """The address of a dataset with such a report and manifest."""
    blob = site.blobs.put_content(report)
    manifest = site.blobs.put_content(write_records(utterances))
    shared = {"name": "report.json", "kind": "DatasetReport", "key": blob.key, "size_bytes": blob.size_bytes}
    made = make_dataset(project_id=project.id, kind=DatasetKind.ACOUSTIC, display_name=HOSTILE)
    files = (StoredFile(id="report.json", **shared),)
    done = made.imported(site.clock.now(), manifest_key=manifest.key, counts=counts, files=files)
    site.add("datasets", done)
    return f"/projects/{project.id}/data/{done.id}"


def row(number, *findings, seconds=2.0):
    measures = RecordingMeasures(duration_s=seconds, info=INFO, speech_share=0.5, clipped_share=0)
    name = f"{number:05}{HOSTILE}.wav"
    return ReportRow(file="trans.txt", line=number, audio=name, findings=findings, measures=measures)


def test_a_file_comes_by_a_plain_form(signed_in, project, send):
    file = (f"C:\\talks\\{HOSTILE}.txt", b"hello\n")
    answer = send(file, kind="Language", description="Words")
    [dataset] = signed_in.services.datasets.list(EVERYTHING)
    assert answer.headers["location"] == f"/projects/{project.id}/data/{dataset.id}"
    assert dataset.source_name == "script>.txt"
    assert (dataset.locale, dataset.kind, dataset.description) == ("en-US", "Language", "Words")
    assert b"".join(signed_in.blobs.stream(dataset.source_key)) == b"hello\n"


@pytest.mark.parametrize(
    ("file", "kind", "why"),
    [
        (None, "Language", "No file was chosen"),
        (("a.txt", b""), "Language", "is empty"),
        (("a.txt", b"x"), HOSTILE, "Choose what the file holds"),
        (("a.txt", b"x" * 2_000_000), "Pronunciation", "larger than 1 MiB"),
    ],
)
def test_a_refused_upload_says_why_and_keeps_what_was_typed(signed_in, send, file, kind, why):
    answer = send(file, kind=kind, name=HOSTILE)
    assert answer.status_code == 422
    assert why in answer.text
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert signed_in.services.datasets.count() == 0


def test_a_file_that_is_too_large_is_refused_before_it_is_read(signed_in, project):
    path = f"/projects/{project.id}/data"
    told = {"Content-Length": str(3 * 1024**3), "Content-Type": "multipart/form-data; boundary=x"}
    answer = signed_in.client.post(path, content=iter([b"--x"]), headers=told)
    assert answer.status_code == 413
    assert "larger than 2.1 GB" in answer.text


def test_a_dataset_is_deleted_and_one_of_another_project_is_not(signed_in, project, send):
    mine = signed_in.add("datasets", make_dataset(project_id=project.id))
    other = signed_in.add("datasets", make_dataset())
    table = f"/projects/{project.id}/data"
    assert send(path=f"{table}/{other.id}/delete").status_code == 404
    assert send(path=f"{table}/{mine.id}/delete").headers["location"] == table
    assert [one.id for one in signed_in.services.datasets.list(EVERYTHING)] == [other.id]


def test_the_page_gets_a_token_for_the_public_api_and_a_forged_form_gets_none(signed_in, project, send):
    path = f"/projects/{project.id}/data/token"
    assert signed_in.services.access.authenticate(send(path=path).text).is_owner
    assert signed_in.client.post(path).status_code == 403


def test_an_unfinished_upload_says_how_it_goes_on(signed_in, project):
    made = signed_in.add("datasets", make_dataset(project_id=project.id, is_in_blocks=True))
    assert "Upload unfinished" in signed_in.page(f"/projects/{project.id}/data").text
    assert "Choose the same file again" in signed_in.page(f"/projects/{project.id}/data/{made.id}").text


def test_the_report_is_shown_by_reason_and_row_with_what_can_be_heard(signed_in, project):
    place = imported(signed_in, project, [row(1), row(2, CLIPPED), row(3, SILENT)])
    page = signed_in.page(place)
    assert f"say {HOSTILE}" in page.text
    assert "AudioSilent error 1 Silent. <b>Check</b> the microphone." in page.text
    assert "accepted 1 warning 1 rejected 1" in page.text
    assert len(page.all("audio")) == 2, "what was refused is not kept"
    assert page.all("a", download=f"00001{HOSTILE}.wav.flac")
    silent = signed_in.page(f"{place}?reason=AudioSilent")
    assert "1 row, page 1 of 1" in silent.text
    assert "00003" in silent.text
    assert "00001" not in silent.text
    assert "00002" in signed_in.page(f"{place}?status=warning").text
    assert "No row is like that" in signed_in.page(f"{place}?reason=%22%3E%3Cb%3E&page=-1").text


def test_ten_thousand_rows_come_in_pages_quickly(signed_in, project):
    names = [f"{number:05}.wav" for number in range(10_000)]
    measured = {"file": "trans.txt", "status": "accepted", "seconds": 2.5, "sampleRateHz": 16000}
    rows = [measured | {"line": line, "audio": name} for line, name in enumerate(names)]
    report = [json.dumps({"issues": [], "rows": rows}).encode()]
    first = utterance(signed_in, names[0], 2.5)
    utterances = [dataclasses.replace(first, name=name) for name in names]
    place = kept(signed_in, project, report, utterances, DatasetCounts(accepted=10_000))
    begun = time.process_time()
    page = signed_in.page(f"{place}?page=200")
    assert time.process_time() - begun < 1
    assert "10000 rows, page 200 of 200" in page.text
    assert len(page.all("audio")) == 50
    assert "?page=199#rows" in page.links


def test_lengths_are_drawn_and_told(signed_in, project):
    lengths = [1.2, 1.4, 2.6, 9.0]
    page = signed_in.page(
        imported(signed_in, project, [row(at, seconds=one) for at, one in enumerate(lengths)])
    )
    assert [bar["height"] for bar in page.all("rect")][:3] == ["136.0", "68.0", "0.0"]
    assert "1 s to 2 s 2 2 s to 3 s 1" in page.text


def test_a_recording_is_heard_in_whole_and_in_part(signed_in, project):
    place = imported(signed_in, project, [row(1)])
    [player] = signed_in.page(place).all("audio")
    whole = signed_in.client.get(player["src"])
    name = f"00001{HOSTILE}.wav".encode()
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, name, "audio/flac")
    part = signed_in.client.get(player["src"], headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, name[2:5])
    assert part.headers["content-range"] == f"bytes 2-4/{len(name)}"
    assert signed_in.client.get(player["src"], headers={"Range": "bytes=999-"}).status_code == 416


@pytest.mark.parametrize("name", ["0" * 64, "%22", "..%2Fkeys"])
def test_only_recordings_of_the_dataset_are_heard(signed_in, project, name):
    place = imported(signed_in, project, [row(1)])
    signed_in.blobs.put("sha256/" + "0" * 64, [b"secret"])
    assert signed_in.client.get(f"{place}/recordings/{name}").status_code == 404


def test_a_dataset_names_the_tests_that_used_it(signed_in, project):
    place = imported(signed_in, project, [row(1)])
    dataset_id = place.rsplit("/", 1)[1]
    test = signed_in.add("evaluations", make_evaluation(project_id=project.id, dataset_id=dataset_id))
    assert f"/projects/{project.id}/testing/{test.id}" in signed_in.page(place).links
