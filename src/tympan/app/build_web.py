"""Joins the REST routes and the portal into what the gateway serves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tympan.app.foundation import Foundation
from tympan.app.limits import MANAGEMENT_WINDOW_S, published_limits
from tympan.app.secret_file import resource_id, server_secret, token_secret
from tympan.backends.leases import worker_counter
from tympan.backends.live_audio import StreamedAudio
from tympan.backends.meters_prometheus import PrometheusMeters
from tympan.backends.sql.engine import EngineOptions, make_engine
from tympan.portal.services import PortalServices
from tympan.portal.site import create_portal
from tympan.realtime.routes import Realtime
from tympan.realtime.services import RealtimeServices
from tympan.rest.server import create_app
from tympan.rest.services import Services
from tympan.usecases.access import Access
from tympan.usecases.dataset_blocks import DatasetBlocks
from tympan.usecases.datasets import Datasets
from tympan.usecases.endpoints import Endpoints
from tympan.usecases.evaluations import Evaluations
from tympan.usecases.file_recognition import FileRecognition
from tympan.usecases.hook_deliveries import HookDeliveries
from tympan.usecases.jobs import Jobs
from tympan.usecases.live_recognition import LiveRecognition
from tympan.usecases.model_copies import ModelCopies
from tympan.usecases.models import Models
from tympan.usecases.observing import Observing
from tympan.usecases.projects import Projects
from tympan.usecases.recognition import Recognition
from tympan.usecases.serving import Serving
from tympan.usecases.traffic import RequestRate, RequestsAtOnce
from tympan.usecases.training_advice import Advisor

if TYPE_CHECKING:
    from starlette.applications import Starlette


def web_application(base: Foundation, *, version: str) -> Starlette:
    """The routes of ``rest`` and ``realtime`` with the portal mounted behind them."""
    serving = Serving(store=base.store, clock=base.clock, policy=base.settings.expired_endpoint_policy)
    services = _services(base, serving, version)
    application = create_app(services)
    realtime = _realtime(base, services, serving)
    application.router.routes.extend(realtime.routes())
    application.state.drain = realtime.drain
    application.mount("/", create_portal(_portal_services(services)))
    return application


def _services(base: Foundation, serving: Serving, version: str) -> Services:
    settings, store, clock = base.settings, base.store, base.clock
    jobs_database = make_engine(
        settings.jobs_sql_url, EngineOptions(pool_size=1, overflow=1, is_read_only=True)
    )
    workers = worker_counter(jobs_database, lease_s=settings.lease_s)
    secret = server_secret(settings.secret_file)
    receiving = base.receiving(resource_id(secret))
    models = Models(
        store=store, clock=clock, rule=settings.lifecycle_rule, audio_limit_s=settings.training_audio_limit_s
    )
    return Services(
        access=Access(store=store, clock=clock, token_secret=token_secret(secret)),
        projects=Projects(store=store, clock=clock),
        datasets=Datasets(
            store=store,
            blobs=base.blobs,
            clock=clock,
            fetcher=base.fetcher,
            limits=base.dataset_limits,
        ),
        dataset_blocks=DatasetBlocks(store=store, blobs=base.blobs, clock=clock, limits=base.dataset_limits),
        base_models=base.base_models,
        models=models,
        advisor=_advisor(base, models),
        model_copies=ModelCopies(store=store, clock=clock, receiving=receiving, fetcher=base.fetcher),
        receiving=receiving,
        evaluations=Evaluations(store=store, clock=clock),
        endpoints=Endpoints(store=store, clock=clock, limit=settings.endpoints_limit),
        transcriptions=replace(base.transcriptions, embedder=base.model_host),
        recognition=Recognition(serving=serving, codec=base.codec, recognizer=base.model_host),
        file_recognition=FileRecognition(
            store=store, serving=serving, codec=base.codec, listening=base.listening(base.model_host)
        ),
        files_at_once=RequestsAtOnce(settings.file_requests_at_once),
        fetcher=base.fetcher,
        jobs=Jobs(store=store, clock=clock),
        logs=base.endpoint_logs,
        web_hooks=base.web_hooks,
        hook_deliveries=HookDeliveries(store=store, clock=clock),
        blobs=base.blobs,
        recognizer=base.model_host,
        meters=PrometheusMeters(),
        observing=Observing(store=store, recognizer=base.model_host, living_workers=workers),
        tracer=base.tracer,
        is_metrics_open=settings.metrics_open,
        ping=store.ping,
        secret=secret,
        uploads_dir=settings.data_dir / "uploads",
        public_url=settings.public_url,
        upload_limit_bytes=settings.upload_limit_bytes,
        file_url_life_s=settings.file_url_life_s,
        version=version,
        limits=published_limits(settings, base.dataset_limits),
        management_rate=RequestRate(settings.management_rate, MANAGEMENT_WINDOW_S),
        at_once=RequestsAtOnce(settings.requests_at_once),
        living_workers=workers,
    )


def _advisor(base: Foundation, models: Models) -> Advisor:
    from tympan.backends.synthesizers import installed_synthesizer
    from tympan.backends.trainer_whisper import WhisperTrainer

    return Advisor(
        store=base.store,
        blobs=base.blobs,
        models=models,
        trainer=WhisperTrainer(threads=base.settings.training_threads),
        synthesizer=installed_synthesizer(),
    )


def _realtime(base: Foundation, services: Services, serving: Serving) -> Realtime:
    live = LiveRecognition(
        serving=serving,
        live=base.model_host_live,
        recognizer=base.model_host,
        embedder=base.model_host,
        multilingual=base.multilingual_bundles,
    )
    return Realtime(
        RealtimeServices(
            access=services.access,
            live=live,
            logs=services.logs,
            clock=base.clock,
            live_audio=StreamedAudio,
            meters=services.meters,
            tracer=services.tracer,
            at_once=services.at_once,
        )
    )


def _portal_services(services: Services) -> PortalServices:
    return PortalServices(
        access=services.access,
        projects=services.projects,
        datasets=services.datasets,
        base_models=services.base_models,
        models=services.models,
        evaluations=services.evaluations,
        endpoints=services.endpoints,
        jobs=services.jobs,
        logs=services.logs,
        blobs=services.blobs,
        secret=services.secret,
        public_url=services.public_url,
        version=services.version,
        limits=services.limits,
    )
