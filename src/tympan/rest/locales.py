"""Locales that can be used: those some base model is offered for."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import JSONResponse

from tympan.domain.dataset import DatasetKind
from tympan.domain.query import EVERYTHING
from tympan.rest.calls import Call


def supported(call: Call) -> dict[str, list[str]]:
    """Dataset kinds by locale."""
    kinds: dict[str, set[DatasetKind]] = {}
    for model in call.services.base_models.list(EVERYTHING):
        kinds.setdefault(model.locale, set()).update(model.supported_kinds)
    return {locale: [kind.value for kind in DatasetKind if kind in kinds[locale]] for locale in sorted(kinds)}


def locales_answer(call: Call) -> Response:
    """The list of locales."""
    call.allow_query()
    return JSONResponse(list(supported(call)))
