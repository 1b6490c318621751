"""What adaptation gave where it was measured; docs/how-adaptation-works.md holds the same table.

A range is what was measured elsewhere. It is no promise: only a test on recordings of one's own is.
"""

from __future__ import annotations

from tympan.domain.dataset import DatasetKind
from tympan.domain.training_advice import Gain

LITTLE_AUDIO_S = 600.0
"""Nothing was measured on less audio than about twice this."""


_WER = "fewer word errors"

AUDIO = Gain(
    kind=DatasetKind.ACOUSTIC.value,
    measure=_WER,
    low=0.07,
    high=0.48,
    source=(
        "Real recordings that nothing was tuned on, base model whisper-base: noisy orders 48 %, telephone "
        "prompts 33 %, accented English of new speakers 16 %, acted dialogue in a language that the base "
        "model hardly knows 7 %."
    ),
)
TEXT = Gain(
    kind=DatasetKind.LANGUAGE.value,
    measure=_WER,
    low=0.0,
    high=0.55,
    source=(
        "55 % on synthetic clinical sentences whose terms stand in the text (whisper-tiny.en, 31.7 % to "
        "14.1 %). On real recordings text alone was not measured, so nothing may be all there is."
    ),
)
PRONUNCIATION = Gain(
    kind=DatasetKind.PRONUNCIATION.value,
    measure="entries written as displayed",
    low=None,
    high=None,
    source="18 of 96 before and 92 of 96 after, on synthetic speech of the spoken forms (whisper-tiny.en).",
)
FORMATTING = Gain(
    kind=DatasetKind.OUTPUT_FORMATTING.value,
    measure="form of the text only; no word is heard better",
    low=None,
    high=None,
    source="Rules are applied to what is recognised.",
)


def with_little_audio(gain: Gain) -> Gain:
    """The same where there is less audio than anything was measured on."""
    return Gain(
        kind=gain.kind,
        measure=gain.measure,
        low=0.0,
        high=gain.high,
        source=f"{gain.source} Measured with 24 min of audio and more; here is less, so expect less.",
    )
