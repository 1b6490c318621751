"""How fast 10,000 small recordings in one 2 GB-class zip are imported, and how much memory that takes.

The import runs as in production, in a process of its own, on SQLite and a local folder.
Beside it: the least work there is, one thread that unzips, decodes and writes FLAC with
libsndfile, without checks, measures, hashes, manifest or report.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.record import write_result
from tympan.backends.audio_av import AvAudioCodec
from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.sql.migrate import migrate
from tympan.backends.sql.store import SqlStore
from tympan.domain.dataset import DatasetKind
from tympan.testing.audio import speech_like, wav_bytes
from tympan.testing.fetcher import FakeFetcher
from tympan.testing.inverse_normalizer import FakeInverseNormalizer
from tympan.usecases.dataset_import import DatasetImport
from tympan.usecases.datasets import Datasets, NewDataset
from tympan.worker.context import AttemptContext

FILES = 10_000
SECONDS = 6.5  # 208 kB as 16-bit WAV
VOICES = 40
CHUNK_BYTES = 1 << 20
LIMIT_MB = 300


def main() -> None:
    """Make the archive, import it in a child process, and write the result page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--child", type=Path)
    arguments = parser.parse_args()
    if arguments.child is not None:
        sys.stdout.write(json.dumps(import_archive(arguments.child)))
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "recordings.zip")
        make_archive(archive, arguments.files)
        command = [sys.executable, "-m", "benchmarks.import_archive", "--child", folder]
        figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        least_s, least_cpu_s = least_work(archive)
        archive_mb = archive.stat().st_size / 1e6
    files = arguments.files
    rows = [
        ["what", "import", "unzip, decode, FLAC only"],
        ["seconds", f"{figures['import_s']:.1f}", f"{least_s:.1f}"],
        ["files per second", f"{files / figures['import_s']:.0f}", f"{files / least_s:.0f}"],
        ["CPU seconds", f"{figures['cpu_s']:.1f}", f"{least_cpu_s:.1f}"],
        ["seconds of sound per second", f"{figures['audio_s'] / figures['import_s']:.0f}", "-"],
        ["peak memory of the process, MB", f"{figures['peak_mb']:.0f} (limit {LIMIT_MB})", "-"],
        ["memory before the import, MB", f"{figures['before_mb']:.0f}", "-"],
        ["rows in report.json / accepted", f"{figures['rows']} / {figures['accepted']}", "-"],
        ["seconds to take in the upload", f"{figures['upload_s']:.1f}", "-"],
    ]
    size_kb = len(wav_bytes(speech_like(SECONDS))) // 1000
    notes = (
        f"{files} recordings of {SECONDS} s (speech-like noise, {size_kb} kB each) in one deflated zip of "
        f"{archive_mb:.0f} MB, with `trans.txt`. Peak memory is the high-water mark of resident memory "
        "(VmHWM) of the whole process. On a machine that is busy otherwise, compare the CPU seconds."
    )
    packages = ("av", "soundfile", "soxr", "obstore", "sqlalchemy", "numpy")
    write_result("import_archive", "Importing a large archive", rows, packages=packages, notes=notes)


def make_archive(path: Path, files: int) -> None:
    """Write the zip: no two recordings are equal, and each run makes the same ones."""
    voices = [speech_like(SECONDS, seed) for seed in range(VOICES)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(files):
            voice = voices[number % VOICES] * (0.5 + number % 97 / 97)
            archive.writestr(f"recording-{number:05}.wav", wav_bytes(np.roll(voice, 37 * number)))
        lines = (f"recording-{n:05}.wav\tThis is what recording number {n} says.\n" for n in range(files))
        archive.writestr("trans.txt", "".join(lines))


def import_archive(folder: Path) -> dict[str, float]:
    """Take in and import ``recordings.zip`` of a folder; runs in the child process."""
    url = f"sqlite:///{folder / 'app.db'}"
    migrate(url)
    clock = SystemClock()
    store, blobs = SqlStore(url), ObstoreBlobs((folder / "blobs").as_uri(), clock)
    new = NewDataset(
        kind=DatasetKind.ACOUSTIC, display_name="large", locale="en-US", source_name="recordings.zip"
    )
    begun = time.perf_counter()
    with (folder / "recordings.zip").open("rb") as file:
        dataset = Datasets(store=store, blobs=blobs, clock=clock, fetcher=FakeFetcher()).create(
            new, iter(lambda: file.read(CHUNK_BYTES), b"")
        )
    upload_s = time.perf_counter() - begun
    with store.write() as tx:
        job = tx.jobs.get(str(dataset.job_id)).begun(clock.now(), step="import")
        tx.jobs.save(job)
    before_mb = memory_mb("VmRSS")
    begun, cpu = time.perf_counter(), time.process_time()
    context = AttemptContext(job=job, step="import", store=store, clock=clock)
    DatasetImport(
        store=store,
        blobs=blobs,
        codec=AvAudioCodec(),
        clock=clock,
        fetcher=FakeFetcher(),
        inverse=FakeInverseNormalizer(),
    ).run(context)
    import_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    peak_mb = memory_mb("VmHWM")
    with store.read() as tx:
        dataset = tx.datasets.get(dataset.id)
    report = next(file for file in dataset.files if file.name == "report.json")
    rows = len(json.loads(b"".join(blobs.stream(report.key)))["rows"])
    return {
        "upload_s": upload_s,
        "import_s": import_s,
        "cpu_s": cpu_s,
        "audio_s": dataset.counts.duration_s,
        "before_mb": before_mb,
        "peak_mb": peak_mb,
        "rows": rows,
        "accepted": dataset.counts.accepted,
    }


def least_work(path: Path) -> tuple[float, float]:
    """Seconds, and CPU seconds, to unzip, decode and write FLAC in one thread with libsndfile alone."""
    begun, cpu = time.perf_counter(), time.process_time()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".wav"):
                samples, rate = soundfile.read(io.BytesIO(archive.read(name)), dtype="int16")
                soundfile.write(io.BytesIO(), samples, rate, format="FLAC", subtype="PCM_16")
    return time.perf_counter() - begun, time.process_time() - cpu


def memory_mb(field: str) -> float:
    """A figure of ``/proc/self/status``; unlike ``getrusage`` it starts anew with the process."""
    status = Path("/proc/self/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
