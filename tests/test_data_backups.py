"""Backups: whole or refused in words, another admin's yes, and what was closed stays closed."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from data import approvals, audit, backups, config, conversations, people, sealing, sessions, store, tasks, tokens
from data.conversations import Filter
from data.errors import Busy, Denied, Misuse, Refused
from data.intake import door, files, offers, seals
from data.tables import Conversation, Person, Proposal, Runner, Seal, Token, metadata
from data.tables import Session as SignIn
from data.values import now
from portal import jobs
from tests.conftest import SOAK, Staff
from tests.conversations import canonical, write_file
from tests.server import portal, said

CONSOLE = people.console()


def everything() -> dict[str, list[Any]]:
    """Every row of every table."""
    with store.engine().connect() as connection:
        return {name: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"')))) for name in metadata.tables}


def teams() -> set[str]:
    return set(people.teams().values())


@pytest.fixture
def made(staff: Staff) -> backups.Backup:
    return backups.make(by=staff.admin)


def test_a_backup_is_whole_closed_to_others_and_holds_no_key(made: backups.Backup) -> None:
    assert f"{made.path.name} is whole" in backups.verify(made.path)
    assert made.path.stat().st_mode & 0o077 == 0
    key = (config.folder("secrets") / "master.key").read_bytes()
    with zipfile.ZipFile(made.path) as opened:
        assert not any(key in opened.read(name) or "secret" in name for name in opened.namelist())
    assert [path.name for path in config.folder("backups").iterdir()] == [made.path.name]
    assert audit.newest(by=CONSOLE, noun="backup")[0].sentence == f"Made the backup {made.sentence}"


def test_a_restore_brings_back_every_row_and_says_what_was_given_up(staff: Staff) -> None:
    before = everything()
    made = backups.make(by=staff.admin)
    people.add_team("Elm", by=CONSOLE)
    sentence = backups.restore(made.path, by=CONSOLE)
    assert sentence == f"Restored {made.path.name} on the console; 2 entries written since were given up."
    after = everything()
    new = set(after.pop("audit_entry")) - set(before["audit_entry"])
    assert len(new) == 1
    assert after == {name: rows for name, rows in before.items() if name != "audit_entry"}
    assert audit.newest(by=CONSOLE)[0].sentence == sentence


def test_the_record_holds_after_a_restore_and_goes_on_being_watched(made: backups.Backup) -> None:
    people.add_team("Elm", by=CONSOLE)
    backups.restore(made.path, by=CONSOLE)
    assert audit.broken() is None
    people.add_team("Ash", by=CONSOLE)
    assert audit.broken() is None
    last, _ = audit.head()
    with store.engine().execution_options(writes=True).begin() as connection:
        if store.is_sqlite():
            connection.execute(text("DROP TRIGGER audit_entry_no_delete"))
        else:
            connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
        connection.execute(text(f"DELETE FROM audit_entry WHERE number = {last}"))
    assert audit.broken() == audit.Broken(last, f"and all after it, up to {last:,}, were cut off")


def test_a_kill_after_the_swap_and_before_its_note_leaves_a_record_that_holds(made: backups.Backup) -> None:
    people.add_team("Elm", by=CONSOLE)
    backups.restore(made.path, by=CONSOLE)
    anchor = config.folder("anchor") / "heads"
    lines = anchor.read_text().splitlines()
    assert [line.split(" ")[0] for line in lines[-2:]] == ["restored", "restored"]
    anchor.write_text("".join(f"{line}\n" for line in lines[:-1]))
    assert audit.broken() is None


def test_a_restore_that_was_noted_and_did_not_come_about_changes_nothing_for_the_record(staff: Staff) -> None:
    audit.note_restore(3, "0" * 64)
    people.add_team("Elm", by=CONSOLE)
    assert audit.broken() is None
    assert len(audit._anchored()) > 1  # the heads before it still count


def test_who_was_shut_out_since_stays_out_and_everybody_signs_in_again(staff: Staff) -> None:
    sessions.start(staff.rep)
    tokens.issue("a program", ["read"], staff.lead, by=CONSOLE)
    with store.writing() as db:
        db.add(Runner(name="worker 1", machine="here"))
    made = backups.make(by=staff.admin)
    people.disable(staff.rep.id, by=staff.admin)
    (token, _), = tokens.all_tokens(by=CONSOLE)  # fmt: skip
    tokens.revoke(token.id, by=CONSOLE)
    sessions.start(staff.lead)
    backups.restore(made.path, by=CONSOLE)
    with store.reading() as db:
        assert db.get_one(Person, staff.rep.id).disabled_at is not None
        assert db.get_one(Person, staff.lead.id).disabled_at is None
        assert db.get_one(Token, token.id).revoked_at is not None
        assert db.exec(select(SignIn)).all() == []
        assert [runner.ended_at for runner in db.exec(select(Runner))] == [None]  # that process is still alive


def test_without_that_the_backup_would_let_them_in_again(staff: Staff) -> None:
    """The control: in the backup itself they are active."""
    made = backups.make(by=staff.admin)
    people.disable(staff.rep.id, by=staff.admin)
    with backups._staged(made.path) as stage, store.elsewhere(*backups._stage(stage.folder)), store.reading() as db:
        assert db.get_one(Person, staff.rep.id).disabled_at is None


def test_model_files_come_back_with_the_rows_that_name_them(staff: Staff) -> None:
    model = config.folder("models") / "0123.model"
    model.write_bytes(b"weights")
    made = backups.make(by=staff.admin)
    model.unlink()
    backups.restore(made.path, by=CONSOLE)
    assert model.read_bytes() == b"weights"


# -- what is refused ----------------------------------------------------------------------------------------------------------------------


def sealed_anew(made: backups.Backup, **changes: Any) -> Path:
    """The same backup with another manifest, sealed as we seal it."""
    manifest = made.manifest | changes
    wanted = made.path.with_name("changed.zip")
    with zipfile.ZipFile(made.path) as old, zipfile.ZipFile(wanted, "w") as new:
        for name in old.namelist():
            if name != "manifest.json":
                new.writestr(name, old.read(name))
        seal = sealing.hmac_of(json.dumps(manifest, sort_keys=True), "backup")
        new.writestr("manifest.json", json.dumps({"manifest": manifest, "seal": seal}))
    return wanted


def cut(made: backups.Backup) -> Path:
    made.path.write_bytes(made.path.read_bytes()[: made.size // 2])
    return made.path


def of_another_key(made: backups.Backup) -> Path:
    key = config.folder("secrets") / "master.key"
    mine = key.read_bytes()
    key.write_bytes(os.urandom(32))
    sealing._key.cache_clear()
    path = sealed_anew(made, key=backups._key_print())
    key.write_bytes(mine)
    sealing._key.cache_clear()
    return path


def with_another_manifest(made: backups.Backup) -> Path:
    path = sealed_anew(made)
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members["manifest.json"] = members["manifest.json"].replace(b'"format": 1', b'"format": 2')
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)
    return path


REFUSED: dict[str, tuple[Callable[[backups.Backup], Path], str]] = {
    "cut": (cut, "is no backup of the portal, or is damaged"),
    "something else": (lambda made: shutil.copy(__file__, made.path.with_name("x.zip")), "is no backup of the portal, or is damaged"),
    "not there": (lambda made: made.path.with_name("none.zip"), "is no backup of the portal, or is damaged"),
    "another key": (of_another_key, "was made with another key"),
    "another manifest": (with_another_manifest, "are not as they were written"),
    "another engine": (lambda made: sealed_anew(made, engine="oracle"), "was made on oracle, this portal runs on"),
    "a newer version": (lambda made: sealed_anew(made, revision="9999_later"), r"of a newer version of the portal \('9999_later'\)"),
    "a file outside": (lambda made: sealed_anew(made, files={"../../x": "0"}), "names a file outside its place"),
    "a missing file": (lambda made: sealed_anew(made, files={"none": "0"}), "is damaged at none"),
    "other rows": (lambda made: sealed_anew(made, rows=made.manifest["rows"] | {"team": 9}), "does not hold what its manifest says"),
    "another head": (lambda made: sealed_anew(made, head=[3, "0" * 64]), "does not end where its manifest says"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_backup_that_is_not_as_it_was_made_is_refused_before_anything_changes(what: str, made: backups.Backup) -> None:
    spoil, words = REFUSED[what]
    path = Path(spoil(made))
    before = everything()
    for act in (lambda: backups.verify(path), lambda: backups.restore(path, by=CONSOLE)):
        with pytest.raises(Refused, match=f"^Not restored: .*{words}"):
            act()
    assert everything() == before
    assert audit.broken() is None


def test_a_backup_that_was_only_renamed_is_restored(made: backups.Backup) -> None:
    """The control of the refusals: its name is no part of it, and a manifest sealed anew is a manifest."""
    assert "is whole" in backups.verify(sealed_anew(made))
    backups.restore(made.path.rename(made.path.with_name("renamed.zip")), by=CONSOLE)


def test_a_backup_of_a_record_that_was_changed_is_refused(staff: Staff) -> None:
    with store.engine().execution_options(writes=True).begin() as connection:
        if store.is_sqlite():
            connection.execute(text("DROP TRIGGER audit_entry_no_update"))
        else:
            connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE audit_entry SET sentence = 'Nothing.' WHERE number = 3"))
    made = backups.make(by=staff.admin)
    with pytest.raises(Refused, match=r"Not restored: entry 3 of the record in .* is not as it was written"):
        backups.verify(made.path)


def test_two_restores_at_once_do_not_mix(made: backups.Backup) -> None:
    if store.is_sqlite():
        pytest.skip("On SQLite each is built up in a file of its own.")
    with backups._staged(made.path), pytest.raises(Busy, match="another backup is being checked or restored"):
        backups.verify(made.path)
    assert "is whole" in backups.verify(made.path)


# -- who may ------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def second(staff: Staff) -> Person:
    return people.add("Berta", "berta@example.com", "admin", by=CONSOLE)


def carried_out(proposal: Proposal) -> tuple[str, str]:
    jobs.run_waiting()
    with store.reading() as db:
        found = db.get(Proposal, proposal.id)
    return (found.state, found.outcome) if found else ("gone", "")


def test_a_restore_needs_another_admin_and_names_the_file_by_its_content(staff: Staff, second: Person) -> None:
    made = backups.make(by=staff.admin)
    people.add_team("Elm", by=CONSOLE)
    proposal = backups.propose_restore(made.path.name, why="The import was wrong.", by=staff.admin)
    assert proposal.payload == {"name": made.path.name, "sha": backups._sha_of(made.path)}
    assert "2 entries of the record, would be given up" in proposal.evidence["sentence"]
    for person in (staff.admin, staff.lead, staff.engineer):
        with pytest.raises(Denied):
            approvals.approve(proposal.id, by=person)
    with pytest.raises(Denied):
        backups.restore(made.path, by=staff.admin)
    assert "Elm" in teams()
    approvals.approve(proposal.id, by=second)
    assert carried_out(proposal) == ("gone", "")
    assert "Elm" not in teams()
    told = audit.newest(by=CONSOLE, noun="backup")[0]
    assert (told.by_person_id, told.verb) == (second.id, "restored")
    assert "as Ada proposed" in told.sentence
    assert audit.broken() is None


def test_a_file_that_was_changed_after_it_was_approved_is_not_restored(staff: Staff, second: Person) -> None:
    other = backups.make(by=staff.admin)
    made = backups.make(by=staff.admin)
    proposal = backups.propose_restore(made.path.name, why="Wrong import.", by=staff.admin)
    approvals.approve(proposal.id, by=second)
    shutil.copy(other.path, made.path)
    assert carried_out(proposal) == ("failed", f"Not restored: {made.path.name} is not the file that was approved.")
    assert audit.broken() is None


def test_an_approved_restore_that_was_cut_off_before_the_swap_still_waits_to_be_done(staff: Staff, second: Person) -> None:
    made = backups.make(by=staff.admin)
    proposal = backups.propose_restore(made.path.name, why="Wrong import.", by=staff.admin)
    approvals.approve(proposal.id, by=second)
    anchor = config.folder("anchor")
    kept = anchor.rename(anchor.with_name("away"))
    anchor.write_text("no folder")  # the swap cannot begin
    with pytest.raises((Refused, Misuse)):
        backups.restore_approved(proposal.id)
    anchor.unlink()
    kept.rename(anchor)
    with store.reading() as db:
        assert db.get_one(Proposal, proposal.id).state == "approved"
    assert backups.restore_approved(proposal.id).startswith(f"Restored {made.path.name} as Ada proposed")


def test_a_backup_is_made_by_admins_and_engineers(staff: Staff) -> None:
    for person in (staff.rep, staff.lead):
        with pytest.raises(Denied):
            backups.make(by=person)
        with pytest.raises(Denied):
            backups.all_backups(by=person)
    backups.make(by=staff.engineer)


# -- where they are kept ------------------------------------------------------------------------------------------------------------------


def test_the_newest_fourteen_are_kept_and_what_is_no_backup_is_not_listed(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = config.folder("backups")
    for day in range(10, 30):
        (folder / f"portal-202601{day}-000000-abcdef.zip").write_bytes(b"an old one")
    made = backups.make(by=staff.admin)
    assert len(list(folder.glob("portal-*.zip"))) == backups.KEPT
    assert [one.path for one in backups.all_backups(by=staff.admin)] == [made.path]


def test_a_backup_can_be_put_into_a_folder_of_ones_own(staff: Staff, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    made = backups.make(by=CONSOLE, path=tmp_path / "mine")
    assert (made.path.parent, made.path.suffix) == (tmp_path / "mine", ".zip")
    assert "is whole" in backups.verify(made.path)


@pytest.mark.parametrize("where", ["/proc/none/backup.zip", "/dev/full/backup.zip"])
def test_where_nothing_can_be_written_it_is_said_and_nothing_stays_behind(where: str, staff: Staff) -> None:
    with pytest.raises(Misuse, match=rf"The backup cannot be written to {where}: "):
        backups.make(by=CONSOLE, path=Path(where))
    assert list(config.folder("backups").iterdir()) == []


@pytest.mark.skipif(not SOAK, reason="tests/test_portal_cli.py gives the same commands without a process for each")
def test_the_commands_make_and_restore(sqlite_home: Path, tmp_path: Path) -> None:
    wanted = tmp_path / "one.zip"
    done = json.loads(portal("backup", str(wanted), "--json", home=sqlite_home).stdout)
    assert (done["path"], done["bytes"], done["rows"]["team"]) == (str(wanted), wanted.stat().st_size, 0)
    people.add_team("Elm", by=CONSOLE)
    assert portal("restore", str(wanted), home=sqlite_home).stdout.startswith("Restored one.zip on the console; 2 entries")
    assert teams() == set()
    wanted.write_bytes(b"nothing")
    refused = portal("restore", str(wanted), "--check", home=sqlite_home)
    assert refused.returncode == 1
    assert said(refused.stderr) == ["Not restored: one.zip is no backup of the portal, or is damaged (BadZipFile)."]


def test_tasks_that_ran_when_the_backup_was_made_wait_again(staff: Staff) -> None:
    with store.writing() as db:
        task = tasks.later(db, "lapse", {}, title="Lapse", by=CONSOLE)
    assert tasks.take(task.id, "a runner of then") is not None
    made = backups.make(by=staff.admin, at=now())
    backups.restore(made.path, by=CONSOLE)
    found = tasks.get(task.id)
    assert found is not None
    assert (found.state, found.runner) == ("waiting", "")


def found(words: str) -> list[str]:
    """The numbers of the conversations that a search finds, newest first."""
    by = next(person for person in people.everybody(by=CONSOLE) if person.role == "engineer")
    ids = [row.id for row in conversations.listed(Filter(words=words), by=by)]
    with store.reading() as db:
        known = dict(db.exec(select(Conversation.id, Conversation.external_id)).all())
    return [known[one] for one in ids]


def say(number: int, *texts: str) -> None:
    said = [{"role": "customer", "text": text, "id": f"m{place}"} for place, text in enumerate(texts)]
    door.receive([canonical(number, messages=said, opened_at=datetime(2026, 3, number, tzinfo=UTC))], by=CONSOLE)


def test_what_was_imported_comes_back_with_its_history_its_seals_and_its_search(staff: Staff, tmp_path: Path) -> None:
    files.import_file(write_file(tmp_path / "x.jsonl", count=40, first_number=100), by=staff.engineer)
    say(1, "the parcel is late", "my card is 4111 1111 1111 1111")
    say(1, "the parcel is very late", "and one more")
    say(1, "the parcel is very late")
    say(2, "another parcel")
    offers.offer([("y.jsonl", (tmp_path / "x.jsonl").read_bytes())], by=staff.engineer)
    before, searched = everything(), {words: found(words) for words in ("another parcel", "late", '"very late"', "card", "one more")}
    assert searched == {"another parcel": ["2"], "late": ["1"], '"very late"': ["1"], "card": [], "one more": []}
    made = backups.make(by=staff.admin)
    say(2, "nothing of the kind")
    say(3, "a third parcel")
    seals.purge(at=now() + timedelta(days=40))
    assert (found("another parcel"), found("third")) == ([], ["3"])
    backups.restore(made.path, by=CONSOLE)
    after = everything()
    beside = ("audit_entry", "due")  # the restore itself is written down, and days may be counted anew that need not be
    assert {name: rows for name, rows in after.items() if name not in beside} == {
        name: rows for name, rows in before.items() if name not in beside
    }
    assert all(row in after["due"] for row in before["due"])
    assert {words: found(words) for words in searched} == searched
    assert audit.broken() is None
    (number,) = (seal.number for seal in all_seals(1) if seal.kind == "card")
    with store.reading() as db:
        conversation = db.exec(select(Conversation).where(Conversation.external_id == "1")).one()
    assert seals.reveal(conversation.id, "card", number, why="Is it the same card?", by=staff.rep) == "4111111111111111"
    say(2, "nothing of the kind")  # it goes on: the index follows what is written after a restore
    say(4, "a fourth parcel")
    assert (found("another parcel"), found("fourth"), found("third")) == ([], ["4"], [])
    assert files.import_file(tmp_path / "x.jsonl", by=staff.engineer)["unchanged"] == 40
    if store.is_sqlite():
        with store.writing() as db:
            db.execute(text("INSERT INTO conversation_search(conversation_search, rank) VALUES ('integrity-check', 1)"))


def all_seals(number: int) -> list[Seal]:
    with store.reading() as db:
        return list(db.exec(select(Seal).join(Conversation).where(Conversation.external_id == str(number))))


def test_who_is_in_the_middle_of_a_search_or_an_import_goes_on_after_a_restore(staff: Staff, tmp_path: Path) -> None:
    """With the connections that they have, and with what the database had prepared for them."""
    say(1, "the parcel")
    for _ in range(7):  # PostgreSQL keeps a plan from the fifth time on
        assert found('"the parcel"') == ["1"]
    made = backups.make(by=staff.admin)
    backups.restore(made.path, by=CONSOLE)
    assert found('"the parcel"') == ["1"]
    prepared = door.prepare([canonical(5)], by=CONSOLE)
    backups.restore(made.path, by=CONSOLE)
    assert door.keep(prepared).counts["new"] == 1
