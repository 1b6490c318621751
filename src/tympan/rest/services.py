"""What the routes are built on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tympan.domain.limits import Limit
from tympan.ports.blobs import BlobStore
from tympan.ports.fetcher import Fetcher
from tympan.ports.meters import Meters
from tympan.ports.recognizer import Recognizer
from tympan.ports.tracing import NO_TRACES, Tracer
from tympan.usecases.access import Access
from tympan.usecases.base_models import BaseModels
from tympan.usecases.dataset_blocks import DatasetBlocks
from tympan.usecases.datasets import Datasets
from tympan.usecases.endpoint_logs import EndpointLogs
from tympan.usecases.endpoints import Endpoints
from tympan.usecases.evaluation_comparing import Comparing
from tympan.usecases.evaluations import Evaluations
from tympan.usecases.file_recognition import FileRecognition
from tympan.usecases.hook_deliveries import HookDeliveries
from tympan.usecases.jobs import Jobs
from tympan.usecases.model_copies import ModelCopies
from tympan.usecases.model_receiving import ModelReceiving
from tympan.usecases.models import Models
from tympan.usecases.observing import Observing
from tympan.usecases.projects import Projects
from tympan.usecases.recognition import Recognition
from tympan.usecases.traffic import RequestRate, RequestsAtOnce
from tympan.usecases.training_advice import Advisor
from tympan.usecases.training_repetition import Verifications
from tympan.usecases.transcriptions import Transcriptions
from tympan.usecases.web_hooks import WebHooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Use cases and the few values that only HTTP needs.

    Attributes:
        blobs: Serves file content.
        recognizer: Asked for its state by ``/health/ready``.
        files_at_once: Bounds the files that are heard while their clients wait.
        fetcher: Reaches recordings by URL.
        ping: Reaches the database; raises UnavailableError when it cannot.
        secret: Signs file URLs. 32 random bytes that stay the same over restarts.
        uploads_dir: Where uploads lie while they arrive.
        public_url: Base URL clients use when a proxy is in front; None takes the request's.
        upload_limit_bytes: Largest upload.
        file_url_life_s: How long a file URL works.
        version: Of this server.
        limits: What is published of limits.
        management_rate: Counts management requests by key.
        at_once: Counts recognitions that run, by endpoint.
        living_workers: How many workers have shown signs of life.
        meters: Counts and times requests.
        observing: Reads figures of now.
        tracer: Traces requests.
        is_metrics_open: Whether monitors need no key.
    """

    access: Access
    projects: Projects
    datasets: Datasets
    dataset_blocks: DatasetBlocks
    base_models: BaseModels
    models: Models
    advisor: Advisor
    model_copies: ModelCopies
    receiving: ModelReceiving
    evaluations: Evaluations
    endpoints: Endpoints
    transcriptions: Transcriptions
    recognition: Recognition
    file_recognition: FileRecognition
    files_at_once: RequestsAtOnce
    fetcher: Fetcher
    jobs: Jobs
    logs: EndpointLogs
    web_hooks: WebHooks
    hook_deliveries: HookDeliveries
    blobs: BlobStore
    recognizer: Recognizer
    meters: Meters
    observing: Observing
    ping: Callable[[], None]
    secret: bytes = field(repr=False)
    uploads_dir: Path
    public_url: str | None = None
    upload_limit_bytes: int = 2 * 1024**3
    file_url_life_s: int = 12 * 3600
    version: str = "0"
    limits: tuple[Limit, ...] = ()
    management_rate: RequestRate = field(default_factory=lambda: RequestRate(0))
    at_once: RequestsAtOnce = field(default_factory=lambda: RequestsAtOnce(0))
    living_workers: Callable[[], int] = lambda: 0
    is_metrics_open: bool = False
    tracer: Tracer = NO_TRACES

    @property
    def comparing(self) -> Comparing:
        """Compares evaluations by the reports they have left."""
        return Comparing(store=self.evaluations.store, blobs=self.blobs)

    @property
    def verifications(self) -> Verifications:
        """Has trainings repeated."""
        return Verifications(store=self.models.store, clock=self.models.clock)
