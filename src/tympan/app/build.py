"""Builds the application from settings.

With ``app.foundation`` and ``app.build_jobs`` the only place that constructs backends.

Engines and frameworks are imported where they are built, so that the command line and a
small job do not wait for what they never use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import tympan
from tympan.app.foundation import Foundation
from tympan.app.settings import Settings
from tympan.backends.clock import SystemClock
from tympan.backends.sql.engine import EngineOptions
from tympan.domain.job import JobKind
from tympan.ports.jobs import JobContext
from tympan.ports.store import Store
from tympan.ports.tracing import NO_TRACES, Tracer
from tympan.worker.steps import StepTable

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from tympan.domain.model_copy import ModelCopy
    from tympan.ports.copy_target import CopyTarget
    from tympan.usecases.training import Training
    from tympan.usecases.training_repetition import Repetition

_ONE_AT_A_TIME = EngineOptions(pool_size=1, overflow=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepApp:
    """What a child process needs to run one attempt of a step."""

    store: Store
    clock: SystemClock
    steps: StepTable
    tracer: Tracer = NO_TRACES


def build(settings: Settings) -> StepApp:
    """Build what runs a step; each step builds the rest when it begins."""
    base = Foundation(settings, _ONE_AT_A_TIME, process="worker")
    steps: dict[tuple[JobKind, str], Callable[[JobContext], None]] = {
        (JobKind.IMPORT_DATASET, "import"): lambda context: _import_dataset(base, context),
        (JobKind.IMPORT_BASE_MODEL, "import"): lambda context: _import_base_model(base, context),
        (JobKind.TRAIN_MODEL, "prepare"): lambda context: _training(base).run_prepare(context),
        (JobKind.TRAIN_MODEL, "train"): lambda context: _training(base).run_train(context),
        (JobKind.TRAIN_MODEL, "export"): lambda context: _training(base).run_export(context),
        (JobKind.TRAIN_MODEL, "check"): lambda context: _training(base).run_check(context),
        (JobKind.TRAIN_MODEL, "publish"): lambda context: _training(base).run_publish(context),
        (JobKind.RUN_EVALUATION, "recognize"): lambda context: _scoring(base, "recognize", context),
        (JobKind.RUN_EVALUATION, "score"): lambda context: _scoring(base, "score", context),
        (JobKind.DEPLOY_ENDPOINT, "deploy"): lambda context: _deploy(base, context),
        (JobKind.COPY_MODEL, "copy"): lambda context: _copy_model(base, context),
        (JobKind.DELETE_LOGS, "delete"): lambda context: _delete_logs(base, context),
        (JobKind.RUN_TRANSCRIPTION, "transcribe"): lambda context: _transcribe(base, context),
        (JobKind.RUN_TRANSCRIPTION, "publish"): lambda context: _publish(base, context),
        (JobKind.VERIFY_MODEL, "prepare"): lambda context: _repetition(base).run_prepare(context),
        (JobKind.VERIFY_MODEL, "train"): lambda context: _repetition(base).run_train(context),
        (JobKind.VERIFY_MODEL, "compare"): lambda context: _repetition(base).run_compare(context),
    }
    return StepApp(store=base.store, clock=base.clock, steps=steps, tracer=base.tracer)


def build_web(settings: Settings) -> Starlette:
    """Build what the gateway serves: the REST routes and, behind them, the portal."""
    from tympan.app.build_web import web_application

    base = Foundation(settings, process="gateway")
    base.base_models.ensure_installed()
    return web_application(base, version=tympan.__version__)


def serve_model_host(settings: Settings) -> None:
    """Serve the engine on the model host's address until the process is asked to end."""
    from tympan.backends.model_host.server import Engines, serve

    base = Foundation(settings, _ONE_AT_A_TIME, process="model-host")
    url, secret = base.model_host_address
    address = urlsplit(url)
    at_once = base.recognitions_at_once
    host, port = address.hostname or "127.0.0.1", address.port or 80
    engines = Engines(
        recognizer=base.own_recognizer,
        live=base.own_live,
        embedder=base.own_embedder,
        tracer=base.tracer,
    )
    serve(engines, host, port, secret, at_once=at_once)


def _import_dataset(base: Foundation, context: JobContext) -> None:
    from tympan.usecases.dataset_import import DatasetImport

    DatasetImport(
        store=base.store,
        blobs=base.blobs,
        codec=base.codec,
        clock=base.clock,
        fetcher=base.fetcher,
        inverse=base.inverse_normalizer,
        limits=base.dataset_limits,
        retry_s=base.settings.fetch_retry_s,
    ).run(context)


def _import_base_model(base: Foundation, context: JobContext) -> None:
    base.base_models.run_import(context)


def _scoring(base: Foundation, step: str, context: JobContext) -> None:
    from tympan.app.writers import WRITERS
    from tympan.usecases.evaluation_transcripts import EvaluationTranscripts
    from tympan.usecases.scoring import Scoring

    scoring = Scoring(
        store=base.store,
        blobs=base.blobs,
        codec=base.codec,
        recognizer=base.own_recognizer,
        clock=base.clock,
        transcripts=EvaluationTranscripts(blobs=base.blobs, clock=base.clock, writers=WRITERS),
        at_once=base.recognitions_at_once,
    )
    run = scoring.run_recognize if step == "recognize" else scoring.run_score
    run(context)


def _deploy(base: Foundation, context: JobContext) -> None:
    from tympan.usecases.deployment import Deployment

    Deployment(store=base.store, recognizer=base.model_host, clock=base.clock).run_deploy(context)


def _delete_logs(base: Foundation, context: JobContext) -> None:
    base.endpoint_logs.run_delete(context)


def _copy_model(base: Foundation, context: JobContext) -> None:
    from tympan.backends.copy_target_http import HttpCopyTarget
    from tympan.usecases.model_copies import ModelCopying
    from tympan.usecases.model_receiving import OwnCopyTarget

    def target(copy: ModelCopy) -> CopyTarget:
        if copy.is_local:
            return OwnCopyTarget(receiving=base.receiving(), authorization=copy.authorization)
        return HttpCopyTarget(base.fetcher, copy.target_url, copy.authorization)

    ModelCopying(store=base.store, blobs=base.blobs, clock=base.clock, targets=target).run_copy(context)


def _transcribe(base: Foundation, context: JobContext) -> None:
    from tympan.app.writers import WRITERS
    from tympan.usecases.transcribing import Transcribing
    from tympan.usecases.transcription_sources import Sources

    sources = Sources(
        store=base.store,
        blobs=base.blobs,
        fetcher=base.fetcher,
        containers=base.containers,
        work_dir=base.settings.work_dir,
        limits=base.transcription_limits,
    )
    Transcribing(
        store=base.store,
        blobs=base.blobs,
        sources=sources,
        listening=base.listening(base.own_recognizer),
        writers=WRITERS,
        clock=base.clock,
        at_once=base.recognitions_at_once,
    ).run_transcribe(context)


def _publish(base: Foundation, context: JobContext) -> None:
    from tympan.app.writers import WRITERS
    from tympan.usecases.publishing import Publishing

    Publishing(
        store=base.store, blobs=base.blobs, containers=base.containers, writers=WRITERS, clock=base.clock
    ).run_publish(context)


def _repetition(base: Foundation) -> Repetition:
    from tympan.usecases.training_repetition import Repetition

    return Repetition(training=_training(base))


def _training(base: Foundation) -> Training:
    from tympan.backends.synthesizers import installed_synthesizer
    from tympan.backends.trainer_whisper import WhisperTrainer
    from tympan.usecases.training import Training

    return Training(
        store=base.store,
        blobs=base.blobs,
        files=base.files,
        codec=base.codec,
        trainer=WhisperTrainer(threads=base.settings.training_threads),
        synthesizer=installed_synthesizer(),
        recognizer=base.own_recognizer,
        clock=base.clock,
        work_dir=base.settings.work_dir,
    )
