"""What every blob store promises."""

import hashlib
import os
import random
import resource
import signal
import time
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.domain.errors import InvalidInputError, NotFoundError, StorageFullError, UnavailableError
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.clock import FakeClock

MIB = 1024 * 1024
BAD_KEYS = [
    "",
    "/",
    "a/",
    "/etc/passwd",
    "..",
    "../x",
    "a/../../x",
    "a//b",
    "./a",
    "a\\..\\b",
    "a\0b",
    ".incoming/x",
]


def read(blobs, key, **bounds):
    return b"".join(blobs.stream(key, **bounds))


def keys(blobs, prefix=""):
    return sorted(info.key for info in blobs.list(prefix))


def broken_chunks():
    yield b"a" * (9 * MIB)
    raise ZeroDivisionError


def test_a_blob_is_read_as_it_was_written(blobs):
    stored = blobs.put("a/b c/naïve ü.wav", [b"one", b"", b"two"])
    assert stored.size_bytes == 6
    assert stored.sha256 == hashlib.sha256(b"onetwo").hexdigest()
    assert read(blobs, stored.key) == b"onetwo"
    assert blobs.info(stored.key).size_bytes == 6
    assert blobs.exists(stored.key)


def test_the_age_of_a_blob_is_known(lasting_blobs):
    lasting_blobs.put("a", [b"x"])
    age = SystemClock().now() - lasting_blobs.info("a").modified_at
    assert timedelta(seconds=-2) < age < timedelta(minutes=1)


def test_an_empty_blob_is_a_blob(blobs):
    blobs.put("empty", [])
    assert blobs.info("empty").size_bytes == 0
    assert read(blobs, "empty") == b""
    assert read(blobs, "empty", start=0, end=9) == b""
    with blobs.open("empty") as file:
        assert file.read() == b""


def test_a_blob_is_replaced_as_a_whole(blobs):
    blobs.put("a", [b"long content"])
    blobs.put("a", [b"new"])
    assert read(blobs, "a") == b"new"


def test_content_is_kept_under_its_hash_and_writing_it_twice_is_harmless(blobs):
    first = blobs.put_content([b"same ", b"bytes"])
    second = blobs.put_content([b"same bytes"])
    assert first == second
    assert first.key == f"sha256/{hashlib.sha256(b'same bytes').hexdigest()}"
    assert keys(blobs) == [first.key]
    assert read(blobs, first.key) == b"same bytes"


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, None), (3, None), (0, 4), (2, 5), (0, 99), (9, 10), (10, 12), (99, None), (5, 5), (7, 3)],
)
def test_a_range_is_what_a_slice_is(blobs, start, end):
    blobs.put("digits", [b"0123456789"])
    assert read(blobs, "digits", start=start, end=end) == b"0123456789"[start:end]


def test_an_open_blob_can_be_read_at_any_place(blobs):
    data = random.Random(0).randbytes(3 * MIB + 17)
    blobs.put("big", [data])
    with blobs.open("big") as file:
        assert file.seekable()
        assert file.read(5) == data[:5]
        assert file.seek(-7, os.SEEK_END) == len(data) - 7
        assert file.read() == data[-7:]
        assert file.seek(2 * MIB - 3) == 2 * MIB - 3
        assert file.read(10) == data[2 * MIB - 3 : 2 * MIB + 7]
        assert file.seek(10, os.SEEK_CUR) == file.tell() == 2 * MIB + 17
        file.seek(0)
        assert file.read() == data
        assert file.read() == b""


def test_an_archive_is_read_without_copying_it(blobs, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one.txt", "eins")
        archive.writestr("two.txt", "zwei")
    blobs.put("a.zip", [(tmp_path / "a.zip").read_bytes()])
    with blobs.open("a.zip") as file, zipfile.ZipFile(file) as archive:
        assert archive.read("two.txt") == b"zwei"


def test_a_blob_can_be_written_from_another_one_while_it_is_read(blobs):
    blobs.put("from", [b"a" * MIB, b"b" * MIB])
    blobs.put("to", (chunk.upper() for chunk in blobs.stream("from")))
    assert read(blobs, "to") == b"A" * MIB + b"B" * MIB


def test_a_missing_blob_is_not_found_before_anything_is_read(blobs):
    blobs.put("folder/file", [b"x"])
    for key in ("nope", "folder", "folder/nope", "folder/file/nope"):
        for look in (blobs.stream, blobs.open, blobs.info):
            with pytest.raises(NotFoundError, match=key):
                look(key)
        with pytest.raises(NotFoundError):
            blobs.stream(key, start=1, end=2)
        assert not blobs.exists(key)


def test_a_deleted_blob_is_gone_and_deleting_it_again_is_harmless(blobs):
    blobs.put("a", [b"x"])
    blobs.delete("a")
    blobs.delete("a")
    assert not blobs.exists("a")
    assert keys(blobs) == []


def test_lists_go_by_the_beginning_of_the_key(blobs):
    for key in ("jobs/1/a", "jobs/1/b", "jobs/12/a", "jobs2", "x/y/z"):
        blobs.put(key, [key.encode()])
    assert keys(blobs) == ["jobs/1/a", "jobs/1/b", "jobs/12/a", "jobs2", "x/y/z"]
    assert keys(blobs, "jobs/1") == ["jobs/1/a", "jobs/1/b", "jobs/12/a"]
    assert keys(blobs, "jobs/1/") == ["jobs/1/a", "jobs/1/b"]
    assert keys(blobs, "jobs") == ["jobs/1/a", "jobs/1/b", "jobs/12/a", "jobs2"]
    assert keys(blobs, "nope/") == []
    assert next(iter(blobs.list("x"))).size_bytes == 5


def test_an_upload_that_breaks_off_leaves_nothing_and_the_old_blob_stays(blobs):
    blobs.put("a", [b"old"])
    with pytest.raises(ZeroDivisionError):
        blobs.put("a", broken_chunks())
    with pytest.raises(ZeroDivisionError):
        blobs.put("b", broken_chunks())
    with pytest.raises(ZeroDivisionError):
        blobs.put_content(broken_chunks())
    assert keys(blobs) == ["a"]
    assert read(blobs, "a") == b"old"


def test_an_upload_that_breaks_off_leaves_no_parts_in_a_bucket_and_no_files(moto_bucket, tmp_path):
    blobs = ObstoreBlobs(
        f"s3://{moto_bucket.name}", SystemClock(), options=moto_bucket.options(), spool_dir=tmp_path
    )
    with pytest.raises(ZeroDivisionError):
        blobs.put("a", broken_chunks())
    assert "Uploads" not in moto_bucket.client().list_multipart_uploads(Bucket=moto_bucket.name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_cannot_leave_the_store(blobs, key):
    for attempt in (
        lambda: blobs.put(key, [b"x"]),
        lambda: blobs.stream(key),
        lambda: blobs.open(key),
        lambda: blobs.info(key),
        lambda: blobs.exists(key),
        lambda: blobs.delete(key),
        lambda: blobs.signed_url(key, expires_s=60),
    ):
        with pytest.raises(InvalidInputError, match="key of a blob"):
            attempt()


@contextmanager
def _peak_growth():
    """Reports by how many bytes the process grew at most."""
    growth = []
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _memory("VmRSS")
    yield growth
    growth.append(_memory("VmHWM") - before)


def _memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def test_64_mib_stream_through_in_little_memory(lasting_blobs):
    lasting_blobs.put("warm", [b"x" * (9 * MIB)])
    chunk = random.Random(0).randbytes(MIB)
    with _peak_growth() as growth:
        lasting_blobs.put("big", (chunk for _ in range(64)))
        total = sum(len(part) for part in lasting_blobs.stream("big"))
    assert total == 64 * MIB
    assert growth[0] < 20 * MIB


def test_a_folder_and_a_fake_have_no_urls_of_their_own(tmp_path):
    for blobs in (MemoryBlobs(), ObstoreBlobs(tmp_path.as_uri(), SystemClock())):
        blobs.put("a", [b"x"])
        assert blobs.signed_url("a", expires_s=60) is None


def test_a_signed_url_serves_ranges_without_a_key_and_cannot_be_changed(nanio_bucket):
    blobs = ObstoreBlobs(f"s3://{nanio_bucket.name}", SystemClock(), options=nanio_bucket.options())
    blobs.put("a/b", [b"0123456789"])
    url = blobs.signed_url("a/b", expires_s=60)
    request = urllib.request.Request(url, headers={"Range": "bytes=2-4"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 206
        assert answer.read() == b"234"
    for changed in (url.replace("a/b", "a/c"), url.replace("Expires=60", "Expires=61")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(changed)
        refused.value.close()
        assert refused.value.code == 403


@pytest.mark.parametrize("key", ["a/b", "a/y z+(1)'!$&;,=@.wav", "a/ü.wav"])
def test_a_signed_url_of_s3_works_for_every_key(nanio_bucket, key):
    blobs = ObstoreBlobs(f"s3://{nanio_bucket.name}", SystemClock(), options=nanio_bucket.options())
    blobs.put(key, [b"x"])
    with urllib.request.urlopen(blobs.signed_url(key, expires_s=60)) as answer:
        assert answer.read() == b"x"


def test_urls_of_azure_are_signed_only_for_keys_it_would_accept():
    options = {"account_name": "account", "account_key": "a2V5"}
    blobs = ObstoreBlobs("az://container", SystemClock(), options=options)
    assert blobs.signed_url("sha256/ab", expires_s=60).startswith("https://account.blob.core.windows.net/")
    assert blobs.signed_url("a/ü.wav", expires_s=60) is None


def test_urls_are_not_signed_where_clients_cannot_reach_the_bucket(moto_bucket):
    url = f"s3://{moto_bucket.name}"
    blobs = ObstoreBlobs(url, SystemClock(), options=moto_bucket.options(), signs_urls=False)
    assert blobs.signed_url("a", expires_s=60) is None


def test_a_wrong_key_is_refused_and_the_message_says_so(nanio_bucket):
    options = nanio_bucket.options(secret_access_key="wrong")
    blobs = ObstoreBlobs(f"s3://{nanio_bucket.name}", SystemClock(), options=options)
    for attempt in (lambda: blobs.put("a", [b"x"]), lambda: blobs.stream("a"), lambda: keys(blobs)):
        with pytest.raises(UnavailableError, match="credentials"):
            attempt()


def test_a_bucket_that_does_not_exist_is_named_as_the_cause(moto_bucket):
    blobs = ObstoreBlobs("s3://no-such-bucket", SystemClock(), options=moto_bucket.options())
    with pytest.raises(UnavailableError, match="bucket does not exist"):
        blobs.put("a", [b"x"])


def test_a_prefix_behind_the_bucket_keeps_stores_apart(moto_bucket):
    stores = [
        ObstoreBlobs(f"s3://{moto_bucket.name}/{prefix}", SystemClock(), options=moto_bucket.options())
        for prefix in ("one/x", "two")
    ]
    stores[0].put("a", [b"1"])
    stores[1].put("b", [b"2"])
    assert [keys(blobs) for blobs in stores] == [["a"], ["b"]]
    assert read(stores[0], "a") == b"1"


def test_content_a_bucket_has_is_sent_again_only_when_the_sweep_could_soon_take_it(moto_bucket):
    clock = FakeClock(SystemClock().now())
    blobs = ObstoreBlobs(f"s3://{moto_bucket.name}", clock, options=moto_bucket.options())
    key = blobs.put_content([b"content"]).key
    first = blobs.info(key).modified_at
    time.sleep(1.1)  # the server tells whole seconds
    blobs.put_content([b"content"])
    assert blobs.info(key).modified_at == first
    clock.advance(13 * 3600)
    blobs.put_content([b"content"])
    assert blobs.info(key).modified_at > first


def test_content_a_folder_has_becomes_young_again(tmp_path):
    blobs = ObstoreBlobs(tmp_path.as_uri(), SystemClock())
    key = blobs.put_content([b"content"]).key
    os.utime(tmp_path / key, (0, 0))
    blobs.put_content([b"content"])
    assert SystemClock().now() - blobs.info(key).modified_at < timedelta(minutes=1)


def test_files_of_a_killed_process_are_cleared_away_after_a_day(tmp_path):
    blobs = ObstoreBlobs(tmp_path.as_uri(), SystemClock())
    for name, age_s in (("old", 25 * 3600), ("young", 3600)):
        (tmp_path / ".incoming" / name).write_bytes(b"half")
        os.utime(tmp_path / ".incoming" / name, (time.time() - age_s,) * 2)
    assert keys(blobs) == []
    ObstoreBlobs(tmp_path.as_uri(), SystemClock())
    assert [path.name for path in (tmp_path / ".incoming").iterdir()] == ["young"]


@contextmanager
def _files_end_at(limit_bytes):
    """Lets every file of this process end there, which the system reports like a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_reported_and_nothing_half_written_stays(tmp_path):
    blobs = ObstoreBlobs(tmp_path.as_uri(), SystemClock())
    blobs.put("a", [b"old"])
    with _files_end_at(2 * MIB), pytest.raises(StorageFullError, match="No room is left"):
        blobs.put("a", (b"x" * MIB for _ in range(4)))
    assert read(blobs, "a") == b"old"
    assert keys(blobs) == ["a"]
    assert list((tmp_path / ".incoming").iterdir()) == []


def test_the_fake_can_be_full_too():
    blobs = MemoryBlobs(capacity_bytes=10)
    blobs.put("a", [b"x" * 8])
    with pytest.raises(StorageFullError):
        blobs.put("b", [b"x" * 3])
    blobs.put("a", [b"x" * 10])
    assert keys(blobs) == ["a"]


def test_an_unreachable_bucket_is_unavailable(moto_bucket):
    options = moto_bucket.options(endpoint="http://127.0.0.1:9")
    blobs = ObstoreBlobs("s3://bucket", SystemClock(), options=options)
    with pytest.raises(UnavailableError, match="Try again"):
        blobs.info("a")


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("ftp://host/x", {}),
        ("/var/lib", {}),
        ("file://host/x", {}),
        ("s3:///x", {}),
        ("s3://bucket", {"colour": "red"}),
    ],
)
def test_a_url_or_option_that_cannot_be_used_is_refused_at_the_start(url, options):
    with pytest.raises(InvalidInputError):
        ObstoreBlobs(url, SystemClock(), options=options)


def test_an_option_that_the_bucket_does_not_know_is_refused_by_name(tmp_path):
    with pytest.raises(InvalidInputError, match="options for s3://"):
        ObstoreBlobs("s3://bucket", SystemClock(), options={"allow_htpp": "true"}, spool_dir=tmp_path)
