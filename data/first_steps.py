"""What somebody did since they first came, as far as it can be known: from the record, and from the rows that they made.

Looking at a page leaves no trace of its own; where that is a step, it is noted once, in the record like everything else.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from data import audit, store
from data.tables import AuditEntry, Case, Comparison, Example, Person, Proposal, Run, Setting, Task, Trace
from data.values import now

LOOKED, PAGE = "looked at", "page"
RUNS = ("run_eval", "evaluate", "evaluate_answerer", "evaluate_recipe")  # jobs: a run that a colleague made before is taken as it is
ANSWERER = "answerer"  # the kind of target that answers questions (knowledge calls it so)


def done(*, by: Person) -> Counter[str]:
    """How often they did what: "reviewed review", "looked at quality", "asked question". Nothing before their first sign-in counts."""
    with store.reading() as db:
        first = _first_sign_in(db, by)
        if first is None:
            return Counter()
        told: Counter[str] = Counter()
        for count in (_recorded, _looked, _asked, _tested, _proposed):
            told += count(db, by, first)
        return told


def _first_sign_in(db: Session, by: Person) -> datetime | None:
    mine = (AuditEntry.noun_id == by.id, AuditEntry.noun == "person", AuditEntry.verb == "signed in")
    return db.exec(select(AuditEntry.at).where(*mine).order_by(col(AuditEntry.number)).limit(1)).first()


def _recorded(db: Session, by: Person, since: datetime) -> Counter[str]:
    """A look is told by its page, below."""
    mine = (AuditEntry.by_person_id == by.id, AuditEntry.at >= since, AuditEntry.noun != PAGE)
    query = select(AuditEntry.verb, AuditEntry.noun, func.count()).where(*mine)
    found = db.exec(query.group_by(AuditEntry.verb, AuditEntry.noun)).all()
    return Counter({f"{verb} {noun}": count for verb, noun, count in found})


def _looked(db: Session, by: Person, since: datetime) -> Counter[str]:
    mine = (AuditEntry.by_person_id == by.id, AuditEntry.noun == PAGE, AuditEntry.verb == LOOKED, AuditEntry.at >= since)
    return Counter({f"{LOOKED} {page}": 1 for page in db.exec(select(AuditEntry.noun_id).where(*mine))})


def _asked(db: Session, by: Person, since: datetime) -> Counter[str]:
    """Questions to the articles, and what was said of the answers."""
    answers = (Trace.target_kind == ANSWERER, Trace.at >= since)
    own = (Trace.by_person_id == by.id, Trace.mode == "run", col(Trace.conversation_id).is_(None))
    return _counted(db, {
        "asked question": select(func.count()).select_from(Trace).where(*answers, *own),
        "judged answer": select(func.count()).select_from(Trace).where(*answers, Trace.decided_by_id == by.id, Trace.outcome != ""),
    })  # fmt: skip


def _tested(db: Session, by: Person, since: datetime) -> Counter[str]:
    flagged = select(func.count(func.distinct(Example.id))).join(Case, col(Case.example_id) == col(Example.id))
    compared = (Comparison.by_person_id == by.id, Comparison.at >= since, col(Comparison.part_of).is_(None))
    return _counted(db, {
        "became case": flagged.where(Example.by_person_id == by.id, Example.at >= since),
        "ran set": select(func.count()).select_from(Run).where(Run.by_person_id == by.id, Run.at >= since),
        "had set run": select(func.count()).select_from(Task).where(
            Task.person_id == by.id, Task.at >= since, col(Task.name).in_(RUNS), Task.state == "done"
        ),
        "compared runs": select(func.count()).select_from(Comparison).where(*compared),
        "set rubric": select(func.count()).select_from(Setting).where(
            Setting.name == "rubric", Setting.by_person_id == by.id, Setting.at >= since
        ),
    })  # fmt: skip


def _proposed(db: Session, by: Person, since: datetime) -> Counter[str]:
    query = select(Proposal.kind, func.count()).where(Proposal.proposer_id == by.id, Proposal.at >= since).group_by(Proposal.kind)
    return Counter({f"proposed {kind}": count for kind, count in db.exec(query).all()})


def _counted(db: Session, queries: dict[str, Any]) -> Counter[str]:
    return Counter({name: int(db.exec(query).one()) for name, query in queries.items()})


def look(page: str, *, by: Person) -> None:
    """That they looked at it is noted once."""
    noted = select(AuditEntry.id).where(AuditEntry.noun_id == page, AuditEntry.noun == PAGE, AuditEntry.by_person_id == by.id).limit(1)
    with store.reading() as db:
        if db.exec(noted).first() is not None:
            return
    with store.writing() as db:
        audit.record(db, by, LOOKED, PAGE, page, f"{by.name} looked at the page {page.replace('_', ' ').capitalize()} for the first time.")


def put_away(*, by: Person) -> None:
    """Their first week is not shown until they take it up again. What they did stays."""
    _set_away(by, now())


def take_up(*, by: Person) -> None:
    _set_away(by, None)


def _set_away(by: Person, moment: datetime | None) -> None:
    with store.writing() as db:
        person = db.get_one(Person, by.id)
        person.tour_dismissed_at = moment
        db.add(person)
