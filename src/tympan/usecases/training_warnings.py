"""What speaks against a training, found in its data before it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tympan.domain.training_advice import Concern
from tympan.ports.synthesizer import Voice
from tympan.speech.dev_split import SMALLEST_SET
from tympan.speech.material_checks import capitals_share, ordinary_terms, other_language, repeated_share
from tympan.usecases.training_material import Material

_MANY = 0.5
_MOSTLY = 0.8
_FEWEST_TERMS = 3
"""Fewer are no list."""


def warnings_of(
    material: Material, locale: str, voices: Sequence[Voice], speakers: int | None
) -> Iterator[Concern]:
    """All warnings, the gravest kinds first.

    Args:
        material: All there is to train on.
        locale: That was declared.
        voices: That could speak text.
        speakers: How many are known; None for unknown.
    """
    language = locale.partition("-")[0].lower()
    yield from _of_language(material, locale, language)
    yield from _of_recordings(material, speakers)
    yield from _of_terms(material, language)
    if not voices and (material.sentences or material.entries):
        yield Concern(
            code="NoVoice",
            text=f"No voice on this machine speaks {locale}: related text will not be trained on, and "
            "pronunciations will only rewrite results.",
        )
    for tally in material.tallies:
        for text in tally.warnings:
            yield Concern(code="Dataset", text=f"{tally.name}: {text}")


def _of_language(material: Material, locale: str, language: str) -> Iterator[Concern]:
    texts = [one.transcript or "" for one, _ in material.recordings]
    texts += [text for text, _ in material.sentences]
    other = other_language(texts, language)
    if other is not None:
        yield Concern(
            code="OtherLanguage",
            text=f"The texts look like '{other.language}', not like {locale}: {other.share:.0%} of their "
            f"words are function words of '{other.language}', {other.declared_share:.0%} are of the declared "
            "language. Import the data with its own locale.",
        )


def _of_recordings(material: Material, speakers: int | None) -> Iterator[Concern]:
    texts = [one.transcript or "" for one, _ in material.recordings]
    if not texts:
        return
    if len(texts) < SMALLEST_SET:
        yield Concern(
            code="FewUtterances",
            text=f"There are {len(texts)} usable recordings. With fewer than {SMALLEST_SET} none is held "
            "out: nothing tells when to stop, and the gain is not measured.",
        )
    if speakers == 1:
        yield Concern(
            code="OneSpeaker",
            text="One speaker only: the model learns this voice, and what it gives for others is not known. "
            "Nobody can be held out who is not trained on.",
        )
    twice = sum(count for tally in material.tallies for count in _repeated(tally.as_use().skipped))
    share = (twice + repeated_share(texts) * len(texts)) / (twice + len(texts))
    if share >= _MANY:
        yield Concern(
            code="Duplicates",
            text=f"{share:.0%} of the recordings are there already or say what another one says. The model "
            "would learn these sentences by heart; add others.",
        )
    if capitals_share(texts) >= _MOSTLY:
        yield Concern(
            code="AllCapitals",
            text="The transcripts are in capitals throughout, so the model would learn to write so. Write "
            "them as results shall be shown.",
        )


def _repeated(skipped: Mapping[str, int]) -> Iterator[int]:
    yield from (count for reason, count in skipped.items() if "there already" in reason)


def _of_terms(material: Material, language: str) -> Iterator[Concern]:
    displays = [entry.display for entry, _ in material.entries]
    ordinary, terms = ordinary_terms((*(text for text, _ in material.sentences), *displays), language)
    if terms >= _FEWEST_TERMS and ordinary >= _MANY * terms:
        yield Concern(
            code="OrdinaryTerms",
            text=f"{ordinary} of {terms} terms are ordinary words, which the base model knows. Lists of them "
            "do not help and may do harm; keep the names and special terms.",
        )
