"""Examples: what a training step shows the model, and in which order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tympan.ports.trainer import TrainingExample
from tympan.speech.audio_context import FULL_CONTEXT_S, reduced_context_s, unadapted_context_s
from tympan.training.features import Clip
from tympan.training.recipe import Recipe

_TIGHTER_S = 0.5
_LONGEST_PROMOTION_S = 3.0
_MOST_PARTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One or several recordings with one label.

    Attributes:
        clip: What the encoder sees.
        text: What the decoder shall write.
        origin: Of the parts, see ``ports.trainer.TrainingExample``.
        duration_s: Seconds of speech.
        language: Whisper code; empty for the plan's own.
    """

    clip: Clip
    text: str
    origin: str
    duration_s: float
    language: str = ""


def make_examples(
    recordings: Sequence[TrainingExample],
    labels: Mapping[str, str],
    recipe: Recipe,
    seed: int,
    batch_size: int,
) -> list[Example]:
    """Single and joined examples with their contexts; the same input gives the same list.

    Args:
        recordings: To train on, each at most 30 s.
        labels: Text by audio file, where it shall differ from the recording's own.
        recipe: Shares of joined examples and of longer contexts.
        seed: Of every choice.
        batch_size: Contexts are raised by up to 3 s where that fills a batch.
    """
    chance = random.Random(f"examples:{seed}")  # noqa: S311
    singles = [
        Example(
            clip=Clip(files=(r.audio,), gap_s=recipe.gap_s, context_s=0.0),
            text=labels.get(r.audio, r.text),
            origin=r.origin,
            duration_s=r.duration_s,
            language=r.language,
        )
        for r in recordings
    ]
    examples = singles + _joined(singles, recipe, chance)
    return _with_contexts(examples, recipe, chance, batch_size)


def batches(examples: Sequence[Example], batch_size: int, seed: int, epoch: int) -> Iterator[list[Example]]:
    """All examples once, in batches of equal context, shuffled by seed and epoch.

    The decoder has no mask over the encoder's output, so lengths within a batch are equal.
    The number of batches is the same in every epoch.
    """
    chance = random.Random(f"batches:{seed}:{epoch}")  # noqa: S311
    ordered = sorted(examples, key=_context)
    made: list[list[Example]] = []
    for _, same in groupby(ordered, key=_context):
        group = list(same)
        chance.shuffle(group)
        made += [group[start : start + batch_size] for start in range(0, len(group), batch_size)]
    chance.shuffle(made)
    yield from made


def _joined(singles: Sequence[Example], recipe: Recipe, chance: random.Random) -> list[Example]:
    made: list[Example] = []
    for kind in sorted({_kind(single) for single in singles}):
        short = [s for s in singles if _kind(s) == kind and s.duration_s < recipe.joined_max_s / 2]
        for _ in range(round(len(short) * recipe.joined_share)):
            wanted_s = chance.uniform(recipe.joined_min_s, recipe.joined_max_s)
            parts: list[Example] = []
            # Different ones: a label that says the same twice would teach loops.
            for part in chance.sample(short, min(len(short), _MOST_PARTS)):
                if _length_s(parts, recipe) >= wanted_s:
                    break
                is_new = part.clip.files not in [p.clip.files for p in parts]
                if is_new and _length_s([*parts, part], recipe) <= recipe.joined_max_s:
                    parts.append(part)
            if len(parts) > 1:
                made.append(_join(parts, recipe))
    return made


def _join(parts: Sequence[Example], recipe: Recipe) -> Example:
    files = tuple(file for part in parts for file in part.clip.files)
    return Example(
        clip=Clip(files=files, gap_s=recipe.gap_s, context_s=0.0),
        text=" ".join(part.text for part in parts),
        origin=parts[0].origin,
        duration_s=_length_s(parts, recipe),
        language=parts[0].language,
    )


def _kind(example: Example) -> tuple[str, str]:
    """Only examples of one kind are joined."""
    return example.language, example.origin


def _length_s(parts: Sequence[Example], recipe: Recipe) -> float:
    return sum(part.duration_s for part in parts) + recipe.gap_s * max(0, len(parts) - 1)


def _with_contexts(
    examples: Sequence[Example], recipe: Recipe, chance: random.Random, batch_size: int
) -> list[Example]:
    """Choose contexts: mostly the reduced one, sometimes longer, and raised to fill batches."""
    chosen: list[Example] = []
    if not recipe.is_context_reduced:
        shown = [_in_context(example, unadapted_context_s(example.duration_s)) for example in examples]
        return sorted(shown, key=_context)
    for example in examples:
        context_s, draw = reduced_context_s(example.duration_s), chance.random()
        if draw < recipe.full_context_share:
            context_s = FULL_CONTEXT_S
        elif draw < recipe.full_context_share + recipe.longer_context_share:
            context_s = reduced_context_s(example.duration_s + chance.uniform(0.5, recipe.longest_extra_s))
        elif draw > 1 - recipe.tight_context_share:
            context_s = max(context_s - _TIGHTER_S, _TIGHTER_S)
        chosen.append(_in_context(example, context_s))
    chosen.sort(key=_context)
    return _promoted(chosen, batch_size)


def _promoted(ordered: Sequence[Example], batch_size: int) -> list[Example]:
    done: list[Example] = []
    carried: list[Example] = []
    groups = [list(same) for _, same in groupby(ordered, key=_context)]
    for group in groups:
        context_s = _context(group[0])
        near = [e for e in carried if context_s - _context(e) <= _LONGEST_PROMOTION_S]
        done += [e for e in carried if context_s - _context(e) > _LONGEST_PROMOTION_S]
        pool = group + [_in_context(e, context_s) for e in near]
        whole = len(pool) // batch_size * batch_size
        done += pool[:whole]
        carried = pool[whole:]
    return done + carried


def _in_context(example: Example, context_s: float) -> Example:
    return replace(example, clip=replace(example.clip, context_s=context_s))


def _context(example: Example) -> float:
    return example.clip.context_s
