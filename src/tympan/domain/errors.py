"""Every error a caller can act on.

ServiceError
├── InvalidInputError            the request or the data is wrong; says where and what to do
│   ├── LocaleMismatchError      locales of two resources that must agree differ
│   └── ModelExpiredError        the model's date for this kind of use has passed
├── FetchError                   an address that the user named is refused or does not answer
├── NotFoundError                there is no such resource
├── NotAuthenticatedError        no key, or a key nobody knows
├── ForbiddenError               a known key that may not do this
├── ConflictError                the resource is in use or already exists
├── InvalidStateError            the resource's state forbids this now
├── TooLargeError                over a published limit
├── UnavailableError             cannot be served now; try again later
├── StorageFullError             no room left on the device
├── ModelDamagedError            stored model files are not what they were
├── EngineError                  recogniser, trainer or synthesiser failed on sound input
├── CancelledError               the owner cancelled the job
└── SupersededError              another attempt of this job has taken over

An error knows nothing of HTTP: ``rest.errors`` and ``cli.errors`` each hold one table
from class to what is said there.
"""

from __future__ import annotations


class ServiceError(Exception):
    """The base of every error a caller can act on.

    Args:
        message: What happened, where, and what to do next; shown to the user as it is.
        code: Azure's detailed error code, such as ``InvalidPayload``.
        target: The member, file or line the message is about.
    """

    code = "UnexpectedError"

    def __init__(self, message: str, *, code: str | None = None, target: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.target = target


class InvalidInputError(ServiceError):
    """The request or the data is wrong."""

    code = "InvalidPayload"


class LocaleMismatchError(InvalidInputError):
    """Locales of two resources that must agree differ."""

    code = "ModelMismatch"


class ModelExpiredError(InvalidInputError):
    """The model's date for this kind of use has passed."""

    code = "ModelDeprecated"


class FetchError(ServiceError):
    """An address that the user named is refused, cannot be reached, or answers with an error.

    Args:
        message: For the user; says nothing of the network inside.
        code: ``FetchRefused`` (never will be reached), ``FetchFailed``, ``SizeLimit``.
        is_transient: Whether asking again later may help.
    """

    code = "FetchFailed"

    def __init__(
        self, message: str, *, code: str | None = None, target: str | None = None, is_transient: bool = False
    ) -> None:
        super().__init__(message, code=code, target=target)
        self.is_transient = is_transient


class NotFoundError(ServiceError):
    """There is no such resource."""

    code = "NotFound"


class NotAuthenticatedError(ServiceError):
    """No key was given, or a key nobody knows."""

    code = "InvalidSubscription"


class ForbiddenError(ServiceError):
    """The key is known, but it may not do this."""

    code = "Forbidden"


class ConflictError(ServiceError):
    """The resource is in use or already exists."""

    code = "InUseViolation"


class InvalidStateError(ServiceError):
    """The resource's present state forbids this."""

    code = "InvalidState"


class TooLargeError(ServiceError):
    """Over a published limit."""

    code = "SizeLimit"


class UnavailableError(ServiceError):
    """Cannot be served now; try again after ``retry_after_s`` seconds."""

    code = "ServiceUnavailable"

    def __init__(self, message: str, *, retry_after_s: int = 5, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class StorageFullError(ServiceError):
    """No room is left on the device that holds the data folder."""

    code = "StorageFull"


class ModelDamagedError(ServiceError):
    """Stored model files are missing or do not match their SHA-256."""

    code = "InvalidModel"


class EngineError(ServiceError):
    """A recogniser, trainer or synthesiser failed although its input was sound."""

    code = "PipelineError"


class CancelledError(ServiceError):
    """The owner cancelled the job."""

    code = "Cancelled"


class SupersededError(ServiceError):
    """Another attempt of this job has taken over; this one must write nothing more."""

    code = "Superseded"
