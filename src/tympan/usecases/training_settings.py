"""What owners may set of a training, and what they may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tympan.domain.errors import InvalidInputError
from tympan.ports.trainer import TrainingSettings

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Range:
    """What a number may be, ends included."""

    low: float
    high: float
    is_whole: bool = True


RANGES = {
    "seed": Range(0, 2**31 - 1),
    "epochs": Range(1, 50),
    "learning_rate": Range(1e-7, 1e-1, is_whole=False),
    "batch_size": Range(1, 128),
    "lora_rank": Range(1, 256),
    "patience": Range(1, 100),
}
PERCENT = Range(1, 100)
"""Of ``weight_percent``."""

GENERAL_DATASET = "general_dataset"
"""Id of a dataset of everyday recordings that the trained model must hear as well as its base model."""

SETTABLE = (*RANGES, "device", GENERAL_DATASET)
"""Names an owner may give; ``weight_percent`` is a member of the model itself."""


def checked_settings(settings: Mapping[str, Any], weight_percent: int) -> TrainingSettings:
    """The training settings an owner asked for, defaults filled in.

    Args:
        settings: By field name of ``TrainingSettings``; a value of None takes the default.
        weight_percent: 1 to 100.

    Raises:
        InvalidInputError: A name is unknown, or a value is of the wrong type or out of range.
    """
    for name, value in settings.items():
        if value is not None:
            _check(name, value)
        elif name not in SETTABLE:
            raise _unknown(name)
    if not _fits(PERCENT, weight_percent):
        raise InvalidInputError(
            f"customModelWeightPercent is {weight_percent}; it must be a whole number from 1 to 100.",
            target="properties.customModelWeightPercent",
        )
    given = {name: value for name, value in settings.items() if value is not None and name != GENERAL_DATASET}
    return TrainingSettings(**given, weight_percent=weight_percent)


def general_dataset_of(settings: Mapping[str, Any]) -> str | None:
    """The id of the dataset that a trained model is held against, if its owner named one."""
    value = settings.get(GENERAL_DATASET)
    return str(value) if value is not None else None


def _check(name: str, value: object) -> None:
    if name == GENERAL_DATASET:
        if not isinstance(value, str) or not value:
            raise InvalidInputError(
                f"{name} is {value!r}; give the id of a dataset.", target=f"settings.{name}"
            )
        return
    if name == "device":
        if value not in DEVICES:
            raise InvalidInputError(f"device is '{value}'; use auto, cpu or cuda.", target="settings.device")
        return
    wanted = RANGES.get(name)
    if wanted is None:
        raise _unknown(name)
    if not _fits(wanted, value):
        kind = "a whole number" if wanted.is_whole else "a number"
        raise InvalidInputError(
            f"{name} is {value!r}; it must be {kind} from {wanted.low:g} to {wanted.high:g}.",
            target=f"settings.{name}",
        )


def _fits(wanted: Range, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (isinstance(value, int) or not wanted.is_whole) and wanted.low <= value <= wanted.high


def _unknown(name: str) -> InvalidInputError:
    hint = (
        " Give it as customModelWeightPercent." if name in {f.name for f in fields(TrainingSettings)} else ""
    )
    return InvalidInputError(
        f"'{name}' is not a training setting.{hint} Known are: {', '.join(sorted(SETTABLE))}.",
        target=f"settings.{name}",
    )
