"""Conversations that somebody held up as strong or weak, and the only source of rows for training."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, update
from sqlmodel import Session, col, func, select

from data import access, audit, conversations, deeds, labels, reviews, store
from data.errors import Refused
from data.masking import masked
from data.tables import AuditEntry, Case, CaseChange, Conversation, EvalSet, Example, Label, Person, Review
from data.values import Subject, now
from language import redact, words

TESTING = ("eval", "gold")  # an example in one of these uses is never trained on


def _is_test() -> ColumnElement[bool]:
    """Also what was accepted as an example and kept for testing, from that moment on: it is frozen with the next training only."""
    return or_(col(Example.use).in_(TESTING), and_(col(Example.use) == "loose", col(Example.found) != ""))


def flag(
    conversation_id: str,
    kind: str,
    *,
    why: str,
    eval_set_id: str,
    by: Person,
    label_id: str | None = None,
    review_id: str | None = None,
    grader: str = "",
    expected: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Example:
    """Hold the conversation up as a strong or weak example for an eval set. It waits there until the set is frozen."""
    if kind not in ("strong", "weak"):
        raise Refused("Not flagged: say whether it is a strong or a weak example.")
    if not why.strip():
        raise Refused("Not flagged: say in a sentence why it is a good test; everybody who reads the case later will ask.")
    with store.writing() as db:
        conversation = conversations.within_reach(db, conversation_id, "example.flag", by=by)
        eval_set = db.get(EvalSet, eval_set_id)
        if eval_set is None:
            raise Refused("Not flagged: there is no such eval set. Choose one.")
        if eval_set.purpose == "classifier" and not labels.in_use(db, label_id):
            raise Refused(f"Not flagged: '{eval_set.name}' tests intents, so the example needs one. Choose the intent that is right.")
        if eval_set.purpose != "classifier" and not (grader and expected):
            raise Refused(f"Not flagged: '{eval_set.name}' needs to know what is expected. Correct the reply, or choose another set.")
        if review_id and (review := db.get(Review, review_id)) is not None and review.conversation_id != conversation_id:
            raise Refused("Not flagged: that review is of another conversation.")
        _refuse_twice(db, conversation_id, eval_set)
        messages = conversations.messages_of(db, conversation_id)
        example = Example(
            conversation_id=conversation_id,
            seq=messages[-1].seq,
            customer_id=conversation.customer_id,
            messages=conversations.frozen(messages),
            subject_line=conversation.subject or "",
            kind=kind,
            why=masked(why.strip()),
            purpose=eval_set.purpose,
            label_id=label_id,
            review_id=review_id,
            eval_set_id=eval_set_id,
            grader=grader,
            expected=_masked(expected),
            redaction=redact.NUMBER,
            at=at or now(),
            by_person_id=by.id,
        )
        db.add(example)
        deeds.remember(db, f"Flagged a {kind} example for '{eval_set.name}'.", "example", example.id, by=by, at=at)
        audit.record(db, by, "flagged", "example", example.id, f"Flagged a {kind} example for '{eval_set.name}': {example.why}", at=at)
        return example


def teach(
    db: Session,
    conversation_id: str,
    label: Label,
    *,
    found: str,
    why: str,
    test_in: EvalSet | None = None,
    by: Person,
    at: datetime | None = None,
) -> Example | None:
    """The conversation is an example of the label: to learn from, or to test with in that set. None: it is one already, or a test.
    Called by classifiers/gathering.py, which decides which it is."""
    conversation = conversations.within_reach(db, conversation_id, "example.flag", by=by)
    same = select(Example.id).where(Example.conversation_id == conversation_id, Example.label_id == label.id, Example.use != "retired")
    if db.exec(same).first() is not None:
        return None
    before = _answered(db, conversation_id, label)
    if before is not None and before.use in TESTING:
        return None
    example = _taught(db, conversation, found, why, test_in, by, at)
    example.label_id = label.id
    return _accepted(db, example, f"Accepted an example of '{label.name}'", before, by, at)


def _answered(db: Session, conversation_id: str, label: Label) -> Example | None:
    """What was said to the same question: there is one answer, so the next takes its place. Of intents what was said last is learned."""
    if label.classifier_name == labels.INTENT:
        return None
    store.one_at_a_time(db, f"labels of {label.classifier_name}")
    theirs = col(Example.label_id).in_(select(Label.id).where(Label.classifier_name == label.classifier_name))
    query = select(Example).where(Example.conversation_id == conversation_id, Example.use != "retired", theirs)
    return db.exec(query.order_by(col(Example.at).desc(), col(Example.id).desc())).first()


def teach_all(
    db: Session,
    conversation_id: str,
    classifier_name: str,
    said: Sequence[Label],
    *,
    grader: str,
    found: str,
    why: str,
    test_in: EvalSet | None = None,
    by: Person,
    at: datetime | None = None,
) -> Example | None:
    """These labels of the classifier come up in the conversation and none of the others: that takes the place of what was said before.

    None: the same was said before, or it is a test already. Called by classifiers/gathering.py.
    """
    conversation = conversations.within_reach(db, conversation_id, "example.flag", by=by)
    before = all_said(db, conversation_id, classifier_name)
    ordered = sorted(said, key=lambda label: (label.name, label.id))
    ids = [label.id for label in ordered]
    if before is not None and (before.use in TESTING or set(label_ids_of(before)) == set(ids)):
        return None
    example = _taught(db, conversation, found, why, test_in, by, at)
    example.label_id = ids[0] if ids else None
    example.grader = grader
    example.expected = {"classifier": classifier_name, "labels": [label.name for label in ordered], "label_ids": ids}
    told = ", ".join(f"'{label.name}'" for label in ordered) or f"none of the labels of '{classifier_name}'"
    return _accepted(db, example, f"Accepted an example of {told}", before, by, at)


def _taught(
    db: Session, conversation: Conversation, found: str, why: str, test_in: EvalSet | None, by: Person, at: datetime | None
) -> Example:  # fmt: skip
    messages = conversations.messages_of(db, conversation.id)
    return Example(
        conversation_id=conversation.id, seq=messages[-1].seq, customer_id=conversation.customer_id,
        messages=conversations.frozen(messages), subject_line=conversation.subject or "", kind="strong", why=masked(why.strip()),
        purpose="classifier", eval_set_id=test_in.id if test_in else None, found=found, redaction=redact.NUMBER,
        use="loose" if test_in else "train", at=at or now(), by_person_id=by.id,
    )  # fmt: skip


def _accepted(db: Session, example: Example, told: str, before: Example | None, by: Person, at: datetime | None) -> Example:
    """Kept in the place of the former one, which comes back where this one is taken back."""
    replaced = {"example_id": before.id, "use": before.use} if before else None
    if before is not None:
        before.use = "retired"
        db.add(before)
    db.add(example)
    db.flush()
    deeds.remember(db, f"{told}.", "example", example.id, by=by, at=at)
    audit.record(db, by, "accepted", "example", example.id, f"{told}, found by {example.found}.", at=at, before=replaced)
    return example


def all_said(db: Session, conversation_id: str, classifier_name: str) -> Example | None:
    """What a person said of all labels of a classifier that may say several, if somebody did."""
    query = select(Example).where(Example.conversation_id == conversation_id, Example.use != "retired", Example.purpose == "classifier")
    return next((one for one in db.exec(query) if classifier_of(one) == classifier_name), None)


def classifier_of(example: Example) -> str | None:
    """Whose labels it names all of; None where it names one label."""
    told: str | None = (example.expected or {}).get("classifier")
    return told


def label_ids_of(said: Review | Example) -> tuple[str, ...]:
    """All that was said it is."""
    if isinstance(said, Example) and classifier_of(said) is not None:
        return tuple((said.expected or {})["label_ids"])
    return (said.label_id,) if said.label_id else ()


def _masked(expected: dict[str, Any] | None) -> dict[str, Any] | None:
    """What somebody typed as a better reply is masked here as it is in their review."""
    return {name: masked(told) if isinstance(told, str) else told for name, told in expected.items()} if expected else expected


def review_and_flag(
    conversation_id: str,
    verdict: str,
    *,
    why: str,
    eval_set_id: str,
    by: Person,
    label_id: str | None = None,
    reply: str = "",
    note: str = "",
    marks: dict[str, str] | None = None,
    seconds: float | None = None,
    grader: str = "",
    expected: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Example:
    """Judge the conversation and hold it up as an example of that: both are kept, or neither, and one undo takes back both."""
    with store.writing() as db, deeds.in_one(db, f"Reviewed and flagged as {verdict}.", by=by, at=at):
        review = reviews.record(
            conversation_id, verdict, by=by, label_id=label_id, reply=reply, note=note, marks=marks, seconds=seconds, at=at
        )
        return flag(
            conversation_id, verdict, why=why, eval_set_id=eval_set_id, by=by, label_id=label_id, review_id=review.id,
            grader=grader, expected=expected, at=at,
        )  # fmt: skip


def take_back(db: Session, example_id: str, *, by: Person, at: datetime | None = None) -> None:
    """A flag that waits is taken away. Called by undo.py."""
    example = db.get(Example, example_id)
    if example is None or example.by_person_id != by.id:
        raise Refused("Not undone: there is no such flag of yours.")
    conversations.within_reach(db, example.conversation_id, "example.flag", by=by)
    if example.use == "retired" and example.found:
        return  # more was said of the conversation since, and that stays
    if example.use not in ("loose", "train"):
        raise Refused("Not undone: the flag became a test case since. Whoever owns the eval set can retire the case there.")
    example.use = "retired"
    db.add(example)
    _bring_back(db, example)
    audit.record(db, by, "took back", "example", example.id, f"Took back a {example.kind} example.", at=at)


def _bring_back(db: Session, example: Example) -> None:
    """What it took the place of counts again."""
    query = select(AuditEntry).where(AuditEntry.noun == "example", AuditEntry.noun_id == example.id, AuditEntry.verb == "accepted")
    entry = db.exec(query).first()
    replaced = entry.before if entry else None
    former = db.get(Example, replaced["example_id"]) if replaced else None
    if replaced and former is not None and former.use == "retired":
        former.use = replaced["use"]
        db.add(former)


def _refuse_twice(db: Session, conversation_id: str, eval_set: EvalSet) -> None:
    query = select(Example).where(Example.conversation_id == conversation_id, Example.eval_set_id == eval_set.id, Example.use != "retired")
    if db.exec(query).first():
        raise Refused(f"Not flagged: this conversation already stands in '{eval_set.name}'.")


def loose(db: Session, eval_set_id: str) -> list[Example]:
    """Flagged for the set, not frozen into it yet."""
    return list(db.exec(select(Example).where(Example.eval_set_id == eval_set_id, Example.use == "loose").order_by(Example.id)))


def loose_count(eval_set_id: str) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Example).where(Example.eval_set_id == eval_set_id, Example.use == "loose")).one()


def waiting(eval_set_id: str, *, by: Person, most: int = 200) -> list[Example]:
    """What was flagged for the set and is not frozen yet, within reach, newest first; nothing for who may read no conversation."""
    reach = access.reach(by, "conversation.read")
    if reach is None:
        return []
    query = select(Example).join(Conversation, col(Conversation.id) == col(Example.conversation_id)).where(
        Example.eval_set_id == eval_set_id, Example.use == "loose", access.within(reach, by, col(Conversation.team_id)),
        col(Conversation.hidden_at).is_(None),
    )  # fmt: skip
    with store.reading() as db:
        return list(db.exec(query.order_by(col(Example.id).desc()).limit(most)))


def set_aside_for_testing(db: Session, chosen: Iterable[Example]) -> None:
    """loose -> eval, inside the freeze."""
    ids = [example.id for example in chosen]
    db.execute(update(Example).where(col(Example.id).in_(ids)).values(use="eval"))


def flagged_by(db: Session, example_ids: Sequence[str]) -> dict[str, str]:
    """Who flagged each of them."""
    query = select(Example.id, Example.by_person_id).where(col(Example.id).in_(example_ids), col(Example.by_person_id).is_not(None))
    return {made: person_id for made, person_id in db.exec(query) if person_id}


def of_conversation(conversation_id: str, *, by: Person) -> list[Example]:
    if conversations.get(conversation_id, by=by) is None:
        return []
    with store.reading() as db:
        hidden = ("retired", "gold")  # a gold example is asked blind: calibration.py shows it to who has answered
        return list(db.exec(select(Example).where(Example.conversation_id == conversation_id, col(Example.use).not_in(hidden))))


def taught_count(classifier_name: str) -> int:
    """How many conversations were accepted to learn from."""
    theirs = col(Example.label_id).in_(select(Label.id).where(Label.classifier_name == classifier_name))
    none = and_(col(Example.label_id).is_(None), col(Example.purpose) == "classifier")  # somebody said that no label comes up
    query = select(Example.conversation_id, Example.label_id, Example.expected).where(Example.use == "train", or_(theirs, none))
    with store.reading() as db:
        said = db.exec(query).all()
    return len({made for made, label_id, told in said if label_id or (told or {}).get("classifier") == classifier_name})


@dataclass(frozen=True)
class TrainingRow:
    """One conversation that a person named: what a machine sees, what the person said it is, and where that came from."""

    conversation_id: str
    customer_id: str
    text: str
    label: str
    label_id: str
    source: Review | Example  # what was said last
    label_ids: tuple[str, ...] = ()  # all that it is, where a classifier may say several: the first of them above, or nothing

    @property
    def by_person_id(self) -> str | None:
        return self.source.by_person_id


def for_training(classifier_name: str | None = "intent", *, by: Person, verb: str = "classifier.train") -> list[TrainingRow]:
    """Named by a person, never a test: a conversation or a text that any eval or gold example holds is left out."""
    access.require(by, verb)
    with store.reading() as db:
        names = {label.id: label.name for label in db.exec(select(Label).where(Label.classifier_name == classifier_name))}
        labelled = _named(db, names, classifier_name)
        tested = tested_conversations(db)
        chosen = sorted(set(labelled) - tested)
        texts: dict[str, tuple[Subject, str]] = {}
        for start in range(0, len(chosen), 500):
            texts |= conversations.texts(db, chosen[start : start + 500])
        asked = tested_texts(db)
        customers = dict(db.exec(select(Conversation.id, Conversation.customer_id).where(col(Conversation.hidden_at).is_(None))).all())
    return [
        _row(made, customers[made], texts[made][1], names, said)
        for made, said in sorted(labelled.items())
        if made in texts and made in customers and texts[made][1].strip() and texts[made][1] not in asked
    ]


def _row(conversation_id: str, customer_id: str, text: str, names: Mapping[str, str], said: Review | Example) -> TrainingRow:
    ids = tuple(made for made in label_ids_of(said) if made in names)
    first = ids[0] if ids else ""
    return TrainingRow(conversation_id, customer_id, text, names.get(first, ""), first, said, ids)


def _named(db: Session, names: Container[str | None], classifier_name: str | None) -> dict[str, Review | Example]:
    """What a person said last of each conversation that has one of these labels: in a review, or by accepting it as an example."""
    named: dict[str, Review | Example] = {made: one for made, one in reviews.last_said(db).items() if one.label_id in names}
    for one in db.exec(select(Example).where(Example.use == "train").order_by(col(Example.at), col(Example.id))):
        said = named.get(one.conversation_id)
        theirs = one.label_id in names if (name := classifier_of(one)) is None else name == classifier_name
        if theirs and (said is None or said.at <= one.at):
            named[one.conversation_id] = one
    return named


def tested_conversations(db: Session) -> set[str]:
    """Conversations that any test is made of."""
    return set(db.exec(select(Example.conversation_id).where(_is_test())).all())


def tested_customers(db: Session) -> set[str]:
    """Customers whose conversations any test is made of."""
    from_examples = db.exec(select(Example.customer_id).where(_is_test())).all()
    from_cases = db.exec(select(Case.customer_id).where(col(Case.customer_id).is_not(None))).all()
    return {customer for customer in (*from_examples, *from_cases) if customer}


@dataclass(frozen=True)
class AskedTexts:
    """Whether a text says what a test asks, word by word."""

    said: frozenset[str]

    def __contains__(self, text: str) -> bool:
        return _said(text) in self.said


def tested_texts(db: Session) -> AskedTexts:
    """What the tests ask, as it was frozen: also said by somebody else, it is not learned from.

    What was brought or changed stands once in what a freeze took in, however many versions hold it, and stays there when it is retired.
    """
    flagged = db.exec(select(Example.subject_line, Example.messages).where(_is_test())).all()
    taken_in = db.exec(select(CaseChange.case).where(col(CaseChange.set_version_id).is_not(None), col(CaseChange.case).is_not(None))).all()
    asked = [*flagged, *((case["input"]["subject_line"], case["input"]["messages"]) for case in taken_in if case)]
    return AskedTexts(frozenset(_said(conversations.text_of(subject_line, messages)) for subject_line, messages in asked))


def _said(text: str) -> str:
    """In small letters, without signs and without the numbers of what was masked: a file and the door count those differently."""
    found = words.of(redact.PLACEHOLDER.sub(lambda match: match[0].rstrip("›0123456789"), text))
    return " ".join(found) or text.strip()
