"""Eval sets: named collections of cases, frozen into immutable versions so that two scores on one are comparable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from data import access, audit, conversations, examples, labels, settings, store
from data.errors import Refused
from data.measures import percent
from data.tables import Case, EvalSet, Label, Person, Proposal, SetVersion
from data.values import now
from evals.cases import NewCase

PURPOSES = {
    "classifier": "whether a classifier recognises what a customer wants",
    "answer": "whether an answer is as good as the best one given",
    "knowledge": "whether a question is answered from the right article, or not at all",
    "automation": "whether a machine takes the same steps",
}
BAR_OF_KEPT = 0.8  # of what was kept for testing: nobody chose these cases, and some are hard


def create(
    name: str, *, by: Person, purpose: str = "classifier", kind: str = "regression", bar: float = 0.8, margin: float = 0.02,
    about: str = labels.INTENT, at: datetime | None = None,
) -> EvalSet:  # fmt: skip
    """`about`: which classifier it tests, or which recipe."""
    access.require(by, "eval_set.create")
    if not name.strip():
        raise Refused("Not created: give the set a name, such as 'Everyday intents'.")
    if purpose not in PURPOSES or kind not in ("regression", "capability") or not 0 < bar <= 1:
        raise Refused("Not created: choose a purpose, a kind and a bar between 0 and 100 %.")
    _check_margin(margin, "created")
    with store.writing() as db:
        if db.exec(select(EvalSet).where(EvalSet.name == name.strip())).first():
            raise Refused(f"Not created: there is a set named '{name.strip()}' already.")
        made = EvalSet(
            name=name.strip(), purpose=purpose, about=about, kind=kind, bar=bar, margin=margin, owner_id=by.id, at=at or now(),
            by_person_id=by.id,
        )  # fmt: skip
        db.add(made)
        audit.record(db, by, "created", "eval_set", made.id, f"Created the eval set '{made.name}'.", at=at)
        return made


def of_label(db: Session, label: Label, *, by: Person, at: datetime | None = None) -> EvalSet:
    """The set in which a label's own examples test; made with the first of them. Called by classifiers/gathering.py."""
    name = _name_for(label)
    return _named(db, name) or _for_testing(db, name, label.classifier_name, by, at)


def of_all_labels(db: Session, classifier_name: str, *, by: Person, at: datetime | None = None) -> EvalSet:
    """The set that tests a classifier which may say several labels: of a conversation it says all, or it is wrong. For gathering too."""
    name = _name_for_all(classifier_name)
    return _named(db, name) or _for_testing(db, name, classifier_name, by, at)


def _for_testing(db: Session, name: str, about: str, by: Person, at: datetime | None) -> EvalSet:
    made = EvalSet(
        name=name, purpose="classifier", about=about, bar=BAR_OF_KEPT, owner_id=by.id, by_person_id=by.id, at=at or now()
    )  # fmt: skip
    db.add(made)
    db.flush()
    audit.record(db, by, "created", "eval_set", made.id, f"Created the eval set '{made.name}' for what is kept for testing.", at=at)
    return made


def _of_label(db: Session, label: Label) -> EvalSet | None:
    return _named(db, _name_for(label))


def _named(db: Session, name: str) -> EvalSet | None:
    return db.exec(select(EvalSet).where(EvalSet.name == name)).first()


def _name_for_all(classifier_name: str) -> str:
    return f"{classifier_name}: all that come up"


def _name_for(label: Label) -> str:
    """An intent is tested by itself: it came one day, and others were there. The answers to one question are tested together."""
    return f"Intent: {label.name}" if label.classifier_name == labels.INTENT else f"{label.classifier_name}: kept for testing"


def of_drafts() -> dict[str, str]:
    """Of labels that are only being taught: by the id of the set that tests it the label's."""
    with store.reading() as db:
        drafts = db.exec(
            select(Label).where(Label.classifier_name == labels.INTENT, col(Label.draft), col(Label.retired_at).is_(None))
        ).all()
        return {found.id: label.id for label in drafts if (found := _of_label(db, label))}


def kept_for_label(db: Session, label: Label) -> tuple[int, int]:
    """Of its own set: how many cases are frozen, and how many wait to be."""
    return _kept_in(db, _of_label(db, label))


def kept_for_all_labels(db: Session, classifier_name: str) -> tuple[int, int]:
    return _kept_in(db, _named(db, _name_for_all(classifier_name)))


def _kept_in(db: Session, found: EvalSet | None) -> tuple[int, int]:
    latest = latest_in(db, found.id) if found else None
    return case_count(latest.id) if latest else 0, examples.loose_count(found.id) if found else 0


def _check_margin(margin: float, done: str) -> None:
    if not 0 <= margin <= 0.2:
        raise Refused(f"Not {done}: what may be lost and still counts as no worse lies between 0 and 20 points.")


def hand_over(eval_set_id: str, owner_id: str, *, by: Person, at: datetime | None = None) -> EvalSet:
    """Another person looks after the set from now on."""
    access.require(by, "eval_set.hand_over")
    with store.writing() as db:
        eval_set, owner = db.get(EvalSet, eval_set_id), db.get(Person, owner_id)
        if eval_set is None or owner is None or owner.disabled_at is not None:
            raise Refused("Not handed over: choose a set, and a person who still works here.")
        before, eval_set.owner_id = eval_set.owner_id, owner.id
        db.add(eval_set)
        told = f"Handed '{eval_set.name}' over to {owner.name}."
        audit.record(db, by, "handed over", "eval_set", eval_set.id, told, at=at, before={"owner_id": before}, after={"owner_id": owner.id})
        return eval_set


def numbers(cases: Iterable[Case]) -> dict[str, int]:
    """Case number by its key, as people call it. What was frozen before cases kept a number is counted in the order it came."""
    by_key = sorted(cases, key=lambda case: case.key)
    return {case.key: case.number or place for place, case in enumerate(by_key, start=1)}


def in_words(cases: Sequence[int]) -> str:
    """case 41 · cases 41, 44 and 47 · cases 41 to 60 · 30 cases between 41 and 1,060"""
    ordered = sorted(cases)
    if len(ordered) == 1:
        return f"case {ordered[0]}"
    if len(ordered) <= 5:
        return f"cases {', '.join(map(str, ordered[:-1]))} and {ordered[-1]}"
    if ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"cases {ordered[0]:,} to {ordered[-1]:,}"
    return f"{len(ordered):,} cases between {ordered[0]:,} and {ordered[-1]:,}"


def all_sets(*, by: Person) -> list[EvalSet]:
    access.require(by, "eval_set.read")
    with store.reading() as db:
        return list(db.exec(select(EvalSet).order_by(EvalSet.name)))


def by_name(name: str, *, by: Person) -> EvalSet:
    found = next((made for made in all_sets(by=by) if made.name == name), None)
    if found is None:
        raise Refused(f"There is no eval set named '{name}'.")
    return found


def versions(eval_set_id: str, *, by: Person) -> list[SetVersion]:
    """Newest first."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        return list(db.exec(select(SetVersion).where(SetVersion.eval_set_id == eval_set_id).order_by(col(SetVersion.number).desc())))


def latest(eval_set_id: str) -> SetVersion | None:
    with store.reading() as db:
        return latest_in(db, eval_set_id)


def propose_gate(
    eval_set_id: str, *, bar: float, approvers: int, why: str, by: Person, margin: float | None = None, at: datetime | None = None
) -> Proposal:
    """Ask for another set, bar, margin or number of approvers that releases must meet."""
    with store.reading() as db:
        eval_set = db.get(EvalSet, eval_set_id)
        latest = latest_in(db, eval_set_id)
    if eval_set is None or latest is None:
        raise Refused("Not proposed: choose an eval set that was frozen at least once.")
    if eval_set.about != labels.INTENT:
        raise Refused(f"Not proposed: '{eval_set.about}' is measured on its own sets already; the gate is that of the intents.")
    if not 0 < bar <= 1 or approvers not in (1, 2):
        raise Refused("Not proposed: the bar lies between 0 and 100 %, and one or two people approve.")
    margin = margin_of(eval_set) if margin is None else margin
    _check_margin(margin, "proposed")
    gate = settings.Gate(eval_set_id=eval_set_id, eval_set=eval_set.name, bar=bar, margin=margin, approvers=approvers)
    before = latest_for(eval_set.purpose, eval_set.about)
    now_is = f"'{before[0].name}' {before[1].number}, bar {percent(bar_of(before[0]))}, {loss(before[0])}" if before else "nothing"
    told = (
        f"Releases would be measured on '{eval_set.name}' {latest.number} ({case_count(latest.id):,} cases), bar {percent(bar)}, "
        f"a loss of {points(margin)} counts as no worse, "
        f"{'one approver' if approvers == 1 else 'two approvers'}. Now it is {now_is}."
    )
    return settings.propose_gate(gate, told=told, why=why, by=by, at=at)


def bar_of(eval_set: EvalSet) -> float:
    """What share of its cases a release must pass: what was agreed for the gate, else the set's own."""
    gate = settings.gate()
    return gate.bar if gate and gate.eval_set_id == eval_set.id else eval_set.bar


def margin_of(eval_set: EvalSet) -> float:
    """How much may be lost and still counts as no worse: as agreed for the gate, else the set's own."""
    gate = settings.gate()
    return gate.margin if gate and gate.eval_set_id == eval_set.id and gate.margin is not None else eval_set.margin


def loss(eval_set: EvalSet) -> str:
    return f"a loss of {points(margin_of(eval_set))} counts as no worse"


def points(share: float) -> str:
    told = f"{share * 100:g}"
    return f"{told} {'point' if told == '1' else 'points'}"


def latest_for(purpose: str, about: str = labels.INTENT) -> tuple[EvalSet, SetVersion] | None:
    """What a release is measured on: the set that two people agreed on, else the first made for this purpose, as last frozen.

    A later set is no way around it.
    """
    gate = settings.gate()
    with store.reading() as db:
        agreed = db.get(EvalSet, gate.eval_set_id) if gate else None
        if agreed is not None and (agreed.purpose, agreed.about) == (purpose, about) and (version := latest_in(db, agreed.id)):
            return agreed, version
        theirs = select(EvalSet).where(EvalSet.purpose == purpose, EvalSet.about == about)
        for made in db.exec(theirs.order_by(col(EvalSet.at), col(EvalSet.id))):
            if version := latest_in(db, made.id):
                return made, version
    return None


def measured_on(purpose: str, about: str = labels.INTENT) -> list[tuple[EvalSet, SetVersion]]:
    """What a release is measured on, and after it every other set that it must not make worse: the regression sets of its purpose."""
    first = latest_for(purpose, about)
    if first is None:
        return []
    with store.reading() as db:
        others = db.exec(
            select(EvalSet)
            .where(EvalSet.purpose == purpose, EvalSet.about == about, EvalSet.kind == "regression", EvalSet.id != first[0].id)
            .order_by(EvalSet.name)
        )
        return [first, *((made, version) for made in others if (version := latest_in(db, made.id)))]


def cases(set_version_id: str) -> list[Case]:
    with store.reading() as db:
        return cases_in(db, set_version_id)


@dataclass(frozen=True)
class Outline:
    """A case without its words, where ten thousand are counted."""

    id: str
    customer_id: str | None
    graders: list[str]
    slices: dict[str, str]


def outlines(set_version_id: str) -> list[Outline]:
    with store.reading() as db:
        query = select(Case.id, Case.customer_id, Case.graders, Case.slices).where(Case.set_version_id == set_version_id)
        return [Outline(*row) for row in db.exec(query.order_by(Case.key))]


def page(set_version_id: str, *, by: Person, start: int, most: int) -> list[Case]:
    """Some of its cases, by number."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        query = select(Case).where(Case.set_version_id == set_version_id).order_by(col(Case.number), col(Case.key))
        return list(db.exec(query.offset(start).limit(most)))


def of_version(db: Session, set_version_id: str) -> tuple[EvalSet, list[Case]]:
    return db.get_one(EvalSet, db.get_one(SetVersion, set_version_id).eval_set_id), cases_in(db, set_version_id)


def case_count(set_version_id: str) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Case).where(Case.set_version_id == set_version_id)).one()


def as_new(set_version_id: str, *, by: Person) -> list[NewCase]:
    """The cases of a version as a file holds them."""
    access.require(by, "case.export")
    return [
        NewCase(
            messages=tuple(case.input["messages"]), expected=case.expected, graders=tuple(case.graders),
            subject_line=case.input["subject_line"], slices=case.slices, key=case.key,
        )
        for case in cases(set_version_id)
    ]  # fmt: skip


def asked_of(case: Case) -> list[dict[str, Any]]:
    """What whoever answers is given: all up to the customer's last words before the reply that was judged, without that reply."""
    messages: list[dict[str, Any]] = case.input["messages"]
    last = _last_reply(messages)
    if last is None:
        return messages
    if not any(message["role"] == "customer" for message in messages[:last]):
        return [message for place, message in enumerate(messages) if place != last]
    return messages[: max(place for place, message in enumerate(messages[:last]) if message["role"] == "customer") + 1]


def replied_in(case: Case) -> str:
    """What was answered when it happened; empty where the case is a question alone."""
    messages: list[dict[str, Any]] = case.input["messages"]
    last = _last_reply(messages)
    return str(messages[last]["text"]) if last is not None else ""


def _last_reply(messages: Sequence[dict[str, Any]]) -> int | None:
    places = [
        place for place, message in enumerate(messages) if message["role"] in ("rep", "assistant") and message.get("text", "").strip()
    ]
    return places[-1] if places else None


def text_of(case: Case) -> str:
    """What a classifier looks at in this case: the same function that serves live traffic."""
    return conversations.text_of(case.input["subject_line"], case.input["messages"])


def latest_in(db: Session, eval_set_id: str) -> SetVersion | None:
    return db.exec(select(SetVersion).where(SetVersion.eval_set_id == eval_set_id).order_by(col(SetVersion.number).desc())).first()


def cases_in(db: Session, set_version_id: str) -> list[Case]:
    return list(db.exec(select(Case).where(Case.set_version_id == set_version_id).order_by(Case.key)))
