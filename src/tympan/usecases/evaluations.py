"""Evaluations: testing models on a dataset."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tympan.domain.errors import ConflictError, InvalidInputError, InvalidStateError
from tympan.domain.evaluation import Evaluation
from tympan.domain.job import Job, JobKind
from tympan.domain.model import Model
from tympan.domain.query import EVERYTHING, Filter, Query
from tympan.domain.resource import Status
from tympan.ports.clock import Clock
from tympan.ports.store import Store, Transaction
from tympan.usecases.change import UNCHANGED, Unchanged, changed
from tympan.usecases.evaluation_terms import checked_terms
from tympan.usecases.evaluation_transcripts import new_transcription
from tympan.usecases.hearing_rules import check_heard_dataset, usable_model
from tympan.usecases.hypotheses import HEARD_BY
from tympan.usecases.job_states import save_resource
from tympan.usecases.resource_rules import (
    canonical_locale,
    check_project,
    checked_name,
    checked_properties,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvaluation:
    """What it takes to create an evaluation.

    Attributes:
        dataset_id: A dataset with audio; without transcripts only texts are shown.
        model_ids: Base or custom models, at least one; the first is what the others are
            compared with. A model may be named twice.
        terms: Words and phrases to look for one by one, beside those its models were taught.
    """

    display_name: str
    locale: str
    dataset_id: str
    model_ids: Sequence[str]
    description: str | None = None
    project_id: str | None = None
    custom_properties: Mapping[str, str] = field(default_factory=dict)
    api_version: str = "v3.2"
    terms: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationChange:
    """What an update may change."""

    display_name: str | Unchanged = UNCHANGED
    description: str | Unchanged | None = UNCHANGED
    project_id: str | Unchanged | None = UNCHANGED
    custom_properties: Mapping[str, str] | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluations:
    """What users can do with evaluations."""

    store: Store
    clock: Clock

    def create(self, new: NewEvaluation) -> Evaluation:
        """Test models on a dataset.

        The evaluation, its job and the transcriptions that will show what each model heard are
        written in one transaction, so none exists without the others. Returns at once; the
        evaluation is ``NotStarted`` until a worker takes the job.

        Raises:
            InvalidInputError: Name, locale, project, terms or custom properties break a rule; no
                model is named; the dataset is unknown, has no audio or has failed; a model
                is unknown or not trained.
            InvalidStateError: The dataset is still being imported.
            LocaleMismatchError: Dataset, model or project has another locale.
            ModelExpiredError: A model's decoding date has passed.

        Source:
            Speech to text REST v3.2, operation ``Evaluations_Create``.
        """
        now = self.clock.now()
        evaluation = Evaluation(
            id=str(uuid.uuid4()),
            display_name=checked_name(new.display_name),
            description=new.description,
            locale=canonical_locale(new.locale),
            custom_properties=checked_properties(new.custom_properties),
            project_id=new.project_id,
            dataset_id=new.dataset_id,
            model_ids=tuple(new.model_ids),
            job_id=str(uuid.uuid4()),
            created_at=now,
            api_version=new.api_version,
            last_action_at=now,
            terms=checked_terms(new.terms),
        )
        job = Job(
            id=str(evaluation.job_id), kind=JobKind.RUN_EVALUATION, resource_id=evaluation.id, created_at=now
        )
        if not evaluation.model_ids:
            raise InvalidInputError("Name at least one model to test.", target="model1")
        with self.store.write() as tx:
            check_project(tx, evaluation.project_id, evaluation.locale)
            check_heard_dataset(tx.datasets.find(evaluation.dataset_id), evaluation.locale)
            models = [
                usable_model(tx, model_id, evaluation.locale, now, target=f"model{number}")
                for number, model_id in enumerate(evaluation.model_ids, start=1)
            ]
            evaluation = _with_transcriptions(tx, evaluation, models)
            tx.evaluations.add(evaluation)
            tx.jobs.add(job)
        return evaluation

    def get(self, evaluation_id: str) -> Evaluation:
        """The evaluation.

        Raises:
            NotFoundError: There is none.
        """
        with self.store.read() as tx:
            return tx.evaluations.get(evaluation_id)

    def list(self, query: Query = EVERYTHING) -> Sequence[Evaluation]:
        """One page of evaluations."""
        with self.store.read() as tx:
            return tx.evaluations.list(query)

    def count(self, where: Filter | None = None) -> int:
        """How many evaluations the filter keeps."""
        with self.store.read() as tx:
            return tx.evaluations.count(where)

    def update(self, evaluation_id: str, change: EvaluationChange) -> Evaluation:
        """Rename an evaluation, move it to another project, or change what is said of it.

        Raises:
            NotFoundError: There is none.
            InvalidInputError: Name, project or custom properties break a rule.
            LocaleMismatchError: The project has another locale.
        """
        with self.store.write() as tx:
            evaluation = tx.evaluations.get(evaluation_id)
            evaluation = replace(
                evaluation,
                display_name=checked_name(changed(evaluation.display_name, change.display_name)),
                description=changed(evaluation.description, change.description),
                project_id=changed(evaluation.project_id, change.project_id),
                custom_properties=checked_properties(
                    changed(evaluation.custom_properties, change.custom_properties)
                ),
                last_action_at=self.clock.now(),
            )
            check_project(tx, evaluation.project_id, evaluation.locale)
            tx.evaluations.save(evaluation)
        return evaluation

    def rescore(self, evaluation_id: str, terms: Sequence[str] | None = None) -> Evaluation:
        """Score what was heard again, without listening again: with this version's rules, or other terms.

        A new job takes the hypotheses that are kept. Those that are gone are heard again.
        Files and figures stay as they are until it has succeeded.

        Args:
            evaluation_id: One that has ended.
            terms: To look for from now on; None leaves them.

        Raises:
            NotFoundError: There is none.
            InvalidInputError: The terms break a rule.
            InvalidStateError: It has not succeeded.
        """
        now = self.clock.now()
        with self.store.write() as tx:
            evaluation = tx.evaluations.get(evaluation_id)
            if evaluation.status is not Status.SUCCEEDED:
                raise InvalidStateError(
                    f"Evaluation '{evaluation.display_name}' is {evaluation.status}. Only one that has "
                    "succeeded can be scored again; retry a failed one by its job.",
                    target="evaluation",
                )
            earlier = tx.jobs.find(str(evaluation.job_id))
            heard_by = earlier.arguments.get(HEARD_BY, earlier.id) if earlier else evaluation.job_id
            job = Job(
                id=str(uuid.uuid4()),
                kind=JobKind.RUN_EVALUATION,
                resource_id=evaluation.id,
                arguments={HEARD_BY: heard_by},
                created_at=now,
            )
            tx.jobs.add(job)
            evaluation = replace(
                evaluation,
                status=Status.NOT_STARTED,
                job_id=job.id,
                last_action_at=now,
                terms=evaluation.terms if terms is None else checked_terms(terms),
            )
            save_resource(tx, job, evaluation)
        return evaluation

    def delete(self, evaluation_id: str) -> None:
        """Remove an evaluation; harmless when there is none.

        Raises:
            ConflictError: Its job is still at work.
        """
        with self.store.write() as tx:
            evaluation = tx.evaluations.find(evaluation_id)
            job = tx.jobs.find(evaluation.job_id) if evaluation and evaluation.job_id else None
            if evaluation and job and not job.state.is_terminal:
                raise ConflictError(
                    f"Evaluation '{evaluation.display_name}' is still running. Wait for it, or cancel job "
                    f"{job.id} first.",
                    target="evaluation",
                )
            tx.evaluations.delete(evaluation_id)
            for transcription_id in evaluation.transcription_ids if evaluation else ():
                tx.transcriptions.delete(transcription_id)


def _with_transcriptions(tx: Transaction, evaluation: Evaluation, models: Sequence[Model]) -> Evaluation:
    """The evaluation with a transcription for each model; equal models share one."""
    ids = {model.id: str(uuid.uuid4()) for model in models}
    for model in {model.id: model for model in models}.values():
        tx.transcriptions.add(new_transcription(evaluation, ids[model.id], model))
    return replace(evaluation, transcription_ids=tuple(ids[one] for one in evaluation.model_ids))
