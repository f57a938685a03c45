"""A release goes in steps: beside the live version, for some of the customers, for everybody. Each asks something; harm ends it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from classifiers import KIND, shipping
from data import access, inbox, labels, releases, store
from data.errors import Refused
from data.labels import INTENT
from data.measures import Share
from data.measures import percent as in_percent
from data.tables import Conversation, Person, Prediction, Proposal, Release
from data.values import Target
from evals import guards

FIRST_STEP = 10  # percent of the customers
SLOW = 100.0  # milliseconds for one text: a bulk takes two
FAILED = "It failed."  # in the place of why: there was no answer
SEEN_BESIDE, SEEN_FOR_SOME = 200, 200  # conversations before the next step


@dataclass(frozen=True)
class Progress:
    """How far a release is, and what its next step asks."""

    release: Release
    seen: int  # conversations that both versions looked at
    differ: int  # of them, where the two say another thing
    answered: int  # of them, where its word counted
    asks: tuple[str, ...]  # what is not met yet, in words
    guarded: guards.Verdict

    @property
    def ready(self) -> bool:
        return not self.asks and self.guarded.act != "roll_back"

    @property
    def sentence(self) -> str:
        target = releases.target_of(self.release)
        where = "runs beside the live version" if self.release.stage == "shadow" else f"answers for {self.release.percent} % of customers"
        differ = f"; the two differ in {in_percent(self.differ / self.seen)} ({self.differ:,} of {self.seen:,})" if self.seen else ""
        return f"{target} {where}{differ}."


def progress_of(release: Release, *, by: Person) -> Progress:
    access.require(by, "classifier.read")
    live = releases.live(release.target_kind, release.target_name)
    beside = _beside(releases.target_of(release), releases.target_of(live) if live else None, release.started_at)
    answered = sum(said.mode == "live" for said in beside.mine.values())
    asks = tuple(_asks(release, len(beside.both), answered, by))
    return Progress(release, len(beside.both), beside.differ, answered, asks, beside.judged)


@dataclass(frozen=True)
class Beside:
    """What two versions said of the same conversations since one of them was released."""

    mine: dict[str, Any]  # by conversation
    both: list[tuple[Any, Any]]
    people_said: dict[str, str]

    @property
    def differ(self) -> int:
        return sum(_labels(said) != _labels(other) for said, other in self.both)

    @property
    def judged(self) -> guards.Verdict:
        now, before = (_window([pair[place] for pair in self.both], self.people_said) for place in (0, 1))
        return guards.judge(now, before)


def _beside(target: Target, other: Target | None, since: datetime) -> Beside:
    with store.reading() as db:
        mine = _said(db, target, since)
        others = _said(db, other, since) if other else {}
        people_said = _reviewed(db, list(mine.keys() & others.keys())) if target.name == INTENT else {}
    return Beside(mine, [(said, others[made]) for made, said in mine.items() if made in others], people_said)


def _labels(said: Any) -> set[str]:
    return {label_id for label_id in (said.label_id, *said.also) if label_id}


def _said(db: Session, target: Target, since: datetime) -> dict[str, Any]:
    """By conversation, what is counted of a prediction and no more: it is asked each minute, of a week's traffic."""
    columns: tuple[Any, ...] = (
        Prediction.conversation_id, Prediction.mode, Prediction.label_id, Prediction.also, Prediction.why, Prediction.ms,
    )  # fmt: skip
    query = select_columns(*columns).where(
        col(Prediction.target_kind) == target.kind, col(Prediction.target_name) == target.name,
        col(Prediction.target_number) == target.number, col(Prediction.at) >= since,
    )  # fmt: skip
    return {one.conversation_id: one for one in db.execute(query.order_by(col(Prediction.at)))}


def _reviewed(db: Session, conversation_ids: list[str]) -> dict[str, str]:
    """What people say each is about, where one of them looked."""
    found: dict[str, str] = {}
    for start in range(0, len(conversation_ids), 500):
        some = col(Conversation.id).in_(conversation_ids[start : start + 500])
        query = select(Conversation.id, Conversation.intent_id).where(some, col(Conversation.reviewed))
        found |= {made: intent for made, intent in db.exec(query) if intent}
    return found


def _window(said: list[Any], people_said: dict[str, str]) -> guards.Window:
    """What one of the two did, on conversations that both looked at."""
    names = labels.names()
    spoke, errors = [one for one in said if one.label_id], sum(one.why == FAILED for one in said)
    timed = [one.ms for one in said if one.ms is not None]
    judged = [people_said[one.conversation_id] == one.label_id for one in spoke if one.conversation_id in people_said]
    told = Counter(names.get(label_id, "?") for one in spoke for label_id in _labels(one))
    return guards.Window(
        len(said), errors=errors, silent=len(said) - len(spoke) - errors, labels=told, agreed=Share(sum(judged), len(judged)),
        slow=sum(ms > SLOW for ms in timed) if timed else None,
    )  # fmt: skip


def _asks(release: Release, seen: int, answered: int, by: Person) -> list[str]:
    asks = []
    wanted, there = (SEEN_BESIDE, seen) if release.stage == "shadow" else (SEEN_FOR_SOME, answered)
    if there < wanted:
        asks.append(f"It was tried on {there:,} conversations; the next step asks for {wanted:,}.")
    if reason := _gate_says(release, by):
        asks.append(reason)
    return asks


def _gate_says(release: Release, by: Person) -> str | None:
    """Why not; None where it is open. A set that was frozen anew since has to be run first."""
    access.require(by, "classifier.read")
    try:
        return shipping.evidence(releases.target_of(release), by=by).stops()
    except Refused as not_yet:
        return str(not_yet)


# -- steps --------------------------------------------------------------------------------------------------------------------------------


def advance(release_id: str, *, why: str, by: Person, at: datetime | None = None) -> Release:
    """The next step, by hand: somebody may go before enough was tried, never past the gate."""
    access.require(by, "classifier.approve")
    if not why.strip():
        raise Refused("Not changed: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        release = _of_now(db, release_id)
        if reason := _gate_says(release, by):
            raise Refused(f"Not changed: {reason}")
        return _step(db, release, why.strip(), by, at)


def _of_now(db: Session, release_id: str) -> Release:
    release = db.get(Release, release_id, populate_existing=True)
    if release is None or release.stage not in ("shadow", "percent"):
        raise Refused("Not changed: that release is not under way any more. Look at the page again.")
    return release


def _step(db: Session, release: Release, why: str, by: Person | None, at: datetime | None) -> Release:
    if release.stage == "shadow":
        return releases.widen(db, release, FIRST_STEP, why=why, by=by, at=at)
    target = releases.target_of(release)
    return shipping.put_live(db, target, release.proposal_id, by=by, at=at)


def stop(release_id: str, *, why: str, by: Person, at: datetime | None = None) -> None:
    """It answers for nobody any more, at once. The safe direction needs one person only."""
    access.require(by, "classifier.roll_back")
    if not why.strip():
        raise Refused("Not stopped: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        releases.stop(db, _of_now(db, release_id), why=why.strip(), by=by, at=at)


# -- by itself ----------------------------------------------------------------------------------------------------------------------------


def look(*, by: Person, at: datetime | None = None) -> str:
    """Called each minute while something is under way or went live lately: what harms ends, what met all that its step asks goes on."""
    access.require(by, "classifier.read")
    told = [_look_back(force, at) for force in releases.all_watched(at) if force.live.target_kind == KIND]
    told += [_look_at(release, by, at) for release in releases.all_under_way() if release.target_kind == KIND]
    return " ".join(told) or "Nothing is under way."


def _look_back(force: releases.InForce, at: datetime | None) -> str:
    """It answers for everybody, and harms: the one before answers again."""
    if force.before is None:
        return ""
    target, before = releases.target_of(force.live), releases.target_of(force.before)
    judged = _beside(target, before, force.live.started_at).judged
    if judged.act != "roll_back":
        return f"{target} is live; {judged.reasons[0]}"
    why = " ".join(judged.reasons)
    with store.writing() as db:
        live = db.get_one(Release, force.live.id, populate_existing=True)
        if live.stage != "live":
            return f"{target} is live no more."
        releases.go_live(db, before, proposal_id=None, why_before_ends=f"taken back by itself: {why}", by=None, at=at)
        _tell(db, live, f"{target} was taken back by itself, and {before} answers again. {why}", at)
    return f"{target} was taken back by itself. {why}"


def _look_at(release: Release, by: Person, at: datetime | None) -> str:
    if shipping.is_stale(releases.target_of(release), by=by):  # a set was frozen since: both are run on it again
        shipping.evaluate(releases.target_of(release), by=by, at=at)
    found = progress_of(release, by=by)
    if found.guarded.act == "roll_back":
        return _end(release, found.guarded.reasons, at)
    if not release.by_itself or not found.ready:
        return " ".join([found.sentence, *found.asks])
    with store.writing() as db:
        step = _step(db, _of_now(db, release.id), f"all that this step asks is met: {found.sentence}", None, at)
    target = releases.target_of(step)
    return f"{target} answers for everybody." if step.stage == "live" else f"{target} answers for {step.percent} % of customers."


def _end(release: Release, reasons: list[str], at: datetime | None) -> str:
    """It harms: the live one answers for everybody again, and who proposed it hears why."""
    why = " ".join(reasons)
    with store.writing() as db:
        ended = _of_now(db, release.id)
        releases.stop(db, ended, why=why, by=None, at=at)
        told = f"{releases.target_of(ended)} was taken back by itself. {why}"
        _tell(db, ended, told, at)
    return told


def _tell(db: Session, ended: Release, told: str, at: datetime | None) -> None:
    """Who proposed it hears why it ended."""
    proposal = db.get(Proposal, ended.proposal_id) if ended.proposal_id else None
    if proposal and proposal.proposer_id:
        inbox.tell(db, proposal.proposer_id, "moved", told, page="classifiers", key=f"ended {ended.id}", at=at)
