"""``tympan transcription``, against a server that listens in one process with it."""

# ruff: noqa: F811  fixtures come from another module

import dataclasses
import json
import threading

import pytest
from tests.api.conftest import wav
from tests.api.test_command_line import folder, tympan, worker_does  # noqa: F401
from tests.api.test_transcriptions import work

from tympan.cli.errors import CONFLICT, USAGE
from tympan.domain.job import JobKind
from tympan.domain.manifest import Utterance
from tympan.domain.resource import Status
from tympan.domain.transcription import TranscriptionCounts
from tympan.speech.manifest_lines import write_records
from tympan.testing.entities import make_transcription
from tympan.testing.fetcher import Page
from tympan.usecases.transcriptions import file_line


def hears(world, tmp_path, count=1):
    """A stand-in for the worker that imports recordings and hears them."""

    def act(job):
        if job.kind is JobKind.IMPORT_DATASET:
            kept = world.blobs.put_content([b"From a file."])
            record = Utterance(
                name="a.wav", audio_key=kept.key, duration_s=1.0, source_rate_hz=16_000, group="a"
            )
            manifest = world.blobs.put_content(write_records([record]))
            done = world.imported(job.resource_id)
            with world.store.write() as tx:
                tx.datasets.save(dataclasses.replace(done, manifest_key=manifest.key))
        else:
            work(world, {"self": job.resource_id}, tmp_path)

    def run():
        for _ in range(count):
            worker_does(world, act).join()

    threading.Thread(target=run, daemon=True).start()


def test_recordings_behind_urls_are_transcribed_and_saved(world, tympan, base_model, tmp_path):
    url = "https://recordings.example.com/a.wav"
    world.services.transcriptions.fetcher.pages[url] = Page(body="Grüß Gott.\nGoodbye.".encode())
    hears(world, tmp_path)
    status, out, err = tympan("transcription", "create", "Calls", url, "--speakers", "2-3", "--words")
    assert (status, err) == (0, "")
    assert "Succeeded" in out
    assert "Calls" in tympan("transcription", "list")[1]
    shown = json.loads(tympan("transcription", "show", "Calls", "--json")[1])
    assert shown["properties"]["diarization"] == {"speakers": {"minCount": 2, "maxCount": 3}}
    assert "contenturl_0.vtt" in tympan("transcription", "files", "Calls")[1]
    for form, name in (
        ("json", "contenturl_0.json"),
        ("srt", "contenturl_0.srt"),
        ("text", "contenturl_0.txt"),
    ):
        assert tympan("transcription", "download", "Calls", "--format", form, "--to", tmp_path / form)[0] == 0
        assert (tmp_path / form / name).is_file()
    text = (tmp_path / "text" / "contenturl_0.txt").read_text("utf-8")
    assert text == "Speaker 1: Grüß Gott.\nSpeaker 1: Goodbye.\n"
    assert tympan("transcription", "delete", "Calls")[0] == 0
    assert "none yet" in tympan("transcription", "list")[1]


def test_files_on_this_machine_are_uploaded_heard_and_not_kept(world, tympan, base_model, tmp_path):
    files = [tmp_path / name for name in ("a.wav", "b.wav")]
    for file in files:
        file.write_bytes(wav(0.1))
    hears(world, tmp_path, count=2)
    status, _, err = tympan("transcription", "create", "Calls", *files)
    assert (status, err) == (0, "")
    assert "none yet" in tympan("dataset", "list")[1], "the upload is deleted once it was heard"
    assert tympan("transcription", "download", "Calls", "--format", "text", "--to", tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "a.wav.txt").read_text() == "From a file.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "in one way"),
        (("https://a.example/a.wav", "--container", "https://b.example/c"), "in one way"),
        (("https://a.example/a.wav", "b.wav"), "either URLs or files"),
        (("b.wav",), "does not exist"),
        (("https://a.example/a.wav", "--speakers", "many"), "--speakers"),
        (("https://a.example/a.wav", "--channels", "left"), "--channels"),
        (("https://a.example/a.wav", "--single-language"), "--languages"),
    ],
)
def test_wrong_use_of_transcription_create_is_explained(tympan, words, said):
    status, _, err = tympan("transcription", "create", "Calls", *words)
    assert status == USAGE
    assert said in err


def test_a_transcription_without_results_has_nothing_to_save(tympan, base_model, tmp_path):
    tympan("transcription", "create", "Calls", "https://a.example.com/a.wav", "--no-wait")
    status, _, err = tympan("transcription", "download", "Calls", "--to", tmp_path)
    assert status == CONFLICT
    assert "NotStarted" in err
    assert tympan("transcription", "download", "Calls", "--format", "doc")[0] == USAGE


def test_no_file_is_saved_outside_the_folder(world, tympan, base_model, tmp_path):
    made = world.add(make_transcription(display_name="Calls", status=Status.SUCCEEDED))
    file = dataclasses.replace(world.file("x", b"{}", "Transcription"), name="../../x.json")
    key = world.blobs.put_content([file_line(file)]).key
    with world.store.write() as tx:
        tx.transcriptions.save(made.reported(counts=TranscriptionCounts(succeeded=1), files_key=key))
    status, _, err = tympan("transcription", "download", "Calls", "--to", tmp_path / "out")
    assert status == USAGE
    assert "outside" in err
