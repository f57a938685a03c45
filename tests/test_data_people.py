"""People, teams and sign-ins: who can be added by whom, and that somebody who left is out at once."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import func, select

from data import access, approvals, audit, inbox, people, sessions, store, tokens
from data.errors import Denied, Refused
from data.tables import Person, Proposal, Session
from data.values import now
from tests.conftest import Staff
from tests.test_data_store import at_once

PASSWORD = "a short sentence is fine"


def session_count() -> int:
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
    assert sessions.check_password("Nora@example.com", PASSWORD) == nora
    assert sessions.check_password("nora@example.com", PASSWORD + " ") is None
    assert sessions.check_password("nobody@example.com", PASSWORD) is None
    assert sessions.check_password("rita@example.com", "") is None  # has no password at all
    people.disable(nora.id, by=staff.admin)
    assert sessions.check_password("nora@example.com", PASSWORD) is None


def test_neither_password_nor_cookie_is_kept(staff: Staff) -> None:
    people.add("Nora", "nora@example.com", "rep", by=staff.admin, password=PASSWORD)
    cookie = sessions.start(staff.rep)
    with store.reading() as db:
        kept = " ".join(map(str, [*db.execute(text("SELECT * FROM person")), *db.execute(text("SELECT * FROM sign_in"))]))
        kept += " ".join(map(str, db.execute(text("SELECT * FROM audit_entry"))))
    assert "nora@example.com" in kept  # the control: what is kept is found
    assert PASSWORD not in kept
    assert cookie not in kept


def test_a_cookie_is_good_until_it_ends_and_for_nobody_else(staff: Staff) -> None:
    cookie = sessions.start(staff.rep)
    session = sessions.of_cookie(cookie)
    assert session is not None
    assert sessions.person_of(session.id) == staff.rep
    assert sessions.of_cookie(cookie + "x") is None
    assert sessions.of_cookie("") is None
    sessions.end(session.id)
    assert sessions.of_cookie(cookie) is None
    assert sessions.person_of(session.id) is None
    sessions.end(session.id)  # twice is no harm


def test_a_sign_in_ends_by_itself_after_two_weeks(staff: Staff) -> None:
    almost = sessions.start(staff.rep, at=now() - sessions.LASTS + timedelta(minutes=1))
    over = sessions.start(staff.rep, at=now() - sessions.LASTS - timedelta(seconds=1))
    assert sessions.of_cookie(almost) is not None
    assert sessions.of_cookie(over) is None
    with store.reading() as db:
        ended = db.exec(select(Session).where(Session.ends_at < now())).one()
    assert sessions.person_of(ended.id) is None


def test_somebody_who_is_disabled_is_out_at_once_everywhere(staff: Staff) -> None:
    cookies = [sessions.start(staff.rep) for _ in range(3)]
    known = [sessions.of_cookie(cookie) for cookie in cookies]
    stays = sessions.start(staff.lead)
    people.disable(staff.rep.id, by=staff.admin)
    assert [sessions.of_cookie(cookie) for cookie in cookies] == [None] * 3
    assert [sessions.person_of(session.id) for session in known if session] == [None] * 3
    assert sessions.of_cookie(stays) is not None
    assert session_count() == 1


def test_a_sign_in_begun_just_after_the_account_was_disabled_opens_nothing(staff: Staff) -> None:
    people.disable(staff.rep.id, by=staff.admin)
    session = sessions.of_cookie(sessions.start(staff.rep))
    assert session is None or sessions.person_of(session.id) is None


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
    sessions.start(staff.lead)
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


# Roles


def second_admin(staff: Staff) -> Person:
    return people.add("Amir", "amir@example.com", "admin", by=people.console())


def now_is(person: Person) -> Person:
    found = people.get(person.id)
    assert found is not None
    return found


def test_one_admin_makes_reps_and_engineers_and_never_themselves(staff: Staff) -> None:
    assert people.set_role(staff.rep.id, "engineer", by=staff.admin).role == "engineer"
    with pytest.raises(Refused, match="nobody changes their own role"):
        people.set_role(staff.admin.id, "rep", by=staff.admin)
    with pytest.raises(Refused, match="no role 'owner'"):
        people.set_role(staff.rep.id, "owner", by=staff.admin)
    for role in people.GRANTED_BY_TWO:
        with pytest.raises(Denied):
            people.set_role(staff.rep.id, role, by=staff.admin)
    with pytest.raises(Denied):
        people.set_role(staff.rep.id, "rep", by=staff.lead)


def test_with_two_admins_even_the_console_grants_no_weighty_role(staff: Staff) -> None:
    assert people.set_role(staff.rep.id, "lead", by=people.console()).role == "lead"  # the control: one admin alone cannot decide
    second_admin(staff)
    for act in (
        lambda: people.set_role(staff.rep.id, "admin", by=people.console()),
        lambda: people.add("Nils", "nils@example.com", "lead", by=people.console()),
    ):
        with pytest.raises(Refused, match="there are two admins, so one proposes"):
            act()


def granted(staff: Staff, person: Person, role: str) -> Proposal:
    amir = second_admin(staff)
    proposal = people.propose_role(person.id, role, why="Leads the night shift.", by=staff.admin)
    approvals.approve(proposal.id, by=amir)
    return proposal


def test_two_admins_make_a_lead(staff: Staff) -> None:
    proposal = granted(staff, staff.rep, "lead")
    assert proposal.evidence["sentence"] == "Rita, now a rep in Oak, would be a lead."
    assert now_is(staff.rep).role == "rep"
    people.grant_role(proposal.id)
    assert now_is(staff.rep).role == "lead"
    assert audit.newest(by=staff.admin)[0].sentence == "Made Rita a lead."


def test_a_role_is_not_granted_to_who_is_not_what_they_were(staff: Staff) -> None:
    proposal = granted(staff, staff.rep, "lead")
    people.set_role(staff.rep.id, "engineer", by=staff.admin)
    with pytest.raises(Refused, match="Rita is not what they were when it was proposed"):
        people.grant_role(proposal.id)
    assert now_is(staff.rep).role == "engineer"


def test_nobody_approves_their_own_promotion(staff: Staff) -> None:
    amir = second_admin(staff)
    for role, why_not in (("rep", "one admin alone makes somebody a rep"), ("admin", "Amir is an admin already")):
        with pytest.raises(Refused, match=why_not):
            people.propose_role(amir.id, role, why="x", by=staff.admin)
    people.disable(amir.id, by=staff.admin)
    proposal = people.propose_role(amir.id, "lead", why="Comes back.", by=staff.admin)
    assert approvals.may_decide(proposal, staff.admin) is not None and set(proposal.authors) == {staff.admin.id, amir.id}


def test_a_lead_or_an_admin_comes_back_by_proposal_alone(staff: Staff) -> None:
    second_admin(staff)
    for person in (staff.rep, staff.lead):
        people.disable(person.id, by=staff.admin)
    with pytest.raises(Refused, match=r"Leo is a lead\. Propose the role again"):
        people.enable(staff.lead.id, by=staff.admin)
    with pytest.raises(Refused, match="there are two admins"):
        people.enable(staff.lead.id, by=people.console())
    assert people.enable(staff.rep.id, by=staff.admin).disabled_at is None
    with pytest.raises(Refused, match="Rita is active"):
        people.enable(staff.rep.id, by=staff.admin)


def test_who_moves_to_another_team_reaches_that_teams_things(staff: Staff) -> None:
    assert people.move(staff.rep.id, staff.fern.id, by=staff.admin).team_id == staff.fern.id
    assert people.move(staff.rep.id, None, by=staff.admin).team_id is None
    for team_id, by, told in (("nothing", staff.admin, "no such team"), (staff.oak.id, staff.lead, "may not change")):
        with pytest.raises(Refused, match=told):
            people.move(staff.rep.id, team_id, by=by)


# Ways in


def test_an_invitation_opens_once_and_the_password_is_the_persons_own(staff: Staff) -> None:
    ticket = people.invite(staff.rep.id, by=staff.admin)
    with pytest.raises(Refused, match="the password has 5 characters"):
        people.welcome(ticket, password="short")
    assert people.welcome(ticket, password=PASSWORD).id == staff.rep.id  # a weak one did not use it up
    assert sessions.check_password("rita@example.com", PASSWORD) is not None
    for used in (ticket, "nothing", ""):
        with pytest.raises(Refused, match="This link opens nothing"):
            people.welcome(used, password=PASSWORD)


def test_a_new_invitation_closes_every_way_in_that_was_open_before(staff: Staff) -> None:
    """Whoever made the earlier one could have kept it: an account has the one opener that is on the record."""
    older = people.invite(staff.rep.id, by=staff.admin)
    amir = second_admin(staff)
    linked = people.link(people.welcome(older, password=PASSWORD), "https://idp.example", "rita-1")
    kept = people.invite(staff.rep.id, by=staff.admin)
    cookie = sessions.start(linked)
    ticket = people.invite(staff.rep.id, by=amir)
    with pytest.raises(Refused, match="This link opens nothing"):
        people.welcome(kept, password=PASSWORD)
    assert sessions.of_cookie(cookie) is None and sessions.check_password("rita@example.com", PASSWORD) is None
    assert people.by_company_account("https://idp.example", "rita-1") is None
    assert now_is(staff.rep).let_in_by == amir.id
    assert people.welcome(ticket, password=PASSWORD).id == staff.rep.id  # the control: the last one opens


def test_the_person_is_told_when_somebody_makes_a_new_way_into_their_account(staff: Staff) -> None:
    people.welcome(people.invite(staff.rep.id, by=staff.admin), password=PASSWORD)
    assert inbox.of(staff.rep) == []  # the first one is no news
    people.invite(staff.rep.id, by=staff.admin)
    assert "Ada made a new link to your account" in inbox.of(staff.rep)[0].sentence


def test_nobody_is_invited_who_is_out_or_a_demo_or_by_who_may_not(staff: Staff) -> None:
    demo = people.add("Demo", "demo@example.com", "rep", by=staff.admin, demo=True)
    ticket = people.invite(staff.other.id, by=staff.admin)
    people.disable(staff.other.id, by=staff.admin)
    for person_id, by, told in (
        (demo.id, staff.admin, "is a demo account"), (staff.other.id, staff.admin, "Olga is disabled"),
        ("nobody", staff.admin, "no such person"), (staff.rep.id, staff.lead, "may not change"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=told):
            people.invite(person_id, by=by)
    with pytest.raises(Refused, match="This link opens nothing"):
        people.welcome(ticket, password=PASSWORD)


def test_a_changed_password_ends_all_other_sign_ins(staff: Staff) -> None:
    nora = people.add("Nora", "nora@example.com", "rep", by=people.console(), password=PASSWORD)
    here, there = sessions.start(nora), sessions.start(nora)
    session = sessions.of_cookie(here)
    assert session is not None
    for given, wanted, by, told in (
        ("wrong", PASSWORD * 2, nora, "that is not your password now"), (PASSWORD, "short", nora, "has 5 characters"),
        (PASSWORD, "quite another sentence", tokens.narrowed(nora, ["read"]), "only the person themselves"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=told):
            people.change_password(given, wanted, by=by)
    assert people.change_password(PASSWORD, "quite another sentence", by=nora, keep_session=session.id) == 1
    assert sessions.of_cookie(here) is not None and sessions.of_cookie(there) is None
    assert sessions.check_password("nora@example.com", PASSWORD) is None


def test_a_company_account_belongs_to_one_person(staff: Staff) -> None:
    people.link(staff.rep, "https://idp.example", "1")
    with pytest.raises(Refused, match="belongs to another person here"):
        people.link(staff.lead, "https://idp.example", "1")
    with pytest.raises(Refused, match="linked to another company account"):
        people.link(staff.rep, "https://idp.example", "2")
    found = [people.by_company_account(*pair) for pair in (("https://idp.example", "1"), ("https://other.example", "1"), ("", ""))]
    assert [person and person.name for person in found] == ["Rita", None, None]
    people.disable(staff.rep.id, by=staff.admin)
    assert people.by_company_account("https://idp.example", "1") is None


def test_the_only_way_in_is_not_unlinked(staff: Staff) -> None:
    people.link(staff.rep, "https://idp.example", "1")
    with pytest.raises(Refused, match="it is your only way to sign in"):
        people.unlink(by=staff.rep)
    nora = people.add("Nora", "nora@example.com", "rep", by=people.console(), password=PASSWORD)
    people.link(nora, "https://idp.example", "2")
    people.unlink(by=nora)
    assert people.by_company_account("https://idp.example", "2") is None


@pytest.mark.parametrize("email", ["a,b@example.com", "<a@example.com", "a@example.com>", "a;b@example.com", "a:b@example.com", 'a"b@x.de'])
def test_an_address_that_mail_programs_read_as_two_is_none(email: str) -> None:
    with pytest.raises(Refused, match="is not an e-mail address"):
        people._check("Nils", email, "rep", None)
