"""Gathers what a label is taught by: conversations that a person accepts as its examples, a third of them kept for testing.

Where several labels may come up in a conversation, an example says all of them: an accepted label joins those that were said before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from classifiers import kinds, labels, noticing
from data import access, conversations, deeds, examples, sealing, store
from data import labels as known
from data.errors import Refused
from data.labels import INTENT
from data.tables import Example, Label, Person
from evals import freezing, gate, sets
from evals.graders import same_labels

KEPT_FOR_TESTING = 1 / 3
MOST = 200  # at once: each was looked at
WAYS = {"pattern": "a pattern", "similar": "likeness", "search": "a search", "unsure": "doubt", "rule": "a rule", "copy": "a copy"}


@dataclass(frozen=True)
class Accepted:
    label: Label
    taught: int
    kept_for_testing: int
    already: int  # examples of it before
    cases: int  # that test the label by now

    @property
    def sentence(self) -> str:
        told = f"{self.taught:,} to learn from, {self.kept_for_testing:,} kept for testing."
        if self.already:
            told += f" {self.already:,} {'was' if self.already == 1 else 'were'} accepted before."
        missing = gate.FEWEST_CASES - self.cases
        return told if missing <= 0 else f"{told} {missing:,} more tests, and what is trained on them can go further than a trial run."


def accept(
    conversation_ids: Sequence[str], label_id: str, *, found: str, by: Person, why: str = "", at: datetime | None = None
) -> Accepted:
    """Each conversation is an example of the label. A customer's are all to learn from or all to test with."""
    access.require(by, "label.draft")
    _check_way(found)
    if not 0 < len(conversation_ids) <= MOST:
        raise Refused(f"Not accepted: choose 1 to {MOST} conversations, these are {len(conversation_ids):,}.")
    with store.writing() as db:
        label = db.get(Label, label_id)
        if label is None or label.retired_at is not None:
            raise Refused("Not accepted: that intent is no longer in use. Choose another.")
        several = kinds.of(label.classifier_name).kind == kinds.SEVERAL
        teach = _teach_also if several else _teach
        with deeds.in_one(db, f"Accepted {len(conversation_ids)} examples of '{label.name}'.", by=by, at=at):
            made = [teach(db, made, label, found, why, by, at) for made in dict.fromkeys(conversation_ids)]
        db.flush()
        kept, taught = (sum(one is not None and one.use == use for one in made) for use in ("loose", "train"))
        return Accepted(label, taught, kept, made.count(None), sum(_kept(db, label, several=several)))


def say_all(
    conversation_id: str, classifier_name: str, label_ids: Sequence[str], *, found: str, by: Person, why: str = "",
    at: datetime | None = None,
) -> Example | None:  # fmt: skip
    """These labels come up in the conversation and none of the others of the classifier; without any, none does.

    None: the same was said before, or the conversation is a test already.
    """
    access.require(by, "label.draft")
    _check_way(found)
    if kinds.of(classifier_name).kind != kinds.SEVERAL:
        raise Refused(f"Not accepted: '{classifier_name}' says one label of a conversation. Accept it as an example of that one.")
    with store.writing() as db:
        wanted = col(Label.id).in_(list(label_ids))
        said = db.exec(select(Label).where(wanted, Label.classifier_name == classifier_name, col(Label.retired_at).is_(None))).all()
        if len(said) != len(set(label_ids)):
            missing = len(set(label_ids)) - len(said)
            raise Refused(f"Not accepted: {missing:,} of these labels are not in use in '{classifier_name}'. Choose again.")
        with deeds.in_one(db, f"Said which labels of '{classifier_name}' come up.", by=by, at=at):
            return _teach_all(db, conversation_id, classifier_name, said, found, why, by, at)


def _check_way(found: str) -> None:
    if found not in WAYS:
        raise Refused(f"Not accepted: examples are found by {', '.join(WAYS.values())}.")


def _kept(db: Session, label: Label, *, several: bool) -> tuple[int, int]:
    return sets.kept_for_all_labels(db, label.classifier_name) if several else sets.kept_for_label(db, label)


def _teach(db: Session, conversation_id: str, label: Label, found: str, why: str, by: Person, at: datetime | None) -> Example | None:
    customer_id = conversations.within_reach(db, conversation_id, "example.flag", by=by).customer_id
    test_in = sets.of_label(db, label, by=by, at=at) if is_for_testing(label, customer_id) else None
    told = why or f"It is about '{label.name}'; found by {WAYS[found]}."
    return examples.teach(db, conversation_id, label, found=WAYS[found], why=told, test_in=test_in, by=by, at=at)


def _teach_also(
    db: Session, conversation_id: str, label: Label, found: str, why: str, by: Person, at: datetime | None
) -> Example | None:  # fmt: skip
    """Beside what is said to come up in it already."""
    store.one_at_a_time(db, f"labels of {label.classifier_name}")
    before = examples.all_said(db, conversation_id, label.classifier_name)
    others = [made for made in (examples.label_ids_of(before) if before else ()) if made != label.id]
    said = [*db.exec(select(Label).where(col(Label.id).in_(others))), label]
    told = why or f"'{label.name}' comes up; found by {WAYS[found]}."
    return _teach_all(db, conversation_id, label.classifier_name, said, found, told, by, at)


def _teach_all(
    db: Session, conversation_id: str, name: str, said: Sequence[Label], found: str, why: str, by: Person, at: datetime | None
) -> Example | None:  # fmt: skip
    store.one_at_a_time(db, f"labels of {name}")
    customer_id = conversations.within_reach(db, conversation_id, "example.flag", by=by).customer_id
    test_in = sets.of_all_labels(db, name, by=by, at=at) if _is_kept(name, customer_id) else None
    told = why or f"Somebody said which labels of '{name}' come up; found by {WAYS[found]}."
    return examples.teach_all(
        db, conversation_id, name, said, grader=same_labels.NAME, found=WAYS[found], why=told, test_in=test_in, by=by, at=at
    )


def is_for_testing(label: Label, customer_id: str) -> bool:
    """By the customer and the label alone: the same today and next month. Where labels answer one question, by the question."""
    return _is_kept(label.id if label.classifier_name == INTENT else label.classifier_name, customer_id)


def _is_kept(what: str, customer_id: str) -> bool:
    return int(sealing.sha(f"kept for testing {what} {customer_id}")[:8], 16) / 0xFFFFFFFF < KEPT_FOR_TESTING


def name_pattern(
    pattern_id: str, name: str, conversation_ids: Sequence[str], *, description: str = "", by: Person, at: datetime | None = None
) -> Accepted:
    """Name what a pattern is about and accept these conversations of it as examples: both, or neither."""
    with store.writing():
        label = labels.add(name, by=by, description=description, draft=True, at=at)
        noticing.became(pattern_id, label.id, by=by, at=at)
        return accept(conversation_ids, label.id, found="pattern", by=by, at=at)


def freeze_kept(classifier_name: str = INTENT, *, by: Person, at: datetime | None = None) -> int:
    """What was kept for testing becomes cases, before anything is trained. Until then one undo takes an acceptance back whole."""
    access.require(by, "label.draft")
    frozen = 0
    with store.writing() as db:
        if sets.kept_for_all_labels(db, classifier_name)[1]:
            freezing.freeze(sets.of_all_labels(db, classifier_name, by=by, at=at).id, by=by, at=at)
            frozen += 1
        for label in known.of(classifier_name, drafts=True):
            if sets.kept_for_label(db, label)[1]:
                freezing.freeze(sets.of_label(db, label, by=by, at=at).id, by=by, at=at)
                frozen += 1
    return frozen
