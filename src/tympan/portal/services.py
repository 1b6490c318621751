"""What the pages are built on: the same use cases as the API."""

from __future__ import annotations

from dataclasses import dataclass, field

from tympan.domain.limits import Limit
from tympan.ports.blobs import BlobStore
from tympan.usecases.access import Access
from tympan.usecases.base_models import BaseModels
from tympan.usecases.datasets import Datasets
from tympan.usecases.endpoint_logs import EndpointLogs
from tympan.usecases.endpoints import Endpoints
from tympan.usecases.evaluations import Evaluations
from tympan.usecases.jobs import Jobs
from tympan.usecases.models import Models
from tympan.usecases.projects import Projects


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalServices:
    """Use cases and what only pages need.

    Attributes:
        blobs: Holds reports and score files.
        secret: Signs sessions. 32 random bytes that stay the same over restarts.
        public_url: Base URL clients use when a proxy is in front; None takes the request's.
        version: Of this server.
        limits: What is published of limits.
        block_bytes: Of the pieces in which browsers upload; a broken connection costs one of them.
    """

    access: Access
    projects: Projects
    datasets: Datasets
    base_models: BaseModels
    models: Models
    evaluations: Evaluations
    endpoints: Endpoints
    jobs: Jobs
    logs: EndpointLogs
    blobs: BlobStore
    secret: bytes = field(repr=False)
    public_url: str | None = None
    version: str = "0"
    limits: tuple[Limit, ...] = ()
    block_bytes: int = 4 * 1024**2
