"""The backends that every process stands on."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import psutil

from tympan.app.settings import Settings
from tympan.app.tracing import tracer_for
from tympan.backends.audio_av import AvAudioCodec
from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.fetch.containers import HttpContainers
from tympan.backends.fetch.fetcher import HttpFetcher
from tympan.backends.fetch.transport import Patience, SafeHttp
from tympan.backends.model_files import LocalModelFiles
from tympan.backends.sql.engine import EngineOptions
from tympan.backends.sql.store import SqlStore
from tympan.domain.errors import InvalidInputError
from tympan.domain.reach import ReachRules, own_addresses, read_allowances, read_ports
from tympan.ports.inverse_normalizer import InverseNormalizer
from tympan.ports.live_recognition import LiveRecognizer
from tympan.ports.recognizer import Recognizer
from tympan.ports.speaker_embedder import SpeakerEmbedder
from tympan.ports.store import Store
from tympan.ports.tracing import Tracer
from tympan.speech.archive import ArchiveLimits
from tympan.usecases.announcing import AnnouncingStore
from tympan.usecases.base_models import BaseModels
from tympan.usecases.dataset_limits import DatasetLimits
from tympan.usecases.listening import Listening
from tympan.usecases.transcription_limits import TranscriptionLimits
from tympan.usecases.transcriptions import Transcriptions

if TYPE_CHECKING:
    from tympan.backends.model_host.client import ModelHostClient
    from tympan.backends.whisper.recognizer import WhisperRecognizer
    from tympan.domain.model import Bundle
    from tympan.usecases.endpoint_logs import EndpointLogs
    from tympan.usecases.model_receiving import ModelReceiving
from tympan.usecases.web_hooks import WebHooks

_RESTART_S = 15.0
"""Longer than the supervisor and the start of a model host take together; streams wait as long."""


class Foundation:
    """Backends, each built when first asked for.

    Args:
        settings: Of the server.
        options: How many database connections this process may hold; None: as a server.
        process: What traces call it.
    """

    def __init__(
        self, settings: Settings, options: EngineOptions | None = None, *, process: str = "worker"
    ) -> None:
        self.settings = settings
        self._process = process
        self.clock = SystemClock()
        self._options = options

    @cached_property
    def tracer(self) -> Tracer:
        """Traces this process, if traces are wanted."""
        return tracer_for(self.settings, self._process)

    @cached_property
    def store(self) -> Store:
        """Resources and jobs; what happens to them is announced."""
        return AnnouncingStore(
            store=SqlStore(self.settings.sql_url, self._options),
            clock=self.clock,
            is_for_all_versions=self.settings.hooks_hear_all_versions,
        )

    @cached_property
    def blobs(self) -> ObstoreBlobs:
        """Bytes."""
        spool = self.settings.data_dir / "spool"
        spool.mkdir(parents=True, exist_ok=True)
        return ObstoreBlobs(
            self.settings.blobs_url,
            self.clock,
            options=_blob_options(self.settings),
            spool_dir=spool,
            signs_urls=self.settings.blob_urls_signed,
        )

    @cached_property
    def codec(self) -> AvAudioCodec:
        """Audio in any form."""
        return AvAudioCodec()

    @cached_property
    def http(self) -> SafeHttp:
        """Requests to addresses that users name."""
        entries = (entry for entries in psutil.net_if_addrs().values() for entry in entries)
        rules = ReachRules(
            allowed=read_allowances(self.settings.fetch_allow),
            ports=read_ports(self.settings.fetch_ports),
            own=own_addresses(entry.address for entry in entries),
        )
        patience = Patience(silence_s=self.settings.fetch_silence_s, total_s=self.settings.fetch_total_s)
        return SafeHttp(rules=rules, patience=patience)

    @cached_property
    def fetcher(self) -> HttpFetcher:
        """Sources and receivers that users name."""
        return HttpFetcher(self.http)

    @cached_property
    def containers(self) -> HttpContainers:
        """Storage containers that users name."""
        return HttpContainers(self.http)

    @cached_property
    def files(self) -> LocalModelFiles:
        """Model bundles as local folders."""
        return LocalModelFiles(self.blobs, self.settings.models_dir)

    @cached_property
    def base_models(self) -> BaseModels:
        """The catalogue of base models."""
        from tympan.backends.model_supply import PackagedModels

        return BaseModels(
            store=self.store,
            files=self.files,
            supply=PackagedModels(),
            clock=self.clock,
            rule=self.settings.lifecycle_rule,
            work_dir=self.settings.work_dir,
        )

    @cached_property
    def endpoint_logs(self) -> EndpointLogs:
        """Audio and results of requests."""
        from tympan.usecases.endpoint_logs import EndpointLogs

        days = self.settings.log_retention_days
        return EndpointLogs(
            store=self.store,
            blobs=self.blobs,
            clock=self.clock,
            retention=timedelta(days=days) if days else None,
        )

    def receiving(self, resource_id: str = "") -> ModelReceiving:
        """What takes models in from other servers.

        Args:
            resource_id: Of this server; only needed where authorizations are given.
        """
        from tympan.usecases.model_receiving import ModelReceiving

        return ModelReceiving(
            store=self.store,
            blobs=self.blobs,
            clock=self.clock,
            rule=self.settings.lifecycle_rule,
            resource_id=resource_id,
            limit_bytes=self.settings.model_copy_limit_bytes,
        )

    @cached_property
    def web_hooks(self) -> WebHooks:
        """Receivers that are told what happens."""
        return WebHooks(
            store=self.store,
            clock=self.clock,
            fetcher=self.fetcher,
            is_for_all_versions=self.settings.hooks_hear_all_versions,
        )

    @cached_property
    def dataset_limits(self) -> DatasetLimits:
        """The published limits as set."""
        return DatasetLimits(
            datasets=self.settings.datasets_limit,
            archive_bytes=self.settings.upload_limit_bytes,
            archive=ArchiveLimits(
                entries=self.settings.archive_entry_limit,
                total_bytes=self.settings.archive_total_limit_bytes,
            ),
            recording_s=self.settings.recording_limit_s,
        )

    @cached_property
    def transcription_limits(self) -> TranscriptionLimits:
        """The published limits as set."""
        return TranscriptionLimits(source_bytes=self.settings.recording_fetch_limit_bytes)

    @cached_property
    def transcriptions(self) -> Transcriptions:
        """Batch transcriptions."""
        return Transcriptions(
            store=self.store,
            blobs=self.blobs,
            fetcher=self.fetcher,
            containers=self.containers,
            clock=self.clock,
            limits=self.transcription_limits,
        )

    @property
    def recognitions_at_once(self) -> int:
        """Recognitions that this machine's cores can run together."""
        return max(1, (psutil.cpu_count() or 1) // self.settings.engine_threads)

    @cached_property
    def own_recognizer(self) -> WhisperRecognizer:
        """The engine inside this process."""
        from tympan.backends.whisper.recognizer import EngineSettings, WhisperRecognizer

        settings = EngineSettings(
            threads=self.settings.engine_threads,
            workers=self.recognitions_at_once,
            compute_type=self.settings.engine_compute_type,
            idle_unload_s=self.settings.idle_unload_s,
        )
        return WhisperRecognizer(self.files, self.clock, settings, self.inverse_normalizer)

    @cached_property
    def inverse_normalizer(self) -> InverseNormalizer:
        """What writes numbers as figures."""
        from tympan.backends.inverse_text.normalizer import LibraryInverseNormalizer

        return LibraryInverseNormalizer()

    @cached_property
    def own_live(self) -> LiveRecognizer:
        """Follows streams inside this process."""
        from tympan.backends.whisper.live import WhisperLive

        most = self.settings.live_streams or None
        return WhisperLive(self.own_recognizer, threads=self.recognitions_at_once, most=most)

    @cached_property
    def own_embedder(self) -> SpeakerEmbedder:
        """What tells speakers apart inside this process."""
        from tympan.backends.speakers.embedder import CampplusEmbedder

        return CampplusEmbedder(self.settings.speaker_weights)

    @cached_property
    def model_host(self) -> ModelHostClient:
        """The engine of the model host, which answers endpoints; also tells speakers apart."""
        from tympan.backends.model_host.client import ModelHostClient

        return ModelHostClient(*self.model_host_address, restart_s=_RESTART_S, tracer=self.tracer)

    @cached_property
    def model_host_live(self) -> LiveRecognizer:
        """Follows streams in the model host."""
        from tympan.backends.model_host.live_client import ModelHostLive

        return ModelHostLive(*self.model_host_address, tracer=self.tracer)

    def listening(self, recognizer: Recognizer) -> Listening:
        """Hears recordings of any length with one of the engines."""
        from tympan.usecases.long_listening import LongListening

        is_own = "own_recognizer" in vars(self) and recognizer is self.own_recognizer
        return LongListening(
            codec=self.codec,
            recognizer=recognizer,
            embedder=self.own_embedder if is_own else self.model_host,
            at_once=self.recognitions_at_once,
            multilingual=self.multilingual_bundles,
        )

    def multilingual_bundles(self) -> tuple[Bundle, ...]:
        """Models that can tell languages apart, the latest release first."""
        from tympan.usecases.model_lookup import multilingual_bundles

        with self.store.read() as tx:
            return multilingual_bundles(tx, self.clock.now())

    @property
    def model_host_address(self) -> tuple[str, str]:
        """URL and secret of the model host.

        Raises:
            InvalidInputError: They are not set.
        """
        url, secret = self.settings.model_host_url, self.settings.model_host_secret
        if url is None or secret is None:
            raise InvalidInputError(
                "No model host is set. `tympan serve` starts one; a process started alone needs "
                "TYMPAN_MODEL_HOST_URL and TYMPAN_MODEL_HOST_SECRET.",
                target="model_host_url",
            )
        return url, secret.get_secret_value()


def _blob_options(settings: Settings) -> dict[str, str]:
    if settings.blob_options is None:
        return {}
    text = settings.blob_options.get_secret_value()
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise InvalidInputError(
            'TYMPAN_BLOB_OPTIONS is not a JSON object such as {"endpoint": "http://127.0.0.1:9000"}.',
            target="blob_options",
        )
    return {str(name): str(value) for name, value in options.items()}
