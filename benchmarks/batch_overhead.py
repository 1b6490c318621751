"""What a batch transcription costs beside the hearing: many small recordings of one container.

The listener answers at once (the shipped fake), so what is measured is everything else: listing,
fetching, the notes and outcomes that survive kills, result files, subtitles, report, list of files.
Runs in a process of its own, on SQLite and a local folder, as in production.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from benchmarks.record import write_result
from tympan.app.writers import WRITERS
from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.sql.migrate import migrate
from tympan.backends.sql.store import SqlStore
from tympan.domain.job import Job
from tympan.ports.fetcher import Fetched
from tympan.testing.containers import FakeContainers
from tympan.testing.entities import make_base_model
from tympan.testing.listening import FakeListening
from tympan.usecases.job_states import begin_attempt
from tympan.usecases.publishing import Publishing
from tympan.usecases.transcribing import Transcribing
from tympan.usecases.transcription_sources import Sources
from tympan.usecases.transcriptions import NewTranscription, Transcriptions
from tympan.worker.context import AttemptContext

SIZES = (100, 1000, 10_000)
CONTAINER = "https://store.example.com/calls"
TEXT = b"Thank you for calling.\n" * 5


def main() -> None:
    """Measure each size in a process of its own, and write the result page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", type=int)
    arguments = parser.parse_args()
    if arguments.child is not None:
        sys.stdout.write(json.dumps(measure(arguments.child)))
        return
    rows = []
    for size in SIZES:
        command = [sys.executable, "-m", "benchmarks.batch_overhead", "--child", str(size)]
        figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        each_ms = 1000 * figures["transcribe_s"] / size
        rows.append(
            [
                f"{size:,}",
                f"{figures['transcribe_s']:.1f} s",
                f"{each_ms:.1f} ms",
                f"{figures['again_s']:.2f} s",
                f"{figures['publish_s']:.2f} s",
                f"{1000 * figures['list_s']:.0f} ms",
                f"{figures['memory_mb']:.0f} MB",
            ]
        )
    head = ["recordings", "transcribe", "each", "begun again at the end", "publish", "list files", "memory"]
    notes = "The listener answers at once, so this is all that a transcription costs beside the hearing."
    write_result("batch_overhead", "Batch transcription without the hearing", [head, *rows], notes=notes)


class OnePage:
    """A fetcher that gives every address the same recording."""

    def check(self, url):
        del url

    @contextmanager
    def fetch(self, url, *, limit_bytes):
        del limit_bytes
        yield Fetched(chunks=iter([TEXT]), content_type="", size_bytes=len(TEXT), name=url)


def measure(size: int) -> dict[str, float]:
    """Run one transcription of so many recordings."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/app.db"
        migrate(url)
        store, clock = SqlStore(url), SystemClock()
        blobs = ObstoreBlobs((folder / "blobs").as_uri(), clock)
        fetcher, containers = OnePage(), FakeContainers()
        containers.kept[CONTAINER] = {f"{number:05d}.wav": TEXT for number in range(size)}
        with store.write() as tx:
            tx.base_models.add(make_base_model())
        transcriptions = Transcriptions(
            store=store, blobs=blobs, fetcher=fetcher, containers=containers, clock=clock
        )
        new = NewTranscription(display_name="many", locale="en-US", container_url=CONTAINER)
        made = transcriptions.create(new)
        sources = Sources(
            store=store, blobs=blobs, fetcher=fetcher, containers=containers, work_dir=folder / "work"
        )
        shared = {"store": store, "blobs": blobs, "clock": clock, "writers": WRITERS}
        hearing = Transcribing(sources=sources, listening=FakeListening(), at_once=2, **shared)
        publishing = Publishing(containers=containers, **shared)

        def attempt(step: str) -> AttemptContext:
            with store.write() as tx:
                job: Job = begin_attempt(tx, tx.jobs.get(str(made.job_id)), clock.now(), step=step)
            return AttemptContext(job=job, step=step, store=store, clock=clock)

        figures = {
            "transcribe_s": _seconds(lambda: hearing.run_transcribe(attempt("transcribe"))),
            "again_s": _seconds(lambda: hearing.run_transcribe(attempt("transcribe"))),
            "publish_s": _seconds(lambda: publishing.run_publish(attempt("publish"))),
        }
        done = transcriptions.get(made.id)
        figures["list_s"] = _seconds(lambda: transcriptions.files(done))
        figures["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        store.close()
        return figures


def _seconds(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
