"""Training in the background: prepare, train, export, publish."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tympan.domain.dataset import StoredFile
from tympan.domain.errors import EngineError, InvalidInputError
from tympan.domain.job import Job
from tympan.domain.model import Bundle, BundleFile
from tympan.ports.audio import AudioCodec
from tympan.ports.blobs import BlobStore
from tympan.ports.clock import Clock
from tympan.ports.jobs import JobContext
from tympan.ports.model_files import ModelFiles
from tympan.ports.recognizer import FORMATTING_FILE, PRONUNCIATIONS_FILE, RecognitionOptions, Recognizer
from tympan.ports.store import Store
from tympan.ports.synthesizer import Synthesizer
from tympan.ports.trainer import ParityOutcome, Trainer, TrainingExample, TrainingOutcome, TrainingPlan
from tympan.speech.display_format import Profanity
from tympan.speech.languages import whisper_language
from tympan.speech.manifest_lines import write_records
from tympan.speech.promotion import Outcome
from tympan.speech.rewriting import may_rewrite
from tympan.speech.text import normalizer_for
from tympan.usecases.promotion import PromotionGate, gate_note, gate_summary
from tympan.usecases.training_audio import TrainingAudio
from tympan.usecases.training_desk import TrainingDesk
from tympan.usecases.training_material import collect, everyday_recordings
from tympan.usecases.training_passport import Passport, code_sha256, passport_of, speech_sha256, text_digests
from tympan.usecases.training_plan import StoredPlan
from tympan.usecases.training_preparation import Preparation
from tympan.usecases.training_report import compare_engines, model_report, model_summary, timing_part
from tympan.usecases.training_settings import general_dataset_of

_AUDIO_SHARE = 0.05
"""Share of the progress bar for fetching recordings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The steps of training jobs.

    What a step leaves for the next lies in blobs under ``jobs/<job id>/``, so another machine
    may go on: the plan, checkpoints, the LoRA weights, the result of the export. The folder
    ``work_dir/<job id>`` is a cache of them.
    """

    store: Store
    blobs: BlobStore
    files: ModelFiles
    codec: AudioCodec
    trainer: Trainer
    synthesizer: Synthesizer
    recognizer: Recognizer
    clock: Clock
    work_dir: Path

    def run_prepare(self, context: JobContext) -> None:
        """Collect what there is to train on, speak related text, and hold out dev.

        Running it again after it ended changes nothing.

        Raises:
            InvalidInputError: Nothing can be trained on (code ``NothingToTrainOn``), or a
                dataset was deleted.
        """
        desk = self.desk(context)
        if desk.is_published or desk.has("plan.json"):
            return
        plan = self.planned(desk, context)
        for warning in (*plan.warnings, *(text for use in plan.uses for text in use.warnings)):
            context.event("warning", {"text": warning})
        desk.put("passport.json", self._passport(desk, plan).as_document())
        desk.put("plan.json", plan.as_document())

    def planned(self, desk: TrainingDesk, context: JobContext, *, is_gated: bool = True) -> StoredPlan:
        """The plan that the datasets of a model give; the same data and seed give the same one.

        Args:
            desk: Of the job.
            context: Hears progress.
            is_gated: Whether it names what the gate will hear too; that changes nothing of the training.

        Raises:
            InvalidInputError: As ``run_prepare``.
            NotFoundError: A recording or manifest is gone.
        """
        language = whisper_language(desk.model.locale)
        if language is None:
            raise InvalidInputError(
                f"No Whisper model knows the language of {desk.model.locale}.",
                code="InvalidLocale",
                target="locale",
            )
        context.progress(0.0, "Reading the datasets")
        model = desk.model
        material = collect(self.store, self.blobs, model.dataset_ids, model.text)
        if is_gated:
            general = general_dataset_of(model.settings)
            material.general = everyday_recordings(self.store, self.blobs, general)
        return Preparation(
            material=material,
            audio=self.audio(desk),
            language=language,
            seed=desk.settings.seed,
            replay=self.trainer.replay_sentences(language),
            report=context.progress,
        ).plan()

    def run_train(self, context: JobContext) -> None:
        """Train from the plan, saving checkpoints that any machine can go on from.

        Raises:
            EngineError: Training diverged.
            ModelDamagedError: The base model's files are damaged.
        """
        desk = self.desk(context)
        if desk.is_published:
            return
        plan = desk.plan()
        if not plan.is_trainable:
            note = "Only rules were given, so the base model's weights stay as they are."
            context.event("note", {"text": note})
            return
        examples, dev = self.materialized(desk, plan, context)
        outcome = self.trained(
            desk, replace(self.training_plan(desk, plan), examples=examples, dev=dev), context
        )
        self._note_conditions(desk, speech_of(plan, (*examples, *dev)))
        desk.put("outcome.json", asdict(outcome))

    def trained(self, desk: TrainingDesk, plan: TrainingPlan, context: JobContext) -> TrainingOutcome:
        """Train, or go on from what is kept, and keep the LoRA weights."""
        desk.restore("checkpoint")
        desk.restore("lora")
        outcome = self.trainer.train(
            plan, desk.folder, _Observer(context), save=lambda _: desk.keep("checkpoint")
        )
        desk.keep("lora")
        return outcome

    def run_export(self, context: JobContext) -> None:
        """Write the bundle and hold it against the trainer.

        Raises:
            EngineError: The serving engine is worse than the trainer by more than the
                tolerance (code ``ParityFailed``); the message holds the figures.
        """
        desk = self.desk(context)
        if desk.is_published or desk.has("export.json"):
            return
        plan = desk.plan()
        context.progress(0.0, "Merging the trained weights into the model")
        bundle_folder = self.exported(desk, plan)
        parity, texts = (
            self._checked_parity(desk, plan, bundle_folder, context) if plan.is_trainable else (None, ())
        )
        self.write_rules(desk, bundle_folder)
        bundle = self.files.store(desk.base.bundle.engine, bundle_folder)
        document = {"bundle": asdict(bundle), "parity": asdict(parity) if parity else None, "texts": texts}
        desk.put("export.json", document)

    def exported(self, desk: TrainingDesk, plan: StoredPlan) -> Path:
        """A fresh folder with the trained bundle, still without the owner's rules."""
        desk.restore("lora")
        folder = desk.folder / "bundle"
        shutil.rmtree(folder, ignore_errors=True)
        training_plan = self.training_plan(desk, plan)
        if plan.is_trainable:
            self.trainer.export(training_plan, desk.folder, folder)
        else:
            shutil.copytree(training_plan.base_folder, folder)
        return folder

    def run_check(self, context: JobContext) -> None:
        """Hold the exported model against its base model, as both are served.

        What is found goes into the report. A model that fails is kept and published, but no
        endpoint takes it until its owner has approved it.
        """
        desk = self.desk(context)
        if desk.is_published or desk.has("gate.json"):
            return
        plan, exported = desk.plan(), desk.get("export.json")
        if exported is None:
            raise EngineError("The exported model is gone. Start the training again.")
        if not plan.is_trainable:
            desk.put("gate.json", {"verdict": Outcome.NOT_MEASURED.value, "checks": []})
            return
        gate = PromotionGate(
            recognizer=self.recognizer,
            synthesizer=self.synthesizer,
            codec=self.codec,
            locale=desk.model.locale,
            sentences=self.trainer.gate_sentences(plan.language),
            report=context.progress,
        )
        bundle = _bundle(exported["bundle"])
        held_out, general = (
            self.audio(desk).materialize(one, lambda: None) for one in (plan.dev, plan.general)
        )
        found = gate.document(desk.base.bundle, bundle, held_out, general)
        self.recognizer.unload(bundle.digest)
        desk.put("gate.json", found)
        context.event("note", {"text": gate_note(found)})

    def run_publish(self, context: JobContext) -> None:
        """Write the report and let the model count; the last effect is one transaction."""
        desk = self.desk(context)
        if not desk.is_published:
            self._publish(desk, context.job)
        desk.clear()
        shutil.rmtree(desk.folder, ignore_errors=True)

    def _publish(self, desk: TrainingDesk, job: Job) -> None:
        plan, exported = desk.plan(), desk.get("export.json")
        if exported is None:
            raise EngineError("The exported model is gone. Start the training again.")
        outcome, gate = _outcome(desk.get("outcome.json")), desk.get("gate.json") or {}
        parity = ParityOutcome(**exported["parity"]) if exported["parity"] else None
        passport = desk.get("passport.json")
        now = self.clock.now()
        document = {
            **model_report(desk.model, plan, desk.settings, outcome, parity),
            "gate": gate,
            **timing_part(job.started_at or now, now),
            "engine": desk.base.bundle.engine,
            "versions": dict(self.trainer.versions()),
            "passport": passport and {**passport, "texts": exported.get("texts", ())},
        }
        stored = self.blobs.put_content([json.dumps(document, ensure_ascii=False, indent=1).encode()])
        report = StoredFile(
            id="report.json",
            name="report.json",
            kind="ModelReport",
            key=stored.key,
            size_bytes=stored.size_bytes,
        )
        with self.store.write() as tx:
            tx.jobs.require_attempt(job.id, job.attempt)
            model = tx.models.get(desk.model.id)
            summary = {**model_summary(plan, outcome), **gate_summary(gate)}
            bundle = _bundle(exported["bundle"])
            tx.models.save(model.published(now, bundle=bundle, files=(report,), summary=summary))

    def desk(self, context: JobContext) -> TrainingDesk:
        """The workplace of a job that works on a model.

        Raises:
            NotFoundError: The model or its base model was deleted.
        """
        with self.store.read() as tx:
            model = tx.models.get(context.job.resource_id)
            base = tx.base_models.get(model.base_model_id)
        return TrainingDesk(
            blobs=self.blobs,
            model=model,
            base=base,
            job_id=context.job.id,
            folder=self.work_dir / context.job.id,
        )

    def _passport(self, desk: TrainingDesk, plan: StoredPlan) -> Passport:
        with self.store.read() as tx:
            datasets = [tx.datasets.get(dataset_id) for dataset_id in desk.model.dataset_ids]
        made = passport_of(desk.model, desk.base, datasets, desk.settings, plan)
        return replace(made, versions=self.trainer.versions(), conditions=self.trainer.conditions())

    def _note_conditions(self, desk: TrainingDesk, speech: str) -> None:
        """Write down under which conditions the weights came to be."""
        document = desk.get("passport.json")
        if document is None:  # prepared by a version that wrote none
            return
        passport = Passport.from_document(document)
        noted = replace(
            passport,
            versions=self.trainer.versions(),
            conditions=self.trainer.conditions(),
            speech_sha256=speech,
            was_code_replaced=passport.code_sha256 != code_sha256(),
        )
        desk.put("passport.json", noted.as_document())

    def audio(self, desk: TrainingDesk) -> TrainingAudio:
        """Recordings and synthetic speech in the folder of a job."""
        return TrainingAudio(
            blobs=self.blobs,
            codec=self.codec,
            synthesizer=self.synthesizer,
            locale=desk.model.locale,
            folder=desk.folder / "audio",
        )

    def training_plan(self, desk: TrainingDesk, plan: StoredPlan) -> TrainingPlan:
        """The plan for the trainer, still without examples."""
        return TrainingPlan(
            base_folder=str(self.files.fetch(desk.base.bundle)),
            language=plan.language,
            locale=plan.locale,
            examples=(),
            dev=(),
            settings=desk.settings,
        )

    def materialized(
        self, desk: TrainingDesk, plan: StoredPlan, context: JobContext
    ) -> tuple[tuple[TrainingExample, ...], tuple[TrainingExample, ...]]:
        """The examples and the held-out recordings of a plan, as local files."""
        total = len(plan.examples) + len(plan.dev)
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            context.progress(_AUDIO_SHARE * done / total, f"Fetching recording {done} of {total}")

        audio = self.audio(desk)
        return audio.materialize(plan.examples, advance), audio.materialize(plan.dev, advance)

    def _checked_parity(
        self,
        desk: TrainingDesk,
        plan: StoredPlan,
        bundle_folder: Path,
        context: JobContext,
    ) -> tuple[ParityOutcome, tuple[str, ...]]:
        """Recognise the same recordings in trainer and engine, before any rule rewrites them."""
        context.progress(0.3, "Checking that the exported model hears what the trained one hears")
        recordings = self.audio(desk).materialize(plan.parity, lambda: None)
        trainer_texts = self.trainer.transcribe(self.training_plan(desk, plan), desk.folder, recordings)
        context.progress(0.6, "Checking the exported model in the serving engine")
        bundle = self.files.store(desk.base.bundle.engine, bundle_folder)
        options = RecognitionOptions(
            locale=desk.model.locale,
            beam_size=1,
            is_voice_gated=False,
            is_guarded=False,
            profanity=Profanity.RAW,
        )
        engine_texts = []
        for recording in recordings:
            with Path(recording.audio).open("rb") as file:
                samples = self.codec.read_flac(file)
            engine_texts.append(self.recognizer.recognize(bundle, [samples], options)[0].spoken)
        self.recognizer.unload(bundle.digest)
        normalize = normalizer_for(desk.model.locale).normalize
        parity = compare_engines([r.text for r in recordings], trainer_texts, engine_texts, normalize)
        if not parity.is_passed:
            raise EngineError(
                f"The exported model is not what was trained: on {parity.total} recordings the trainer "
                f"reaches a WER of {parity.trainer_wer or 0:.1%}, the serving engine "
                f"{parity.engine_wer or 0:.1%}; {parity.differing} texts differ. The model is not published. "
                "Train again; if this stays, report it with the versions in the log.",
                code="ParityFailed",
            )
        return parity, text_digests(map(normalize, trainer_texts))

    def write_rules(self, desk: TrainingDesk, bundle_folder: Path) -> None:
        """Write the owner's rules into a bundle; the engine applies them to results."""
        material = collect(self.store, self.blobs, desk.model.dataset_ids, desk.model.text)
        entries = [entry for entry, _ in material.entries if may_rewrite(entry, desk.model.locale)]
        for name, records in ((PRONUNCIATIONS_FILE, entries), (FORMATTING_FILE, material.rules)):
            if records:
                (bundle_folder / name).write_bytes(b"".join(write_records(records)))


@dataclass(frozen=True, slots=True)
class _Observer:
    """Passes on what the trainer says, behind the share for fetching recordings."""

    context: JobContext

    def progress(self, fraction: float, message: str) -> None:
        self.context.progress(_AUDIO_SHARE + (1 - _AUDIO_SHARE) * fraction, message)

    def event(self, kind: str, payload: Mapping[str, Any]) -> None:
        self.context.event(kind, payload)


def speech_of(plan: StoredPlan, examples: Sequence[TrainingExample]) -> str:
    """Digest of the synthetic speech of a plan."""
    planned = (*plan.examples, *plan.dev)
    return speech_sha256(examples, [one.audio_key for one in planned if one.audio_key is not None])


def _outcome(document: Mapping[str, Any] | None) -> TrainingOutcome | None:
    return TrainingOutcome(**{**document, "losses": tuple(document["losses"])}) if document else None


def _bundle(document: Mapping[str, Any]) -> Bundle:
    return Bundle(engine=document["engine"], files=tuple(BundleFile(**one) for one in document["files"]))
