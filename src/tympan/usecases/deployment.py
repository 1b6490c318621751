"""Deploying in the background: warm first, then switch."""

from __future__ import annotations

from dataclasses import dataclass

from tympan.domain.errors import CancelledError, InvalidInputError, SupersededError
from tympan.domain.model import Model
from tympan.ports.clock import Clock
from tympan.ports.jobs import JobContext
from tympan.ports.recognizer import Recognizer
from tympan.ports.store import Store
from tympan.usecases.model_lookup import bundle_of, find_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Makes endpoints serve the model their owner wants."""

    store: Store
    recognizer: Recognizer
    clock: Clock

    def run_deploy(self, context: JobContext) -> None:
        """Load the wanted model, then let it answer.

        Until the switch, and when loading fails, the model that served before goes on
        serving. Running it twice is harmless.

        Raises:
            InvalidInputError: The model was deleted meanwhile.
            ModelDamagedError: A file of the model is missing or damaged.
            UnavailableError: The engine cannot be reached; the attempt is repeated.
        """
        job = context.job
        model = self._wanted_model(job.resource_id)
        context.progress(0.1, f"Loading {model.display_name}")
        self.recognizer.warm(bundle_of(model))
        with self.store.write() as tx:
            tx.jobs.require_attempt(job.id, job.attempt)
            endpoint = tx.endpoints.get(job.resource_id)
            if endpoint.model_id != model.id:
                raise SupersededError(f"Endpoint {endpoint.id} has been given another model meanwhile.")
            tx.endpoints.save(endpoint.deployed(self.clock.now()))

    def _wanted_model(self, endpoint_id: str) -> Model:
        with self.store.read() as tx:
            endpoint = tx.endpoints.find(endpoint_id)
            if endpoint is None:
                raise CancelledError(f"Endpoint {endpoint_id} was deleted.")
            model = find_model(tx, endpoint.model_id)
        if model is None:
            raise InvalidInputError(
                f"Model {endpoint.model_id} was deleted. Give the endpoint another model.",
                code="InvalidModel",
                target="model",
            )
        return model
