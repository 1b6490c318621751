"""What the store keeps: the word for each type of entity, and what it can be filtered by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tympan.domain.access import AccessKey
from tympan.domain.dataset import Dataset
from tympan.domain.dataset_block import DatasetBlock
from tympan.domain.endpoint import Endpoint
from tympan.domain.endpoint_log import LogFile
from tympan.domain.errors import ConflictError, InvalidInputError, NotFoundError
from tympan.domain.evaluation import Evaluation
from tympan.domain.job import Job
from tympan.domain.model import BaseModel, CustomModel
from tympan.domain.model_copy import CopyAuthorization, ModelCopy
from tympan.domain.project import Project
from tympan.domain.query import Compare, Filter, Not
from tympan.domain.transcription import Transcription
from tympan.domain.web_hook import HookDelivery, WebHook


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityKind:
    """One type of entity, as messages and filters see it.

    Attributes:
        noun: What messages call it.
        names: Fields a filter may compare. Those that end in ``_at`` are times, all others text.
        members: Names that ask whether a tuple holds a value, with the field that is the
            tuple: ``dataset_id eq x`` keeps models whose ``dataset_ids`` hold ``x``.
    """

    noun: str
    names: tuple[str, ...]
    members: Mapping[str, str] = field(default_factory=dict)

    def not_found(self, entity_id: str) -> NotFoundError:
        """The error for an id nobody knows."""
        return NotFoundError(
            f"There is no {self.noun} with id '{entity_id}'. It may have been deleted; list what there is."
        )

    def exists(self, entity_id: str) -> ConflictError:
        """The error for an insert that would double an entity."""
        return ConflictError(f"The {self.noun} '{entity_id}' exists already.", code="AlreadyExists")

    def check(self, where: Filter | None) -> None:
        """Make sure that a filter can be answered.

        Raises:
            InvalidInputError: A name cannot be filtered by, or a value is of the wrong
                type for its name (code ``UnsupportedFilter``).
        """
        if where is None:
            return
        if isinstance(where, Compare):
            self._check_comparison(where)
        elif isinstance(where, Not):
            self.check(where.inner)
        else:
            self.check(where.left)
            self.check(where.right)

    def _check_comparison(self, where: Compare) -> None:
        if where.name in self.members:
            if where.operator not in ("eq", "ne"):
                raise _unsupported(f"'{where.name}' can only be compared with eq and ne.", where.name)
        elif where.name not in self.names:
            known = ", ".join(sorted([*self.names, *self.members]))
            raise _unsupported(
                f"A list of {self.noun}s cannot be filtered by '{where.name}'. Use one of: {known}.",
                where.name,
            )
        if where.name.endswith("_at"):
            if not isinstance(where.value, datetime) or where.value.tzinfo is None:
                raise _unsupported(
                    f"'{where.name}' is a time. Compare it with one such as 2026-01-31T12:00:00Z.", where.name
                )
        elif not isinstance(where.value, str):
            raise _unsupported(f"'{where.name}' is text. Compare it with text in quotes.", where.name)


def _unsupported(message: str, name: str) -> InvalidInputError:
    return InvalidInputError(message, code="UnsupportedFilter", target=name)


_RESOURCE = ("id", "display_name", "description", "locale", "created_at", "last_action_at")
_WORKED = (*_RESOURCE, "project_id", "status", "job_id")

CATALOGUE: Mapping[type, EntityKind] = {
    Project: EntityKind(noun="project", names=_RESOURCE),
    Dataset: EntityKind(noun="dataset", names=(*_WORKED, "kind")),
    DatasetBlock: EntityKind(noun="block", names=("id", "dataset_id", "created_at")),
    BaseModel: EntityKind(
        noun="base model",
        names=(
            *_RESOURCE,
            "family",
            "source",
            "licence",
            "released_at",
            "adaptation_expires_at",
            "decoding_expires_at",
        ),
    ),
    CustomModel: EntityKind(
        noun="custom model",
        names=(*_WORKED, "base_model_id", "decoding_expires_at"),
        members={"dataset_id": "dataset_ids"},
    ),
    Evaluation: EntityKind(
        noun="evaluation", names=(*_WORKED, "dataset_id"), members={"model_id": "model_ids"}
    ),
    Transcription: EntityKind(
        noun="transcription",
        names=(*_WORKED, "dataset_id", "model_id", "evaluation_id", "since", "expires_at"),
    ),
    Endpoint: EntityKind(noun="endpoint", names=(*_WORKED, "model_id", "serving_model_id")),
    AccessKey: EntityKind(noun="access key", names=("id", "name", "sha256", "endpoint_id", "created_at")),
    LogFile: EntityKind(noun="log", names=("id", "place", "session_id", "created_at")),
    CopyAuthorization: EntityKind(noun="copy authorization", names=("id", "created_at", "expires_at")),
    ModelCopy: EntityKind(noun="model copy", names=(*_WORKED, "model_id")),
    WebHook: EntityKind(
        noun="web hook",
        names=("id", "display_name", "description", "web_url", "status", "created_at", "last_action_at"),
    ),
    HookDelivery: EntityKind(
        noun="delivery",
        names=("id", "hook_id", "event", "state", "created_at", "next_attempt_at", "finished_at"),
    ),
    Job: EntityKind(
        noun="job",
        names=("id", "kind", "resource_id", "state", "step", "created_at", "started_at", "finished_at"),
    ),
}
