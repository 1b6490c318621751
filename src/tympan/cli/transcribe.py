"""``tympan transcribe``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tympan.cli.output import errors, say, show_json
from tympan.cli.session import InProject, Json, connect, find, project_of
from tympan.domain.errors import EngineError

_TYPES = {
    ".wav": "audio/wav; codecs=audio/pcm; samplerate=16000",
    ".ogg": "audio/ogg; codecs=opus",
    ".opus": "audio/ogg; codecs=opus",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".webm": "audio/webm",
}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("transcribe")(transcribe)


def transcribe(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Recording of at most a minute, in any common form.")],
    endpoint: Annotated[str, typer.Option("--endpoint", "-e", help="Name or id of the endpoint.")],
    project: InProject = None,
    profanity: Annotated[str, typer.Option(help="masked, removed or raw.")] = "masked",
    as_json: Json = False,
) -> None:
    """Recognise a recording through an endpoint."""
    from tympan.cli.client import existing_file

    existing_file(file)
    client = connect(context)
    found = find(client, "endpoints", endpoint, project_of(client, project))
    answer = client.recognize(
        "/speech/recognition/conversation/cognitiveservices/v1",
        file,
        _TYPES.get(file.suffix.lower(), "application/octet-stream"),
        {
            "cid": found.id,
            "language": found.text("locale"),
            "format": "detailed" if as_json else "simple",
            "profanity": profanity,
        },
    )
    if as_json:
        show_json(answer.value)
        return
    status = answer.text("RecognitionStatus")
    if status not in ("Success", "NoMatch", "InitialSilenceTimeout"):
        raise EngineError(f"{file} could not be recognised: {status}.")
    text = answer.text("DisplayText")
    say(text or ("(no speech was heard)", "dim"))
    fallback = answer.text("Tympan/fallback")
    if fallback:
        say(("Note: ", "yellow"), f"the endpoint's model was not used: {fallback}", to=errors)
