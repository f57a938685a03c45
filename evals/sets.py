"""Eval sets: named collections of cases, frozen into immutable versions so that two scores on one are comparable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from data import access, audit, conversations, settings, store
from data.errors import Refused
from data.measures import percent
from data.tables import Case, EvalSet, Person, Proposal, SetVersion
from data.values import now
from evals.cases import NewCase

PURPOSES = {
    "classifier": "whether a classifier recognises what a customer wants",
    "answer": "whether an answer is as good as the best one given",
    "automation": "whether a machine takes the same steps",
}


def create(
    name: str, *, by: Person, purpose: str = "classifier", kind: str = "regression", bar: float = 0.8, margin: float = 0.02,
    at: datetime | None = None,
) -> EvalSet:  # fmt: skip
    access.require(by, "eval_set.create")
    if not name.strip():
        raise Refused("Not created: give the set a name, such as 'Everyday intents'.")
    if purpose not in PURPOSES or kind not in ("regression", "capability") or not 0 < bar <= 1:
        raise Refused("Not created: choose a purpose, a kind and a bar between 0 and 100 %.")
    if not 0 <= margin <= 0.2:
        raise Refused("Not created: what may be lost and still counts as no worse lies between 0 and 20 points.")
    with store.writing() as db:
        if db.exec(select(EvalSet).where(EvalSet.name == name.strip())).first():
            raise Refused(f"Not created: there is a set named '{name.strip()}' already.")
        made = EvalSet(
            name=name.strip(), purpose=purpose, kind=kind, bar=bar, margin=margin, owner_id=by.id, at=at or now(), by_person_id=by.id
        )  # fmt: skip
        db.add(made)
        audit.record(db, by, "created", "eval_set", made.id, f"Created the eval set '{made.name}'.", at=at)
        return made


def numbers(cases: Iterable[Case]) -> dict[str, int]:
    """Case number by its key, as people call it. What was frozen before cases kept a number is counted in the order it came."""
    by_key = sorted(cases, key=lambda case: case.key)
    return {case.key: case.number or place for place, case in enumerate(by_key, start=1)}


def in_words(cases: Sequence[int]) -> str:
    """case 41 · cases 41, 44 and 47 · cases 41 to 60"""
    ordered = sorted(cases)
    if len(ordered) == 1:
        return f"case {ordered[0]}"
    if len(ordered) <= 5:
        return f"cases {', '.join(map(str, ordered[:-1]))} and {ordered[-1]}"
    return f"cases between {ordered[0]} and {ordered[-1]}"


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


def propose_gate(eval_set_id: str, *, bar: float, approvers: int, why: str, by: Person, at: datetime | None = None) -> Proposal:
    """Ask for another set, bar or number of approvers that releases must meet."""
    with store.reading() as db:
        eval_set = db.get(EvalSet, eval_set_id)
        latest = latest_in(db, eval_set_id)
    if eval_set is None or latest is None:
        raise Refused("Not proposed: choose an eval set that was frozen at least once.")
    if not 0 < bar <= 1 or approvers not in (1, 2):
        raise Refused("Not proposed: the bar lies between 0 and 100 %, and one or two people approve.")
    gate = settings.Gate(eval_set_id=eval_set_id, eval_set=eval_set.name, bar=bar, approvers=approvers)
    before = latest_for(eval_set.purpose)
    now_is = f"'{before[0].name}' {before[1].number}, bar {percent(bar_of(before[0]))}" if before else "nothing"
    told = (
        f"Releases would be measured on '{eval_set.name}' {latest.number} ({case_count(latest.id):,} cases), bar {percent(bar)}, "
        f"{'one approver' if approvers == 1 else 'two approvers'}. Now it is {now_is}."
    )
    return settings.propose_gate(gate, told=told, why=why, by=by, at=at)


def bar_of(eval_set: EvalSet) -> float:
    """What share of its cases a release must pass: what was agreed for the gate, else the set's own."""
    gate = settings.gate()
    return gate.bar if gate and gate.eval_set_id == eval_set.id else eval_set.bar


def latest_for(purpose: str) -> tuple[EvalSet, SetVersion] | None:
    """What a release is measured on: the set that two people agreed on, else the first made for this purpose, as last frozen.

    A later set is no way around it.
    """
    gate = settings.gate()
    with store.reading() as db:
        agreed = db.get(EvalSet, gate.eval_set_id) if gate else None
        if agreed is not None and agreed.purpose == purpose and (version := latest_in(db, agreed.id)):
            return agreed, version
        for made in db.exec(select(EvalSet).where(EvalSet.purpose == purpose).order_by(col(EvalSet.at), col(EvalSet.id))):
            if version := latest_in(db, made.id):
                return made, version
    return None


def measured_on(purpose: str) -> list[tuple[EvalSet, SetVersion]]:
    """What a release is measured on, and after it every other set that it must not make worse: the regression sets of its purpose."""
    first = latest_for(purpose)
    if first is None:
        return []
    with store.reading() as db:
        others = db.exec(
            select(EvalSet)
            .where(EvalSet.purpose == purpose, EvalSet.kind == "regression", EvalSet.id != first[0].id)
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
