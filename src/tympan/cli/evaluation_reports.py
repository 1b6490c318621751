"""``tympan evaluation report``, ``export``, ``compare``, ``plan`` and ``rescore``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import Cell, percent, say, show_json, show_members, show_table
from tympan.cli.session import InProject, Json, Wait, connect, find, project_of
from tympan.domain.errors import InvalidInputError, NotFoundError

Name = Annotated[str, typer.Argument(help="Name or id of the evaluation.")]
Terms = Annotated[
    Path | None,
    typer.Option("--terms", help="Text file of terms to look for, one a line.", exists=True, dir_okay=False),
]

_ROWS = 10


class ExportForm(StrEnum):
    """What can be exported."""

    JSON = "json"
    CSV = "csv"
    SCLITE = "sclite"
    ALL = "all"


_ENDINGS = {
    ExportForm.JSON: (".json",),
    ExportForm.CSV: (".csv",),
    ExportForm.SCLITE: (".trn", ".stm", ".ctm", ".pra"),
    ExportForm.ALL: (".json", ".csv", ".trn", ".stm", ".ctm", ".pra"),
}


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of evaluations."""
    for command in (report, export, compare, plan, rescore):
        app.command(command.__name__)(command)


def read_terms(file: Path) -> list[str]:
    """The terms of a file, one a line; empty lines are passed over."""
    return [line.strip() for line in file.read_text("utf-8-sig").splitlines() if line.strip()]


def report(context: typer.Context, name: Name, project: InProject = None, as_json: Json = False) -> None:
    """Show every measure of an evaluation."""
    client = connect(context)
    evaluation = find(client, "evaluations", name, project_of(client, project))
    document = json.loads(client.content(f"/api/v1/evaluations/{evaluation.id}/report"))
    if as_json:
        show_json(document)
    else:
        _show(Answer(document))


def export(
    context: typer.Context,
    name: Name,
    to: Annotated[Path, typer.Option("--to", help="Folder to write into.", file_okay=False)] = Path(),
    form: Annotated[ExportForm, typer.Option("--format", help="Which files.")] = ExportForm.ALL,
    each: Annotated[bool, typer.Option("--each", help="Also the score file of each recording.")] = False,
    project: InProject = None,
) -> None:
    """Save the files of an evaluation: report, tables, and files for sclite."""
    client = connect(context)
    evaluation = find(client, "evaluations", name, project_of(client, project))
    to.mkdir(parents=True, exist_ok=True)
    count = 0
    for file in client.pages(f"/speechtotext/v3.2/evaluations/{evaluation.id}/files", top="1000"):
        is_of_recording = file.text("name").endswith("_score.json")
        if (is_of_recording and not each) or not file.text("name").endswith(_ENDINGS[form]):
            continue
        # Names of recordings may hold folders; ids are safe in every file system.
        saved = to / file.id if is_of_recording else to / file.text("name")
        saved.write_bytes(client.linked(file.text("links/contentUrl")))
        count += 1
    if count == 0:
        raise NotFoundError(
            f"Evaluation '{evaluation.name}' has no such files. It is {evaluation.status}; "
            "files are written when it has succeeded."
        )
    say(f"Wrote {count} files to {to}.")


def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(help="Name or id of the earlier evaluation.")],
    second: Annotated[str, typer.Argument(help="Name or id of the later one, of the same dataset.")],
    first_model: Annotated[int | None, typer.Option(help="Which model, from 1; else the last.")] = None,
    second_model: Annotated[int | None, typer.Option(help="Which model, from 1; else the last.")] = None,
    project: InProject = None,
    as_json: Json = False,
) -> None:
    """Compare a model of one evaluation with a model of another."""
    client = connect(context)
    shelf = project_of(client, project)
    query: dict[str, str | int] = {
        "first": find(client, "evaluations", first, shelf).id,
        "second": find(client, "evaluations", second, shelf).id,
    }
    chosen = {"firstModel": first_model, "secondModel": second_model}
    query |= {option: number for option, number in chosen.items() if number is not None}
    answer = client.get("/api/v1/evaluations:compare", **query)
    if as_json:
        show_json(answer.value)
        return
    rates = [answer.number(f"{side}/wordErrorRate") for side in ("baseline", "model")]
    low, high = (100 * (answer.number(f"difference/{end}") or 0.0) for end in ("low", "high"))
    show_members(
        [
            ("Word error rate", f"{percent(rates[0])} to {percent(rates[1])}"),
            ("Difference", f"{low:+.1f} to {high:+.1f} points (95 %)"),
            ("Better with probability", percent(answer.number("probabilityBetter"))),
            ("Matched pairs", _p_text(answer.part("matchedPairs"))),
            ("Words fixed, broken", f"{answer.count('words/fixed')}, {answer.count('words/broken')}"),
            ("Verdict", answer.text("verdict")),
        ]
    )


def plan(
    context: typer.Context,
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="Name or id of an acoustic dataset.")],
    rate: Annotated[float, typer.Option("--wer", help="Word error rate that is expected, in percent.")],
    project: InProject = None,
    as_json: Json = False,
) -> None:
    """Say what difference a dataset can show, before anything is tested on it."""
    client = connect(context)
    found = find(client, "datasets", dataset, project_of(client, project))
    answer = client.get("/api/v1/evaluations:plan", dataset=found.id, wordErrorRate=str(rate / 100))
    if as_json:
        show_json(answer.value)
        return
    points = 100 * (answer.number("detectableDifference") or 0.0)
    say(
        f"{answer.count('recordings')} recordings with about {answer.count('words')} words: at a word error "
        f"rate of {rate:g} % a difference of {points:.1f} points will be seen four times in five."
    )
    if not answer.flag("isFairSample"):
        say(("Note: ", "yellow"), "These are too few recordings for any verdict.")


def rescore(
    context: typer.Context,
    name: Name,
    terms: Terms = None,
    project: InProject = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Score what was heard again, without listening again."""
    from tympan.cli.waiting import finished

    client = connect(context)
    evaluation = find(client, "evaluations", name, project_of(client, project))
    body = {} if terms is None else {"terms": read_terms(terms)}
    evaluation = client.post(f"/api/v1/evaluations/{evaluation.id}:rescore", body)
    if wait:
        evaluation = finished(client, evaluation, is_quiet=as_json)
    if as_json:
        show_json(evaluation.value)
    else:
        say(f"Evaluation '{evaluation.name}' is {evaluation.status}.")
    if evaluation.status == "Failed":
        raise InvalidInputError(evaluation.text("properties/error/message"))


def _show(document: Answer) -> None:
    say((document.text("evaluation/displayName"), "bold"), f": {_conditions(document)}")
    models = list(document.parts("models"))
    columns = ("Model", "WER", "95 % interval", "CER", "Tokens", "Entities", "Made up per h", "RTF")
    show_table("Measures", columns, map(_model_row, models), numbers=columns[1:], optional=columns[7:3:-1])
    if any(model.members("terms") for model in models):
        rates = ("Recall", "Precision", "Invented per h", "B-WER", "U-WER")
        show_table("Terms", ("Model", *rates), map(_term_row, models), numbers=rates)
    for comparison in document.parts("comparisons"):
        words = comparison.part("words")
        say(
            f"Against the first model: {comparison.text('verdict')}; {words.count('fixed')} words fixed, "
            f"{words.count('broken')} broken; {_p_text(comparison.part('matchedPairs'))}."
        )
    _show_slices(document, models)
    suspects = list(document.parts("suspects"))
    if suspects:
        rows = (
            (one.text("audio"), ", ".join(one.texts("reasons")), _changes(one)) for one in suspects[:_ROWS]
        )
        title = f"References that may be wrong, {min(len(suspects), _ROWS)} of {len(suspects)}"
        show_table(title, ("Recording", "Why", "What all models heard"), rows)
    for warning in document.texts("warnings"):
        say(("Note: ", "yellow"), warning)


def _show_slices(document: Answer, models: list[Answer]) -> None:
    names = tuple(f"WER {number}" for number in range(1, len(models) + 1))
    rows: list[tuple[Cell, ...]] = [
        (
            f"{one.text('column')} {one.text('value')}",
            str(one.count("recordings")),
            *(percent(model.number("wordErrorRate")) for model in one.parts("models")),
            "few" if one.flag("isSmall") else "",
        )
        for one in document.parts("slices")
    ]
    if rows:
        numbers = ("Recordings", *names)
        show_table("Parts", ("Part", *numbers, ""), rows, numbers=numbers)


def _conditions(document: Answer) -> str:
    minutes = (document.number("dataset/audioSeconds") or 0.0) / 60
    return (
        f"{document.count('dataset/recordings')} recordings, {minutes:.1f} min, "
        f"{document.count('dataset/words')} words, normaliser {document.text('conditions/normalizer/name')} "
        f"({document.text('conditions/normalizer/fingerprint')})"
    )


def _model_row(model: Answer) -> tuple[Cell, ...]:
    low, high = (model.number(f"wordErrorRateInterval/{end}") for end in ("low", "high"))
    entities = [Answer(value) for value in model.members("entities").values()]
    whole = sum(one.count("entities") for one in entities)
    exact = sum(one.count("exact") for one in entities)
    factor = model.number("timing/realTimeFactor") or model.number("timing/cpuRealTimeFactor")
    return (
        model.name,
        percent(model.number("wordErrorRate")),
        f"{percent(low)} to {percent(high)}",
        percent(model.number("characterErrorRate")),
        percent(model.number("tokenErrorRate")),
        percent(exact / whole) if whole else "-",
        _tenths(model.number("hallucinations/perHour")),
        "-" if factor is None else f"{factor:.2f}",
    )


def _term_row(model: Answer) -> tuple[Cell, ...]:
    terms = model.part("terms")
    return (
        model.name,
        percent(terms.number("recall")),
        percent(terms.number("precision")),
        _tenths(terms.number("inventedPerHour")),
        percent(terms.number("biasedWords/wordErrorRate")),
        percent(terms.number("unbiasedWords/wordErrorRate")),
    )


def _suspect_row(suspect: Answer) -> tuple[Cell, ...]:
    return suspect.text("audio"), ", ".join(suspect.texts("reasons")), _changes(suspect)


def _changes(suspect: Answer) -> str:
    def told() -> Iterator[str]:
        for one in suspect.parts("changes"):
            yield f"{one.text('reference') or '(nothing)'} > {one.text('heard') or '(nothing)'}"

    return "; ".join(told())


def _p_text(test: Answer) -> str:
    note = "" if test.flag("isReliable") else ", too few to rely on"
    value = test.number("holmPValue")
    value = test.number("pValue") if value is None else value
    return f"matched pairs p = {value or 0.0:.3f} on {test.count('segments')} segments{note}"


def _tenths(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
