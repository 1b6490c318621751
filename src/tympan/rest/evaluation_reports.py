"""Our routes of evaluations: reports, scoring again, comparisons, and what a test set can show."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from tympan.domain.errors import InvalidInputError
from tympan.rest.answers import entity_answer
from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.rest.evaluations import evaluation_encoder
from tympan.rest.ours import report_answer
from tympan.usecases.evaluation_comparing import ComparedModel
from tympan.usecases.evaluation_report import REPORT_NAME
from tympan.wire.ours.evaluations import comparison_document, plan_document

router = APIRouter()


@router.get("/evaluations/{evaluation_id}/report")
def get_evaluation_report(call: CallDep, evaluation_id: str) -> Response:
    """Every measure of an evaluation, and what it takes to repeat them."""
    call.allow_query()
    tested = call.services.evaluations.get(checked_id(evaluation_id, "evaluation"))
    files = tuple(file for file in tested.files if file.name == REPORT_NAME)
    state = f"Evaluation '{tested.display_name}' is {tested.status}"
    return report_answer(call, files, "EvaluationDetails", state)


@router.post("/evaluations/{evaluation_id}:rescore")
def rescore_evaluation(call: CallDep, body: BodyDep, evaluation_id: str) -> Response:
    """Score what was heard again, without listening again; ``terms`` in the body replace its terms."""
    call.allow_query()
    checked = checked_id(evaluation_id, "evaluation")
    evaluation = call.services.evaluations.rescore(checked, body.texts("terms"))
    return entity_answer(evaluation_encoder(call)(evaluation), evaluation)


@router.get("/evaluations:compare")
def compare_evaluations(call: CallDep) -> Response:
    """A model of one evaluation against a model of another one of the same dataset.

    ``firstModel`` and ``secondModel`` are places of models from 1; without them, the last ones.
    """
    call.allow_query("first", "second", "firstModel", "secondModel")
    compared = call.services.comparing.compare(_named(call, "first"), _named(call, "second"))
    return JSONResponse(comparison_document(compared, call.model_addresses))


@router.get("/evaluations:plan")
def plan_evaluation(call: CallDep) -> Response:
    """What difference in word error rate a dataset can show, before anything is tested on it."""
    call.allow_query("dataset", "wordErrorRate")
    rate = _number(call, "wordErrorRate")
    plan = call.services.comparing.plan(checked_id(_required(call, "dataset"), "dataset"), rate)
    return JSONResponse(plan_document(plan))


def _named(call: Call, side: str) -> ComparedModel:
    name = f"{side}Model"
    text = call.query.get(name.lower())
    if text is not None and not (text.isascii() and text.isdigit()):
        raise InvalidInputError(f"{name} must be a whole number from 1, not '{text}'.", target=name)
    evaluation_id = checked_id(_required(call, side), "evaluation")
    return ComparedModel(evaluation_id=evaluation_id, number=None if text is None else int(text))


def _required(call: Call, name: str) -> str:
    value = call.query.get(name.lower(), "")
    if not value:
        raise InvalidInputError(f"The query option {name} is required.", target=name)
    return value


def _number(call: Call, name: str) -> float:
    text = _required(call, name)
    try:
        return float(text)
    except ValueError as error:
        raise InvalidInputError(f"{name} must be a number, not '{text}'.", target=name) from error
