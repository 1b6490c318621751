"""Routes of projects."""

from __future__ import annotations

from fastapi import APIRouter, Response

from tympan.domain.project import Project
from tympan.domain.query import Filter, every
from tympan.rest.answers import deleted, entity_answer, page_of
from tympan.rest.availability import IN_PATH_VERSIONS
from tympan.rest.calls import BodyDep, Call, CallDep, checked_id
from tympan.rest.datasets import dataset_encoder, known_kinds
from tympan.rest.endpoints import endpoint_encoder
from tympan.rest.evaluations import evaluation_encoder
from tympan.rest.locales import locales_answer
from tympan.rest.models import custom_model_encoder
from tympan.rest.transcriptions import known_features, transcription_encoder
from tympan.usecases.projects import NewProject, ProjectChange, members_of
from tympan.wire.bodies import refuse_fixed
from tympan.wire.management.entities import changed_members, new_members
from tympan.wire.management.projects import FIXED, MemberCounts, project_document
from tympan.wire.values import Document

router = APIRouter(prefix="/projects", dependencies=[IN_PATH_VERSIONS])


def _encoded(call: Call, project: Project) -> Document:
    counts = call.services.projects.counts(project.id)
    shown = MemberCounts(
        datasets=counts.datasets,
        models=counts.models,
        evaluations=counts.evaluations,
        endpoints=counts.endpoints,
        transcriptions=counts.transcriptions,
    )
    return project_document(project, shown, call.addresses)


@router.get("/locales")
def list_locales(call: CallDep) -> Response:
    """Locales a project can have."""
    return locales_answer(call)


@router.get("")
def list_projects(call: CallDep) -> Response:
    """One page of projects."""
    return page_of(call, call.services.projects, "projects", lambda project: _encoded(call, project))


@router.post("")
def create_project(call: CallDep, body: BodyDep) -> Response:
    """Make a project."""
    call.allow_query()
    project = call.services.projects.create(NewProject(**new_members(body, call.version)))
    return entity_answer(_encoded(call, project), project, is_new=True)


@router.get("/{project_id}")
def get_project(call: CallDep, project_id: str) -> Response:
    """Read a project."""
    call.allow_query()
    project = call.services.projects.get(checked_id(project_id, "project"))
    return entity_answer(_encoded(call, project), project)


@router.patch("/{project_id}")
def update_project(call: CallDep, body: BodyDep, project_id: str) -> Response:
    """Change a project."""
    call.allow_query()
    current = call.services.projects.get(checked_id(project_id, "project"))
    refuse_fixed(body, _encoded(call, current), FIXED)
    change = ProjectChange(**changed_members(body, current.custom_properties))
    project = call.services.projects.update(current.id, change)
    return entity_answer(_encoded(call, project), project)


@router.delete("/{project_id}")
def delete_project(call: CallDep, project_id: str) -> Response:
    """Take a project away; its members stay."""
    call.allow_query()
    return deleted(project_id, call.services.projects.delete)


def _members(call: Call, project_id: str) -> Filter:
    return members_of(call.services.projects.get(checked_id(project_id, "project")).id)


@router.get("/{project_id}/datasets")
def list_project_datasets(call: CallDep, project_id: str) -> Response:
    """Datasets of a project."""
    within = every(_members(call, project_id), known_kinds(call))
    return page_of(call, call.services.datasets, "datasets", dataset_encoder(call), within=within)


@router.get("/{project_id}/models")
def list_project_models(call: CallDep, project_id: str) -> Response:
    """Custom models of a project."""
    within = _members(call, project_id)
    return page_of(call, call.services.models, "models", custom_model_encoder(call), within=within)


@router.get("/{project_id}/evaluations")
def list_project_evaluations(call: CallDep, project_id: str) -> Response:
    """Evaluations of a project."""
    within = _members(call, project_id)
    return page_of(call, call.services.evaluations, "evaluations", evaluation_encoder(call), within=within)


@router.get("/{project_id}/endpoints")
def list_project_endpoints(call: CallDep, project_id: str) -> Response:
    """Endpoints of a project."""
    within = _members(call, project_id)
    return page_of(call, call.services.endpoints, "endpoints", endpoint_encoder(call), within=within)


@router.get("/{project_id}/transcriptions")
def list_project_transcriptions(call: CallDep, project_id: str) -> Response:
    """Transcriptions of a project."""
    within = every(_members(call, project_id), known_features(call))
    encode = transcription_encoder(call)
    return page_of(call, call.services.transcriptions, "transcriptions", encode, within=within)
