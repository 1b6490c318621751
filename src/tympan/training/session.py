"""One training from plan to kept LoRA weights."""

from __future__ import annotations

import json
import math
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from tympan.domain.errors import InvalidInputError
from tympan.ports.trainer import TrainingExample, TrainingObserver, TrainingOutcome, TrainingPlan
from tympan.training.bench import Bench, open_bench
from tympan.training.checkpoints import Checkpoints, Preparation, RunState, fingerprint
from tympan.training.decode import LONGEST_LABEL
from tympan.training.examples import Example, make_examples
from tympan.training.labels import needing_style, styled_labels
from tympan.training.loop import REPLAY, Course, Step, make_optimizer, training_steps
from tympan.training.lora import Wrapped, attach, core, put_weights, save_weights, scaled, weights_of
from tympan.training.recipe import DEFAULT_RECIPE, Recipe
from tympan.training.watch import DivergenceWatch

LORA_FOLDER = "lora"
_OUTCOME_FILE = "outcome.json"
_ONE_SIDED_95 = 1.645
_PREPARATION_SHARE = 0.4
"""Share of the progress bar for encoding and for listening to the base model."""


def train(
    plan: TrainingPlan,
    folder: Path,
    observer: TrainingObserver,
    *,
    save: Callable[[Path], None],
    recipe: Recipe = DEFAULT_RECIPE,
) -> TrainingOutcome:
    """Train as ``ports.trainer.Trainer.train`` promises."""
    finished = find_outcome(folder)
    if finished is not None:
        return finished
    bench = open_bench(plan, folder)
    recordings = _usable(bench, observer)
    checkpoints = Checkpoints(folder, fingerprint(plan, bench.base_sha256))
    meter = _CpuMeter()
    preparation = checkpoints.load_preparation()
    if preparation is None:
        preparation = _prepare(bench, recordings, observer, recipe)
        checkpoints.save_preparation(preparation)
        save(checkpoints.folder)
    examples = _examples(bench, recordings, preparation, recipe)
    _encode(bench, examples, observer)
    state = checkpoints.load()
    run = _Run(bench, recipe, examples, state, observer)
    for _ in run.until_done(preparation):
        state.cpu_s += meter.take()
        checkpoints.save(state)
        save(checkpoints.folder)
    state.cpu_s += meter.take()
    if _is_clearly_worse(state.kept_errors, preparation.dev_errors):
        text = (
            "The trained weights make more errors on dev than the base model, so the base weights are kept."
        )
        observer.event("warning", {"text": text})
        state.kept, state.kept_step, state.kept_errors = {}, 0, preparation.dev_errors
    outcome = _outcome(bench, state, preparation)
    _finish(folder, state, outcome)
    return outcome


def find_outcome(folder: Path) -> TrainingOutcome | None:
    """The outcome of a finished training, or None."""
    path = folder / LORA_FOLDER / _OUTCOME_FILE
    if not path.exists():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    return TrainingOutcome(**{**document, "losses": tuple(document["losses"])})


class _Run:
    """Goes through the steps, evaluates, and keeps the best weights in the state."""

    def __init__(
        self,
        bench: Bench,
        recipe: Recipe,
        examples: list[Example],
        state: RunState,
        observer: TrainingObserver,
    ) -> None:
        settings = bench.plan.settings
        self._bench, self._state, self._observer = bench, state, observer
        self._wrapped: Wrapped = attach(
            bench.network, rank=settings.lora_rank, recipe=recipe, seed=settings.seed
        )
        self._optimizer = make_optimizer(self._wrapped)
        if state.step:
            put_weights(self._wrapped, state.lora)
            self._optimizer.load_state_dict(state.optimizer)
        self._course = Course(
            examples=examples,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            peak_rate=settings.learning_rate or recipe.learning_rate,
            seed=settings.seed,
            recipe=recipe,
        )
        self._per_epoch = self._course.steps_per_epoch
        self._interval = max(
            recipe.min_steps_between_evaluations, math.ceil(self._per_epoch / recipe.evaluations_per_epoch)
        )

    def until_done(self, preparation: Preparation) -> Iterator[Step]:
        """Train, pausing after each evaluation so that the state can be saved."""
        settings, state = self._bench.plan.settings, self._state
        watch = DivergenceWatch(self._course.peak_rate, is_rate_chosen=settings.learning_rate is not None)
        total = self._per_epoch * settings.epochs
        steps = training_steps(
            self._wrapped,
            self._optimizer,
            self._course,
            self._bench.tokens,
            self._bench.encodings.load,
            steps_done=state.step,
        )
        if state.stale >= settings.patience:
            return
        for step in steps:
            watch.see(step.number, step.loss)
            self._note(step, total)
            if step.number % self._interval == 0 or step.number == total:
                self._evaluate(preparation)
                yield step
                if state.stale >= settings.patience:
                    self._observer.event(
                        "note", {"text": f"Stopped early at step {step.number}: dev no longer improves."}
                    )
                    return

    def _note(self, step: Step, total: int) -> None:
        state = self._state
        state.step = step.number
        state.loss_sum += step.loss
        state.loss_count += 1
        if step.is_epoch_end:
            state.losses.append(state.loss_sum / state.loss_count)
            state.loss_sum, state.loss_count = 0.0, 0
        payload = {"step": step.number, "epoch": step.epoch, "loss": round(step.loss, 4)}
        self._observer.event("loss", {**payload, "learning_rate": step.learning_rate})
        fraction = _PREPARATION_SHARE + (1 - _PREPARATION_SHARE) * step.number / total
        self._observer.progress(fraction, f"Training: step {step.number} of {total}, loss {step.loss:.2f}")

    def _evaluate(self, preparation: Preparation) -> None:
        state, dev = self._state, self._bench.plan.dev
        state.lora = weights_of(self._wrapped)
        state.optimizer = self._optimizer.state_dict()
        if preparation.dev_errors is None:
            state.kept, state.kept_step = state.lora, state.step
            return
        with scaled(self._wrapped, self._bench.plan.settings.weight_percent):
            texts = self._bench.transcribe(
                core(self._wrapped),
                dev,
                lambda _: None,
                is_unadapted=not self._course.recipe.is_context_reduced,
            )
        errors, words = self._bench.count_errors(dev, texts)
        self._observer.event("dev_wer", {"step": state.step, "wer": round(errors / max(1, words), 4)})
        best = errors if state.best_errors is None else min(state.best_errors, errors)
        state.best_errors = best
        # Within one standard deviation dev cannot tell weights apart. Later ones were
        # trained at a lower rate and have learnt more that dev does not ask for.
        if errors <= best + math.sqrt(best):
            state.stale = 0
            state.kept, state.kept_step, state.kept_errors = state.lora, state.step, errors
        else:
            state.stale += 1


def _usable(bench: Bench, observer: TrainingObserver) -> list[TrainingExample]:
    kept = [
        r
        for r in bench.plan.examples
        if (r.text.strip() or r.origin == REPLAY)
        and len(bench.tokens.encode(r.text, r.language)) <= LONGEST_LABEL
        and r.duration_s > 0
    ]
    left_out = len(bench.plan.examples) - len(kept)
    if left_out:
        text = f"{left_out} examples were left out: without text, without sound, or too long to be written."
        observer.event("warning", {"text": text})
    if all(recording.origin == REPLAY for recording in kept):
        raise InvalidInputError(
            "Nothing in the plan can be trained on. Add recordings with transcripts, or related text.",
            code="NothingToTrainOn",
        )
    return kept


def _prepare(
    bench: Bench, recordings: list[TrainingExample], observer: TrainingObserver, recipe: Recipe
) -> Preparation:
    """Listen to the base model: labels that need its style, and dev before training."""
    plan = bench.plan
    unsure = needing_style(recordings)
    # With the base model's context a recording costs about as much as four in reduced context.
    work = _Work(observer, len(unsure) + 4 * len(plan.dev), start=0.0, end=_PREPARATION_SHARE * 0.6)
    texts = bench.transcribe(
        bench.network,
        unsure,
        lambda count: work.advance(count, "Listening to the base model"),
        is_unadapted=not recipe.is_context_reduced,
        is_capped_by_text=True,
    )
    hypotheses = {recording.audio: text for recording, text in zip(unsure, texts, strict=True)}
    labels = styled_labels(unsure, hypotheses, plan.language)
    by_name = {Path(audio).name: text for audio, text in labels.items()}
    if not plan.dev:
        return Preparation(labels=by_name, dev_errors=None, dev_words=0)
    before = bench.transcribe(
        bench.network,
        plan.dev,
        lambda count: work.advance(4 * count, "Testing the base model on the dev recordings"),
        is_unadapted=True,
    )
    errors, words = bench.count_errors(plan.dev, before)
    observer.event("dev_wer", {"step": 0, "wer": round(errors / max(1, words), 4)})
    return Preparation(labels=by_name, dev_errors=errors, dev_words=words)


def _examples(
    bench: Bench, recordings: list[TrainingExample], preparation: Preparation, recipe: Recipe
) -> list[Example]:
    by_name, settings = preparation.labels, bench.plan.settings
    labels = {r.audio: by_name[Path(r.audio).name] for r in recordings if Path(r.audio).name in by_name}
    return make_examples(recordings, labels, recipe, settings.seed, settings.batch_size)


def _encode(bench: Bench, examples: list[Example], observer: TrainingObserver) -> None:
    work = _Work(observer, len(examples), start=_PREPARATION_SHARE * 0.6, end=_PREPARATION_SHARE)
    bench.encodings.fill(
        [example.clip for example in examples],
        lambda: work.advance(1, "Encoding recordings"),
        batch_size=bench.encode_batch_size,
    )


def _is_clearly_worse(ours: int | None, base: int | None) -> bool:
    """Whether more errors than the base model's are more than chance.

    Each count is taken as Poisson, so their difference has the variance of their sum.
    """
    if ours is None or base is None:
        return False
    return ours - base > _ONE_SIDED_95 * math.sqrt(ours + base)


def _outcome(bench: Bench, state: RunState, preparation: Preparation) -> TrainingOutcome:
    def rate(errors: int | None) -> float | None:
        return None if errors is None else errors / max(1, preparation.dev_words)

    return TrainingOutcome(
        dev_wer_before=rate(preparation.dev_errors),
        dev_wer_after=rate(state.kept_errors),
        best_step=state.kept_step,
        steps=state.step,
        losses=tuple(state.losses),
        cpu_s=round(state.cpu_s, 1),
        # Linux counts kilobytes.
        peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        device=bench.device,
    )


def _finish(folder: Path, state: RunState, outcome: TrainingOutcome) -> None:
    result = folder / LORA_FOLDER
    result.mkdir(parents=True, exist_ok=True)
    if outcome.best_step:
        save_weights(state.kept, result)
    half_written = result / f"{_OUTCOME_FILE}.part"
    half_written.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    # The mark of a finished training comes last.
    half_written.replace(result / _OUTCOME_FILE)


class _Work:
    """Turns pieces of work into a fraction of the progress bar."""

    def __init__(self, observer: TrainingObserver, total: int, *, start: float, end: float) -> None:
        self._observer, self._total, self._start, self._end = observer, max(1, total), start, end
        self._done = 0

    def advance(self, count: int, message: str) -> None:
        self._done += count
        fraction = self._start + (self._end - self._start) * min(1.0, self._done / self._total)
        self._observer.progress(fraction, message)


class _CpuMeter:
    """CPU seconds since it was last read."""

    def __init__(self) -> None:
        self._last = time.process_time()

    def take(self) -> float:
        now = time.process_time()
        spent, self._last = now - self._last, now
        return spent
