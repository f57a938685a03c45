"""Eval sets: named collections of cases, frozen into immutable versions so that two scores on one are comparable."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from data import access, audit, conversations, examples, inbox, people, sealing, settings, store
from data.errors import Refused
from data.measures import percent
from data.tables import Case, Conversation, EvalSet, Example, Label, Person, Proposal, SetVersion
from data.values import now
from evals.graders import exact_label

PURPOSES = {
    "classifier": "whether a classifier recognises what a customer wants",
    "answer": "whether an answer is as good as the best one given",
    "automation": "whether a machine takes the same steps",
}


def create(
    name: str, *, by: Person, purpose: str = "classifier", kind: str = "regression", bar: float = 0.8, at: datetime | None = None
) -> EvalSet:
    access.require(by, "eval_set.create")
    if not name.strip():
        raise Refused("Not created: give the set a name, such as 'Everyday intents'.")
    if purpose not in PURPOSES or kind not in ("regression", "capability") or not 0 < bar <= 1:
        raise Refused("Not created: choose a purpose, a kind and a bar between 0 and 100 %.")
    with store.writing() as db:
        if db.exec(select(EvalSet).where(EvalSet.name == name.strip())).first():
            raise Refused(f"Not created: there is a set named '{name.strip()}' already.")
        made = EvalSet(name=name.strip(), purpose=purpose, kind=kind, bar=bar, owner_id=by.id, at=at or now(), by_person_id=by.id)
        db.add(made)
        audit.record(db, by, "created", "eval_set", made.id, f"Created the eval set '{made.name}'.", at=at)
        return made


def freeze(eval_set_id: str, *, by: Person, at: datetime | None = None) -> SetVersion:
    """Close the loose examples into a new version of the set, beside the cases it had."""
    access.require(by, "eval_set.freeze")
    with store.writing() as db:
        eval_set = db.get(EvalSet, eval_set_id)
        if eval_set is None:
            raise Refused("Not frozen: there is no such eval set.")
        store.one_at_a_time(db, f"freeze {eval_set_id}")
        loose = examples.loose(db, eval_set_id)
        if not loose:
            raise Refused(f"'{eval_set.name}' was not frozen: no flagged example waits in it. Flag some on Review first.")
        before = _latest(db, eval_set_id)
        kept = _cases(db, before.id) if before else []
        version = _new_version(db, eval_set, before, kept, loose, by, at)
        examples.set_aside_for_testing(db, loose)
        _tell_who_flagged(db, eval_set, version, loose, by, at)
        audit.record(db, by, "froze", "eval_set", eval_set_id, f"Froze '{eval_set.name}' {version.number}: {version.changelog}", at=at)
        return version


def _tell_who_flagged(
    db: Session, eval_set: EvalSet, version: SetVersion, loose: list[Example], by: Person, at: datetime | None
) -> None:  # fmt: skip
    """What moved because of them: each hears which case their flag became."""
    place = numbers(_cases(db, version.id))
    flagged: defaultdict[str, list[int]] = defaultdict(list)
    for example in loose:
        if example.by_person_id and example.by_person_id != by.id:
            flagged[example.by_person_id].append(place[example.id])
    for person_id, became in flagged.items():
        flags = f"Your flag became {in_words(became)}" if len(became) == 1 else f"{len(became)} flags of yours became {in_words(became)}"
        told = f"{flags} of '{eval_set.name}' {version.number}. Every release is measured on it."
        inbox.tell(db, person_id, "moved", told, page="eval_sets", key=f"froze {version.id}", at=at)


def numbers(cases: Iterable[Case]) -> dict[str, int]:
    """Case number by its key, as people call it: counted in the order in which the set grew."""
    return {key: number for number, key in enumerate(sorted(case.key for case in cases), start=1)}


def in_words(cases: Sequence[int]) -> str:
    """case 41 · cases 41, 44 and 47 · cases 41 to 60"""
    ordered = sorted(cases)
    if len(ordered) == 1:
        return f"case {ordered[0]}"
    if len(ordered) <= 5:
        return f"cases {', '.join(map(str, ordered[:-1]))} and {ordered[-1]}"
    return f"cases between {ordered[0]} and {ordered[-1]}"


def _new_version(
    db: Session, eval_set: EvalSet, before: SetVersion | None, kept: list[Case], loose: list[Example], by: Person, at: datetime | None
) -> SetVersion:
    moment = at or now()
    version = SetVersion(
        eval_set_id=eval_set.id,
        number=before.number + 1 if before else 1,
        sha="",
        changelog=_changelog(kept, loose),
        at=moment,
        by_person_id=by.id,
    )
    labels = dict(db.exec(select(Label.id, Label.name)).all())
    channels = dict(
        db.exec(select(Conversation.id, Conversation.channel).where(col(Conversation.id).in_([e.conversation_id for e in loose]))).all()
    )
    fresh = [_case_from(example, labels.get(example.label_id or "", ""), channels[example.conversation_id]) for example in loose]
    cases = [
        Case(**case.model_dump(exclude={"id", "at", "by_person_id", "set_version_id"}), set_version_id=version.id)
        for case in [*kept, *fresh]
    ]
    for case in cases:
        case.at, case.by_person_id = moment, by.id
    version.sha = sealing.sha(
        json.dumps(sorted([case.key, case.input, case.expected] for case in cases), sort_keys=True, ensure_ascii=False)
    )
    db.add(version)
    db.flush()
    db.add_all(cases)
    return version


def _case_from(example: Example, label: str, channel: str) -> Case:
    expected = example.expected or {"label": label, "label_id": example.label_id}
    return Case(
        set_version_id="", example_id=example.id, key=example.id, customer_id=example.customer_id,
        input={"subject_line": example.subject_line, "messages": example.messages}, expected=expected,
        graders=[example.grader or exact_label.NAME], slices={"channel": channel, "intent": label, "kind": example.kind},
    )  # fmt: skip


def _changelog(kept: list[Case], loose: list[Example]) -> str:
    names = people.names()
    by_person: dict[str, int] = {}
    for example in loose:
        name = names.get(example.by_person_id or "", "Somebody")
        by_person[name] = by_person.get(name, 0) + 1
    told = ", ".join(f"{name} added {count}" for name, count in sorted(by_person.items(), key=lambda pair: -pair[1]))
    return f"{told}. {len(kept) + len(loose):,} cases in all."


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
        return _latest(db, eval_set_id)


def propose_gate(eval_set_id: str, *, bar: float, approvers: int, why: str, by: Person, at: datetime | None = None) -> Proposal:
    """Ask for another set, bar or number of approvers that releases must meet."""
    with store.reading() as db:
        eval_set = db.get(EvalSet, eval_set_id)
        latest = _latest(db, eval_set_id)
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
        if agreed is not None and agreed.purpose == purpose and (version := _latest(db, agreed.id)):
            return agreed, version
        for made in db.exec(select(EvalSet).where(EvalSet.purpose == purpose).order_by(col(EvalSet.at), col(EvalSet.id))):
            if version := _latest(db, made.id):
                return made, version
    return None


def cases(set_version_id: str) -> list[Case]:
    with store.reading() as db:
        return _cases(db, set_version_id)


def of_version(db: Session, set_version_id: str) -> tuple[EvalSet, list[Case]]:
    return db.get_one(EvalSet, db.get_one(SetVersion, set_version_id).eval_set_id), _cases(db, set_version_id)


def case_count(set_version_id: str) -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Case).where(Case.set_version_id == set_version_id)).one()


def text_of(case: Case) -> str:
    """What a classifier looks at in this case: the same function that serves live traffic."""
    return conversations.text_of(case.input["subject_line"], case.input["messages"])


def _latest(db: Session, eval_set_id: str) -> SetVersion | None:
    return db.exec(select(SetVersion).where(SetVersion.eval_set_id == eval_set_id).order_by(col(SetVersion.number).desc())).first()


def _cases(db: Session, set_version_id: str) -> list[Case]:
    return list(db.exec(select(Case).where(Case.set_version_id == set_version_id).order_by(Case.key)))
