"""A new model goes in steps: asked beside the one in force, for some of the customers, for everybody. Each asks something; harm ends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from data import access, asking, connections, inbox, people, releases, store
from data import models as known_models
from data.errors import Refused
from data.measures import percent
from data.models import KIND
from data.sealing import sha
from data.tables import Person, Proposal, Release, Span, Trace
from data.values import LIVE, SHADOW, Target
from evals import guards, models
from evals.figures import Figures
from evals.graders.face import Graders
from evals.models import Use

FIRST_STEP = 10  # percent of the customers
SEEN_BESIDE, SEEN_FOR_SOME = 50, 50  # calls before the next step
SHARE = 0.5  # of the real calls that the new one is asked too ...
AT_A_LOOK = 20  # ... and at most so many a minute
LOOKED_THROUGH = 200
SLOW, TIMES = 1_000.0, 2.0  # milliseconds; so many times as long as 95 of 100 calls of the one before take is too slow

Uses = Mapping[str, Sequence[Use]]  # by job


@dataclass(frozen=True)
class Said:
    """One call."""

    trace_id: str
    beside: str  # the live one's trace, where this was asked beside it
    mode: str
    failed: bool
    ms: float
    cost: float
    parsed: Any


@dataclass(frozen=True)
class Progress:
    """How far a release is, and what its next step asks."""

    release: Release
    seen: int  # calls that both models answered
    answered: int  # calls where its answer counted
    differ: int  # of those with an answer in a form, where the two say another thing
    in_a_form: int
    figures: Figures
    figures_before: Figures
    asks: tuple[str, ...]  # what is not met yet, in words
    guarded: guards.Verdict

    @property
    def ready(self) -> bool:
        return not self.asks and self.guarded.act != "roll_back"

    @property
    def sentence(self) -> str:
        release, model = self.release, known_models.of(releases.target_of(self.release))
        where = "is asked beside the model in force" if release.stage == "shadow" else f"answers for {release.percent} % of customers"
        told = (
            f"; the two differ in {percent(self.differ / self.in_a_form)} ({self.differ:,} of {self.in_a_form:,})" if self.in_a_form else ""
        )
        return f"{model} {where} for '{release.target_name}'{told}. It: {self.figures}. In force: {self.figures_before}."


def progress_of(release: Release, *, known: Graders, by: Person, uses: Sequence[Use] = ()) -> Progress:
    access.require(by, "model.read")
    live = releases.live(KIND, release.target_name)
    with store.reading() as db:
        mine = _said(db, releases.target_of(release), release.started_at)
        others = _said(db, releases.target_of(live), release.started_at) if live else []
    by_trace = {one.trace_id: one for one in others}
    pairs = [(one, by_trace[one.beside]) for one in mine if one.beside in by_trace]
    forms = [(one, other) for one, other in pairs if one.parsed is not None and other.parsed is not None]
    answered = sum(one.mode == LIVE for one in mine)
    wanted, there = (SEEN_BESIDE, len(pairs)) if release.stage == "shadow" else (SEEN_FOR_SOME, answered)
    asks = [f"It was asked in {there:,} calls; the next step asks for {wanted:,}."] if there < wanted else []
    if reason := _gate_says(release, known, by, uses):
        asks.append(reason)
    differ = sum(one.parsed != other.parsed for one, other in forms)
    return Progress(
        release, len(pairs), answered, differ, len(forms), _figures(mine), _figures(others), tuple(asks), _judged(mine, others)
    )  # fmt: skip


def _said(db: Session, target: Target, since: datetime) -> list[Said]:
    """What a version was really asked since, and beside another."""
    columns: tuple[Any, ...] = (Trace.id, Trace.state_json, Trace.mode, Trace.state, Span.ms, Span.cost, Span.output)
    query = (
        select_columns(*columns)
        .join(Span, col(Span.trace_id) == col(Trace.id))
        .where(
            col(Trace.target_kind) == target.kind, col(Trace.target_name) == target.name, col(Trace.target_number) == target.number,
            col(Trace.mode).in_((LIVE, SHADOW)), col(Trace.at) >= since,
        )
        .order_by(col(Trace.at))
    )  # fmt: skip
    return [
        Said(made, (told or {}).get("beside", ""), mode, state != "done", ms, cost, (output or {}).get("parsed"))
        for made, told, mode, state, ms, cost, output in db.execute(query)
    ]


def _figures(said: Sequence[Said]) -> Figures:
    return Figures.of([(one.ms, one.cost) for one in said if not one.failed])


def _judged(mine: Sequence[Said], others: Sequence[Said]) -> guards.Verdict:
    """Faults and slow answers, beside those of the one before in the same time."""
    limit = max(SLOW, TIMES * _figures(others).p95)
    return guards.judge(_window(mine, limit), _window(others, limit), guards.Limits(items=SEEN_BESIDE))


def _window(said: Sequence[Said], limit: float) -> guards.Window:
    slow = sum(not one.failed and one.ms > limit for one in said)
    return guards.Window(len(said), errors=sum(one.failed for one in said), slow=slow)


def _gate_says(release: Release, known: Graders, by: Person, uses: Sequence[Use]) -> str | None:
    """Why not; None where it is open."""
    try:
        decision = models.evidence(releases.target_of(release), known=known, by=by, uses=uses).decision
    except Refused as not_yet:
        return str(not_yet)
    return None if decision.is_open else decision.sentence


# -- steps --------------------------------------------------------------------------------------------------------------------------------


def advance(
    release_id: str, *, why: str, known: Graders, by: Person, uses: Sequence[Use] = (), at: datetime | None = None
) -> Release:  # fmt: skip
    """The next step, by hand: somebody may go before enough was asked, never past the gate."""
    access.require(by, "model.approve")
    if not why.strip():
        raise Refused("Not changed: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        release = _of_now(db, release_id)
        if reason := _gate_says(release, known, by, uses):
            raise Refused(f"Not changed: {reason}")
        return _step(db, release, why.strip(), by, at)


def stop(release_id: str, *, why: str, by: Person, at: datetime | None = None) -> None:
    """It is asked for nobody any more, at once. The safe direction needs one person only."""
    access.require(by, "model.roll_back")
    if not why.strip():
        raise Refused("Not stopped: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        releases.stop(db, _of_now(db, release_id), why=why.strip(), by=by, at=at)


def _of_now(db: Session, release_id: str) -> Release:
    release = db.get(Release, release_id, populate_existing=True)
    if release is None or release.target_kind != KIND or release.stage not in ("shadow", "percent"):
        raise Refused("Not changed: that release is not under way any more. Look at the page again.")
    return release


def _step(db: Session, release: Release, why: str, by: Person | None, at: datetime | None) -> Release:
    if release.stage == "shadow":
        return releases.widen(db, release, FIRST_STEP, why=why, by=by, at=at)
    return models.put_live(db, releases.target_of(release), release.proposal_id, by=by, at=at)


# -- by itself ----------------------------------------------------------------------------------------------------------------------------


def look(*, known: Graders, by: Person, uses: Uses | None = None, at: datetime | None = None) -> str:
    """Called each minute while something is under way or went live lately: what harms ends, what met all that its step asks goes on."""
    access.require(by, "model.read")
    told = [_look_back(force, at) for force in releases.all_watched(at) if force.live.target_kind == KIND]
    for release in releases.all_under_way():
        if release.target_kind == KIND:
            fault = ask_beside(release, by=by, at=at) if release.stage == "shadow" else ""
            told += [_look_at(release, known, by, (uses or {}).get(release.target_name, ()), at), fault]
    return " ".join(filter(None, told))


def ask_beside(release: Release, *, by: Person, at: datetime | None = None) -> str:
    """The new model is asked what the one in force was: answers that nobody is shown. Why it was not, where it could not be."""
    access.require(by, "model.read")
    endpoint = connections.endpoint()
    if endpoint is None:
        return "No model endpoint is set."
    target = releases.target_of(release)
    try:
        for trace, messages in _not_yet_asked(release):
            asking.ask(
                target.name, messages, by=people.console(), line=endpoint.line(), budget=endpoint.budget(), exactly=target, beside=trace.id,
                at=at, **(trace.state_json or {}),
            )  # fmt: skip
    except Refused as refused:  # the day's budget, or an address that is approved no more
        return str(refused)
    return ""


def _not_yet_asked(release: Release) -> list[tuple[Trace, list[dict[str, Any]]]]:
    """The newest real calls of the live one that fall to the share, with what was asked: as it left, redacted."""
    live = releases.live(KIND, release.target_name)
    if live is None:
        return []
    with store.reading() as db:
        asked = {one.beside for one in _said(db, releases.target_of(release), release.started_at)}
        query = (
            select(Trace, Span.input)
            .join(Span, col(Span.trace_id) == col(Trace.id))
            .where(
                Trace.target_kind == KIND, Trace.target_name == live.target_name, Trace.target_number == live.target_number,
                Trace.mode == LIVE, col(Trace.state).in_(("done", "failed")), Trace.at >= release.started_at,
            )
            .order_by(col(Trace.at).desc())
            .limit(LOOKED_THROUGH)
        )  # fmt: skip
        found = [
            (trace, told["messages"]) for trace, told in db.exec(query)
            if trace.state_json and trace.id not in asked and int(sha(f"{release.salt} {trace.id}")[:8], 16) < SHARE * 0x100000000
        ]  # fmt: skip
    return found[:AT_A_LOOK]


def _look_back(force: releases.InForce, at: datetime | None) -> str:
    """It answers for everybody, and harms: the one before answers again."""
    if force.before is None:
        return ""
    target, before = releases.target_of(force.live), releases.target_of(force.before)
    with store.reading() as db:
        judged = _judged(*(_said(db, one, force.live.started_at) for one in (target, before)))
    if judged.act != "roll_back":
        return ""
    why = " ".join(judged.reasons)
    with store.writing() as db:
        live = db.get_one(Release, force.live.id, populate_existing=True)
        if live.stage != "live":
            return ""
        releases.go_live(db, before, proposal_id=None, why_before_ends=f"taken back by itself: {why}", by=None, at=at)
        told = f"{known_models.of(target)} was taken back by itself for '{target.name}', and {known_models.of(before)} does it again. {why}"
        _tell(db, live, told, at)
    return told


def _look_at(release: Release, known: Graders, by: Person, uses: Sequence[Use], at: datetime | None) -> str:
    found = progress_of(release, known=known, by=by, uses=uses)
    model = known_models.of(releases.target_of(release))
    if found.guarded.act == "roll_back":
        why = " ".join(found.guarded.reasons)
        told = f"{model} was taken back by itself for '{release.target_name}'. {why}"
        with store.writing() as db:
            ended = _of_now(db, release.id)
            releases.stop(db, ended, why=why, by=None, at=at)
            _tell(db, ended, told, at)
        return told
    if not release.by_itself or not found.ready:
        return " ".join([found.sentence, *found.asks])
    with store.writing() as db:
        step = _step(db, _of_now(db, release.id), f"all that this step asks is met: {found.sentence}", None, at)
    return f"{model} answers for {'everybody' if step.stage == 'live' else f'{step.percent} % of customers'}."


def _tell(db: Session, ended: Release, told: str, at: datetime | None) -> None:
    """Who proposed it hears why it ended."""
    proposal = db.get(Proposal, ended.proposal_id) if ended.proposal_id else None
    if proposal:
        inbox.tell(db, proposal.proposer_id, "moved", told, page="installation", key=f"ended {ended.id}", at=at)
