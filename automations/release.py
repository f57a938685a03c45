"""A recipe goes in steps: tried with nothing leaving, for some of the customers, for all that it is for. Each asks something; harm ends it.

Where nothing was live before, people are what it is compared with: whoever it is not for yet stays with them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from automations import RECIPE, gate, recipes
from automations.gate import HIGH, Shown
from automations.running import Steps
from data import access, approvals, audit, releases, settings, store, versions
from data.errors import Refused
from data.masking import masked
from data.releases import Audience
from data.tables import Person, Proposal, Release, Trace
from data.values import LIVE, SHADOW, Target
from evals import guards, releasing
from evals.graders.face import Graders
from evals.releasing import Progress

SEEN_BESIDE, SEEN_FOR_SOME = 30, 50  # conversations before the next step
PERCENTS = (5, 10, 25, 50)
SMALL, WHOLE = "publish_small", "publish_recipe"  # kinds of proposals
AUDIENCE = ("team", "channel", "segment")
FAILED = "failed"


def put_live(db: Session, target: Target, proposal_id: str | None, *, by: Person | None, at: datetime | None = None) -> Release:
    return releases.go_live(db, target, proposal_id=proposal_id, why_before_ends=f"followed by {target}", by=by, at=at)


STEPS = releasing.Steps(RECIPE, "automation.publish", "guardrail.tighten", "automations", put_live)


# -- proposed, approved -------------------------------------------------------------------------------------------------------------------


def propose(
    target: Target, *, why: str, steps: Steps, known: Graders, by: Person, audience: Audience | None = None, at: datetime | None = None
) -> Proposal:  # fmt: skip
    """Ask a second person. What moves money or sends something is approved by a lead or an engineer; so is what a rep proposes."""
    shown = gate.shown(target, steps=steps, known=known, by=by, at=at)
    kind = _kind(shown, by)
    access.require(by, approvals.KINDS[kind].propose)
    _require_open(shown, "proposed")
    _require_answerable(target, by)
    version, payload = versions.get(target), _payload(target, audience)
    if approvals.open_for(kind, **payload):
        raise Refused(f"Not proposed again: {target} already waits for approval.")
    told = {"sentence": f"{shown.sentence} {_for_whom(payload['audience'])}", "stake": shown.stake, "recipe": target.name}
    with store.writing() as db:
        return approvals.propose(
            db, kind, f"release recipe '{target.name}' {target.number}", payload, why=why, evidence=told, authors=version.authors, by=by,
            needs=agreed.approvers if kind == WHOLE and (agreed := settings.gate()) else 1, at=at,
        )  # fmt: skip


def publish(
    target: Target, *, why: str, steps: Steps, known: Graders, by: Person, audience: Audience | None = None, at: datetime | None = None
) -> Release:  # fmt: skip
    """With low stakes a lead or an engineer needs nobody: it only tags, routes, drafts and notes."""
    access.require(by, "automation.publish")
    shown = gate.shown(target, steps=steps, known=known, by=by, at=at)
    if shown.stake == HIGH:
        raise Refused("Not released: it moves money, sends something or calls another program, so a second person approves it. Propose it.")
    _require_open(shown, "released")
    if not why.strip():
        raise Refused("Not released: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        begun = releases.begin(db, target, proposal_id=None, by_itself=True, audience=_audience(audience), by=by, at=at)
        audit.record(db, by, "released", "recipe", target.name, f"Released {target}: {masked(why.strip())}", at=at)
        return begun


def publish_approved(proposal_id: str, *, at: datetime | None = None) -> Release:
    """It begins with nothing leaving. What moves money is led on by people, step by step."""
    with store.reading() as db:
        kind = db.get_one(Proposal, proposal_id).kind
    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, kind, at=at)
        told = proposal.payload
        target = Target(told["target_kind"], told["target_name"], told["target_number"])
        if versions.get(target).sha != told["sha"]:
            raise Refused(f"Not released: {target} is not what was approved.")
        by_itself = proposal.kind == SMALL
        return releases.begin(
            db, target, proposal_id=proposal.id, by_itself=by_itself, audience=told["audience"], by=approver, at=at
        )  # fmt: skip


def _kind(shown: Shown, by: Person) -> str:
    small = shown.stake != HIGH and access.may(by, approvals.KINDS[SMALL].propose)
    return SMALL if small else WHOLE


def _require_open(shown: Shown, done: str) -> None:
    if shown.against:
        raise Refused(f"Not {done}: {' '.join(shown.against)}")


def _require_answerable(target: Target, by: Person) -> None:
    """Runs ask for a yes in the name of whoever proposed it."""
    recipe = recipes.read(versions.get(target))
    right = approvals.KINDS["act_twice" if recipe.alone.approvers > 1 else "act_once"].propose
    if recipe.limits.money_per_run and not access.may(by, right):
        raise Refused(
            "Not proposed: it asks for refunds in the name of whoever proposes it, and you may not ask for one. A lead or rep may."
        )


def _payload(target: Target, audience: Audience | None) -> dict[str, Any]:
    return {**target.columns(), "sha": versions.get(target).sha, "audience": _audience(audience)}


def _audience(told: Audience | None) -> dict[str, list[str]]:
    found = {name: sorted(set(values)) for name, values in (told or {}).items() if values}
    if unknown := sorted(set(found) - set(AUDIENCE)):
        raise Refused(f"Not released: there is no audience by {unknown[0]}; there is one by {', '.join(AUDIENCE)}.")
    return found


def _for_whom(audience: Mapping[str, Sequence[str]]) -> str:
    told = [f"{name} {' or '.join(values)}" for name, values in audience.items()]
    return f"Only for {', '.join(told)}." if told else "For everybody that it is for."


# -- on its way ---------------------------------------------------------------------------------------------------------------------------


def progress_of(release: Release, *, steps: Steps, known: Graders, by: Person) -> Progress:
    access.require(by, "automation.read")
    with store.reading() as db:
        live = releases.live_in(db, RECIPE, release.target_name)
        mine = _states(db, releases.target_of(release), release.started_at)
        others = _states(db, releases.target_of(live), release.started_at) if live else {}
    counted = [state for mode, state in mine.values() if mode == LIVE]
    judged = guards.judge(_window(counted), _window([state for _, state in others.values()]))
    both = mine.keys() & others.keys()
    asks = releasing.asks_of(
        release, seen=len(mine), answered=len(counted), wanted=(SEEN_BESIDE, SEEN_FOR_SOME),
        against=" ".join(gate.shown(releases.target_of(release), steps=steps, known=known, by=by).against) or None,
    )  # fmt: skip
    return Progress(release, len(mine), sum(mine[one][1] != others[one][1] for one in both), len(counted), asks, judged)


def _states(db: Session, target: Target, since: datetime) -> dict[str, tuple[str, str]]:
    """By conversation: whether it counted, and how it ended."""
    query = select(Trace.conversation_id, Trace.mode, Trace.state).where(
        Trace.target_kind == target.kind, Trace.target_name == target.name, Trace.target_number == target.number,
        col(Trace.mode).in_((LIVE, SHADOW)), Trace.at >= since, col(Trace.conversation_id).is_not(None),
    )  # fmt: skip
    return {str(made): (mode, state) for made, mode, state in db.exec(query.order_by(col(Trace.at)))}


def _window(states: Sequence[str]) -> guards.Window:
    """That it hands over is its silence."""
    return guards.Window(len(states), errors=states.count(FAILED), silent=states.count("handed_over"))


def advance(
    release_id: str, *, percent: int | None = None, why: str, steps: Steps, known: Graders, by: Person, at: datetime | None = None
) -> Release:  # fmt: skip
    """On to so many percent of the customers, or to all that it is for. What moves money or sends something takes who may approve it."""
    with store.reading() as db:
        release = db.get(Release, release_id)
    if release is None or release.target_kind != RECIPE:
        raise Refused("Not changed: that release is not under way any more. Look at the page again.")
    shown = gate.shown(releases.target_of(release), steps=steps, known=known, by=by, at=at)
    access.require(by, "publication.approve" if shown.stake == HIGH else "automation.publish")
    _require_open(shown, "changed")
    if not why.strip():
        raise Refused("Not changed: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        store.one_at_a_time(db, f"release {RECIPE} {release.target_name}")  # somebody may stop it at this moment
        release = db.get_one(Release, release_id, populate_existing=True)
        if release.stage not in ("shadow", "percent"):
            raise Refused("Not changed: that release is not under way any more. Look at the page again.")
        if percent is not None and percent < 100:
            return releases.widen(db, release, percent, why=masked(why.strip()), by=by, at=at)
        return put_live(db, releases.target_of(release), release.proposal_id, by=by, at=at)


def look(*, steps: Steps, known: Graders, by: Person, at: datetime | None = None) -> str:
    """Called each minute while something is under way: what harms ends, what met all that its step asks goes on."""
    access.require(by, "automation.read")
    under_way = (one for one in releases.all_under_way() if one.target_kind == RECIPE)
    return " ".join(STEPS.look_at(progress_of(one, steps=steps, known=known, by=by), at) for one in under_way)


# -- back ---------------------------------------------------------------------------------------------------------------------------------


def roll_back(target: Target, *, why: str, by: Person, at: datetime | None = None) -> Release:
    """From what is live to a version that was live before: one person. What was stopped is proposed again, as anything that begins."""
    access.require(by, "automation.publish")
    if not why.strip():
        raise Refused("Not rolled back: say why; it stands beside the release afterwards.")
    with store.writing() as db:
        if not releases.once_live(db, target):
            raise Refused(f"Not rolled back: {target} was never live. Propose it instead.")
        if releases.live_in(db, RECIPE, target.name) is None:
            raise Refused(f"Not rolled back: nothing of '{target.name}' is live. It was stopped; propose {target} to begin again.")
        told = masked(why.strip())
        release = releases.go_live(db, target, proposal_id=None, why_before_ends=f"rolled back: {told}", by=by, at=at)
        audit.record(db, by, "rolled back", "release", release.id, f"Went back to {target}: {told}", at=at)
        return release
