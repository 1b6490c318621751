"""Batch transcriptions: creating, listing, changing, deleting, and letting them expire."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from pydantic import TypeAdapter

from tympan.domain.dataset import StoredFile
from tympan.domain.errors import ConflictError
from tympan.domain.job import Job, JobKind
from tympan.domain.phrase_list import NO_PHRASES, PhraseList
from tympan.domain.query import EVERYTHING, Compare, Filter, Not, Query, every
from tympan.domain.transcription import (
    DEFAULT_OPTIONS,
    ROOT_FOLDER,
    SourceKind,
    Transcription,
    TranscriptionOptions,
    folder_of,
)
from tympan.ports.blobs import BlobInfo, BlobStore
from tympan.ports.clock import Clock
from tympan.ports.containers import Containers
from tympan.ports.fetcher import Fetcher
from tympan.ports.speaker_embedder import SpeakerEmbedder
from tympan.ports.store import Store, Transaction
from tympan.usecases.change import UNCHANGED, Unchanged, changed
from tympan.usecases.hearing_rules import check_heard_dataset
from tympan.usecases.resource_rules import canonical_locale, check_project, checked_name, checked_properties
from tympan.usecases.transcription_limits import PUBLISHED_LIMITS, TranscriptionLimits
from tympan.usecases.transcription_rules import (
    check_address,
    check_life,
    check_one_source,
    check_voices,
    checked_options,
    chosen_models,
)

_FILE: TypeAdapter[StoredFile] = TypeAdapter(StoredFile)
_AT_ONCE = 100
_MARK_COUNTS = timedelta(hours=1)
_DELETED = f"{ROOT_FOLDER}-deleted"

LISTED: Filter = Not(Compare("evaluation_id", "ge", ""))
"""Keeps what its owner made, not what stands behind evaluations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTranscription:
    """What it takes to create a transcription.

    Attributes:
        urls, container_url, dataset_id: Exactly one of them names the recordings.
        model_id: Base or custom model; None takes the newest base model of the locale.
        phrase_list: Words to favour.
        time_to_live_s: Seconds from completion to deletion; None keeps it.
        destination_url: Container that gets the results too.
        warnings: What was asked for and will not be done.
    """

    display_name: str
    locale: str
    urls: Sequence[str] = ()
    container_url: str | None = None
    dataset_id: str | None = None
    model_id: str | None = None
    options: TranscriptionOptions = DEFAULT_OPTIONS
    phrase_list: PhraseList = NO_PHRASES
    time_to_live_s: int | None = None
    destination_url: str | None = None
    description: str | None = None
    project_id: str | None = None
    custom_properties: Mapping[str, str] = field(default_factory=dict)
    api_version: str = "v3.2"
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionChange:
    """What an update may change."""

    display_name: str | Unchanged = UNCHANGED
    description: str | Unchanged | None = UNCHANGED
    project_id: str | Unchanged | None = UNCHANGED
    custom_properties: Mapping[str, str] | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcriptions:
    """What users can do with batch transcriptions.

    Attributes:
        embedder: Tells whether speakers can be told apart, before a transcription is accepted;
            None: that is found out while it runs.
    """

    store: Store
    blobs: BlobStore
    fetcher: Fetcher
    containers: Containers
    clock: Clock
    limits: TranscriptionLimits = PUBLISHED_LIMITS
    embedder: SpeakerEmbedder | None = None

    def create(self, new: NewTranscription) -> Transcription:
        """Have recordings transcribed.

        URLs and phrases go to the blob store first; then the transcription and its job are written
        in one transaction. Returns at once; nothing is fetched before a worker takes the job.

        Raises:
            InvalidInputError: A member breaks a rule, or speakers are to be told apart and this
                server cannot; the code says which.
            InvalidStateError: The dataset is still being imported.
            LocaleMismatchError: Model, dataset or project has another locale.
            ModelExpiredError: A model's decoding date has passed.

        Source:
            Speech to text REST v3.2, ``Transcriptions_Create``; 2024-11-15, ``Transcriptions_Submit``.
        """
        transcription = self._described(new)
        job = Job(
            id=str(transcription.job_id),
            kind=JobKind.RUN_TRANSCRIPTION,
            resource_id=transcription.id,
            created_at=transcription.created_at,
        )
        with self.store.read() as tx:  # before anything is written for it
            transcription = self._with_models(tx, transcription, new.model_id)
        if new.urls:
            lines = (json.dumps(url).encode() + b"\n" for url in new.urls)
            self.blobs.put(transcription.urls_key, lines)
        if transcription.phrases:
            self.blobs.put(transcription.phrases_key, [json.dumps(new.phrase_list.phrases).encode()])
        with self.store.write() as tx:
            transcription = self._with_models(tx, transcription, new.model_id)
            tx.transcriptions.add(transcription)
            tx.jobs.add(job)
        return transcription

    def get(self, transcription_id: str) -> Transcription:
        """The transcription.

        Raises:
            NotFoundError: There is none.
        """
        with self.store.read() as tx:
            return tx.transcriptions.get(transcription_id)

    def list(self, query: Query = EVERYTHING) -> Sequence[Transcription]:
        """One page of transcriptions; those behind evaluations are not among them."""
        with self.store.read() as tx:
            return tx.transcriptions.list(replace(query, where=every(LISTED, query.where)))

    def count(self, where: Filter | None = None) -> int:
        """How many transcriptions the filter keeps; those behind evaluations do not count."""
        with self.store.read() as tx:
            return tx.transcriptions.count(every(LISTED, where))

    def files(self, transcription: Transcription) -> Sequence[StoredFile]:
        """Its result files and report, in the order of the recordings; none before its end."""
        return [] if transcription.files_key is None else list(self._files(transcription.files_key))

    def update(self, transcription_id: str, change: TranscriptionChange) -> Transcription:
        """Rename a transcription, move it to another project, or change what is said of it.

        Raises:
            NotFoundError: There is none.
            InvalidInputError: Name, project or custom properties break a rule.
            LocaleMismatchError: The project has another locale.
        """
        with self.store.write() as tx:
            transcription = tx.transcriptions.get(transcription_id)
            transcription = replace(
                transcription,
                display_name=checked_name(changed(transcription.display_name, change.display_name)),
                description=changed(transcription.description, change.description),
                project_id=changed(transcription.project_id, change.project_id),
                custom_properties=checked_properties(
                    changed(transcription.custom_properties, change.custom_properties)
                ),
                last_action_at=self.clock.now(),
            )
            check_project(tx, transcription.project_id, transcription.locale)
            tx.transcriptions.save(transcription)
        return transcription

    def delete(self, transcription_id: str) -> None:
        """Remove a transcription with its results; harmless when there is none.

        What was written to a destination container stays there.

        Raises:
            ConflictError: It has not finished (code ``DeleteNotAllowed``), or belongs to an
                evaluation.
        """
        with self.store.read() as tx:
            if tx.transcriptions.find(transcription_id) is None:
                return
        # The mark comes first: whatever happens after it, the blobs are removed.
        self.blobs.put(f"{_DELETED}/{transcription_id}", [b""])
        with self.store.write() as tx:
            transcription = tx.transcriptions.find(transcription_id)
            if transcription is not None:
                _check_finished(tx, transcription)
                tx.transcriptions.delete(transcription_id)

    def expire(self) -> None:
        """Delete what has reached the end of its time to live, and the blobs of what was deleted.

        A chore: doing it twice, or two at once, is harmless.
        """
        due = Compare("expires_at", "le", self.clock.now())
        with self.store.read() as tx:
            expired = tx.transcriptions.list(Query(where=due, top=_AT_ONCE))
        for transcription in expired:
            if transcription.status.is_terminal:
                self._delete_expired(transcription)
        for mark in list(self.blobs.list(f"{_DELETED}/")):
            self._remove_blobs(mark)

    def _delete_expired(self, transcription: Transcription) -> None:
        try:
            self.delete(transcription.id)
        except ConflictError:
            return  # its owner has begun it again

    def _remove_blobs(self, mark: BlobInfo) -> None:
        transcription_id = mark.key.rpartition("/")[2]
        with self.store.read() as tx:
            is_kept = tx.transcriptions.find(transcription_id) is not None
        if is_kept and self.clock.now() - mark.modified_at < _MARK_COUNTS:
            return  # somebody is deleting it right now
        if not is_kept:
            for blob in self.blobs.list(f"{folder_of(transcription_id)}/"):
                self.blobs.delete(blob.key)
        self.blobs.delete(mark.key)

    def _files(self, key: str) -> Iterator[StoredFile]:
        with self.blobs.open(key) as file:
            for line in file:
                yield _FILE.validate_json(line)

    def _described(self, new: NewTranscription) -> Transcription:
        now = self.clock.now()
        locale = canonical_locale(new.locale)
        options = checked_options(new.options, locale, self.limits)
        check_life(new.time_to_live_s, self.limits)
        check_one_source(new.urls, new.container_url, new.dataset_id, self.limits)
        self._check_addresses(new)
        if options.speakers is not None and self.embedder is not None:
            check_voices(self.embedder)
        return Transcription(
            id=str(uuid.uuid4()),
            display_name=checked_name(new.display_name),
            description=new.description,
            locale=locale,
            custom_properties=checked_properties(new.custom_properties),
            project_id=new.project_id,
            source_kind=_kind_of(new),
            container_url=new.container_url,
            dataset_id=new.dataset_id,
            model_id=new.model_id or "",
            is_model_named=new.model_id is not None,
            options=options,
            phrases=len(new.phrase_list.phrases),
            phrase_weight=new.phrase_list.weight,
            since=options.since,
            time_to_live_s=new.time_to_live_s,
            destination_url=new.destination_url,
            job_id=str(uuid.uuid4()),
            created_at=now,
            api_version=new.api_version,
            last_action_at=now,
            warnings=new.warnings,
        )

    def _check_addresses(self, new: NewTranscription) -> None:
        for at, url in enumerate(new.urls):
            check_address(self.fetcher.check, url, f"contentUrls[{at}]")
        if new.container_url is not None:
            check_address(self.containers.check, new.container_url, "contentContainerUrl")
        if new.destination_url is not None:
            check = partial(self.containers.check, is_destination=True)
            check_address(check, new.destination_url, "properties.destinationContainerUrl")

    def _with_models(self, tx: Transaction, asked: Transcription, named: str | None) -> Transcription:
        """The transcription with the models that hear it, once its references are in order."""
        check_project(tx, asked.project_id, asked.locale)
        if asked.dataset_id is not None:
            check_heard_dataset(tx.datasets.find(asked.dataset_id), asked.locale)
        models = chosen_models(tx, asked.locale, named, asked.options.languages, asked.created_at)
        return replace(asked, model_id=models[asked.locale], model_ids=models)


def file_line(file: StoredFile) -> bytes:
    """How a file stands in the list of files."""
    return _FILE.dump_json(file) + b"\n"


def _kind_of(new: NewTranscription) -> SourceKind:
    if new.urls:
        return SourceKind.URLS
    return SourceKind.DATASET if new.container_url is None else SourceKind.CONTAINER


def _check_finished(tx: Transaction, transcription: Transcription) -> None:
    if transcription.evaluation_id is not None:
        raise ConflictError(
            f"Transcription '{transcription.display_name}' belongs to evaluation "
            f"{transcription.evaluation_id} and goes with it. Delete the evaluation instead.",
            code="DeleteNotAllowed",
            target="transcription",
        )
    job = tx.jobs.find(transcription.job_id) if transcription.job_id else None
    if job is not None and not job.state.is_terminal:
        raise ConflictError(
            "The transcription task hasn't finished yet. "
            f"Wait for '{transcription.display_name}', or cancel job {job.id} first.",
            code="DeleteNotAllowed",
            target="transcription",
        )
