"""Projects: shelves for everything else."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from tympan.domain.project import Project
from tympan.domain.query import Compare, Filter, Query, every
from tympan.domain.resource import WorkedResource
from tympan.ports.clock import Clock
from tympan.ports.store import Repository, Store
from tympan.usecases.change import UNCHANGED, Unchanged, changed
from tympan.usecases.resource_rules import canonical_locale, checked_name, checked_properties
from tympan.usecases.transcriptions import LISTED

W = TypeVar("W", bound=WorkedResource)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """What it takes to create a project."""

    display_name: str
    locale: str
    description: str | None = None
    custom_properties: Mapping[str, str] = field(default_factory=dict)
    api_version: str = "v3.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChange:
    """What an update may change."""

    display_name: str | Unchanged = UNCHANGED
    description: str | Unchanged | None = UNCHANGED
    custom_properties: Mapping[str, str] | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCounts:
    """How many members a project has."""

    datasets: int
    models: int
    evaluations: int
    endpoints: int
    transcriptions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Projects:
    """What users can do with projects."""

    store: Store
    clock: Clock

    def create(self, new: NewProject) -> Project:
        """Make a project.

        Raises:
            InvalidInputError: Name, locale or custom properties break a rule.

        Source:
            Speech to text REST v3.2, operation ``Projects_Create``.
        """
        now = self.clock.now()
        project = Project(
            id=str(uuid.uuid4()),
            display_name=checked_name(new.display_name),
            description=new.description,
            locale=canonical_locale(new.locale),
            custom_properties=checked_properties(new.custom_properties),
            created_at=now,
            api_version=new.api_version,
            last_action_at=now,
        )
        with self.store.write() as tx:
            tx.projects.add(project)
        return project

    def get(self, project_id: str) -> Project:
        """The project.

        Raises:
            NotFoundError: There is none.
        """
        with self.store.read() as tx:
            return tx.projects.get(project_id)

    def list(self, query: Query) -> Sequence[Project]:
        """One page of projects."""
        with self.store.read() as tx:
            return tx.projects.list(query)

    def count(self, where: Filter | None = None) -> int:
        """How many projects the filter keeps."""
        with self.store.read() as tx:
            return tx.projects.count(where)

    def counts(self, project_id: str) -> ProjectCounts:
        """How many members of each kind a project has."""
        where = members_of(project_id)
        with self.store.read() as tx:
            return ProjectCounts(
                datasets=tx.datasets.count(where),
                models=tx.models.count(where),
                evaluations=tx.evaluations.count(where),
                endpoints=tx.endpoints.count(where),
                transcriptions=tx.transcriptions.count(every(LISTED, where)),
            )

    def update(self, project_id: str, change: ProjectChange) -> Project:
        """Rename a project or change what is said of it.

        Raises:
            NotFoundError: There is none.
            InvalidInputError: Name or custom properties break a rule.
        """
        with self.store.write() as tx:
            project = tx.projects.get(project_id)
            project = replace(
                project,
                display_name=checked_name(changed(project.display_name, change.display_name)),
                description=changed(project.description, change.description),
                custom_properties=checked_properties(
                    changed(project.custom_properties, change.custom_properties)
                ),
                last_action_at=self.clock.now(),
            )
            tx.projects.save(project)
        return project

    def delete(self, project_id: str) -> None:
        """Take the project away; its members stay and lose the reference. Absent is fine."""
        with self.store.write() as tx:
            _release(tx.datasets, project_id)
            _release(tx.models, project_id)
            _release(tx.evaluations, project_id)
            _release(tx.endpoints, project_id)
            _release(tx.transcriptions, project_id)
            tx.projects.delete(project_id)


def members_of(project_id: str) -> Filter:
    """Keeps the members of a project."""
    return Compare("project_id", "eq", project_id)


def _release(repository: Repository[W], project_id: str) -> None:
    for member in repository.list(Query(where=members_of(project_id))):
        repository.save(replace(member, project_id=None))
