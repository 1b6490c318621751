"""``tympan model advise`` and ``verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import Cell, failure_text, say, show_json, show_members
from tympan.cli.session import (
    InLocale,
    InProject,
    Json,
    Wait,
    connect,
    find,
    find_model,
    locale_of,
    project_of,
)
from tympan.domain.errors import EngineError, InvalidInputError

if TYPE_CHECKING:
    from tympan.cli.client import Client

_SAME = ("sameWeights", "sameResults")


def add_to(app: typer.Typer) -> None:
    """Add the commands to ``tympan model``."""
    app.command("advise")(advise)
    app.command("verify")(verify)


def advise(
    context: typer.Context,
    dataset: Annotated[list[str], typer.Option("--dataset", "-d", help="Name or id; repeatable.")],
    base: Annotated[str, typer.Option(help="Base model: name, id, or 'base' for the newest.")] = "base",
    project: InProject = None,
    locale: InLocale = None,
    as_json: Json = False,
) -> None:
    """Say what a training would use, cost and may give, before it begins."""
    client = connect(context)
    shelf = project_of(client, project)
    sources = [find(client, "datasets", one, shelf) for one in dataset]
    place = locale or (sources[0].text("locale") if shelf is None else locale_of(locale, shelf))
    body = {
        "locale": place,
        "baseModel": {"self": find_model(client, base, locale=place, project=shelf).text("self")},
        "datasets": [{"self": source.text("self")} for source in sources],
    }
    advice = client.post("/api/v1/models:advise", body)
    if as_json:
        show_json(advice.value)
    else:
        _show(advice)
    if not advice.flag("canTrain"):
        raise InvalidInputError(" ".join(advice.texts("refusals")))


def verify(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name or id of the model.")],
    project: InProject = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Repeat a training and say whether it gives the same model again; changes nothing."""
    from tympan.cli.waiting import watch

    client = connect(context)
    model = find(client, "models", name, project_of(client, project))
    job = client.post(f"/api/v1/models/{model.id}:verify", {})
    if not wait:
        show_json(job.value) if as_json else say(f"Job {job.id} repeats the training of '{model.name}'.")
        return
    # Its events hold the verdict, so nothing is printed while it runs but the progress.
    job = watch(client, job.text("self"), is_quiet=as_json)
    if job.text("state") != "Succeeded":
        raise EngineError(f"The verification of '{model.name}' ended as {job.text('state')}: {_reason(job)}")
    verdict = _verdict(client, job)
    if as_json:
        show_json(verdict.value)
    else:
        for note in verdict.texts("notes"):
            say(("Note: ", "yellow"), note)
    if verdict.text("outcome") not in _SAME:
        raise EngineError(f"Model '{model.name}': {verdict.text('text')}")


def _verdict(client: Client, job: Answer) -> Answer:
    events = client.get(f"/api/v1/jobs/{job.id}/events").parts("values")
    found = [event.part("payload") for event in events if event.text("kind") == "verdict"]
    if not found:
        raise EngineError(f"Job {job.id} has ended without a verdict. Ask for the verification again.")
    return found[-1]


def _reason(job: Answer) -> str:
    return failure_text(job) or job.text("error/message") or "no reason was given."


def _show(advice: Answer) -> None:
    speakers = "unknown" if advice.number("speakers") is None else str(advice.count("speakers"))
    rows: list[tuple[str, Cell]] = [
        ("Base model", advice.text("baseModel/displayName")),
        ("Audio", f"{advice.number('audioMinutes') or 0.0:.1f} min"),
        ("Sentences", str(advice.count("sentences"))),
        ("Speakers", speakers),
        ("Held out", f"{advice.count('heldOutRecordings')} recordings"),
    ]
    rows += [(one.text("kind"), _learning(one)) for one in advice.parts("recipe")]
    estimate = advice.part("estimate")
    if estimate.number("cpuSeconds") is not None:
        rows += [
            ("CPU time", _cpu_time(estimate)),
            ("Memory", _gigabytes(estimate)),
            ("", estimate.text("source")),
        ]
    rows += [(f"Gain, {one.text('kind')}", _gain(one)) for one in advice.parts("expectedGain")]
    show_members(rows)
    for concern in advice.parts("warnings"):
        say(("Warning: ", "yellow"), concern.text("text"))
    if advice.flag("canTrain"):
        say("What others gained is no promise: test the model on recordings of your own.")


def _learning(one: Answer) -> str:
    return f"{one.count('lines')} lines, {one.count('examples')} examples. {one.text('becomes')}"


def _cpu_time(estimate: Answer) -> str:
    expected, low, high = (
        (estimate.number(name) or 0.0) / 60 for name in ("cpuSeconds", "lowCpuSeconds", "highCpuSeconds")
    )
    return f"about {expected:.1f} min ({low:.1f} to {high:.1f}), without the gate"


def _gigabytes(estimate: Answer) -> str:
    return f"about {(estimate.number('memoryBytes') or 0.0) / 1e9:.1f} GB"


def _gain(one: Answer) -> str:
    low, high = one.number("lowShare"), one.number("highShare")
    if low is None or high is None:
        return f"{one.text('measure')}. {one.text('source')}"
    return f"{100 * low:.0f} to {100 * high:.0f} % {one.text('measure')}. {one.text('source')}"
