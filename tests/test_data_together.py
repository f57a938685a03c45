"""Acts on many conversations together: what was said before is what happens, and one undo takes all of it back."""

import random
from typing import Any

import pytest
from sqlmodel import Session, col, select

from classifiers import labels
from data import (
    access,
    approvals,
    assignments,
    audit,
    conversations,
    deeds,
    drafts,
    examples,
    flagging,
    inbox,
    people,
    queue,
    relabelling,
    reviews,
    rubric,
    standing,
    store,
    tasks,
    together,
    undo,
)
from data.conversations import Filter
from data.errors import Denied, Refused
from data.intake import door
from data.tables import Act, Assignment, Conversation, Example, InboxItem, Label, Person, QueueReason, Review
from evals import freezing, sets
from portal import jobs
from tests.conftest import SOAK, Staff
from tests.conversations import canonical


def arrive(count: int, *, first: int = 1, team: str | None = "Oak") -> list[str]:
    return door.receive([canonical(number, team=team) for number in range(first, first + count)], by=people.console(), classify=False).ids


def intents(staff: Staff) -> list[Label]:
    return [labels.add(name, by=staff.lead) for name in ("Refund", "Order status", "Invoice")]


def state() -> dict[str, Any]:
    """All that an act on many could have changed."""
    with store.reading() as db:
        said = db.exec(select(Review).where(standing.stands())).all()
        flagged = db.exec(select(Example).where(Example.use != "retired")).all()
        return {
            "intents": sorted(db.exec(select(Conversation.id, Conversation.intent_id, Conversation.reviewed)).all(), key=str),
            "said": sorted((one.conversation_id, one.by_person_id, one.verdict, one.label_id, one.reply, one.note) for one in said),
            "flagged": sorted((one.conversation_id, one.eval_set_id, one.kind) for one in flagged),
            "asked": sorted(db.exec(select(Assignment.conversation_id, Assignment.person_id)).all()),
            "reasons": sorted(db.exec(select(QueueReason.conversation_id, QueueReason.kind)).all()),
        }


def mixed(staff: Staff, seed: int) -> tuple[random.Random, list[str], list[Label], str]:
    """Conversations of two teams and of none, on which people said, flagged, asked and gave back this and that."""
    rng, known, eval_set = random.Random(seed), intents(staff), sets.create("Kept", by=staff.lead).id
    ids = [
        made
        for place, team in enumerate(("Oak", "Fern", None))
        for made in arrive(16 if team == "Oak" else 4, first=100 * place + 1, team=team)
    ]
    with store.writing() as db:
        for made in ids:
            _happen(db, rng, made, staff, known, eval_set)
    return rng, ids, known, eval_set


def _happen(db: Session, rng: random.Random, made: str, staff: Staff, known: list[Label], eval_set: str) -> None:
    conversation = db.get_one(Conversation, made)
    able = [
        one for one in (staff.rep, staff.lead, staff.engineer) if access.reach(one, "review.record") == "all" or reads(one, conversation)
    ]
    for person in rng.sample(able, rng.randint(0, min(2, len(able)))):
        label = rng.choice([*known, None])
        reviews.record(made, rng.choice(["strong", "weak", "none"]), label_id=label.id if label else None, reply="So.", by=person)
        if rng.random() < 0.2:
            undo.last(by=person)
    if rng.random() < 0.2:
        queue.suggest(db, made, queue.GRADER_CHECK, "the grader wavers", weight=0.4, source="test")
    if rng.random() < 0.3:
        examples.flag(made, "strong", why="Clear.", eval_set_id=eval_set, label_id=known[0].id, by=staff.engineer)
    if rng.random() < 0.2:
        assignments.assign([made], rng.choice(able).id, by=staff.engineer)
    if rng.random() < 0.2:
        queue.skip(made, "Not mine.", by=rng.choice(able))


def reads(person: Person, conversation: Conversation) -> bool:
    return conversation.team_id in (None, person.team_id)


@pytest.mark.parametrize("seed", range(12 if SOAK else 3))
def test_what_is_said_before_is_what_happens_and_one_undo_restores_all_of_it(staff: Staff, seed: int) -> None:
    rng, ids, known, eval_set = mixed(staff, seed)
    changed = 0
    for by in (staff.rep, staff.lead, staff.engineer):
        which = Filter() if rng.random() < 0.5 else rng.sample(ids, rng.randint(8, len(ids)))
        if not isinstance(which, Filter) and by is not staff.engineer:
            which = [*which, "no such one"]
        label, colleague = rng.choice(known).id, rng.choice([staff.rep, staff.lead, staff.engineer])
        acts = [
            (relabelling.preview(which, label, by=by), lambda w=which, x=label, by=by: relabelling.label(w, x, by=by)),
            (flagging.preview(which, "weak", eval_set, by=by),
             lambda w=which, by=by: flagging.flag(w, "weak", why="So.", eval_set_id=eval_set, by=by)),
        ]  # fmt: skip
        if access.may(by, "review.assign"):
            acts.append((
                assignments.preview(which, colleague.id, by=by),
                lambda w=which, c=colleague, by=by: assignments.assign(w, c.id, by=by),
            ))  # fmt: skip
        for preview, act in acts:
            before = state()
            done = act()
            assert (done.changed, done.left) == (len(preview.changing), preview.left)
            assert len(preview.samples) == min(together.SHOWN, done.changed)
            assert touched(before, state()) <= set(preview.changing)
            assert (state() != before) == bool(done.changed)
            if done.changed:
                changed += 1
                assert undo.last(by=by).told.startswith("Taken back: ")
                assert state() == before
    assert changed >= 3
    assert audit.broken() is None


def touched(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The conversations that are otherwise than before."""
    return {row[0] for name in before for row in set(map(tuple, before[name])) ^ set(map(tuple, after[name]))}


def test_another_teams_conversations_are_simply_not_there(staff: Staff) -> None:
    refund, *_ = intents(staff)
    mine, theirs = arrive(2), arrive(3, first=10, team="Fern")
    assert (
        relabelling.preview([*mine, *theirs, "none"], refund.id, by=staff.rep).sentence
        == "2 of 2 conversations would get the intent Refund."
    )
    assert relabelling.label([*mine, *theirs], refund.id, by=staff.rep).changed == 2
    for act in (
        lambda: relabelling.label(theirs, refund.id, by=staff.rep),
        lambda: relabelling.propose(theirs, refund.id, why="So.", by=staff.rep),
        lambda: assignments.assign(theirs, staff.rep.id, by=staff.lead),
    ):
        with pytest.raises(Denied, match="no such conversation"):
            act()
    assert relabelling.label([*mine, *theirs], refund.id, by=staff.engineer).changed == 3  # the control: an engineer reaches them


def test_a_colleagues_label_is_left_alone_but_for_who_may_change_it(staff: Staff) -> None:
    refund, order, _ = intents(staff)
    first, second, third = arrive(3)
    reviews.record(first, "strong", label_id=order.id, by=staff.engineer)
    reviews.record(second, "weak", label_id=order.id, reply="Better so.", by=staff.rep)
    reviews.record(third, "weak", label_id=refund.id, by=staff.lead)
    preview = relabelling.preview([first, second, third], refund.id, by=staff.rep)
    assert (preview.changing, preview.left) == ((second,), {relabelling.ANOTHERS: 1, relabelling.ALREADY: 1})
    assert [(one.before, one.after) for one in preview.samples] == [("Order status", "Refund")]
    relabelling.label([first, second, third], refund.id, by=staff.rep)
    (mine,) = reviews.of_conversation(second, by=staff.rep)
    assert (mine.verdict, mine.label_id, mine.reply) == ("weak", refund.id, "Better so.")
    assert relabelling.label([first, second, third], refund.id, by=staff.lead).changed == 1
    found = conversations.get(first, by=staff.rep)
    assert found is not None and found[0].intent_id == refund.id
    assert relabelling.preview([second], order.id, by=staff.lead).left == {}
    reviews.record(second, "weak", label_id=order.id, by=staff.lead)
    assert relabelling.preview([second], refund.id, by=staff.rep).left == {relabelling.DIFFERENTLY: 1}
    assert queue.DISAGREEMENT in [reason for _, reason in state()["reasons"]]  # two see it differently now, and that is noted


def test_what_several_people_judge_is_not_labelled_together(staff: Staff) -> None:
    refund, *_ = intents(staff)
    rubric.change([("Solved", "Was it solved?")], share=0, double=1.0, reviewers=2, by=staff.lead)
    seen, unseen = arrive(2)
    reviews.record(seen, "strong", by=staff.rep)
    preview = relabelling.preview([seen, unseen], refund.id, by=staff.rep)
    assert (preview.changing, preview.left) == ((seen,), {relabelling.BLIND: 1})
    assert relabelling.preview([seen], refund.id, by=staff.lead).changing == ()


def test_labelled_together_a_draft_stays_what_it_was(staff: Staff) -> None:
    refund, *_ = intents(staff)
    (made,) = arrive(1)
    drafts.keep(made, {"note": "half a"}, by=staff.rep)
    relabelling.label([made], refund.id, by=staff.rep)
    undo.last(by=staff.rep)
    assert drafts.of(made, by=staff.rep) == {"note": "half a"}


def test_more_than_fifty_need_a_second_person_also_for_a_lead(staff: Staff) -> None:
    refund, *_ = intents(staff)
    ids = arrive(51)
    for by in (staff.rep, staff.lead, staff.engineer):
        with pytest.raises(Refused, match="51 conversations would change, and more than 50 at once need a second person"):
            relabelling.label(Filter(), refund.id, by=by)
    assert relabelling.label(ids[:50], refund.id, by=staff.lead).changed == 50
    assert relabelling.label(ids, refund.id, by=staff.lead).changed == 1  # what counts is how many would change


def test_no_more_than_two_thousand_in_one_go(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    refund, *_ = intents(staff)
    arrive(4)
    monkeypatch.setattr(together, "MOST", 3)
    with pytest.raises(Refused, match=r"more than 3 conversations, and at most 3 are changed in one go. Narrow the list"):
        relabelling.preview(Filter(), refund.id, by=staff.rep)
    assert len(relabelling.preview(Filter(words='"number 1"'), refund.id, by=staff.rep).changing) == 1


def proposed(staff: Staff, count: int = 60) -> tuple[str, list[str], Label]:
    refund, order, _ = intents(staff)
    ids = arrive(count)
    reviews.record(ids[0], "strong", label_id=order.id, by=staff.rep)
    proposal = relabelling.propose(ids, refund.id, why="They all ask for money.", by=staff.rep)
    return proposal.id, ids, refund


def test_a_lead_who_proposes_does_not_approve(staff: Staff) -> None:
    refund, *_ = intents(staff)
    proposal = relabelling.propose(arrive(2), refund.id, why="So.", by=staff.lead)
    with pytest.raises(Denied, match="A second person has to look at it"):
        approvals.approve(proposal.id, by=staff.lead)
    assert approvals.approve(proposal.id, by=staff.engineer).state == "approved"  # the control: somebody else does


def labelled(ids: list[str], label: Label) -> int:
    with store.reading() as db:
        return len(db.exec(select(Conversation.id).where(col(Conversation.id).in_(ids), Conversation.intent_id == label.id)).all())


def test_what_was_approved_is_carried_out_as_the_proposers_and_one_undo_takes_it_back(staff: Staff) -> None:
    proposal_id, ids, refund = proposed(staff)
    before = state()
    proposal = approvals.get(proposal_id, by=staff.lead)
    assert proposal is not None and proposal.payload == {"conversations": ids, "label_id": refund.id}
    assert proposal.evidence["sentence"] == "60 conversations would get the intent Refund; now: 59 no intent yet, 1 Order status."
    arrive(1, first=500)  # fits the search since, and was not approved
    for nobody, words in ((staff.rep, "may not approve"), (staff.other, "another team"), (staff.admin, "may not")):
        with pytest.raises(Denied, match=words):
            approvals.approve(proposal_id, by=nobody)
    assert jobs.run_waiting() == 0 and labelled(ids, refund) == 0
    approvals.approve(proposal_id, by=staff.lead)
    jobs.run_waiting()
    (job,) = [task for task in tasks.recent(by=staff.lead) if task.name == "carry_out"]
    assert (job.state, job.result) == ("done", "Labelled 60 conversations.")
    assert labelled(ids, refund) == 60
    assert {one.by_person_id for made in ids for one in reviews.of_conversation(made, by=staff.rep)} == {staff.rep.id}
    assert undo.last(by=staff.rep).told == "Taken back: Label 60 conversations as Refund, as was approved."
    after = state()
    assert {name: rows for name, rows in after.items() if name != "intents"} == {name: before[name] for name in after if name != "intents"}
    assert labelled(ids, refund) == 0


class CutOff(Exception):
    """The worker died."""


def test_cut_off_and_run_again_nothing_is_done_twice(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal_id, ids, refund = proposed(staff)
    approvals.approve(proposal_id, by=staff.lead)
    monkeypatch.setattr(relabelling, "STEP", 20)

    def die(share: float, _doing: str) -> None:
        if share > 0.5:
            raise CutOff

    with pytest.raises(CutOff):
        relabelling.carry_out(proposal_id, progress=die)
    assert labelled(ids, refund) == 40
    with store.reading() as db:
        count = len(db.exec(select(Review)).all())
    reviews.record(ids[3], "weak", by=staff.rep)  # between the tries somebody thought better of one that was done ...
    reviews.record(ids[55], "strong", label_id=refund.id, by=staff.engineer)  # ... and said it of one that was not
    assert relabelling.carry_out(proposal_id) == "Labelled 59 conversations. Changed since it was proposed, so left alone: 1."
    assert relabelling.carry_out(proposal_id).startswith("Labelled 59")
    with store.reading() as db:
        assert len(db.exec(select(Review)).all()) == count + 2 + 19
        assert len(db.exec(select(Act).where(Act.id == proposal_id)).all()) == 1
    assert undo.take_back(proposal_id, by=staff.rep).told == "Taken back for 58 of 59; 1 was changed since."


def test_taken_back_in_the_middle_it_does_not_go_on(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal_id, ids, refund = proposed(staff)
    approvals.approve(proposal_id, by=staff.lead)
    monkeypatch.setattr(relabelling, "STEP", 20)
    relabelling.carry_out(proposal_id, progress=lambda share, _doing: share < 0.5 and bool(undo.last(by=staff.rep)))
    assert labelled(ids, refund) == 0


def test_a_proposer_who_left_has_nothing_labelled_in_their_name(staff: Staff) -> None:
    proposal_id, ids, refund = proposed(staff)
    approvals.approve(proposal_id, by=staff.lead)
    people.disable(staff.rep.id, by=staff.admin)
    jobs.run_waiting()
    assert labelled(ids, refund) == 0
    proposal = approvals.get(proposal_id, by=staff.lead)
    assert proposal is not None and proposal.state == "failed" and "no longer active" in proposal.outcome


def test_a_payload_that_was_changed_is_not_carried_out(staff: Staff) -> None:
    proposal_id, ids, refund = proposed(staff)
    approvals.approve(proposal_id, by=staff.lead)
    with store.writing() as db:
        proposal = db.get_one(approvals.Proposal, proposal_id)
        proposal.payload = {"conversations": [*ids, *arrive(1, first=900)], "label_id": refund.id}
    with pytest.raises(Refused, match="is not what was approved"):
        relabelling.carry_out(proposal_id)
    assert labelled(ids, refund) == 0


def test_what_was_changed_since_is_left_and_counted(staff: Staff) -> None:
    refund, order, _ = intents(staff)
    ids = arrive(5)
    relabelling.label(ids, refund.id, by=staff.rep)
    for made in ids[:2]:
        reviews.record(made, "weak", label_id=order.id, by=staff.rep)
    with store.reading() as db:
        act = db.exec(select(Act).where(col(Act.sentence).startswith("Labelled"))).one()
    assert undo.take_back(act.id, by=staff.rep).told == "Taken back for 3 of 5; 2 were changed since."
    assert (labelled(ids, order), labelled(ids, refund)) == (2, 0)
    with pytest.raises(Refused, match="already"):
        undo.take_back(act.id, by=staff.rep)
    reviews.record(ids[4], "weak", by=staff.rep)
    relabelling.label(ids[4:], refund.id, by=staff.rep)
    reviews.record(ids[4], "strong", by=staff.rep)
    with store.reading() as db:
        act = db.exec(select(Act).where(col(Act.sentence).startswith("Labelled")).order_by(col(Act.at).desc())).first()
    assert act is not None
    with pytest.raises(Refused, match="Not undone: all 1 were changed since"):
        undo.take_back(act.id, by=staff.rep)


def test_flags_that_became_test_cases_stay(staff: Staff) -> None:
    refund, *_ = intents(staff)
    ids, eval_set = arrive(4), sets.create("Kept", by=staff.lead)
    relabelling.label(ids[:3], refund.id, by=staff.lead)
    done = flagging.flag(ids, "strong", why=" Clear. ", eval_set_id=eval_set.id, by=staff.rep)
    assert (done.changed, done.left) == (3, {flagging.UNLABELLED: 1})
    assert flagging.flag(ids, "strong", why="Again.", eval_set_id=eval_set.id, by=staff.lead).left == {
        flagging.AGAIN: 3,
        flagging.UNLABELLED: 1,
    }
    with store.reading() as db:
        made = db.exec(select(Example).where(Example.eval_set_id == eval_set.id)).all()
    one = examples.flag(ids[3], "strong", why="Clear.", eval_set_id=eval_set.id, label_id=refund.id, by=staff.rep)
    undo.last(by=staff.rep)
    alike = set(Example.model_fields) - {"id", "at", "conversation_id", "messages", "customer_id", "review_id", "use"}
    assert {tuple(getattr(row, name) for name in sorted(alike)) for row in made} == {tuple(getattr(one, name) for name in sorted(alike))}
    assert all(row.messages[0]["role"] == "customer" and row.review_id for row in made)
    version = freezing.freeze(eval_set.id, by=staff.lead)
    assert len(sets.cases(version.id)) == 3
    with store.reading() as db:
        flagged = next(
            deed for deed in db.exec(select(Act).where(Act.person_id == staff.rep.id)) if len(deed.made.get("examples", [])) == 3
        )
    assert deeds.last(by=staff.rep) is None  # it is not offered any more
    with pytest.raises(Refused, match="all 3 were changed since"):
        undo.take_back(flagged.id, by=staff.rep)


def test_only_what_a_person_said_is_a_ground_for_a_test(staff: Staff) -> None:
    """The machine's own intent is never what machines are tested on."""
    refund, *_ = intents(staff)
    (made,), eval_set = arrive(1), sets.create("Kept", by=staff.lead)
    with store.writing() as db:
        db.get_one(Conversation, made).intent_id = refund.id  # as the classifier leaves it
    assert flagging.preview([made], "weak", eval_set.id, by=staff.rep).left == {flagging.UNLABELLED: 1}
    for wrong, words in ((("fine", "So."), "strong or weak"), (("weak", " "), "in a sentence why")):
        with pytest.raises(Refused, match=words):
            flagging.flag([made], wrong[0], why=wrong[1], eval_set_id=eval_set.id, by=staff.rep)


def test_who_is_asked_hears_it_once_and_has_them_first(staff: Staff) -> None:
    ids = arrive(6)
    done = assignments.assign(ids[:3], staff.rep.id, by=staff.lead)
    assert done.sentence == "Asked Rita to look at 3 conversations."
    (told,) = inbox.of(staff.rep, unread_only=True)
    assert (told.sentence, told.page) == ("Leo asks you to look at 3 conversations.", "review?queue=mine")
    for line in (queue.mine(by=staff.rep), queue.team(by=staff.rep)):
        assert {item.listed.id for item in line[:3]} == set(ids[:3])
        assert [item.why == "Leo asks you to look" for item in line] == [True] * 3 + [False] * (len(line) - 3)
        assert len({item.listed.id for item in line}) == len(line) == 6
    assert [item.why for item in queue.team(by=staff.lead)].count("Leo asks you to look") == 0
    reviews.record(ids[0], "strong", by=staff.rep)
    assert [item.why for item in queue.mine(by=staff.rep)].count("Leo asks you to look") == 2
    assert assignments.preview(ids, staff.rep.id, by=staff.lead).left == {
        "that Rita judged already": 1,
        "that Rita was asked about before": 2,
    }
    assert undo.last(by=staff.lead).told == "Taken back for 2 of 3; 1 was changed since."
    assert [item.why for item in queue.mine(by=staff.rep)].count("Leo asks you to look") == 0
    undo.last(by=staff.rep)  # their review: what somebody asks for is asked again
    assert [item.listed.id for item in queue.mine(by=staff.rep) if "asks" in item.why] == [ids[0]]


def test_nobody_is_asked_what_they_cannot_read_or_do(staff: Staff) -> None:
    ids, nobodys = arrive(2), arrive(1, first=9, team=None)
    assert assignments.preview([*ids, *nobodys], staff.other.id, by=staff.engineer).left == {
        "of a team whose conversations Olga does not see": 2
    }
    with pytest.raises(Refused, match="an admin does not review"):
        assignments.assign(ids, staff.admin.id, by=staff.lead)
    with pytest.raises(Denied, match="a rep may not assign a review"):
        assignments.assign(ids, staff.rep.id, by=staff.rep)
    assert {one.name for one in assignments.colleagues(by=staff.lead)} == {"Rita", "Leo", "Emil"}
    assert {one.name for one in assignments.colleagues(by=staff.engineer)} == {"Rita", "Leo", "Emil", "Olga"}
    people.disable(staff.rep.id, by=staff.admin)
    with pytest.raises(Refused, match="no such colleague any more"):
        assignments.assign(ids, staff.rep.id, by=staff.lead)


def test_an_ask_that_was_taken_back_leaves_the_inbox(staff: Staff) -> None:
    ids = arrive(2)
    assignments.assign(ids[:1], staff.engineer.id, by=staff.lead)
    assignments.assign(ids[1:], staff.engineer.id, by=staff.lead)
    undo.last(by=staff.lead)
    with store.reading() as db:
        told = db.exec(select(InboxItem).where(InboxItem.person_id == staff.engineer.id).order_by(InboxItem.id)).all()
    assert [one.read_at is None for one in told] == [True, False]


def test_one_entry_in_the_record_for_all(staff: Staff) -> None:
    refund, *_ = intents(staff)
    ids = arrive(3)
    before = audit.head()[0]
    done = relabelling.label(ids, refund.id, by=staff.rep)
    undo.last(by=staff.rep)
    entries = audit.newest(by=staff.admin, found=audit.Filter(person_id=staff.rep.id))
    assert audit.head()[0] == before + 2
    assert [(entry.verb, entry.noun, entry.noun_id) for entry in entries[:2]] == [
        ("took back", "act", done.act_id),
        ("labelled", "act", done.act_id),
    ]
    assert entries[1].after == {"conversations": 3}
