"""The labels a classifier chooses among."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from data import access, audit, deeds, disputes, labels, store
from data.errors import Refused
from data.masking import masked
from data.tables import AuditEntry, Classifier, Dispute, Label, Person
from data.values import now

YES_NO, ANSWERS = "yes or no", ("Yes", "No")  # a kind of classifier, and all its labels
LONGEST_GUIDELINE = 1_000  # characters of each half: more is not read while labelling


def add(
    name: str,
    *,
    by: Person,
    classifier_name: str = labels.INTENT,
    description: str = "",
    do: str = "",
    dont: str = "",
    draft: bool = False,
    at: datetime | None = None,
) -> Label:
    """A new label. A draft is taught and tested first: nobody is asked about it until a release that knows it is approved."""
    access.require(by, "label.draft" if draft else "label.add")
    if not name.strip() or len(name) > 80:
        raise Refused("Not added: a label has a name of 1 to 80 characters.")
    with store.writing() as db:
        asked = db.exec(select(Classifier).where(Classifier.name == classifier_name)).first()
        if classifier_name != labels.INTENT and asked is None:
            raise Refused(f"Not added: there is no classifier '{classifier_name[:60]}'. Begin it first.")
        if asked is not None and asked.kind == YES_NO and name not in ANSWERS:
            raise Refused(f"Not added: '{classifier_name}' has its answers already, {' and '.join(ANSWERS)}.")
        if db.exec(select(Label).where(Label.classifier_name == classifier_name, Label.name == name.strip())).first():
            raise Refused(f"Not added: there is a label '{name.strip()}' already.")
        label = Label(
            classifier_name=classifier_name,
            name=name.strip(),
            description=description,
            do=do,
            dont=dont,
            draft=draft,
            at=at or now(),
            by_person_id=by.id,
        )
        db.add(label)
        what = "intent" if classifier_name == labels.INTENT else f"answer of '{classifier_name}'"
        told = f"Named the {what} '{label.name}', to be taught." if draft else f"Added the {what} '{label.name}'."
        audit.record(db, by, "added", "label", label.id, told, at=at)
        return label


def take_into_use(db: Session, label_ids: Iterable[str], *, by: Person, at: datetime | None = None) -> None:
    """What was only taught becomes one of the labels that people are asked about. Called when a release that knows it is approved."""
    for label in db.exec(select(Label).where(col(Label.id).in_(list(label_ids)), col(Label.draft))):
        label.draft = False
        db.add(label)
        audit.record(db, by, "took into use", "label", label.id, f"'{label.name}' is one of the intents now.", at=at)


def improve(label_id: str, *, do: str | None = None, dont: str | None = None, by: Person, at: datetime | None = None) -> Label:
    """Say more clearly what belongs to a label, or what does not. What is left out stays as it is."""
    with store.writing() as db:
        _improve(db, label_id, {"do": do, "dont": dont}, by, at)
        return db.get_one(Label, label_id)


def _improve(db: Session, label_id: str, halves: dict[str, str | None], by: Person, at: datetime | None) -> AuditEntry:
    access.require(by, "label.add")
    store.one_at_a_time(db, f"label {label_id}")
    label = db.get(Label, label_id, populate_existing=True)
    if label is None or label.retired_at is not None:
        raise Refused("Not changed: that label is no longer in use. Choose another.")
    before = {"do": label.do, "dont": label.dont}
    after = before | {half: _cleaned(text) for half, text in halves.items() if text is not None}
    if after == before:
        raise Refused(f"Not changed: the guideline of '{label.name}' says that already.")
    label.do, label.dont = after["do"], after["dont"]
    db.add(label)
    told = f"Improved the guideline of '{label.name}'."
    return audit.record(db, by, "improved", "label", label.id, told, before=before, after=after, at=at)


def _cleaned(text: str) -> str:
    told = masked(text.strip().replace("\0", ""))
    if len(told) > LONGEST_GUIDELINE:
        raise Refused(f"Not changed: each half of a guideline may have {LONGEST_GUIDELINE:,} characters, this one has {len(told):,}.")
    return told


def settle(
    conversation_id: str,
    verdict: str,
    label_id: str | None,
    reason: str,
    *,
    guideline: str = "",
    guideline_for: str | None = None,
    guideline_is: str = "do",
    by: Person,
    at: datetime | None = None,
) -> Dispute:
    """Settle what people see differently and make a label's guideline clearer by what was learned: both, or neither."""
    if guideline_is not in ("do", "dont"):
        raise Refused("Not settled: the sentence says what belongs to the intent, or what does not.")
    with store.writing() as db, deeds.in_one(db, disputes.SETTLED, by=by, at=at):
        if guideline_for is not None and (sentence := guideline.strip() or reason.strip()):
            entry = _add_to(db, guideline_for, guideline_is, sentence, by, at)
            deeds.remember(db, entry.sentence, "guideline", entry.id, by=by, at=at)
        return disputes.settle(conversation_id, verdict, label_id, reason, by=by, guideline_label_id=guideline_for, at=at)


def _add_to(db: Session, label_id: str, half: str, sentence: str, by: Person, at: datetime | None) -> AuditEntry:
    store.one_at_a_time(db, f"label {label_id}")
    label = db.get(Label, label_id, populate_existing=True)
    said = getattr(label, half) if label else ""
    return _improve(db, label_id, {half: f"{said}\n{sentence}".strip()}, by, at)
