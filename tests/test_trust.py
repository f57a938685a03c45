"""Trust as one story: two people decide, who left is out everywhere, and what was acknowledged is there."""

from datetime import timedelta
from pathlib import Path

import pytest

from data import access, approvals, audit, backups, inbox, people, sessions, settings, store, tokens
from data.errors import Denied, Refused
from data.values import now
from portal import jobs
from tests.conftest import Staff


def test_two_people_decide_and_who_left_is_out_everywhere(staff: Staff, tmp_path: Path) -> None:
    engineer, lead, console = staff.engineer, staff.lead, people.console()

    # On the console there is one admin, and a second. From then on two admins decide who becomes a lead or an admin.
    second = people.add("Ines", "ines@example.com", "admin", by=console)
    with pytest.raises(Refused, match="there are two admins"):
        people.add("Max", "max@example.com", "lead", by=console)

    # In the morning an engineer asks for a token. It opens nothing yet; the admins find it in their inboxes.
    asked, secret = tokens.propose("Nightly export", ["read"], why="The warehouse fetches what was curated.", by=engineer)
    assert tokens.person_of(secret) is None
    assert [item.sentence for item in inbox.of(second)] == ["Emil asks you to decide: issue the token 'Nightly export'."]
    with pytest.raises(Denied):
        approvals.approve(asked.id, by=engineer)

    # At noon an admin says yes. A background job carries it out, and asks everybody's rights once more.
    approvals.approve(asked.id, by=second, note="Read only.")
    jobs.run_waiting()
    program = tokens.person_of(secret)
    assert program is not None and program.id == engineer.id
    assert access.may(program, "conversation.read") and not access.may(program, "review.record")
    assert [item.sentence for item in inbox.of(engineer)][:1] == ["Done: issue the token 'Nightly export'."]

    # A backup is made. In the evening the engineer leaves: sign-ins and tokens are over at once, also after the backup comes back.
    kept = backups.make(by=console)
    cookie = sessions.start(engineer)
    people.disable(engineer.id, by=second)
    assert sessions.of_cookie(cookie) is None and tokens.person_of(secret) is None
    with pytest.raises(Denied, match="disabled"):
        tokens.propose("Another", ["read"], why="I am gone.", by=people.get(engineer.id) or engineer)
    backups.restore(kept.path, by=console)
    assert tokens.person_of(secret) is None

    # Leads cannot be reached: two admins declare an emergency, and an admin decides in their place, for an hour, seen by everybody.
    emergency = settings.propose_emergency(why="Both leads are on a plane.", by=staff.admin)
    approvals.approve(emergency.id, by=second)
    jobs.run_waiting()
    until = settings.emergency()
    assert until is not None and timedelta(minutes=59) < until - now() < timedelta(minutes=61)

    # All of it stands in the record, in sentences, and the record holds.
    told = [entry.sentence for entry in audit.newest(by=staff.admin)]
    assert "Approved: issue the token 'Nightly export'." in told and "Set emergency, number 1." in told
    assert audit.broken() is None
    with store.reading() as db:
        assert settings.emergency_until(db, at=now() + timedelta(minutes=61)) is None
    assert lead.id != second.id
