"""Bringing the databases to the form this release needs."""

from tympan.app.settings import Settings
from tympan.backends.jobs_dbos import migrate_engine
from tympan.backends.sql import migrate as sql


def migrate(settings: Settings) -> None:
    """Create or upgrade the tables of resources and of the job engine; twice is harmless.

    Raises:
        ServiceError: A database cannot be reached or used.
    """
    sql.migrate(settings.sql_url)
    migrate_engine(settings.jobs_sql_url)
