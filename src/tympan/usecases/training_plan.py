"""What ``prepare`` leaves for the later steps of a training: recipes for every example.

The plan is a blob, so that any machine may go on with the job. It holds no audio: uploaded
recordings are blobs already, and synthetic speech is spoken again from its recipe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tympan.domain.errors import InvalidStateError

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedExample:
    """How to come by one example.

    Attributes:
        text: What the model shall write.
        origin: As in ``ports.trainer.TrainingExample``.
        duration_s: Length of the audio in seconds.
        audio_key: Blob of an uploaded recording; None for synthetic speech.
        spoken: What a voice says; ``voice`` and ``rate`` how.
    """

    text: str
    origin: str
    duration_s: float
    audio_key: str | None = None
    spoken: str = ""
    voice: str = ""
    rate: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetUse:
    """What a training made of one dataset.

    Attributes:
        id: The dataset; None for the inline text.
        kind: As in the published API; ``Text`` for the inline text.
        used_lines: Lines trained on, or held out for dev.
        skipped: Lines left out, by reason.
        samples: Names of some of the lines left out, by reason.
        used_audio_s: Seconds of uploaded audio used.
        is_text_only: Its recordings were too long, so only their text was used.
        warnings: Sentences for the owner.
    """

    id: str | None
    kind: str
    name: str
    used_lines: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    samples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    used_audio_s: float = 0.0
    is_text_only: bool = False
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """The whole plan of a training.

    Attributes:
        language: Whisper code.
        locale: BCP-47 tag.
        examples: To train on, replay included.
        dev: Held out.
        parity: Recordings for the parity check: dev, or some of the examples.
        general: The owner's everyday recordings that the model is held against.
        uses: What became of each dataset.
        warnings: Sentences for the owner about the training as a whole.
    """

    language: str
    locale: str
    examples: tuple[PlannedExample, ...]
    dev: tuple[PlannedExample, ...]
    parity: tuple[PlannedExample, ...]
    uses: tuple[DatasetUse, ...]
    warnings: tuple[str, ...] = ()
    general: tuple[PlannedExample, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return {"version": _VERSION, **asdict(self)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> StoredPlan:
        """Read what ``as_document`` gave, after a journey through JSON.

        Raises:
            InvalidStateError: Another version of the product wrote it.
        """
        if document.get("version") != _VERSION:
            raise InvalidStateError(
                "This training was prepared by another version of Tympan. Start it again with the same data."
            )
        return cls(
            language=document["language"],
            locale=document["locale"],
            examples=tuple(PlannedExample(**one) for one in document["examples"]),
            dev=tuple(PlannedExample(**one) for one in document["dev"]),
            parity=tuple(PlannedExample(**one) for one in document["parity"]),
            uses=tuple(DatasetUse(**one) for one in document["uses"]),
            warnings=tuple(document["warnings"]),
            general=tuple(PlannedExample(**one) for one in document.get("general", ())),
        )

    @property
    def is_trainable(self) -> bool:
        """Whether there is more than rules, which need no training."""
        return bool(self.examples)
