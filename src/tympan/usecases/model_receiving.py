"""The target's side of copying models: giving permission, taking files in, publishing."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tympan.domain.access import hash_secret
from tympan.domain.blob_key import content_key
from tympan.domain.dataset import StoredFile
from tympan.domain.errors import (
    ForbiddenError,
    InvalidInputError,
    InvalidStateError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)
from tympan.domain.lifecycle import LifecycleRule, expiry, has_passed
from tympan.domain.model import CustomModel
from tympan.domain.model_copy import CopyAuthorization, CopyOffer
from tympan.domain.query import Compare, Query
from tympan.domain.resource import Status
from tympan.ports.blobs import BlobStore
from tympan.ports.clock import Clock
from tympan.ports.copy_target import COPY_CHUNK_BYTES
from tympan.ports.store import Store, Transaction
from tympan.usecases.resource_rules import canonical_locale, checked_name, checked_properties

AUTHORIZATION_LIFE = timedelta(hours=24)
"""Source: developer reference, section 11."""

COPY_LIMIT_BYTES = 16 * 1024**3
"""Largest model that is taken in."""

_MOST_FILES = 100
_LONGEST_RESOURCE_ID = 1024
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NEEDED = ("model.bin", "tympan.json")
_SPENT = "ModelCopyAuthorizationExpired"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedAuthorization:
    """A new authorization with what opens it, which is never seen again."""

    authorization: CopyAuthorization
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReceiving:
    """Takes models in from other servers.

    What has arrived of a file lies under ``copies/<authorization>/<SHA-256>/`` in pieces
    named by where they start, until the file is whole and its hash is checked.

    Attributes:
        rule: Decides whether the copy keeps the date of its source.
        resource_id: Of this server.
    """

    store: Store
    blobs: BlobStore
    clock: Clock
    rule: LifecycleRule
    resource_id: str = ""
    limit_bytes: int = COPY_LIMIT_BYTES

    def authorize(self, source_resource_id: str) -> IssuedAuthorization:
        """Let a source copy one model in, within a day.

        Raises:
            InvalidInputError: The id of the source is empty or too long.

        Source:
            Speech to text REST v3.2, operation ``Models_AuthorizeCopy``.
        """
        source = source_resource_id.strip()
        if not 0 < len(source) <= _LONGEST_RESOURCE_ID:
            raise InvalidInputError(
                "sourceResourceId must name the server that the model comes from. Its GET /api/v1/server "
                "says its resourceId.",
                code="InvalidSourceAzureResourceId",
                target="sourceResourceId",
            )
        now, secret = self.clock.now(), str(uuid.uuid4())
        authorization = CopyAuthorization(
            id=hash_secret(secret),
            model_id=str(uuid.uuid4()),
            source_resource_id=source,
            is_local=source.lower() == self.resource_id.lower(),
            created_at=now,
            expires_at=now + AUTHORIZATION_LIFE,
        )
        with self.store.write() as tx:
            tx.copy_authorizations.add(authorization)
        return IssuedAuthorization(authorization=authorization, secret=secret)

    def offer(self, secret: str, offer: CopyOffer) -> Mapping[str, int]:
        """Bind the authorization to one copy and tell what of its files is here already.

        Raises:
            ForbiddenError: The authorization is unknown, expired, or serves another copy
                (code ``ModelCopyAuthorizationExpired``) or source.
            InvalidInputError: The offer breaks a rule.
            TooLargeError: The model is over the limit.
        """
        offer = _checked(offer, self.limit_bytes)
        with self.store.write() as tx:
            found = self._valid(tx, secret)
            if found.source_resource_id.lower() != offer.source_resource_id.lower():
                raise ForbiddenError(
                    "This authorization was given to another source. Ask for one with the resourceId of the "
                    "server that holds the model.",
                    code="InvalidSourceAzureResourceId",
                )
            if found.offer is not None and found.offer.copy_id != offer.copy_id:
                raise ForbiddenError(
                    "This authorization was used for another copy already; it serves one only. "
                    "Ask the target for a new one.",
                    code=_SPENT,
                )
            tx.copy_authorizations.save(replace(found, offer=offer))
        return {sha256: self._received(found.id, sha256, size) for sha256, size in offer.sizes.items()}

    def receive(self, secret: str, sha256: str, start: int, chunk: bytes) -> int:
        """Keep the bytes of a file from ``start`` on; the last ones have the hash checked.

        Bytes that are here already are not kept twice.

        Returns:
            How many bytes of the file are here now.

        Raises:
            ForbiddenError: As for ``offer``.
            InvalidInputError: The file was not offered, or is not what its hash says.
            InvalidStateError: Bytes before ``start`` are missing.
            TooLargeError: More bytes than were offered, or than are taken at once.
            StorageFullError: No room is left.
        """
        with self.store.read() as tx:
            found = self._valid(tx, secret)
        size = _offered(found).sizes.get(sha256)
        if size is None:
            raise InvalidInputError(f"No file with the SHA-256 {sha256[:64]} was offered.", target="sha256")
        if len(chunk) > COPY_CHUNK_BYTES or start + len(chunk) > size:
            raise TooLargeError(
                f"These {len(chunk)} bytes at {start} are more than the {size} that were offered, or than "
                f"the {COPY_CHUNK_BYTES} that are taken at once.",
                target="start",
            )
        received = self._received(found.id, sha256, size)
        if start > received:
            raise InvalidStateError(f"Of this file {received} bytes are here; go on from there.")
        if start + len(chunk) > received:
            self.blobs.put(f"{_folder(found.id, sha256)}{start:016d}", [chunk[: size - start]])
            received = start + len(chunk)
        if received == size:
            self._complete(found.id, sha256)
        return received

    def publish(self, secret: str) -> CustomModel:
        """Make a model of the files that have arrived; twice gives the same model.

        Raises:
            ForbiddenError: As for ``offer``; also when the copy was deleted again.
            InvalidStateError: A file is not complete.
        """
        with self.store.read() as tx:
            found = self._valid(tx, secret)
        offer = _offered(found)
        for sha256, size in offer.sizes.items():
            received = self._received(found.id, sha256, size)
            if received < size:
                raise InvalidStateError(f"Of the file {sha256} only {received} of {size} bytes have arrived.")
            if self.blobs.info(content_key(sha256)).size_bytes != size:
                raise InvalidInputError(
                    f"The file {sha256} has not the size that was offered.", code="InvalidModel"
                )
        with self.store.write() as tx:
            found = self._valid(tx, secret)
            known = tx.models.find(found.model_id)
            if found.is_spent:
                if known is None:
                    raise ForbiddenError("The copy was deleted. Ask the target for a new one.", code=_SPENT)
                return known
            model = self._model(tx, found, _offered(found))
            tx.models.add(model)
            tx.copy_authorizations.save(replace(found, is_spent=True))
        self._forget(found.id)
        return model

    def clear_expired(self) -> None:
        """Remove authorizations that nobody can use any more, with what arrived under them."""
        past = Compare("expires_at", "le", self.clock.now())
        with self.store.read() as tx:
            expired = tx.copy_authorizations.list(Query(where=past))
        for one in expired:
            self._forget(one.id)
            with self.store.write() as tx:
                tx.copy_authorizations.delete(one.id)

    def _valid(self, tx: Transaction, secret: str) -> CopyAuthorization:
        found = tx.copy_authorizations.find(hash_secret(secret))
        if found is None or has_passed(found.expires_at, self.clock.now()):
            raise ForbiddenError(
                "The authorization to copy a model is not known here or has expired; it lives for 24 hours. "
                "Ask the target for a new one.",
                code=_SPENT,
            )
        return found

    def _received(self, authorization_id: str, sha256: str, size: int) -> int:
        """Bytes of a file that are here from its start on without a gap."""
        if self.blobs.exists(content_key(sha256)):
            return size
        if size == 0:
            self.blobs.put_content([])
            return 0
        place = _folder(authorization_id, sha256)
        received = 0
        for piece in sorted(self.blobs.list(place), key=lambda one: one.key):
            start = int(piece.key.removeprefix(place))
            if start > received:
                break
            received = max(received, start + piece.size_bytes)
        return received

    def _complete(self, authorization_id: str, sha256: str) -> None:
        if self.blobs.exists(content_key(sha256)):
            return
        pieces = sorted(one.key for one in self.blobs.list(_folder(authorization_id, sha256)))
        try:
            is_sound = self._hash(pieces) == sha256
            if is_sound:
                self.blobs.put_content(self._joined(pieces))
        except NotFoundError as error:  # the same request, sent twice: the other one was faster
            raise UnavailableError("The file is being put together. Try again in a moment.") from error
        for key in pieces:
            self.blobs.delete(key)
        if not is_sound:
            raise InvalidInputError(
                f"The file {sha256} arrived damaged and was dropped. Copy the model again; if that does not "
                "help, check the files of the model at the source.",
                code="InvalidModel",
            )

    def _hash(self, pieces: list[str]) -> str:
        digest = hashlib.sha256()
        for chunk in self._joined(pieces):
            digest.update(chunk)
        return digest.hexdigest()

    def _joined(self, pieces: list[str]) -> Iterator[bytes]:
        place = 0
        for key in pieces:
            # A piece that was sent again with other bounds may overlap the one before.
            overlap = place - int(key.rpartition("/")[2])
            for chunk in self.blobs.stream(key, start=max(0, overlap)):
                place += len(chunk)
                yield chunk

    def _forget(self, authorization_id: str) -> None:
        for piece in list(self.blobs.list(f"copies/{authorization_id}/")):
            self.blobs.delete(piece.key)

    def _model(self, tx: Transaction, found: CopyAuthorization, offer: CopyOffer) -> CustomModel:
        now = self.clock.now()
        project = tx.projects.find(offer.project_id) if found.is_local and offer.project_id else None
        return CustomModel(
            id=found.model_id,
            display_name=checked_name(offer.display_name),
            description=offer.description,
            locale=offer.locale,
            custom_properties=checked_properties(offer.custom_properties),
            project_id=project.id if project else None,
            base_model_id=offer.base_model_id,
            # Ids of another server's datasets would name nothing here.
            dataset_ids=offer.dataset_ids if found.is_local else (),
            weight_percent=offer.weight_percent,
            settings=offer.settings,
            bundle=offer.bundle,
            files=offer.reports,
            summary=offer.summary,
            origin={} if found.is_local else _origin(offer),
            status=Status.SUCCEEDED,
            decoding_expires_at=self._expiry(offer, now),
            created_at=now,
            last_action_at=now,
            api_version=offer.api_version,
        )

    def _expiry(self, offer: CopyOffer, now: datetime) -> datetime | None:
        # A copy does not outlive its source, unless models never expire here.
        if self.rule is LifecycleRule.NEVER:
            return None
        return offer.decoding_expires_at or expiry(now, self.rule).decoding_at


def _origin(offer: CopyOffer) -> Mapping[str, object]:
    return {
        "resourceId": offer.source_resource_id,
        "model": offer.model_id,
        "baseModelName": offer.base_model_name,
        "baseModelSource": offer.base_model_source,
        "datasets": list(offer.dataset_ids),
    }


def _folder(authorization_id: str, sha256: str) -> str:
    return f"copies/{authorization_id}/{sha256}/"


def _offered(found: CopyAuthorization) -> CopyOffer:
    if found.offer is None:
        raise InvalidStateError("Nothing was offered yet. Say first what will be copied.")
    return found.offer


def _checked(offer: CopyOffer, limit_bytes: int) -> CopyOffer:
    """The offer, once nothing in it can do harm."""
    names = [file.name for file in offer.bundle.files]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise InvalidInputError(f"The model has no file {missing[0]}.", code="InvalidModel")
    reported = [report.name for report in offer.reports]
    if len(names) + len(reported) > _MOST_FILES:
        raise TooLargeError(f"The model has more than {_MOST_FILES} files.")
    if len(set(names)) < len(names) or not all(map(_NAME.fullmatch, [*names, *reported])):
        raise InvalidInputError(
            "The names of the model's files are not plain and unique.", code="InvalidModel"
        )
    reports = tuple(_safe(report) for report in offer.reports)
    files = {(file.sha256, file.size_bytes) for file in offer.bundle.files}
    files |= {(report.key.rpartition("/")[2], report.size_bytes) for report in reports}
    if not all(_SHA256.fullmatch(sha256) for sha256, _ in files) or len(files) != len(offer.sizes):
        raise InvalidInputError("A file of the model is not named by its SHA-256.", code="InvalidModel")
    if min(offer.sizes.values()) < 0 or sum(offer.sizes.values()) > limit_bytes:
        raise TooLargeError(
            f"The model has {sum(offer.sizes.values()):,} bytes; at most {limit_bytes:,} are taken in."
        )
    checked_name(offer.display_name)
    checked_properties(offer.custom_properties)
    return replace(offer, locale=canonical_locale(offer.locale), reports=reports)


def _safe(report: StoredFile) -> StoredFile:
    key = content_key(report.key.rpartition("/")[2])
    return StoredFile(
        id=report.name, name=report.name, kind="ModelReport", key=key, size_bytes=report.size_bytes
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCopyTarget:
    """This server as the target of a copy that stays here: nothing is sent, all files are there."""

    receiving: ModelReceiving
    authorization: str = field(repr=False)

    def offer(self, offer: CopyOffer) -> Mapping[str, int]:
        """Say what will be copied."""
        return self.receiving.offer(self.authorization, offer)

    def send(self, sha256: str, start: int, chunk: bytes) -> int:
        """Keep a piece of a file."""
        return self.receiving.receive(self.authorization, sha256, start, chunk)

    def publish(self) -> str:
        """Make the model."""
        return self.receiving.publish(self.authorization).id
