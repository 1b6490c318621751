"""What a reader has to say about a line or a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason why something was refused, or accepted with a warning.

    Attributes:
        code: Stable and short, such as ``TabMissing``.
        message: A sentence for people: what is wrong and what to do.
        is_error: False for a warning.
    """

    code: str
    message: str
    is_error: bool = True


def warning(code: str, message: str) -> Finding:
    """A finding that does not refuse anything."""
    return Finding(code=code, message=message, is_error=False)


def error(code: str, message: str) -> Finding:
    """A finding that refuses the line or file."""
    return Finding(code=code, message=message)


def has_error(findings: tuple[Finding, ...]) -> bool:
    """Whether at least one finding refuses."""
    return any(finding.is_error for finding in findings)
