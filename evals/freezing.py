"""Closes what was flagged and changed into a new version of a set, and says in plain words what it did."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from data import access, audit, conversations, examples, inbox, labels, people, sealing, store
from data.errors import Refused
from data.tables import Case, CaseChange, Conversation, Customer, EvalSet, Example, Person, SetVersion
from data.values import now
from evals import changes, flags, near, sets
from evals.graders import exact_label

MOST_REASONS = 20  # for which cases of one version were added, told in its changelog


def freeze(eval_set_id: str, *, by: Person, at: datetime | None = None) -> SetVersion:
    """A new version: the cases there were, as they were changed, and what was flagged or added since."""
    access.require(by, "eval_set.freeze")
    with store.writing() as db:
        eval_set = db.get(EvalSet, eval_set_id)
        if eval_set is None:
            raise Refused("Not frozen: there is no such eval set.")
        store.one_at_a_time(db, f"freeze {eval_set_id}")
        loose, waiting = examples.loose(db, eval_set_id), changes.in_waiting(db, eval_set_id)
        if not loose and not waiting:
            raise Refused(f"'{eval_set.name}' was not frozen: no flagged example waits in it. Flag some on Review first.")
        before = sets.latest_in(db, eval_set_id)
        kept = _numbered(sets.cases_in(db, before.id)) if before else []
        cases = _changed(kept, waiting) + _fresh(db, loose, waiting, _last_number(db, eval_set_id, kept))
        if not cases:
            raise Refused(f"'{eval_set.name}' was not frozen: no case would be left. A set that tests nothing passes everything.")
        version = _write(db, eval_set, before, cases, _changelog(kept, cases, loose, waiting), by, at)
        examples.set_aside_for_testing(db, loose)
        ids = [change.id for change in waiting]
        db.execute(update(CaseChange).where(col(CaseChange.id).in_(ids)).values(set_version_id=version.id))
        _tell_who_flagged(db, eval_set, version, loose, by, at)
        audit.record(db, by, "froze", "eval_set", eval_set_id, f"Froze '{eval_set.name}' {version.number}: {version.changelog}", at=at)
        return version


def before_freezing(eval_set_id: str, *, by: Person) -> list[near.Near]:
    """What waits and says nearly the same as a case, or as something else that waits. By keys; flags of other teams are theirs."""
    access.require(by, "eval_set.read")
    with store.reading() as db:
        latest = sets.latest_in(db, eval_set_id)
        eval_set = db.get(EvalSet, eval_set_id)
        text = _opening if eval_set is None or eval_set.purpose == "classifier" else _asked
        known = {case.key: text(case.input) for case in (sets.cases_in(db, latest.id) if latest else [])}
        flagged = examples.waiting(eval_set_id, by=by, most=changes.MOST)
        new = {one.id: text({"subject_line": one.subject_line, "messages": flags.asked_and_expected(one)[0]}) for one in flagged}
        for change in changes.in_waiting(db, eval_set_id):
            known.pop(change.key, None)
            if change.case is not None:
                new[change.key] = text(change.case["input"])
    return near.pairs(new, known)


def _opening(asked: dict[str, Any]) -> str:
    """What a classifier looks at."""
    return conversations.text_of(asked["subject_line"], asked["messages"])


def _asked(asked: dict[str, Any]) -> str:
    """All that whoever answers is given: many conversations begin with 'Hello' and go on otherwise."""
    case = Case(set_version_id="", key="", input=asked, expected={}, graders=[], slices={})
    return "\n".join([asked["subject_line"], *(str(message.get("text", "")) for message in sets.asked_of(case))]).strip()


# -- the cases of the new version ---------------------------------------------------------------------------------------------------------


def _numbered(cases: Sequence[Case]) -> list[Case]:
    """As people call them, also those that were frozen before a case kept its number."""
    place = sets.numbers(cases)
    return [_copy(case, number=place[case.key]) for case in cases]


def _copy(case: Case, **other: Any) -> Case:
    return Case(**(case.model_dump(exclude={"id", "at", "by_person_id"}) | other))


def _changed(kept: Sequence[Case], waiting: Sequence[CaseChange]) -> list[Case]:
    instead = {change.key: change for change in waiting if change.change != changes.ADD}
    left = [case for case in kept if case.key not in instead or instead[case.key].case is not None]
    return [_copy(case, **(instead[case.key].case or {})) if case.key in instead else case for case in left]


def _last_number(db: Session, eval_set_id: str, kept: Sequence[Case]) -> int:
    """A number is never given twice, also when the case that had it was taken out, and where it was counted in the order it came."""
    query = select(func.max(Case.number), func.count()).join(SetVersion, col(SetVersion.id) == col(Case.set_version_id))
    versions = db.exec(query.where(SetVersion.eval_set_id == eval_set_id).group_by(col(Case.set_version_id)))
    return max([0, *(number or count for number, count in versions), *(case.number for case in kept)])


def _fresh(db: Session, loose: Sequence[Example], waiting: Sequence[CaseChange], last: int) -> list[Case]:
    ids = [example.conversation_id for example in loose]
    query = select(Conversation, Customer.segment).join(Customer, col(Customer.id) == col(Conversation.customer_id))
    about = {one.id: (one, segment) for one, segment in db.exec(query.where(col(Conversation.id).in_(ids)))}
    names = labels.names()
    made = [_from_example(example, names.get(example.label_id or "", ""), *about[example.conversation_id]) for example in loose]
    made += [Case(set_version_id="", key=one.key, **one.case) for one in waiting if one.change == changes.ADD and one.case]
    for number, case in enumerate(made, start=last + 1):
        case.number = number
    return made


def _from_example(example: Example, label: str, conversation: Conversation, segment: str | None) -> Case:
    told = {
        "channel": conversation.channel, "intent": label, "kind": example.kind, "language": conversation.language, "segment": segment,
    }  # fmt: skip
    messages, expected = flags.asked_and_expected(example)
    return Case(
        set_version_id="", example_id=example.id, key=example.id, customer_id=example.customer_id,
        input={"subject_line": example.subject_line, "messages": messages},
        expected=expected or {"label": label, "label_id": example.label_id},
        graders=[example.grader or exact_label.NAME], slices={name: said for name, said in told.items() if said},
    )  # fmt: skip


def _write(
    db: Session, eval_set: EvalSet, before: SetVersion | None, cases: Sequence[Case], changelog: str, by: Person, at: datetime | None
) -> SetVersion:  # fmt: skip
    sha = sealing.sha(
        json.dumps(sorted([case.key, case.input, case.expected, case.graders] for case in cases), sort_keys=True, ensure_ascii=False)
    )
    version = SetVersion(
        eval_set_id=eval_set.id, number=before.number + 1 if before else 1, sha=sha, changelog=changelog, at=at or now(),
        by_person_id=by.id,
    )  # fmt: skip
    for case in cases:
        case.set_version_id, case.at, case.by_person_id = version.id, version.at, by.id
    db.add(version)
    db.flush()
    db.add_all(cases)
    return version


# -- in words -----------------------------------------------------------------------------------------------------------------------------


def _changelog(kept: Sequence[Case], cases: Sequence[Case], loose: Sequence[Example], waiting: Sequence[CaseChange]) -> str:
    """Lena Hoffmann added 3. Jonas Roth took out case 7: it is there twice. 48 cases in all."""
    names, place = people.names(), {case.key: case.number for case in (*kept, *cases)}
    flagged = Counter(names.get(one.by_person_id or "", "Somebody") for one in loose)
    told = [", ".join(f"{name} added {number:,}" for name, number in flagged.most_common())] if flagged else []
    brought: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for change in waiting:
        who = names.get(change.by_person_id or "", "The console")
        if change.change == changes.ADD:
            brought[who, change.why.rstrip(".")].append(place[change.key])
        else:
            told.append(f"{who} {changes.WORDS[change.change]} case {place[change.key]}: {change.why.rstrip('.')}")
    told += [f"{who} added {sets.in_words(numbers)}: {why}" for (who, why), numbers in list(brought.items())[:MOST_REASONS]]
    if more := sum(map(len, list(brought.values())[MOST_REASONS:])):
        told.append(f"{more:,} more were added, each for a reason of its own")
    return f"{'. '.join(told)}. {len(cases):,} {'case' if len(cases) == 1 else 'cases'} in all."


def _tell_who_flagged(
    db: Session, eval_set: EvalSet, version: SetVersion, loose: Iterable[Example], by: Person, at: datetime | None
) -> None:  # fmt: skip
    """What moved because of them: each hears which case their flag became."""
    place = sets.numbers(sets.cases_in(db, version.id))
    flagged: defaultdict[str, list[int]] = defaultdict(list)
    for example in loose:
        if example.by_person_id and example.by_person_id != by.id:
            flagged[example.by_person_id].append(place[example.id])
    for person_id, became in flagged.items():
        flags = (
            f"Your flag became {sets.in_words(became)}"
            if len(became) == 1
            else f"{len(became)} flags of yours became {sets.in_words(became)}"
        )
        told = f"{flags} of '{eval_set.name}' {version.number}. Every release is measured on it."
        inbox.tell(db, person_id, "moved", told, page="eval_sets", key=f"froze {version.id}", at=at)
