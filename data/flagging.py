"""Holds many conversations up as examples for one eval set, for one reason."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from data import audit, bulk, conversations, deeds, labels, standing, store, together
from data.errors import Refused
from data.masking import masked
from data.tables import Conversation, EvalSet, Example, Message, Person, Review
from data.together import Chosen, Done, Plan, Preview
from data.values import now
from language import redact

UNLABELLED = "without an intent that a person gave"
AGAIN = "that stand in the set already"


def preview(which: Chosen, kind: str, eval_set_id: str, *, by: Person) -> Preview:
    """Counts and examples of what `flag` would do."""
    with store.reading() as db:
        eval_set = _set(db, eval_set_id)
        plan, _ = _plan(db, together.chosen(db, which, "example.flag", by=by), eval_set)
        return plan.preview(db, f"become {kind} examples for '{eval_set.name}'", f"a {kind} example")


def flag(which: Chosen, kind: str, *, why: str, eval_set_id: str, by: Person, at: datetime | None = None) -> Done:
    """Each with the intent that a person gave it, all for the same reason."""
    if kind not in ("strong", "weak"):
        raise Refused("Not flagged: say whether they are strong or weak examples.")
    if not why.strip():
        raise Refused("Not flagged: say in a sentence why they are good tests; everybody who reads a case later will ask.")
    with store.writing() as db:
        store.one_at_a_time(db, f"flags for {eval_set_id}")
        eval_set = _set(db, eval_set_id)
        plan, said = _plan(db, together.chosen(db, which, "example.flag", by=by), eval_set)
        if not plan.before:
            return Done(together.told("Nothing was flagged.", plan.left), 0, dict(plan.left))
        made = _drawn_up(db, [said[one] for one in plan.before], kind, masked(why.strip()), eval_set, by, at or now())
        bulk.insert(db, Example, [example.model_dump() for example in made])
        sentence = f"Flagged {together.many(len(made))} as {kind} examples for '{eval_set.name}'."
        with deeds.in_one(db, sentence, by=by, at=at) as deed:
            deed.made.setdefault("examples", []).extend(example.id for example in made)
        after = {"conversations": len(made), "eval_set_id": eval_set_id}
        audit.record(db, by, "flagged", "act", deed.id, f"{sentence} {made[0].why}", at=at, after=after)
        return Done(together.told(sentence, plan.left), len(made), dict(plan.left), deed.id)


def _drawn_up(
    db: Session, reviews: Sequence[Review], kind: str, why: str, eval_set: EvalSet, by: Person, at: datetime
) -> list[Example]:  # fmt: skip
    """What examples.flag makes of one, of all of them."""
    ids = [review.conversation_id for review in reviews]
    spoken: dict[str, list[Message]] = {made: [] for made in ids}
    for message in db.exec(select(Message).where(col(Message.conversation_id).in_(ids)).order_by(col(Message.seq))):
        spoken[message.conversation_id].append(message)
    known = {one.id: one for one in db.exec(select(Conversation).where(col(Conversation.id).in_(ids)))}
    return [
        Example(
            conversation_id=one, seq=spoken[one][-1].seq, customer_id=known[one].customer_id, subject_line=known[one].subject or "",
            messages=conversations.frozen(spoken[one]), kind=kind, why=why, purpose=eval_set.purpose, label_id=review.label_id,
            review_id=review.id, eval_set_id=eval_set.id, redaction=redact.NUMBER, at=at, by_person_id=by.id,
        )
        for one, review in zip(ids, reviews, strict=True)
    ]  # fmt: skip


def _set(db: Session, eval_set_id: str) -> EvalSet:
    eval_set = db.get(EvalSet, eval_set_id)
    if eval_set is None:
        raise Refused("Not flagged: there is no such eval set. Choose one.")
    if eval_set.purpose != "classifier":
        raise Refused(f"Not flagged: each case of '{eval_set.name}' has an expectation of its own. Flag them one by one, on Review.")
    return eval_set


def _plan(db: Session, ids: Sequence[str], eval_set: EvalSet) -> tuple[Plan, dict[str, Review]]:
    """What the machine alone said is no ground to test machines on: the intent is the one of the last review."""
    known = select(Example.conversation_id).where(col(Example.conversation_id).in_(ids), Example.eval_set_id == eval_set.id)
    there = set(db.exec(known.where(Example.use != "retired")))
    reviews = select(Review).where(col(Review.conversation_id).in_(ids), standing.stands()).order_by(col(Review.at), col(Review.id))
    said = {review.conversation_id: review for review in db.exec(reviews)}
    names = {label.id: label.name for label in labels.of()}
    plan = Plan()
    for made in ids:
        intent = names.get((said[made].label_id or "") if made in said else "")
        if made in there:
            plan.left[AGAIN] += 1
        elif intent is None:
            plan.left[UNLABELLED] += 1
        else:
            plan.before[made] = intent
    return plan, said


def take_back(db: Session, example_ids: Sequence[str], *, by: Person, at: datetime | None = None) -> int:
    """Those that became no test case since are taken away. How many. Called by undo.py."""
    waiting = (col(Example.id).in_(example_ids), col(Example.by_person_id) == by.id, col(Example.use) == "loose")
    found = db.exec(select(Example.id, Example.conversation_id).where(*waiting)).all()
    here = together.reached(db, [made for _, made in found], "example.flag", by=by)
    still = [example_id for example_id, made in found if made in here]
    db.execute(update(Example).where(col(Example.id).in_(still)).values(use="retired").execution_options(synchronize_session="fetch"))
    return len(still)
