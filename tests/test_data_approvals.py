"""The second person: nobody says yes to their own work, what was approved is what is done, and it is done once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select

from data import access, approvals, audit, config, deputies, inbox, people, settings, store
from data.errors import Denied, Refused
from data.tables import Approval, AuditEntry, Person, Proposal, Task
from data.values import now
from tests.conftest import SOAK, Staff
from tests.test_data_store import at_once

KIND = "ship_classifier"
ROUNDS = 500 if SOAK else 20


def proposed(by: Person, *, authors: tuple[str, ...] = (), title: str = "ship version 1", at: Any = None, **payload: Any) -> Proposal:
    with store.writing() as db:
        told = {"target_number": 1, **payload}
        return approvals.propose(db, KIND, title, told, why="It is better.", evidence={}, authors=list(authors), by=by, at=at)


def weighty(by: Person, *, kind: str = "change_gate", needs: int = 1, at: Any = None, **payload: Any) -> Proposal:
    """What much hangs on."""
    with store.writing() as db:
        return approvals.propose(db, kind, "raise the bar", payload, why="x", evidence={}, authors=[], by=by, needs=needs, at=at)


def execute(proposal: Proposal, at: Any = None) -> Person:
    with store.writing() as db:
        return approvals.begin_execution(db, proposal.id, proposal.kind, at=at)[1]


def state(proposal: Proposal) -> str:
    with store.reading() as db:
        return db.get_one(Proposal, proposal.id, populate_existing=True).state


def approval_count(proposal: Proposal) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Approval).where(Approval.proposal_id == proposal.id)).one()


def set_person(person: Person, **values: Any) -> Person:
    with store.writing() as db:
        db.execute(update(Person).where(col(Person.id) == person.id).values(**values))
    found = people.get(person.id)
    assert found is not None
    return found


def test_a_proposal_says_why(staff: Staff) -> None:
    with pytest.raises(Refused, match="say in a sentence why"), store.writing() as db:
        approvals.propose(db, KIND, "ship", {}, why=" \n", evidence={}, authors=[], by=staff.rep)
    assert approvals.waiting(by=staff.lead) == []


def test_a_proposer_cannot_approve_their_own_proposal(staff: Staff) -> None:
    proposal = proposed(staff.lead)
    with pytest.raises(Denied, match=r"Leo proposed or built this\. A second person has to look at it"):
        approvals.approve(proposal.id, by=staff.lead)
    assert (state(proposal), approval_count(proposal)) == ("open", 0)
    approvals.approve(proposal.id, by=staff.other)  # the control: another lead can
    assert (state(proposal), approval_count(proposal)) == ("approved", 1)


def test_who_built_it_cannot_approve_it_either(staff: Staff) -> None:
    proposal = proposed(staff.rep, authors=(staff.engineer.id,))
    with pytest.raises(Denied, match="Emil proposed or built this"):
        approvals.approve(proposal.id, by=staff.engineer)
    assert approval_count(proposal) == 0


def test_who_has_not_the_right_cannot_approve(staff: Staff) -> None:
    proposal = proposed(staff.engineer)
    gone = people.disable(staff.other.id, by=staff.admin)
    for person in (staff.rep, staff.admin, people.console(), gone):
        with pytest.raises(Denied):
            approvals.approve(proposal.id, by=person)
        assert approvals.may_decide(proposal, person) is not None
    assert approvals.may_decide(proposal, staff.lead) is None
    assert approvals.may_decide(proposal, staff.engineer) is not None
    assert (state(proposal), approval_count(proposal)) == ("open", 0)


def insert_approval(proposal: Proposal, approver: Person, **other: Any) -> None:
    with store.writing() as db:
        row = {"payload_sha": proposal.payload_sha, "proposer_id": proposal.proposer_id, **other}
        db.add(Approval(proposal_id=proposal.id, approver_id=approver.id, **row))


def test_the_database_itself_refuses_an_approver_who_is_the_proposer(staff: Staff) -> None:
    proposal = proposed(staff.lead)
    with pytest.raises(IntegrityError, match="approver_is_another_person"):
        insert_approval(proposal, staff.lead)
    with pytest.raises(IntegrityError):  # not by naming another proposer either
        insert_approval(proposal, staff.lead, proposer_id=staff.rep.id)
    with pytest.raises(IntegrityError):  # nor for another payload
        insert_approval(proposal, staff.other, payload_sha="0" * 64)
    assert approval_count(proposal) == 0
    insert_approval(proposal, staff.other)  # the control
    with pytest.raises(IntegrityError):  # twice by the same person
        insert_approval(proposal, staff.other)
    assert approval_count(proposal) == 1


def test_the_proposer_of_an_approved_proposal_cannot_be_written_over(staff: Staff) -> None:
    proposal = proposed(staff.lead)
    approvals.approve(proposal.id, by=staff.other)
    for column, value in (("proposer_id", staff.rep.id), ("payload_sha", "0" * 64)):
        with pytest.raises(IntegrityError), store.writing() as db:
            db.execute(text(f"UPDATE proposal SET {column} = :value WHERE id = :id"), {"value": value, "id": proposal.id})


def test_an_approval_comes_with_its_task_and_its_entry_in_the_record(staff: Staff) -> None:
    proposal = proposed(staff.rep)
    approvals.approve(proposal.id, by=staff.lead, note="Looked at it.")
    with store.reading() as db:
        task = db.exec(select(Task)).one()
        approval = db.exec(select(Approval)).one()
    assert (task.name, task.arguments, task.person_id) == ("carry_out", {"proposal_id": proposal.id}, staff.lead.id)
    assert (approval.approver_id, approval.payload_sha, approval.note) == (staff.lead.id, proposal.payload_sha, "Looked at it.")
    assert [entry.sentence for entry in audit.newest(by=staff.admin, noun="proposal")] == [
        "Approved: ship version 1.",
        "Proposed: ship version 1.",
    ]
    assert approvals.approvers([proposal])[proposal.id][0].approver_id == staff.lead.id


def test_who_comes_second_is_told_who_was_first(staff: Staff) -> None:
    proposal = proposed(staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    with pytest.raises(Refused, match=r"'ship version 1' is already approved by Leo\."):
        approvals.approve(proposal.id, by=staff.other)
    with pytest.raises(Refused, match=r"is already approved by Leo\."):
        approvals.approve(proposal.id, by=staff.lead)
    with pytest.raises(Refused, match=r"is already approved by Leo\."):
        approvals.refuse(proposal.id, by=staff.engineer, why="No.")
    assert approval_count(proposal) == 1


def test_of_two_leads_who_approve_at_once_one_is_told_by_whom_it_was(staff: Staff) -> None:
    for number in range(ROUNDS):
        proposal = proposed(staff.rep, title=f"ship version {number}")
        done = at_once(*(lambda made=proposal, by=by: approvals.approve(made.id, by=by) for by in (staff.lead, staff.other)))
        refused = [one for one in done if isinstance(one, Refused)]
        assert approval_count(proposal) == len(refused) == 1
        approver = approvals.approvers([proposal])[proposal.id][0].approver_id
        assert f"is already approved by {people.names()[approver]}." in str(refused[0])
    with store.reading() as db:
        assert db.exec(select(func.count()).select_from(Task)).one() == ROUNDS
    assert audit.first_broken() is None


def test_without_compare_and_set_two_leads_both_approve(staff: Staff) -> None:
    """The control: look, then act, as it is usually written."""
    proposal, both_looked = proposed(staff.rep), threading.Barrier(2)

    def naive(by: Person) -> None:
        with store.reading() as db:
            assert db.get_one(Proposal, proposal.id).state == "open"
        both_looked.wait()
        with store.writing() as db:
            insert = Approval(
                proposal_id=proposal.id, approver_id=by.id, payload_sha=proposal.payload_sha, proposer_id=proposal.proposer_id
            )
            db.add(insert)
            db.get_one(Proposal, proposal.id).state = "approved"

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(naive, (staff.lead, staff.other)))
    assert approval_count(proposal) == 2


def test_of_an_approval_and_a_refusal_at_once_one_counts(staff: Staff) -> None:
    ways: list[Callable[[Proposal], Any]] = [
        lambda made: approvals.refuse(made.id, by=staff.other, why="No."),
        lambda made: approvals.withdraw(made.id, by=staff.rep),
    ]
    for number in range(ROUNDS // 2):
        proposal = proposed(staff.rep)
        done = at_once(
            lambda made=proposal: approvals.approve(made.id, by=staff.lead), lambda made=proposal, way=ways[number % 2]: way(made)
        )
        assert sorted(type(one).__name__ for one in done) == ["Proposal", "Refused"]
        assert (state(proposal) == "approved") == (approval_count(proposal) == 1)


def test_what_was_approved_is_done_once_however_many_try(staff: Staff) -> None:
    for _ in range(ROUNDS):
        proposal = proposed(staff.rep)
        approvals.approve(proposal.id, by=staff.lead)
        done = at_once(*[lambda made=proposal: execute(made)] * 3)
        assert sorted(type(one).__name__ for one in done) == ["Person", "Refused", "Refused"]
        assert {str(one) for one in done if isinstance(one, Refused)} <= {
            "Not carried out: 'ship version 1' is done.",
            "Nothing was decided: 'ship version 1' is already done by Leo.",
        }
        assert state(proposal) == "done"


def test_what_was_not_approved_is_not_done(staff: Staff) -> None:
    waiting, refused = proposed(staff.rep), proposed(staff.rep)
    approvals.refuse(refused.id, by=staff.lead, why="Not yet.")
    for proposal, told in ((waiting, "is open"), (refused, "is refused")):
        with pytest.raises(Refused, match=told):
            execute(proposal)
    with pytest.raises(Refused), store.writing() as db:
        approvals.begin_execution(db, waiting.id, "something_else")


def change_payload(proposal: Proposal) -> None:
    with store.writing() as db:
        db.execute(update(Proposal).where(col(Proposal.id) == proposal.id).values(payload={"target_number": 2}))


def test_an_edit_after_the_proposal_voids_it(staff: Staff) -> None:
    proposal = proposed(staff.rep)
    change_payload(proposal)
    with pytest.raises(Refused, match=r"was changed after it was proposed\. Propose it again"):
        approvals.approve(proposal.id, by=staff.lead)
    assert (state(proposal), approval_count(proposal)) == ("open", 0)


def test_an_edit_after_the_approval_voids_it(staff: Staff) -> None:
    proposal = proposed(staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    change_payload(proposal)
    with pytest.raises(Refused, match=r"is not what was approved\. Propose it again"):
        execute(proposal)
    assert state(proposal) == "approved"


def test_the_digest_changes_with_anything_in_the_payload_but_not_with_its_order() -> None:
    one = approvals.payload_digest({"a": 1, "b": {"c": [1, 2]}})
    assert one == approvals.payload_digest({"b": {"c": [1, 2]}, "a": 1})
    others = (
        {"a": 2, "b": {"c": [1, 2]}},
        {"a": 1, "b": {"c": [2, 1]}},
        {"a": "1", "b": {"c": [1, 2]}},
        {"a": 1, "b": {"c": [1, 2]}, "d": None},
    )
    assert one not in {approvals.payload_digest(other) for other in others}


def test_an_approval_lapses_after_a_day(staff: Staff) -> None:
    at = now()
    for late, wait in ((False, timedelta(hours=23, minutes=59)), (True, timedelta(hours=24, seconds=1))):
        proposal = proposed(staff.rep, at=at)
        approvals.approve(proposal.id, by=staff.lead, at=at)
        if late:
            with pytest.raises(Refused, match=r"is older than 24 hours\. Propose it again"):
                execute(proposal, at + wait)
        else:
            assert execute(proposal, at + wait) == staff.lead
        assert state(proposal) == ("approved" if late else "done")


def test_a_proposal_that_lapsed_can_no_longer_be_approved(staff: Staff) -> None:
    long_ago = now() - approvals.WAITS - timedelta(minutes=1)
    old, young = proposed(staff.rep, at=long_ago), proposed(staff.rep, at=long_ago + timedelta(minutes=2))
    assert approvals.waiting(by=staff.lead) == [young]
    approvals.approve(young.id, by=staff.lead)  # the control
    with pytest.raises(Refused, match="lapsed"):
        approvals.approve(old.id, by=staff.lead)
    assert approval_count(old) == 0


def test_a_proposal_that_lapsed_does_not_stand_in_the_way_of_a_new_one(staff: Staff) -> None:
    proposed(staff.rep, at=now() - approvals.WAITS - timedelta(minutes=1))
    assert approvals.open_for(KIND, target_number=1) is None
    young = proposed(staff.rep)
    assert approvals.open_for(KIND, target_number=1) == young
    assert approvals.open_for(KIND, target_number=2) is None


def test_the_rights_of_both_are_asked_for_again_when_it_is_done(staff: Staff) -> None:
    cases: list[tuple[Person, dict[str, Any], str]] = [
        (staff.lead, {"role": "rep"}, "a rep may not approve"),
        (staff.lead, {"disabled_at": now()}, "this account is disabled"),
        (staff.engineer, {"disabled_at": now()}, "Emil, who proposed it, is no longer active"),
        (staff.engineer, {"role": "admin"}, "may not propose"),
    ]
    for person, change, told in cases:
        before = {name: getattr(people.get(person.id), name) for name in change}
        proposal = proposed(staff.engineer)
        approvals.approve(proposal.id, by=staff.lead)
        set_person(person, **change)
        with pytest.raises(Refused, match=told):
            execute(proposal)
        assert state(proposal) == "approved"
        set_person(person, **before)
        assert execute(proposal) == staff.lead  # the control: with the right again it is done


def test_who_turns_out_to_have_built_it_cannot_have_approved_it(staff: Staff) -> None:
    proposal = proposed(staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    with store.writing() as db:
        db.execute(update(Proposal).where(col(Proposal.id) == proposal.id).values(authors=[staff.rep.id, staff.lead.id]))
    with pytest.raises(Denied, match="Leo proposed or built this"):
        execute(proposal)
    assert state(proposal) == "approved"


def test_what_somebody_proposed_who_has_left_is_not_approved(staff: Staff) -> None:
    proposal = proposed(staff.rep)
    people.disable(staff.rep.id, by=staff.admin)
    with pytest.raises(Refused, match="Rita, who proposed it, is no longer active"):
        approvals.approve(proposal.id, by=staff.lead)
    assert approval_count(proposal) == 0


def test_only_the_proposer_withdraws_and_then_nobody_approves(staff: Staff) -> None:
    proposal = proposed(staff.rep)
    with pytest.raises(Denied, match="only the person who proposed it"):
        approvals.withdraw(proposal.id, by=staff.lead)
    approvals.withdraw(proposal.id, by=staff.rep)
    with pytest.raises(Refused, match="is already withdrawn"):
        approvals.approve(proposal.id, by=staff.lead)


def test_a_refusal_needs_the_right_and_a_reason(staff: Staff) -> None:
    proposal = proposed(staff.lead)
    with pytest.raises(Denied, match="a rep may not approve"):
        approvals.refuse(proposal.id, by=staff.rep, why="I do not like it.")
    with pytest.raises(Refused, match="say why"):
        approvals.refuse(proposal.id, by=staff.other, why=" ")
    assert state(proposal) == "open"
    assert approvals.refuse(proposal.id, by=staff.other, why=" It is slow. ").outcome == "It is slow."
    assert [made.id for made in approvals.decided(by=staff.rep)] == [proposal.id]


def test_a_proposal_that_nobody_made_is_refused_in_words(staff: Staff) -> None:
    with pytest.raises(Refused, match="there is no such proposal"):
        approvals.approve("nothing", by=staff.lead)


def test_what_could_not_be_carried_out_says_so_and_is_over(staff: Staff) -> None:
    proposal = proposed(staff.rep)
    approvals.fail(proposal.id, "too early")  # not approved: nothing to fail
    assert state(proposal) == "open"
    approvals.approve(proposal.id, by=staff.lead)
    approvals.fail(proposal.id, "The file is gone.")
    assert state(proposal) == "failed"
    with pytest.raises(Refused, match="is failed"):
        execute(proposal)
    assert audit.newest(by=staff.admin)[0].sentence == "Was not carried out: ship version 1. The file is gone."


# More than one approver


def test_what_needs_two_is_not_done_on_the_word_of_one(staff: Staff) -> None:
    proposal = weighty(staff.engineer, needs=2)
    approvals.approve(proposal.id, by=staff.lead)
    assert (state(proposal), approval_count(proposal)) == ("open", 1)
    with pytest.raises(Refused, match="is open"):
        execute(proposal)
    with pytest.raises(Refused, match=r"you approved 'raise the bar' already\. It needs another person too"):
        approvals.approve(proposal.id, by=staff.lead)
    assert approvals.may_decide(proposal, staff.lead) == "You approved this. It needs another person too."
    approvals.approve(proposal.id, by=staff.other)
    assert execute(proposal) == staff.other and state(proposal) == "done"


def test_of_two_second_approvers_at_once_one_counts(staff: Staff) -> None:
    third = people.add("Lars", "lars@example.com", "lead", by=people.console())
    for _ in range(ROUNDS // 4):
        proposal = weighty(staff.engineer, needs=2)
        acts = [lambda by=by, made=proposal: approvals.approve(made.id, by=by) for by in (staff.lead, staff.other, third)]
        done = at_once(*acts)
        assert sorted(type(one).__name__ for one in done) == ["Proposal", "Proposal", "Refused"]
        assert (state(proposal), approval_count(proposal)) == ("approved", 2)
    with store.reading() as db:
        assert db.exec(select(func.count()).select_from(Task)).one() == ROUNDS // 4


def test_one_of_two_approvers_who_lost_the_right_is_enough_to_stop_it(staff: Staff) -> None:
    proposal = weighty(staff.engineer, needs=2)
    for by in (staff.lead, staff.other):
        approvals.approve(proposal.id, by=by)
    set_person(staff.lead, role="rep")
    with pytest.raises(Denied, match="a rep may not approve a gate"):
        execute(proposal)
    set_person(staff.lead, role="lead")
    assert execute(proposal) == staff.other  # the control


# Who gave whom their way in


def test_who_let_somebody_in_does_not_decide_with_them_on_what_is_weighty(staff: Staff) -> None:
    amir = people.add("Amir", "amir@example.com", "admin", by=people.console())
    for let_in, by in ((amir, staff.admin), (staff.admin, amir)):
        set_person(let_in, let_in_by=by.id)
        approver = people.get(amir.id)
        assert approver is not None
        proposal = weighty(staff.admin, kind="restore", name=let_in.name)
        with pytest.raises(Denied, match="one of Amir and Ada gave the other their way into the portal"):
            approvals.approve(proposal.id, by=approver)
        assert "gave the other their way in" in (approvals.may_decide(proposal, approver) or "")
        set_person(let_in, let_in_by=None)
        approvals.approve(proposal.id, by=amir)  # the control
        assert execute(proposal).id == amir.id


def test_a_way_in_that_was_given_after_the_approval_counts_too(staff: Staff) -> None:
    amir = people.add("Amir", "amir@example.com", "admin", by=people.console())
    proposal = weighty(staff.admin, kind="restore")
    approvals.approve(proposal.id, by=amir)
    people.invite(amir.id, by=staff.admin)
    with pytest.raises(Denied, match="gave the other their way in"):
        execute(proposal)


def test_what_one_click_undoes_may_be_decided_by_who_let_the_proposer_in(staff: Staff) -> None:
    engineer = people.add("Eva", "eva@example.com", "engineer", by=staff.admin)
    with store.writing() as db:
        told = {"why": "x", "evidence": {}, "authors": [], "by": engineer}
        proposal = approvals.propose(db, "issue_token", "issue a token", {}, **told)
    assert approvals.approve(proposal.id, by=staff.admin).state == "approved"


# One person alone


def alone(monkeypatch: pytest.MonkeyPatch, four_eyes: str) -> Person:
    monkeypatch.setenv("PORTAL_FOUR_EYES", four_eyes)
    config.reset()
    return people.add("Solo", "solo@example.com", "engineer", by=people.console())


@pytest.mark.usefixtures("home")
def test_who_works_alone_and_said_so_approves_themselves_and_it_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = proposed(alone(monkeypatch, "off"))
    assert (proposal.state, proposal.self_approved, approval_count(proposal)) == ("approved", True, 0)
    with store.reading() as db:
        said = db.exec(select(AuditEntry.sentence).order_by(col(AuditEntry.number).desc())).first()
    assert said == "Self-approved, as nobody else works here: ship version 1."
    assert execute(proposal).name == "Solo" and state(proposal) == "done"


@pytest.mark.usefixtures("home")
def test_working_alone_without_having_said_so_lets_nobody_approve_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = proposed(alone(monkeypatch, "on"))
    assert (proposal.state, proposal.self_approved) == ("open", False)
    assert "Nobody who works here can approve this: it needs a lead or an engineer" in (approvals.nobody_can(proposal) or "")


@pytest.mark.usefixtures("home")
def test_the_second_person_ends_it_also_for_what_was_approved_before(monkeypatch: pytest.MonkeyPatch) -> None:
    solo = alone(monkeypatch, "off")
    proposal = proposed(solo)
    second = people.add("Second", "second@example.com", "rep", by=people.console())
    with pytest.raises(Refused, match="was approved by its proposer, and more than one person works here now"):
        execute(proposal)
    assert proposed(solo).state == "open"
    people.disable(second.id, by=people.console())
    assert execute(proposal) == solo  # the control


@pytest.mark.usefixtures("home")
def test_what_was_self_approved_and_then_edited_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = proposed(alone(monkeypatch, "off"))
    change_payload(proposal)
    with pytest.raises(Refused, match="is not what was approved"):
        execute(proposal)


# An emergency


def declared(staff: Staff, at: Any = None) -> Person:
    """Two admins let admins decide for an hour; returns the second one."""
    amir = people.add("Amir", "amir@example.com", "admin", by=people.console())
    proposal = settings.propose_emergency(why="All leads are ill.", by=staff.admin)
    approvals.approve(proposal.id, by=amir)
    settings.carry_out(proposal.id, "emergency", at=at)
    return amir


def test_in_an_emergency_admins_decide_for_an_hour_and_never_their_own(staff: Staff) -> None:
    proposal = proposed(staff.rep)
    with pytest.raises(Denied, match="an admin may not approve"):
        approvals.approve(proposal.id, by=staff.admin)
    amir = declared(staff)
    built_by_admin = proposed(staff.rep, authors=(staff.admin.id,))
    with pytest.raises(Denied, match="Ada proposed or built this"):
        approvals.approve(built_by_admin.id, by=staff.admin)
    approvals.approve(proposal.id, by=staff.admin)
    assert execute(proposal) == staff.admin
    approvals.approve(built_by_admin.id, by=amir)  # the control: the other one may
    with store.reading() as db:
        until = settings.emergency_until(db)
    assert until is not None and timedelta(minutes=59) < until - now() <= timedelta(hours=1)


def test_after_the_hour_everything_is_as_before(staff: Staff) -> None:
    declared(staff, at=now() - timedelta(minutes=61))
    with pytest.raises(Denied, match="an admin may not approve"):
        approvals.approve(proposed(staff.rep).id, by=staff.admin)
    assert settings.emergency() is None


def test_an_emergency_does_not_prolong_itself_and_gives_no_other_role_anything(staff: Staff) -> None:
    amir = declared(staff)
    again = settings.propose_emergency(why="Still ill.", by=staff.admin)
    for by in (staff.lead, staff.engineer, staff.rep, staff.admin):
        with pytest.raises(Denied):
            approvals.approve(again.id, by=by)
    with pytest.raises(Denied):
        approvals.approve(proposed(staff.lead).id, by=staff.rep)
    assert approvals.approve(again.id, by=amir).state == "approved"


# What waits


def sentences(person: Person) -> list[str]:
    return [item.sentence for item in inbox.of(person)]


def test_those_who_could_decide_are_told_at_once_and_the_authors_what_became_of_it(staff: Staff) -> None:
    proposal = proposed(staff.rep, authors=(staff.engineer.id,))
    asked = "Rita asks you to decide: ship version 1."
    assert [person.name for person in (staff.lead, staff.other, staff.engineer, staff.admin) if asked in sentences(person)] == [
        "Leo",
        "Olga",
    ]
    approvals.approve(proposal.id, by=staff.lead)
    execute(proposal)
    for author in (staff.rep, staff.engineer):
        assert sentences(author) == ["Done: ship version 1.", "Leo approved: ship version 1."]


def test_what_waits_is_reminded_of_three_times_to_those_who_can_still_decide(staff: Staff) -> None:
    began = now()
    proposal = weighty(staff.engineer, needs=2, at=began)
    approvals.approve(proposal.id, by=staff.lead)
    told = []
    for day in range(14):
        for _ in range(2):  # the task runs twice: nobody is told twice
            approvals.remind(at=began + timedelta(days=day, minutes=1))
        told.append(len([said for said in sentences(staff.other) if said.startswith("Still waits")]))
    assert told == [0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3]
    assert "Still waits for a second person, 0 days left: raise the bar." in sentences(staff.other)
    for person in (staff.lead, staff.engineer, staff.rep):  # has said yes, proposed it, may not
        assert not [said for said in sentences(person) if said.startswith("Still waits")]


def test_what_waited_too_long_lapses_and_the_author_is_told(staff: Staff) -> None:
    at = now()
    waited, unused, fresh = (
        proposed(staff.rep, title="a", at=at),
        proposed(staff.rep, title="b", at=at),
        proposed(staff.rep, title="c", at=at),
    )
    for proposal in (unused, fresh):
        approvals.approve(proposal.id, by=staff.lead, at=at if proposal is unused else at + timedelta(hours=23))
    assert approvals.lapse_old(at=at + timedelta(hours=24)) == 0
    assert approvals.lapse_old(at=at + timedelta(hours=25)) == 1
    assert [state(proposal) for proposal in (waited, unused, fresh)] == ["open", "lapsed", "approved"]
    execute(fresh, at + timedelta(hours=25))
    assert approvals.lapse_old(at=at + approvals.WAITS) == 1 and state(waited) == "lapsed" and state(fresh) == "done"
    assert "Lapsed, nobody decided within 14 days: a. You can propose it again." in sentences(staff.rep)
    assert "Lapsed, it was not carried out within 24 hours: b. You can propose it again." in sentences(staff.rep)
    with pytest.raises(Refused, match="is lapsed"):
        execute(unused)


def test_that_nobody_here_can_approve_it_is_said_at_once(staff: Staff) -> None:
    proposal = weighty(staff.admin, kind="restore")
    assert approvals.nobody_can(proposal) == "Nobody who works here can approve this: it needs an admin who neither proposed nor built it."
    let_in = people.add("Amir", "amir@example.com", "admin", by=people.console())
    assert approvals.nobody_can(proposal) is None
    set_person(let_in, let_in_by=staff.admin.id)
    assert approvals.nobody_can(proposal) is not None
    two = weighty(staff.lead, needs=2)  # Olga and Emil are left
    assert approvals.nobody_can(two) is None
    people.disable(staff.engineer.id, by=staff.admin)
    assert approvals.nobody_can(two) is not None
    approvals.approve(two.id, by=staff.other)
    people.enable(staff.engineer.id, by=staff.admin)
    assert approvals.nobody_can(two) is None  # one said yes, one is left


def test_who_could_decide_is_exactly_who_may(staff: Staff) -> None:
    amir = people.add("Amir", "amir@example.com", "admin", by=people.console())
    everybody = [staff.rep, staff.lead, staff.other, staff.engineer, staff.admin, amir]
    deputies.name(staff.other.id, starts_at=now(), ends_at=now() + timedelta(days=2), by=staff.lead)
    for kind, rule in approvals.KINDS.items():
        for proposer in (person for person in everybody if access.may(person, rule.propose)):
            proposal = weighty(proposer, kind=kind, needs=2, of=proposer.id)
            with store.reading() as db:
                named = {person.name for person in approvals.who_could_decide(db, proposal)}
            assert named == {person.name for person in everybody if approvals.may_decide(proposal, person) is None}, kind
            accepted = set()
            for person in everybody:
                with suppress(Refused):
                    approvals.approve(proposal.id, by=person)
                    accepted.add(person.name)
            assert accepted <= named and len(accepted) == min(2, len(named)), kind


def test_the_heaviest_waits_on_top_then_the_oldest(staff: Staff) -> None:
    light, other_light, heavy = proposed(staff.rep), proposed(staff.rep), weighty(staff.lead)
    assert approvals.waiting(by=staff.lead) == [heavy, light, other_light] and approvals.waiting_count() == 3
