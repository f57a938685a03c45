"""Files that somebody brings: their names are labels, they wait for a word and not for long, and nobody else touches them."""

import json
import os
import resource
import signal
import threading
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import col, func, select

from data import config, people, store, tasks
from data.errors import Denied, Refused
from data.intake import files, offers
from data.intake.reading import Mapping
from data.tables import Conversation, ImportBatch, Message, Person
from data.values import now
from tests.conftest import Staff
from tests.conversations import one
from tests.faults.test_store import begin, said_until_it_ended

CARD = "4111 1111 1111 1111"
TABLE = b"who;ticket;body;when\ncustomer;1;My card is 4111 1111 1111 1111;2026-03-01 10:00\nagent;1;Thanks;2026-03-01 10:05\n"


def lines(count: int = 3, first: int = 1, **fields: Any) -> bytes:
    return b"".join(json.dumps(one(number, team="Oak", **fields)).encode() + b"\n" for number in range(first, first + count))


def uploads() -> list[Path]:
    return sorted(config.folder("uploads").iterdir())


def count(table: Any) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(table)).one()


def row(batch: ImportBatch) -> ImportBatch | None:
    with store.reading() as db:
        return db.get(ImportBatch, batch.id, populate_existing=True)


def offered(by: Person, name: str = "export.jsonl", content: bytes | None = None) -> ImportBatch:
    return offers.offer([(name, lines() if content is None else content)], by=by)


def test_a_file_is_looked_at_and_then_taken_and_let_go(staff: Staff) -> None:
    batch = offered(staff.rep, content=lines(2) + b"{broken\n")
    assert (batch.state, batch.reader, batch.file_name, count(Conversation)) == ("offered", "jsonl", "export.jsonl", 0)
    told: list[float] = []
    report = offers.look(batch.id, by=staff.rep, progress=lambda share, _: told.append(share))
    assert (report.counts["new"], report.counts["refused"], count(Conversation), len(told)) == (2, 1, 0, 1)
    (looked,) = offers.waiting(by=staff.rep)
    assert (looked.state, looked.counts["new"], looked.refusals[0]["line"]) == ("looked", 2, 3)
    assert [sample.id for sample in offers.samples(batch.id, by=staff.rep)] == ["1", "2"]
    came = offers.take(batch.id, by=staff.rep)
    assert (came["new"], came["refused"], count(Conversation)) == (2, looked.refusals, 2)
    assert (row(batch), uploads(), offers.waiting(by=staff.rep), offers.mine(batch.id, by=staff.rep)) == (None, [], [], None)
    assert [(done.file_name, done.state) for done in files.latest(by=staff.rep)] == [("export.jsonl", "done")]


def test_what_is_said_otherwise_is_looked_at_anew(staff: Staff) -> None:
    batch = offered(staff.rep, "people's own.csv", TABLE)
    assert (batch.reader, offers.mapping_of(batch).source) == ("csv", "people's own")
    offers.look(batch.id, by=staff.rep)
    said = offers.mapping_of(batch)
    changed = offers.remap(batch.id, "csv", replace(said, source="shop", roles={**said.roles, "agent": "assistant"}), by=staff.rep)
    assert (changed.state, changed.counts, changed.refusals, changed.unknown) == ("offered", {}, [], {})
    assert offers.take(batch.id, by=staff.rep)["new"] == 1
    with store.reading() as db:
        assert list(db.exec(select(Message.role).order_by(col(Message.seq)))) == ["customer", "assistant"]
        assert db.exec(select(Conversation.source)).one() == "shop"
    batch = offered(staff.rep)
    with pytest.raises(Refused, match=r"^Nothing was imported: "):
        offers.remap(batch.id, "no such format", Mapping(), by=staff.rep)
    assert [one.state for one in offers.waiting(by=staff.rep)] == ["offered"]


def test_a_look_that_ends_after_it_was_said_otherwise_is_not_kept(staff: Staff) -> None:
    batch = offered(staff.rep)

    def meanwhile(_share: float, _doing: str) -> None:
        offers.remap(batch.id, "jsonl", Mapping(source="another"), by=staff.rep)

    offers.look(batch.id, by=staff.rep, progress=meanwhile)
    (kept,) = offers.waiting(by=staff.rep)
    assert (kept.state, kept.counts, kept.mapping["source"]) == ("offered", {}, "another")
    offers.look(batch.id, by=staff.rep)  # the control
    assert offers.waiting(by=staff.rep)[0].state == "looked"


def test_several_files_are_one_export_and_two_of_one_name_are_two(staff: Staff) -> None:
    named = [("a/same.jsonl", lines(2)), ("b/same.jsonl", lines(2, first=10)), ("ünïcode name.jsonl", lines(1, first=20))]
    batch = offers.offer(named, by=staff.engineer)
    assert batch.file_name == "3 files"
    assert sorted(path.name for path in offers.path_of(batch).iterdir()) == ["2-same.jsonl", "n_code_name.jsonl", "same.jsonl"]
    assert offers.take(batch.id, by=staff.engineer)["new"] == 5


@pytest.mark.parametrize(
    "name",
    ["../../etc/x.jsonl", "..\\..\\x.jsonl", "/etc/passwd", "C:\\x\\y.jsonl", "..", ".", "", " ", "\0", "a\0b.jsonl", ".jsonl",
     "x" * 3000 + ".jsonl", "．．／x.jsonl", "\ud800.jsonl", "a\nb.jsonl", "\u202egnp.jsonl", "nul", "%2e%2e%2fx.jsonl", "~root/x.jsonl"],
)  # fmt: skip
def test_a_name_is_only_a_label(staff: Staff, name: str) -> None:
    try:
        batch = offered(staff.engineer, name)
    except Refused as refused:  # without an ending it may seem to be something else
        assert str(refused).startswith("Nothing was")
        assert uploads() == []
        return
    folder = config.folder("uploads") / batch.upload
    (inside,) = folder.iterdir()
    assert inside.resolve().parent == folder.resolve() and folder.resolve().parent == config.folder("uploads").resolve()
    assert inside.name.isascii() and len(inside.name) < 100
    assert batch.file_name.isprintable() and len(batch.file_name) <= 200
    assert folder.stat().st_mode & 0o077 == 0
    assert offers.take(batch.id, by=staff.engineer)["new"] == 3


def test_a_name_that_says_who_somebody_is_stands_nowhere(staff: Staff) -> None:
    batch = offered(staff.engineer, f"jo.doe@example.org {CARD}.jsonl", lines().replace(b', "source": "test"', b""))
    offers.take(batch.id, by=staff.engineer)
    with store.reading() as db:
        told = [*db.exec(select(ImportBatch.file_name)), *db.exec(select(Conversation.source))]
    assert told == ["‹EMAIL 1› ‹CARD 1›.jsonl"] + ["‹EMAIL 1› ‹CARD 1›"] * 3


def test_nothing_of_a_file_that_is_refused_stays_behind(staff: Staff) -> None:
    for named in (
        [],
        [("x.jsonl", b"")],
        [("x.pdf", b"%PDF-1.7 x")],
        [("x.jsonl", b"PK\x03\x04" + b"x" * 100)],
        [("a.jsonl", b"x"), ("b.exe", b"MZ")],
    ):
        with pytest.raises(Refused, match=r"^Nothing was "):
            offers.offer(named, by=staff.engineer)
    assert (uploads(), count(ImportBatch)) == ([], 0)


def test_more_than_can_be_brought_at_once_is_refused_with_the_numbers(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match=r"2,000 files of 500 MB in all can be brought here at once\. An engineer can import more"):
        offers.offer([("x.jsonl", b"{}")] * 2001, by=staff.rep)
    monkeypatch.setattr(offers, "MOST_BYTES", 1000)
    with pytest.raises(Refused, match="can be brought here at once"):
        offers.offer([("x.jsonl", b" " * 600)] * 2, by=staff.rep)
    assert uploads() == []


def test_what_somebody_brought_is_nobody_elses(staff: Staff) -> None:
    batch = offered(staff.rep)
    for stranger in (staff.lead, staff.other, staff.engineer, staff.admin):
        acts: list[Any] = [offers.look, offers.take, offers.forget, offers.samples]
        for act in acts:
            with pytest.raises(Denied, match="this is not a file that you brought"):
                act(batch.id, by=stranger)
        with pytest.raises(Denied):
            offers.remap(batch.id, "jsonl", Mapping(), by=stranger)
        assert (offers.waiting(by=stranger), offers.mine(batch.id, by=stranger)) == ([], None)
    assert count(Conversation) == 0 and offers.path_of(batch).is_file()
    assert offers.take(batch.id, by=staff.rep)["new"] == 3  # the control


def test_what_is_being_imported_is_not_said_otherwise_nor_forgotten(staff: Staff) -> None:
    batch = offered(staff.rep)
    with store.writing() as db:
        task = tasks.later(db, "import", {"batch_id": batch.id}, title="Import", by=staff.rep)
    for act in (lambda: offers.forget(batch.id, by=staff.rep), lambda: offers.remap(batch.id, "jsonl", Mapping(), by=staff.rep)):
        with pytest.raises(Refused, match=r"^Not done: export\.jsonl is being imported\.$"):
            act()
    assert offers.forget_old(at=now() + timedelta(days=2)) == 0 and offers.path_of(batch).is_file()
    tasks.cancel(task.id, by=staff.rep)
    offers.forget(batch.id, by=staff.rep)  # the control
    assert (uploads(), row(batch), count(Conversation)) == ([], None, 0)


def test_what_nobody_imported_is_forgotten_after_a_day_with_its_file(staff: Staff) -> None:
    old, new = offered(staff.rep), offered(staff.rep, "new.jsonl")
    with store.writing() as db:
        found = db.get_one(ImportBatch, old.id)
        found.at = now() - offers.KEPT_FOR - timedelta(minutes=1)
    left = config.folder("uploads") / "left-by-a-crash"
    left.mkdir()
    (left / "x").write_text("x")
    (config.folder("uploads") / "half.spool").write_text("x")
    aged = (now() - offers.KEPT_FOR - timedelta(minutes=1)).timestamp()
    for path in uploads():
        if path.name != new.upload:
            os.utime(path, (aged, aged))
    assert offers.forget_old() == 3
    assert ([path.name for path in uploads()], [one.id for one in offers.waiting(by=staff.rep)]) == ([new.upload], [new.id])
    with pytest.raises(Denied, match="or it has been imported"):
        offers.take(old.id, by=staff.rep)
    assert offers.forget_old() == 0


def test_a_row_whose_file_is_gone_is_told_in_words(staff: Staff) -> None:
    batch = offered(staff.rep)
    for path in offers.path_of(batch).parent.iterdir():
        path.unlink()
    (config.folder("uploads") / batch.upload).rmdir()
    for act in (offers.look, offers.take, offers.samples):
        with pytest.raises(
            Refused, match=r"^Not done: export\.jsonl is no longer here\. Files that were not imported are forgotten after a day"
        ):
            act(batch.id, by=staff.rep)  # type: ignore[operator]


def test_a_file_that_goes_away_while_it_is_read_is_told_in_words(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "STEP", 1)
    second = lines(1, first=5)
    batch = offers.offer([("a.jsonl", lines(1)), ("b.jsonl", second)], by=staff.rep)
    folder = offers.path_of(batch)

    def gone(_share: float, _doing: str) -> None:
        (folder / "b.jsonl").unlink(missing_ok=True)

    for act in (offers.look, offers.take):
        with pytest.raises(Refused, match=r"^Nothing more was read: no such file or directory\. Look whether the file is still there"):
            act(batch.id, by=staff.rep, progress=gone)
        (folder / "b.jsonl").write_bytes(second)
    assert count(Conversation) == 1
    assert offers.take(batch.id, by=staff.rep)["new"] == 2 and count(Conversation) == 2  # it went on: the report is of both


def take_and_die(told: Connection, batch_id: str, person_id: str, number: int) -> None:
    files.STEP, seen = 20, 0

    @event.listens_for(store.engine(), "before_cursor_execute")
    def pull_the_plug(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    by = people.get(person_id)
    assert by is not None
    told.send_bytes(str(offers.take(batch_id, by=by)["new"]).encode())


def test_an_import_that_is_killed_goes_on_and_lets_go_of_the_file_at_its_end(staff: Staff) -> None:
    batch = offered(staff.rep, content=lines(100))
    deaths = 0
    for number in (12, 20, 25):
        child, reader = begin(take_and_die, batch.id, staff.rep.id, number)
        said = said_until_it_ended(reader)
        child.join()
        deaths += child.exitcode == -signal.SIGKILL and said == []
        assert count(Message) == 2 * count(Conversation)
    assert deaths == 3 and 0 < count(Conversation) < 100
    assert [one.id for one in offers.waiting(by=staff.rep)] == [batch.id]
    report = offers.take(batch.id, by=staff.rep)
    assert (report["new"], report["unchanged"], count(Conversation), uploads()) == (100, 0, 100, [])
    assert [(done.state, done.counts["new"]) for done in files.latest(by=staff.rep)] == [("done", 100)]


def test_an_import_that_is_killed_before_it_let_go_adds_nothing_the_second_time(staff: Staff) -> None:
    batch = offered(staff.rep)
    report = files.import_file(offers.path_of(batch), by=staff.rep, mapping=offers.mapping_of(batch))
    assert (report["new"], offers.take(batch.id, by=staff.rep)["unchanged"], uploads()) == (3, 3, [])


def offer_with_little_room(told: Connection, person_id: str) -> None:
    by = people.get(person_id)
    assert by is not None
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        offered(by, content=lines(500))
    except Refused as refused:
        told.send_bytes(str(refused).encode())


def test_a_disk_without_room_is_told_in_words_and_nothing_stays_behind(staff: Staff) -> None:
    child, reader = begin(offer_with_little_room, staff.rep.id)
    assert said_until_it_ended(reader) == [
        "Nothing was kept: the file cannot be written (file too large). Whoever runs the portal has to make room."
    ]
    child.join()
    assert (uploads(), count(ImportBatch)) == ([], 0)


def test_others_write_while_a_file_is_looked_at(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    batch, wrote = offered(staff.rep), list[str]()

    def meanwhile(_share: float, _doing: str) -> None:
        thread = threading.Thread(target=lambda: wrote.append(people.add_team("Elm", by=people.console()).name))
        thread.start()
        thread.join(20)

    offers.look(batch.id, by=staff.rep, progress=meanwhile)
    assert wrote == ["Elm"]
