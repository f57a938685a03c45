"""A new answerer goes in steps: beside the live one, for some of the customers, for everybody. Each asks something; harm ends it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from data import access, releases, store
from data.errors import Refused
from data.tables import Person, Release, Trace
from data.values import LIVE, SHADOW, Target
from evals import guards, releasing
from evals.graders.face import Graders
from evals.releasing import Progress, Steps
from knowledge import ANSWERER, answerers

SEEN_BESIDE, SEEN_FOR_SOME = 100, 100  # conversations before the next step
STEPS = Steps(ANSWERER, "answerer.approve", "answerer.roll_back", "ladder", answerers.put_live)


@dataclass(frozen=True)
class Said:
    """What a version said to a conversation."""

    mode: str
    article: str  # the first that it quoted; empty where it kept silent


def progress_of(release: Release, *, known: Graders, by: Person) -> Progress:
    access.require(by, "article.read")
    live = releases.live(ANSWERER, release.target_name)
    with store.reading() as db:
        mine = _said(db, releases.target_of(release), release.started_at)
        others = _said(db, releases.target_of(live), release.started_at) if live else {}
    both = [(mine[made], others[made]) for made in mine.keys() & others.keys()]
    answered = sum(said.mode == LIVE for said in mine.values())
    judged = guards.judge(_window([now for now, _ in both]), _window([before for _, before in both]))
    asks = releasing.asks_of(
        release, seen=len(both), answered=answered, wanted=(SEEN_BESIDE, SEEN_FOR_SOME), against=_gate_says(release, known, by)
    )
    return Progress(release, len(both), sum(now.article != before.article for now, before in both), answered, asks, judged)


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


def _gate_says(release: Release, known: Graders, by: Person) -> str | None:
    """Why not; None where it is open."""
    try:
        return answerers.evidence_of(releases.target_of(release), known=known, by=by).stops()
    except Refused as not_yet:
        return str(not_yet)


# -- steps --------------------------------------------------------------------------------------------------------------------------------


def advance(release_id: str, *, why: str, known: Graders, by: Person, at: datetime | None = None) -> Release:
    return STEPS.advance(release_id, lambda release: _gate_says(release, known, by), why=why, by=by, at=at)


def stop(release_id: str, *, why: str, by: Person, at: datetime | None = None) -> None:
    STEPS.stop(release_id, why=why, by=by, at=at)


def look(*, known: Graders, by: Person, at: datetime | None = None) -> str:
    """Called each minute while something is under way: what harms ends, what met all that its step asks goes on."""
    access.require(by, "article.read")
    under_way = (one for one in releases.all_under_way() if one.target_kind == ANSWERER)
    return " ".join(STEPS.look_at(progress_of(one, known=known, by=by), at) for one in under_way)
