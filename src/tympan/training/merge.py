"""From kept LoRA weights to a bundle that the serving engine reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tympan.domain.errors import InvalidInputError
from tympan.ports.recognizer import BUNDLE_INFO_FILE, BundleInfo
from tympan.ports.trainer import TrainingExample, TrainingOutcome, TrainingPlan
from tympan.training.bench import open_bench
from tympan.training.lora import attach, merge, put_weights, read_weights
from tympan.training.recipe import DEFAULT_RECIPE, Recipe
from tympan.training.session import LORA_FOLDER, find_outcome
from tympan.training.weights import Network, export_bundle


def export(plan: TrainingPlan, folder: Path, into: Path, recipe: Recipe = DEFAULT_RECIPE) -> None:
    """Write a bundle as ``ports.trainer.Trainer.export`` promises."""
    outcome = _outcome(folder)
    network = _merged(open_bench(plan, folder).network, plan, folder, outcome, recipe)
    base = Path(plan.base_folder)
    export_bundle(network, base, into)
    info = BundleInfo.from_json((base / BUNDLE_INFO_FILE).read_text(encoding="utf-8"))
    if outcome.best_step:
        info = replace(
            info, has_reduced_context=recipe.is_context_reduced, trained_languages=(plan.language,)
        )
    (into / BUNDLE_INFO_FILE).write_text(info.as_json(), encoding="utf-8")


def transcribe(
    plan: TrainingPlan,
    folder: Path,
    recordings: Sequence[TrainingExample],
    recipe: Recipe = DEFAULT_RECIPE,
) -> tuple[str, ...]:
    """Greedy texts as ``ports.trainer.Trainer.transcribe`` promises."""
    outcome = _outcome(folder)
    bench = open_bench(plan, folder)
    network = _merged(bench.network, plan, folder, outcome, recipe)
    texts = bench.transcribe(
        network,
        recordings,
        lambda _: None,
        is_unadapted=not (outcome.best_step and recipe.is_context_reduced),
    )
    return tuple(texts)


def _outcome(folder: Path) -> TrainingOutcome:
    outcome = find_outcome(folder)
    if outcome is None:
        raise InvalidInputError(f"{folder / LORA_FOLDER} holds no finished training. Run train first.")
    return outcome


def _merged(
    network: Network, plan: TrainingPlan, folder: Path, outcome: TrainingOutcome, recipe: Recipe
) -> Network:
    if not outcome.best_step:
        return network
    wrapped = attach(network, rank=plan.settings.lora_rank, recipe=recipe, seed=plan.settings.seed)
    put_weights(wrapped, read_weights(folder / LORA_FOLDER))
    return merge(wrapped, plan.settings.weight_percent)
