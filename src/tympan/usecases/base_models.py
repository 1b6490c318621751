"""Base models: the catalogue, and bringing models into it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tympan.domain.errors import InvalidInputError, NotFoundError
from tympan.domain.job import Job, JobKind, JobState
from tympan.domain.lifecycle import LifecycleRule, expiry
from tympan.domain.model import BaseModel, Bundle
from tympan.domain.query import EVERYTHING, And, Compare, Filter, Query
from tympan.ports.clock import Clock
from tympan.ports.jobs import JobContext
from tympan.ports.model_files import ModelFiles, ModelSupply, SuppliedModel
from tympan.ports.store import Store
from tympan.speech.languages import whisper_language
from tympan.usecases.model_lookup import newest_base_model
from tympan.usecases.resource_rules import canonical_locale

_NAMESPACE = uuid.UUID("6f5e7f2e-5b2a-5d0c-9a53-3f0b6a1c2d94")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModels:
    """What users can do with base models.

    Attributes:
        work_dir: Where sources are unpacked while they are imported.
        rule: Gives new base models their expiry dates.
    """

    store: Store
    files: ModelFiles
    supply: ModelSupply
    clock: Clock
    rule: LifecycleRule
    work_dir: Path

    def get(self, model_id: str) -> BaseModel:
        """The base model.

        Raises:
            NotFoundError: There is none.
        """
        with self.store.read() as tx:
            return tx.base_models.get(model_id)

    def list(self, query: Query = EVERYTHING) -> Sequence[BaseModel]:
        """One page of base models."""
        with self.store.read() as tx:
            return tx.base_models.list(query)

    def count(self, where: Filter | None = None) -> int:
        """How many base models the filter keeps."""
        with self.store.read() as tx:
            return tx.base_models.count(where)

    def newest(self, locale: str, now: datetime | None = None) -> BaseModel:
        """The base model that serves a locale when nobody names one.

        Args:
            locale: BCP-47 tag.
            now: Models expired by then are left out; None is the present.

        Raises:
            InvalidInputError: The locale is none.
            NotFoundError: No base model of this locale can be used.
        """
        locale = canonical_locale(locale)
        with self.store.read() as tx:
            model = newest_base_model(tx, locale, now or self.clock.now())
        if model is None:
            raise NotFoundError(
                f"No base model can be used for {locale}. List the base models, or import one for it.",
                target="locale",
            )
        return model

    def import_source(self, source: str, locales: Sequence[str] | None = None) -> Job:
        """Have a worker bring in a base model.

        Asking again while the same import waits or runs gives that job.

        Args:
            source: As ``ModelSupply.bring`` takes it.
            locales: Offer it for these only; None is every one it suits.

        Raises:
            InvalidInputError: The source is empty, or a locale is none.
        """
        if not source.strip():
            raise InvalidInputError(
                "Name a source: an installed package, a folder, or hf:owner/name.", target="source"
            )
        wanted = None if locales is None else [canonical_locale(locale) for locale in locales]
        job = Job(
            id=str(uuid.uuid4()),
            kind=JobKind.IMPORT_BASE_MODEL,
            resource_id=str(uuid.uuid4()),
            arguments={"source": source.strip(), "locales": wanted},
            created_at=self.clock.now(),
        )
        with self.store.write() as tx:
            for waiting in tx.jobs.unfinished():
                if waiting.kind is job.kind and waiting.arguments == job.arguments:
                    return waiting
            tx.jobs.add(job)
        return job

    def ensure_installed(self) -> Sequence[Job]:
        """Have every installed starter package imported that is not in the catalogue yet.

        Called at each start. An import that failed is asked for again, since the package may
        have been mended; one that the owner cancelled is not.
        """
        is_import = Compare("kind", "eq", JobKind.IMPORT_BASE_MODEL.value)
        was_cancelled = Compare("state", "eq", JobState.CANCELLED.value)
        with self.store.read() as tx:
            # A model's source is the package's name followed by its version.
            known = {model.source.partition(" ")[0] for model in tx.base_models.list()}
            unwanted = tx.jobs.list(Query(where=And(is_import, was_cancelled)))
        known |= {job.arguments["source"] for job in unwanted}
        missing = [source for source in self.supply.installed() if source not in known]
        return [self.import_source(source) for source in missing]

    def run_import(self, context: JobContext) -> None:
        """Unpack a source, keep its files, and offer it for its locales.

        Running it twice adds nothing: the id of a base model follows from its files and
        its locale. All locales appear in one transaction.

        Raises:
            InvalidInputError: The source is unknown, holds no Whisper model, or does not
                know the language of a locale asked for.
            ModelDamagedError: The source is not what it should be.
        """
        source, wanted = context.job.arguments["source"], context.job.arguments.get("locales")
        folder = self.work_dir / context.job.id / "base-model"
        shutil.rmtree(folder, ignore_errors=True)  # what an earlier attempt left
        folder.mkdir(parents=True)
        try:
            context.progress(0.0, f"Unpacking {source}")
            supplied = self.supply.bring(source, folder)
            locales = supplied.locales if wanted is None else _checked_locales(wanted, supplied)
            context.progress(0.5, f"Storing the files of {supplied.family}")
            bundle = self.files.store(supplied.engine, supplied.folder)
        finally:
            shutil.rmtree(folder.parent, ignore_errors=True)
        added = self._offer(context.job, supplied, bundle, locales)
        note = f"{supplied.family} is offered for {len(locales)} locales; {added} of them are new."
        context.event("note", {"text": note})

    def _offer(self, job: Job, supplied: SuppliedModel, bundle: Bundle, locales: Sequence[str]) -> int:
        now = self.clock.now()
        models = [self._model(supplied, bundle, locale, now) for locale in locales]
        with self.store.write() as tx:
            tx.jobs.require_attempt(job.id, job.attempt)
            new = [model for model in models if tx.base_models.find(model.id) is None]
            for model in new:
                tx.base_models.add(model)
        return len(new)

    def _model(self, supplied: SuppliedModel, bundle: Bundle, locale: str, now: datetime) -> BaseModel:
        dates = expiry(now, self.rule)
        return BaseModel(
            id=str(uuid.uuid5(_NAMESPACE, f"{bundle.digest}/{locale}")),
            display_name=f"{supplied.released_at:%Y%m%d} {supplied.family}",
            description=f"{locale} base model",
            locale=locale,
            created_at=now,
            last_action_at=now,
            bundle=bundle,
            family=supplied.family,
            source=supplied.source,
            licence=supplied.licence,
            released_at=supplied.released_at,
            adaptation_expires_at=dates.adaptation_at,
            decoding_expires_at=dates.decoding_at,
        )


def _checked_locales(wanted: Sequence[str], supplied: SuppliedModel) -> Sequence[str]:
    for locale in wanted:
        if whisper_language(locale) not in supplied.languages:
            raise InvalidInputError(
                f"{supplied.family} does not know the language of {locale}. "
                f"It knows: {', '.join(supplied.languages)}.",
                code="InvalidLocale",
                target="locales",
            )
    return wanted
