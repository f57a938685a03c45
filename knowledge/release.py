"""A new answerer goes in steps: beside the live one, for some of the customers, for everybody. Each asks something; harm ends it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from data import access, inbox, releases, store
from data.errors import Refused
from data.measures import percent
from data.tables import Person, Proposal, Release, Trace
from data.values import LIVE, SHADOW, Target
from evals import guards
from evals.graders.face import Graders
from knowledge import ANSWERER, answerers

FIRST_STEP = 10  # percent of the customers
SEEN_BESIDE, SEEN_FOR_SOME = 100, 100  # conversations before the next step


@dataclass(frozen=True)
class Said:
    """What a version said to a conversation."""

    mode: str
    article: str  # the first that it quoted; empty where it kept silent


@dataclass(frozen=True)
class Progress:
    """How far a release is, and what its next step asks."""

    release: Release
    seen: int  # conversations that both versions answered
    differ: int  # of them, where the two say another thing
    asks: tuple[str, ...]  # what is not met yet, in words
    guarded: guards.Verdict

    @property
    def ready(self) -> bool:
        return not self.asks and self.guarded.act != "roll_back"

    @property
    def sentence(self) -> str:
        where = "runs beside the live version" if self.release.stage == "shadow" else f"answers for {self.release.percent} % of customers"
        differ = f"; the two differ in {percent(self.differ / self.seen)} ({self.differ:,} of {self.seen:,})" if self.seen else ""
        return f"{releases.target_of(self.release)} {where}{differ}."


def progress_of(release: Release, *, known: Graders, by: Person) -> Progress:
    access.require(by, "article.read")
    live = releases.live(ANSWERER, release.target_name)
    with store.reading() as db:
        mine = _said(db, releases.target_of(release), release.started_at)
        others = _said(db, releases.target_of(live), release.started_at) if live else {}
    both = [(mine[made], others[made]) for made in mine.keys() & others.keys()]
    answered = sum(said.mode == LIVE for said in mine.values())
    judged = guards.judge(_window([now for now, _ in both]), _window([before for _, before in both]))
    asks = tuple(_asks(release, len(both), answered, known, by))
    return Progress(release, len(both), sum(now.article != before.article for now, before in both), asks, judged)


def _said(db: Session, target: Target, since: datetime) -> dict[str, Said]:
    """By conversation, the newest."""
    query = select(Trace.conversation_id, Trace.mode, Trace.said).where(
        Trace.target_kind == target.kind, Trace.target_name == target.name, Trace.target_number == target.number,
        col(Trace.mode).in_((LIVE, SHADOW)), Trace.at >= since, col(Trace.conversation_id).is_not(None), col(Trace.said).is_not(None),
    )  # fmt: skip
    rows = db.exec(query.order_by(col(Trace.at)))
    return {str(made): Said(mode, _first(said or {})) for made, mode, said in rows}


def _first(said: Mapping[str, Any]) -> str:
    return "" if said.get("declined") else next(iter(said.get("articles") or []), "")


def _window(said: list[Said]) -> guards.Window:
    spoken = [one.article for one in said if one.article]
    return guards.Window(len(said), silent=len(said) - len(spoken), labels=Counter(spoken))


def _asks(release: Release, seen: int, answered: int, known: Graders, by: Person) -> list[str]:
    wanted, there = (SEEN_BESIDE, seen) if release.stage == "shadow" else (SEEN_FOR_SOME, answered)
    asks = [f"It was tried on {there:,} conversations; the next step asks for {wanted:,}."] if there < wanted else []
    if reason := _gate_says(release, known, by):
        asks.append(reason)
    return asks


def _gate_says(release: Release, known: Graders, by: Person) -> str | None:
    """Why not; None where it is open."""
    try:
        return answerers.evidence_of(releases.target_of(release), known=known, by=by).stops()
    except Refused as not_yet:
        return str(not_yet)


# -- steps --------------------------------------------------------------------------------------------------------------------------------


def advance(release_id: str, *, why: str, known: Graders, by: Person, at: datetime | None = None) -> Release:
    """The next step, by hand: somebody may go before enough was tried, never past the gate."""
    access.require(by, "answerer.approve")
    if not why.strip():
        raise Refused("Not changed: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        release = _of_now(db, release_id)
        if reason := _gate_says(release, known, by):
            raise Refused(f"Not changed: {reason}")
        return _step(db, release, why.strip(), by, at)


def stop(release_id: str, *, why: str, by: Person, at: datetime | None = None) -> None:
    """It answers for nobody any more, at once. The safe direction needs one person only."""
    access.require(by, "answerer.roll_back")
    if not why.strip():
        raise Refused("Not stopped: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        releases.stop(db, _of_now(db, release_id), why=why.strip(), by=by, at=at)


def _of_now(db: Session, release_id: str) -> Release:
    release = db.get(Release, release_id, populate_existing=True)
    if release is None or release.target_kind != ANSWERER or release.stage not in ("shadow", "percent"):
        raise Refused("Not changed: that release is not under way any more. Look at the page again.")
    return release


def _step(db: Session, release: Release, why: str, by: Person | None, at: datetime | None) -> Release:
    if release.stage == "shadow":
        return releases.widen(db, release, FIRST_STEP, why=why, by=by, at=at)
    return answerers.put_live(db, releases.target_of(release), release.proposal_id, by=by, at=at)


def look(*, known: Graders, by: Person, at: datetime | None = None) -> str:
    """Called each minute while something is under way: what harms ends, what met all that its step asks goes on."""
    access.require(by, "article.read")
    return " ".join(_look_at(one, known, by, at) for one in releases.all_under_way() if one.target_kind == ANSWERER)


def _look_at(release: Release, known: Graders, by: Person, at: datetime | None) -> str:
    found = progress_of(release, known=known, by=by)
    target = releases.target_of(release)
    if found.guarded.act == "roll_back":
        why = " ".join(found.guarded.reasons)
        told = f"{target} was taken back by itself. {why}"
        with store.writing() as db:
            releases.stop(db, _of_now(db, release.id), why=why, by=None, at=at)
            proposal = db.get(Proposal, release.proposal_id) if release.proposal_id else None
            if proposal:
                inbox.tell(db, proposal.proposer_id, "moved", told, page="ladder", key=f"ended {release.id}", at=at)
        return told
    if not release.by_itself or not found.ready:
        return " ".join([found.sentence, *found.asks])
    with store.writing() as db:
        step = _step(db, _of_now(db, release.id), f"all that this step asks is met: {found.sentence}", None, at)
    return f"{target} answers for everybody." if step.stage == "live" else f"{target} answers for {step.percent} % of customers."
