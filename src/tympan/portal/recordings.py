"""Recordings of a test: which became right or wrong, and how each model heard them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tympan.domain.evaluation import Evaluation
from tympan.portal.grids import Place, grid
from tympan.portal.measures import FLAGS
from tympan.portal.reports import Members, objects, read_report
from tympan.ports.blobs import BlobStore

ON_A_PAGE = 10
_FIRST = ".model1_score.json"
_KINDS = ("substitutions", "deletions", "insertions")


@dataclass(frozen=True, slots=True)
class Shown:
    """A filter of recordings.

    Attributes:
        key: As the address has it.
        name: As the page has it.
        count: Recordings it keeps.
    """

    key: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class AlignedRecording:
    """One recording as every model heard it.

    Attributes:
        id: Of the recording in the report; empty when there is no report.
        seconds: Its length; 0 when it is not known.
        rates: Word error rate of each model.
        flags: Signs of made-up words, of any model.
        texts: What each model heard, as it writes it.
    """

    id: str
    name: str
    seconds: float
    reference: str
    rates: Sequence[float]
    is_suspected: bool
    flags: Sequence[str]
    texts: Sequence[str]
    places: Sequence[Place]


@dataclass(frozen=True, slots=True)
class RecordingSheet:
    """One page of recordings.

    Attributes:
        filters: What may be chosen.
        chosen: Key of the filter.
        number, last: Page, and the last one, from 1.
    """

    filters: Sequence[Shown]
    chosen: str
    number: int
    last: int
    rows: Sequence[AlignedRecording]


def recording_sheet(
    blobs: BlobStore, evaluation: Evaluation, results: Members | None, chosen: str, number: int
) -> RecordingSheet | None:
    """The recordings a filter keeps, most errors first; None when nothing was heard.

    Without transcripts there is one filter, and what was heard.

    Args:
        blobs: Hold the score files.
        evaluation: Whose recordings.
        results: Its report, or its summary where there is no report.
        chosen: Key of a filter; an unknown one shows every recording with an error.
        number: Page, from 1; beyond the last is the last.
    """
    recordings = objects(results, "recordings") or _unscored(evaluation)
    if not recordings:
        return None
    errors = [[_errors(model) for model in objects(one, "models")] or [0] for one in recordings]
    kept = _kept(recordings, errors) if results else {"all": ("All", list(range(len(recordings))))}
    chosen = chosen if chosen in kept else next(iter(kept))
    places = sorted(kept[chosen][1], key=lambda at: _weight(errors[at], chosen), reverse=True)
    last = max(1, -(-len(places) // ON_A_PAGE))
    number = min(max(1, number), last)
    by_name = {file.name: file for file in evaluation.files}

    def aligned(at: int) -> AlignedRecording:
        audio = str(recordings[at].get("audio", ""))
        names = [f"{audio}.model{place}_score.json" for place in range(1, len(evaluation.model_ids) + 1)]
        scores = [read_report(blobs, [by_name[name]] if name in by_name else [], name) for name in names]
        return _aligned(recordings[at], audio, scores)

    return RecordingSheet(
        filters=[Shown(key, name, len(places)) for key, (name, places) in kept.items()],
        chosen=chosen,
        number=number,
        last=last,
        rows=[aligned(at) for at in places[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]],
    )


def _unscored(evaluation: Evaluation) -> list[Members]:
    """Recordings that were heard and have nothing to be held against, by the files of the first model."""
    names = [file.name for file in evaluation.files if file.name.endswith(_FIRST)]
    return [{"audio": name.removesuffix(_FIRST)} for name in names]


def _kept(recordings: Sequence[Members], errors: Sequence[Sequence[int]]) -> dict[str, tuple[str, list[int]]]:
    """Name and places of each filter. With several models the last is compared with the first."""
    every = range(len(errors))
    filters = {"errors": ("With errors", [at for at in every if any(errors[at])])}
    if any(len(one) > 1 for one in errors):
        filters |= {
            "fixed": ("Fixed", [at for at in every if errors[at][0] and not errors[at][-1]]),
            "broken": ("Broken", [at for at in every if errors[at][-1] and not errors[at][0]]),
            "wrong": ("Still wrong", [at for at in every if errors[at][0] and errors[at][-1]]),
        }
    filters["right"] = ("Right", [at for at in every if not any(errors[at])])
    flagged = [at for at in every if any(one.get("flags") for one in objects(recordings[at], "models"))]
    suspected = [at for at in every if recordings[at].get("isSuspected")]
    extra = {"made-up": ("With made-up words", flagged), "suspected": ("Reference suspected", suspected)}
    return filters | {key: found for key, found in extra.items() if found[1]}


def _weight(errors: Sequence[int], chosen: str) -> int:
    return errors[0] if chosen == "fixed" else errors[-1]


def _errors(model: Members) -> int:
    counts = model.get("counts")
    return sum(int(counts.get(kind, 0)) for kind in _KINDS) if isinstance(counts, dict) else 0


def _aligned(recording: Members, audio: str, scores: Sequence[Members | None]) -> AlignedRecording:
    known: list[Members] = [score or {} for score in scores]
    seconds = recording.get("seconds")
    references = [str(one["reference"]) for one in (*known, recording) if one.get("reference")]
    return AlignedRecording(
        id=str(recording.get("id", "")),
        name=audio,
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
        reference=references[0] if references else "",
        rates=[_rate(score) for score in known],
        is_suspected=bool(recording.get("isSuspected")),
        flags=sorted({said for one in objects(recording, "models") for said in _flags(one)}),
        texts=[_display(score) for score in known],
        places=grid([[_texts(column) for column in objects(score, "alignment")] for score in known]),
    )


def _rate(score: Members) -> float:
    rate = score.get("wordErrorRate")
    return float(rate) if isinstance(rate, int | float) else 0.0


def _display(score: Members) -> str:
    heard = score.get("hypothesis")
    return str(heard.get("display", "")) if isinstance(heard, dict) else ""


def _flags(model: Members) -> Iterator[str]:
    flags = model.get("flags")
    for flag in flags if isinstance(flags, list) else ():
        yield FLAGS.get(str(flag), str(flag))


def _texts(column: Members) -> Mapping[str, str]:
    return {name: str(value) for name, value in column.items()}
