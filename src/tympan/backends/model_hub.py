"""Models of the Hugging Face hub, fetched only when asked for by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import huggingface_hub  # it loads what it offers only when touched
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

from tympan.domain.errors import InvalidInputError, ServiceError, UnavailableError

_CT2_FILES = ("model.bin", "config.json", "tokenizer.json", "preprocessor_config.json")
_CT2_VOCABULARY = ("vocabulary.json", "vocabulary.txt")
_NOT_NEEDED = ("fp32", "flax", "tf_model", "onnx")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    """What the hub says of a repository.

    Attributes:
        files: Paths in the repository.
        commit: The commit they belong to.
        modified_at: Aware UTC time of that commit.
        licence: As its card says; None when it does not.
    """

    files: tuple[str, ...]
    commit: str
    modified_at: datetime
    licence: str | None


class Hub(Protocol):
    """Where repositories are."""

    def look_up(self, repository: str) -> HubModel:
        """What there is.

        Raises:
            InvalidInputError: There is no such repository, or it is not public.
            UnavailableError: The hub cannot be reached.
        """
        ...

    def fetch(self, repository: str, commit: str, files: tuple[str, ...], into: Path) -> None:
        """Bring files into a folder.

        Raises:
            UnavailableError: The hub cannot be reached.
        """
        ...


class HuggingFaceHub:
    """The hub that ``huggingface_hub`` is set to."""

    def look_up(self, repository: str) -> HubModel:
        """What there is in a repository."""
        try:
            found = huggingface_hub.HfApi().model_info(repository)
        except Exception as error:  # the library, httpx and requests raise many types
            raise _meaning(repository, error) from error
        card = found.card_data
        return HubModel(
            files=tuple(sibling.rfilename for sibling in found.siblings or ()),
            commit=str(found.sha),
            modified_at=found.last_modified or found.created_at or datetime.fromtimestamp(0).astimezone(),
            licence=card.license if card is not None else None,
        )

    def fetch(self, repository: str, commit: str, files: tuple[str, ...], into: Path) -> None:
        """Bring files into a folder."""
        try:
            huggingface_hub.snapshot_download(
                repository, revision=commit, allow_patterns=list(files), local_dir=into
            )
        except Exception as error:
            raise _meaning(repository, error) from error


def needed_files(repository: str, files: tuple[str, ...]) -> tuple[str, ...]:
    """The files of a Whisper model among those of a repository; never a pickle.

    Raises:
        InvalidInputError: There is neither a CTranslate2 model nor safetensors.
    """
    if "model.bin" in files and any(name in files for name in _CT2_VOCABULARY):
        return tuple(name for name in files if name in (*_CT2_FILES, *_CT2_VOCABULARY))
    weights = [
        name
        for name in files
        if name.endswith(".safetensors") and "/" not in name and not any(part in name for part in _NOT_NEEDED)
    ]
    if not weights:
        raise InvalidInputError(
            f"hf:{repository} holds neither a CTranslate2 model (model.bin with vocabulary.json) nor "
            "safetensors weights. Choose a repository of a Whisper model in one of these forms.",
            target="source",
        )
    texts = [name for name in files if name.endswith((".json", "merges.txt")) and "/" not in name]
    return (*weights, *(name for name in texts if not any(part in name for part in _NOT_NEEDED)))


def _meaning(repository: str, error: Exception) -> ServiceError:
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return InvalidInputError(
            f"There is no public repository '{repository}' on the hub. Write hf:owner/name.", target="source"
        )
    reason = str(error).strip().partition("\n")[0]
    return UnavailableError(f"The hub cannot be reached for '{repository}': {reason}", retry_after_s=30)
