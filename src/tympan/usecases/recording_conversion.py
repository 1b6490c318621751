"""Turning one uploaded recording into the stored form, and measuring it on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError
from tympan.ports.audio import AudioCodec, AudioInfo
from tympan.ports.blobs import BlobStore
from tympan.speech.findings import Finding, warning
from tympan.speech.voice_share import VoiceMeter
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.dataset_report import RecordingMeasures
from tympan.usecases.spool import Spool, room

_FLAC_MEMORY_BYTES = 4 * 1024 * 1024
_PUBLISHED_RATES_HZ = (8000, 16000)
_PUBLISHED_CODEC = "pcm_s16le"


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A recording in the blob store.

    Attributes:
        audio_key: 16 kHz mono FLAC.
        measures: For the report.
        is_silent: Nothing rises above -60 dBFS.
        findings: Warnings about the uploaded form.
    """

    audio_key: str
    measures: RecordingMeasures
    is_silent: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingConverter:
    """Converts recordings; may be called from several threads."""

    codec: AudioCodec
    blobs: BlobStore
    limits: DatasetLimits

    def convert(self, source: Spool) -> Converted:
        """Decode, measure, encode and store a recording; closes ``source``.

        Memory does not grow with its length.

        Raises:
            InvalidInputError: It is not audio, damaged (``AudioUnreadable``), of no length
                (``AudioEmpty``) or longer than allowed (``AudioTooLong``).
            StorageFullError: No room is left.
        """
        meter = VoiceMeter()
        with source, Spool(_FLAC_MEMORY_BYTES) as flac:
            with room():
                source.file.seek(0)
                reader = self.codec.open(source.file)
                blocks = _within(meter.watch(reader.blocks()), meter, self.limits.recording_s)
                self.codec.write_flac(blocks, flac.file)
            if meter.samples == 0:
                message = "The recording lasts 0 seconds. Record it again, or remove it."
                raise InvalidInputError(message, code="AudioEmpty")
            stored = self.blobs.put_content(flac.chunks())
        measures = RecordingMeasures(
            duration_s=meter.duration_s,
            info=reader.info,
            speech_share=meter.speech_share,
            clipped_share=meter.clipped_share,
        )
        findings = (*_form_findings(reader.info), *_clipping(measures, self.limits.clipped_share))
        return Converted(
            audio_key=stored.key, measures=measures, is_silent=meter.is_silent, findings=findings
        )


def _within(
    blocks: Iterable[NDArray[np.float32]], meter: VoiceMeter, limit_s: float
) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        if meter.duration_s > limit_s:
            raise InvalidInputError(
                f"The recording is longer than {limit_s / 3600:g} hours. Split it.", code="AudioTooLong"
            )
        yield block


def _form_findings(info: AudioInfo) -> Iterator[Finding]:
    """What had to be converted, compared with the published form (WAV, PCM 16 bit, mono, 8 or 16 kHz)."""
    if info.codec != _PUBLISHED_CODEC:
        yield warning(
            "AudioNotPcm16", f"It was converted from {info.container} ({info.codec}) to 16-bit PCM."
        )
    if info.sample_rate_hz not in _PUBLISHED_RATES_HZ:
        yield warning("AudioSampleRate", f"It was converted from {info.sample_rate_hz} Hz to 16000 Hz.")
    if info.channels > 1:
        yield warning("AudioChannels", f"Its {info.channels} channels were mixed into one.")


def _clipping(measures: RecordingMeasures, limit: float) -> Iterator[Finding]:
    if measures.clipped_share > limit:
        message = (
            f"The recording is clipped: {measures.clipped_share:.1%} of it is at full scale. "
            "Record it again at a lower level if you can."
        )
        yield warning("AudioClipped", message)
