"""What a person built: articles, closed gaps, intents, recipes, use cases, and proposals; and what was done with them since."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, tuple_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from data import access, store
from data.labels import INTENT
from data.tables import Approval, Article, AuditEntry, Conversation, Label, Pattern, Person, Proposal, Release, Trace, UseCase, Version
from data.values import LIVE
from data.work_taught import Moment, Period

ARTICLE, ANSWERER, RECIPE, RUN = "article", "answerer", "recipe", "run"
GAP, COVERED = "gap", "covered"  # as knowledge/gaps.py writes them
GOOD, MISSING = ("helped", "accepted"), "missing"  # what people said of answers


# -- knowledge ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    """A version of an article by this person."""

    slug: str
    title: str
    number: int
    at: datetime
    went_live: datetime | None
    is_live: bool


@dataclass(frozen=True)
class Knowledge:
    drafted: tuple[Written, ...] = ()  # in these days
    published: tuple[Written, ...] = ()  # went live in these days, whenever it was written
    answers: tuple[str, ...] = ()  # of these days, that quoted a version of theirs
    helped: tuple[str, ...] = ()  # of these answers, those of which somebody else said so
    helped_people: int = 0
    reported: tuple[str, ...] = ()  # answers of which they said that something is missing
    closed: tuple[str, ...] = ()  # gaps that they reported or wrote for, and that an article covers


def knowledge_of(db: Session, by: Person, period: Period) -> tuple[Knowledge, list[Moment]]:
    mine = _written(db, by)
    drafted = tuple(one for one in mine if period[0] <= one.at < period[1])
    published = tuple(one for one in mine if one.went_live and period[0] <= one.went_live < period[1])
    quoted = _quoted(db, by, {(one.slug, one.number) for one in mine if one.went_live}, period)
    helped = [(made, who) for made, outcome, who in quoted if outcome in GOOD and who and who != by.id]
    reported = _reported(db, by)
    lately = [(made, at) for made, at in reported if period[0] <= at < period[1]]
    return Knowledge(
        drafted, published, tuple(made for made, _, _ in quoted), tuple(made for made, _ in helped), len({who for _, who in helped}),
        tuple(made for made, _ in lately), _closed(db, by, {made for made, _ in reported}, period),
    ), [*((f"{one.slug} {one.number}", one.at) for one in drafted), *lately]  # fmt: skip


def _written(db: Session, by: Person) -> list[Written]:
    """The newest first."""
    columns = (Version.target_name, Version.target_number, Version.at, Article.title)
    query = select_columns(*columns).join(Article, col(Article.slug) == col(Version.target_name))  # type: ignore[call-overload]
    query = query.where(col(Version.target_kind) == ARTICLE, col(Version.by_person_id) == by.id)
    lives: defaultdict[tuple[str, int], list[Release]] = defaultdict(list)
    rows = db.execute(query.order_by(col(Version.at).desc(), col(Version.target_name))).all()
    names = {one.target_name for one in rows}
    for release in (
        db.exec(select(Release).where(col(Release.target_kind) == ARTICLE, col(Release.target_name).in_(names))) if names else ()
    ):
        lives[release.target_name, release.target_number].append(release)
    found = []
    for name, number, at, title in rows:
        here = lives.get((name, number), [])
        began = min((one.started_at for one in here), default=None)
        found.append(Written(name, title, number, at, began, any(one.stage == "live" for one in here)))
    return found


def _quoted(db: Session, by: Person, versions: Collection[tuple[str, int]], period: Period) -> list[tuple[str, str, str | None]]:
    """The answers of these days that quote one of these versions: each answer, what was said of it, and by whom; the newest first."""
    if not versions:
        return []
    columns = (Trace.id, Trace.outcome, Trace.decided_by_id, Trace.said)
    query = _with_conversation(select_columns(*columns), by).where(  # type: ignore[call-overload]
        col(Trace.target_kind) == ANSWERER, col(Trace.mode).in_((LIVE, RUN)), col(Trace.at) >= period[0], col(Trace.at) < period[1],
        col(Trace.said).is_not(None), _names_one_of({slug for slug, _ in versions}),
    )  # fmt: skip
    found = []
    for made, outcome, who, said in db.execute(query.order_by(col(Trace.at).desc(), col(Trace.id).desc())):
        if any((one.get("article"), one.get("number")) in versions for one in said.get("sources") or ()):
            found.append((made, outcome, who))
    return found


def _reached(by: Person) -> ColumnElement[bool]:
    """Conversations that this person may read. A token that may only tell figures counts as its person does."""
    reach = access.TABLE["conversation.read"][by.role]
    return and_(access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None))


def _with_conversation(query: Any, by: Person) -> Any:
    """Only what ran on a conversation within reach, or on none."""
    joined = query.join(Conversation, col(Conversation.id) == col(Trace.conversation_id), isouter=True)
    return joined.where(or_(col(Trace.conversation_id).is_(None), _reached(by)))


def _names_one_of(slugs: Collection[str]) -> ColumnElement[bool]:
    """Its articles stand in what was said, as JSON; the engines open that by names of their own."""
    if store.is_sqlite():
        each = func.json_each(Trace.said, "$.articles").table_valued("value")
    else:
        each = func.jsonb_array_elements_text(col(Trace.said)["articles"]).table_valued("value")
    return exists(select_columns(each.c.value).where(each.c.value.in_(sorted(slugs))))


def _reported(db: Session, by: Person) -> list[Moment]:
    """Answers of which they said that something is missing, whenever that was."""
    query = select_columns(col(Trace.id), col(Trace.decided_at)).where(
        col(Trace.target_kind) == ANSWERER,
        col(Trace.outcome) == MISSING,
        col(Trace.decided_by_id) == by.id,
        col(Trace.decided_at).is_not(None),
    )
    return [(made, at) for made, at in db.execute(query.order_by(col(Trace.decided_at).desc()))]


def _closed(db: Session, by: Person, reported: Collection[str], period: Period) -> tuple[str, ...]:
    """Gaps that an article covers since these days."""
    found = []
    for gap in db.exec(select(Pattern).where(col(Pattern.kind) == GAP, col(Pattern.state) == COVERED).order_by(Pattern.id)):
        theirs = gap.told.get("writer") == by.id or bool(set(gap.trace_ids) & set(reported))
        covered = gap.told.get("covered_at")
        if theirs and covered and period[0] <= datetime.fromisoformat(covered) < period[1]:
            found.append(gap.id)
    return tuple(found)


# -- intents, recipes ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Intent:
    """An intent that this person named."""

    label_id: str
    name: str
    at: datetime
    pattern: str  # that it was named for; empty: it was named from nothing that the portal found
    conversations: int  # that were opened since and have it


@dataclass(frozen=True)
class Ran:
    """A recipe of theirs, in these days: what its live runs came to."""

    name: str
    numbers: tuple[int, ...]
    runs: tuple[str, ...]
    done: tuple[str, ...]
    handed_over: tuple[str, ...]
    taken: tuple[str, ...]  # suggested, and a person sent it, as it was or in better words
    resolved: int  # conversations of what it did that the help desk calls resolved
    is_live: bool


def intents_of(db: Session, by: Person, period: Period) -> tuple[Intent, ...]:
    query = select(Label).where(
        col(Label.classifier_name) == INTENT, col(Label.by_person_id) == by.id, col(Label.at) >= period[0], col(Label.at) < period[1],
        col(Label.merged_into).is_(None),
    )  # fmt: skip
    labels = list(db.exec(query.order_by(col(Label.at).desc(), col(Label.name))))
    if not labels:
        return ()
    ids = [one.id for one in labels]
    patterns = dict(db.execute(select_columns(col(Pattern.label_id), col(Pattern.name)).where(col(Pattern.label_id).in_(ids))).all())
    counted = (
        select_columns(col(Label.id), func.count())
        .join(Conversation, col(Conversation.intent_id) == col(Label.id))
        .where(col(Label.id).in_(ids), col(Conversation.opened_at) >= col(Label.at), _reached(by))
        .group_by(col(Label.id))
    )
    since = dict(db.execute(counted).all())
    return tuple(Intent(one.id, one.name, one.at, patterns.get(one.id, ""), since.get(one.id, 0)) for one in labels)


def recipes_of(db: Session, by: Person, period: Period) -> tuple[tuple[Ran, ...], list[Moment]]:
    """Those that they wrote a version of, whenever that was. Written in these days, or run in them."""
    query = select_columns(col(Version.target_name), col(Version.target_number), col(Version.at)).where(
        col(Version.target_kind) == RECIPE, col(Version.by_person_id) == by.id
    )
    mine = db.execute(query.order_by(col(Version.target_name), col(Version.target_number))).all()
    if not mine:
        return (), []
    pairs = [(name, number) for name, number, _ in mine]
    runs = _runs(db, by, pairs, period)
    live = set(
        db.execute(
            select_columns(col(Release.target_name), col(Release.target_number)).where(
                col(Release.target_kind) == RECIPE, col(Release.stage) == "live"
            )
        ).all()
    )
    found = []
    for name in dict.fromkeys(name for name, _ in pairs):
        numbers = tuple(number for one, number in pairs if one == name)
        if runs[name] or any(one == name and period[0] <= at < period[1] for one, _, at in mine):
            found.append(_ran(db, name, numbers, runs[name], any((name, number) in live for number in numbers)))
    written = [(f"{name} {number}", at) for name, number, at in mine if period[0] <= at < period[1]]
    return tuple(sorted(found, key=lambda one: (-len(one.runs), one.name))), written


def _runs(db: Session, by: Person, pairs: Sequence[tuple[str, int]], period: Period) -> defaultdict[str, list[Any]]:
    columns = (Trace.id, Trace.target_name, Trace.state, Trace.outcome, Trace.conversation_id)
    query = _with_conversation(select_columns(*columns), by).where(  # type: ignore[call-overload]
        col(Trace.target_kind) == RECIPE, col(Trace.target_name).in_({name for name, _ in pairs}), col(Trace.mode) == LIVE,
        col(Trace.at) >= period[0], col(Trace.at) < period[1], tuple_(col(Trace.target_name), col(Trace.target_number)).in_(pairs),
    )  # fmt: skip
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for one in db.execute(query.order_by(col(Trace.at).desc(), col(Trace.id).desc())):
        found[one.target_name].append(one)
    return found


def _ran(db: Session, name: str, numbers: tuple[int, ...], runs: Sequence[Any], is_live: bool) -> Ran:
    done = [one for one in runs if one.state == "done"]
    ids = {one.conversation_id for one in done if one.conversation_id and one.outcome != "refused"}
    query = select(func.count()).select_from(Conversation).where(col(Conversation.id).in_(ids), col(Conversation.resolved).is_(True))
    return Ran(
        name, numbers, tuple(one.id for one in runs), tuple(one.id for one in done),
        tuple(one.id for one in runs if one.state == "handed_over"), tuple(one.id for one in done if one.outcome in ("accepted", "edited")),
        db.exec(query).one() if ids else 0, is_live,
    )  # fmt: skip


# -- use cases, proposals -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Begun:
    id: str
    name: str
    stage: str
    at: datetime
    stopped: bool


@dataclass(frozen=True)
class Proposed:
    by_state: dict[str, tuple[str, ...]]  # open, approved, done, refused, withdrawn, lapsed, failed
    decided: tuple[str, ...] = ()  # of others, that they said yes or no to

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(made for ids in self.by_state.values() for made in ids)


def use_cases_of(db: Session, by: Person, period: Period) -> tuple[tuple[Begun, ...], list[Moment]]:
    query = select(UseCase).where(col(UseCase.by_person_id) == by.id, col(UseCase.at) >= period[0], col(UseCase.at) < period[1])
    found = tuple(
        Begun(one.id, one.name, one.stage, one.at, one.stopped_at is not None) for one in db.exec(query.order_by(col(UseCase.at).desc()))
    )
    return found, [(one.id, one.at) for one in found]


def proposals_of(db: Session, by: Person, period: Period) -> tuple[Proposed, list[Moment]]:
    query = select_columns(col(Proposal.id), col(Proposal.state), col(Proposal.at)).where(
        col(Proposal.proposer_id) == by.id, col(Proposal.at) >= period[0], col(Proposal.at) < period[1]
    )
    rows = db.execute(query.order_by(col(Proposal.at).desc())).all()
    by_state: defaultdict[str, list[str]] = defaultdict(list)
    for made, state, _ in rows:
        by_state[state].append(made)
    decided = _decided(db, by, period)
    told = {state: tuple(ids) for state, ids in by_state.items()}
    return Proposed(told, tuple(dict.fromkeys(made for made, _ in decided))), [*((made, at) for made, _, at in rows), *decided]


def _decided(db: Session, by: Person, period: Period) -> list[Moment]:
    yes = select_columns(col(Approval.proposal_id), col(Approval.at)).where(
        col(Approval.approver_id) == by.id, col(Approval.at) >= period[0], col(Approval.at) < period[1]
    )
    # who refused stands in the record alone
    no = (
        select_columns(col(AuditEntry.noun_id), col(AuditEntry.at))
        .join(Proposal, col(Proposal.id) == col(AuditEntry.noun_id))
        .where(
            col(Proposal.state) == "refused", col(AuditEntry.noun) == "proposal", col(AuditEntry.verb) == "refused",
            col(AuditEntry.by_person_id) == by.id, col(AuditEntry.at) >= period[0], col(AuditEntry.at) < period[1],
        )
    )  # fmt: skip
    found = [(made, at) for query in (yes, no) for made, at in db.execute(query)]
    return sorted(found, key=lambda one: one[1], reverse=True)
