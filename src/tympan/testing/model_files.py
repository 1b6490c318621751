"""Model files and base models out of nothing."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from tympan.domain.errors import InvalidInputError, ModelDamagedError
from tympan.domain.model import Bundle, BundleFile
from tympan.ports.model_files import SuppliedModel


class FakeModelFiles:
    """Keeps the files of bundles in a dictionary and unpacks them under a folder.

    Args:
        folder: For ``fetch``.

    Attributes:
        contents: Bytes by SHA-256; a test may take one away or change it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.contents: dict[str, bytes] = {}

    def fetch(self, bundle: Bundle) -> Path:
        """Write the bundle's files into a folder named by its digest."""
        place = self._folder / bundle.digest
        place.mkdir(parents=True, exist_ok=True)
        for file in bundle.files:
            data = self.contents.get(file.sha256, b"")
            if hashlib.sha256(data).hexdigest() != file.sha256:
                raise ModelDamagedError(
                    f"The model file {file.name} is damaged. Import the model again.", target=file.name
                )
            (place / file.name).write_bytes(data)
        return place

    def store(self, engine: str, folder: Path) -> Bundle:
        """Remember every file of a folder."""
        files = []
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                data = path.read_bytes()
                sha256 = hashlib.sha256(data).hexdigest()
                self.contents[sha256] = data
                files.append(BundleFile(name=path.name, sha256=sha256, size_bytes=len(data)))
        return Bundle(engine=engine, files=tuple(files))


class FakeModelSupply:
    """Supplies tiny bundles of two files.

    Args:
        locales: By the name of the source; these are the installed ones.
    """

    def __init__(self, locales: dict[str, tuple[str, ...]] | None = None) -> None:
        self._locales = {"starter-tiny": ("en-US", "en-GB")} if locales is None else locales

    def installed(self) -> tuple[str, ...]:
        """The sources it was made with."""
        return tuple(self._locales)

    def bring(self, source: str, into: Path) -> SuppliedModel:
        """Write a bundle whose bytes follow from the source's name."""
        if source not in self._locales:
            raise InvalidInputError(f"'{source}' is not a source of base models.", target="source")
        (into / "model.bin").write_bytes(f"weights of {source}".encode())
        (into / "tympan.json").write_text('{"family": "whisper-fake", "is_multilingual": false}\n')
        return SuppliedModel(
            folder=into,
            engine="fake",
            family="whisper-fake",
            locales=self._locales[source],
            languages=tuple(sorted({locale.partition("-")[0] for locale in self._locales[source]})),
            source=f"{source} 1.0",
            licence="MIT",
            released_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
