"""The second person: nobody says yes to their own work, what was approved is what is done, and it is done once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select

from data import approvals, audit, people, store
from data.errors import Denied, Refused
from data.tables import Approval, Person, Proposal, Task
from data.values import now
from tests.conftest import SOAK, Staff
from tests.test_data_store import at_once

KIND = "ship_classifier"
ROUNDS = 500 if SOAK else 20


def proposed(by: Person, *, authors: tuple[str, ...] = (), title: str = "ship version 1", at: Any = None, **payload: Any) -> Proposal:
    with store.writing() as db:
        told = {"target_number": 1, **payload}
        return approvals.propose(db, KIND, title, told, why="It is better.", evidence={}, authors=list(authors), by=by, at=at)


def execute(proposal: Proposal, at: Any = None) -> Person:
    with store.writing() as db:
        return approvals.begin_execution(db, proposal.id, KIND, at=at)[1]


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
    assert approvals.approvers([proposal])[proposal.id].approver_id == staff.lead.id


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
        approver = approvals.approvers([proposal])[proposal.id].approver_id
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
