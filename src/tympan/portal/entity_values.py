"""What pages of single resources show around them, whatever the resource."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request

from tympan.domain.errors import NotFoundError
from tympan.domain.job import Job, JobProgress
from tympan.domain.resource import WorkedResource
from tympan.portal.pages import Pages
from tympan.portal.projects import project_values


def entity_values(pages: Pages, request: Request, tab: str, entity: WorkedResource) -> dict[str, object]:
    """The project around a resource, and how far its job is.

    Raises:
        NotFoundError: The resource is in another project.
    """
    project_id = request.path_params["project_id"]
    check_place(entity, project_id)
    return project_values(pages, project_id, tab) | {"progress": _progress(pages, entity)}


def check_place(entity: WorkedResource, project_id: str) -> None:
    """Make sure that a resource is in the project its address names.

    Raises:
        NotFoundError: It is in another one.
    """
    if entity.project_id != project_id:
        raise NotFoundError(f"'{entity.display_name}' is not in this project.")


def dataset_names(pages: Pages, dataset_ids: Iterable[str]) -> dict[str, str]:
    """Names of datasets by id; a deleted one is called so."""
    names = {}
    for one in set(dataset_ids):
        try:
            names[one] = pages.services.datasets.get(one).display_name
        except NotFoundError:
            names[one] = "deleted dataset"
    return names


def job_of(pages: Pages, entity: WorkedResource) -> Job | None:
    """The newest job of a resource; None when it never had one here."""
    if entity.job_id is None:
        return None
    try:
        return pages.services.jobs.get(entity.job_id)
    except NotFoundError:
        return None


def _progress(pages: Pages, entity: WorkedResource) -> JobProgress | None:
    if entity.job_id is None or entity.status.is_terminal:
        return None
    return pages.services.jobs.progress(entity.job_id)
