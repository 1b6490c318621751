"""What the routes are built on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tympan.ports.blobs import BlobStore
from tympan.ports.recognizer import Recognizer
from tympan.usecases.access import Access
from tympan.usecases.base_models import BaseModels
from tympan.usecases.dataset_blocks import DatasetBlocks
from tympan.usecases.datasets import Datasets
from tympan.usecases.endpoints import Endpoints
from tympan.usecases.evaluations import Evaluations
from tympan.usecases.jobs import Jobs
from tympan.usecases.models import Models
from tympan.usecases.projects import Projects
from tympan.usecases.recognition import Recognition


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Use cases and the few values that only HTTP needs.

    Attributes:
        blobs: Serves file content.
        recognizer: Asked for its state by ``/health/ready``.
        ping: Reaches the database; raises UnavailableError when it cannot.
        secret: Signs file URLs. 32 random bytes that stay the same over restarts.
        uploads_dir: Where uploads lie while they arrive.
        public_url: Base URL clients use when a proxy is in front; None takes the request's.
        upload_limit_bytes: Largest upload.
        file_url_life_s: How long a file URL works.
        version: Of this server.
    """

    access: Access
    projects: Projects
    datasets: Datasets
    dataset_blocks: DatasetBlocks
    base_models: BaseModels
    models: Models
    evaluations: Evaluations
    endpoints: Endpoints
    recognition: Recognition
    jobs: Jobs
    blobs: BlobStore
    recognizer: Recognizer
    ping: Callable[[], None]
    secret: bytes = field(repr=False)
    uploads_dir: Path
    public_url: str | None = None
    upload_limit_bytes: int = 2 * 1024**3
    file_url_life_s: int = 12 * 3600
    version: str = "0"
