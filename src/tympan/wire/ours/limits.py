"""Documents of limits."""

from __future__ import annotations

from tympan.domain.limits import Limit
from tympan.wire.values import Document, present


def limit_document(limit: Limit) -> Document:
    """A limit as clients see it; one that cannot be changed names no setting."""
    return present(
        {
            "name": limit.name,
            "value": int(limit.value) if float(limit.value).is_integer() else limit.value,
            "unit": limit.unit,
            "description": limit.what,
            "setting": limit.setting,
        }
    )
