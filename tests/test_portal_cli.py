"""The command line: what it prints for people and for programs, and exit 0, 1 for "the answer is no", 2 for misuse."""

import json
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import func, select
from typer.testing import CliRunner

from classifiers import labels
from data import audit, config, conversations, people, reviews, sessions, store, tasks, tokens
from data.conversations import Filter
from data.intake import files
from data.tables import AuditEntry, Conversation, ImportBatch, Message, Task
from portal import cli
from portal.beat import beat_file
from tests.conftest import Staff, let_go
from tests.conversations import one, write_file
from tests.server import PASSWORD, portal, said

on_sqlite = pytest.mark.parametrize("home", ["sqlite"], indirect=True)


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def told(self) -> dict[str, Any]:
        """The one JSON object that a program reads."""
        assert self.out.count("\n") == 1
        found: dict[str, Any] = json.loads(self.out)
        return found


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command as main() runs it, in this process."""

    def command(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["portal", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    return command


def refused(done: Done, code: int, words: str) -> None:
    """One sentence on stderr, nothing for a program to mistake for an answer."""
    told = said(done.err)
    assert (done.code, done.out) == (code, ""), done
    assert len(told) == 1 and words in told[0], told


# Import


def test_an_import_tells_a_person_what_came_in(home: Path, run: Run, staff: Staff) -> None:
    export = write_file(home / "export.jsonl", count=20, team="Oak")
    done = run("import", export)
    assert done.code == 0 and done.out == (
        "20 new, 0 updated and 0 unchanged conversations; 40 messages; 2 pieces of personal data redacted (1 card, 1 e-mail address).\n"
    )
    again = run("import", export)
    assert again.code == 0 and again.out.startswith("0 new, 0 updated and 20 unchanged conversations")
    with export.open("a") as file:
        file.write("{\n")
    assert "1 line was refused; the first is line 21: not JSON" in run("import", export).out


def test_an_import_tells_a_program_the_same(home: Path, run: Run, staff: Staff) -> None:
    lines = [json.dumps(one(1, team="Oak", mood="sunny")), "{", json.dumps(one(2, channel="fax")), "", json.dumps(one(3, team="Fern"))]
    export = home / "export.jsonl"
    export.write_text("\n".join(lines) + "\n")
    told = run("import", export, "--json", "--by", "Leo@example.com").told
    assert (told["conversations"], told["new"], told["messages"], told["unknown_fields"]) == (1, 1, 2, {"mood": 1})
    assert [refusal["line"] for refusal in told["refused"]] == [2, 3, 5]
    assert told["refused"][2]["why"] == "team: Fern is not your team"
    with store.reading() as db:  # it stands on the Jobs page like any other
        assert db.exec(select(Task.title, Task.state, Task.person_id)).all() == [("Import export.jsonl", "done", staff.lead.id)]


ODD_LINES = {
    "a NUL in the id": {"id": "odd\0id"},
    "a huge number": {"handle_seconds": 2**70},
    "the end of time": {"opened_at": "9999-12-31T23:59:59-14:00"},
    "not a number": {"mood": float("inf")},
}


@pytest.mark.parametrize("what", list(ODD_LINES))
def test_an_odd_line_does_not_spoil_the_rest(home: Path, run: Run, what: str) -> None:
    export = home / "export.jsonl"
    export.write_text("\n".join(json.dumps(line) for line in (one(1), one(2) | ODD_LINES[what], one(3))) + "\n")
    done = run("import", export, "--json")
    assert done.code == 0 and done.told["new"] + len(done.told["refused"]) == 3 and done.told["new"] >= 2


@on_sqlite
@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "is not a file"), (b"", "is empty"), (b"<html><p>Hello", "HTML"), (b"PK\x03\x04zip", "is a ZIP archive. Unpack it")],
)
def test_a_file_that_cannot_be_imported_is_a_no(home: Path, run: Run, content: bytes | None, words: str) -> None:
    export = home / "export.jsonl"
    if content is not None:
        export.write_bytes(content)
    refused(run("import", export), 1, words)
    refused(run("import", export, "--json"), 1, words)


def everything() -> tuple[int, ...]:
    with store.reading() as db:
        return tuple(
            db.exec(select(func.count()).select_from(table)).one() for table in (Conversation, Message, ImportBatch, Task, AuditEntry)
        )


def test_a_dry_run_tells_what_would_come_of_it_and_stores_nothing(home: Path, run: Run, staff: Staff) -> None:
    export = write_file(home / "export.jsonl", count=8, first_number=5, team="Oak")
    with export.open("a") as file:
        file.write("{\n")
    before = everything()
    done, told = run("import", export, "--dry-run"), run("import", export, "--dry-run", "--json").told
    assert done.code == 0 and done.out.startswith("Nothing was stored. It would be:\n8 new, 0 updated and 0 unchanged conversations")
    assert "1 line was refused; the first is line 9: not JSON" in done.out
    samples = done.out.partition("\n\n")[2]
    assert "My card is 4111 1111 1111 1111." in samples and "becomes" in samples and "My card is ‹CARD 1›." in samples
    assert (told["new"], told["refused_count"], told["redacted"], told["unit"]) == (8, 1, {"card": 1, "email": 1}, "line")
    assert sum(told["channels"].values()) == 8 and everything() == before
    assert run("import", export).out == done.out.splitlines()[1] + "\n"  # and that is what comes
    again = run("import", export, "--dry-run").out
    assert "0 new, 0 updated and 8 unchanged" in again
    export.write_text("{\n")
    assert run("import", export, "--dry-run").code == 1


def test_what_the_file_does_not_say_is_said_on_the_command_line(home: Path, run: Run, staff: Staff) -> None:
    export = home / "calls.csv"
    export.write_text("Number;Who;Said;When\n7;caller1;Where is it?;2026-03-01 09:00\n7;desk;I look.;2026-03-01 09:01\n")
    options = ["--format", "csv", "--source", "hotline", "--channel", "voice", "--zone", "America/New_York"]
    columns = [f"--column={pair}" for pair in ("id=Number", "role=Who", "text=Said", "at=When")]
    without = run("import", export, *options, *columns)
    assert without.code == 1 and "--role" in without.out + without.err  # it says how to go on
    told = run("import", export, *options, *columns, "--role", "caller1=customer", "--role", "desk=rep", "--json").told
    assert (told["new"], told["messages"], told["refused"]) == (1, 2, [])
    with store.reading() as db:
        kept = db.exec(select(Conversation)).one()
        said = db.exec(select(Message.role, Message.text).order_by(Message.seq)).all()
    assert (kept.source, kept.external_id, kept.channel) == ("hotline", "7", "voice")
    assert kept.opened_at.astimezone(UTC).isoformat() == "2026-03-01T14:00:00+00:00"
    assert said == [("customer", "Where is it?"), ("rep", "I look.")]


MISUSED = {
    "a channel that is none": (("--channel", "fax"), "There is no channel 'fax'. There are chat, email and voice."),
    "a zone that is none": (("--zone", "Mars/Base"), "There is no time zone 'Mars/Base'"),
    "a role that is none": (("--role", "agent=boss"), "There is no role 'boss'"),
    "half a role": (("--role", "agent"), "--role reads like agent=rep"),
    "half a column": (("--column", "=body"), "--column reads like text=body"),
}


def test_options_that_mean_nothing_are_misuse(home: Path, run: Run, staff: Staff) -> None:
    export = write_file(home / "export.jsonl", count=1)
    for arguments, words in MISUSED.values():
        refused(run("import", export, *arguments), 2, words)
    refused(run("import", export, "--format", "xls"), 1, "there is no format 'xls'. There are jsonl, csv")
    refused(run("import", export, "--format", "mbox"), 1, "Nothing was imported")  # a file that is not what it says
    assert everything()[:2] == (0, 0)


@on_sqlite
@pytest.mark.parametrize("email", ["nobody@example.com", "ada", "gone@example.com"])
def test_acting_as_nobody_is_misuse(home: Path, run: Run, email: str, staff: Staff) -> None:
    gone = people.add("Gone", "gone@example.com", "engineer", by=people.console())
    people.disable(gone.id, by=people.console())
    export = write_file(home / "export.jsonl", count=1)
    refused(run("import", export, "--by", email), 2, f"There is no active person with the address {email}.")
    assert conversations.counted(Filter(), by=staff.engineer) == 0


# Datasets


def test_a_dataset_is_built_from_what_was_reviewed(home: Path, run: Run, staff: Staff) -> None:
    files.import_file(write_file(home / "export.jsonl", count=40, team="Oak"), by=staff.engineer)
    label = labels.add("Order status", by=staff.lead)
    for item in conversations.listed(Filter(), by=staff.rep, size=40):
        reviews.record(item.id, "strong", label_id=label.id, by=staff.rep)
    definition = home / "definition.yaml"
    definition.write_text("name: Strong answers\nverdicts: [strong]\n")

    done = run("dataset", "build", definition, "--as", "csv", "--out", home / "out")
    assert done.code == 0 and re.match(r"Built Strong answers 1: \d+ rows \(\d+ train.*\), \d+ left out; in .*out\.", done.out)
    told = run("dataset", "build", definition, "--as", "sft", "--out", home / "out", "--by", "emil@example.com", "--json").told
    assert (told["name"], told["number"]) == ("Strong answers", 2) and told["counts"]["rows"] > 0
    assert told["files"] and all(Path(path).stat().st_size > 0 for path in told["files"].values())

    refused(
        run("dataset", "build", definition, "--as", "xml", "--out", home / "out"), 2, "There is no format 'xml'. Choose one of sft, csv."
    )
    refused(run("dataset", "build", home / "none.yaml", "--as", "csv", "--out", home / "out"), 2, "none.yaml cannot be read")
    definition.write_text("name: Strong\nverdict: [strong]\n")
    refused(run("dataset", "build", definition, "--as", "csv", "--out", home / "out"), 2, "is not one: verdict")
    definition.write_text("name: [\n")
    refused(run("dataset", "build", definition, "--as", "csv", "--out", home / "out"), 2, "is not YAML")
    definition.write_text("name: Weak\nverdicts: [weak]\n")
    refused(run("dataset", "build", definition, "--as", "csv", "--out", home / "out"), 1, "no reviewed conversation fits 'Weak'")
    definition.write_text("name: Strong\n")
    by_admin = run("dataset", "build", definition, "--as", "csv", "--out", home / "out", "--by", "ada@example.com")
    refused(by_admin, 1, "admin may not build a dataset")


@on_sqlite
def test_a_dataset_that_cannot_be_written_is_misuse(home: Path, run: Run, staff: Staff) -> None:
    files.import_file(write_file(home / "export.jsonl", count=5, team="Oak"), by=staff.engineer)
    label = labels.add("Order status", by=staff.lead)
    for item in conversations.listed(Filter(), by=staff.rep, size=5):
        reviews.record(item.id, "strong", label_id=label.id, by=staff.rep)
    definition = home / "definition.yaml"
    definition.write_text("name: Strong\n")
    refused(run("dataset", "build", definition, "--as", "csv", "--out", "/dev/null/out"), 2, "/dev/null/out")


# People


def test_people_are_added_listed_and_disabled(home: Path, run: Run) -> None:
    assert run("user", "list").out == "Nobody yet.\n"
    done = run("user", "add", "Rita", "Rita@Example.com", "rep", "--team", "Oak", "--password", PASSWORD)
    assert (done.code, done.out) == (0, "Added Rita as rep.\n")
    assert run("user", "add", "Leo", "leo@example.com", "lead", "--team", "Oak", "--password", PASSWORD).code == 0
    assert list(people.teams().values()) == ["Oak"]
    rita = sessions.check_password("rita@example.com", PASSWORD)
    assert rita is not None and rita.team_id in people.teams()

    cookie = sessions.start(rita)
    assert run("user", "disable", "rita@example.com").out == "Disabled Rita; their sign-ins have ended.\n"
    assert sessions.of_cookie(cookie) is None
    assert run("user", "list", "--json").told == {
        "people": [
            {"name": "Leo", "email": "leo@example.com", "role": "lead", "disabled": False},
            {"name": "Rita", "email": "rita@example.com", "role": "rep", "disabled": True},
        ]
    }
    assert "leo@example.com" in run("user", "list").out
    refused(run("user", "disable", "nobody@example.com"), 2, "There is no person with the address nobody@example.com.")
    assert audit.first_broken() is None


NOT_ADDED = {
    "a short password": (("Eve", "eve@example.com", "rep", "--password", "short"), "the password has 5 characters, at least 15"),
    "no password": (("Eve", "eve@example.com", "rep", "--password", ""), "the password has 0 characters"),
    "an unknown role": (("Eve", "eve@example.com", "owner", "--password", PASSWORD), "there is no role 'owner'"),
    "the console's role": (("Eve", "eve@example.com", "console", "--password", PASSWORD), "there is no role 'console'"),
    "no address": (("Eve", "eve", "rep", "--password", PASSWORD), "'eve' is not an e-mail address"),
    "no name": ((" ", "eve@example.com", "rep", "--password", PASSWORD), "the name is empty"),
    "a taken address": (("Eve", "RITA@example.com", "rep", "--password", PASSWORD), "already has an account"),
}


@pytest.mark.parametrize("what", list(NOT_ADDED))
def test_who_cannot_be_added_is_a_no_and_leaves_nothing(home: Path, run: Run, what: str, staff: Staff) -> None:
    before = (people.count(), people.teams())
    arguments, words = NOT_ADDED[what]
    refused(run("user", "add", *arguments, "--team", "Elm"), 1, words)
    assert (people.count(), people.teams()) == before


@on_sqlite
def test_a_password_is_asked_for_twice_and_never_shown(home: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(cli.app, ["user", "add", "Rita", "rita@example.com", "rep"], input=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.exit_code == 0 and "Added Rita" in done.output and PASSWORD not in done.output
    assert sessions.check_password("rita@example.com", PASSWORD) is not None
    differ = runner.invoke(cli.app, ["user", "add", "Leo", "leo@example.com", "lead"], input=f"{PASSWORD}\nanother one\n")
    assert differ.exit_code == 1 and people.by_email("leo@example.com") is None


# The record

TAMPERINGS = {
    "a word changed": ("UPDATE audit_entry SET sentence = 'Nothing happened.' WHERE number = 3", 3),
    "a name changed": ("UPDATE audit_entry SET by_person_id = 'somebody else' WHERE number = 2", 2),
    "a time changed": ("UPDATE audit_entry SET at = '2020-01-01 00:00:00+00:00' WHERE number = 4", 4),
    "a hash changed": (f"UPDATE audit_entry SET sha = '{'0' * 64}' WHERE number = 5", 5),
    "one taken out": ("DELETE FROM audit_entry WHERE number = 3", 3),
    "the first taken out": ("DELETE FROM audit_entry WHERE number = 1", 1),
    "two changed places": ("UPDATE audit_entry SET number = CASE number WHEN 3 THEN -4 ELSE -3 END WHERE number IN (3, 4)", 3),
}


def test_the_record_holds(run: Run, staff: Staff) -> None:
    assert (run("audit", "verify").code, run("audit", "verify").out) == (0, "The record holds.\n")
    assert run("audit", "verify", "--json").told == {"holds": True, "first_broken": None, "why": None}


@pytest.mark.parametrize("what", list(TAMPERINGS))
def test_a_record_that_was_changed_by_hand_does_not_hold(run: Run, staff: Staff, what: str) -> None:
    statement, number = TAMPERINGS[what]
    with suppress(Exception), store.engine().begin() as db:  # the control: as long as the triggers stand, nobody can
        db.exec_driver_sql(statement)
    assert run("audit", "verify").code == 0
    with store.engine().begin() as db:
        if store.is_sqlite():
            for name in db.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'").scalars():
                db.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            db.exec_driver_sql("ALTER TABLE audit_entry DISABLE TRIGGER USER")
    with store.engine().begin() as db:
        assert db.exec_driver_sql("SELECT count(*), max(number) FROM audit_entry").one() == (7, 7)
        db.exec_driver_sql(statement)
        if what == "two changed places":
            db.exec_driver_sql("UPDATE audit_entry SET number = -number WHERE number < 0")
    done, told = run("audit", "verify"), run("audit", "verify", "--json").told
    assert (done.code, told["holds"], told["first_broken"]) == (1, False, number)
    assert done.out == f"Entry {number} {told['why']}.\n"
    assert told["why"] in ("is missing", "cannot be read", "is not as it was written")


def test_a_head_that_was_kept_elsewhere_shows_what_was_cut_off(run: Run, staff: Staff) -> None:
    head = run("audit", "head").out.strip()
    assert run("audit", "verify", "--head", head).out == "The record holds.\n"
    number, _, seal = head.partition(":")
    assert run("audit", "verify", "--head", f"{int(number) + 3}:{seal}").code == 1
    refused(run("audit", "verify", "--head", "yesterday"), 2, "reads like NUMBER:SEAL")


def test_roles_are_given_on_the_console_until_there_are_two_admins(run: Run, staff: Staff) -> None:
    assert run("user", "role", "rita@example.com", "lead").out == "Rita is a lead.\n"
    assert run("user", "role", "emil@example.com", "admin").code == 0
    refused(run("user", "role", "leo@example.com", "admin"), 1, "there are two admins")
    assert run("user", "role", "leo@example.com", "rep").code == 0  # taking a role away makes nothing less safe


def test_somebody_is_invited_and_let_back_in(run: Run, staff: Staff) -> None:
    told = run("user", "invite", "rita@example.com").out
    ticket = told.strip().split("ticket=")[1]
    assert people.welcome(ticket, password=PASSWORD).id == staff.rep.id
    assert sessions.check_password("rita@example.com", PASSWORD) is not None
    run("user", "disable", "rita@example.com")
    assert sessions.check_password("rita@example.com", PASSWORD) is None
    assert run("user", "enable", "rita@example.com").out == "Enabled Rita.\n"
    assert sessions.check_password("rita@example.com", PASSWORD) is not None


def test_a_token_is_issued_once_listed_and_revoked(run: Run, staff: Staff) -> None:
    told = run("token", "issue", "Nightly", "--scope", "read", "--scope", "export", "--for", "emil@example.com", "--json").told
    person = tokens.person_of(told["token"])
    assert person is not None and person.id == staff.engineer.id and person.scopes == {"read", "export"}
    assert told["signing_key"] == tokens.signing_key(told["token"]) and told["token"] not in told["signing_key"]
    for_people = run("token", "issue", "CRM", "--scope", "ingest", "--for", "emil@example.com").out
    shown = re.fullmatch(r"For CRM, shown once: (portal_\S+)\nWhat it sends it signs with: ([0-9a-f]{64})\n", for_people)
    assert shown and shown[2] == tokens.signing_key(shown[1])
    run("token", "revoke", next(row["id"] for row in run("token", "list", "--json").told["tokens"] if row["name"] == "CRM"))
    listed = run("token", "list", "--json").told["tokens"]
    assert [(row["name"], row["person"]) for row in listed if not row["revoked_at"]] == [("Nightly", "Emil")]
    assert told["token"] not in run("token", "list").out
    assert run("token", "revoke", listed[-1]["id"]).out == "Revoked the token 'Nightly'.\n"
    assert tokens.person_of(told["token"]) is None
    refused(run("token", "issue", "Odd", "--scope", "everything", "--for", "emil@example.com"), 1, "there is no scope 'everything'")


def test_a_backup_is_made_checked_and_restored(run: Run, staff: Staff, tmp_path: Path) -> None:
    kept = tmp_path / "elsewhere" / "kept.zip"
    assert run("backup", kept, "--json").told["path"] == str(kept)
    people.add("Later", "later@example.com", "rep", by=people.console())
    assert "kept.zip is whole" in run("restore", kept, "--check").out
    assert people.by_email("later@example.com") is not None
    assert "were given up" in run("restore", kept).out
    assert people.by_email("later@example.com") is None and run("audit", "verify").code == 0
    kept.write_bytes(kept.read_bytes()[:-100])
    refused(run("restore", kept), 1, "is damaged")


def test_what_the_command_line_does_is_on_the_record(home: Path, run: Run) -> None:
    run("user", "add", "Rita", "rita@example.com", "rep", "--team", "Oak", "--password", PASSWORD)
    run("import", write_file(home / "export.jsonl", count=1))
    run("user", "disable", "rita@example.com")
    with store.reading() as db:
        told = db.exec(select(AuditEntry.verb, AuditEntry.noun).order_by(AuditEntry.number)).all()
    assert told == [("added", "team"), ("added", "person"), ("imported", "import_batch"), ("disabled", "person")]


# Doctor


def test_the_doctor_tells_settings_and_health(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_PORT", "8601")
    config.reset()
    done = run("doctor")
    assert done.code == 0 and "Nothing is wrong." in done.out and "No worker has run here yet." in done.out
    beat_file().touch()
    told = run("doctor", "--json").told
    assert told["wrong"] == [] and told["settings"]["PORTAL_PORT"] == {"value": "8601", "source": "environment"}
    assert told["settings"]["PORTAL_HOST"] == {"value": "127.0.0.1", "source": "default"}
    assert any(re.search(r"The worker was last seen \d seconds ago", note) for note in told["notes"])


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings that a test makes up; nothing stands there."""

    def settings(**values: str) -> None:
        for name, value in ({"PORTAL_HOME": str(tmp_path / "home"), "PORTAL_DATABASE_URL": ""} | values).items():
            monkeypatch.setenv(name, value)
        store.close()
        config.reset()

    yield settings
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path))
    monkeypatch.setenv("PORTAL_DATABASE_URL", "")
    for name in ("PORTAL_PORT", "PORTAL_ALLOWED_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    store.close()
    config.reset()
    let_go()


def test_the_doctor_tells_what_is_wrong_and_no_password(run: Run, nowhere: Any) -> None:
    nowhere(PORTAL_DATABASE_URL="postgresql://portal:hunter2secret@/portal?host=/nowhere")
    done = run("doctor")
    assert done.code == 1 and "Wrong: The database at postgresql" in done.out and "does not answer" in done.out
    assert "hunter2secret" not in done.out + done.err
    assert "does not answer" in run("doctor", "--json").told["wrong"][0]


def test_the_doctor_names_what_is_wrong_in_five_broken_installations(
    staff: Staff, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    with store.writing() as db:
        tasks.later(db, "classify", {"conversation_ids": []}, title="Waits", by=None)
    (home / "secrets").mkdir(exist_ok=True)
    (home / "secrets").chmod(0o755)
    for name, value in {"FOUR_EYES": "off", "OIDC_ISSUER": "https://login.example.com", "PUBLIC_URL": "http://portal.example.com"}.items():
        monkeypatch.setenv(f"PORTAL_{name}", value)
    config.reset()
    done = run("doctor")
    assert done.code == 1 and done.out.count("Wrong: ") == 5, done.out
    for words in ("no worker runs", "can read", "more than one person works here", "client id or secret is not", "without https"):
        assert words in done.out, words


def test_the_doctor_shows_no_secret(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_OIDC_CLIENT_SECRET", "hunter2secret")
    monkeypatch.setenv("PORTAL_SMTP_URL", "smtp://portal:hunter2secret@mail.example.com:587")
    config.reset()
    for done in (run("doctor"), run("doctor", "--json")):
        assert "hunter2secret" not in done.out + done.err and "mail.example.com" in done.out


UNUSABLE = {
    "a home below a device": ({"PORTAL_HOME": "/dev/null/x"}, "/dev/null/x"),
    "a driver that is not there": ({"PORTAL_DATABASE_URL": "mysql://root@127.0.0.1/portal"}, "PORTAL_DATABASE_URL cannot be used"),
    "a port in the address that is none": ({"PORTAL_DATABASE_URL": "postgresql://h:port/portal"}, "PORTAL_DATABASE_URL cannot be used"),
    "a nonsense database": ({"PORTAL_DATABASE_URL": "nonsense"}, "PORTAL_DATABASE_URL cannot be used"),
    "a folder that is not there": ({"PORTAL_DATABASE_URL": "sqlite:////nowhere/portal.db"}, "does not answer"),
    "a port that is none": ({"PORTAL_PORT": "a port"}, "PORTAL_PORT"),
    "hosts that are no list": ({"PORTAL_ALLOWED_HOSTS": "portal.example"}, "PORTAL_ALLOWED_HOSTS"),
}
COMMANDS = {"user list": ("user", "list"), "import": ("import", "x.jsonl")}


@pytest.mark.parametrize("command", list(COMMANDS))
@pytest.mark.parametrize("what", list(UNUSABLE))
def test_settings_that_cannot_be_used_are_misuse(run: Run, nowhere: Any, what: str, command: str) -> None:
    settings, words = UNUSABLE[what]
    nowhere(**settings)
    refused(run(*COMMANDS[command]), 2, words)


@pytest.mark.parametrize("what", list(UNUSABLE))
def test_the_doctor_has_words_for_each_of_them(run: Run, nowhere: Any, what: str) -> None:
    settings, words = UNUSABLE[what]
    nowhere(**settings)
    done = run("doctor")
    assert done.code in (1, 2) and words in done.out + done.err and "Traceback" not in done.err


@on_sqlite
@pytest.mark.parametrize("command", ["web", "worker"])
def test_web_and_worker_alone_want_a_database_of_this_shape(run: Run, home: Path, command: str) -> None:
    with store.engine().begin() as db:
        db.exec_driver_sql("DELETE FROM alembic_version")
    refused(run(command), 2, "The database waits for a migration. Run: portal migrate")


# As a process


@on_sqlite
def test_exit_codes_are_what_scripts_see(home: Path, staff: Staff) -> None:
    fine = portal("user", "list", "--json", home=home)
    assert fine.returncode == 0 and len(json.loads(fine.stdout)["people"]) == 5 and said(fine.stderr) == []
    no = portal("import", "nothing.jsonl", home=home)
    assert (no.returncode, no.stdout, said(no.stderr)) == (1, "", ["Nothing was imported: nothing.jsonl is not a file."])
    misuse = portal("import", "nothing.jsonl", "--by", "nobody@example.com", home=home)
    assert (misuse.returncode, said(misuse.stderr)) == (2, ["There is no active person with the address nobody@example.com."])
    assert portal("no-such-command", home=home).returncode == 2
