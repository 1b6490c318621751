"""What is said of a training before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tympan.domain.model import BaseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One thing that speaks against a training.

    Attributes:
        code: Stable and short.
        text: What is wrong and what to do.
    """

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a training will cost on a CPU, without the gate.

    Attributes:
        cpu_s: CPU seconds to expect.
        low_cpu_s, high_cpu_s: Range in which they should lie.
        memory_bytes: Peak of the training process.
        calibration: ``earlierTrainings`` or ``probe``.
        source: The same as a sentence.
    """

    cpu_s: float
    low_cpu_s: float
    high_cpu_s: float
    memory_bytes: int
    calibration: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A range of gains that were measured.

    Attributes:
        kind: Of the data, as in the published API; ``Text`` for inline text.
        measure: What changes.
        low, high: Relative reduction of errors, 0 to 1; None where that is not the measure.
        source: Where it was measured.
    """

    kind: str
    measure: str
    low: float | None
    high: float | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetAdvice:
    """What is known of one dataset.

    Attributes:
        id: None for inline text.
        kind: As in the published API; ``Text`` for inline text.
        name: Of the dataset.
        usable_lines: What there is to learn from, before anything is listened to.
        skipped: Lines that will be left out, by reason.
        audio_s: Usable audio in seconds.
        rejected: Lines or files that the import refused.
        findings: How often the import found what, by code.
    """

    id: str | None
    kind: str
    name: str
    usable_lines: int
    skipped: Mapping[str, int]
    audio_s: float
    rejected: int
    findings: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """What one kind of data becomes.

    Attributes:
        kind: Of the data.
        lines: Recordings, sentences, entries or rules of it.
        examples: Examples that it becomes in training; 0 where nothing is trained.
        becomes: The same as a sentence.
    """

    kind: str
    lines: int
    examples: int
    becomes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """All that is said before a training.

    Attributes:
        base: To be trained from.
        audio_s: Usable audio in seconds.
        sentences: Different sentences of related text.
        speakers: How many speak; None when the datasets do not say.
        held_out: Recordings that will decide when training stops.
        replay: General sentences that keep the model from forgetting.
        estimate: None when nothing is trained.
        refusals: Why it cannot be trained; empty when it can.
    """

    base: BaseModel
    audio_s: float
    sentences: int
    speakers: int | None
    held_out: int
    replay: int
    datasets: tuple[DatasetAdvice, ...]
    recipe: tuple[Learning, ...]
    estimate: Estimate | None
    gains: tuple[Gain, ...]
    warnings: tuple[Concern, ...]
    refusals: tuple[str, ...]
