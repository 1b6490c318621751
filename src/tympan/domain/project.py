"""The project: a named shelf for datasets, models, evaluations and endpoints."""

from __future__ import annotations

from dataclasses import dataclass

from tympan.domain.resource import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(Resource):
    """Members may live without it: deleting a project only takes the reference away."""
