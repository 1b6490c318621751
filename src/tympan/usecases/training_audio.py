"""Local audio files for the examples of a training."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import EngineError
from tympan.ports.audio import SAMPLE_RATE_HZ, AudioCodec
from tympan.ports.blobs import BlobStore
from tympan.ports.synthesizer import Synthesizer, Voice
from tympan.ports.trainer import TrainingExample
from tympan.usecases.training_plan import PlannedExample


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingAudio:
    """Brings recordings and synthetic speech into a folder, named by what they hold.

    Attributes:
        folder: Of this job; what lies there may be deleted at any time.
    """

    blobs: BlobStore
    codec: AudioCodec
    synthesizer: Synthesizer
    locale: str
    folder: Path

    def read(self, audio_key: str) -> NDArray[np.float32]:
        """The samples of an uploaded recording, shape ``(samples,)``, 16 kHz mono.

        Raises:
            NotFoundError: The blob is gone.
        """
        with self._fetched(audio_key).open("rb") as file:
            return self.codec.read_flac(file)

    def speak(self, spoken: str, voice: Voice, rate: float) -> float:
        """Speak a sentence into the folder; returns its length in seconds.

        Raises:
            EngineError: The voice cannot speak it.
        """
        samples = self.synthesizer.synthesize(spoken, voice, rate=rate)
        path = self._spoken_path(spoken, voice.id, rate)
        half_written = self._half_written(path)
        with half_written.open("wb") as file:
            self.codec.write_flac(iter([samples]), file)
        half_written.replace(path)
        return len(samples) / SAMPLE_RATE_HZ

    def materialize(
        self, planned: Sequence[PlannedExample], advance: Callable[[], None]
    ) -> tuple[TrainingExample, ...]:
        """Examples with local files, in their order; what is there already is not made again.

        Raises:
            NotFoundError: A recording is gone from the blob store.
            EngineError: A voice of the plan is not on this machine.
        """
        made: list[TrainingExample] = []
        for example in planned:
            path = self._path(example)
            made.append(
                TrainingExample(
                    audio=str(path), text=example.text, origin=example.origin, duration_s=example.duration_s
                )
            )
            advance()
        return tuple(made)

    def _path(self, example: PlannedExample) -> Path:
        if example.audio_key is not None:
            return self._fetched(example.audio_key)
        path = self._spoken_path(example.spoken, example.voice, example.rate)
        if not path.exists():
            self.speak(example.spoken, self._voice(example.voice), example.rate)
        return path

    def _voice(self, voice_id: str) -> Voice:
        for voice in self.synthesizer.voices(self.locale):
            if voice.id == voice_id:
                return voice
        raise EngineError(
            f"The training was prepared with the voice '{voice_id}', which this machine does not have. "
            "Install the same voices on every worker, then start the training again."
        )

    def _fetched(self, audio_key: str) -> Path:
        path = self.folder / f"{audio_key.rpartition('/')[2]}.flac"
        if not path.exists():
            half_written = self._half_written(path)
            with half_written.open("wb") as file:
                file.writelines(self.blobs.stream(audio_key))
            half_written.replace(path)
        return path

    def _spoken_path(self, spoken: str, voice_id: str, rate: float) -> Path:
        name = hashlib.sha256(f"{voice_id}|{rate}|{spoken}".encode()).hexdigest()
        return self.folder / f"spoken-{name}.flac"

    def _half_written(self, path: Path) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return path.with_suffix(".part")
