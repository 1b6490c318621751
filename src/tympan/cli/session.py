"""Finding the server and its key, and naming things."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tympan.cli.documents import Answer
from tympan.domain.errors import InvalidInputError, NotAuthenticatedError, NotFoundError, UnavailableError
from tympan.wire.addresses import is_id

if TYPE_CHECKING:
    from tympan.app.settings import Settings
    from tympan.cli.client import Client

_MANY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What stands before the command: where the server is."""

    server: str | None = None
    key: str | None = None
    data_dir: Path | None = None


Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of tables.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the work has ended.")]
InProject = Annotated[str | None, typer.Option("--project", "-p", help="Name or id of the project.")]
InLocale = Annotated[str | None, typer.Option("--locale", "-l", help="Locale, such as en-US.")]


def settings_of(options: Options) -> Settings:
    """The settings, with the data folder of the command line."""
    from tympan.app.settings import Settings

    return Settings() if options.data_dir is None else Settings(data_dir=options.data_dir)


def connect(context: typer.Context) -> Client:
    """A client of the server that the options, the settings or the data folder name.

    Raises:
        UnavailableError: No server runs on the data folder.
        NotAuthenticatedError: There is no key.
    """
    from tympan.cli.client import Client

    options = context.obj if isinstance(context.obj, Options) else Options()
    settings = settings_of(options)
    url = options.server or settings.server_url or _local_url(settings)
    key = options.key or (settings.key.get_secret_value() if settings.key else None) or _local_key(settings)
    client = Client(url, key)
    context.call_on_close(client.close)
    return client


def _local_url(settings: Settings) -> str:
    try:
        return str(json.loads(settings.server_file.read_text("utf-8"))["url"])
    except (OSError, ValueError, KeyError) as error:
        raise UnavailableError(
            f"No server runs on the data folder {settings.data_dir}. Start one with `tympan serve`, "
            "or name another with --server or --data-dir."
        ) from error


def _local_key(settings: Settings) -> str:
    try:
        keys = json.loads(settings.keys_file.read_text("utf-8"))
        return str(next(iter(keys.values())))
    except (OSError, ValueError, AttributeError, StopIteration) as error:
        raise NotAuthenticatedError(
            f"There is no key in {settings.keys_file}. Give one with --key or TYMPAN_KEY."
        ) from error


def project_of(client: Client, name: str | None) -> Answer | None:
    """The project a command is about, if it names one."""
    return None if name is None else find(client, "projects", name)


def find(client: Client, collection: str, name: str, project: Answer | None = None) -> Answer:
    """The entity of a name or an id.

    Raises:
        NotFoundError: There is none; the message lists what there is.
        InvalidInputError: Several have this name.
    """
    from tympan.cli.client import management

    if is_id(name):
        return client.get(management(collection, name))
    within = management(collection) if project is None else management("projects", project.id, collection)
    found = list(client.pages(within, filter=f"displayName eq '{name.replace(chr(39), chr(39) * 2)}'"))
    return only(found, collection, name, lambda: client.pages(within, top="5"))


def find_model(client: Client, name: str, *, locale: str, project: Answer | None = None) -> Answer:
    """A custom or base model: its name, its id, or ``base`` for the newest of the locale."""
    from tympan.cli.client import management, ours

    if name.lower() == "base":
        return client.get(ours("base-models:newest"), locale=locale)
    if is_id(name):
        try:
            return client.get(management("models", name))
        except NotFoundError:
            return client.get(management("models", "base", name))
    wanted = f"displayName eq '{name.replace(chr(39), chr(39) * 2)}'"
    within = management("models") if project is None else management("projects", project.id, "models")
    custom = list(client.pages(within, filter=wanted))
    base = list(client.pages(management("models", "base"), filter=f"{wanted} and locale eq '{locale}'"))
    return only([*custom, *base], "models", name, lambda: client.pages(within, top="5"))


def only(found: list[Answer], collection: str, name: str, others: object) -> Answer:
    """The one entity that was found.

    Raises:
        NotFoundError: There is none.
        InvalidInputError: There are several.
    """
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(answer.id for answer in found[:_MANY])
        raise InvalidInputError(
            f"{len(found)} {collection} are called '{name}'. Name one by its id: {ids}. "
            "Or narrow it with --project."
        )
    known: Iterable[Answer] = others() if callable(others) else ()
    names = [f"'{answer.name}'" for answer, _ in zip(known, range(_MANY), strict=False)]
    there = f"There are {', '.join(names)}." if names else f"There are no {collection} yet."
    raise NotFoundError(f"There is nothing called '{name}' among the {collection}. {there}")


def locale_of(locale: str | None, project: Answer | None) -> str:
    """The locale of a new entity: said, the project's, or en-US."""
    return locale or (project.text("locale") if project is not None else "") or "en-US"


def members(display_name: str, locale: str, project: Answer | None) -> dict[str, object]:
    """What every new entity says."""
    body: dict[str, object] = {"displayName": display_name, "locale": locale}
    return body if project is None else body | {"project": {"self": project.text("self")}}
