"""Routes of evaluations."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response

from tympan.domain.evaluation import Evaluation
from tympan.domain.query import EVERYTHING
from tympan.rest.answers import deleted, entity_answer, page_of
from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.rest.files import FileOwner, file_entry, files_page
from tympan.rest.locales import locales_answer
from tympan.usecases.evaluations import EvaluationChange, NewEvaluation
from tympan.wire.bodies import refuse_fixed
from tympan.wire.management.entities import changed_project_members
from tympan.wire.management.evaluations import FIXED, evaluation_document, new_evaluation_members
from tympan.wire.values import Document

router = APIRouter(prefix="/evaluations")


def evaluation_encoder(call: Call) -> Callable[[Evaluation], Document]:
    """Writes evaluations for one answer."""
    addresses = call.model_addresses
    models = (*call.services.base_models.list(EVERYTHING), *call.services.models.list(EVERYTHING))
    names = {model.id: model.display_name for model in models}
    return lambda evaluation: evaluation_document(evaluation, addresses, names)


@router.get("/locales")
def list_locales(call: CallDep) -> Response:
    """Locales that can be tested."""
    return locales_answer(call)


@router.get("")
def list_evaluations(call: CallDep) -> Response:
    """One page of evaluations."""
    return page_of(call, call.services.evaluations, "evaluations", evaluation_encoder(call))


@router.post("")
def create_evaluation(call: CallDep, body: BodyDep) -> Response:
    """Test models on a dataset."""
    call.allow_query()
    evaluation = call.services.evaluations.create(NewEvaluation(**new_evaluation_members(body, call.version)))
    return entity_answer(evaluation_encoder(call)(evaluation), evaluation, is_new=True)


@router.get("/{evaluation_id}")
def get_evaluation(call: CallDep, evaluation_id: str) -> Response:
    """Read an evaluation and its figures."""
    call.allow_query()
    evaluation = call.services.evaluations.get(checked_id(evaluation_id, "evaluation"))
    return entity_answer(evaluation_encoder(call)(evaluation), evaluation)


@router.patch("/{evaluation_id}")
def update_evaluation(call: CallDep, body: BodyDep, evaluation_id: str) -> Response:
    """Change an evaluation."""
    call.allow_query()
    current = call.services.evaluations.get(checked_id(evaluation_id, "evaluation"))
    encode = evaluation_encoder(call)
    refuse_fixed(body, encode(current), FIXED)
    change = EvaluationChange(**changed_project_members(body, current.custom_properties, call.version))
    evaluation = call.services.evaluations.update(current.id, change)
    return entity_answer(encode(evaluation), evaluation)


@router.delete("/{evaluation_id}")
def delete_evaluation(call: CallDep, evaluation_id: str) -> Response:
    """Delete an evaluation."""
    call.allow_query()
    return deleted(evaluation_id, call.services.evaluations.delete)


def _owner(call: Call, evaluation_id: str) -> FileOwner:
    evaluation = call.services.evaluations.get(checked_id(evaluation_id, "evaluation"))
    return FileOwner(place=("evaluations", evaluation.id), resource=evaluation, files=evaluation.files)


@router.get("/{evaluation_id}/files")
def list_evaluation_files(call: CallDep, evaluation_id: str) -> Response:
    """Score files, summaries and sclite files of an evaluation."""
    return files_page(call, _owner(call, evaluation_id))


@router.get("/{evaluation_id}/files/{file_id}")
def get_evaluation_file(call: CallDep, evaluation_id: str, file_id: str) -> Response:
    """One file of an evaluation."""
    return file_entry(call, _owner(call, evaluation_id), file_id)
