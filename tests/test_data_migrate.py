"""Migrations are whole or not at all, a newer database is left alone, and what must not change cannot be changed by anybody."""

import multiprocessing
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.exc import DatabaseError, IntegrityError

from data import config, migrate, store
from data.errors import Misuse
from data.migrations.search import is_declared
from data.tables import IMMUTABLE, KEPT_IN_PART, metadata
from data.tables.base import Utc
from data.values import new_id, now
from tests.conftest import SOAK, database_of, let_go, point_at

KILLS = 60 if SOAK else 4
fork = multiprocessing.get_context("forkserver")
fork.set_forkserver_preload(["data.backups", "tests.test_data_migrate", "tests.faults.test_store"])  # of all tests that kill


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Makes an empty database, again and again, and points the portal at it."""
    name = f"empty{abs(hash(str(tmp_path))):x}"
    url = database_of(request.getfixturevalue("postgres"), name) if request.param == "postgres" else ""
    if url:
        with psycopg.connect(request.getfixturevalue("postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")

    def fresh() -> str:
        let_go()
        home = tmp_path / new_id()
        home.mkdir()
        if url:
            with psycopg.connect(url) as connection:
                connection.execute("DROP SCHEMA public CASCADE")
                connection.execute("CREATE SCHEMA public")
        point_at(home, url, monkeypatch)
        return url

    yield fresh
    let_go()


def tables() -> set[str]:
    """Without the full-text index's own."""
    return {name for name in inspect(store.engine()).get_table_names() if not name.startswith("conversation_search")}


def complete() -> set[str]:
    return {*metadata.tables, "alembic_version"}


def at_statement(engine: Engine, number: int) -> None:
    """Pull the plug in front of the given statement."""
    told = 0

    @event.listens_for(engine, "before_cursor_execute")
    def count(*_: Any) -> None:
        nonlocal told
        told += 1
        if told == number:
            os.kill(os.getpid(), signal.SIGKILL)


def upgrade_and_die(home: str, url: str, number: int, careless: bool = False) -> None:
    os.environ |= {"PORTAL_HOME": home, "PORTAL_DATABASE_URL": url}
    config.reset()
    if careless:
        upgrade_carelessly(number)
    at_statement(store.engine(), number)
    migrate.upgrade()


def upgrade_carelessly(number: int) -> None:
    """As it would be with the engine's defaults: the driver commits before each change of a table."""
    settings = {"isolation_level": "AUTOCOMMIT"}
    url = config.settings().url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url) if config.settings().is_sqlite else create_engine(url, **settings)
    at_statement(engine, number)
    with engine.begin() as connection:
        command.upgrade(migrate._config(connection), "head")


def killed(home: Path, url: str, number: int, careless: bool = False) -> bool:
    child = fork.Process(target=upgrade_and_die, args=(str(home), url, number, careless))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def home() -> Path:
    return config.settings().home


def test_a_migration_that_is_killed_leaves_nothing_and_the_next_completes_it(empty: Callable[[], str]) -> None:
    empty()
    last = statements(migrate.upgrade)
    halves = []
    for number in [1, last, *random.Random().sample(range(2, last), KILLS - 2)]:
        url = empty()
        assert killed(home(), url, number)
        if tables() not in (set(), complete()):
            halves.append(number)
        migrate.upgrade()
        assert tables() == complete(), f"killed at statement {number} of {last}"
        assert not store.needs_migration()
    assert halves == []


FIRST = "0001_skeleton"
ROWS = 200 if SOAK else 5


def fill() -> None:
    """Rows in every table of the first version, each beside the rows of the same number."""
    old = MetaData()
    old.reflect(store.engine(), only=lambda name, _: name != "alembic_version")
    with unchecked() as connection:
        for table in old.tables.values():
            rows = [{column.name: old_value(column, number) for column in table.columns} for number in range(ROWS)]
            connection.execute(table.insert(), rows)


def old_value(column: Column[Any], number: int) -> Any:
    made = {datetime: now(), bool: False, int: number, float: number / 2, dict: {"n": number}}
    if column.foreign_keys and column.name != "prediction_id":
        points_at = next(iter(column.foreign_keys)).column
        another = column.name in ("approver_id", "deputy_id")
        return f"id {(number + another) % ROWS}" if points_at.name == "id" else old_value(points_at, number)
    return None if column.name == "prediction_id" else made.get(column.type.python_type, f"{column.name} {number}")


def old_rows() -> dict[str, list[str]]:
    """Every row, as far as the first version has its columns and the code still knows them."""
    kept = {name: sorted(columns & {*metadata.tables[name].columns.keys()}) for name, columns in FIRST_COLUMNS.items()}
    with store.engine().connect() as connection:
        ask = {name: ", ".join(f'"{column}"' for column in columns) for name, columns in kept.items()}
        return {name: sorted(map(repr, connection.execute(text(f'SELECT {asked} FROM "{name}"')))) for name, asked in ask.items()}


FIRST_COLUMNS: dict[str, set[str]] = {}


def shape() -> dict[str, set[str]]:
    look = inspect(store.engine())
    return {name: {column["name"] for column in look.get_columns(name)} for name in look.get_table_names() if name != "alembic_version"}


def test_a_filled_database_of_the_first_version_is_all_old_or_all_new_after_a_kill(empty: Callable[[], str]) -> None:
    empty()
    migrate.upgrade(FIRST)
    last, old = statements(migrate.upgrade), 0
    new_shape, numbers = shape(), random.Random()
    for _ in range(KILLS):
        url = empty()
        migrate.upgrade(FIRST)
        fill()
        FIRST_COLUMNS.clear()
        FIRST_COLUMNS.update(shape())
        before = old_rows()
        number = numbers.randrange(1, last + 1)
        store.close()
        assert killed(home(), url, number)
        assert shape() in (FIRST_COLUMNS, new_shape), f"killed at statement {number} of {last}"
        assert old_rows() == before
        old += store.needs_migration()
        migrate.upgrade()
        assert (shape(), old_rows()) == (new_shape, before)
        assert all(len(rows) == ROWS for rows in before.values())
    assert old > 0


def statements(act: Callable[[], None]) -> int:
    told = []
    event.listen(store.engine(), "before_cursor_execute", lambda *_: told.append(1))
    act()
    return len(told)


def test_without_one_transaction_a_killed_migration_leaves_a_half(empty: Callable[[], str]) -> None:
    """The control: the engine's defaults on SQLite, and a commit after each statement on PostgreSQL."""
    url = empty()
    assert killed(home(), url, 40, careless=True)
    assert 0 < len(tables()) < len(complete())


def test_two_who_migrate_at_once_migrate_once(empty: Callable[[], str]) -> None:
    url = empty()
    two = [fork.Process(target=upgrade_and_die, args=(str(home()), url, 0)) for _ in range(2)]
    for child in two:
        child.start()
    for child in two:
        child.join()
    assert [child.exitcode for child in two] == [0, 0]
    assert tables() == complete()


def test_migrating_again_changes_nothing(empty: Callable[[], str]) -> None:
    empty()
    migrate.upgrade()
    before = everything()
    migrate.upgrade()
    assert everything() == before


def test_a_database_newer_than_the_code_is_refused_by_name_and_left_as_it_is(empty: Callable[[], str]) -> None:
    empty()
    migrate.upgrade()
    with store.engine().execution_options(writes=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_from_next_year'"))
        connection.execute(text("CREATE TABLE from_next_year (id integer)"))
    before = everything()
    for refused in (migrate.upgrade, store.needs_migration):
        with pytest.raises(Misuse, match=r"newer than this code: it is at '9999_from_next_year', this code knows up to '\d{4}_\w+'"):
            refused()
    assert everything() == before


def everything() -> list[Any]:
    """Every table, trigger and index, and where the history stands."""
    schema = (
        "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
        if store.is_sqlite()
        else "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    with store.engine().connect() as connection:
        return [*connection.execute(text(schema)).all(), *connection.execute(text("SELECT version_num FROM alembic_version")).all()]


COMPARED = {"compare_type": True, "include_object": is_declared}


def test_the_migrated_tables_are_those_of_the_code(home: Path) -> None:
    with store.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, metadata) == []


def test_a_column_that_no_migration_made_would_be_noticed(home: Path) -> None:
    """The control of the comparison, which also sees a missing index."""
    with store.engine().execution_options(writes=True).begin() as connection:
        connection.execute(text("ALTER TABLE team ADD COLUMN motto text"))
        connection.execute(text("DROP INDEX one_live_release"))
    with store.engine().connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts=COMPARED), metadata)
    assert sorted(change[0] for change in found) == ["add_index", "remove_column"]


def test_each_migration_follows_the_one_before() -> None:
    assert store.revisions()[0].startswith("0001_")
    assert [int(name[:4]) for name in store.revisions()] == list(range(1, len(store.revisions()) + 1))


# What must never change.


@pytest.fixture
def filled(home: Path) -> Path:
    """One row in every table; what it refers to does not matter here."""
    with unchecked() as connection:
        for table in metadata.tables.values():
            connection.execute(table.insert(), {column.name: value_for(column) for column in table.columns})
    return home


@contextmanager
def unchecked() -> Iterator[Connection]:
    """A connection that takes rows whose references lead nowhere."""
    with store.engine().connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        off, on = ("replica", "origin") if not store.is_sqlite() else ("OFF", "ON")
        setting = "PRAGMA foreign_keys" if store.is_sqlite() else "SET session_replication_role"
        driver.execute(f"{setting} = {off}")
        driver.commit()
        yield connection
        connection.commit()
        driver.execute(f"{setting} = {on}")
        driver.commit()


def value_for(column: Column[Any]) -> Any:
    if isinstance(column.type, Utc):
        return now()
    if isinstance(column.type, Date):
        return now().date()
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, LargeBinary):
        return b"x"
    if isinstance(column.type, Integer | Float):
        return 1
    if column.table.name == "score" and column.name in ("prediction_id", "message_id", "trace_id"):
        return None  # a score is of one thing
    if column.name in ("approver_id", "proposer_id", "deputy_id"):
        return column.name
    return "x" if hasattr(column.type, "length") else {"x": 1}


def refused(statement: str) -> bool:
    """Whether the database refuses it, for the reason that the row never changes."""
    try:
        with store.engine().execution_options(writes=True).begin() as connection:
            connection.execute(text(statement))
    except DatabaseError as error:
        return "rows never change" in str(error.orig)
    return False


def count(table: Table) -> int:
    with store.engine().connect() as connection:
        return int(connection.execute(text(f'SELECT count(*) FROM "{table.name}"')).scalar_one())


def test_rows_that_must_not_change_can_be_neither_changed_nor_deleted(filled: Path) -> None:
    for noun in IMMUTABLE:
        table = noun.__table__  # type: ignore[attr-defined]
        assert count(table) == 1
        assert refused(f"UPDATE \"{table.name}\" SET by_person_id = 'somebody else'"), table.name
        assert refused(f'DELETE FROM "{table.name}"'), table.name
        assert refused(f'UPDATE "{table.name}" SET id = id'), table.name
        assert count(table) == 1


def test_rows_of_other_tables_can_be_changed(filled: Path) -> None:
    """The control: the same statement on a table that may change."""
    assert not refused("UPDATE label SET by_person_id = 'somebody else'")
    with store.engine().connect() as connection:
        assert connection.execute(text("SELECT by_person_id FROM label")).scalar() == "somebody else"


def test_rows_that_must_not_change_cannot_be_replaced_or_emptied_out(filled: Path) -> None:
    """REPLACE deletes without asking the delete triggers of SQLite; TRUNCATE without asking the row triggers of PostgreSQL."""
    changed = []
    for noun in IMMUTABLE:
        table = noun.__table__  # type: ignore[attr-defined]
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        values = ", ".join("'replaced'" if column.name == "by_person_id" else f'"{column.name}"' for column in table.columns)
        replace = f'INSERT OR REPLACE INTO "{table.name}" ({columns}) SELECT {values} FROM "{table.name}"'
        if not refused(replace if store.is_sqlite() else f'TRUNCATE "{table.name}" CASCADE'):
            changed.append(table.name)
    assert changed == []


def test_every_immutable_noun_has_its_triggers_and_no_other_has(home: Path) -> None:
    query = (
        "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'due_%'"  # those only notice changes
        if store.is_sqlite()
        else "SELECT event_object_table FROM information_schema.triggers WHERE trigger_name NOT LIKE 'due_%'"
    )
    with store.engine().connect() as connection:
        kept = set(connection.execute(text(query)).scalars()) - {"conversation_words"}  # whose triggers keep the full-text index
        assert kept == {noun.__tablename__ for noun in (*IMMUTABLE, *KEPT_IN_PART)}


def test_a_score_is_of_exactly_one_thing(home: Path) -> None:
    table = metadata.tables["score"]
    row = {column.name: value_for(column) for column in table.columns}
    for told, fits in (
        ({"result_id": "r"}, True),
        ({"message_id": "m"}, True),
        ({"result_id": "r", "prediction_id": "p"}, False),
        ({}, False),
    ):
        of = dict.fromkeys(("result_id", "prediction_id", "message_id", "trace_id")) | told
        try:
            with unchecked() as connection:
                connection.execute(table.insert(), row | of | {"id": str(told)})
        except IntegrityError as error:
            assert "score_of_one_thing" in str(error.orig)
            assert not fits
        else:
            assert fits
