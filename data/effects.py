"""What came of a review: what the machine and others had said, and what it teaches."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from data import access, conversations, labels, predictions, reviews, standing, store
from data.tables import EvalSet, Example, Person, Review


def others_said(conversation_id: str, *, by: Person) -> list[str]:
    """After one's own word: the machine's and the others', each a sentence."""
    if reviews.is_blind(conversation_id, by=by) or conversations.get(conversation_id, by=by) is None:
        return []
    names = labels.names()
    prediction = predictions.of_conversation(conversation_id)
    told = [f"The machine said '{names.get(prediction.label_id, '?')}'."] if prediction and prediction.label_id else []
    with store.reading() as db:
        people = dict(db.exec(select(Person.id, Person.name)).all())
        others = [review for review in standing.of(db, conversation_id) if review.by_person_id != by.id]
    for review in others:
        intent = f", '{names.get(review.label_id, '?')}'" if review.label_id else ""
        told.append(f"{people.get(review.by_person_id or '', 'Somebody')} said {reviews.VERDICTS[review.verdict]}{intent}.")
    return told


def of(conversation_ids: Sequence[str], *, by: Person) -> list[str]:
    """What this person's reviews of them changed, one sentence each."""
    access.require(by, "review.record")
    names = labels.names()
    told = []
    with store.reading() as db:
        for made in conversation_ids:
            if (review := reviews.mine(made, by=by)) is not None:
                told.append(" ".join([_taught(review, names), *_flagged(db, made, by)]))
    return told


def _taught(review: Review, names: dict[str, str]) -> str:
    said = names.get(review.label_id or "")
    prediction = predictions.of_conversation(review.conversation_id)
    machine = names.get(prediction.label_id or "") if prediction else None
    if said is None:
        return "You named no intent: if more like it come, they may make a new one."
    if machine is None:
        return f"The machine did not know; with the next training it has one more example of '{said}'."
    if machine == said:
        return f"You confirm '{said}': the machine's agreement with people counts one more."
    return f"The machine said '{machine}', you say '{said}': it learns that with the next training."


def _flagged(db: Session, conversation_id: str, by: Person) -> list[str]:
    query = select(EvalSet.name).join(Example, col(Example.eval_set_id) == col(EvalSet.id))
    mine = (Example.conversation_id == conversation_id, Example.by_person_id == by.id, Example.use != "retired")
    return [f"It becomes a test in '{name}' when that is frozen next." for name in db.exec(query.where(*mine)).all()]
