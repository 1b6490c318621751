"""The server that a model is copied to, as its source sees it."""

from collections.abc import Mapping
from typing import Protocol

from tympan.domain.model_copy import CopyOffer

COPY_CHUNK_BYTES = 2 * 1024 * 1024
"""How much is sent at once: what a kill can cost, and what lies in memory."""

ARCHIVE_OFFER = "offer.json"
"""The file of a model archive that holds its ``CopyOffer``; the others are ``files/<SHA-256>``."""


class CopyTarget(Protocol):
    """A target, opened by one authorization. Every call may be repeated."""

    def offer(self, offer: CopyOffer) -> Mapping[str, int]:
        """Say what will be copied.

        Returns:
            For each file, by SHA-256, how many of its bytes the target has already.

        Raises:
            ForbiddenError: The authorization has expired or serves another copy (code
                ``ModelCopyAuthorizationExpired``), or was given to another source (code
                ``InvalidSourceAzureResourceId``).
            InvalidInputError: The target does not take such a model.
            TooLargeError: It is over the target's limit.
            UnavailableError: The target cannot be reached now.
        """
        ...

    def send(self, sha256: str, start: int, chunk: bytes) -> int:
        """Send the bytes of a file from ``start`` on, at most ``COPY_CHUNK_BYTES``.

        Returns:
            How many bytes of the file the target has now.

        Raises:
            InvalidInputError: The file is complete and is not what its SHA-256 says; the
                target has forgotten it.
            UnavailableError: The target cannot be reached now.
        """
        ...

    def publish(self) -> str:
        """Make the model of the files; returns its id at the target.

        Raises:
            InvalidStateError: A file is not complete.
            UnavailableError: The target cannot be reached now.
        """
        ...
