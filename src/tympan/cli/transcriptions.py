"""``tympan transcription``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tympan.cli.documents import Answer
from tympan.cli.output import (
    Cell,
    failure_text,
    moment,
    say,
    show_json,
    show_members,
    show_table,
    status_text,
)
from tympan.cli.phrases import PhraseFile, Phrases, phrases_of
from tympan.cli.session import (
    InLocale,
    InProject,
    Json,
    Wait,
    connect,
    find,
    find_model,
    locale_of,
    members,
    project_of,
)
from tympan.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from tympan.cli.client import Client

app = typer.Typer(help="Recordings of any length, turned into text in the background.", no_args_is_help=True)

TRANSCRIPTIONS = "/speechtotext/v3.2/transcriptions"
_SPEAKERS = re.compile(r"(\d+)(?:-(\d+))?")
Name = Annotated[str, typer.Argument(help="Name or id of the transcription.")]


Sources = Annotated[list[str] | None, typer.Argument(help="URLs of recordings, or files on this machine.")]
InContainer = Annotated[str | None, typer.Option(help="URL of a storage container with recordings.")]
OfDataset = Annotated[
    str | None, typer.Option("--dataset", "-d", help="Name or id of a dataset with recordings.")
]
WithModel = Annotated[
    str | None, typer.Option("--model", "-m", help="Name or id; else the newest base model.")
]
Words = Annotated[bool, typer.Option("--words", help="Words with their times, as spoken.")]
DisplayWords = Annotated[bool, typer.Option("--display-words", help="Words with their times, as displayed.")]
Speakers = Annotated[str | None, typer.Option(help="Tell speakers apart: how many at most, or such as 2-5.")]
Languages = Annotated[
    str | None, typer.Option(help="Locales to choose from, between commas, the main one included.")
]
SingleLanguage = Annotated[
    bool, typer.Option("--single-language", help="The whole recording is in one of them.")
]
Channels = Annotated[str | None, typer.Option(help="Channels to hear, such as 0,1.")]
Punctuation = Annotated[str | None, typer.Option(help="None, Dictated, Automatic or DictatedAndAutomatic.")]
Profanity = Annotated[str | None, typer.Option(help="None, Removed, Tags or Masked.")]
KeepHours = Annotated[
    int | None, typer.Option(help="Hours from its end until it deletes itself; else it is kept.")
]
Destination = Annotated[str | None, typer.Option(help="URL of a container that gets the results too.")]


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    sources: Sources = None,
    container: InContainer = None,
    dataset: OfDataset = None,
    model: WithModel = None,
    words: Words = False,
    display_words: DisplayWords = False,
    speakers: Speakers = None,
    languages: Languages = None,
    single_language: SingleLanguage = False,
    channels: Channels = None,
    punctuation: Punctuation = None,
    profanity: Profanity = None,
    phrase: Phrases = None,
    phrase_file: PhraseFile = None,
    keep_hours: KeepHours = None,
    destination: Destination = None,
    project: InProject = None,
    locale: InLocale = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Transcribe recordings: URLs, files, a container or a dataset."""
    from tympan.cli.recordings import place_of, tidy

    phrases = phrases_of(phrase, phrase_file)
    client = connect(context)
    shelf = project_of(client, project)
    place = locale_of(locale, shelf)
    properties = {
        "wordLevelTimestampsEnabled": words,
        "displayFormWordLevelTimestampsEnabled": display_words,
        "channels": _channels(channels),
        "punctuationMode": punctuation,
        "profanityFilterMode": profanity,
        "timeToLive": None if keep_hours is None else f"PT{keep_hours}H",
        "destinationContainerUrl": destination,
        **({"phraseList": {"phrases": phrases}} if phrases else {}),
        **_speakers(speakers),
        **_languages(languages, is_single=single_language),
    }
    body = members(name, place, shelf) | {"properties": properties}
    if model is not None:
        body["model"] = {"self": find_model(client, model, locale=place, project=shelf).text("self")}
    held = find(client, "datasets", dataset, shelf) if dataset is not None else None
    recordings = place_of(
        client, name, place, sources or [], container=container, dataset=held, is_quiet=as_json
    )
    made = _made(client, body | dict(recordings.members), wait=wait, is_quiet=as_json)
    if wait:
        tidy(client, recordings)
    _show(made, as_json=as_json)


def _made(client: Client, body: dict[str, object], *, wait: bool, is_quiet: bool) -> Answer:
    from tympan.cli.waiting import finished

    transcription = client.post(TRANSCRIPTIONS, body)
    return finished(client, transcription, is_quiet=is_quiet) if wait else transcription


def _speakers(text: str | None) -> dict[str, object]:
    if text is None:
        return {}
    match = _SPEAKERS.fullmatch(text.strip())
    if match is None:
        raise InvalidInputError("--speakers takes a number such as 4, or a range such as 2-5.")
    first, last = match.groups()
    hint = {"maxCount": int(first)} if last is None else {"minCount": int(first), "maxCount": int(last)}
    return {"diarizationEnabled": True, "diarization": {"speakers": hint}}


def _languages(text: str | None, *, is_single: bool) -> dict[str, object]:
    if text is None:
        if is_single:
            raise InvalidInputError("--single-language needs --languages, such as en-US,de-DE.")
        return {}
    locales = [one.strip() for one in text.split(",") if one.strip()]
    mode = "Single" if is_single else "Continuous"
    return {"languageIdentification": {"candidateLocales": locales, "mode": mode}}


def _channels(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(one) for one in text.split(",")]
    except ValueError as error:
        raise InvalidInputError("--channels takes numbers between commas, such as 0,1.") from error


@app.command("list")
def list_transcriptions(context: typer.Context, project: InProject = None, as_json: Json = False) -> None:
    """Show the transcriptions."""
    client = connect(context)
    shelf = project_of(client, project)
    within = "" if shelf is None else f"/projects/{shelf.id}"
    found = list(client.pages(f"/speechtotext/v3.2{within}/transcriptions"))
    if as_json:
        show_json([transcription.value for transcription in found])
        return
    columns = ("Name", "Locale", "Status", "Done", "Failed", "Audio", "Created", "Id")
    numbers = ("Done", "Failed")
    optional = ("Created", "Locale", "Audio", "Failed")
    show_table("Transcriptions", columns, map(_row, found), numbers=numbers, optional=optional)


def _row(transcription: Answer) -> tuple[Cell, ...]:
    return (
        transcription.name,
        transcription.text("locale"),
        status_text(transcription.status),
        *(str(transcription.count(f"tympan/recordings/{one}")) for one in ("succeeded", "failed")),
        transcription.text("properties/duration").removeprefix("PT").lower(),
        moment(transcription.text("createdDateTime")),
        transcription.id,
    )


@app.command("show")
def show(context: typer.Context, name: Name, project: InProject = None, as_json: Json = False) -> None:
    """Show one transcription."""
    client = connect(context)
    _show(find(client, "transcriptions", name, project_of(client, project)), as_json=as_json)


def _show(transcription: Answer, *, as_json: bool) -> None:
    if as_json:
        show_json(transcription.value)
        return
    columns = ("Name", "Locale", "Status", "Done", "Failed", "Audio", "Created", "Id")
    show_members(
        [
            *zip(columns, _row(transcription), strict=True),
            ("Expires", moment(transcription.text("tympan/expiresDateTime"))),
            ("Error", failure_text(transcription)),
            *(("Note", warning) for warning in transcription.texts("tympan/warnings")),
        ]
    )


@app.command("files")
def files(context: typer.Context, name: Name, project: InProject = None, as_json: Json = False) -> None:
    """Show the result files of a transcription, its report and its subtitles."""
    from tympan.cli.recordings import listed_files

    client = connect(context)
    transcription = find(client, "transcriptions", name, project_of(client, project))
    found = listed_files(client, transcription)
    if as_json:
        show_json([file.value for file in found])
        return
    rows = [(file.name_of_file, file.kind, str(file.size_bytes)) for file in found]
    show_table(f"Files of {transcription.name}", ("Name", "Kind", "Bytes"), rows, numbers=("Bytes",))


@app.command("download")
def download(
    context: typer.Context,
    name: Name,
    form: Annotated[str, typer.Option("--format", "-f", help="json, srt, vtt or text.")] = "json",
    folder: Annotated[Path, typer.Option("--to", help="Folder that gets the files.")] = Path(),
    project: InProject = None,
) -> None:
    """Save what was heard, a file for each recording."""
    from tympan.cli.recordings import FORMATS, save

    if form not in FORMATS:
        raise InvalidInputError(f"There is no format '{form}'. Use one of: {', '.join(FORMATS)}.")
    client = connect(context)
    transcription = find(client, "transcriptions", name, project_of(client, project))
    saved = save(client, transcription, form, folder)
    say(f"{saved} files are in {folder.resolve()}.")


@app.command("delete")
def delete(context: typer.Context, name: Name, project: InProject = None) -> None:
    """Delete a transcription and its results."""
    client = connect(context)
    transcription = find(client, "transcriptions", name, project_of(client, project))
    client.delete(f"{TRANSCRIPTIONS}/{transcription.id}")
    say(f"Transcription '{transcription.name}' is deleted.")
