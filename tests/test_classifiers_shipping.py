"""Shipping: measured beside what is live, proposed by one person, approved by another, and live only as exactly what was approved."""

import re
from datetime import timedelta

import pytest
import skops.io
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from classifiers import model, serving, shipping, training
from data import approvals, audit, config, inbox, people, releases, reviews, store, tasks, versions
from data.errors import Denied, Refused
from data.tables import Approval, Person, Proposal
from data.values import Target, new_id, now
from evals import freezing, sets
from portal import jobs
from tests import worlds
from tests.conftest import Staff
from tests.test_classifiers_training import frozen_set, reviewed
from tests.test_evals_sets import NAMES, flagged_set, intents

ONE, TWO, THREE = (Target("classifier", "intent", number) for number in (1, 2, 3))


@worlds.remembered
def candidate(staff: Staff, *, by: Person | None = None, learned: bool = True) -> Target:
    """A trained version that was compared; with the first one come its rows and a frozen set of 24 cases."""
    if not versions.all_of("classifier", "intent"):
        with store.writing():
            reviewed(staff, range(1, 61))
            frozen_set(staff, range(61, 85), bar=0.6)
    if not learned:
        shuffle(staff)
    target = versions.target_of(training.train(by=by or staff.rep))
    shipping.evaluate(target, by=by or staff.rep)
    return target


def shuffle(staff: Staff, by: int = 1) -> None:
    """Somebody corrects every review to another intent: what is learned from now on is wrong."""
    with store.writing() as db:
        known = intents(staff)
        following = {known[name]: known[NAMES[(place + by) % len(NAMES)]] for place, name in enumerate(NAMES)}
        for conversation_id, review in reviews.last_said(db).items():
            if review.label_id:
                reviews.record(conversation_id, "weak", label_id=following[review.label_id], by=staff.lead)


@worlds.remembered
def ship(staff: Staff, target: Target) -> None:
    proposal = shipping.propose(target, why="It is better.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.other)
    shipping.ship(proposal.id)
    if releases.under_way("classifier", target.name):  # the steps between are test_classifiers_release's
        with store.writing() as db:
            shipping.put_live(db, target, proposal.id, by=staff.other)
    for task in tasks.waiting():  # carried out
        taken = tasks.take(task.id, "test")
        tasks.finish(taken, "done")


def live() -> Target | None:
    release = releases.live("classifier", "intent")
    return releases.target_of(release) if release else None


def state_of(proposal: Proposal) -> tuple[str, str]:
    with store.reading() as db:
        found = db.get_one(Proposal, proposal.id)
        return found.state, found.outcome


def give_role(person: Person, role: str) -> None:
    """There is no verb for it yet."""
    with store.writing() as db:
        db.execute(text("UPDATE person SET role = :role WHERE id = :id"), {"role": role, "id": person.id})


def test_a_worse_candidate_cannot_be_proposed(staff: Staff) -> None:
    ship(staff, candidate(staff))
    worse = candidate(staff, learned=False)
    known = shipping.evidence(worse, by=staff.rep)
    assert known.comparison is not None and known.comparison.verdict == "worse" and known.live_number == 1
    assert known.sentence.startswith("Worse: 0 fixed, ") and known.passed.value < 0.3
    with pytest.raises(
        Refused, match=r"^Not proposed: .*it is worse than what is live: \d+ cases break, \d+ are fixed\. Look at the broken cases first\.$"
    ):
        shipping.propose(worse, why="Trust me.", by=staff.rep)
    assert approvals.waiting(by=staff.rep) == [] and live() == ONE


def test_a_first_candidate_below_the_bar_of_the_set_cannot_be_proposed(staff: Staff) -> None:
    with store.writing():
        reviewed(staff, range(1, 61), shift=1)  # reviewed wrong from the start; the cases are right
        frozen_set(staff, range(61, 85), bar=0.6)
    version = training.train(by=staff.rep)
    evidence = shipping.evaluate(versions.target_of(version), by=staff.rep)
    assert evidence.comparison is None and evidence.passed.value < 0.3
    with pytest.raises(Refused, match=r"^Not proposed: It passes .* of 'Everyday intents' 1 .*, the bar is 60\s%\. \d+ more cases"):
        shipping.propose(ONE, why="The first one.", by=staff.rep)


def test_too_few_cases_are_no_evidence(staff: Staff) -> None:
    with store.writing():
        reviewed(staff, range(1, 61))
        frozen_set(staff, range(61, 80))
    shipping.evaluate(versions.target_of(training.train(by=staff.rep)), by=staff.rep)
    with pytest.raises(Refused, match=r"^Not proposed: 'Everyday intents' 1 has 19 cases, at least 20 are needed\. Flag 1 more"):
        shipping.propose(ONE, why="The first one.", by=staff.rep)


def test_a_candidate_that_was_not_measured_cannot_be_proposed(staff: Staff) -> None:
    with store.writing():
        reviewed(staff, range(1, 61))
    training.train(by=staff.rep)
    with pytest.raises(Refused, match="no eval set was frozen yet"):
        shipping.evaluate(ONE, by=staff.rep)
    with store.writing():
        frozen_set(staff, range(61, 85))
    with pytest.raises(Refused, match=r"^intent 1 was not run on the newest eval set yet\. Compare it with what is live first\.$"):
        shipping.propose(ONE, why="The first one.", by=staff.rep)
    shipping.evaluate(ONE, by=staff.rep)
    with pytest.raises(Refused, match="Not proposed: say in a sentence why"):
        shipping.propose(ONE, why="  ", by=staff.rep)
    shipping.propose(ONE, why="The first one.", by=staff.rep)
    with pytest.raises(Refused, match=r"^Not proposed again: intent 1 already waits for approval\.$"):
        shipping.propose(ONE, why="Once more.", by=staff.lead)


def test_evidence_against_a_version_that_is_no_longer_live_is_refused(staff: Staff) -> None:
    ship(staff, candidate(staff))
    two, three = candidate(staff), candidate(staff)
    assert shipping.evidence(three, by=staff.rep).live_number == 1
    ship(staff, two)
    with pytest.raises(Refused, match=r"^intent 3 was not compared with intent 2, which is live now\. Compare them first\.$"):
        shipping.propose(three, why="It is better.", by=staff.rep)
    assert shipping.evaluate(three, by=staff.rep).live_number == 2
    assert shipping.propose(three, why="It is better.", by=staff.rep).evidence["live_number"] == 2


def test_evidence_on_an_older_version_of_the_set_is_refused(staff: Staff) -> None:
    ship(staff, candidate(staff))
    two = candidate(staff)
    eval_set = sets.by_name("Everyday intents", by=staff.lead)
    flagged_set(staff, range(200, 203), into=eval_set)
    freezing.freeze(eval_set.id, by=staff.lead)
    with pytest.raises(Refused, match="intent 2 was not run on the newest eval set yet"):
        shipping.propose(two, why="It is better.", by=staff.rep)


def test_what_is_live_itself_is_not_told_that_nothing_is(staff: Staff) -> None:
    target = candidate(staff)
    assert shipping.evidence(target, by=staff.rep).sentence.startswith("Nothing is live yet. The candidate is right in ")
    ship(staff, target)
    assert "Nothing is live yet" not in shipping.evaluate(target, by=staff.rep).sentence


def test_a_proposal_whose_evidence_went_stale_while_it_waited_is_not_shipped(staff: Staff) -> None:
    """Both were measured beside version 1. Once one of them is live, nobody knows how the other compares with it."""
    ship(staff, candidate(staff))
    two, three = candidate(staff), candidate(staff)
    first, second = (shipping.propose(target, why="It is better.", by=staff.rep) for target in (two, three))
    approvals.approve(first.id, by=staff.lead)
    jobs.run_waiting()
    with store.writing() as db:
        shipping.put_live(db, two, first.id, by=staff.lead)
    approvals.approve(second.id, by=staff.lead)
    jobs.run_waiting()
    assert live() == TWO and releases.under_way("classifier", "intent") is None
    assert state_of(first)[0] == "done" and state_of(second)[0] == "failed"


def test_whoever_flagged_a_case_that_a_release_fixes_hears_so(staff: Staff) -> None:
    with store.writing() as db:
        reviewed(staff, range(1, 61), shift=1)
        frozen_set(staff, range(61, 85), bar=0.01)
        db.execute(text("UPDATE eval_set SET kind = 'capability'"))  # a first release that fails all of it may go live
    first = versions.target_of(training.train(by=staff.rep))
    shipping.evaluate(first, by=staff.rep)
    ship(staff, first)
    assert not [item for item in inbox.of(staff.rep) if "fixed by" in item.sentence]
    shuffle(staff, by=-1)
    better = versions.target_of(training.train(by=staff.rep))
    comparison = shipping.evaluate(better, by=staff.rep).comparison
    ship(staff, better)
    told = [item.sentence for item in inbox.of(staff.rep) if "fixed by" in item.sentence]
    assert comparison is not None and comparison.fixed > 5 and len(told) == 1
    assert re.fullmatch(
        rf"{comparison.fixed} flags of yours became cases \d+ to \d+ of 'Everyday intents': "
        "fixed by release 2 of the intent classifier.", told[0],
    )  # fmt: skip


def test_neither_the_trainer_nor_the_proposer_approves(staff: Staff) -> None:
    target = candidate(staff, by=staff.lead)
    proposal = shipping.propose(target, why="The first one.", by=staff.engineer)
    for somebody, name in ((staff.lead, "Leo"), (staff.engineer, "Emil")):
        with pytest.raises(Denied, match=f"^Not approved: {name} proposed or built this. A second person has to look at it.$"):
            approvals.approve(proposal.id, by=somebody)
        assert approvals.may_decide(proposal, somebody) is not None
    for nobody, why in ((staff.rep, "may not"), (staff.admin, "may not"), (people.console(), "only a person who is signed in")):
        with pytest.raises(Denied, match=why):
            approvals.approve(proposal.id, by=nobody)
    assert state_of(proposal) == ("open", "") and tasks.waiting() == []
    with pytest.raises(Refused, match="is open"):  # nothing carries out what nobody approved
        shipping.ship(proposal.id)

    assert approvals.may_decide(proposal, staff.other) is None  # the control: another lead may
    approvals.approve(proposal.id, by=staff.other)
    assert jobs.run_waiting() == 1 and live() == target
    with pytest.raises(Refused, match="is already done by Olga"):
        approvals.approve(proposal.id, by=staff.other)


def test_the_database_itself_refuses_an_approver_who_proposed(staff: Staff) -> None:
    proposal = shipping.propose(candidate(staff), why="The first one.", by=staff.lead)

    def forged(**changed: str) -> Approval:
        values = {"approver_id": staff.other.id, "payload_sha": proposal.payload_sha, "proposer_id": staff.lead.id} | changed
        return Approval(proposal_id=proposal.id, **values)

    for wrong in ({"approver_id": staff.lead.id}, {"proposer_id": staff.rep.id}, {"payload_sha": "0" * 64}):
        with pytest.raises(IntegrityError), store.writing() as db:
            db.add(forged(**wrong))
    with store.writing() as db:
        db.add(forged())  # the control: an honest row is taken
    with pytest.raises(DBAPIError, match="rows never change"), store.writing() as db:
        db.execute(text("UPDATE approval SET approver_id = proposer_id"))


def test_an_engineer_approves_what_a_lead_proposed(staff: Staff) -> None:
    proposal = shipping.propose(candidate(staff, by=staff.lead), why="The first one.", by=staff.lead)
    approvals.approve(proposal.id, by=staff.engineer, note="Looked at it.")
    assert jobs.run_waiting() == 1
    assert live() == ONE and state_of(proposal)[0] == "done"
    release = releases.live("classifier", "intent")
    assert release is not None and (release.proposal_id, release.by_person_id) == (proposal.id, staff.engineer.id)
    assert audit.first_broken() is None


AFTER_THE_APPROVAL = {
    "the proposer is disabled": "who proposed it, is no longer active",
    "the approver is demoted": "a rep may not approve a classifier",
    "the payload is changed": "is not what was approved. Propose it again.",
    "the file is tampered with": "intent 2 cannot be used: its model file is not the one that was made.",
    "the file is gone": "intent 2 cannot be used: its model file is missing.",
    "a day goes by": "is older than 24 hours. Propose it again.",
}


def test_what_changed_after_the_approval_is_not_shipped(staff: Staff) -> None:
    ship(staff, candidate(staff))
    two, long_ago = candidate(staff), now() - timedelta(hours=25)
    path = config.folder("models") / f"{versions.get(two).file_sha}.skops"
    honest = path.read_bytes()
    for number, (what, words) in enumerate(AFTER_THE_APPROVAL.items()):
        proposer = people.add(f"Proposer {number}", f"p{number}@example.com", "rep", by=staff.admin, team=staff.oak)
        approver = people.add(f"Approver {number}", f"a{number}@example.com", "engineer", by=staff.admin)
        proposal = shipping.propose(two, why="It is better.", by=proposer, at=long_ago)
        approvals.approve(proposal.id, by=approver, at=long_ago if what == "a day goes by" else None)
        if what == "the proposer is disabled":
            people.disable(proposer.id, by=staff.admin)
        elif what == "the approver is demoted":
            give_role(approver, "rep")
        elif what == "the payload is changed":
            with store.writing() as db:
                found = db.get_one(Proposal, proposal.id)
                found.payload = {**found.payload, "target_number": 1}
                db.add(found)
        elif what == "the file is tampered with":
            path.write_bytes(skops.io.dumps(model.untrained().fit(["where is it", "refund it"] * 4, ["a", "b"] * 4)))
        elif what == "the file is gone":
            path.unlink()
        assert jobs.run_waiting() == 1
        state, outcome = state_of(proposal)
        assert state == "failed" and words in outcome, what
        task = tasks.recent(by=staff.admin)[0]
        assert (task.name, task.state, task.error, task.tries) == ("carry_out", "failed", outcome, 1), what
        assert [(release.target_number, release.stage) for release in releases.history("classifier", "intent")] == [(1, "live")], what
        path.write_bytes(honest)
    assert (
        serving.guess(ONE, ["Order status: where is my order"])[0].top[0][0] == intents(staff)["Order status"]
    )  # the old one served all the time
    ship(staff, two)  # the control: with nothing changed it is shipped
    assert live() == TWO


def test_an_approval_holds_for_24_hours(staff: Staff) -> None:
    proposal = shipping.propose(candidate(staff), why="The first one.", by=staff.rep)
    approvals.approve(proposal.id, by=staff.lead)
    with pytest.raises(Refused, match="the approval of 'ship version 1 of the intent classifier' is older than 24 hours"):
        shipping.ship(proposal.id, at=now() + timedelta(hours=24, minutes=1))
    assert live() is None and state_of(proposal)[0] == "approved"
    shipping.ship(proposal.id, at=now() + timedelta(hours=23, minutes=59))
    assert live() == ONE
    with pytest.raises(Refused, match="is done"):  # and it is carried out once
        shipping.ship(proposal.id)
    assert len(releases.history("classifier", "intent")) == 1


def test_a_proposal_that_lapsed_is_not_approved_and_not_in_the_way(staff: Staff) -> None:
    target = candidate(staff)
    lapsed = shipping.propose(target, why="The first one.", by=staff.rep, at=now() - timedelta(days=15))
    assert approvals.waiting(by=staff.lead) == []  # no screen shows it any more
    with pytest.raises(Refused, match="laps"):
        approvals.approve(lapsed.id, by=staff.lead)
    again = shipping.propose(target, why="Still the first one.", by=staff.rep)
    assert [proposal.id for proposal in approvals.waiting(by=staff.lead)] == [again.id]


def test_a_proposal_of_somebody_who_left_is_not_approved(staff: Staff) -> None:
    """The rights of both are checked at the approval too, not only when it is carried out."""
    proposal = shipping.propose(candidate(staff), why="The first one.", by=staff.rep)
    people.disable(staff.rep.id, by=staff.admin)
    with pytest.raises(Refused, match="no longer active"):
        approvals.approve(proposal.id, by=staff.lead)
    assert state_of(proposal)[0] == "open"


def test_a_file_in_place_of_the_approved_one_by_a_swapped_version_is_not_shipped(staff: Staff) -> None:
    """The proposal names the model's hash: a version row that came to name another file is another model."""
    proposal = shipping.propose(candidate(staff), why="The first one.", by=staff.rep)
    with store.writing() as db:
        found = db.get_one(Proposal, proposal.id)
        found.payload = {**found.payload, "file_sha": "0" * 64}
        found.payload_sha = approvals.payload_digest(found.payload)
        db.add(found)
    approvals.approve(proposal.id, by=staff.lead)
    jobs.run_waiting()
    assert live() is None
    assert state_of(proposal) == ("failed", "Not shipped: intent 1 is not the model that was approved.")


def test_going_back_needs_one_person_and_a_version_that_was_live(staff: Staff) -> None:
    ship(staff, candidate(staff))
    ship(staff, candidate(staff))
    never = candidate(staff)
    assert live() == TWO
    with pytest.raises(Denied, match="a rep may not roll back a classifier"):
        shipping.roll_back(ONE, why="It errs.", by=staff.rep)
    with pytest.raises(Refused, match=r"^Not rolled back: say why"):
        shipping.roll_back(ONE, why=" ", by=staff.lead)
    with pytest.raises(Refused, match=r"^Not rolled back: intent 3 was never live\. Propose it instead\.$"):
        shipping.roll_back(never, why="It errs.", by=staff.engineer)
    with pytest.raises(Refused, match="was never live"):
        shipping.roll_back(Target("classifier", "intent", 99), why="It errs.", by=staff.engineer)
    with pytest.raises(Refused, match=r"^Nothing changed: intent 2 is already live\.$"):
        shipping.roll_back(TWO, why="It errs.", by=staff.lead)
    assert live() == TWO

    shipping.roll_back(ONE, why="It errs on invoices.", by=staff.lead)
    assert live() == ONE and approvals.waiting(by=staff.lead) == []
    stages = [(release.target_number, release.stage, release.ended_why) for release in releases.history("classifier", "intent")]
    assert stages == [(1, "ended", "followed by intent 2"), (2, "ended", "rolled back: It errs on invoices."), (1, "live", "")]
    path = config.folder("models") / f"{versions.get(TWO).file_sha}.skops"
    path.rename(path.with_suffix(".away"))
    with pytest.raises(Refused, match="intent 2 cannot be used: its model file is missing"):
        shipping.roll_back(TWO, why="It was not the model.", by=staff.admin)
    assert live() == ONE
    path.with_suffix(".away").rename(path)
    shipping.roll_back(TWO, why="It was not the model.", by=staff.admin)
    assert live() == TWO


def test_two_versions_are_never_live_at_once(staff: Staff) -> None:
    ship(staff, candidate(staff))
    with pytest.raises(IntegrityError), store.writing() as db:
        release = releases.live("classifier", "intent")
        assert release is not None
        db.add(type(release)(**release.model_dump(exclude={"id", "target_number"}), id=new_id(), target_number=2))
    assert live() == ONE
