"""The error document, and the published codes it may carry."""

from __future__ import annotations

from tympan.wire.values import Document
from tympan.wire.versions import ApiVersion

DETAILED_CODES = frozenset(
    [
        "InvalidParameterValue",
        "InvalidRequestBodyFormat",
        "EmptyRequest",
        "MissingInputRecords",
        "InvalidDocument",
        "ModelVersionIncorrect",
        "InvalidDocumentBatch",
        "UnsupportedLanguageCode",
        "DataImportFailed",
        "InUseViolation",
        "InvalidLocale",
        "InvalidBaseModel",
        "InvalidAdaptationMapping",
        "InvalidDataset",
        "InvalidTest",
        "FailedDataset",
        "InvalidModel",
        "InvalidTranscription",
        "InvalidPayload",
        "InvalidParameter",
        "EndpointWithoutLogging",
        "InvalidPermissions",
        "InvalidPrerequisite",
        "InvalidProductId",
        "InvalidSubscription",
        "InvalidProject",
        "InvalidProjectKind",
        "InvalidRecordingsUri",
        "OnlyOneOfUrlsOrContainerOrDataset",
        "ExceededNumberOfRecordingsUris",
        "InvalidChannels",
        "ModelMismatch",
        "ProjectGenderMismatch",
        "ModelDeprecated",
        "ModelExists",
        "ModelNotDeployable",
        "EndpointNotUpdatable",
        "SingleDefaultEndpoint",
        "EndpointCannotBeDefault",
        "InvalidModelUri",
        "SubscriptionNotFound",
        "QuotaViolation",
        "UnsupportedDelta",
        "UnsupportedFilter",
        "UnsupportedPagination",
        "UnsupportedDynamicConfiguration",
        "UnsupportedOrderBy",
        "NoUtf8WithBom",
        "ModelDeploymentNotCompleteState",
        "SkuLimitsExist",
        "DeployingFailedModel",
        "UnsupportedTimeRange",
        "InvalidLogDate",
        "InvalidLogId",
        "InvalidLogStartTime",
        "InvalidLogEndTime",
        "InvalidTopForLogs",
        "InvalidSkipTokenForLogs",
        "DeleteNotAllowed",
        "Forbidden",
        "DeployNotAllowed",
        "UnexpectedError",
        "InvalidCollection",
        "InvalidCallbackUri",
        "InvalidSasValidityDuration",
        "InaccessibleCustomerStorage",
        "UnsupportedClassBasedAdaptation",
        "InvalidWebHookEventKind",
        "InvalidTimeToLive",
        "InvalidSourceAzureResourceId",
        "ModelCopyAuthorizationExpired",
    ]
)
"""``DetailedErrorCode`` of the published descriptions, from v3.2 on."""

_LATER_CODES = frozenset(["InvalidChannels", "InvalidSourceAzureResourceId", "ModelCopyAuthorizationExpired"])


def detailed_codes(version: ApiVersion) -> frozenset[str]:
    """The codes that a version's description lists."""
    return DETAILED_CODES if version >= ApiVersion.V3_2 else DETAILED_CODES - _LATER_CODES


ARGUMENT_CODES = frozenset(
    [
        "InvalidParameterValue",
        "InvalidParameter",
        "InvalidLocale",
        "UnsupportedLanguageCode",
        "UnsupportedFilter",
        "UnsupportedPagination",
        "UnsupportedOrderBy",
        "InvalidSasValidityDuration",
        "InvalidLogDate",
        "InvalidLogId",
        "InvalidTopForLogs",
        "InvalidSkipTokenForLogs",
        "UnsupportedTimeRange",
    ]
)
"""Detailed codes that belong to ``InvalidArgument`` instead of ``InvalidRequest``."""


def error_document(
    code: str, message: str, *, detailed: str | None, target: str | None = None, reason: str | None = None
) -> Document:
    """An error as clients see it.

    Args:
        code: ``ErrorCode`` of the published description.
        message: A sentence for people, at both levels.
        detailed: ``DetailedErrorCode``; None leaves the inner error out.
        target: The member, file or parameter the message is about.
        reason: Our own finer code, kept in the details of the inner error.
    """
    about: Document = {} if target is None else {"target": target}
    document: Document = {"code": code, "message": message, **about}
    if detailed is not None:
        document["innerError"] = {
            "code": detailed,
            "message": message,
            **about,
            **({} if reason is None else {"details": {"reason": reason}}),
        }
    return document
