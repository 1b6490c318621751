"""Which model answers a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tympan.domain.endpoint import Endpoint
from tympan.domain.errors import InvalidInputError, InvalidStateError, ModelExpiredError, UnavailableError
from tympan.domain.lifecycle import ExpiredEndpointPolicy, has_passed
from tympan.domain.model import Model
from tympan.domain.resource import Status
from tympan.ports.clock import Clock
from tympan.ports.store import Store, Transaction
from tympan.usecases.model_lookup import bundle_of, find_model, newest_base_model
from tympan.usecases.resource_rules import check_same_locale


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The model that answers.

    Attributes:
        endpoint: The endpoint that was asked for, if any.
        fallback: ``expired`` when the endpoint's model has expired and the newest base model
            answers instead; else None.
    """

    model: Model
    endpoint: Endpoint | None = None
    fallback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Chooses models, for requests that are answered at once."""

    store: Store
    clock: Clock
    policy: ExpiredEndpointPolicy = ExpiredEndpointPolicy.FALL_BACK

    def choose(self, endpoint_id: str | None, locale: str | None) -> Chosen:
        """The model of an endpoint, or the newest base model of a locale.

        Args:
            endpoint_id: None takes the newest base model.
            locale: Required without an endpoint; with one it must agree.

        Raises:
            InvalidInputError: The endpoint is unknown, no locale was given, or no model serves it.
            LocaleMismatchError: The endpoint has another locale.
            InvalidStateError: The endpoint is suspended, or its deployment failed.
            ModelExpiredError: The endpoint's model has expired, and the owner wants no other
                model to answer, or there is none.
            UnavailableError: The endpoint is being deployed.
        """
        now = self.clock.now()
        with self.store.read() as tx:
            if endpoint_id is None:
                return Chosen(model=_default_model(tx, locale, now))
            endpoint = _ready_endpoint(tx, endpoint_id, locale)
            return self._serving_model(tx, endpoint, now)

    def named(self, model_id: str, locale: str | None) -> Chosen:
        """A model that a request names itself.

        Raises:
            InvalidInputError: There is no such model.
            InvalidStateError: Its training has not succeeded.
            LocaleMismatchError: It has another locale.
            ModelExpiredError: Its decoding date has passed.
        """
        with self.store.read() as tx:
            model = find_model(tx, model_id)
        if model is None:
            raise InvalidInputError(
                f"There is no model with id '{model_id}'. List the models to find one.",
                code="InvalidModel",
                target="model",
            )
        bundle_of(model)
        if locale is not None:
            check_same_locale("model", model.locale, locale)
        if has_passed(model.decoding_expires_at, self.clock.now()):
            raise ModelExpiredError(
                f"Model '{model.display_name}' expired on {model.decoding_expires_at:%Y-%m-%d}. "
                "Choose a newer one.",
                target="model",
            )
        return Chosen(model=model)

    def _serving_model(self, tx: Transaction, endpoint: Endpoint, now: datetime) -> Chosen:
        model = find_model(tx, endpoint.serving_model_id or "")
        if model is None:
            raise InvalidStateError(
                f"The model of endpoint '{endpoint.display_name}' was deleted. Give it another model.",
                target="cid",
            )
        if not has_passed(model.decoding_expires_at, now):
            return Chosen(model=model, endpoint=endpoint)
        expired = (
            f"Model '{model.display_name}' of the endpoint expired on {model.decoding_expires_at:%Y-%m-%d}"
        )
        if self.policy is ExpiredEndpointPolicy.REFUSE:
            raise ModelExpiredError(f"{expired}. Give the endpoint a newer model.", target="cid")
        newest = newest_base_model(tx, endpoint.locale, now)
        if newest is None:
            raise ModelExpiredError(
                f"{expired}, and no base model can answer for {endpoint.locale}. Import a base model.",
                target="cid",
            )
        return Chosen(model=newest, endpoint=endpoint, fallback="expired")


def _ready_endpoint(tx: Transaction, endpoint_id: str, locale: str | None) -> Endpoint:
    """The endpoint, if it can answer now."""
    endpoint = tx.endpoints.find(endpoint_id)
    if endpoint is None:
        raise InvalidInputError(
            f"There is no endpoint with id '{endpoint_id}'. List the endpoints to find its id.",
            code="InvalidParameterValue",
            target="cid",
        )
    if locale is not None:
        check_same_locale("endpoint", endpoint.locale, locale)
    if endpoint.is_suspended:
        raise InvalidStateError(
            f"Endpoint '{endpoint.display_name}' is suspended. Resume it to use it.", target="cid"
        )
    if endpoint.serving_model_id is not None:
        return endpoint
    if endpoint.status is Status.FAILED:
        reason = endpoint.failure.message if endpoint.failure else "no reason was recorded"
        raise InvalidStateError(
            f"The deployment of endpoint '{endpoint.display_name}' failed: {reason}", target="cid"
        )
    raise UnavailableError(
        f"Endpoint '{endpoint.display_name}' is being deployed ({endpoint.status}). Try again in a moment."
    )


def _default_model(tx: Transaction, locale: str | None, now: datetime) -> Model:
    if locale is None:
        raise InvalidInputError(
            "Name the language, such as language=en-US, or the endpoint with cid.",
            code="InvalidLocale",
            target="language",
        )
    model = newest_base_model(tx, locale, now)
    if model is None:
        raise InvalidInputError(
            f"No base model serves {locale}. List the base models to see which locales are served.",
            code="UnsupportedLanguageCode",
            target="language",
        )
    return model
