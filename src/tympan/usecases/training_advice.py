"""What can be said of a training before it begins."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.training_advice import Advice, DatasetAdvice, Gain, Learning
from tympan.ports.blobs import BlobStore
from tympan.ports.store import Store
from tympan.ports.synthesizer import Synthesizer, Voice
from tympan.ports.trainer import Trainer, TrainingSettings
from tympan.speech.audio_context import unadapted_context_s
from tympan.speech.dev_split import dev_indexes
from tympan.speech.languages import whisper_language
from tympan.speech.term_text import carry, pick_sentences
from tympan.usecases.models import Models, NewModel
from tympan.usecases.training_estimate import Estimator, Work
from tympan.usecases.training_gain import (
    AUDIO,
    FORMATTING,
    LITTLE_AUDIO_S,
    PRONUNCIATION,
    TEXT,
    with_little_audio,
)
from tympan.usecases.training_material import Material, collect
from tympan.usecases.training_preparation import LEAST_REPLAY, MOST_DEV, MOST_SENTENCES, VOICES_A_SENTENCE
from tympan.usecases.training_settings import checked_settings
from tympan.usecases.training_warnings import warnings_of

_CHARACTERS_A_SECOND = 14.0
"""Of synthetic speech; an estimate for voices that are not asked to speak yet."""

_LARGEST_REPORT_BYTES = 8 * 1024**2
"""Of an import report; the findings of a longer one are left to its reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisor:
    """Looks at the data of a training before it begins; listens to nothing and trains nothing.

    Attributes:
        models: Refuses what could not even be asked for.
        trainer: Knows the general sentences.
        synthesizer: Knows the voices; those of the machine that trains are meant.
    """

    store: Store
    blobs: BlobStore
    models: Models
    trainer: Trainer
    synthesizer: Synthesizer

    def advise(self, new: NewModel) -> Advice:
        """Say what a training would use, cost and may give.

        Raises:
            ServiceError: It could not be created; see ``Models.check``.
        """
        base = self.models.check(new)
        settings = checked_settings(new.settings, 100)
        material = collect(self.store, self.blobs, tuple(dict.fromkeys(new.dataset_ids)), new.text)
        voices = self.synthesizer.voices(base.locale)
        language = whisper_language(base.locale)
        outlook = _Outlook(material, voices, language or "", settings, self._general(language))
        refusals = tuple(_refusals(material, voices, base.locale, language))
        audio_s = sum(utterance.duration_s for utterance, _ in material.recordings)
        is_trained = bool(outlook.durations_s) and not refusals
        return Advice(
            base=base,
            audio_s=audio_s,
            sentences=len({text for text, _ in material.sentences}),
            speakers=_speakers(material),
            held_out=outlook.held_out,
            replay=outlook.replay,
            datasets=self._datasets(material),
            recipe=tuple(outlook.recipe()),
            estimate=self._estimator.estimate(base, outlook.work()) if is_trained else None,
            gains=() if refusals else tuple(_gains(material, audio_s)),
            warnings=tuple(warnings_of(material, base.locale, voices, _speakers(material))),
            refusals=refusals,
        )

    @property
    def _estimator(self) -> Estimator:
        return Estimator(store=self.store, blobs=self.blobs)

    def _general(self, language: str | None) -> Sequence[str]:
        return () if language is None else self.trainer.replay_sentences(language)

    def _datasets(self, material: Material) -> tuple[DatasetAdvice, ...]:
        used = [(id(tally), one.duration_s) for one, tally in material.recordings]
        used += [(id(tally), 0.0) for _, tally in (*material.sentences, *material.entries)]
        lines, audio_s = Counter(owner for owner, _ in used), defaultdict[int, float](float)
        for owner, duration_s in used:
            audio_s[owner] += duration_s
        with self.store.read() as tx:
            found = {one.id: tx.datasets.find(one.id) for one in material.tallies if one.id is not None}
        made = []
        for tally in material.tallies:
            dataset, use = found.get(tally.id or ""), tally.as_use()
            made.append(
                DatasetAdvice(
                    id=use.id,
                    kind=use.kind,
                    name=use.name,
                    usable_lines=use.used_lines + lines[id(tally)],
                    skipped=use.skipped,
                    audio_s=round(audio_s[id(tally)], 1),
                    rejected=dataset.counts.rejected if dataset else 0,
                    findings=self._findings(dataset) if dataset else {},
                )
            )
        return tuple(made)

    def _findings(self, dataset: Dataset) -> Mapping[str, int]:
        """What the import found, from its report."""
        for file in dataset.files:
            is_report = file.kind == "DatasetReport" and file.name.endswith(".json")
            if is_report and file.size_bytes <= _LARGEST_REPORT_BYTES:
                report: dict[str, Any] = json.loads(b"".join(self.blobs.stream(file.key)))
                return dict(Counter(issue["code"] for issue in report.get("issues", ())))
        return {}


class _Outlook:
    """What preparation will make of the material, as far as that is known without listening and speaking."""

    def __init__(
        self,
        material: Material,
        voices: Sequence[Voice],
        language: str,
        settings: TrainingSettings,
        general: Sequence[str],
    ) -> None:
        self._material, self._voices, self._settings = material, voices, settings
        ways = VOICES_A_SENTENCE if voices else 0
        groups = [utterance.group for utterance, _ in material.recordings]
        held_out = dev_indexes(groups, settings.seed)
        dev = [material.recordings[at][0].duration_s for at in sorted(held_out)][:MOST_DEV]
        self.held_out = len(dev)
        heard = [one.duration_s for at, (one, _) in enumerate(material.recordings) if at not in held_out]
        chosen = pick_sentences([text for text, _ in material.sentences], MOST_SENTENCES, settings.seed)
        taught = [text.spoken for entry, _ in material.entries for text in carry(entry, language)]
        self._counts = (len(heard), ways * len(chosen), ways * len(taught))
        spoken = [text for text in (*chosen, *taught) for _ in range(ways)]
        wanted = max(LEAST_REPLAY, len(heard) + len(spoken))
        replay = general[:wanted] if voices and (heard or spoken) else ()
        self.replay = len(replay)
        self._spoken_s = [max(1.0, len(text) / _CHARACTERS_A_SECOND) for text in (*spoken, *replay)]
        # Held-out recordings are decoded several times, which costs as much as training on them.
        self.durations_s = [*heard, *self._spoken_s, *dev] if heard or spoken else []

    def work(self) -> Work:
        """How much there is to do."""
        cost = sum(voice.cost for voice in self._voices) / max(1, len(self._voices))
        return Work(
            shown_s=sum(map(unadapted_context_s, self.durations_s)),
            spoken_cpu_s=cost * sum(self._spoken_s),
            epochs=self._settings.epochs,
        )

    def recipe(self) -> Iterator[Learning]:
        """What each kind of data becomes."""
        material, (heard, told, taught) = self._material, self._counts
        rank = self._settings.lora_rank
        if material.recordings:
            becomes = f"LoRA weights of rank {rank} in the decoder, learnt from the recordings as they are"
            yield Learning(
                kind=DatasetKind.ACOUSTIC.value,
                lines=len(material.recordings),
                examples=heard,
                becomes=f"{becomes}; {self.held_out} are held out to decide when to stop.",
            )
        if material.sentences:
            how = f"spoken by {VOICES_A_SENTENCE} synthetic voices, then learnt like recordings."
            yield Learning(
                kind=DatasetKind.LANGUAGE.value,
                lines=len(material.sentences),
                examples=told,
                becomes=f"At most {MOST_SENTENCES:,} sentences {how}"
                if told
                else "Nothing: no voice speaks it.",
            )
        if material.entries:
            yield Learning(
                kind=DatasetKind.PRONUNCIATION.value,
                lines=len(material.entries),
                examples=taught,
                becomes="A rule and a term to listen for, which act at once; and sentences that speak it."
                if taught
                else "A rule and a term to listen for, which act at once.",
            )
        if material.rules:
            yield Learning(
                kind=DatasetKind.OUTPUT_FORMATTING.value,
                lines=len(material.rules),
                examples=0,
                becomes="Rules for the text that is written; nothing is trained.",
            )


def _refusals(
    material: Material, voices: Sequence[Voice], locale: str, language: str | None
) -> Iterator[str]:
    if language is None:
        yield f"No Whisper model knows the language of {locale}."
    is_spoken = bool(material.sentences and voices)
    if material.recordings or is_spoken or material.entries or material.rules:
        return
    reasons = [
        f"{use.name}: {count} x {reason}"
        for use in (tally.as_use() for tally in material.tallies)
        for reason, count in use.skipped.items()
    ]
    if material.sentences:
        reasons.append(f"no voice on this machine speaks {locale}, so text cannot be turned into speech.")
    detail = f" Left out: {' '.join(reasons)}" if reasons else ""
    yield (
        f"There is nothing to train on.{detail} Add transcribed recordings of at most 30 s, related text in "
        "a language that has a voice here, or pronunciations."
    )


def _speakers(material: Material) -> int | None:
    groups = {one.group for one, _ in material.recordings if one.group != one.name}
    return len(groups) or None


def _gains(material: Material, audio_s: float) -> Iterator[Gain]:
    if material.recordings:
        yield AUDIO if audio_s >= LITTLE_AUDIO_S else with_little_audio(AUDIO)
    if material.sentences:
        yield TEXT
    if material.entries:
        yield PRONUNCIATION
    if material.rules:
        yield FORMATTING
