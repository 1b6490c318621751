"""The container of CTranslate2 models: ``model.bin``, format version 6.

Source: ``ctranslate2/specs/model_spec.py`` (``_serialize``) and ``src/models/model.cc``.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError, ModelDamagedError

FORMAT_VERSION = 6
_MAX_TENSORS = 100_000
_MAX_RANK = 8

# Codes of the format; bfloat16 has no numpy type and is read through its bits.
_BFLOAT16 = 5
_TYPES: Mapping[int, np.dtype[np.generic]] = {
    0: np.dtype(np.float32),
    1: np.dtype(np.int8),
    2: np.dtype(np.int16),
    3: np.dtype(np.int32),
    4: np.dtype(np.float16),
    _BFLOAT16: np.dtype(np.uint16),
}
_CODES = {dtype: code for code, dtype in _TYPES.items() if code != _BFLOAT16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ct2File:
    """What a ``model.bin`` holds.

    Attributes:
        spec: Name of the model specification, such as ``WhisperSpec``.
        revision: Revision of that specification.
        tensors: By name such as ``decoder/layer_0/ffn/linear_0/weight``; numbers are
            tensors of rank 0.
        aliases: From a second name to the name of the tensor it stands for.
    """

    spec: str
    revision: int
    tensors: Mapping[str, NDArray[np.generic]]
    aliases: Mapping[str, str]


def read_ct2(path: Path) -> Ct2File:
    """Read a model file; tensors are copies, so the file may go.

    Raises:
        InvalidInputError: It is not a CTranslate2 model of version 6.
        ModelDamagedError: There is no such file, or it ends early or holds nonsense.
    """
    with _mapped(path) as data:
        cursor = _Cursor(data, path)
        version = cursor.number("<I")
        if version != FORMAT_VERSION:
            raise InvalidInputError(
                f"{path.name} says format version {version}, but CTranslate2 models of version "
                f"{FORMAT_VERSION} are read. Convert the model again with CTranslate2 4.",
                target=path.name,
            )
        spec, revision = cursor.text(), cursor.number("<I")
        count = cursor.number("<I")
        if count > _MAX_TENSORS:
            raise cursor.damage(f"it claims {count} tensors")
        tensors = dict(cursor.tensor() for _ in range(count))
        aliases = {cursor.text(): cursor.text() for _ in range(cursor.number("<I"))}
    return Ct2File(spec=spec, revision=revision, tensors=tensors, aliases=aliases)


def write_ct2(path: Path, file: Ct2File) -> None:
    """Write a model file; tensors of float32, float16, int8, int16 or int32."""
    with path.open("wb") as out:
        out.write(struct.pack("<I", FORMAT_VERSION))
        out.write(_packed_text(file.spec))
        out.write(struct.pack("<II", file.revision, len(file.tensors)))
        for name, tensor in file.tensors.items():
            out.write(_packed_text(name))
            out.write(struct.pack(f"<B{tensor.ndim}I", tensor.ndim, *tensor.shape))
            out.write(struct.pack("<BI", _CODES[tensor.dtype], tensor.nbytes))
            out.write(np.ascontiguousarray(tensor).tobytes())
        out.write(struct.pack("<I", len(file.aliases)))
        for alias, name in file.aliases.items():
            out.write(_packed_text(alias) + _packed_text(name))


def _packed_text(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return struct.pack("<H", len(raw)) + raw


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data
    except FileNotFoundError:
        raise ModelDamagedError(
            f"{path.name} is missing from the model folder. Import the model again.", target=path.name
        ) from None
    except ValueError as error:
        # mmap refuses an empty file this way.
        raise ModelDamagedError(f"{path.name} is empty. Import the model again.", target=path.name) from error


class _Cursor:
    """Reads values one after the other and knows where it stands."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self._path = path
        self._at = 0

    def damage(self, what: str) -> ModelDamagedError:
        return ModelDamagedError(
            f"{self._path.name} is damaged near byte {self._at}: {what}. Import the model again.",
            target=self._path.name,
        )

    def _take(self, size: int) -> bytes:
        raw = self._data[self._at : self._at + size]
        if len(raw) != size:
            raise self.damage(f"{size} bytes were expected, but the file ends after {len(raw)}")
        self._at += size
        return raw

    def number(self, form: str) -> int:
        value: int = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return value

    def text(self) -> str:
        raw = self._take(self.number("<H"))
        try:
            return raw.rstrip(b"\0").decode()
        except UnicodeDecodeError:
            raise self.damage("a name is not text") from None

    def tensor(self) -> tuple[str, NDArray[np.generic]]:
        name, rank = self.text(), self.number("<B")
        if rank > _MAX_RANK:
            raise self.damage(f"tensor '{name}' claims {rank} dimensions")
        shape = tuple(self.number("<I") for _ in range(rank))
        code, size = self.number("<B"), self.number("<I")
        dtype = _TYPES.get(code)
        if dtype is None or size != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
            raise self.damage(f"tensor '{name}' has type {code}, shape {shape} and {size} bytes")
        values = np.frombuffer(self._take(size), dtype=dtype).reshape(shape)
        return name, _widened(values) if code == _BFLOAT16 else values


def _widened(bits: NDArray[np.generic]) -> NDArray[np.generic]:
    # bfloat16 is the upper half of a float32.
    return (bits.astype(np.uint32) << 16).view(np.float32)
