"""Recordings on their way to a transcription, and its files on their way back."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tympan.cli.datasets import uploaded
from tympan.cli.documents import Answer
from tympan.cli.waiting import finished, path_of
from tympan.domain.errors import InvalidInputError, InvalidStateError
from tympan.wire.addresses import OURS

if TYPE_CHECKING:
    from tympan.cli.client import Client

FORMATS = ("json", "srt", "vtt", "text")
"""What results can be saved as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """Where the recordings of a transcription are.

    Attributes:
        members: What its request says.
        uploaded: The dataset that was made for it from files; it is deleted when they are heard.
    """

    members: Mapping[str, object]
    uploaded: Answer | None = field(default=None)


class File(Answer):
    """A file of a transcription."""

    __slots__ = ()

    @property
    def name_of_file(self) -> str:
        """Its name."""
        return self.text("name")

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.text("kind")

    @property
    def size_bytes(self) -> int:
        """Its length."""
        return self.count("properties/size")


def place_of(
    client: Client,
    name: str,
    locale: str,
    sources: Sequence[str],
    *,
    container: str | None,
    dataset: Answer | None,
    is_quiet: bool,
) -> Recordings:
    """Where the recordings are; files on this machine are uploaded first.

    Raises:
        InvalidInputError: They are named in none or several ways, or a file does not exist.
        EngineError: None of the files could be read.
    """
    if [bool(sources), container is not None, dataset is not None].count(True) != 1:
        raise InvalidInputError("Name recordings in one way: URLs, files, --container or --dataset.")
    if container is not None:
        return Recordings(members={"contentContainerUrl": container})
    if dataset is not None:
        return Recordings(members={"dataset": {"self": dataset.text("self")}})
    remote = [source for source in sources if source.lower().startswith(("http://", "https://"))]
    if len(remote) == len(sources):
        return Recordings(members={"contentUrls": list(sources)})
    if remote:
        raise InvalidInputError("Name either URLs or files; a transcription takes one of them.")
    held = _upload(client, name, locale, [Path(source) for source in sources], is_quiet=is_quiet)
    return Recordings(members={"dataset": {"self": held.text("self")}}, uploaded=held)


def tidy(client: Client, recordings: Recordings) -> None:
    """Delete the dataset that was made only for a transcription."""
    if recordings.uploaded is not None:
        client.delete(path_of(recordings.uploaded.text("self")))


def _upload(client: Client, name: str, locale: str, files: Sequence[Path], *, is_quiet: bool) -> Answer:
    from tympan.cli.client import existing_file

    names = [existing_file(file).name for file in files]
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise InvalidInputError(f"Two of the files are called {', '.join(twice)}. Rename one of them.")
    fields: dict[str, object] = {
        "displayName": f"{name} (recordings)",
        "kind": "AudioFiles",
        "locale": locale,
    }
    with tempfile.TemporaryDirectory(prefix="tympan-") as folder:
        whole = files[0]
        if len(files) > 1:
            whole = Path(folder) / "recordings.zip"
            with zipfile.ZipFile(whole, "w") as archive:  # not compressed: audio is already
                for file in files:
                    archive.write(file, file.name)
        made = uploaded(client, fields, whole, is_quiet=is_quiet)
    return finished(client, made, is_quiet=is_quiet)


def listed_files(client: Client, transcription: Answer) -> list[File]:
    """Result files and report, then subtitles."""
    published = client.pages(path_of(transcription.text("links/files")))
    subtitles = client.pages(f"{OURS}/transcriptions/{transcription.id}/subtitles")
    return [File(file.value) for file in (*published, *subtitles)]


def save(client: Client, transcription: Answer, form: str, folder: Path) -> int:
    """Save a file for each recording; returns how many there are.

    Raises:
        InvalidStateError: There are none yet.
    """
    ending = "json" if form == "text" else form
    wanted = [
        file
        for file in listed_files(client, transcription)
        if file.name_of_file.endswith(f".{ending}") and (form == "json" or file.kind != "TranscriptionReport")
    ]
    if not wanted:
        raise InvalidStateError(
            f"Transcription '{transcription.name}' is {transcription.status} and has no such files."
        )
    root = folder.resolve()
    for file in wanted:
        name = file.name_of_file if form != "text" else f"{file.name_of_file.removesuffix('.json')}.txt"
        place = (root / name).resolve()
        if root not in place.parents:  # a blob may be called "../x"
            raise InvalidInputError(f"The file {name} would lie outside {folder}. It was not saved.")
        place.parent.mkdir(parents=True, exist_ok=True)
        content = client.linked(file.text("links/contentUrl"))
        place.write_bytes(_text_of(content) if form == "text" else content)
    return len(wanted)


def _text_of(result: bytes) -> bytes:
    """What was said, a line for each phrase; who said it where that is known."""
    lines = []
    for phrase in Answer(json.loads(result)).parts("recognizedPhrases"):
        best = next(phrase.parts("nBest"), Answer({}))
        speaker = phrase.number("speaker")
        who = "" if speaker is None else f"Speaker {int(speaker)}: "
        lines.append(f"{who}{best.text('display')}\n")
    return "".join(lines).encode()
