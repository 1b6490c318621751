"""Tensors out of a file that ``torch.save`` wrote, without torch."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import ModelDamagedError

_STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Read a state dictionary.

    The file is a zip of a pickle, which names tensors, and of their raw values. A pickle can
    call anything; here it can only build a dictionary of tensors, whatever it asks for.

    Args:
        path: As ``torch.save`` writes it since version 1.6.

    Returns:
        Arrays by name, float32 or int64.

    Raises:
        ModelDamagedError: It is not such a file, or asks for more than tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            [pickled] = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            folder = pickled.removesuffix("data.pkl")
            found = _TensorsOnly(archive.read(pickled), archive, folder).load()
            return {str(name): np.array(value) for name, value in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error
    except (pickle.UnpicklingError, EOFError, IndexError) as error:
        raise _damaged(path, error) from error


class _TensorsOnly(pickle.Unpickler):
    """Knows the few names that a dictionary of tensors needs."""

    def __init__(self, pickled: bytes, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(io.BytesIO(pickled))
        self._archive = archive
        self._folder = folder

    def find_class(self, module_name: str, global_name: str, /) -> Any:  # noqa: ANN401
        if (module_name, global_name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module_name, global_name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module_name == "torch" and global_name in _STORAGES:
            return _STORAGES[global_name]
        raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}")

    def persistent_load(self, pid: Any, /) -> NDArray[Any]:  # noqa: ANN401
        _, dtype, key, _, _ = pid
        return np.frombuffer(self._archive.read(f"{self._folder}data/{key}"), dtype)


def _tensor(
    storage: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> NDArray[Any]:
    """A tensor as torch describes it: a view of its storage."""
    steps = [stride * storage.itemsize for stride in strides]
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if min((offset, *shape, *strides), default=0) < 0 or last >= storage.size:
        raise ValueError("a tensor reaches beyond its values")
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)


def _damaged(path: Path, error: Exception) -> ModelDamagedError:
    return ModelDamagedError(
        f"{path.name} holds no readable weights: {error}. Install its package again.", target=path.name
    )
