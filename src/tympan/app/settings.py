"""The settings, and the only reader of the environment."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from tympan.domain.lifecycle import ExpiredEndpointPolicy, LifecycleRule

_PREFIX = "TYMPAN_"


class Settings(BaseSettings):
    """Everything that can be set, as ``TYMPAN_<NAME>``; ``docs/settings.md`` is made from it."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    data_dir: Path = Field(Path("data"), description="Folder of databases, files and models.")
    host: str = Field("127.0.0.1", description="Address the server listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port the server listens on; 0 picks a free one.")
    bootstrap_key: SecretStr | None = Field(
        None, description="The first key, for unattended starts; else two keys are made."
    )
    public_url: str | None = Field(None, description="Base URL clients use, when a proxy is in front.")

    server_url: str | None = Field(
        None, description="Server the command line talks to; the one on the data folder when not set."
    )
    key: SecretStr | None = Field(
        None, description="Key the command line shows; from the data folder when not set."
    )

    database_url: str | None = Field(
        None, description="SQLAlchemy URL; SQLite in the data folder when not set."
    )
    jobs_database_url: str | None = Field(
        None, description="Database of the job engine; SQLite in the data folder when not set."
    )
    blob_url: str | None = Field(
        None, description="Bucket URL (s3://, az://, gs://); the data folder when not set."
    )
    blob_options: SecretStr | None = Field(
        None, description="Options of the bucket as JSON: endpoint, region, access_key_id and so on."
    )
    blob_urls_signed: bool = Field(
        True, description="Whether clients may fetch files from the bucket themselves, by signed URLs."
    )

    job_concurrency: int = Field(2, ge=1, description="Jobs a worker runs at once.")
    training_concurrency: int = Field(1, ge=1, description="Trainings a worker runs at once.")
    training_threads: int = Field(2, ge=1, description="CPU threads a training uses.")
    lease_s: float = Field(30.0, gt=0, description="A worker silent for so long is taken for dead.")
    poll_s: float = Field(0.25, gt=0, description="How often a worker looks for new and cancelled jobs.")
    max_step_attempts: int = Field(10, ge=1, description="Crashes of one step before its job fails.")

    lifecycle_rule: LifecycleRule = Field(
        LifecycleRule.QUARTER, description="How models expire: quarter, anniversary or never."
    )
    expired_endpoint_policy: ExpiredEndpointPolicy = Field(
        ExpiredEndpointPolicy.FALL_BACK, description="What an endpoint with an expired model does."
    )

    model_host_url: str | None = Field(None, description="Model host to use; `tympan serve` starts its own.")
    speaker_weights: Path | None = Field(
        None,
        description="Weights that tell speakers apart (CAM++); the installed ones when not set.",
    )
    model_host_secret: SecretStr | None = Field(None, description="Shared secret of model host and callers.")
    engine_threads: int = Field(1, ge=1, description="Threads a recognition uses.")
    engine_compute_type: str = Field("int8", description="CTranslate2 compute type, such as int8 or float32.")
    file_requests_at_once: int = Field(
        4, ge=0, description="Whole files heard at once while clients wait, at each gateway; 0 is no limit."
    )
    live_streams: int = Field(
        0,
        ge=0,
        description="Streams that a model host follows at once; 0: as many as it measures that it can.",
    )
    idle_unload_s: float = Field(600.0, gt=0, description="A model unused for so long leaves memory.")

    fetch_allow: str = Field(
        "",
        description="What URLs given by users may lead to although it is not public: names, addresses and "
        "ranges between commas, each with a port or not.",
    )
    fetch_ports: str = Field(
        "", description="The only ports such URLs may name; when empty, all but those of other protocols."
    )
    fetch_silence_s: float = Field(30.0, gt=0, description="A source silent for so long is given up.")
    fetch_total_s: float = Field(3600.0, gt=0, description="Longest wait for the whole of a source.")
    fetch_retry_s: float = Field(
        600.0, ge=0, description="For how long a source that cannot be reached is tried again."
    )

    recording_fetch_limit_bytes: int = Field(
        1024**3, ge=1, description="Largest recording that a transcription fetches."
    )
    hooks_hear_all_versions: bool = Field(
        False, description="Whether web hooks are told of entities made through other API versions too."
    )
    hook_answer_s: float = Field(
        15.0, gt=0, description="The receiver of a web hook must answer within this."
    )
    hook_retry_first_s: float = Field(
        5.0,
        gt=0,
        description="Pause before a delivery is tried again; each further one is three times as long.",
    )
    hook_retry_total_s: float = Field(
        24 * 3600.0, ge=0, description="After so long, a delivery that still fails is given up."
    )
    hooks_at_once: int = Field(16, ge=2, description="Receivers of web hooks that a worker calls at once.")
    hook_keep_delivered_days: float = Field(
        30.0, ge=0, description="For how long the log of web hooks keeps what was delivered."
    )
    hook_keep_dead_days: float = Field(
        90.0, ge=0, description="For how long the log of web hooks keeps what was given up."
    )

    upload_limit_bytes: int = Field(2 * 1024**3, ge=1, description="Largest upload.")
    archive_entry_limit: int = Field(10_000, ge=1, description="Most files in an archive.")
    archive_total_limit_bytes: int = Field(20 * 1024**3, ge=1, description="Largest unpacked archive.")
    recording_limit_s: float = Field(7200.0, gt=0, description="Longest recording in a dataset.")
    management_rate: int = Field(
        100, ge=0, description="Management requests in 10 s with one key, at each gateway; 0 is no limit."
    )
    requests_at_once: int = Field(
        100, ge=0, description="Recognitions at once for one endpoint, at each gateway; 0 is no limit."
    )
    metrics_open: bool = Field(
        False, description="Whether /metrics needs no key, for a monitor in a closed network."
    )
    otlp_endpoint: str | None = Field(
        None,
        description="Collector that traces are sent to as OTLP over HTTP, such as http://127.0.0.1:4318; "
        "nothing is traced when not set. Needs the extra `otel`.",
    )
    datasets_limit: int = Field(500, ge=1, description="Most datasets.")
    endpoints_limit: int = Field(50, ge=1, description="Most endpoints.")
    training_audio_limit_s: float = Field(
        100 * 3600.0, gt=0, description="Most audio in the datasets of one training."
    )
    training_time_limit_s: float = Field(
        7 * 86400.0, gt=0, description="A training that runs for longer is ended."
    )
    model_copy_limit_bytes: int = Field(
        16 * 1024**3, ge=1, description="Largest model that is copied in from another server."
    )
    log_retention_days: int = Field(
        30, ge=0, description="Days that endpoint logs are kept; 0 keeps them for good."
    )
    file_url_life_s: int = Field(12 * 3600, ge=1, description="How long a file URL works.")

    @property
    def sql_url(self) -> str:
        """URL of the resource database."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'app.db'}"

    @property
    def jobs_sql_url(self) -> str:
        """URL of the job engine's database."""
        return self.jobs_database_url or f"sqlite:///{self.data_dir.resolve() / 'jobs.db'}"

    @property
    def blobs_url(self) -> str:
        """URL of the blob store."""
        return self.blob_url or (self.data_dir.resolve() / "blobs").as_uri()

    @property
    def models_dir(self) -> Path:
        """Local copies of model bundles; may be deleted at any time."""
        return self.data_dir / "models"

    @property
    def work_dir(self) -> Path:
        """Working folders of running jobs; what matters there is also in the blob store."""
        return self.data_dir / "work"

    @property
    def server_file(self) -> Path:
        """Address and process id of the running server; the local command line reads it."""
        return self.data_dir / "server.json"

    @property
    def secret_file(self) -> Path:
        """What signs file URLs and portal sessions, mode 0600."""
        return self.data_dir / "secret"

    @property
    def keys_file(self) -> Path:
        """The owner's copy of the keys, mode 0600; the local command line reads it."""
        return self.data_dir / "keys.json"


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment in which a child process finds these settings, whoever set them."""
    inherited = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251  this module reads it for all
        if not name.upper().startswith(_PREFIX)
    }
    said = {name: _plain(value) for name, value in settings.model_dump().items() if value is not None}
    said["data_dir"] = str(settings.data_dir.resolve())
    # Threads that spin while they wait make engines ten times slower on a busy machine.
    patient = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
    # With an arena for each thread a recording of hours takes more and more memory: measured
    # 619 MB for 10 minutes and 707 MB for four hours; 457 and 522 MB for 10 and 60 minutes with one.
    compact = {"MALLOC_ARENA_MAX": "1"}
    return patient | compact | inherited | {f"{_PREFIX}{name.upper()}": value for name, value in said.items()}


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Every secret among the settings, so that logs can hide them."""
    values = settings.model_dump().values()
    return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
