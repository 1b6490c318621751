"""``--phrase`` and ``--phrase-file``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tympan.domain.errors import InvalidInputError
from tympan.domain.phrase_list import checked_phrase_list

Phrases = Annotated[list[str] | None, typer.Option("--phrase", help="Words to favour; may be repeated.")]
PhraseFile = Annotated[
    Path | None, typer.Option("--phrase-file", help="A text file with phrases to favour, one a line.")
]


def phrases_of(phrases: Sequence[str] | None, file: Path | None) -> tuple[str, ...]:
    """All that are to be favoured, held to the limits before anything is sent.

    Raises:
        InvalidInputError: The file does not exist or is no text, or a phrase breaks a rule.
    """
    from tympan.cli.client import existing_file

    listed = list(phrases or ())
    if file is not None:
        try:
            listed += existing_file(file).read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise InvalidInputError(
                f"{file} is not UTF-8 text: {error.reason} at byte {error.start}. Save it as UTF-8.",
                target="--phrase-file",
            ) from error
    target = "--phrase" if file is None else "--phrase-file"
    return checked_phrase_list(listed, target=target).phrases
