"""Archives of strangers: what is read, what is refused, and in which words."""

from __future__ import annotations

import io
import stat
import struct
import unicodedata
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tympan.domain.errors import InvalidInputError
from tympan.speech.archive import ArchiveLimits, ZipArchive
from tympan.testing.audio import zip_bytes


def opened(data: bytes, locale: str = "en-US", **limits: int) -> ZipArchive:
    return ZipArchive.open(io.BytesIO(data), locale=locale, limits=ArchiveLimits(**limits))


def names(archive: ZipArchive) -> list[str]:
    return [entry.name for entry in archive.entries]


def refused(archive: ZipArchive) -> dict[str, str]:
    return {entry.name: entry.finding.code for entry in archive.refused}


def content(archive: ZipArchive, index: int = 0) -> bytes:
    file = io.BytesIO()
    archive.copy(archive.entries[index], file)
    return file.getvalue()


def zipped(*infos: zipfile.ZipInfo, data: bytes = b"x") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for info in infos:
            archive.writestr(info, data)
    return file.getvalue()


def legacy(name: str, encoding: str, *, extra: bytes = b"") -> bytes:
    """A zip whose one name is in an old encoding and not marked as UTF-8."""
    raw = name.encode(encoding)
    info = zipfile.ZipInfo("n" * len(raw))
    info.extra = extra
    return zipped(info).replace(b"n" * len(raw), raw)


WHOLE = zip_bytes({"a.wav": b"sound" * 100, "trans.txt": b"a.wav\thello"})


def test_files_are_listed_in_their_order_and_unpacked():
    archive = opened(WHOLE)
    assert names(archive) == ["a.wav", "trans.txt"]
    assert [entry.is_text for entry in archive.entries] == [False, True]
    assert content(archive) == b"sound" * 100


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"not a zip at all" * 10, "not a zip"),
        (WHOLE[: len(WHOLE) // 2], "breaks off"),
        (WHOLE[:-1], "breaks off"),
        (zip_bytes({}), "no files"),
        (WHOLE.replace(b"PK\x01\x02", b"PK\x00\x00"), "damaged"),
    ],
)
def test_an_archive_that_cannot_be_read_is_refused_whole(data: bytes, words: str):
    with pytest.raises(InvalidInputError, match=words) as caught:
        opened(data)
    assert caught.value.code == "ZipUnreadable"
    assert "upload" in caught.value.message


@given(st.data())
def test_a_broken_archive_is_refused_or_read_but_never_crashes(data: st.DataObject):
    whole = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        archive = opened(cut)
        for index in range(len(archive.entries)):
            content(archive, index)
    except InvalidInputError:
        pass


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../a.wav", "x/../../a.wav", "x\\a.wav", "..\\a.wav", "C:/a.wav", "a\x01b.wav"]
)
def test_names_that_lead_elsewhere_are_refused_one_by_one(name: str):
    archive = opened(zip_bytes({name: b"x", "good.wav": b"y"}))
    assert names(archive) == ["good.wav"]
    assert list(refused(archive).values()) == ["ZipUnsafePath"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_are_refused(kind: int):
    info = zipfile.ZipInfo("link.wav")
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    assert refused(opened(zipped(info, data=b"/etc/passwd"))) == {"link.wav": "ZipUnsafePath"}


def test_encrypted_files_are_refused():
    data = bytearray(zip_bytes({"a.wav": b"x", "b.wav": b"y"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive = opened(bytes(data))
    assert refused(archive) == {"a.wav": "ZipEncrypted"}
    assert names(archive) == ["b.wav"]


@pytest.mark.parametrize("name", ["more.zip", "more.TAR.GZ", "more.7z", "more.rar"])
def test_archives_inside_are_refused_by_their_name(name: str):
    assert refused(opened(zip_bytes({name: b"x", "a.wav": b"y"}))) == {name: "ZipNested"}


def test_archives_inside_are_refused_by_their_first_bytes():
    archive = opened(zip_bytes({"a.wav": zip_bytes({"b.wav": b"x"})}))
    with pytest.raises(InvalidInputError) as caught:
        content(archive)
    assert caught.value.code == "ZipNested"


def test_names_that_differ_only_in_case_or_accents_collide():
    composed, decomposed = unicodedata.normalize("NFC", "é.wav"), unicodedata.normalize("NFD", "É.wav")
    archive = opened(zip_bytes({"a.wav": b"1", "A.WAV": b"2", composed: b"3", decomposed: b"4"}))
    assert names(archive) == ["a.wav", "é.wav"]
    assert set(refused(archive).values()) == {"ZipDuplicateName"}


def test_what_operating_systems_add_is_passed_over():
    clutter = [
        "__MACOSX/._a.wav",
        "__MACOSX/set/._b.wav",
        ".DS_Store",
        "set/.DS_Store",
        "Thumbs.db",
        "._a.wav",
    ]
    archive = opened(zip_bytes({**dict.fromkeys(clutter, b"x"), "a.wav": b"y"}))
    assert names(archive) == ["a.wav"]
    assert not archive.refused


def test_one_common_folder_is_left_out():
    data = zip_bytes({"set/a.wav": b"1", "set/trans.txt": b"2", "__MACOSX/set/._a.wav": b"3"})
    assert names(opened(data)) == ["a.wav", "trans.txt"]
    assert names(opened(zip_bytes({"one/a.wav": b"1", "two/a.wav": b"2"}))) == ["one/a.wav", "two/a.wav"]


def test_digital_silence_that_compresses_a_thousandfold_is_read():
    silence = bytes(20_000_000)
    data = zip_bytes({"silence.wav": silence})
    assert len(silence) > 900 * len(data)
    assert content(opened(data)) == silence


def test_sizes_are_counted_on_the_bytes_that_come_out_not_on_the_header():
    data = bytearray(zip_bytes({"a.wav": bytes(1_000_000)}))
    place = data.index(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 10)  # the directory lies about the size
    archive = opened(bytes(data), entry_bytes=500_000)
    with pytest.raises(InvalidInputError):
        content(archive)


def test_one_file_and_all_files_together_have_a_limit():
    data = zip_bytes({"a.wav": bytes(600_000), "b.wav": bytes(600_000), "c.wav": bytes(10)})
    archive = opened(data, total_bytes=1_000_000)
    assert len(content(archive, 0)) == 600_000
    for index in (1, 2):
        with pytest.raises(InvalidInputError, match="not read") as caught:
            content(archive, index)
        assert caught.value.code == "SizeLimit"


def test_recordings_over_the_limit_are_refused_and_texts_do_not_count():
    archive = opened(zip_bytes({"a.wav": b"1", "trans.txt": b"2", "b.wav": b"3", "c.wav": b"4"}), entries=2)
    assert names(archive) == ["a.wav", "trans.txt", "b.wav"]
    assert refused(archive) == {"c.wav": "CountLimit"}


def test_a_directory_of_a_million_entries_is_refused_before_it_is_read():
    data = bytearray(WHOLE)
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<I", 100_000_000)
    with pytest.raises(InvalidInputError) as caught:
        opened(bytes(data))
    assert caught.value.code == "CountLimit"


def test_a_wrong_checksum_is_noticed():
    data = bytearray(zipped(zipfile.ZipInfo("a.wav"), data=b"sound" * 100))
    data[data.index(b"soundsound")] ^= 1
    with pytest.raises(InvalidInputError) as caught:
        content(opened(bytes(data)))
    assert caught.value.code == "ZipDamaged"


def test_an_unknown_compression_is_told_by_name():
    data = bytearray(zip_bytes({"a.wav": b"x" * 100}))
    for start, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.index(start) + place
        data[at : at + 2] = struct.pack("<H", 9)  # Deflate64, as Windows makes for large files
    with pytest.raises(InvalidInputError, match="Deflate") as caught:
        content(opened(bytes(data)))
    assert caught.value.code == "ZipMethodUnsupported"


@pytest.mark.parametrize("name", ["تسجيل.wav", "录音一.wav", "café\u0301 ñ.wav", "🙂.wav", "Ünïcödé.wav"])
def test_names_in_any_script_come_out_composed(name: str):
    archive = opened(zip_bytes({name: b"x"}))
    assert names(archive) == [unicodedata.normalize("NFC", name)]
    assert content(archive) == b"x"


@pytest.mark.parametrize(
    ("name", "encoding", "locale"),
    [
        ("录音.wav", "utf-8", "de-DE"),  # macOS does not mark its UTF-8
        ("录音.wav", "gb18030", "zh-CN"),
        ("запись.wav", "cp866", "ru-RU"),
        ("録音ソ.wav", "cp932", "ja-JP"),
        ("Gespräch.wav", "cp437", "de-DE"),
    ],
)
def test_unmarked_names_are_recovered(name: str, encoding: str, locale: str):
    archive = opened(legacy(name, encoding), locale)
    assert names(archive) == [name]
    assert content(archive) == b"x"


def test_the_unicode_path_field_is_believed_when_its_checksum_fits():
    raw = "??.wav"
    body = struct.pack("<BI", 1, zlib.crc32(b"\xff\xfe.wav")) + "录音.wav".encode()
    info = zipfile.ZipInfo("nn.wav")
    info.extra = struct.pack("<HH", 0x7075, len(body)) + body
    assert names(opened(zipped(info).replace(b"nn.wav", b"\xff\xfe.wav"))) == ["录音.wav"]
    assert raw not in names(opened(zipped(info)))
