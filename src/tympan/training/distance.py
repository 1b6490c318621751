"""How far apart two trainings ended."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from tympan.domain.errors import ModelDamagedError
from tympan.training.ct2_file import Ct2File, read_ct2
from tympan.training.weights import MODEL_FILE, as_float32


def update_distance(base: Path, first: Path, second: Path) -> float:
    """Distance as ``ports.trainer.Trainer.update_distance`` promises."""
    start, one, other = (read_ct2(folder / MODEL_FILE) for folder in (base, first, second))
    apart = learnt = 0.0
    for name in _weights(one):
        try:
            values = [as_float32(file, name).astype(np.float64) for file in (start, one, other)]
            apart += float(np.square(values[1] - values[2]).sum())
            learnt += float(np.square(values[1] - values[0]).sum())
        except (KeyError, ValueError) as error:
            raise ModelDamagedError(
                f"The tensor {name} is missing or has another shape in one of the models, so they cannot be "
                "compared. They are not of one architecture, or a file is damaged.",
                target=MODEL_FILE,
            ) from error
    if apart == 0:
        return 0.0
    return math.sqrt(apart / learnt) if learnt else math.inf


def _weights(file: Ct2File) -> list[str]:
    return [name for name, values in file.tensors.items() if values.ndim and not name.endswith("_scale")]
