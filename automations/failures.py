"""Failure points: each run that failed or was corrected gets one cause, by rule at first, then by a person's word; together they say what
of a recipe is to be mended first.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlmodel import Session, col, func, select

from automations import RECIPE, causes
from automations.causes import CAUSES, CORRECTED, ENDED_BADLY, Around, propose_cause, steps_of
from data import access, audit, conversations, labels, predictions, releases, reviews, standing, store, versions
from data.errors import Denied, Refused
from data.masking import masked
from data.measures import Share
from data.tables import Action, Conversation, Message, Person, Prediction, Proposal, Review, Span, Trace
from data.values import LIVE, Target, now
from knowledge import articles, in_force, passages

FIND = "find_causes"  # the task
WINDOW = timedelta(days=28)  # what ended before that nobody mends any more
AT_ONCE = 200  # runs that are read together
EXAMPLES, SHOWN, EXCERPT = 3, 100, 400
BY_RULE = "By rule it was "  # begins what is kept of a cause that a person changed
HIDDEN = "What a person said stays hidden until you reviewed the conversation yourself."


@dataclass(frozen=True)
class Looked:
    runs: int
    found: int

    @property
    def sentence(self) -> str:
        if not self.runs:
            return "No run ended badly or was corrected since the last look."
        runs = "1 run ended badly or was" if self.runs == 1 else f"{self.runs:,} runs ended badly or were"
        return f"{runs} corrected; {self.found:,} {'has' if self.found == 1 else 'have'} a cause by rule now."


@dataclass(frozen=True)
class Example:
    trace_id: str
    conversation_id: str
    excerpt: str


@dataclass(frozen=True)
class Point:
    """One cause of a recipe's failures."""

    cause: str
    share: Share  # of the runs that failed or were corrected
    confirmed: int
    before: int  # in as long a time before
    examples: tuple[Example, ...]  # within reach

    @property
    def count(self) -> int:
        return self.share.k

    @property
    def proposed(self) -> int:
        return self.count - self.confirmed


@dataclass(frozen=True)
class Told:
    """What one step of a run did, for people."""

    state: str  # done, failed, waiting
    act: str
    step: str
    words: str


@dataclass(frozen=True)
class Failure:
    """One run, for whoever says why it failed."""

    trace_id: str
    conversation_id: str
    number: int  # the recipe's version
    at: datetime
    channel: str
    excerpt: str
    did: tuple[Told, ...]
    drafted: str
    better: str
    cause: str
    why: str
    confirmed_by: str | None


# -- looking ------------------------------------------------------------------------------------------------------------------------------


def find_needed() -> bool:
    with store.reading() as db:
        return bool(releases.standing(db, RECIPE))


def look(*, at: datetime | None = None) -> Looked:
    """Called each minute. What nobody confirmed yet is looked at anew once people said more about it."""
    moment, found = at or now(), 0
    with store.reading() as db:
        ids = _to_look_at(db, moment - WINDOW)
    for start in range(0, len(ids), AT_ONCE):
        found += _look_at(ids[start : start + AT_ONCE], moment)
    return Looked(len(ids), found)


def _look_at(ids: Sequence[str], moment: datetime) -> int:
    with store.reading() as db:
        read = _Read(db, ids)
        said = [(trace.id, propose_cause(trace, read.spans(trace), read.actions(trace), read.around(trace))) for trace in read.traces]
    with store.writing() as db:
        return sum(_keep(db, trace_id, *found, moment) for trace_id, found in said if found)


def _keep(db: Session, trace_id: str, cause: str, why: str, moment: datetime) -> bool:
    trace = db.get_one(Trace, trace_id, populate_existing=True, with_for_update=True)
    if trace.cause_by_id is not None:  # somebody said it meanwhile
        return False
    trace.cause, trace.cause_why, trace.cause_at = cause, masked(why), moment
    db.add(trace)
    return True


def _to_look_at(db: Session, since: datetime) -> list[str]:
    """Runs that may have failed or been corrected; what rules say no to stays without a cause."""
    open_ones = (Trace.target_kind == RECIPE, Trace.mode == LIVE, Trace.at >= since, col(Trace.cause_by_id).is_(None))
    new = col(Trace.cause) == ""
    own = select(Span.id).where(Span.trace_id == Trace.id, _ends(Span.output)).exists()
    state: Any = col(Span.output)["state"]
    not_given = select(Span.id).where(Span.trace_id == Trace.id, Span.kind == "tool", state.as_string().in_(("failed", "skipped"))).exists()
    ended = select(Trace.id).where(*open_ones, new, col(Trace.state).in_(ENDED_BADLY), ~own | not_given)
    not_done = select(Trace.id).join(Action, col(Action.trace_id) == Trace.id).where(*open_ones, new, Action.state == causes.REFUSED)
    edited = select(Trace.id).where(*open_ones, col(Trace.outcome).in_(CORRECTED), new | (col(Trace.decided_at) > col(Trace.cause_at)))
    renamed = (
        select(Trace.id)
        .join(Review, col(Review.conversation_id) == Trace.conversation_id)
        .join(Prediction, col(Prediction.conversation_id) == Trace.conversation_id)
        .where(
            *open_ones, standing.stands(), Prediction.mode == LIVE, Prediction.target_name == labels.INTENT, Review.at >= Trace.at,
            col(Review.label_id) != Prediction.label_id, new | (col(Review.at) > col(Trace.cause_at)),
        )
    )  # fmt: skip
    return sorted({trace_id for query in (ended, not_done, edited, renamed) for trace_id in db.exec(query)})


def _ends(output: Any) -> Any:
    """Of a step by which the recipe itself handed over."""
    return col(output)[("gave", "ends")].as_boolean()


class _Read:
    """What rules ask of many runs, read with one question each."""

    def __init__(self, db: Session, ids: Sequence[str]) -> None:
        self.db = db
        self.traces = list(db.exec(select(Trace).where(col(Trace.id).in_(ids)).order_by(col(Trace.id))))
        self._spans = _by_trace(db.exec(select(Span).where(col(Span.trace_id).in_(ids))))
        self._actions = _by_trace(db.exec(select(Action).where(col(Action.trace_id).in_(ids)).order_by(col(Action.id))))
        asked = [one.proposal_id for one in self.traces if one.proposal_id]
        self._proposals = {one.id: one for one in db.exec(select(Proposal).where(col(Proposal.id).in_(asked)))}
        made = list({one.conversation_id for one in self.traces if one.conversation_id})
        self._predicted = predictions.live_by_conversation(db, made)
        self._reviewed = _last_named(db, made)
        self._names = labels.names()
        self._articles = published(in_force.stamp())

    def spans(self, trace: Trace) -> list[Span]:
        return self._spans.get(trace.id, [])

    def actions(self, trace: Trace) -> list[Action]:
        return self._actions.get(trace.id, [])

    def around(self, trace: Trace) -> Around:
        proposal = self._proposals.get(trace.proposal_id or "")
        began, named = self._intents(trace)
        return Around(
            began, named, proposal.title if proposal else "", proposal.state if proposal else "", proposal.outcome if proposal else "",
            trace.better or _said_next(self.db, trace), self._articles,
        )  # fmt: skip

    def _intents(self, trace: Trace) -> tuple[str, str]:
        """What set it off, and what a person said later that it is; empty where the recipe does not ask, or nobody said."""
        predicted, review = self._predicted.get(str(trace.conversation_id)), self._reviewed.get(str(trace.conversation_id))
        if predicted is None or review is None or review.at < trace.at or not _asks_for_intent(trace):
            return "", ""
        return self._names.get(predicted.label_id or "", ""), self._names.get(review.label_id or "", "")


def _by_trace(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in rows:
        found.setdefault(one.trace_id, []).append(one)
    return found


def _last_named(db: Session, conversation_ids: Sequence[str]) -> dict[str, Review]:
    query = select(Review).where(col(Review.conversation_id).in_(conversation_ids), standing.stands(), col(Review.label_id).is_not(None))
    return {one.conversation_id: one for one in db.exec(query.order_by(col(Review.at), col(Review.id)))}


def _asks_for_intent(trace: Trace) -> bool:
    body = versions.get(_target(trace)).body
    return bool((body.get("trigger") or {}).get("intent")) or "intent." in json.dumps(body.get("when") or {})


def _target(trace: Trace) -> Target:
    return Target(trace.target_kind, trace.target_name, trace.target_number)


def _said_next(db: Session, trace: Trace) -> str:
    """What a person wrote to the customer after what the run looked at."""
    later = (Message.conversation_id == trace.conversation_id, Message.role == "rep", Message.seq > (trace.seq or 0), ~col(Message.private))
    return db.exec(select(Message.text).where(*later).order_by(col(Message.seq)).limit(1)).first() or ""


@lru_cache(maxsize=1)
def published(stamp: str) -> tuple[tuple[str, str], ...]:
    """Of what customers may be told, each passage: its title and its text. `stamp`: of what is in force."""
    found = in_force.published(in_force.numbers().items()) if stamp else []
    shown = [one for one in found if one.audience != articles.STAFF]
    return tuple((piece.title, piece.text) for one in shown for piece in passages.cut(one))


# -- a person's word ----------------------------------------------------------------------------------------------------------------------


def confirm(trace_id: str, cause: str, *, by: Person, at: datetime | None = None) -> Trace:
    """It is the cause, or another one is. The last word counts; what the rule said stays beside it."""
    access.require(by, "automation.draft")
    if cause not in CAUSES:
        raise Refused(f"Nothing was kept: there is no such cause. There are: {', '.join(CAUSES)}.")
    with store.writing() as db:
        trace = db.get(Trace, trace_id, populate_existing=True, with_for_update=True)
        if trace is None or trace.target_kind != RECIPE or not conversations.reachable([str(trace.conversation_id)], by=by):
            raise Denied("Nothing was kept: that run is not here.")
        if not trace.cause:
            raise Refused("Nothing was kept: that run neither failed nor was corrected.")
        by_rule, why = _by_rule(trace)
        trace.cause_why = why if cause == by_rule else f"{BY_RULE}{by_rule}: {why}"
        trace.cause, trace.cause_by_id, trace.cause_at = cause, by.id, at or now()
        db.add(trace)
        told = f"Said why a run of recipe '{trace.target_name}' {trace.target_number} went wrong: {cause}."
        audit.record(db, by, "explained", "recipe", trace.target_name, told, at=at, after={"run": trace.id, "by rule": by_rule})
        return trace


def _by_rule(trace: Trace) -> tuple[str, str]:
    """What the rule said, also after a person said otherwise."""
    if trace.cause_why.startswith(BY_RULE):
        cause, _, why = trace.cause_why.removeprefix(BY_RULE).partition(": ")
        return cause, why
    return trace.cause, trace.cause_why


# -- ranked -------------------------------------------------------------------------------------------------------------------------------


def ranked(name: str, *, by: Person, since: datetime, at: datetime | None = None) -> list[Point]:
    """The most frequent cause first. Counts are of all its runs; examples only those within reach."""
    access.require(by, "automation.read")
    moment = at or now()
    with store.reading() as db:
        counted = _counted(db, name, since, moment)
        confirmed = _counted(db, name, since, moment, col(Trace.cause_by_id).is_not(None))
        before = _counted(db, name, since - (moment - since), since)
    total = sum(counted.values())
    order = sorted(counted, key=lambda cause: (-counted[cause], list(CAUSES).index(cause)))
    return [
        Point(cause, Share(counted[cause], total), confirmed[cause], before[cause], _examples(name, cause, since, by)) for cause in order
    ]


def _counted(db: Session, name: str, since: datetime, until: datetime, *more: Any) -> Counter[str]:
    query = select(Trace.cause, func.count()).where(*_of(name), Trace.at >= since, Trace.at <= until, *more)
    return Counter(dict(db.exec(query.group_by(Trace.cause)).all()))


def _of(name: str) -> tuple[Any, ...]:
    return (Trace.target_kind == RECIPE, Trace.target_name == name, Trace.mode == LIVE, col(Trace.cause).in_(CAUSES))


def runs_count(name: str, *, by: Person, since: datetime, at: datetime | None = None) -> int:
    """All its live runs since then: what the failed ones are a share of."""
    access.require(by, "automation.read")
    own = (Trace.target_kind == RECIPE, Trace.target_name == name, Trace.mode == LIVE)
    with store.reading() as db:
        return db.exec(select(func.count()).where(*own, Trace.at >= since, Trace.at <= (at or now()))).one()


def kept(name: str, *, by: Person, since: datetime) -> Share:
    """How often people kept the rule's cause, of those that they confirmed."""
    access.require(by, "automation.read")
    query = select(func.count()).where(*_of(name), Trace.at >= since, col(Trace.cause_by_id).is_not(None))
    with store.reading() as db:
        changed = db.exec(query.where(col(Trace.cause_why).startswith(BY_RULE))).one()
        whole = db.exec(query).one()
    return Share(whole - changed, whole)


def _examples(name: str, cause: str, since: datetime, by: Person) -> tuple[Example, ...]:
    found = _within_reach(by, *_of(name), Trace.cause == cause, Trace.at >= since)
    with store.reading() as db:
        return tuple(Example(one.id, made.id, _excerpt(db, one, 120)) for one, made in found[:EXAMPLES])


# -- one by one ---------------------------------------------------------------------------------------------------------------------------


def waiting(name: str, *, by: Person, since: datetime) -> list[str]:
    """Runs whose cause nobody confirmed yet, of conversations within reach, the newest first. Who is to judge a conversation without the
    others' word is not asked why its intent was wrong."""
    access.require(by, "automation.read")
    found = _within_reach(by, *_of(name), Trace.at >= since, col(Trace.cause_by_id).is_(None))
    return [one.id for one, made in found if not _is_blind(one, made, by)]


def get(trace_id: str, *, by: Person) -> Failure | None:
    access.require(by, "automation.read")
    found = _within_reach(by, Trace.id == trace_id, Trace.target_kind == RECIPE, col(Trace.cause).in_(CAUSES), most=1)
    if not found:
        return None
    trace, made = found[0]
    with store.reading() as db:
        spans = db.exec(select(Span).where(Span.trace_id == trace.id)).all()
        actions = db.exec(select(Action).where(Action.trace_id == trace.id).order_by(col(Action.id))).all()
        return Failure(
            trace.id, made.id, trace.target_number, trace.at, made.channel, _excerpt(db, trace, EXCERPT), _did(spans, actions),
            str((trace.said or {}).get("reply", "")), trace.better, trace.cause,
            HIDDEN if _is_blind(trace, made, by) else trace.cause_why, trace.cause_by_id,
        )  # fmt: skip


def _is_blind(trace: Trace, made: Conversation, by: Person) -> bool:
    return trace.cause == causes.WRONG_INTENT and reviews.is_blind(made.id, by=by)


def _did(spans: Sequence[Span], actions: Sequence[Action]) -> tuple[Told, ...]:
    """In order; what a condition left out is left out here too."""
    told = {one.act: str(one.payload.get("told", "")) for one in actions}
    return tuple(
        Told(one.state, one.act, one.name, one.why or told.get(one.act, "") or _figures(one.gave))
        for one in steps_of(spans) if one.state != "skipped"
    )  # fmt: skip


def _figures(gave: dict[str, Any]) -> str:
    """What a step that only looked found, in a line."""
    single = [f"{name.replace('_', ' ')} {value}" for name, value in gave.items() if isinstance(value, str | int | float) and value != ""]
    return ", ".join(single[:5])


def _within_reach(by: Person, *conditions: Any, most: int = SHOWN) -> list[tuple[Trace, Conversation]]:
    reach = access.reach(by, "conversation.read")
    if reach is None:
        return []
    here = (access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None))
    query = select(Trace, Conversation).join(Conversation, col(Conversation.id) == col(Trace.conversation_id)).where(*conditions, *here)
    with store.reading() as db:
        return [(one, made) for one, made in db.exec(query.order_by(col(Trace.at).desc(), col(Trace.id).desc()).limit(most))]


def _excerpt(db: Session, trace: Trace, most: int) -> str:
    """The customer's last words before it ran."""
    theirs = (Message.conversation_id == trace.conversation_id, Message.role == "customer", Message.seq <= (trace.seq or 0))
    text = db.exec(select(Message.text).where(*theirs).order_by(col(Message.seq).desc()).limit(1)).first() or ""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
