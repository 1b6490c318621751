"""Migrations, engines and what goes wrong with databases."""

import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from tympan.backends.sql import migrate as migrations
from tympan.backends.sql import rows
from tympan.backends.sql.engine import EngineOptions, begin_immediately, make_engine, parse_url
from tympan.backends.sql.migrate import check, downgrade, migrate
from tympan.backends.sql.store import SqlStore
from tympan.domain.catalogue import CATALOGUE
from tympan.domain.errors import InvalidInputError, StorageFullError, UnavailableError
from tympan.domain.query import Compare, Query
from tympan.testing.clock import START
from tympan.testing.entities import make_dataset, make_job

FAILING = '''"""A migration that fails half way."""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "HEAD"
branch_labels = depends_on = None


def upgrade():
    op.create_table("half", sa.Column("id", sa.Integer(), primary_key=True))
    with op.batch_alter_table("jobs") as batch:
        batch.add_column(sa.Column("half", sa.Integer()))
    raise ZeroDivisionError
'''
REBUILDING = '''"""A migration that rebuilds a table others point to."""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "HEAD"
branch_labels = depends_on = None


def upgrade():
    with op.batch_alter_table("jobs") as batch:
        batch.alter_column("kind", existing_type=sa.String(), nullable=True)
'''


def tables(url):
    engine = make_engine(url)
    names = set(sa.inspect(engine).get_table_names())
    engine.dispose()
    return names


def newest_script():
    """The number of the product's last migration."""
    return max(path.name[:4] for path in (migrations.SCRIPTS / "versions").glob("0*.py"))


def scripts_with(tmp_path, text):
    """A copy of the product's migrations with one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.SCRIPTS, folder)
    (folder / "versions" / "9999_more.py").write_text(text.replace("HEAD", newest_script()))
    return folder


def test_migrations_make_the_tables_the_product_expects_and_go_back(database_url):
    migrate(database_url)
    check(database_url)
    assert {"projects", "datasets", "jobs", "alembic_version"} <= tables(database_url)
    migrate(database_url)
    downgrade(database_url, "base")
    assert tables(database_url) == {"alembic_version"}
    migrate(database_url)
    check(database_url)


def test_a_migration_that_fails_half_way_leaves_nothing_behind(database_url, tmp_path):
    migrate(database_url)
    before = tables(database_url)
    with pytest.raises(ZeroDivisionError):
        migrate(database_url, scripts=scripts_with(tmp_path, FAILING))
    assert tables(database_url) == before
    check(database_url)


def test_rebuilding_a_table_keeps_the_rows_that_point_to_it(database_url, tmp_path):
    migrate(database_url)
    store, job = SqlStore(database_url), make_job()
    with store.write() as tx:
        tx.jobs.add(job)
        tx.jobs.finish_step(job.id, "prepare")
    store.close()
    migrate(database_url, scripts=scripts_with(tmp_path, REBUILDING))
    with store.read() as tx:
        assert list(tx.jobs.finished_steps(job.id)) == ["prepare"]
    store.close()


def test_processes_that_start_together_migrate_once(database_url):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [database_url] * 4))
    check(database_url)


def test_the_first_start_makes_the_data_folder(tmp_path):
    url = f"sqlite:///{tmp_path}/new/folder/app.db"
    migrate(url)
    store = SqlStore(url)
    store.ping()
    store.close()


def test_a_database_that_was_never_migrated_says_what_to_do(database_url):
    store = SqlStore(database_url)
    with pytest.raises(UnavailableError, match="tympan migrate"):
        store.ping()
    with store.read() as tx, pytest.raises(sa.exc.DBAPIError):
        tx.datasets.list()
    store.close()


def test_a_database_file_in_a_missing_folder_is_unavailable(tmp_path):
    store = SqlStore(f"sqlite:///{tmp_path}/no/such/folder/app.db")
    with pytest.raises(UnavailableError, match="unable to open database file"):
        store.ping()


def test_every_filterable_name_has_a_column_and_every_member_a_table():
    stored = [value for value in vars(rows).values() if isinstance(value, rows.RowMap)]
    assert {row_map.entity_type for row_map in stored} == set(CATALOGUE)
    for row_map in stored:
        assert set(row_map.kind.names) <= set(row_map.table.columns.keys())
        assert set(row_map.kind.members) == set(row_map.links)


def test_sqlite_engines_lock_at_once_log_ahead_and_check_keys(tmp_path):
    url = f"sqlite:///{tmp_path}/a.db"
    for options, synchronous in ((EngineOptions(), 1), (EngineOptions(is_durable=True), 2)):
        engine = make_engine(url, options)
        with engine.connect() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
            }
        engine.dispose()
        wanted = {"journal_mode": "wal", "busy_timeout": 30000, "foreign_keys": 1}
        assert pragmas == wanted | {"synchronous": synchronous}


def test_locking_at_once_can_be_switched_on_later(tmp_path):
    url = f"sqlite:///{tmp_path}/a.db"
    engine = make_engine(url, EngineOptions(begins_immediately=False))
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # as a foreign library does
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER)")
        connection.exec_driver_sql("COMMIT")
    begin_immediately(engine)
    begin_immediately(engine)
    with engine.begin():
        other = sqlite3.connect(tmp_path / "a.db", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    engine.dispose()


def test_a_read_only_engine_refuses_every_write(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/a.db", EngineOptions(is_read_only=True))
    with engine.begin() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.exec_driver_sql("CREATE TABLE t (n INTEGER)")
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d?sslmode=require"]
)
def test_postgres_urls_use_one_driver(url):
    assert parse_url(url).drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://u:secret@h/d"])
def test_urls_of_other_databases_are_refused_without_telling_their_password(url):
    with pytest.raises(InvalidInputError) as refused:
        make_engine(url)
    assert "secret" not in refused.value.message


def test_a_full_disk_is_reported_and_the_store_works_again_later(tmp_path):
    url = f"sqlite:///{tmp_path}/app.db"
    migrate(url)
    store = SqlStore(url, EngineOptions(pool_size=1, overflow=0))
    big, small = make_dataset(description="x" * 300_000), make_dataset()
    with store._writer.connect() as connection:  # the one connection of the pool
        (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 20}")
    with pytest.raises(StorageFullError, match="no room left"), store.write() as tx:
        tx.datasets.add(big)
    with store.write() as tx:
        tx.datasets.add(small)
    with store.read() as tx:
        assert [dataset.id for dataset in tx.datasets.list()] == [small.id]
    store.close()


@pytest.mark.postgres
def test_a_database_that_goes_away_is_unavailable_and_comes_back(postgres_server, migrated_template):
    store = SqlStore(postgres_server.new_database(migrated_template))
    store.ping()

    def write_while_it_stops():
        with store.write() as tx:
            tx.datasets.add(make_dataset())
            postgres_server.stop()
            tx.datasets.count()

    with pytest.raises(UnavailableError):
        write_while_it_stops()
    try:
        for _ in range(3):
            with pytest.raises(UnavailableError, match="cannot be used now"):
                store.ping()
    finally:
        postgres_server.start()
    with store.write() as tx:
        assert tx.datasets.count() == 0
        tx.datasets.add(make_dataset())
    store.close()


@pytest.mark.postgres
def test_reading_by_id_in_a_write_locks_that_row_and_no_other(postgres_server, migrated_template):
    store = SqlStore(postgres_server.new_database(migrated_template))
    one, other = make_dataset(), make_dataset()
    with store.write() as tx:
        tx.datasets.add(one)
        tx.datasets.add(other)
    passed = []

    def touch(dataset):
        with store.write() as tx:
            tx.datasets.get(dataset.id)
            passed.append(dataset.id)

    threads = [threading.Thread(target=touch, args=(dataset,)) for dataset in (one, other)]
    with store.write() as tx:
        tx.datasets.find(one.id)
        for thread in threads:
            thread.start()
        threads[1].join(10)
        assert passed == [other.id]
    threads[0].join(10)
    assert passed == [other.id, one.id]
    store.close()


@pytest.mark.parametrize(
    "where", [None, Compare("project_id", "eq", "p"), Compare("created_at", "ge", START)]
)
def test_a_deep_page_is_found_by_walking_an_index_without_reading_documents(tmp_path, where):
    url = f"sqlite:///{tmp_path}/app.db"
    migrate(url)
    store, sent = SqlStore(url), []
    sa.event.listen(
        store._reader, "before_cursor_execute", lambda _c, _k, sql, values, *_: sent.append((sql, values))
    )
    with store.read() as tx:
        tx.datasets.list(Query(skip=9_900, top=100, where=where))
    with store._reader.connect() as connection:
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sent[-1][0]}", sent[-1][1]).all()
    plan = " ".join(step.detail for step in steps)
    assert "datasets USING COVERING INDEX" in plan
    assert "SCAN datasets USING INDEX" not in plan
    assert plan.count("TEMP B-TREE") <= 1  # the page's own 100 rows
    store.close()
