"""A release goes in steps: beside the live version, for some of the customers, for everybody. Each asks something; harm ends it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from classifiers import KIND, shipping
from data import access, labels, releases, store
from data.errors import Refused
from data.labels import INTENT
from data.measures import Share
from data.tables import Conversation, Person, Prediction, Release
from data.values import Target
from evals import guards, releasing
from evals.releasing import Progress, Steps

SLOW = 100.0  # milliseconds for one text: a bulk takes two
FAILED = "It failed."  # in the place of why: there was no answer
SEEN_BESIDE, SEEN_FOR_SOME = 200, 200  # conversations before the next step
STEPS = Steps(KIND, "classifier.approve", "classifier.roll_back", "classifiers", shipping.put_live)


def progress_of(release: Release, *, by: Person) -> Progress:
    access.require(by, "classifier.read")
    live = releases.live(release.target_kind, release.target_name)
    beside = _beside(releases.target_of(release), releases.target_of(live) if live else None, release.started_at)
    answered = sum(said.mode == "live" for said in beside.mine.values())
    asks = releasing.asks_of(
        release, seen=len(beside.both), answered=answered, wanted=(SEEN_BESIDE, SEEN_FOR_SOME), against=_gate_says(release, by)
    )
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


def _gate_says(release: Release, by: Person) -> str | None:
    """Why not; None where it is open. A set that was frozen anew since has to be run first."""
    access.require(by, "classifier.read")
    try:
        return shipping.evidence(releases.target_of(release), by=by).stops()
    except Refused as not_yet:
        return str(not_yet)


# -- steps --------------------------------------------------------------------------------------------------------------------------------


def advance(release_id: str, *, why: str, by: Person, at: datetime | None = None) -> Release:
    return STEPS.advance(release_id, lambda release: _gate_says(release, by), why=why, by=by, at=at)


def stop(release_id: str, *, why: str, by: Person, at: datetime | None = None) -> None:
    STEPS.stop(release_id, why=why, by=by, at=at)


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
        STEPS.tell(db, live, f"{target} was taken back by itself, and {before} answers again. {why}", at)
    return f"{target} was taken back by itself. {why}"


def _look_at(release: Release, by: Person, at: datetime | None) -> str:
    if shipping.is_stale(releases.target_of(release), by=by):  # a set was frozen since: both are run on it again
        shipping.evaluate(releases.target_of(release), by=by, at=at)
    return STEPS.look_at(progress_of(release, by=by), at)
