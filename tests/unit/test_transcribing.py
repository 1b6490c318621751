"""Running batch transcriptions: every source ends once, whatever happens to the process."""

import json
import threading
from dataclasses import replace

import pytest

from tympan.app.writers import WRITERS
from tympan.domain.dataset import DatasetKind
from tympan.domain.errors import CancelledError, FetchError, InvalidInputError, UnavailableError
from tympan.domain.job import JobKind, JobState
from tympan.domain.manifest import Utterance
from tympan.domain.resource import Status
from tympan.domain.transcription import SpeakerHint, TranscriptionOptions
from tympan.speech.manifest_lines import write_records
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import FakeClock
from tympan.testing.containers import FakeContainers
from tympan.testing.entities import make_base_model, make_dataset
from tympan.testing.fetcher import FakeFetcher, Page
from tympan.testing.listening import FakeListening
from tympan.testing.store import MemoryStore
from tympan.usecases.job_states import begin_attempt, end_job
from tympan.usecases.publishing import Publishing
from tympan.usecases.result_files import SUBTITLES_KIND
from tympan.usecases.transcribing import Transcribing
from tympan.usecases.transcription_limits import TranscriptionLimits
from tympan.usecases.transcription_sources import Sources
from tympan.usecases.transcription_work import TranscriptionWork
from tympan.usecases.transcriptions import NewTranscription, Transcriptions

HOST = "https://recordings.example.com"


class Context:
    def __init__(self, job):
        self.job, self.reports, self.is_cancelled = job, [], False

    def progress(self, fraction, message, **counters):
        assert 0 <= fraction <= 1
        self.reports.append((message, counters))
        if self.is_cancelled:
            raise CancelledError("cancelled")

    def event(self, kind, payload):
        pass


class House:
    """A base model that hears what recordings say, and a web that serves them."""

    def __init__(self, tmp_path, **limits):
        self.store, self.blobs, self.clock = MemoryStore(), MemoryBlobs(), FakeClock()
        self.fetcher = FakeFetcher()
        self.containers = FakeContainers(fetcher=self.fetcher)
        self.listening, self.pauses = FakeListening(self.before), []
        self.trouble = lambda text: None
        bounds = TranscriptionLimits(**limits)
        self.transcriptions = Transcriptions(
            store=self.store,
            blobs=self.blobs,
            fetcher=self.fetcher,
            containers=self.containers,
            clock=self.clock,
            limits=bounds,
        )
        self.transcribing = Transcribing(
            store=self.store,
            blobs=self.blobs,
            sources=Sources(
                store=self.store,
                blobs=self.blobs,
                fetcher=self.fetcher,
                containers=self.containers,
                work_dir=tmp_path / "work",
                limits=bounds,
                pause=self.pauses.append,
            ),
            listening=self.listening,
            writers=WRITERS,
            clock=self.clock,
            at_once=2,
        )
        self.publishing = Publishing(
            store=self.store,
            blobs=self.blobs,
            containers=self.containers,
            writers=WRITERS,
            clock=self.clock,
            pause=self.pauses.append,
        )
        self.model = make_base_model()
        with self.store.write() as tx:
            tx.base_models.add(self.model)

    def before(self, text):
        self.trouble(text)

    def serve(self, *texts):
        """Pages with these texts; None is a page that is not there."""
        urls = [f"{HOST}/{number}.wav?sig=secret" for number in range(len(texts))]
        for url, text in zip(urls, texts, strict=True):
            self.fetcher.pages[url] = Page(status=404) if text is None else Page(body=_bytes(text))
        return urls

    def create(self, **members):
        members = {"display_name": "calls", "locale": "en-US"} | members
        return self.transcriptions.create(NewTranscription(**members))

    def attempt(self, made, step):
        with self.store.write() as tx:
            return Context(begin_attempt(tx, tx.jobs.get(self.get(made).job_id), self.clock.now(), step=step))

    def run(self, made, steps=JobKind.RUN_TRANSCRIPTION.steps):
        for step in steps:
            self.context = self.attempt(made, step)
            if step == "transcribe":
                self.transcribing.run_transcribe(self.context)
            else:
                self.publishing.run_publish(self.context)
        return self.get(made)

    def get(self, made):
        return self.transcriptions.get(made.id)

    def documents(self, made, kind="Transcription"):
        files = self.transcriptions.files(self.get(made))
        return {
            file.name: json.loads(b"".join(self.blobs.stream(file.key)))
            for file in files
            if file.kind == kind
        }

    def report(self, made):
        return self.documents(made, "TranscriptionReport")["report.json"]

    def file(self, made, name):
        (file,) = [file for file in self.transcriptions.files(self.get(made)) if file.name == name]
        content = b"".join(self.blobs.stream(file.key))
        assert len(content) == file.size_bytes
        return content.decode()


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_every_url_becomes_a_result_with_its_number(house):
    made = house.run(house.create(urls=house.serve("Hello world.\nGoodbye.", "Third.")))
    assert made.status is Status.SUCCEEDED
    assert (made.counts.succeeded, made.counts.failed, made.counts.duration_s) == (2, 0, 3.0)
    documents = house.documents(made)
    assert list(documents) == ["contenturl_0.json", "contenturl_1.json"]
    first = documents["contenturl_0.json"]
    assert first["source"] == f"{HOST}/0.wav", "secrets of an address are not shown"
    assert first["combinedRecognizedPhrases"][0]["display"] == "Hello world. Goodbye."
    assert [one["nBest"][0]["display"] for one in first["recognizedPhrases"]] == ["Hello world.", "Goodbye."]
    assert first["tympan"]["model"] == house.model.id
    assert first["tympan"]["adaptation"] == ["training"]


def test_the_model_is_the_newest_base_model_and_the_options_reach_the_listener(house):
    options = TranscriptionOptions(channels=(1,), wants_words=True, speakers=SpeakerHint(least=2, most=4))
    made = house.run(house.create(urls=house.serve("a"), options=options))
    assert made.model_id == house.model.id
    (heard,) = house.listening.options
    assert (heard.channels, heard.wants_words, heard.speakers) == ((1,), True, (2, 4))
    assert heard.punctuation == "DictatedAndAutomatic"


def test_one_bad_source_never_fails_the_job(house):
    urls = house.serve("Good.", None, b"\xffnoise", b"", "Also good.")
    made = house.run(house.create(urls=urls))
    assert made.status is Status.SUCCEEDED
    report = house.report(made)
    assert (report["successfulTranscriptionsCount"], report["failedTranscriptionsCount"]) == (2, 3)
    assert [one["status"] for one in report["details"]] == [
        "Succeeded",
        "Failed",
        "Failed",
        "Failed",
        "Succeeded",
    ]
    kinds = [one.get("errorKind") for one in report["details"]]
    assert kinds == [None, "InvalidRecordingsUri", "InvalidAudio", "EmptyAudio", None]
    assert all(one["errorMessage"] for one in report["details"] if one["status"] == "Failed")
    assert [one["source"] for one in report["details"]] == [f"{HOST}/{n}.wav" for n in range(5)]
    assert list(house.documents(made)) == ["contenturl_0.json", "contenturl_4.json"]


def test_the_job_fails_when_nothing_could_be_done_and_the_report_says_why(house):
    made = house.create(urls=house.serve(None, b"\xffnoise"))
    with pytest.raises(InvalidInputError, match="None of the 2 recordings") as failed:
        house.run(made)
    assert failed.value.code == "InvalidData"
    assert house.report(made)["failedTranscriptionsCount"] == 2


def test_a_source_that_is_too_large_is_one_line_of_the_report(tmp_path):
    house = House(tmp_path, source_bytes=4)
    made = house.run(house.create(urls=house.serve("12345", "1234")))
    assert [one.get("errorKind") for one in house.report(made)["details"]] == ["SizeLimit", None]


def test_a_source_that_is_silent_for_a_moment_is_asked_again(house):
    (url,) = house.serve("Late.")
    good, silent = house.fetcher.pages[url], Page(is_silent=True)
    house.fetcher.pages[url] = silent

    def pause(seconds):
        house.pauses.append(seconds)
        if len(house.pauses) == 2:
            house.fetcher.pages[url] = good

    object.__setattr__(house.transcribing.sources, "pause", pause)
    made = house.run(house.create(urls=[url]))
    assert made.counts.succeeded == 1
    assert house.pauses == [1.0, 4.0]


def test_no_file_is_left_behind_where_recordings_lay(house, tmp_path):
    house.run(house.create(urls=house.serve("a", b"\xff")))
    assert list((tmp_path / "work").iterdir()) == []


def test_subtitles_are_written_beside_the_results_and_are_no_published_files(house):
    made = house.run(house.create(urls=house.serve("Hello world.\nA < B & C.")))
    assert house.file(made, "contenturl_0.srt") == (
        "1\n00:00:00,000 --> 00:00:01,000\nHello world.\n\n2\n00:00:01,000 --> 00:00:02,000\nA < B & C.\n\n"
    )
    vtt = house.file(made, "contenturl_0.vtt")
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello world.\n\n")
    assert "A &lt; B &amp; C." in vtt
    kinds = {file.name: file.kind for file in house.transcriptions.files(made)}
    assert kinds["contenturl_0.vtt"] == kinds["contenturl_0.srt"] == SUBTITLES_KIND


CONTAINER = "https://store.example.com/calls?sig=secret"


def test_the_blobs_of_a_container_are_sources_and_name_their_results(house):
    house.containers.fill(CONTAINER, {"day/0.wav": b"One.", "day/1.wav": b"Two."})
    made = house.run(house.create(container_url=CONTAINER))
    documents = house.documents(made)
    assert list(documents) == ["day/0.wav.json", "day/1.wav.json"]
    assert documents["day/1.wav.json"]["source"] == "https://store.example.com/calls/day/1.wav"


def test_a_container_that_is_empty_or_too_large_fails_the_job(tmp_path):
    house = House(tmp_path, blobs=1)
    house.containers.fill(CONTAINER, {})
    with pytest.raises(InvalidInputError, match="no recordings"):
        house.run(house.create(container_url=CONTAINER))
    house.containers.fill(CONTAINER, {"a": b"a", "b": b"b"})
    with pytest.raises(FetchError, match="more than 1 files"):
        house.run(house.create(container_url=CONTAINER))


def test_the_recordings_of_a_dataset_are_sources(house):
    kept = house.blobs.put_content([b"From a dataset."])
    record = Utterance(name="a.wav", audio_key=kept.key, duration_s=1.0, source_rate_hz=16_000, group="a")
    manifest = house.blobs.put_content(write_records([record]))
    dataset = make_dataset(kind=DatasetKind.AUDIO_FILES, status=Status.SUCCEEDED, manifest_key=manifest.key)
    with house.store.write() as tx:
        tx.datasets.add(dataset)
    made = house.run(house.create(dataset_id=dataset.id))
    assert house.documents(made)["a.wav.json"]["source"] == "a.wav"


DESTINATION = "https://store.example.com/out?sig=secret"


def test_results_go_to_the_destination_container_too(house):
    house.containers.fill(DESTINATION, {})
    made = house.run(house.create(urls=house.serve("a"), destination_url=DESTINATION))
    written = house.containers.kept[DESTINATION]
    assert list(written) == [f"{made.id}/contenturl_0.json", f"{made.id}/report.json"]
    assert json.loads(written[f"{made.id}/contenturl_0.json"])["source"]


def test_a_destination_that_cannot_be_written_fails_the_job_and_keeps_the_results(house):
    house.containers.fill(DESTINATION, {})
    house.containers.read_only.add(DESTINATION)
    made = house.create(urls=house.serve("a"), destination_url=DESTINATION)
    with pytest.raises(InvalidInputError, match="destinationContainerUrl"):
        house.run(made)
    assert list(house.documents(made)) == ["contenturl_0.json"]


def test_a_repeated_attempt_goes_on_behind_what_is_finished(house):
    house.transcribing = replace(house.transcribing, at_once=1)
    made = house.create(urls=house.serve(*(f"Number {n}." for n in range(6))))

    def break_from_four_on(text):
        if text >= "Number 4":
            raise UnavailableError("The engine cannot be reached.")

    house.trouble = break_from_four_on
    with pytest.raises(UnavailableError):
        house.run(made, ["transcribe"])
    house.trouble = lambda text: None
    house.listening.heard.clear()
    house.run(made, ["transcribe", "publish"])
    assert set(house.listening.heard) == {"Number 4.", "Number 5."}, "what is finished is not heard again"
    assert house.get(made).counts.succeeded == 6


def test_a_source_that_ends_the_process_again_and_again_is_heard_alone_and_then_left_out(house):
    made = house.create(urls=house.serve("Fine.", "Poison.", "Fine too."))

    class KilledError(Exception):
        """Stands for a process that is gone: nothing is tidied up."""

    def kill(text):
        if text.startswith("Poison"):
            raise KilledError

    house.trouble = kill
    for attempt in range(4):
        with pytest.raises(KilledError):
            house.run(made, ["transcribe"])
        assert attempt == 0 or house.listening.heard[-1] == "Poison."
    made = house.run(made, ["transcribe", "publish"])
    assert house.listening.heard.count("Poison.") == 4, "once among others, three times alone"
    details = house.report(made)["details"]
    assert [one["status"] for one in details] == ["Succeeded", "Failed", "Succeeded"]
    assert "ended unexpectedly" in details[1]["errorMessage"]


def test_being_stopped_blames_no_source(house):
    made = house.create(urls=house.serve("Long."))

    class StopRequested(BaseException):
        pass

    def stop(text):
        raise StopRequested

    house.trouble = stop
    for _ in range(6):
        with pytest.raises(StopRequested):
            house.run(made, ["transcribe"])
    house.trouble = lambda text: None
    assert house.run(made, ["transcribe", "publish"]).counts.succeeded == 1


def test_cancellation_ends_a_recording_in_the_middle(house):
    made = house.create(urls=house.serve("One.\nTwo.\nThree."))
    context = house.attempt(made, "transcribe")
    is_begun, may_go_on = threading.Event(), threading.Event()

    def hold(text):
        is_begun.set()
        may_go_on.wait(5)

    house.trouble = hold

    def cancel():
        is_begun.wait(5)
        context.is_cancelled = True

    threading.Thread(target=cancel).start()
    with pytest.raises(CancelledError):
        house.transcribing.run_transcribe(context)
    may_go_on.set()
    assert list(house.blobs.list(f"{made.folder}/{made.job_id}/outcomes/")) == []


def test_progress_counts_files_and_seconds(house):
    house.run(house.create(urls=house.serve("One.\nTwo.", None)), ["transcribe"])
    message, counters = house.context.reports[-1]
    assert message == "Transcribing 2 of 2"
    assert counters == {"files": 2, "failed": 1, "total": 2, "seconds": 2.0}


def test_a_model_that_was_deleted_meanwhile_is_named(house):
    made = house.create(urls=house.serve("a"))
    with house.store.write() as tx:
        tx.base_models.delete(house.model.id)
    with pytest.raises(InvalidInputError, match="was deleted"):
        house.run(made)


def test_an_attempt_that_was_given_up_changes_no_published_file(house):
    made = house.create(urls=house.serve("First."))
    old = house.attempt(made, "transcribe")
    house.run(made, ["transcribe", "publish"])
    before = house.file(made, "contenturl_0.json")
    work = TranscriptionWork(house.blobs, house.get(made), old.job.id, old.job.attempt)
    work.put("000000.json", [b"{}"])
    assert house.file(made, "contenturl_0.json") == before


def test_the_life_of_a_transcription_begins_when_it_has_ended(house):
    made = house.create(urls=house.serve("a"), time_to_live_s=6 * 3600)
    house.clock.advance(seconds=24 * 3600)
    house.transcriptions.expire()
    made = house.run(made)
    with house.store.write() as tx:
        end_job(tx, tx.jobs.get(made.job_id), house.clock.now(), JobState.SUCCEEDED)
    house.clock.advance(seconds=6 * 3600 - 1)
    house.transcriptions.expire()
    assert house.get(made).status is Status.SUCCEEDED
    house.clock.advance(seconds=1)
    house.transcriptions.expire()
    assert house.transcriptions.count() == 0
    assert list(house.blobs.list("transcriptions")) == [], "nothing of it is left"


class StartingHost:
    """A model host that is starting again."""

    def check(self):
        raise UnavailableError("not yet", retry_after_s=1)


def test_a_model_host_that_is_away_keeps_no_transcription_from_being_accepted(house):
    able = replace(house.transcriptions, embedder=StartingHost())
    house.transcriptions = able
    made = house.create(urls=house.serve("a"), options=TranscriptionOptions(speakers=SpeakerHint()))
    assert able.get(made.id).options.speakers == SpeakerHint()
