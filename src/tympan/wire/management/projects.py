"""Project documents."""

from __future__ import annotations

from dataclasses import dataclass

from tympan.domain.project import Project
from tympan.wire.addresses import Addresses
from tympan.wire.management.entities import common_members
from tympan.wire.values import Document, present

FIXED = ("locale",)
"""Members an update cannot change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCounts:
    """How many members of each kind a project has."""

    datasets: int
    models: int
    evaluations: int
    endpoints: int
    transcriptions: int


def project_document(project: Project, counts: MemberCounts, addresses: Addresses) -> Document:
    """A project as clients see it."""
    lists = ("evaluations", "datasets", "models", "endpoints", "transcriptions")
    return present(
        {
            "self": addresses.management("projects", project.id),
            "links": {name: addresses.management("projects", project.id, name) for name in lists},
            "properties": {
                "datasetCount": counts.datasets,
                "evaluationCount": counts.evaluations,
                "modelCount": counts.models,
                "transcriptionCount": counts.transcriptions,
                "endpointCount": counts.endpoints,
            },
            **common_members(project),
        }
    )
