"""A disk that fills up in the middle of something long: it is said in words, nothing half is left, and with room it goes on."""

import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from classifiers import training
from data import audit, backups, config, migrate, people, store
from data.errors import Misuse, Refused
from data.intake import files
from data.tables import Conversation, Person, Version
from language import tongue
from tests.conftest import Staff, hire
from tests.conversations import write_file
from tests.faults.test_store import begin, said_until_it_ended
from tests.test_classifiers_training import reviewed


def import_(home: Path, by: Person) -> str:
    return f"{files.import_file(home / 'export.jsonl', by=by)['conversations']} conversations"


class EnoughError(Exception):
    """The first step is what is looked at."""


def look_(home: Path, by: Person) -> str:
    def stop(_share: float, _doing: str) -> None:
        raise EnoughError

    files.STEP = 10
    try:
        files.look(home / "export.csv", by=by, progress=stop)
    except EnoughError:
        return "it is sorted"
    return "there was nothing"


def back_up(home: Path, by: Person) -> str:
    return f"{len(backups.make(by=by).manifest['rows'])} tables"


def train(home: Path, by: Person) -> str:
    return f"version {training.train(by=by).target_number}"


def bring_up(home: Path, by: Person) -> str:
    migrate.upgrade()
    return str(store.schema_revision())


def try_twice(told: Connection, act: Callable[[Path, Person], str], email: str, room: int, warm: bool = True) -> None:
    """Once with hardly any room, once with room, in the same process; says what came of each."""
    if warm:
        tongue.of("What needs room beside the database when it is first used is there.")
    home = config.settings().home
    by = (people.by_email(email) if email else None) or people.console()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        said = act(home, by)
    except (Refused, Misuse) as refused:
        said = f"refused: {refused}"
    except Exception as error:
        said = f"a fault: {error!r}"
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    told.send_bytes(said.encode())
    told.send_bytes(act(home, by).encode())


def twice(act: Callable[[Path, Person], str], by: str, room: int, *, warm: bool = True) -> tuple[str, str]:
    child, reader = begin(try_twice, act, by, room, warm)
    first, second = said_until_it_ended(reader)
    child.join()
    return first, second


def count(table: type) -> int:
    from sqlmodel import func, select

    with store.reading() as db:
        return db.exec(select(func.count()).select_from(table)).one()


def whole() -> bool:
    with store.engine().connect() as connection:
        return connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok" and audit.broken() is None


@pytest.fixture
def staff(sqlite_home: Path) -> Staff:
    return hire()


def test_an_import_stops_in_words_and_goes_on_where_it_stopped(staff: Staff, sqlite_home: Path) -> None:
    write_file(sqlite_home / "export.jsonl", count=1_500)
    first, second = twice(import_, staff.engineer.email, (sqlite_home / "portal.db").stat().st_size + 400_000)
    assert first.startswith("refused: Nothing was saved: the disk ")
    assert second == "1500 conversations" and count(Conversation) == 1_500 and whole()


def test_an_import_that_finds_no_room_beside_the_database_says_so_and_goes_on(staff: Staff, sqlite_home: Path) -> None:
    """The first text of a process has a language model unpacked."""
    write_file(sqlite_home / "export.jsonl", count=20)
    first, second = twice(import_, staff.engineer.email, (sqlite_home / "portal.db").stat().st_size + 400_000, warm=False)
    assert first.startswith("refused: Nothing more was read: file too large."), first
    assert second == "20 conversations" and count(Conversation) == 20 and whole()


def test_a_large_export_that_finds_no_room_to_be_sorted_in_says_so(staff: Staff, sqlite_home: Path) -> None:
    rows = "".join(f"{number},customer,{'word ' * 300}\n" for number in range(20_000))
    (sqlite_home / "export.csv").write_text("ticket_id,sender,message\n" + rows)
    first, second = twice(look_, staff.engineer.email, (sqlite_home / "portal.db").stat().st_size + 400_000)
    assert first.startswith("refused: Nothing more was read: "), first
    assert second == "it is sorted" and list(config.folder("uploads").iterdir()) == []


def test_a_backup_leaves_nothing_half(staff: Staff, sqlite_home: Path) -> None:
    first, second = twice(back_up, staff.engineer.email, (sqlite_home / "portal.db").stat().st_size // 2)
    assert first.startswith("refused: No backup was made"), first
    assert second.endswith("tables") and whole()
    kept = [path.name for path in config.folder("backups").iterdir()]
    assert len(kept) == 1 and backups.read_manifest(config.folder("backups") / kept[0])


def test_a_model_that_has_no_room_is_no_version(staff: Staff, sqlite_home: Path) -> None:
    reviewed(staff, range(1, 61))
    store.close()
    first, second = twice(train, staff.engineer.email, 5_000)
    assert first.startswith("refused: Not kept: the model cannot be written"), first
    assert second == "version 1" and count(Version) == 1 and len(list(config.folder("models").iterdir())) == 1 and whole()


def test_a_migration_changes_nothing(sqlite_home: Path) -> None:
    store.close()
    (sqlite_home / "portal.db").unlink()
    store.close()
    migrate.upgrade("0001_skeleton")
    store.close()
    first, second = twice(bring_up, "", (sqlite_home / "portal.db").stat().st_size // 2)
    assert first.startswith("refused: The database was not changed"), first
    assert second == store.revisions()[-1] and not store.needs_migration()


def write_in_place(home: Path, by: Person) -> str:
    (home / "careless").write_bytes(b"x" * 60_000)
    return "written"


def test_what_is_written_in_place_stays_half(staff: Staff, sqlite_home: Path) -> None:
    """The control: without a name of its own until it is whole, half a file is left under the name that others read."""
    reader = begin(try_once, write_in_place, 20_000)[1]
    assert said_until_it_ended(reader)[0].startswith("a fault: OSError")
    assert (sqlite_home / "careless").stat().st_size == 20_000


def try_once(told: Connection, act: Callable[[Path, Person], str], room: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        said = act(config.settings().home, people.console())
    except OSError as error:
        said = f"a fault: OSError {error}"
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    told.send_bytes(said.encode())
