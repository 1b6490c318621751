"""From material to plan: what is listened to, what is spoken, what is held out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, product

import numpy as np

from tympan.domain.errors import EngineError, InvalidInputError
from tympan.domain.manifest import Utterance
from tympan.ports.synthesizer import Voice
from tympan.speech.dev_split import dev_indexes
from tympan.speech.term_text import SpokenText, carry, pick_sentences
from tympan.speech.voice_share import VoiceMeter
from tympan.usecases.training_audio import TrainingAudio
from tympan.usecases.training_material import Material, Tally
from tympan.usecases.training_plan import PlannedExample, StoredPlan

MOST_SENTENCES = 2000
"""Most sentences that are spoken."""

VOICES_A_SENTENCE = 2
"""Voices, or paces of one voice, that speak each."""

_RATES = (1.0, 0.9, 1.12)
LEAST_REPLAY = 40
"""Fewest general sentences; else as many as there are examples."""

_MOST_PARITY = 30
MOST_DEV = 128
"""Most recordings held out."""

_MOST_GENERAL = 200
_LISTENING_SHARE = 0.4
"""Share of the progress bar for listening to uploaded recordings."""

REPLAY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Makes the plan of one training.

    Attributes:
        material: What there is.
        audio: Reads and speaks.
        language: Whisper code.
        seed: Of the choice of sentences and of what is held out.
        replay: General sentences to be spoken.
        report: Takes a fraction, 0 to 1, and a sentence.
    """

    material: Material
    audio: TrainingAudio
    language: str
    seed: int
    replay: Sequence[str]
    report: Callable[[float, str], None]

    def plan(self) -> StoredPlan:
        """Listen, speak, choose.

        Raises:
            InvalidInputError: Nothing can be trained on; the message says why (code
                ``NothingToTrainOn``).
        """
        heard = self._heard()
        held_out = dev_indexes([utterance.group for utterance, _ in heard], self.seed)
        examples = [
            _uploaded(utterance) for index, (utterance, _) in enumerate(heard) if index not in held_out
        ]
        dev = [_uploaded(heard[index][0]) for index in sorted(held_out)][:MOST_DEV]
        for utterance, tally in heard:
            tally.used_lines += 1
            tally.used_audio_s += utterance.duration_s
        voices = self._voices()
        warnings = self._voice_warnings(voices)
        examples += self._spoken(voices)
        self._check(examples)
        if examples:
            examples += self._replay(voices, max(LEAST_REPLAY, len(examples)))
        return StoredPlan(
            language=self.language,
            locale=self.audio.locale,
            examples=tuple(examples),
            dev=tuple(dev),
            parity=tuple(_spread(dev or [e for e in examples if e.origin != REPLAY], _MOST_PARITY)),
            uses=tuple(tally.as_use() for tally in self.material.tallies),
            warnings=tuple(warnings),
            general=self._general(),
        )

    def _general(self) -> tuple[PlannedExample, ...]:
        """The owner's everyday recordings; what is trained on as well tells nothing."""
        known = {utterance.audio_key for utterance, _ in self.material.recordings}
        unseen = [one for one in self.material.general if one.audio_key not in known]
        return tuple(_spread([_uploaded(one) for one in unseen], _MOST_GENERAL))

    def _heard(self) -> list[tuple[Utterance, Tally]]:
        """The recordings that hold sound."""
        kept: list[tuple[Utterance, Tally]] = []
        total = len(self.material.recordings)
        for number, (utterance, tally) in enumerate(self.material.recordings, start=1):
            meter = VoiceMeter()
            for _ in meter.watch([np.asarray(self.audio.read(utterance.audio_key), dtype=np.float32)]):
                pass
            if meter.is_silent:
                tally.skip("The recording is silent.", utterance.name)
            else:
                kept.append((utterance, tally))
            self.report(_LISTENING_SHARE * number / total, f"Checking recording {number} of {total}")
        return kept

    def _voices(self) -> list[tuple[Voice, float]]:
        """Every way to speak: all voices at their own pace first, then slower and faster."""
        voices = self.audio.synthesizer.voices(self.audio.locale)
        return [(voice, rate) for rate, voice in product(_RATES, voices)]

    def _voice_warnings(self, voices: Sequence[object]) -> list[str]:
        if voices or not (self.material.sentences or self.material.entries):
            return []
        warning = (
            f"No voice on this machine speaks {self.audio.locale}, so related text and pronunciations could "
            "not be turned into speech: the model was not trained on them. Pronunciations still rewrite "
            "results."
        )
        return [warning]

    def _spoken(self, voices: Sequence[tuple[Voice, float]]) -> list[PlannedExample]:
        """Related text and pronunciations as synthetic speech."""
        if not voices:
            reason = "No voice on this machine speaks the language."
            for text, tally in self.material.sentences:
                tally.skip(reason, text)
            for _, tally in self.material.entries:
                tally.used_lines += 1  # they still rewrite
            return []
        wanted = list(self._texts())
        ways = cycle(voices)
        made: list[PlannedExample] = []
        for number, (spoken, origin, tally) in enumerate(wanted, start=1):
            added = [
                example
                for way in islice(ways, min(VOICES_A_SENTENCE, len(voices)))
                if (example := self._speak(spoken, origin, way)) is not None
            ]
            made += added
            if not added:
                tally.skip("No voice could speak it.", spoken.written)
            elif origin == "text":
                tally.used_lines += 1
            fraction = _LISTENING_SHARE + 0.5 * number / len(wanted)
            self.report(fraction, f"Speaking sentence {number} of {len(wanted)}")
        return made

    def _texts(self) -> Iterator[tuple[SpokenText, str, Tally]]:
        owner = dict(self.material.sentences)
        chosen = pick_sentences([text for text, _ in self.material.sentences], MOST_SENTENCES, self.seed)
        kept = frozenset(chosen)
        for text in chosen:
            yield SpokenText(text, text), "text", owner[text]
        for text, tally in owner.items():
            if text not in kept:
                tally.skip(f"Only {MOST_SENTENCES:,} sentences are spoken.", text)
        for entry, tally in self.material.entries:
            tally.used_lines += 1
            for spoken in carry(entry, self.language):
                yield spoken, "pronunciation", tally

    def _replay(self, voices: Sequence[tuple[Voice, float]], most: int) -> list[PlannedExample]:
        if not voices:
            return []
        ways = cycle(voices[: max(1, len(voices) // len(_RATES))])
        wanted = self.replay[:most]
        made = []
        for number, (sentence, way) in enumerate(zip(wanted, ways, strict=False), start=1):
            example = self._speak(SpokenText(sentence, sentence), REPLAY, way)
            if example is not None:
                made.append(example)
            self.report(
                0.9 + 0.1 * number / len(wanted), f"Speaking general sentence {number} of {len(wanted)}"
            )
        return made

    def _speak(self, text: SpokenText, origin: str, way: tuple[Voice, float]) -> PlannedExample | None:
        voice, rate = way
        try:
            duration_s = self.audio.speak(text.spoken, voice, rate)
        except EngineError:
            return None
        return PlannedExample(
            text=text.written,
            origin=origin,
            duration_s=duration_s,
            spoken=text.spoken,
            voice=voice.id,
            rate=rate,
        )

    def _check(self, examples: Sequence[PlannedExample]) -> None:
        """Refuse when there is nothing to train on and no rule to apply either."""
        if examples or self.material.entries or self.material.rules:
            return
        reasons = [
            f"{use.name}: {count} x {reason}"
            for use in (tally.as_use() for tally in self.material.tallies)
            for reason, count in use.skipped.items()
        ]
        detail = f" Left out: {' '.join(reasons)}" if reasons else ""
        raise InvalidInputError(
            f"There is nothing to train on.{detail} Add transcribed recordings of at most 30 s, related text "
            "in a language that has a voice here, or pronunciations.",
            code="NothingToTrainOn",
            target="datasets",
        )


def _uploaded(utterance: Utterance) -> PlannedExample:
    return PlannedExample(
        text=(utterance.transcript or "").strip(),
        origin="audio",
        duration_s=utterance.duration_s,
        audio_key=utterance.audio_key,
    )


def _spread(examples: Sequence[PlannedExample], most: int) -> Iterator[PlannedExample]:
    """At most ``most`` examples from all over the list."""
    step = max(1, -(-len(examples) // most))
    return islice(iter(examples[::step]), most)
