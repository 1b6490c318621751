"""``tympan model verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import failure_text, say, show_json
from tympan.cli.session import InProject, Json, Wait, connect, find, project_of
from tympan.domain.errors import EngineError

if TYPE_CHECKING:
    from tympan.cli.client import Client

_SAME = ("sameWeights", "sameResults")


def add_to(app: typer.Typer) -> None:
    """Add the commands to ``tympan model``."""
    app.command("verify")(verify)


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
