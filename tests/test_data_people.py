"""People, teams and sign-ins: who can be added by whom, and that somebody who left is out at once."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import func, select

from data import access, audit, people, store
from data.errors import Denied, Refused
from data.tables import Person, Session
from data.values import now
from tests.conftest import Staff
from tests.test_data_store import at_once

PASSWORD = "a short sentence is fine"


def sessions() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Session)).one()


def test_an_admin_adds_people_but_only_the_console_grants_lead_and_admin(staff: Staff) -> None:
    added = people.add("Nora", "Nora@Example.com", "rep", by=staff.admin, team=staff.oak)
    assert (added.email, added.team_id, added.by_person_id) == ("nora@example.com", staff.oak.id, staff.admin.id)
    for role in (access.LEAD, access.ADMIN):
        with pytest.raises(Denied, match=r"Who may: .*console"):
            people.add("Nils", "nils@example.com", role, by=staff.admin)
        assert people.add(role, f"a-{role}@example.com", role, by=people.console()).role == role


def test_nobody_else_adds_people_or_teams_or_disables_anybody(staff: Staff) -> None:
    before = people.count()
    for person in (staff.rep, staff.lead, staff.engineer):
        for act in (
            lambda person=person: people.add("Nils", "nils@example.com", "rep", by=person),
            lambda person=person: people.add_team("Elm", by=person),
            lambda person=person: people.disable(staff.other.id, by=person),
        ):
            with pytest.raises(Denied, match="Who may: admin"):
                act()
    assert people.count() == before
    assert set(people.teams().values()) == {"Oak", "Fern"}


@pytest.mark.parametrize(
    ("name", "email", "role", "password", "told"),
    [
        ("Nils", "nils@example.com", "owner", None, "no role 'owner'. Choose one of rep, lead, engineer, admin"),
        (" ", "nils@example.com", "rep", None, "the name is empty"),
        ("Nils", "nils", "rep", None, "'nils' is not an e-mail address"),
        ("Nils", "nils@example.com\n", "rep", None, "is not an e-mail address"),
        ("Nils", "nils@example.com", "console", None, "no role 'console'"),
        ("Nils", "nils@example.com", "rep", "fourteen chars", "has 14 characters, at least 15 are needed"),
    ],
)
def test_what_makes_no_account_is_refused_in_words(name: str, email: str, role: str, password: str | None, told: str) -> None:
    with pytest.raises(Refused, match=told):
        people._check(name, email, role, password)


def test_an_address_has_one_account_however_it_is_written(staff: Staff) -> None:
    with pytest.raises(Refused, match=r"RITA@example\.com already has an account"):
        people.add("Another", "RITA@example.com", "rep", by=staff.admin)
    assert people.by_email(" Rita@Example.COM ") == staff.rep


def test_of_two_who_add_the_same_address_at_once_one_is_refused_in_words(staff: Staff) -> None:
    for number in range(5):
        done = at_once(*[lambda number=number: people.add("Nils", f"nils{number}@example.com", "rep", by=staff.admin)] * 2)
        assert sorted(type(one).__name__ for one in done) == ["Person", "Refused"]


def test_a_team_has_a_name_of_its_own(staff: Staff) -> None:
    with pytest.raises(Refused, match="there is a team 'Oak' already"):
        people.add_team("Oak", by=staff.admin)
    with pytest.raises(Refused, match="name"):
        people.add_team(" ", by=staff.admin)


def test_the_right_password_opens_and_nothing_else_does(staff: Staff) -> None:
    nora = people.add("Nora", "nora@example.com", "rep", by=staff.admin, password=PASSWORD)
    assert people.check_password("Nora@example.com", PASSWORD) == nora
    assert people.check_password("nora@example.com", PASSWORD + " ") is None
    assert people.check_password("nobody@example.com", PASSWORD) is None
    assert people.check_password("rita@example.com", "") is None  # has no password at all
    people.disable(nora.id, by=staff.admin)
    assert people.check_password("nora@example.com", PASSWORD) is None


def test_neither_password_nor_cookie_is_kept(staff: Staff) -> None:
    people.add("Nora", "nora@example.com", "rep", by=staff.admin, password=PASSWORD)
    cookie = people.start_session(staff.rep)
    with store.reading() as db:
        kept = " ".join(map(str, [*db.execute(text("SELECT * FROM person")), *db.execute(text("SELECT * FROM sign_in"))]))
        kept += " ".join(map(str, db.execute(text("SELECT * FROM audit_entry"))))
    assert "nora@example.com" in kept  # the control: what is kept is found
    assert PASSWORD not in kept
    assert cookie not in kept


def test_a_cookie_is_good_until_it_ends_and_for_nobody_else(staff: Staff) -> None:
    cookie = people.start_session(staff.rep)
    session = people.session_of(cookie)
    assert session is not None
    assert people.signed_in(session.id) == staff.rep
    assert people.session_of(cookie + "x") is None
    assert people.session_of("") is None
    people.end_session(session.id)
    assert people.session_of(cookie) is None
    assert people.signed_in(session.id) is None
    people.end_session(session.id)  # twice is no harm


def test_a_sign_in_ends_by_itself_after_two_weeks(staff: Staff) -> None:
    almost = people.start_session(staff.rep, at=now() - people.SIGN_IN_LASTS + timedelta(minutes=1))
    over = people.start_session(staff.rep, at=now() - people.SIGN_IN_LASTS - timedelta(seconds=1))
    assert people.session_of(almost) is not None
    assert people.session_of(over) is None
    with store.reading() as db:
        ended = db.exec(select(Session).where(Session.ends_at < now())).one()
    assert people.signed_in(ended.id) is None


def test_somebody_who_is_disabled_is_out_at_once_everywhere(staff: Staff) -> None:
    cookies = [people.start_session(staff.rep) for _ in range(3)]
    known = [people.session_of(cookie) for cookie in cookies]
    stays = people.start_session(staff.lead)
    people.disable(staff.rep.id, by=staff.admin)
    assert [people.session_of(cookie) for cookie in cookies] == [None] * 3
    assert [people.signed_in(session.id) for session in known if session] == [None] * 3
    assert people.session_of(stays) is not None
    assert sessions() == 1


def test_a_sign_in_begun_just_after_the_account_was_disabled_opens_nothing(staff: Staff) -> None:
    people.disable(staff.rep.id, by=staff.admin)
    session = people.session_of(people.start_session(staff.rep))
    assert session is None or people.signed_in(session.id) is None


def test_nobody_disables_themselves_and_a_stranger_cannot_be_disabled(staff: Staff) -> None:
    with pytest.raises(Refused, match="nobody locks themselves out"):
        people.disable(staff.admin.id, by=staff.admin)
    with pytest.raises(Refused, match="no such person"):
        people.disable("nobody", by=staff.admin)
    assert people.get(staff.admin.id).disabled_at is None  # type: ignore[union-attr]


def test_the_first_admin_is_made_once_even_when_two_try_at_once(home: Path) -> None:
    done = at_once(*[lambda n=n: people.first_admin("Ada", f"ada{n}@example.com", PASSWORD) for n in range(3)])
    assert sorted(type(one).__name__ for one in done) == ["Person", "Refused", "Refused"]
    assert people.count() == 1
    with pytest.raises(Refused, match="this portal already has people"):
        people.first_admin("Eve", "eve@example.com", PASSWORD)


def test_every_change_of_people_stands_in_the_record(staff: Staff) -> None:
    people.disable(staff.rep.id, by=staff.admin)
    people.start_session(staff.lead)
    told = [(entry.verb, entry.noun) for entry in audit.newest(by=staff.admin)]
    assert told[:2] == [("signed in", "person"), ("disabled", "person")]
    assert told.count(("added", "person")) == 5
    assert told.count(("added", "team")) == 2


def test_a_history_still_names_who_left(staff: Staff) -> None:
    people.disable(staff.rep.id, by=staff.admin)
    assert people.names()[staff.rep.id] == "Rita"
    assert [isinstance(person, Person) for person in people.everybody(by=staff.rep)] == [True] * 5


def test_demo_people_sign_in_only_while_they_are_there(staff: Staff) -> None:
    demo = people.add("Demo", "demo@example.com", "rep", by=staff.admin, demo=True)
    assert people.demo_people() == [demo]
    people.disable(demo.id, by=staff.admin)
    assert people.demo_people() == []
