"""What a model was made of, so that its training can be repeated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import tympan
from tympan.domain.dataset import Dataset
from tympan.domain.model import BaseModel, CustomModel
from tympan.ports.trainer import TrainingExample, TrainingSettings
from tympan.usecases.training_plan import StoredPlan

_VERSION = 1
_TEXT_DIGEST_LENGTH = 16

CODE = (
    "backends/synth_flite.py",
    "backends/synth_pico.py",
    "backends/synthesizers.py",
    "backends/trainer_whisper.py",
    "ports/trainer.py",
    "speech/audio_context.py",
    "speech/dev_split.py",
    "speech/label_style.py",
    "speech/manifest_lines.py",
    "speech/metrics.py",
    "speech/ordinary_words",
    "speech/rewriting.py",
    "speech/term_text.py",
    "speech/text",
    "speech/voice_share.py",
    "training",
    "usecases/training_audio.py",
    "usecases/training_material.py",
    "usecases/training_preparation.py",
    "usecases/training_settings.py",
)
"""Files and folders of the package that decide what a training makes of its data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """One dataset as it was read.

    Attributes:
        id, name: Of the dataset.
        manifest: Key of its manifest, which is named by its content and names every recording
            by its content.
    """

    id: str
    name: str
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """What a training was made of, and what came of it.

    Attributes:
        code_version: Of the product.
        code_sha256: Of the code that decides what a training makes of its data (``CODE``).
        base_model_id, base_model_name: The base model.
        base_model_sha256: Digest of its bundle.
        datasets: In the order they were read.
        text_sha256: Of the inline text; None without one.
        settings: All of ``ports.trainer.TrainingSettings`` by name, the seed among them.
        plan_sha256: Of the examples that came of all this.
        voices: That spoke for it.
        versions: Of the libraries that did the work.
        conditions: What may change the last bits of a result, see ``ports.trainer.Trainer``.
        speech_sha256: Of the synthetic speech; None when nothing was trained.
        texts: A digest of what the trained weights wrote for each recording of the parity check.
        was_code_replaced: The product was updated between two steps.
    """

    code_version: str
    code_sha256: str
    base_model_id: str
    base_model_name: str
    base_model_sha256: str
    datasets: tuple[DataSource, ...]
    text_sha256: str | None
    settings: Mapping[str, Any]
    plan_sha256: str
    voices: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    speech_sha256: str | None = None
    texts: tuple[str, ...] = ()
    was_code_replaced: bool = False

    def as_document(self) -> dict[str, Any]:
        """The passport as JSON values, as it stands in the training report."""
        return {"schemaVersion": _VERSION} | {
            _camel(name): [asdict(one) for one in value] if name == "datasets" else _plain(value)
            for name, value in ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Passport:
        """Read what ``as_document`` gave, after a journey through JSON."""
        values = {name: document[_camel(name)] for name in cls.__dataclass_fields__}
        sources = tuple(DataSource(**one) for one in values["datasets"])
        lists = {name: tuple(values[name]) for name in ("voices", "texts")}
        return cls(**values | lists | {"datasets": sources})


def passport_of(
    model: CustomModel,
    base: BaseModel,
    datasets: Iterable[Dataset],
    settings: TrainingSettings,
    plan: StoredPlan,
) -> Passport:
    """What is known of a training once its plan is made."""
    spoken = (one for one in (*plan.examples, *plan.dev) if one.audio_key is None)
    return Passport(
        code_version=tympan.__version__,
        code_sha256=code_sha256(),
        base_model_id=base.id,
        base_model_name=base.display_name,
        base_model_sha256=base.bundle.digest,
        datasets=tuple(
            DataSource(id=one.id, name=one.display_name, manifest=str(one.manifest_key)) for one in datasets
        ),
        text_sha256=_sha256((model.text or "").encode()) if model.text else None,
        settings=asdict(settings),
        plan_sha256=plan_sha256(plan),
        voices=tuple(sorted({one.voice for one in spoken})),
    )


def plan_sha256(plan: StoredPlan) -> str:
    """Equal for plans that train on the same; names of datasets, which may change, do not count."""
    document = plan.as_document()
    kept = {name: document[name] for name in ("language", "locale", "examples", "dev", "parity")}
    return _sha256(json.dumps(kept, sort_keys=True).encode())


def speech_sha256(examples: Sequence[TrainingExample], uploaded: Iterable[str]) -> str:
    """Of the files of synthetic speech among examples, whatever their order.

    Args:
        examples: With local files.
        uploaded: Blob keys of uploaded recordings, whose files are named by their content.
    """
    known = {f"{key.rpartition('/')[2]}.flac" for key in uploaded}
    paths = {Path(one.audio).name: Path(one.audio) for one in examples}
    lines = (f"{name} {_file_sha256(paths[name])}\n" for name in sorted(paths.keys() - known))
    return _sha256("".join(lines).encode())


def text_digests(texts: Iterable[str]) -> tuple[str, ...]:
    """Short digests of texts, to find out later whether they are equal without keeping them."""
    return tuple(_sha256(text.encode())[:_TEXT_DIGEST_LENGTH] for text in texts)


def code_sha256() -> str:
    """Of the code that decides what a training makes of its data."""
    package = resources.files("tympan")
    digest = hashlib.sha256()
    for name in CODE:
        for path, file in _files(name, package.joinpath(name)):
            digest.update(f"{path}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _files(path: str, place: Traversable) -> Iterator[tuple[str, Traversable]]:
    if place.is_file():
        yield path, place
        return
    for inner in sorted(place.iterdir(), key=lambda one: one.name):
        if inner.name.endswith((".py", ".txt")) or (inner.is_dir() and inner.name != "__pycache__"):
            yield from _files(f"{path}/{inner.name}", inner)


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value
