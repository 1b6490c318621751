"""The versions of the published API: what each of them knows, and where it stands in URLs."""

from __future__ import annotations

from enum import Enum

ROOT = "/speechtotext"
"""Path below which every version of the management API lies."""


class ApiVersion(Enum):
    """A published version. Later ones compare as greater.

    The versions up to v3.2 stand in the path; from then on a date stands in the query,
    ``?api-version=2024-11-15``.
    """

    V3_0 = "v3.0"
    V3_1 = "v3.1"
    V3_2 = "v3.2"
    V2024_11_15 = "2024-11-15"
    V2025_10_15 = "2025-10-15"

    def __ge__(self, other: ApiVersion) -> bool:
        """Whether this version is as late as another.

        >>> ApiVersion.V2024_11_15 >= ApiVersion.V3_2 >= ApiVersion.V3_2
        True
        """
        return _ORDER[self] >= _ORDER[other]

    @property
    def is_dated(self) -> bool:
        """Whether it stands in the query: no projects, times as milliseconds."""
        return self >= ApiVersion.V2024_11_15

    @property
    def path(self) -> str:
        """The path its routes begin with.

        >>> ApiVersion.V3_1.path, ApiVersion.V2024_11_15.path
        ('/speechtotext/v3.1', '/speechtotext')
        """
        return ROOT if self.is_dated else f"{ROOT}/{self.value}"

    @property
    def query(self) -> str:
        """What its URLs end with."""
        return f"?api-version={self.value}" if self.is_dated else ""

    @property
    def label(self) -> str:
        """How web hooks and messages spell it, such as ``v2024-11-15``."""
        return f"v{self.value.removeprefix('v')}"


_ORDER = {version: place for place, version in enumerate(ApiVersion)}

PATH_VERSIONS = tuple(version for version in ApiVersion if not version.is_dated)
DATED_VERSIONS = tuple(version for version in ApiVersion if version.is_dated)
OURS_SPEAKS = ApiVersion.V3_2
"""The version that our own routes, pages and command line speak."""
NEWEST_DATED = ApiVersion.V2024_11_15
"""Taken where a client of the dated API names no version, as one published sample does."""
