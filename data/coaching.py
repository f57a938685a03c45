"""Where the work of one person differs from the team's by more than chance, and three conversations that show it.

Each is compared with the others on the same intents, so that who takes the hard ones is not held against them. All comparisons of a team
together name somebody by mistake in one of twenty teams (`portal bench coaching`). Who does not differ is not listed: there is no order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

from sqlalchemy import case
from sqlmodel import Session, col, func, select

from data import access, rubric, standing, store
from data.tables import Conversation, Person, Review
from data.values import now

PERIOD = timedelta(weeks=12)
FEWEST = 20  # of one person, on intents that others answered too
FEWEST_OTHERS = 40
FEWEST_PEOPLE = 3  # who can be compared: of two, each would be measured by the other alone
MISTAKEN = 0.05  # how often a team in which all are alike has anybody named
SHOWN = 3  # conversations
GOOD_RATING = 4
STRONG, RATED, MARK = "strong", "rated", "mark"


@dataclass(frozen=True)
class Criterion:
    key: str  # strong, rated, or mark and the question
    title: str
    what: str  # that so many of the person's conversations are


class Counted(NamedTuple):
    """Of one person's conversations about one intent."""

    n: int
    good: int


@dataclass(frozen=True)
class Compared:
    """One person beside the others on the same intents."""

    n: int
    good: int
    others: int
    apart: float  # how far the share is from the others', each intent weighed by what it tells
    z: float

    def half(self, critical: float) -> float:
        """Half the interval's width: the interval excludes the others' share where the test says that they differ, and nowhere else."""
        return critical * abs(self.apart) / self.z if self.z else 1.0


@dataclass(frozen=True)
class Finding:
    """A criterion in which a person's interval excludes the team's share."""

    person_id: str
    name: str
    criterion: Criterion
    n: int
    share: float
    low: float
    high: float
    team_share: float  # of the others, on the same intents in the same mix
    others: int
    conversation_ids: list[str]  # the newest that show it, of different customers
    counted: list[str]  # all of theirs that were counted, newest first
    beside: list[str]  # the others'
    label_ids: list[str]  # the intents in which it shows most

    @property
    def above(self) -> bool:
        return self.share > self.team_share


@dataclass(frozen=True)
class Found:
    findings: list[Finding]  # by name: nobody is ranked
    people: int  # who were compared
    compared: int  # comparisons that there was enough for
    since: datetime


# -- what is found ------------------------------------------------------------------------------------------------------------------------


def of_team(*, by: Person, at: datetime | None = None) -> Found:
    """Of the team that the person leads."""
    access.require(by, "coaching.read", team_id=by.team_id or "no team")
    return _found(by.team_id, at or now())


def of_mine(*, by: Person, at: datetime | None = None) -> list[Finding]:
    """What one's lead is shown of oneself."""
    access.require(by, "exercise.take")
    return [one for one in _found(by.team_id, at or now()).findings if one.person_id == by.id] if by.team_id else []


def _found(team_id: str | None, at: datetime) -> Found:
    since = at - PERIOD
    with store.reading() as db:
        people = _people(db, team_id)
        facts = _facts(db, people, team_id, since, at)
        found = dict(compared(facts.counts))
        critical = critical_for(len(found))
        findings = [
            _finding(db, facts, people[person_id], facts.criteria[key], told, critical)
            for (key, person_id), told in found.items()
            if told.z > critical
        ]
    named = sorted(findings, key=lambda one: (one.name, one.criterion.title))
    return Found(named, len({person_id for _, person_id in found}), len(found), since)


def critical_for(comparisons: int) -> float:
    """So many standard errors apart, that all of them together are mistaken no more often than one alone may be (Bonferroni)."""
    return NormalDist().inv_cdf(1 - MISTAKEN / (2 * max(1, comparisons)))


def _people(db: Session, team_id: str | None) -> dict[str, Person]:
    found = db.exec(select(Person).where(Person.team_id == (team_id or ""), col(Person.disabled_at).is_(None))).all()
    names = Counter(_as_name(one.name) for one in found)
    return {one.id: one for one in found if names[_as_name(one.name)] == 1}  # two of one name cannot be told apart at the help desk


def _as_name(name: str) -> str:
    return " ".join(name.split()).casefold()


# -- what is counted ----------------------------------------------------------------------------------------------------------------------

Counts = Mapping[str, Mapping[str, Mapping[str, Counted]]]  # criterion -> person -> intent -> how many


class _Row(NamedTuple):
    conversation_id: str
    customer_id: str
    intent_id: str
    good: bool


@dataclass
class _Facts:
    mine: Sequence[Any]  # which conversations are counted
    ids: Mapping[str, str]  # of people, by their names
    criteria: dict[str, Criterion] = field(default_factory=dict)
    counts: dict[str, dict[str, dict[str, Counted]]] = field(default_factory=dict)
    rows: dict[str, dict[str, list[_Row]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))  # what was counted

    def add(self, criterion: Criterion, person_id: str, intent_id: str, n: int, good: int) -> None:
        self.criteria[criterion.key] = criterion
        of = self.counts.setdefault(criterion.key, {}).setdefault(person_id, {})
        before = of.get(intent_id, Counted(0, 0))
        of[intent_id] = Counted(before.n + n, before.good + good)


def _facts(db: Session, people: Mapping[str, Person], team_id: str | None, since: datetime, until: datetime) -> _Facts:
    ids = {_as_name(person.name): made for made, person in people.items()}
    mine = (
        Conversation.team_id == (team_id or ""), Conversation.opened_at >= since, Conversation.opened_at < until,
        col(Conversation.hidden_at).is_(None), col(Conversation.assignee).is_not(None),
    )  # fmt: skip
    facts = _Facts(mine, ids)
    _count_ratings(db, facts)
    _count_reviews(db, facts)
    return facts


def _count_ratings(db: Session, facts: _Facts) -> None:
    rated = Criterion(RATED, "Customers' rating", f"were rated {GOOD_RATING} or 5 by the customer")
    good = func.sum(case((col(Conversation.csat) >= GOOD_RATING, 1), else_=0))
    by = (Conversation.assignee, Conversation.intent_id)
    columns: Any = (*by, func.count(), good)
    query = select(*columns).where(*facts.mine, col(Conversation.csat).is_not(None)).group_by(*map(col, by))
    for assignee, intent_id, n, well in db.exec(query):
        if person_id := facts.ids.get(_as_name(assignee or "")):
            facts.add(rated, person_id, intent_id or "", n, int(well))


def _count_reviews(db: Session, facts: _Facts) -> None:
    """Of each conversation the last word of somebody who did not answer it."""
    strong = Criterion(STRONG, "Strong answers", "were called strong, not weak")
    asked, words = rubric.current(), rubric.questions()
    marks = {item.question: Criterion(f"{MARK} {item.question}", item.question, "got a yes") for item in asked.items}
    its = (Conversation.id, Conversation.assignee, Conversation.intent_id, Conversation.customer_id)
    columns: Any = (*its, Review.verdict, Review.rubric, Review.by_person_id)
    query = select(*columns).where(*facts.mine, standing.stands())
    query = query.join(Review, col(Review.conversation_id) == col(Conversation.id)).order_by(col(Review.at), col(Review.id))
    last: dict[str, Any] = {}
    for row in db.exec(query):
        person_id = facts.ids.get(_as_name(row[1] or ""))
        if person_id and person_id != row[6]:
            last[row[0]] = (person_id, *row)
    for person_id, conversation_id, _, intent_id, customer_id, verdict, given, _ in last.values():
        said = [(strong, verdict == "strong")] if verdict != "none" else []
        then = words.get(given["number"], {}) if given else {}
        for name, answer in (given or {"said": {}})["said"].items():
            if (criterion := marks.get(then.get(name, ""))) and answer in ("yes", "no"):
                said.append((criterion, answer == "yes"))
        for criterion, good in said:
            facts.add(criterion, person_id, intent_id or "", 1, int(good))
            facts.rows[criterion.key][person_id].append(_Row(conversation_id, customer_id, intent_id or "", good))


def _rows(db: Session, facts: _Facts, key: str) -> Mapping[str, list[_Row]]:
    """By person, oldest first. Ratings are many, so theirs are read only where somebody stands out."""
    if key == RATED and key not in facts.rows:
        columns: Any = (Conversation.id, Conversation.customer_id, Conversation.intent_id, Conversation.csat, Conversation.assignee)
        query = select(*columns).where(*facts.mine, col(Conversation.csat).is_not(None)).order_by(col(Conversation.place))
        for conversation_id, customer_id, intent_id, csat, assignee in db.exec(query):
            if person_id := facts.ids.get(_as_name(assignee or "")):
                facts.rows[key][person_id].append(_Row(conversation_id, customer_id, intent_id or "", csat >= GOOD_RATING))
    return facts.rows[key]


# -- one beside the others ----------------------------------------------------------------------------------------------------------------


def compared(counts: Counts) -> Iterator[tuple[tuple[str, str], Compared]]:
    for key, people in counts.items():
        if len(people) < FEWEST_PEOPLE:
            continue
        for person_id, own in people.items():
            told = compare((one, _others(people, person_id, intent)) for intent, one in own.items())
            if told and told.n >= FEWEST and told.others >= FEWEST_OTHERS:
                yield (key, person_id), told


def _others(people: Mapping[str, Mapping[str, Counted]], person_id: str, intent: str) -> Counted:
    """All but this one."""
    found = [theirs[intent] for other, theirs in people.items() if other != person_id and intent in theirs]
    return Counted(sum(one.n for one in found), sum(one.good for one in found))


def compare(pairs: Iterable[tuple[Counted, Counted]]) -> Compared | None:
    """Cochran, Mantel and Haenszel: one's counts and the others', intent by intent. Intents that only one side has tell nothing."""
    shared = [(one, rest) for one, rest in pairs if one.n and rest.n]
    weight = sum(one.n * rest.n / (one.n + rest.n) for one, rest in shared)
    if not weight:
        return None
    apart = sum((one.good * rest.n - rest.good * one.n) / (one.n + rest.n) for one, rest in shared) / weight
    surplus, variance = 0.0, 0.0
    for one, rest in shared:
        n, good = one.n + rest.n, one.good + rest.good
        surplus += one.good - one.n * good / n
        variance += one.n * rest.n * good * (n - good) / (n * n * (n - 1))
    z = max(0.0, abs(surplus) - 0.5) / sqrt(variance) if variance else 0.0
    return Compared(sum(one.n for one, _ in shared), sum(one.good for one, _ in shared), sum(rest.n for _, rest in shared), apart, z)


def _finding(db: Session, facts: _Facts, person: Person, criterion: Criterion, told: Compared, critical: float) -> Finding:
    share, half, above = told.good / told.n, told.half(critical), told.apart > 0
    rows = _rows(db, facts, criterion.key)
    own, others = rows[person.id], [row for whose, theirs in rows.items() if whose != person.id for row in theirs]
    counted, beside = _about(own, others), _about(others, own)
    return Finding(
        person.id, person.name, criterion, told.n, share, low=max(0.0, share - half), high=min(1.0, share + half),
        team_share=min(1.0, max(0.0, share - told.apart)), others=told.others,
        conversation_ids=_of_different_customers(row for row in reversed(own) if row.good == above),
        counted=[row.conversation_id for row in reversed(counted)], beside=[row.conversation_id for row in reversed(beside)],
        label_ids=_most_telling(facts, criterion.key, person.id, above),
    )  # fmt: skip


def _about(rows: Iterable[_Row], others: Iterable[_Row]) -> list[_Row]:
    """Those on intents that the others have too."""
    intents = {row.intent_id for row in others}
    return [row for row in rows if row.intent_id in intents]


def _of_different_customers(rows: Iterable[_Row]) -> list[str]:
    """The newest three, each of another customer."""
    by_customer: dict[str, str] = {}
    for row in rows:
        by_customer.setdefault(row.customer_id, row.conversation_id)
    return list(by_customer.values())[:SHOWN]


def _most_telling(facts: _Facts, key: str, person_id: str, above: bool) -> list[str]:
    """The intents that bring most of the difference."""
    people = facts.counts[key]
    brings: dict[str, float] = {}
    for intent_id, one in people[person_id].items():
        rest = _others(people, person_id, intent_id)
        if intent_id and rest.n:
            brings[intent_id] = (one.good * rest.n - rest.good * one.n) / (one.n + rest.n) * (1 if above else -1)
    return [intent_id for intent_id in sorted(brings, key=lambda made: (-brings[made], made)) if brings[intent_id] > 0][:SHOWN]


def colleagues(*, by: Person) -> dict[str, str]:
    """Whom of the team one may write to or set an exercise for, by name: id and name."""
    access.require(by, "coaching.read", team_id=by.team_id or "no team")
    query = select(Person).where(Person.team_id == (by.team_id or ""), col(Person.disabled_at).is_(None), Person.id != by.id)
    with store.reading() as db:
        return {one.id: one.name for one in db.exec(query.order_by(Person.name)) if access.may(one, "exercise.take")}
