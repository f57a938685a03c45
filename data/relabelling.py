"""Gives many conversations one intent: up to 50 at once, more after a second person's yes, by a background task in steps."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from data import access, approvals, audit, bulk, deeds, glance, labels, queue, rubric, standing, store, together
from data.errors import Refused
from data.tables import Act, Label, Message, Person, Proposal, QueueReason, Review
from data.together import Chosen, Done, Plan, Preview
from data.values import now

DIRECT = 50  # more need a second person
STEP = 250  # in one transaction, so that others save in between
KIND = "relabel"
NONE_YET = "no intent yet"

ALREADY = "with this intent already"
ANOTHERS = "with a colleague's label, which a lead may change"
DIFFERENTLY = "that you and a colleague saw differently, to be settled one by one"
BLIND = "that several people judge one by one, each for themselves"


def preview(which: Chosen, label_id: str, *, by: Person) -> Preview:
    """Counts and examples of what `label` or `propose` would do."""
    with store.reading() as db:
        label = _usable(db, label_id)
        plan = _plan(db, together.chosen(db, which, "review.record", by=by), label.id, by)
        return plan.preview(db, f"get the intent {label.name}", label.name)


def label(which: Chosen, label_id: str, *, by: Person, at: datetime | None = None) -> Done:
    """Up to 50 at once: a review of the person's own for each, with the verdict that they gave before."""
    with store.writing() as db:
        store.one_at_a_time(db, "labels together")
        label = _usable(db, label_id)
        plan = _plan(db, together.chosen(db, which, "review.record", by=by), label.id, by)
        if len(plan.before) > DIRECT:
            raise Refused(
                f"Not labelled: {together.many(len(plan.before))} would change, and more than {DIRECT} at once need a second person. "
                "Propose it."
            )
        if not plan.before:
            return Done(together.told("Nothing was labelled.", plan.left), 0, dict(plan.left))
        sentence = f"Labelled {together.many(len(plan.before))} as {label.name}."
        with deeds.in_one(db, sentence, by=by, at=at) as deed:
            deed.made.setdefault("reviews", []).extend(_write(db, list(plan.before), label.id, by, at))
        _note(db, deed, sentence, len(plan.before), by, at)
        return Done(together.told(sentence, plan.left), len(plan.before), dict(plan.left), deed.id)


def propose(which: Chosen, label_id: str, *, why: str, by: Person, at: datetime | None = None) -> Proposal:
    """Ask a second person. Exactly these conversations are meant, whatever fits the search later."""
    with store.writing() as db:
        label = _usable(db, label_id)
        plan = _plan(db, together.chosen(db, which, "relabelling.propose", by=by), label.id, by)
        if not plan.before:
            raise Refused(together.told("Not proposed: nothing would change.", plan.left))
        now_so = ", ".join(f"{count:,} {name}" for name, count in Counter(plan.before.values()).most_common(4))
        sentence = f"{together.many(len(plan.before))} would get the intent {label.name}; now: {now_so}."
        evidence = {"sentence": together.told(sentence, plan.left)}
        payload = {"conversations": list(plan.before), "label_id": label.id}
        title = f"label {together.many(len(plan.before))} as {label.name}"
        return approvals.propose(db, KIND, title, payload, why=why, evidence=evidence, authors=[by.id], by=by, at=at)


def _usable(db: Session, label_id: str) -> Label:
    label = labels.in_use(db, label_id)
    if label is None:
        raise Refused("Not labelled: that intent is no longer in use. Choose another.")
    return label


# -- what would change --------------------------------------------------------------------------------------------------------------------


def _plan(db: Session, ids: Sequence[str], label_id: str, by: Person) -> Plan:
    said, own, blind, names = _said(db, ids), _own_last(db, ids, by), _blind(db, ids), labels.names()
    correctable = together.reached(db, ids, "label.correct", by=by) if access.may(by, "label.correct") else set()
    plan = Plan()
    for made in ids:
        last = said[made][-1] if said[made] else None
        judged = made in own and not own[made].withdrawn
        if made in blind and not judged:
            plan.left[BLIND] += 1
        elif last and judged and last.by_person_id != by.id and last.label_id != own[made].label_id:
            plan.left[DIFFERENTLY] += 1
        elif last and last.label_id == label_id:
            plan.left[ALREADY] += 1
        elif last and last.label_id and last.by_person_id != by.id and made not in correctable:
            plan.left[ANOTHERS] += 1
        else:
            plan.before[made] = names.get((last.label_id if last else None) or "", NONE_YET)
    return plan


def _said(db: Session, ids: Sequence[str]) -> dict[str, list[Review]]:
    """What people say of each, oldest first."""
    found: dict[str, list[Review]] = {made: [] for made in ids}
    for review in db.exec(select(Review).where(col(Review.conversation_id).in_(ids), standing.stands()).order_by(*_in_order())):
        found[review.conversation_id].append(review)
    return found


def _own_last(db: Session, ids: Sequence[str], by: Person) -> dict[str, Review]:
    """The person's own last word on each, also one that was taken back."""
    query = select(Review).where(col(Review.conversation_id).in_(ids), Review.by_person_id == by.id, standing.uncorrected())
    return {review.conversation_id: review for review in db.exec(query)}


def _in_order() -> tuple[Any, Any]:
    return col(Review.at), col(Review.id)


def _blind(db: Session, ids: Sequence[str]) -> set[str]:
    """A label given together is no judgement of one's own: where several are to judge, it would pass for one, and tell what others said."""
    asked = rubric.current()
    wanted = select(QueueReason.conversation_id).where(col(QueueReason.conversation_id).in_(ids), col(QueueReason.kind).in_(queue.BLIND))
    return {made for made in ids if asked.doubles(made)} | set(db.exec(wanted))


# -- written, and taken back --------------------------------------------------------------------------------------------------------------


def _write(db: Session, ids: Sequence[str], label_id: str, by: Person, at: datetime | None) -> list[str]:
    """One review each. What the person said before is said again, with the new intent; what they began to type stays theirs."""
    own = _own_last(db, ids, by)
    last = select(Message.conversation_id, func.max(Message.seq)).where(col(Message.conversation_id).in_(ids))
    seqs = dict(db.exec(last.group_by(col(Message.conversation_id))).all())
    made = [_labelled(one, seqs.get(one, 1), own.get(one), label_id, by, at or now()) for one in ids]
    _keep(db, made)
    return [review.id for review in made]


def _labelled(conversation_id: str, seq: int, before: Review | None, label_id: str, by: Person, at: datetime) -> Review:
    if before is None or before.withdrawn:
        said: dict[str, Any] = {"verdict": "none"}
    else:
        said = before.model_dump(include={"verdict", "reply", "note", "rubric", "settled_by_dispute_id"})
    return Review(
        **said, conversation_id=conversation_id, seq=seq, label_id=label_id, replaces_review_id=before.id if before else None, at=at,
        by_person_id=by.id,
    )  # fmt: skip


def _keep(db: Session, made: Sequence[Review]) -> None:
    """Write them, and what follows from each review: the conversation's intent, and whether somebody else should look too."""
    bulk.insert(db, Review, [review.model_dump() for review in made])
    ids = [review.conversation_id for review in made]
    glance.refresh(db, ids)
    said, asked = _said(db, ids), rubric.current()
    kinds = (queue.SECOND, queue.DISAGREEMENT)
    reasons = select(QueueReason.conversation_id).where(col(QueueReason.conversation_id).in_(ids), col(QueueReason.kind).in_(kinds))
    told = set(db.exec(reasons))
    for one in ids:
        if one in told or len(said[one]) > 1 or asked.wants(one) > 1:
            queue.look_again(db, said[one], one, asked.wants(one))


def take_back(db: Session, review_ids: Sequence[str], *, by: Person, at: datetime | None = None) -> int:
    """Where nothing was said since, what was said before holds again. How many. Called by undo.py."""
    store.one_at_a_time(db, "labels together")
    given = list(db.exec(select(Review).where(col(Review.id).in_(review_ids), Review.by_person_id == by.id)))
    ids = [review.conversation_id for review in given]
    own, here = _own_last(db, ids, by), together.reached(db, ids, "review.record", by=by)
    still = [one for one in given if one.conversation_id in here and own[one.conversation_id].id == one.id and not one.withdrawn]
    named = [one.replaces_review_id for one in still if one.replaces_review_id]
    earlier = {one.id: one for one in db.exec(select(Review).where(col(Review.id).in_(named)))}
    _keep(db, [standing.as_before(one, earlier.get(one.replaces_review_id or ""), by_id=by.id, at=at or now()) for one in still])
    return len(still)


def _note(db: Session, deed: Act, sentence: str, count: int, by: Person, at: datetime | None) -> None:
    """One entry for all: the deed it names has each review."""
    audit.record(db, by, "labelled", "act", deed.id, sentence, at=at, after={"conversations": count})


# -- after a second person's yes ----------------------------------------------------------------------------------------------------------


def carry_out(proposal_id: str, *, progress: Callable[[float, str], None] | None = None, at: datetime | None = None) -> str:
    """Label what was approved, step by step. Cut off and run again it goes on: the deed has the proposal's id and knows what is done."""
    ids = _begin(proposal_id, at)
    for start in range(0, len(ids), STEP):
        _step(proposal_id, ids[start : start + STEP], at)
        if progress:
            done = min(start + STEP, len(ids))
            progress(done / len(ids), f"{done:,} of {len(ids):,}")
    with store.reading() as db:
        deed = db.get(Act, proposal_id)
        changed = len(deed.made["reviews"]) if deed else 0
    left = len(ids) - changed
    return f"Labelled {together.many(changed)}." + (f" Changed since it was proposed, so left alone: {left:,}." if left else "")


def _begin(proposal_id: str, at: datetime | None) -> list[str]:
    with store.writing() as db:
        proposal = db.get_one(Proposal, proposal_id)
        ids: list[str] = proposal.payload["conversations"]
        if proposal.kind == KIND and db.get(Act, proposal_id) is not None:  # begun by a try that was cut off
            return ids
        approvals.begin_execution(db, proposal_id, KIND, at=at)
        sentence = f"{proposal.title[:1].upper()}{proposal.title[1:]}, as was approved."
        who = proposal.proposer_id
        db.add(Act(id=proposal_id, person_id=who, by_person_id=who, sentence=sentence, made={"reviews": []}, at=at or now()))
        return ids


def _step(proposal_id: str, ids: Sequence[str], at: datetime | None) -> None:
    """Some of them, in one transaction, by the proposer as they are now. What they took back meanwhile stays taken back."""
    with store.writing() as db:
        store.one_at_a_time(db, "labels together")
        deed = db.get_one(Act, proposal_id, populate_existing=True)
        if deed.undone_at is not None:
            return
        proposal, by = db.get_one(Proposal, proposal_id), db.get_one(Person, deed.person_id, populate_existing=True)
        access.require(by, "relabelling.propose")
        done = set(db.exec(select(Review.conversation_id).where(col(Review.id).in_(deed.made["reviews"]))))
        label = _usable(db, proposal.payload["label_id"])
        here = together.reached(db, ids, "review.record", by=by)
        plan = _plan(db, [one for one in ids if one in here and one not in done], label.id, by)
        if plan.before:
            deed.made = {"reviews": [*deed.made["reviews"], *_write(db, list(plan.before), label.id, by, at)]}
            db.add(deed)
            _note(db, deed, f"Labelled {together.many(len(plan.before))} as {label.name}, as was approved.", len(plan.before), by, at)
