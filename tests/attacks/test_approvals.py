"""One person cannot be two: every way to say yes to one's own work fails, the honest way works (SAFETY 21, section 4)."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, func, select

from data import approvals, deputies, people, sessions, settings, store, tokens
from data.access import SCOPES
from data.errors import Refused
from data.tables import Approval, Person, Proposal
from data.values import now
from tests.conftest import SOAK, Staff

PASSWORD = "a sentence nobody guesses"
LIGHT, HEAVY = "ship_classifier", "restore"


def proposed(by: Person, kind: str = LIGHT, *, authors: tuple[Person, ...] = (), needs: int = 1) -> Proposal:
    with store.writing() as db:
        told: dict[str, Any] = {"why": "x", "evidence": {}, "authors": [author.id for author in authors], "by": by, "needs": needs}
        return approvals.propose(db, kind, f"a {kind}", {"number": 1}, **told)


def execute(proposal: Proposal) -> None:
    with store.writing() as db:
        approvals.begin_execution(db, proposal.id, proposal.kind)


def current(person: Person) -> Person:
    """As a page sees them: looked up again."""
    found = people.get(person.id)
    assert found is not None
    return found


def approve(proposal: Proposal, by: Person) -> None:
    approvals.approve(proposal.id, by=by)


def write(statement: Any, values: dict[str, Any] | None = None) -> None:
    with store.writing() as db:
        db.execute(statement, values or {})


def set_person(person: Person, **values: Any) -> None:
    write(update(Person).where(col(Person.id) == person.id).values(**values))


def admin(name: str, by: Person | None = None) -> Person:
    """A second admin; with by: made by that admin while there was but one, then raised on the console."""
    made = people.add(name, f"{name.lower()}@example.com", "rep", by=by or people.console())
    set_person(made, role="admin")
    return current(made)


# Each trick tries to have its proposal carried out, with whatever it takes. What it raises on its way is its own affair.


def own_yes(staff: Staff) -> Proposal:
    proposal = proposed(staff.lead)
    attempt(lambda: approve(proposal, staff.lead))
    return proposal


def own_yes_in_other_words(staff: Staff) -> Proposal:
    """The same person, looked up again and renamed."""
    proposal = proposed(staff.lead)
    set_person(staff.lead, name="Somebody Else", email="else@example.com")
    attempt(lambda: approve(proposal, current(staff.lead)))
    return proposal


def trainers_yes(staff: Staff) -> Proposal:
    proposal = proposed(staff.rep, authors=(staff.engineer,))
    attempt(lambda: approve(proposal, staff.engineer))
    return proposal


def second_account_made_by_the_proposer(staff: Staff) -> Proposal:
    second = admin("Second", by=staff.admin)
    proposal = proposed(staff.admin, HEAVY)
    attempt(lambda: approve(proposal, second))
    return proposal


def account_that_made_the_proposer(staff: Staff) -> Proposal:
    second = admin("Second", by=staff.admin)
    proposal = proposed(second, HEAVY)
    attempt(lambda: approve(proposal, staff.admin))
    return proposal


def account_entered_by_a_new_link(staff: Staff) -> Proposal:
    """The proposer makes a link to the other admin's account and walks in with it."""
    other = admin("Other")
    proposal = proposed(staff.admin, HEAVY)
    entered = people.welcome(people.invite(other.id, by=staff.admin), password=PASSWORD)
    attempt(lambda: approve(proposal, current(entered)))
    return proposal


def account_entered_by_an_older_link(staff: Staff) -> Proposal:
    """The proposer kept a link from earlier; meanwhile another admin made a new one, so the record names that admin."""
    other, third = admin("Other"), admin("Third")
    kept = people.invite(other.id, by=staff.admin)
    people.invite(other.id, by=third)
    proposal = proposed(staff.admin, HEAVY)

    def walk_in() -> None:
        entered = people.welcome(kept, password=PASSWORD)
        approve(proposal, current(entered))

    attempt(walk_in)
    return proposal


def account_entered_by_a_company_account_linked_earlier(staff: Staff) -> Proposal:
    other, third = admin("Other"), admin("Third")
    people.welcome(people.invite(other.id, by=staff.admin), issuer="https://idp.example", subject="ada's second")
    people.invite(other.id, by=third)
    proposal = proposed(staff.admin, HEAVY)

    def walk_in() -> None:
        entered = people.by_company_account("https://idp.example", "ada's second")
        assert entered is not None
        approve(proposal, entered)

    attempt(walk_in)
    return proposal


def token_of_the_proposer(staff: Staff) -> Proposal:
    proposal = proposed(staff.lead)
    for scopes in (list(SCOPES), ["agent"], []):
        attempt(lambda scopes=scopes: approve(proposal, tokens.narrowed(staff.lead, scopes)))
    return proposal


def token_of_an_approver(staff: Staff) -> Proposal:
    """A program that holds another lead's token says yes in the lead's name."""
    proposal = proposed(staff.lead)
    secret = tokens.issue("x", list(SCOPES), staff.other, by=people.console())
    program = tokens.person_of(secret)
    assert program is not None
    attempt(lambda: approve(proposal, program))
    return proposal


def approver_who_lost_the_role(staff: Staff) -> Proposal:
    proposal = proposed(staff.rep)
    approve(proposal, staff.lead)
    set_person(staff.lead, role="rep")
    return proposal


def approver_who_was_disabled(staff: Staff) -> Proposal:
    proposal = proposed(staff.rep)
    approve(proposal, staff.lead)
    people.disable(staff.lead.id, by=staff.admin)
    return proposal


def proposer_who_was_disabled(staff: Staff) -> Proposal:
    proposal = proposed(staff.rep)
    approve(proposal, staff.lead)
    people.disable(staff.rep.id, by=staff.admin)
    return proposal


def proposer_who_lost_the_right(staff: Staff) -> Proposal:
    proposal = proposed(staff.engineer, "change_gate")
    approve(proposal, staff.lead)
    set_person(staff.engineer, role="rep")
    return proposal


def disabled_person_with_an_old_page(staff: Staff) -> Proposal:
    """The sign-in ends with the account: the page's next look finds nobody."""
    proposal = proposed(staff.rep)
    session = sessions.of_cookie(sessions.start(staff.lead))
    assert session is not None
    people.disable(staff.lead.id, by=staff.admin)
    by = sessions.person_of(session.id)
    assert by is None
    attempt(lambda: approve(proposal, current(staff.lead)))
    return proposal


def edited_before_the_yes(staff: Staff) -> Proposal:
    proposal = proposed(staff.rep)
    write(update(Proposal).where(col(Proposal.id) == proposal.id).values(payload={"number": 2}))
    attempt(lambda: approve(proposal, staff.lead))
    return proposal


def edited_after_the_yes(staff: Staff) -> Proposal:
    proposal = proposed(staff.rep)
    approve(proposal, staff.lead)
    write(update(Proposal).where(col(Proposal.id) == proposal.id).values(payload={"number": 2}))
    return proposal


def edited_with_its_hash(staff: Staff) -> Proposal:
    """The payload and its hash together: the approval's foreign key holds the old one."""
    proposal = proposed(staff.rep)
    approve(proposal, staff.lead)
    payload = {"number": 2}
    values = {"payload": payload, "payload_sha": approvals.payload_digest(payload)}
    attempt(lambda: write(update(Proposal).where(col(Proposal.id) == proposal.id).values(**values)))
    write(update(Proposal).where(col(Proposal.id) == proposal.id).values(payload=payload))
    return proposal


def both_of_two_by_one(staff: Staff) -> Proposal:
    proposal = proposed(staff.engineer, needs=2)
    for _ in range(3):
        attempt(lambda: approve(proposal, staff.lead))
    return proposal


def second_of_two_by_the_proposer(staff: Staff) -> Proposal:
    proposal = proposed(staff.engineer, needs=2)
    approve(proposal, staff.lead)
    attempt(lambda: approve(proposal, staff.engineer))
    return proposal


def inserted(proposal: Proposal, approver: Person, **other: Any) -> None:
    row = {"payload_sha": proposal.payload_sha, "proposer_id": proposal.proposer_id, **other}
    with store.writing() as db:
        db.add(Approval(proposal_id=proposal.id, approver_id=approver.id, **row))
        db.flush()
        db.execute(update(Proposal).where(col(Proposal.id) == proposal.id).values(state="approved"))


def own_yes_by_sql(staff: Staff) -> Proposal:
    proposal = proposed(staff.lead)
    attempt(lambda: inserted(proposal, staff.lead))
    attempt(lambda: inserted(proposal, staff.lead, proposer_id=staff.rep.id))
    return proposal


def second_yes_of_one_by_sql(staff: Staff) -> Proposal:
    proposal = proposed(staff.engineer, needs=2)
    approve(proposal, staff.lead)
    attempt(lambda: inserted(proposal, staff.lead))
    return proposal


def reps_yes_by_sql(staff: Staff) -> Proposal:
    proposal = proposed(staff.lead)
    inserted(proposal, staff.rep)
    return proposal


def state_by_sql(staff: Staff) -> Proposal:
    proposal = proposed(staff.lead)
    write(text("UPDATE proposal SET state = 'approved', needs = 0 WHERE id = :id"), {"id": proposal.id})
    return proposal


def marked_as_self_approved_by_sql(staff: Staff) -> Proposal:
    proposal = proposed(staff.lead)
    write(text("UPDATE proposal SET state = 'approved', self_approved = (1 = 1) WHERE id = :id"), {"id": proposal.id})
    return proposal


def authors_emptied_by_sql(staff: Staff) -> Proposal:
    proposal = proposed(staff.lead)
    write(update(Proposal).where(col(Proposal.id) == proposal.id).values(authors=[]))
    attempt(lambda: approve(proposal, staff.lead))
    return proposal


def declared_emergency(staff: Staff) -> Person:
    other = admin("Other")
    emergency = settings.propose_emergency(why="x", by=staff.admin)
    approve(emergency, other)
    settings.carry_out(emergency.id, "emergency")
    return other


def own_in_an_emergency(staff: Staff) -> Proposal:
    declared_emergency(staff)
    proposal = proposed(staff.admin, HEAVY)
    attempt(lambda: approve(proposal, staff.admin))
    return proposal


def built_in_an_emergency(staff: Staff) -> Proposal:
    declared_emergency(staff)
    proposal = proposed(staff.rep, authors=(staff.admin,))
    attempt(lambda: approve(proposal, staff.admin))
    return proposal


def emergency_by_one_admin(staff: Staff) -> Proposal:
    proposal = settings.propose_emergency(why="x", by=staff.admin)
    attempt(lambda: approve(proposal, staff.admin))
    return proposal


def rep_in_an_emergency(staff: Staff) -> Proposal:
    declared_emergency(staff)
    proposal = proposed(staff.lead)
    attempt(lambda: approve(proposal, staff.rep))
    return proposal


def deputy_without_the_right(staff: Staff) -> Proposal:
    """A lead who stands in for a lead decides nothing that admins decide."""
    deputies.name(staff.other.id, starts_at=now(), ends_at=now() + timedelta(days=1), by=staff.lead)
    proposal = proposed(staff.admin, HEAVY)
    attempt(lambda: approve(proposal, staff.other))
    return proposal


def rep_as_deputy(staff: Staff) -> Proposal:
    proposal = proposed(staff.lead)
    attempt(lambda: deputies.name(staff.rep.id, starts_at=now(), ends_at=now() + timedelta(days=1), by=staff.lead))
    attempt(lambda: approve(proposal, staff.rep))
    return proposal


def proposer_as_the_approvers_deputy(staff: Staff) -> Proposal:
    deputies.name(staff.lead.id, starts_at=now(), ends_at=now() + timedelta(days=1), by=staff.other)
    proposal = proposed(staff.lead)
    attempt(lambda: approve(proposal, staff.lead))
    return proposal


def the_console(staff: Staff) -> Proposal:
    proposal = proposed(staff.lead)
    attempt(lambda: approve(proposal, people.console()))
    return proposal


def own_promotion(staff: Staff) -> Proposal:
    """An admin is proposed by another and says yes themselves: what they would become is their own affair."""
    other = admin("Other")
    proposal = people.propose_role(other.id, "lead", why="x", by=staff.admin)
    attempt(lambda: approve(proposal, current(other)))
    return proposal


def too_late(staff: Staff) -> Proposal:
    proposal = proposed(staff.rep)
    approvals.approve(proposal.id, by=staff.lead, at=now() - timedelta(hours=25))
    return proposal


TRICKS: list[Callable[[Staff], Proposal]] = [
    own_yes, own_yes_in_other_words, trainers_yes, second_account_made_by_the_proposer, account_that_made_the_proposer,
    account_entered_by_a_new_link, account_entered_by_an_older_link, account_entered_by_a_company_account_linked_earlier,
    token_of_the_proposer, token_of_an_approver, approver_who_lost_the_role, approver_who_was_disabled, proposer_who_was_disabled,
    proposer_who_lost_the_right, disabled_person_with_an_old_page, edited_before_the_yes, edited_after_the_yes, edited_with_its_hash,
    both_of_two_by_one, second_of_two_by_the_proposer, own_yes_by_sql, second_yes_of_one_by_sql, reps_yes_by_sql, state_by_sql,
    marked_as_self_approved_by_sql, authors_emptied_by_sql, own_in_an_emergency, built_in_an_emergency, emergency_by_one_admin,
    rep_in_an_emergency, deputy_without_the_right, rep_as_deputy, proposer_as_the_approvers_deputy, the_console, own_promotion, too_late,
]  # fmt: skip


def attempt(act: Callable[[], object]) -> None:
    """Whatever stops it: a refusal in words, the database itself, or that there is nobody to be."""
    with suppress(Refused, SQLAlchemyError, AssertionError, ValueError):
        act()


def done() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).where(Proposal.state == "done", Proposal.kind != "emergency")).one()


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_makes_two_persons_of_one(staff: Staff, trick: Callable[[Staff], Proposal]) -> None:
    proposal = trick(staff)
    attempt(lambda: execute(proposal))
    with store.reading() as db:
        assert db.get_one(Proposal, proposal.id, populate_existing=True).state != "done"
    assert done() == 0


@pytest.mark.parametrize("kind", [LIGHT, HEAVY, "change_gate", "change_connection", "issue_token"])
def test_the_honest_way_works(staff: Staff, kind: str) -> None:
    """The control of all of them: somebody proposes, somebody else with the right says yes, it is done, once."""
    proposer, approver = {
        LIGHT: (staff.rep, staff.lead), HEAVY: (staff.admin, admin("Other")), "change_gate": (staff.engineer, staff.lead),
        "change_connection": (staff.engineer, staff.admin), "issue_token": (staff.engineer, staff.admin),
    }[kind]  # fmt: skip
    proposal = proposed(proposer, kind)
    approve(proposal, approver)
    execute(proposal)
    assert done() == 1
    for again in (lambda: execute(proposal), lambda: approve(proposal, approver)):  # and a replay finds it done
        with pytest.raises(Refused):
            again()


def test_who_only_compares_names_lets_the_second_account_through(staff: Staff) -> None:
    """The control: approver is not proposer, asked as it is usually asked, once, before the act."""
    second = admin("Second", by=staff.admin)
    proposal = proposed(staff.admin, HEAVY)
    with store.writing() as db:
        found = db.get_one(Proposal, proposal.id)
        if second.id != found.proposer_id and second.role == "admin":
            found.state = "done"
            db.add(found)
    assert done() == 1


EDITS = 500 if SOAK else 25


def test_no_edit_after_the_yes_is_carried_out_however_small(staff: Staff) -> None:
    executed = 0
    for number in range(EDITS):
        proposal = proposed(staff.rep)
        approve(proposal, staff.lead)
        write(update(Proposal).where(col(Proposal.id) == proposal.id).values(payload={"number": 1, f"and {number}": None}))
        attempt(lambda proposal=proposal: execute(proposal))
        with store.reading() as db:
            executed += db.get_one(Proposal, proposal.id).state == "done"
    honest = proposed(staff.rep)
    approve(honest, staff.lead)
    execute(honest)  # the control: without an edit it is
    print(f"edits after the yes: {EDITS}, carried out: {executed}")
    assert executed == 0
