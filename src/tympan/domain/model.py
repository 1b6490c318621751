"""Models: base models as supplied, custom models as trained here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from tympan.domain.dataset import DatasetKind, StoredFile
from tympan.domain.resource import Resource, Status, WorkedResource


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFile:
    """One file of a model bundle; its blob key is ``sha256/<sha256>``."""

    name: str
    sha256: str
    size_bytes: int

    @property
    def key(self) -> str:
        """Where the bytes are in the blob store."""
        return f"sha256/{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Everything an engine needs to recognise with a model.

    Files: ``model.bin`` (CTranslate2), ``config.json``, ``tokenizer.json``,
    ``vocabulary.txt`` or ``.json``, ``tympan.json`` (``ports.recognizer.BundleInfo``); for
    custom models ``pronunciations.jsonl`` and ``formatting.jsonl``; for base models made ready
    for streams ``partials.bin``.
    """

    engine: str
    files: tuple[BundleFile, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over names and hashes: the same bytes give the same digest."""
        text = "\n".join(f"{f.name} {f.sha256}" for f in sorted(self.files, key=lambda f: f.name))
        return hashlib.sha256(f"{self.engine}\n{text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel(Resource):
    """A model as supplied, offered for one locale.

    Attributes:
        bundle: Its files. A multilingual model is one bundle under several locales.
        family: Such as ``whisper-tiny.en``.
        source: Package, repository or folder it was imported from, with version.
        licence: SPDX identifier.
        released_at: Release date; ``display_name`` is YYYYMMDD of it plus the family.
        adaptation_expires_at: Training is refused from here on; None is never.
        decoding_expires_at: Endpoints fall back from here on; None is never.
        supported_kinds: What it can be adapted with.
    """

    bundle: Bundle
    family: str
    source: str
    licence: str
    released_at: datetime
    adaptation_expires_at: datetime | None = None
    decoding_expires_at: datetime | None = None
    supported_kinds: tuple[DatasetKind, ...] = tuple(DatasetKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomModel(WorkedResource):
    """A model trained here from a base model and datasets.

    Attributes:
        base_model_id: The base model chosen at creation; never changes.
        dataset_ids: In the order given; kept when a dataset is deleted.
        text: Inline adaptation text (v3.x), treated like a Language dataset.
        weight_percent: customModelWeightPercent, 1 to 100; scales the LoRA update.
        settings: Training settings the owner gave (seed, epochs, ...); empty means defaults.
        bundle: Set when training was published.
        decoding_expires_at: Endpoints fall back from here on; None is never.
        files: The training report and its parts.
        summary: Figures from the report worth showing in a list (dev WER before, after).
        origin: Where it was copied from, in words of ``usecases.model_receiving``; empty when
            it was trained here.
    """

    base_model_id: str
    dataset_ids: tuple[str, ...] = ()
    text: str | None = None
    weight_percent: int = 100
    settings: Mapping[str, Any] = field(default_factory=dict)
    bundle: Bundle | None = None
    decoding_expires_at: datetime | None = None
    files: tuple[StoredFile, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)

    def published(
        self, now: datetime, *, bundle: Bundle, files: tuple[StoredFile, ...], summary: Mapping[str, Any]
    ) -> Self:
        """The model once its bundle is stored and the parity check has passed."""
        return replace(
            self,
            status=Status.SUCCEEDED,
            failure=None,
            bundle=bundle,
            files=files,
            summary=summary,
            last_action_at=now,
        )


Model = BaseModel | CustomModel
