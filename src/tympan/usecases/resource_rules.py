"""Rules that every resource's create and update share."""

import re
from collections.abc import Mapping

from tympan.domain.errors import InvalidInputError, LocaleMismatchError
from tympan.ports.store import Transaction

_LOCALE = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?", re.IGNORECASE)
MOST_PROPERTIES = 10
PROPERTY_KEY_CHARACTERS = 64
PROPERTY_VALUE_CHARACTERS = 256


def canonical_locale(locale: str) -> str:
    """A BCP-47 tag in canonical case.

    >>> canonical_locale("EN-us"), canonical_locale("zh-hans-cn")
    ('en-US', 'zh-Hans-CN')

    Raises:
        InvalidInputError: It is not a language with optional script and region.
    """
    match = _LOCALE.fullmatch(locale.strip())
    if match is None:
        raise InvalidInputError(
            f"'{locale}' is not a locale. Give a language and region such as en-US.",
            code="InvalidLocale",
            target="locale",
        )
    language, script, region = match.groups()
    parts = [language.lower(), script and script.title(), region and region.upper()]
    return "-".join(part for part in parts if part)


def checked_name(display_name: str) -> str:
    """The name, trimmed.

    Raises:
        InvalidInputError: It is empty.
    """
    if not display_name.strip():
        raise InvalidInputError("displayName must not be empty.", target="displayName")
    return display_name.strip()


def checked_properties(properties: Mapping[str, str]) -> Mapping[str, str]:
    """The custom properties.

    Raises:
        InvalidInputError: More than 10 of them, or a key or value is too long.
    """
    if len(properties) > MOST_PROPERTIES:
        raise InvalidInputError(
            f"customProperties has {len(properties)} entries; at most {MOST_PROPERTIES} are kept.",
            target="customProperties",
        )
    for key, value in properties.items():
        if len(key) > PROPERTY_KEY_CHARACTERS or len(value) > PROPERTY_VALUE_CHARACTERS:
            raise InvalidInputError(
                f"customProperties entry '{key[:PROPERTY_KEY_CHARACTERS]}' is too long: keys have at most "
                f"{PROPERTY_KEY_CHARACTERS} characters, values at most {PROPERTY_VALUE_CHARACTERS}.",
                target="customProperties",
            )
    return dict(properties)


def check_project(tx: Transaction, project_id: str | None, locale: str) -> None:
    """Make sure that a project exists and has the same locale.

    Raises:
        InvalidInputError: The project is unknown (code ``InvalidProject``).
        LocaleMismatchError: Its locale differs.
    """
    if project_id is None:
        return
    project = tx.projects.find(project_id)
    if project is None:
        raise InvalidInputError(
            "The value of project.Self does not reference an entity. List the projects to find its id.",
            code="InvalidProject",
            target="project",
        )
    check_same_locale("project", project.locale, locale)


def check_same_locale(what: str, locale: str, wanted: str) -> None:
    """Make sure that two resources have the same locale.

    Raises:
        LocaleMismatchError: They differ.
    """
    if locale != wanted:
        raise LocaleMismatchError(
            f"The locale of the {what} is {locale}, but {wanted} was asked for. They must be equal.",
            target=what,
        )
