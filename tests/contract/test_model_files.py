"""Every implementation of ModelFiles keeps the port's promises."""

import shutil

import pytest

from tympan.backends.model_files import LocalModelFiles
from tympan.domain.errors import ModelDamagedError
from tympan.testing.blobs import MemoryBlobs
from tympan.testing.model_files import FakeModelFiles


class Subject:
    """A pair of model files and a way to lose one of its blobs."""

    def __init__(self, kind, tmp_path):
        self.folder = tmp_path / "models"
        if kind == "fake":
            self.files = FakeModelFiles(self.folder)
            self.lose = lambda file: self.files.contents.pop(file.sha256)
        else:
            blobs = MemoryBlobs()
            self.files = LocalModelFiles(blobs, self.folder)
            self.lose = lambda file: blobs.delete(file.key)


@pytest.fixture(params=["fake", "local"])
def subject(request, tmp_path):
    return Subject(request.param, tmp_path)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights" * 1000)
    (folder / "config.json").write_text("{}")
    (folder / ".hidden").write_text("left out")
    return folder


def test_a_stored_folder_comes_back_file_by_file(subject, source):
    bundle = subject.files.store("engine", source)
    place = subject.files.fetch(bundle)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {
        "model.bin": b"weights" * 1000,
        "config.json": b"{}",
    }


def test_the_same_bytes_give_the_same_digest(subject, source):
    assert subject.files.store("engine", source).digest == subject.files.store("engine", source).digest


def test_fetching_again_after_the_folder_was_deleted_works(subject, source):
    bundle = subject.files.store("engine", source)
    subject.files.fetch(bundle)
    shutil.rmtree(subject.folder)
    assert (subject.files.fetch(bundle) / "config.json").read_text() == "{}"


def test_a_damaged_copy_is_replaced(subject, source):
    bundle = subject.files.store("engine", source)
    (subject.files.fetch(bundle) / "model.bin").write_bytes(b"w" * 7000)  # the same size
    assert (subject.files.fetch(bundle) / "model.bin").read_bytes() == b"weights" * 1000


def test_a_lost_file_is_named(subject, source):
    bundle = subject.files.store("engine", source)
    subject.lose(next(file for file in bundle.files if file.name == "model.bin"))
    with pytest.raises(ModelDamagedError, match=r"model\.bin") as caught:
        subject.files.fetch(bundle)
    assert caught.value.target == "model.bin"


def test_a_failed_copy_leaves_nothing_behind(tmp_path, source):
    blobs, folder = MemoryBlobs(), tmp_path / "models"
    files = LocalModelFiles(blobs, folder)
    bundle = files.store("engine", source)
    blobs.put(bundle.files[-1].key, [b"other bytes"])
    with pytest.raises(ModelDamagedError, match="blob store"):
        files.fetch(bundle)
    assert list(folder.iterdir()) == []
