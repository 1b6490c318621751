"""Repeating a training from its passport, to see whether it gives the same model again.

Nothing is published and nothing of the model is changed. What was found is an event of the job
(kind ``verdict``) and stays in the blob ``jobs/<job id>/verdict.json``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import tympan
from tympan.domain.errors import InvalidInputError, InvalidStateError, NotFoundError
from tympan.domain.job import Job, JobKind
from tympan.domain.model import Bundle, CustomModel
from tympan.domain.resource import Status
from tympan.ports.clock import Clock
from tympan.ports.jobs import JobContext
from tympan.ports.store import Store
from tympan.speech.text import normalizer_for
from tympan.usecases.training import Training, speech_of
from tympan.usecases.training_desk import TrainingDesk
from tympan.usecases.training_passport import Passport, code_sha256, plan_sha256, text_digests
from tympan.usecases.training_plan import StoredPlan

VERDICT_FILE = "verdict.json"

UPDATE_TOLERANCE = 0.05
"""Most that the weights may lie apart, as a share of what training changed, and be called the same."""

TEXT_TOLERANCE = 0.05
"""Most of the texts that may differ: one in twenty. A recording at the edge of a loop tips over easily."""


class Finding(StrEnum):
    """What became of the repetition."""

    SAME_WEIGHTS = "sameWeights"
    SAME_RESULTS = "sameResults"
    DIFFERENT = "different"
    NOT_REPEATABLE = "notRepeatable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifications:
    """What owners can do: ask for a repetition."""

    store: Store
    clock: Clock

    def request(self, model_id: str) -> Job:
        """Have a training repeated; one that waits or runs already is given again.

        Raises:
            NotFoundError: There is no such model.
            InvalidStateError: It is not trained yet, or its training failed.
        """
        with self.store.write() as tx:
            model = tx.models.get(model_id)
            if model.status is not Status.SUCCEEDED:
                raise InvalidStateError(
                    f"Model '{model.display_name}' is {model.status}. Only a finished "
                    "training can be repeated.",
                    target="model",
                )
            for job in tx.jobs.unfinished():
                if job.kind is JobKind.VERIFY_MODEL and job.resource_id == model.id:
                    return job
            job = Job(
                id=str(uuid.uuid4()),
                kind=JobKind.VERIFY_MODEL,
                resource_id=model.id,
                created_at=self.clock.now(),
            )
            tx.jobs.add(job)
        return job


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """The steps of a verification; each ends at once when a verdict is there.

    Attributes:
        training: Does the same work as the first time.
    """

    training: Training

    def run_prepare(self, context: JobContext) -> None:
        """Find what keeps the training from being repeated, and make its plan again."""
        desk = self.training.desk(context)
        if desk.has(VERDICT_FILE) or desk.has("plan.json"):
            return
        passport, reasons = self._passport(desk.model)
        if passport is not None:
            reasons = [*self._obstacles(desk, passport)]
        if passport is None or reasons:
            desk.put(VERDICT_FILE, _not_repeatable(reasons))
            return
        try:
            plan = self.training.planned(desk, context, is_gated=False)
        except (NotFoundError, InvalidInputError) as error:
            desk.put(VERDICT_FILE, _not_repeatable([error.message]))
            return
        if plan_sha256(plan) != passport.plan_sha256:
            reason = (
                "The same data gave other examples than then, "
                f"{len(plan.examples)} of them. The voices of this machine speak differently, or others are "
                f"installed; then these spoke: {', '.join(passport.voices) or 'none'}."
            )
            desk.put(VERDICT_FILE, _not_repeatable([reason]))
            return
        desk.put("passport.json", passport.as_document())
        desk.put("plan.json", plan.as_document())

    def run_train(self, context: JobContext) -> None:
        """Train as the first time.

        Raises:
            EngineError: Training diverged.
        """
        desk = self.training.desk(context)
        if desk.has(VERDICT_FILE):
            return
        plan, passport = desk.plan(), _kept_passport(desk)
        if not plan.is_trainable:
            return
        examples, dev = self.training.materialized(desk, plan, context)
        if speech_of(plan, (*examples, *dev)) != passport.speech_sha256:
            reason = "The voices of this machine are the same by name, but speak differently than then."
            desk.put(VERDICT_FILE, _not_repeatable([reason]))
            return
        training_plan = replace(self.training.training_plan(desk, plan), examples=examples, dev=dev)
        self.training.trained(desk, training_plan, context)

    def run_compare(self, context: JobContext) -> None:
        """Hold the repeated model against the published one, and say what came out."""
        desk = self.training.desk(context)
        verdict = desk.get(VERDICT_FILE)
        if verdict is None:
            context.progress(0.0, "Comparing the repeated model with the published one")
            verdict = self._compared(desk, desk.plan(), _kept_passport(desk))
            desk.put(VERDICT_FILE, verdict)
        context.event("verdict", verdict)
        desk.clear(but=VERDICT_FILE)
        shutil.rmtree(desk.folder, ignore_errors=True)

    def _passport(self, model: CustomModel) -> tuple[Passport | None, list[str]]:
        if model.origin:
            return None, ["It was copied from another server; its training data is not here."]
        for file in model.files:
            if file.kind == "ModelReport":
                report = json.loads(b"".join(self.training.blobs.stream(file.key)))
                if report.get("passport"):
                    return Passport.from_document(report["passport"]), []
        return None, ["Its report holds no passport: an earlier version of Tympan trained it."]

    def _obstacles(self, desk: TrainingDesk, passport: Passport) -> Iterator[str]:
        """Each thing that is not as it was."""
        if passport.was_code_replaced:
            yield (
                f"Tympan was updated while it was trained (from {passport.code_version}), so no version can "
                "repeat it."
            )
        elif passport.code_sha256 != code_sha256():
            yield (
                f"It was trained by Tympan {passport.code_version} with the training code "
                f"{passport.code_sha256[:12]}; this is Tympan {tympan.__version__} with "
                f"{code_sha256()[:12]}. Verify it with that version."
            )
        if desk.base.bundle.digest != passport.base_model_sha256:
            yield f"The base model '{passport.base_model_name}' has other files than then."
        if asdict(desk.settings) != dict(passport.settings):
            yield "The training settings of the model are not those of its passport."
        with self.training.store.read() as tx:
            found = [(source, tx.datasets.find(source.id)) for source in passport.datasets]
        for source, dataset in found:
            if dataset is None:
                yield f"Dataset '{source.name}' ({source.id}) was deleted."
            elif dataset.manifest_key != source.manifest:
                yield f"Dataset '{dataset.display_name}' ({source.id}) was changed: its content is another."
        installed = {voice.id for voice in self.training.synthesizer.voices(desk.model.locale)}
        for voice in passport.voices:
            if voice not in installed:
                yield f"The voice '{voice}' is not on this machine."

    def _compared(self, desk: TrainingDesk, plan: StoredPlan, passport: Passport) -> dict[str, Any]:
        folder = self.training.exported(desk, plan)
        self.training.write_rules(desk, folder)
        published = _published(desk.model)
        differing = sorted(set(_hashes(folder).items()) ^ {(f.name, f.sha256) for f in published.files})
        names = sorted({name for name, _ in differing})
        notes = list(_changed_surroundings(passport, self.training))
        if not names:
            text = (
                f"The training gives the same weights again: every file is equal (digest {published.digest})."
            )
            return _verdict(Finding.SAME_WEIGHTS, text, notes, {"digest": published.digest})
        base = self.training.files.fetch(desk.base.bundle)
        apart = self.training.trainer.update_distance(base, self.training.files.fetch(published), folder)
        differ, total = self._differing_texts(desk, plan, passport)
        figures = {
            "differingFiles": names,
            "updateDistance": round(apart, 6) if apart != float("inf") else None,
            "updateTolerance": UPDATE_TOLERANCE,
            "differingTexts": differ,
            "texts": total,
            "textTolerance": TEXT_TOLERANCE,
        }
        rest = [name for name in names if name != "model.bin"]
        is_same = not rest and apart <= UPDATE_TOLERANCE and differ <= TEXT_TOLERANCE * total
        found = Finding.SAME_RESULTS if is_same else Finding.DIFFERENT
        return _verdict(found, _difference(found, apart, (differ, total), rest), notes, figures)

    def _differing_texts(self, desk: TrainingDesk, plan: StoredPlan, passport: Passport) -> tuple[int, int]:
        """How many recordings of the parity check are written otherwise than then, of how many."""
        if not plan.is_trainable:
            return 0, 0
        recordings = self.training.audio(desk).materialize(plan.parity, lambda: None)
        texts = self.training.trainer.transcribe(
            self.training.training_plan(desk, plan), desk.folder, recordings
        )
        now = text_digests(map(normalizer_for(desk.model.locale).normalize, texts))
        differing = sum(one != other for one, other in zip(now, passport.texts, strict=True))
        return differing, len(now)


def _published(model: CustomModel) -> Bundle:
    if model.bundle is None:
        raise InvalidStateError(
            f"Model '{model.display_name}' has no files; there is nothing to compare with."
        )
    return model.bundle


def _kept_passport(desk: TrainingDesk) -> Passport:
    document = desk.get("passport.json")
    if document is None:
        raise NotFoundError("What this verification had prepared is gone. Ask for it again.")
    return Passport.from_document(document)


def _hashes(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _changed_surroundings(passport: Passport, training: Training) -> Iterator[str]:
    """What may have changed the last bits, though the training could be repeated."""
    now = {**training.trainer.versions(), **training.trainer.conditions()}
    for name, then in {**passport.versions, **passport.conditions}.items():
        if now.get(name) != then:
            yield f"{name} was {then}, and is {now.get(name, 'absent')} here."


def _difference(found: Finding, apart: float, texts: tuple[int, int], rest: Sequence[str]) -> str:
    figures = (
        f"the weights lie {apart:.2%} of what training changed apart (at most {UPDATE_TOLERANCE:.0%}), and "
        f"{texts[0]} of {texts[1]} texts of the parity check differ (at most {TEXT_TOLERANCE:.0%})"
    )
    if found is Finding.SAME_RESULTS:
        return f"The training gives the same results within float noise: {figures}."
    others = f" These files differ as well: {', '.join(rest)}." if rest else ""
    return f"The training gives another model: {figures}.{others}"


def _not_repeatable(reasons: Sequence[str]) -> dict[str, Any]:
    text = f"The training cannot be repeated. {' '.join(reasons)}"
    return {**_verdict(Finding.NOT_REPEATABLE, text, (), {}), "reasons": list(reasons)}


def _verdict(found: Finding, text: str, notes: Sequence[str], figures: Mapping[str, Any]) -> dict[str, Any]:
    return {"outcome": found.value, "text": text, "notes": list(notes), "figures": dict(figures)}
