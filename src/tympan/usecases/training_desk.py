"""What one training job works with: its model, its folder, its blobs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tympan.domain.model import BaseModel, CustomModel
from tympan.domain.resource import Status
from tympan.ports.blobs import BlobStore
from tympan.ports.trainer import TrainingSettings
from tympan.usecases.training_plan import StoredPlan
from tympan.usecases.training_settings import checked_settings

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingDesk:
    """The workplace of one job.

    Attributes:
        blobs: Hold under ``jobs/<job id>/`` what the steps leave for each other.
        model: To be trained.
        base: To be trained from.
        folder: Cache of the blobs on this machine.
    """

    blobs: BlobStore
    model: CustomModel
    base: BaseModel
    job_id: str
    folder: Path

    @property
    def is_published(self) -> bool:
        """An earlier attempt got to the end and was killed before that was recorded."""
        return self.model.status is Status.SUCCEEDED

    @property
    def settings(self) -> TrainingSettings:
        """As the owner gave them, defaults filled in."""
        return checked_settings(self.model.settings, self.model.weight_percent)

    def has(self, name: str) -> bool:
        """Whether a step has left this."""
        return self.blobs.exists(self._key(name))

    def put(self, name: str, document: Mapping[str, Any]) -> None:
        """Leave a JSON document for later steps."""
        self.blobs.put(self._key(name), [json.dumps(document, ensure_ascii=False).encode()])

    def get(self, name: str) -> dict[str, Any] | None:
        """What an earlier step left, or None."""
        if not self.has(name):
            return None
        document: dict[str, Any] = json.loads(b"".join(self.blobs.stream(self._key(name))))
        return document

    def plan(self) -> StoredPlan:
        """What ``prepare`` left.

        Raises:
            NotFoundError: It is gone.
            InvalidStateError: Another version of the product wrote it.
        """
        return StoredPlan.from_document(json.loads(b"".join(self.blobs.stream(self._key("plan.json")))))

    def keep(self, name: str) -> None:
        """Put the files of a subfolder where another machine finds them."""
        for path in sorted((self.folder / name).iterdir()):
            if path.suffix == ".part":
                continue
            self.blobs.put(self._key(f"{name}/{path.name}"), _chunks(path))

    def restore(self, name: str) -> None:
        """Fetch the kept files of a subfolder that this machine does not have."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for blob in list(self.blobs.list(self._key(f"{name}/"))):
            path = folder / blob.key.rpartition("/")[2]
            if path.exists():
                continue
            half_written = path.with_name(f"{path.name}.part")
            with half_written.open("wb") as file:
                file.writelines(self.blobs.stream(blob.key))
            half_written.replace(path)

    def clear(self, *, but: str | None = None) -> None:
        """Remove everything the steps left for each other, but for one document."""
        for blob in list(self.blobs.list(self._key(""))):
            if but is None or blob.key != self._key(but):
                self.blobs.delete(blob.key)

    def _key(self, name: str) -> str:
        return f"jobs/{self.job_id}/{name}"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
