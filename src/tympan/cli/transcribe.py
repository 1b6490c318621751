"""``tympan transcribe``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import typer

from tympan.cli.output import errors, say, show_json
from tympan.cli.phrases import PhraseFile, Phrases, phrases_of
from tympan.cli.session import InProject, Json, connect, find, project_of
from tympan.domain.errors import EngineError, InvalidInputError, TooLargeError

if TYPE_CHECKING:
    from tympan.cli.client import Client
    from tympan.cli.documents import Answer

_LONGEST_QUERY = 4_000
"""More phrases than a URL holds go as a form, with the whole file."""
_FORMATS = ("text", "srt", "vtt", "json")

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
    file: Annotated[Path, typer.Argument(help="Recording of at most two hours, in any common form.")],
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", "-e", help="Name or id of the endpoint.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Id, name or family of a model.")] = None,
    language: Annotated[str | None, typer.Option(help="Spoken language, such as en or en-US.")] = None,
    form: Annotated[str, typer.Option("--format", "-f", help="text, srt, vtt or json.")] = "text",
    project: InProject = None,
    profanity: Annotated[str, typer.Option(help="masked, removed or raw (up to a minute).")] = "masked",
    phrase: Phrases = None,
    phrase_file: PhraseFile = None,
    as_json: Json = False,
) -> None:
    """Recognise a recording through an endpoint, or with a model."""
    from tympan.cli.client import existing_file

    existing_file(file)
    if form not in _FORMATS:
        raise InvalidInputError(f"--format must be one of: {', '.join(_FORMATS)}.", target="--format")
    if (endpoint is None) is (model is None):
        raise InvalidInputError("Give one of --endpoint and --model.", target="--endpoint")
    phrases = phrases_of(phrase, phrase_file)
    client = connect(context)
    if endpoint is not None:
        found = find(client, "endpoints", endpoint, project_of(client, project))
        if form == "text" and len(urlencode([("phrases", one) for one in phrases])) <= _LONGEST_QUERY:
            try:
                query = {"profanity": profanity, "phrases": phrases}
                _short(client, file, found, query, as_json=as_json)
            except TooLargeError:
                say(("Longer than a minute: heard as a whole file.", "dim"), to=errors)
            else:
                return
        model = found.id
    if profanity != "masked":
        raise InvalidInputError(
            "--profanity works for recordings of up to a minute, with few phrases.", target="--profanity"
        )
    wanted = "verbose_json" if as_json or form == "json" else form
    fields = {"model": model or "", "response_format": wanted} | ({"language": language} if language else {})
    if phrases:
        fields["hotwords"] = "".join(f"{one}\n" for one in phrases)
    answer = client.send_form("/v1/audio/transcriptions", fields, file, lambda _: None, file_field="file")
    if wanted == "verbose_json":
        show_json(answer.json())
    else:
        sys.stdout.write(answer.text if answer.text.strip() else "(no speech was heard)\n")


def _short(
    client: Client, file: Path, endpoint: Answer, query: Mapping[str, str | Sequence[str]], *, as_json: bool
) -> None:
    """A recording of at most a minute, through the route that clients of endpoints use."""
    answer = client.recognize(
        "/speech/recognition/conversation/cognitiveservices/v1",
        file,
        _TYPES.get(file.suffix.lower(), "application/octet-stream"),
        {
            "cid": endpoint.id,
            "language": endpoint.text("locale"),
            "format": "detailed" if as_json else "simple",
            **query,
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
