"""What the portal looks at by night, whom it tells, and what it forgets."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import func, select

from data import audit, config, downloads, inbox, nightly, people, sessions, store, tasks, tickets, tries
from data.errors import Refused
from data.intake import door, offers
from data.tables import ImportBatch, Person, Runner, Seal, SignedRequest, Task, Ticket, Tries
from data.tables import Session as SignIn
from data.values import now
from tests.conftest import Staff, hire
from tests.conversations import canonical, one
from tests.test_data_audit import by_hand


def told(person: Person) -> list[str]:
    return [item.sentence for item in inbox.of(person)]


def test_a_record_that_holds_is_said_to_hold_up_to_its_last_entry(staff: Staff) -> None:
    number, sha = audit.head()
    assert nightly.look() == f"The record holds, up to entry {number:,} ({sha[:12]})."
    assert told(staff.admin) == []


def test_a_changed_record_is_told_to_every_active_admin_once_a_day_and_fails_the_job(staff: Staff) -> None:
    gone = people.disable(people.add("Gone", "gone@example.com", "admin", by=people.console()).id, by=people.console())
    with by_hand() as connection:
        connection.execute(text("UPDATE audit_entry SET sentence = 'Nothing.' WHERE number = 3"))
    for _ in range(2):
        with pytest.raises(Refused, match=r"^Entry 3 of the record is not as it was written\. Compare with a backup\.$"):
            nightly.look()
    assert told(staff.admin) == ["Entry 3 of the record is not as it was written."]
    assert told(staff.lead) == told(gone) == []


def test_a_damaged_file_is_told_in_words(sqlite_home: Path) -> None:
    staff = hire()
    assert "The record holds" in nightly.look()
    with store.engine().connect() as connection:
        page = connection.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_team_at'")).scalar_one()
    store.close()
    with (sqlite_home / "portal.db").open("rb+") as file:
        file.seek((page - 1) * 4096)
        file.write(os.urandom(4096))
    with pytest.raises(Refused, match=r"^The database file is damaged: .*Compare with a backup\.$"):
        nightly.look()
    assert told(staff.admin)[0].startswith("The database file is damaged: ")


def test_a_file_that_cannot_be_read_at_all_fails_the_job_in_words_too(sqlite_home: Path) -> None:
    hire()
    store.close()
    (sqlite_home / "portal.db").write_bytes(os.urandom(20 * 4096))
    with pytest.raises(Refused, match=r"^The database file is damaged: file is not a database\. Compare with a backup\.$"):
        nightly.look()


def count(table: Any) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(table)).one()


def test_what_has_ended_is_forgotten_and_the_rest_stays(staff: Staff) -> None:
    moment, console = now(), people.console()
    sessions.start(staff.rep)
    sessions.start(staff.lead)
    with store.writing() as db:
        db.execute(update(SignIn).where(SignIn.person_id == staff.rep.id).values(ends_at=moment - timedelta(minutes=1)))
        for days in (0, 31):
            tickets.issue(db, "download", staff.rep.id, {}, by=staff.rep, at=moment - timedelta(days=days))
            db.add(Runner(name="old", machine="here", ended_at=moment - timedelta(days=days)))
        db.add(Runner(name="alive", machine="here"))
        for days, state, person in ((31, "done", None), (29, "done", None), (31, "failed", None), (31, "done", staff.rep.id)):
            task = tasks.later(db, "lapse", {}, title="Lapse", by=console)
            db.flush()
            values = {"state": state, "ended_at": moment - timedelta(days=days), "person_id": person}
            db.execute(update(Task).where(Task.id == task.id).values(**values))
    tries.begin("a door", clock=time.time() - 2 * tries.FORGIVEN_AFTER)
    tries.begin("another door")
    kept = [downloads.keep(b"x", "csv"), downloads.keep(b"x", "csv"), downloads.keep(b"x", "jsonl")]
    for key in kept[1:]:
        os.utime(config.folder("exports") / key, (time.time() - 3 * 86_400,) * 2)
    assert nightly.tidy() == "5 rows and 1 files that had ended were forgotten, 0 originals of personal data are gone."
    assert [count(table) for table in (SignIn, Ticket, Runner, Task, Tries)] == [1, 1, 2, 3, 1]
    assert sorted(path.name for path in config.folder("exports").iterdir()) == sorted([kept[0], kept[2]])
    assert nightly.tidy() == NOTHING


NOTHING = "0 rows and 0 files that had ended were forgotten, 0 originals of personal data are gone."


def test_originals_files_that_nobody_imported_and_old_signatures_are_forgotten(staff: Staff) -> None:
    said = [{"role": "customer", "text": "My card is 4111 1111 1111 1111, write to jo.doe@example.org"}]
    door.receive([canonical(1, messages=said), canonical(2, messages=said)], by=people.console())
    batch, other = (offers.offer([("x.jsonl", json.dumps(one(3)).encode())], by=staff.rep) for _ in range(2))
    assert nightly.tidy() == NOTHING
    with store.writing() as db:
        db.execute(update(Seal).where(Seal.kind == "card").values(purge_at=now() - timedelta(minutes=1)))
        db.execute(update(ImportBatch).where(ImportBatch.id == batch.id).values(at=now() - timedelta(days=2)))
        db.add(SignedRequest(signature_sha="old", at=now() - timedelta(days=2)))
        db.add(SignedRequest(signature_sha="new"))
    os.utime(config.folder("uploads") / batch.upload, (time.time() - 2 * 86_400,) * 2)
    assert nightly.tidy() == "1 rows and 1 files that had ended were forgotten, 2 originals of personal data are gone."
    with store.reading() as db:
        left = {(seal.kind, seal.sealed_value is None) for seal in db.exec(select(Seal))}
    assert left == {("card", True), ("email", False)}
    assert ([path.name for path in config.folder("uploads").iterdir()], count(ImportBatch), count(SignedRequest)) == ([other.upload], 1, 1)
    assert nightly.tidy() == NOTHING
