"""The source's side of copying models: asking for a copy, and making it in the background."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from tympan.domain.errors import (
    CancelledError,
    ForbiddenError,
    InvalidInputError,
    InvalidStateError,
    ModelDamagedError,
)
from tympan.domain.job import Job, JobKind
from tympan.domain.lifecycle import has_passed
from tympan.domain.model import BaseModel, CustomModel
from tympan.domain.model_copy import CopyOffer, ModelCopy
from tympan.domain.resource import Status
from tympan.ports.blobs import BlobStore
from tympan.ports.clock import Clock
from tympan.ports.copy_target import COPY_CHUNK_BYTES, CopyTarget
from tympan.ports.fetcher import Fetcher
from tympan.ports.jobs import JobContext
from tympan.ports.store import Store, Transaction
from tympan.usecases.model_lookup import bundle_of
from tympan.usecases.model_receiving import ModelReceiving

_API = re.compile(r"/speechtotext(/.*)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAuthorization:
    """An authorization as the target issued it and a client hands it over.

    Attributes:
        id: What opens the target.
        target_endpoint: URL of the target; what follows ``/speechtotext`` does not count.
    """

    id: str = field(repr=False)
    target_endpoint: str
    target_resource_id: str
    source_resource_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCopies:
    """What users can do with copies of models.

    Attributes:
        receiving: Of this server, for copies that stay here.
        fetcher: Knows which addresses may be reached.
    """

    store: Store
    clock: Clock
    receiving: ModelReceiving
    fetcher: Fetcher

    @property
    def resource_id(self) -> str:
        """What clients name this server by."""
        return self.receiving.resource_id

    def start(self, model_id: str, given: GivenAuthorization, api_version: str) -> ModelCopy:
        """Have a model copied to the server that gave the authorization.

        The copy and its job are written in one transaction.

        Raises:
            NotFoundError: There is no such model.
            InvalidStateError: Its training has not succeeded.
            ForbiddenError: The authorization has expired, or was given to another source.
            FetchError: The target's address is refused.

        Source:
            Speech to text REST v3.2, operation ``Models_Copy``.
        """
        if has_passed(given.expires_at, self.clock.now()):
            raise _expired()
        if given.source_resource_id.lower() != self.resource_id.lower():
            raise ForbiddenError(
                f"This authorization was given to another source. This server is {self.resource_id}; ask the "
                "target for one with that as sourceResourceId.",
                code="InvalidSourceAzureResourceId",
            )
        is_local = given.target_resource_id.lower() == self.resource_id.lower()
        target_url = _base_url(given.target_endpoint)
        if not is_local:
            self.fetcher.check(target_url)
        now = self.clock.now()
        with self.store.write() as tx:
            model = _copyable(tx, model_id)
            copy = ModelCopy(
                id=str(uuid.uuid4()),
                display_name=model.display_name,
                locale=model.locale,
                model_id=model.id,
                source_resource_id=self.resource_id,
                target_url=target_url,
                is_local=is_local,
                authorization=given.id,
                expires_at=given.expires_at,
                job_id=str(uuid.uuid4()),
                created_at=now,
                last_action_at=now,
                api_version=api_version,
            )
            tx.model_copies.add(copy)
            job_id = str(copy.job_id)
            tx.jobs.add(Job(id=job_id, kind=JobKind.COPY_MODEL, resource_id=copy.id, created_at=now))
        return copy

    def start_within(self, model_id: str, base_url: str, api_version: str) -> ModelCopy:
        """Have a model copied on this server, as an operation to be followed.

        Args:
            model_id: A custom model.
            base_url: Where the client finds this server.
            api_version: That the client speaks.

        Raises:
            NotFoundError: There is no such model.
            InvalidStateError: Its training has not succeeded.
        """
        with self.store.read() as tx:
            _copyable(tx, model_id)
        issued = self.receiving.authorize(self.resource_id)
        given = GivenAuthorization(
            id=issued.secret,
            target_endpoint=base_url,
            target_resource_id=self.resource_id,
            source_resource_id=self.resource_id,
            expires_at=issued.authorization.expires_at,
        )
        return self.start(model_id, given, api_version)

    def copy_within(self, model_id: str, api_version: str) -> CustomModel:
        """Make a second model of the same files on this server, at once.

        Raises:
            NotFoundError: There is no such model.
            InvalidStateError: Its training has not succeeded.

        Source:
            Speech to text REST v3.1, operation ``Models_CopyTo``.
        """
        now = self.clock.now()
        with self.store.write() as tx:
            model = _copyable(tx, model_id)
            copy = replace(
                model,
                id=str(uuid.uuid4()),
                job_id=None,
                created_at=now,
                last_action_at=now,
                api_version=api_version,
            )
            tx.models.add(copy)
        return copy

    def offer(self, model_id: str) -> CopyOffer:
        """What would be said of a model to a target, for an archive of it.

        Raises:
            NotFoundError: There is no such model.
            InvalidStateError: Its training has not succeeded.
        """
        with self.store.read() as tx:
            model = _copyable(tx, model_id)
            base = tx.base_models.find(model.base_model_id)
        now = self.clock.now()
        archived = ModelCopy(
            id=str(uuid.uuid4()),
            display_name=model.display_name,
            locale=model.locale,
            model_id=model.id,
            source_resource_id=self.resource_id,
            target_url="",
            is_local=True,  # it may come back to this server, and then into its project
            expires_at=now,
            created_at=now,
            last_action_at=now,
        )
        return _offer(archived, model, base)

    def get(self, copy_id: str) -> ModelCopy:
        """The copy.

        Raises:
            NotFoundError: There is none.
        """
        with self.store.read() as tx:
            return tx.model_copies.get(copy_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCopying:
    """Makes copies in the background.

    Attributes:
        targets: Opens the target of a copy.
    """

    store: Store
    blobs: BlobStore
    clock: Clock
    targets: Callable[[ModelCopy], CopyTarget]

    def run_copy(self, context: JobContext) -> None:
        """Send what the target does not have, and let it publish.

        Running it twice, or again after it was killed, sends no piece again that has arrived.

        Raises:
            ForbiddenError: The target does not accept the authorization any more.
            InvalidInputError: The target does not take the model.
            ModelDamagedError: A file of the model is missing here.
            UnavailableError: The target cannot be reached now; the attempt is repeated.
        """
        with self.store.read() as tx:
            copy = tx.model_copies.find(context.job.resource_id)
            if copy is None:
                raise CancelledError("The copy was deleted.")
            if copy.status is Status.SUCCEEDED:
                return
            if has_passed(copy.expires_at, self.clock.now()):
                raise _expired()
            model = _copyable(tx, copy.model_id)
            offer = _offer(copy, model, tx.base_models.find(model.base_model_id))
        target = self.targets(copy)
        received = target.offer(offer)
        self._send_all(context, target, offer, received)
        target_model_id = target.publish()
        with self.store.write() as tx:
            tx.jobs.require_attempt(context.job.id, context.job.attempt)
            copy = tx.model_copies.get(copy.id)
            tx.model_copies.save(copy.copied(self.clock.now(), target_model_id))

    def _send_all(
        self, context: JobContext, target: CopyTarget, offer: CopyOffer, received: Mapping[str, int]
    ) -> None:
        total = sum(offer.sizes.values()) or 1
        done = sum(received.values())
        if done:
            note = f"{done:,} of {total:,} bytes are at the target already and are not sent."
            context.event("note", {"text": note, "bytes": done})
        context.progress(done / total, f"{done:,} of {total:,} bytes are there", bytes=done)
        for sha256, size in offer.sizes.items():
            start = received.get(sha256, 0)
            if start < size:
                for place in self._send(target, sha256, start, size):
                    done += place - start
                    start = place
                    context.progress(done / total, f"{done:,} of {total:,} bytes sent", bytes=done)

    def _send(self, target: CopyTarget, sha256: str, start: int, size: int) -> Iterator[int]:
        """Send the rest of a file piece by piece, yielding how far the target is."""
        while start < size:
            end = min(size, start + COPY_CHUNK_BYTES)
            chunk = b"".join(self.blobs.stream(f"sha256/{sha256}", start=start, end=end))
            if len(chunk) != end - start:
                raise ModelDamagedError(
                    f"The file {sha256} of the model is shorter than it was. Restore it from a backup, or "
                    "train the model again."
                )
            start = target.send(sha256, start, chunk)
            yield start


def _offer(copy: ModelCopy, model: CustomModel, base: BaseModel | None) -> CopyOffer:
    return CopyOffer(
        copy_id=copy.id,
        source_resource_id=copy.source_resource_id,
        model_id=model.id,
        display_name=model.display_name,
        description=model.description,
        locale=model.locale,
        custom_properties=model.custom_properties,
        base_model_id=model.base_model_id,
        base_model_name=base.display_name if base else "",
        base_model_source=base.source if base else "",
        dataset_ids=model.dataset_ids,
        project_id=model.project_id if copy.is_local else None,
        weight_percent=model.weight_percent,
        settings=model.settings,
        summary=model.summary,
        decoding_expires_at=model.decoding_expires_at,
        bundle=bundle_of(model),
        # Reports that are not named by their bytes cannot be sent by their hash.
        reports=tuple(file for file in model.files if file.key.startswith("sha256/")),
        api_version=copy.api_version,
    )


def _copyable(tx: Transaction, model_id: str) -> CustomModel:
    if tx.base_models.find(model_id) is not None:
        raise InvalidInputError(
            "Base models are not copied; import the same one on the other server.",
            code="InvalidModel",
            target="model",
        )
    model = tx.models.get(model_id)
    if model.bundle is None or model.status is not Status.SUCCEEDED:
        raise InvalidStateError(
            f"Model '{model.display_name}' is {model.status}; it can be copied once it has Succeeded.",
            target="model",
        )
    return model


def _expired() -> ForbiddenError:
    return ForbiddenError(
        "The authorization to copy has expired; it lives for 24 hours. Ask the target for a new one.",
        code="ModelCopyAuthorizationExpired",
    )


def _base_url(endpoint: str) -> str:
    parts = urlsplit(endpoint.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidInputError(
            "targetResourceEndpoint must be the URL of the target, as its answer to authorizecopy says it.",
            target="targetResourceEndpoint",
        )
    return f"{parts.scheme}://{parts.netloc}{_API.sub('', parts.path).rstrip('/')}"
