"""The record: gap-free, written with what it tells of, and a change by hand is noticed."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlmodel import select

from data import audit, config, people, store
from data.errors import Denied, Refused
from data.tables import AuditEntry
from data.values import now
from tests.conftest import Staff


@contextmanager
def by_hand() -> Iterator[Connection]:
    """As somebody would who has the database's own prompt and took the triggers away."""
    with store.engine().execution_options(writes=True).connect() as connection:
        if store.is_sqlite():
            for trigger in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                connection.execute(text(f"DROP TRIGGER {trigger}"))
        else:
            connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER ALL"))
        yield connection
        connection.commit()


def record(by: Any, sentence: str, **fields: Any) -> AuditEntry:
    with store.writing() as db:
        return audit.record(db, by, "did", "thing", "1", sentence, **fields)


def test_each_entry_names_the_one_before_and_the_chain_holds(staff: Staff) -> None:
    record(staff.rep, "Größe, 'quoted', 日本", before={"a": [1, None, True]}, after={"ü": 0.5, "b": {"c": "d"}})
    entries = audit.newest(by=staff.admin)[::-1]
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry.previous_sha for entry in entries] == [audit.FIRST, *(entry.sha for entry in entries[:-1])]
    assert audit.first_broken() is None


def test_a_change_of_any_column_is_noticed_at_its_entry(staff: Staff) -> None:
    number = record(staff.rep, "Said yes.", before={"x": 1}, after={"x": 2}).number
    record(staff.rep, "Said no.")
    other = {
        "at": now() - timedelta(days=1), "by_person_id": staff.lead.id, "verb": "undid", "noun": "thong", "noun_id": "2",
        "sentence": "Said Yes.", "before": json.dumps({"x": 3}), "after": json.dumps({"x": 1}), "previous_sha": "1" * 64,
        "sha": "2" * 64, "number": 999, "id": "another",
    }  # fmt: skip
    assert set(other) == set(AuditEntry.model_fields)
    found = {}
    with by_hand() as connection:
        for column, value in other.items():
            kept: Any = connection.execute(text(f"SELECT {column} FROM audit_entry WHERE number = {number}")).scalar()
            keep = json.dumps(kept) if isinstance(kept, dict) else kept
            cast = "CAST(:value AS jsonb)" if column in ("before", "after") and not store.is_sqlite() else ":value"
            if store.is_sqlite() and isinstance(value, datetime):
                value = value.strftime("%Y-%m-%d %H:%M:%S.%f")
            connection.execute(text(f"UPDATE audit_entry SET {column} = {cast} WHERE number = {number}"), {"value": value})
            connection.commit()
            found[column] = audit.first_broken()
            where = {"value": keep, "now": 999 if column == "number" else number}
            connection.execute(text(f"UPDATE audit_entry SET {column} = {cast} WHERE number = :now"), where)
            connection.commit()
    assert found == dict.fromkeys(other, number)
    assert audit.first_broken() is None  # everything stands as it was again


def test_an_entry_taken_away_or_put_between_is_noticed(staff: Staff) -> None:
    middle = record(staff.rep, "One.").number
    record(staff.rep, "Two.")
    with by_hand() as connection:
        connection.execute(text(f"DELETE FROM audit_entry WHERE number = {middle}"))
    assert audit.first_broken() == middle


def test_two_entries_that_changed_places_are_noticed(staff: Staff) -> None:
    first, second = record(staff.rep, "One.").number, record(staff.rep, "Two.").number
    with by_hand() as connection:
        for before, after in ((first, -1), (second, first), (-1, second)):
            connection.execute(text(f"UPDATE audit_entry SET number = {after} WHERE number = {before}"))
    assert audit.first_broken() == first


def test_an_entry_that_was_sealed_anew_is_noticed_by_the_one_after_it_and_by_the_head_that_was_noted(staff: Staff) -> None:
    told, after = record(staff.rep, "Said yes."), record(staff.rep, "Later.")
    with store.reading() as db:
        entry = db.get_one(AuditEntry, told.id)
    entry.sentence = "Said no."
    with by_hand() as connection:
        row = {"s": entry.sentence, "h": audit.digest(entry), "n": entry.number}
        connection.execute(text("UPDATE audit_entry SET sentence = :s, sha = :h WHERE number = :n"), row)
    assert audit.broken_chain() == audit.Broken(after.number, "is not as it was written")
    assert audit.broken() == audit.Broken(told.number, "is another than the one that was noted outside the database")


def test_a_chain_written_anew_by_somebody_without_the_key_is_noticed(staff: Staff) -> None:
    """Who can write to the database, but has not the installation's key, cannot make a chain that holds."""
    number = record(staff.rep, "Approved: ship version 1.").number
    with store.reading() as db:
        entry = db.get_one(AuditEntry, record(staff.rep, "Later.").id)
        told = db.exec(select(AuditEntry).where(AuditEntry.number == number)).one()
    told.sentence = "Refused: ship version 1."
    entry.previous_sha = without_key(told)
    with by_hand() as connection:
        set_row = text("UPDATE audit_entry SET sentence = :s, previous_sha = :p, sha = :h WHERE number = :n")
        for row, sha in ((told, entry.previous_sha), (entry, without_key(entry))):
            connection.execute(set_row, {"s": row.sentence, "p": row.previous_sha, "h": sha, "n": row.number})
    assert audit.first_broken() == number


def without_key(entry: AuditEntry) -> str:
    """The digest as anybody can compute it who has read the source."""
    told = [
        entry.id, entry.number, entry.at.isoformat(), entry.by_person_id, entry.verb, entry.noun, entry.noun_id,
        entry.sentence, entry.before, entry.after, entry.previous_sha,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def test_an_entry_is_kept_or_dropped_with_what_it_tells_of(staff: Staff) -> None:
    before = len(audit.newest(by=staff.admin))
    with pytest.raises(Refused, match="no"), store.writing():
        people.add("Nils", "nils@example.com", "rep", by=staff.admin)
        raise Refused("no")
    assert people.by_email("nils@example.com") is None
    assert len(audit.newest(by=staff.admin)) == before
    people.add("Nils", "nils@example.com", "rep", by=staff.admin)
    assert [entry.number for entry in audit.newest(by=staff.admin)][:2] == [before + 1, before]


def test_the_chain_holds_whatever_zone_a_time_was_given_in(staff: Staff) -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    entry = record(staff.rep, "At noon.", at=noon)
    assert audit.first_broken() is None
    with store.reading() as db:
        assert db.get_one(AuditEntry, entry.id).at == noon.astimezone(UTC)


def test_entries_that_were_sealed_before_ids_were_hold_and_are_not_taken_for_newer_ones(staff: Staff) -> None:
    """A portal of the first version: its whole record is sealed without ids, then goes on with them."""
    with by_hand() as connection, store.reading() as db:
        previous = audit.FIRST
        for entry in db.exec(select(AuditEntry).order_by(AuditEntry.number)).all():
            entry.previous_sha = previous
            row = {"p": previous, "h": (previous := audit.digest(entry, with_id=False)), "n": entry.number}
            connection.execute(text("UPDATE audit_entry SET previous_sha = :p, sha = :h WHERE number = :n"), row)
    anchor_file().unlink()
    number = record(staff.rep, "Said yes.").number
    record(staff.rep, "Later.")
    assert audit.broken() is None
    with store.reading() as db:
        newer = db.exec(select(AuditEntry).where(AuditEntry.number == number)).one()
    with by_hand() as connection:
        row = {"h": audit.digest(newer, with_id=False), "n": number}
        connection.execute(text("UPDATE audit_entry SET sha = :h, id = 'another' WHERE number = :n"), row)
        connection.execute(text("DELETE FROM audit_entry WHERE number > :n"), {"n": number})
    assert audit.broken() == audit.Broken(number, "is another than the one that was noted outside the database")


def anchor_file() -> Path:
    return config.folder("anchor") / "heads"


def test_each_commit_notes_its_head_outside_the_database(staff: Staff) -> None:
    entries = [record(staff.rep, "One."), record(staff.rep, "Two.")]
    told = [line.split(" ")[:2] for line in anchor_file().read_text().splitlines()]
    assert told[-2:] == [[str(entry.number), entry.sha] for entry in entries]
    assert audit.head() == (entries[-1].number, entries[-1].sha)


def test_a_head_of_what_was_not_kept_is_not_noted(staff: Staff) -> None:
    with pytest.raises(Refused), store.writing():
        record(staff.rep, "Never.")
        raise Refused("no")
    record(staff.rep, "Kept.")
    assert audit.broken() is None


def test_a_second_place_for_the_head_tells_where_the_first_was_taken_away(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_AUDIT_ANCHOR", str(config.folder("elsewhere") / "heads"))
    config.reset()
    number = record(staff.rep, "Approved.").number
    with by_hand() as connection:
        connection.execute(text(f"DELETE FROM audit_entry WHERE number = {number}"))
    anchor_file().unlink()
    assert audit.broken() == audit.Broken(number, f"and all after it, up to {number:,}, were cut off")


def test_a_head_that_cannot_be_noted_does_not_fail_what_was_saved(
    staff: Staff, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PORTAL_AUDIT_ANCHOR", "/dev/full")
    config.reset()
    entry = record(staff.rep, "Saved.")
    assert f"head {entry.number} could not be noted" in caplog.text
    monkeypatch.delenv("PORTAL_AUDIT_ANCHOR")
    config.reset()
    assert audit.head() == (entry.number, entry.sha)
    assert audit.broken() is None


def test_a_line_in_the_anchor_that_we_did_not_write_says_nothing(staff: Staff) -> None:
    number, sha = audit.head()
    with anchor_file().open("a") as file:
        file.write(f"999 {'0' * 64} {'0' * 64}\nrestored {number} {sha} {'0' * 64}\n\n\0 nonsense ü\n")
    assert audit.broken() is None


def test_a_head_that_somebody_wrote_down_is_compared_too(staff: Staff) -> None:
    number, sha = record(staff.rep, "Approved.").number, audit.head()[1]
    anchor_file().unlink()
    assert audit.broken((number, sha)) is None
    assert audit.broken((number, "0" * 64)) == audit.Broken(number, "is another than the one that was noted outside the database")
    assert audit.broken((number + 2, sha)) == audit.Broken(number + 1, f"and all after it, up to {number + 2:,}, were cut off")


def test_the_anchor_stays_small_and_keeps_the_newest_heads(staff: Staff) -> None:
    last = record(staff.rep, "Before.")
    line = anchor_file().read_text().splitlines()[-1]
    anchor_file().write_text(f"{line}\n" * (audit.LARGEST_ANCHOR // len(line)))
    newest = record(staff.rep, "After.")
    lines = anchor_file().read_text().splitlines()
    assert len(lines) == audit.HEADS_KEPT
    assert (lines[-2], lines[-1].split(" ")[0]) == (line, str(newest.number))
    assert last.number == newest.number - 1
    assert audit.broken() is None


def test_the_record_is_narrowed_by_who_what_when_and_words(staff: Staff) -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    record(staff.rep, "Gave 100% back.", at=noon)
    record(staff.lead, "Gave nothing back.", at=noon + timedelta(days=1))

    def told(**found: Any) -> list[str]:
        wanted = audit.Filter(noun="thing", **found)
        entries = audit.newest(by=staff.admin, found=wanted)
        assert audit.counted(by=staff.admin, found=wanted) == len(entries)
        return [entry.sentence for entry in entries]

    both = ["Gave nothing back.", "Gave 100% back."]
    assert told() == told(verb="did", noun_id="1", words="gave") == told(since=noon, until=noon + timedelta(days=2)) == both
    assert told(person_id=staff.rep.id) == told(words="0%") == told(until=noon + timedelta(days=1)) == both[1:]
    assert told(since=noon + timedelta(hours=1)) == told(words="NOTHING") == both[:1]
    assert told(verb="undid") == told(words="5%") == []
    assert audit.choices(by=staff.rep) == {"verb": ["did"], "noun": ["thing"]}
    assert len(audit.newest(by=staff.admin, most=1, page=1)) == 1


def test_the_table_of_the_record_holds_what_the_person_may_read_and_no_formula(staff: Staff) -> None:
    record(staff.rep, '=cmd|" /C calc"!A0, "quoted"')
    record(staff.other, "Another team's.")
    rows = list(csv.reader(io.StringIO(audit.as_csv(by=staff.lead, found=audit.Filter(), names=people.names()).decode())))
    assert rows[0] == ["number", "at", "who", "verb", "noun", "sentence", "seal"]
    assert [(row[2], row[5]) for row in rows[1:]] == [("Rita", '\'=cmd|" /C calc"!A0, "quoted"')]
    assert len(audit.as_csv(by=staff.admin, found=audit.Filter(), names={}).splitlines()) == audit.head()[0] + 1


def test_each_reads_what_they_may(staff: Staff) -> None:
    for person in (staff.rep, staff.lead, staff.other, staff.engineer, None):
        record(person, "Did it.")

    def read(by: Any) -> set[str]:
        names = people.names()
        return {names.get(entry.by_person_id or "", "nobody") for entry in audit.newest(by=by)}

    assert read(staff.rep) == {"Rita"}
    assert read(staff.lead) == {"Rita", "Leo"}
    assert read(staff.other) == {"Olga"}
    assert read(staff.engineer) == read(staff.admin) == {"Rita", "Leo", "Olga", "Emil", "nobody"}
    people.disable(staff.rep.id, by=staff.admin)
    gone = people.get(staff.rep.id)
    assert gone is not None
    with pytest.raises(Denied, match="disabled"):
        audit.newest(by=gone)


def test_a_lead_without_a_team_does_not_read_what_admins_and_engineers_did(staff: Staff) -> None:
    """People without a team are no team."""
    alone = people.add("Lea", "lea@example.com", "lead", by=people.console())
    record(staff.engineer, "Did it.")
    record(alone, "Did something else.")
    assert {entry.by_person_id for entry in audit.newest(by=alone)} <= {alone.id}


def test_the_newest_stand_first_and_can_be_narrowed_to_a_noun(staff: Staff) -> None:
    last = record(staff.rep, "Did it.")
    assert audit.newest(by=staff.admin, most=1) == [last]
    assert {entry.noun for entry in audit.newest(by=staff.admin, noun="team")} == {"team"}
