"""Recipes in force are run on what comes in, each by the version whose word counts for the customer.

What is on its way runs beside it with nothing leaving, so that it is known what it would have done; and whoever it is not for stays with
people. A run acts in the name of whoever proposed the version, or of whoever pressed its button: they answer for it, and of what it asks
somebody else says yes.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from automations import RECIPE, conversing, going_on, limits, mandates, recipes, running, taping, tracing, waiting
from automations.actions import Real
from automations.conversing import Case, Connected
from automations.door import ASKED, Faked, Held
from automations.recipe import ARRIVES, BUTTON, INTENT, NEW_MESSAGE, Recipe
from automations.running import Steps
from automations.settling import Ways
from data import access, conversations, masking, releases, store, traces, versions
from data.errors import Denied, Refused
from data.releases import Standing
from data.tables import Message, Person, Proposal, Release, Trace
from data.values import LIVE, SHADOW, Subject, Target, now

logger = logging.getLogger("portal.automations")

BY_ITSELF = (ARRIVES, INTENT, NEW_MESSAGE)
FRESH = timedelta(days=1)  # what came before that is history: nobody waits for an answer to it
RUN = "run_recipes"  # the task


@dataclass(frozen=True)
class Means:
    """What runs work with, passed in from above."""

    ways: Ways
    connected: Connected
    steps: Steps


NOTHING = Means(Ways(), Connected(), {})  # to ask whether a recipe is for a conversation


@dataclass
class Ran:
    """How it went with what came in."""

    live: list[Trace] = field(default_factory=list)
    beside: int = 0

    @property
    def sentence(self) -> str:
        if not self.live and not self.beside:
            return "No recipe in force is for it."
        return f"{len(self.live):,} runs, {self.beside:,} beside them with nothing leaving."


def anything_in_force() -> bool:
    with store.reading() as db:
        return bool(releases.standing(db, RECIPE))


def arrived(conversation_ids: Sequence[str], *, means: Means, at: datetime | None = None) -> Ran:
    """What came, or went on. However often it is called, what a customer wrote has one run of each recipe."""
    ran = Ran()
    for conversation_id in conversation_ids:
        ran.live += [going_on.go_on(one, **vars(means), at=at) for one in waiting.answered(conversation_id, at=at)]
        with store.reading() as db:  # read anew each time: somebody may have stopped one
            in_force = releases.standing(db, RECIPE, at)
        for one in in_force.values():
            _on(conversation_id, one, means, ran, at)
    return ran


def _on(conversation_id: str, one: Standing, means: Means, ran: Ran, at: datetime | None) -> None:
    case, release = _whose(one, conversation_id)
    if case is None:
        return
    recipe = _recipe(release) if release else None
    if release and recipe and _sets_off(recipe, case, at) and _is_for(recipe, case, means, at):
        trace = live(release, recipe, case, by=owner_of(release), means=means, at=at)
        ran.live += [trace] if trace else []
    if (other := one.beside) is not None and other.id != (release.id if release else ""):
        ran.beside += _beside(other, _recipe(other), conversation_id, means, at)


def _sets_off(recipe: Recipe, case: Case, at: datetime | None) -> bool:
    """Whether what came begins it: a new conversation, or that the customer wrote once more after somebody had answered."""
    if recipe.trigger.kind not in BY_ITSELF:
        return False
    subject, opening = subject_of(case), conversations.opening_subject(case.conversation.id, [dict(one) for one in case.messages])
    if recipe.trigger.kind == NEW_MESSAGE and subject.seq <= opening.seq:
        return False
    return _written_at(subject) >= (at or now()) - FRESH


def _written_at(subject: Subject) -> datetime:
    query = select(Message.at).where(Message.conversation_id == subject.conversation_id, Message.seq == subject.seq)
    with store.reading() as db:
        return db.exec(query).one()


def _whose(one: Standing, conversation_id: str) -> tuple[Case | None, Release | None]:
    """The conversation, and the release whose word counts for its customer; None: people's."""
    some = one.coming or one.live
    case = conversing.as_it_is(_recipe(some), conversation_id) if some else None
    if case is None:
        return None, None
    release = one.answers(case.conversation.customer_id)
    if release is not None and not _is_of_audience(release, case):
        release = one.live if release is one.coming else None
    if release is None or not _is_of_audience(release, case):
        return case, None
    return conversing.as_it_is(_recipe(release), conversation_id), release


def _is_of_audience(release: Release, case: Case) -> bool:
    return releases.is_for(release, team=case.team, channel=case.conversation.channel, segment=case.segment)


def _recipe(release: Release) -> Recipe:
    return recipes.read(versions.get(releases.target_of(release)))


def _is_for(recipe: Recipe, case: Case, means: Means, at: datetime | None) -> bool:
    return not running.applies(recipe, case.facts(), case.world(Faked(Held(recipe)), means.connected, at or now()))


def owner_of(release: Release) -> Person:
    """Who proposed it answers for it; who published it, where nobody had to be asked."""
    with store.reading() as db:
        proposal = db.get(Proposal, release.proposal_id) if release.proposal_id else None
        return db.get_one(Person, proposal.proposer_id if proposal else release.by_person_id)


# -- one that counts ----------------------------------------------------------------------------------------------------------------------


def live(release: Release, recipe: Recipe, case: Case, *, by: Person, means: Means, at: datetime | None = None) -> Trace | None:
    """Begun once for what the customer wrote; what a death cut off is begun anew, and does nothing twice. None: it was stopped."""
    moment, tape = at or now(), taping.Tape()
    began = taping.frozen(case, means.connected, moment)
    trace = _begun(release, case, by, at, began)
    if trace is None or trace.state != "running":
        return trace
    door = Real(Held(recipe), trace.id, by=by, ways=means.ways, policy=limits.policy(recipe.limits.currency), at=at)
    try:
        if by.disabled_at is not None:
            raise Refused(f"{by.name}, in whose name it runs, does not work here any more. Somebody else proposes the recipe again.")
        world = tape.around(case.world(door, means.connected, moment))
        told = tape.over(running.run(recipe, case.facts(), world, tape.steps(means.steps)), began)
        return waiting.close(door, told)
    except Refused as refused:  # the run itself cannot be: a person has it
        return _ended(trace.id, running.HANDED_OVER, str(refused))
    except Exception:
        logger.exception("a run of %s failed", recipe.name)  # counted by what trips the recipe
        return _ended(trace.id, "failed", "A fault of the portal stopped the run. A person has it from here.")


def subject_of(case: Case) -> Subject:
    """The last of what it looked at."""
    return Subject(case.conversation.id, max((one["seq"] for one in case.messages), default=0))


def _begun(release: Release, case: Case, by: Person, at: datetime | None, began: Mapping[str, Any]) -> Trace | None:
    target, subject = releases.target_of(release), subject_of(case)
    with store.writing() as db:
        store.one_at_a_time(db, f"run {target.name} {subject.conversation_id}")
        if (before := _of_subject(db, target, subject, LIVE)) is not None:
            if before.state == "running" and not tracing.stretches_of(before):
                tracing.begin(db, before, began)
            return before
        if db.get_one(Release, release.id, populate_existing=True, with_for_update={"read": True}).stage not in ("live", "percent"):
            return None
        trace = traces.begin(db, target, by=by, tokens=0, cost=0.0, subject=subject, mode=LIVE, at=at)
        tracing.begin(db, trace, began)
        return trace


def _of_subject(db: Session, target: Target, subject: Subject, mode: str) -> Trace | None:
    """Of any version: what one answered, another does not answer again."""
    query = select(Trace).where(
        Trace.target_kind == target.kind, Trace.target_name == target.name, Trace.conversation_id == subject.conversation_id,
        Trace.seq == subject.seq, Trace.mode == mode,
    )  # fmt: skip
    return db.exec(query.order_by(col(Trace.id))).first()


def _ended(trace_id: str, state: str, why: str) -> Trace:
    with store.writing() as db:
        trace = db.get_one(Trace, trace_id, populate_existing=True)
        if trace.state in ("running", "waiting"):
            traces.end(db, trace, state, why)
        return trace


# -- one beside it ------------------------------------------------------------------------------------------------------------------------


def _beside(release: Release, recipe: Recipe, conversation_id: str, means: Means, at: datetime | None) -> bool:
    """What it would have done, kept; nothing leaves."""
    case = conversing.as_it_is(recipe, conversation_id)
    if case is None or not _is_of_audience(release, case) or not _sets_off(recipe, case, at):
        return False
    with store.reading() as db:
        mandate = mandates.of(db, conversation_id)
    door, target, subject = Faked(Held(recipe, mandate=mandate)), releases.target_of(release), subject_of(case)
    told = running.run(recipe, case.facts(), case.world(door, means.connected, at or now()), means.steps)
    if told.state == running.SKIPPED:
        return False
    said = {
        "would": [tracing.redacted(one.wanted.told) for one in door.held.did], "money": str(door.held.money),
        "asked": sum(one.state == ASKED for one in door.held.did),
    }  # fmt: skip
    with store.writing() as db:
        store.one_at_a_time(db, f"run {target.name} {subject.conversation_id}")
        if _of_subject(db, target, subject, SHADOW) is not None:
            return False
        trace = traces.answered(db, target, said, by=None, mode=SHADOW, subject=subject, at=at)
        tracing.keep(db, trace, told, at=at)
        if told.state != running.DONE:
            traces.end(db, trace, told.state, told.why)
    return True


# -- by a button --------------------------------------------------------------------------------------------------------------------------


def press(
    name: str, conversation_id: str, *, by: Person, means: Means, asked: Mapping[str, Any] | None = None, at: datetime | None = None
) -> Trace:  # fmt: skip
    """A person, or a program, has a recipe run on a conversation within reach. Pressed twice on the same words, it runs once. `asked` is
    what a program sends along."""
    access.require(by, "agent.run")
    if not conversations.reachable([conversation_id], by=by):
        raise Denied("Not run: that conversation is not here.")
    with store.reading() as db:
        one = releases.standing(db, RECIPE, at).get(name)
    case, release = _whose(one, conversation_id) if one else (None, None)
    if release is None or case is None:
        raise Refused(f"Not run: no version of '{name}' is in force for this customer. A lead can release one on its page.")
    recipe = _recipe(release)
    if recipe.trigger.kind != BUTTON:
        raise Refused(f"Not run: '{recipe.title or name}' has no button; it begins by itself.")
    case = replace(case, asked=masking.everywhere(dict(asked or {})))
    if why := running.applies(recipe, case.facts(), case.world(Faked(Held(recipe)), means.connected, at or now())):
        raise Refused(f"Not run: {why}")
    whose = by if access.may(by, "refund.propose") else owner_of(release)
    trace = live(release, recipe, case, by=whose, means=means, at=at)
    if trace is None:
        raise Refused(f"Not run: '{recipe.title or name}' was stopped a moment ago.")
    return trace


@dataclass(frozen=True)
class Button:
    name: str
    words: str


def buttons(conversation_id: str, *, by: Person, at: datetime | None = None) -> list[Button]:
    """Of the recipes in force for this customer, and for this conversation, those that a person sets off."""
    if not access.may(by, "agent.run") or not conversations.reachable([conversation_id], by=by):
        return []
    with store.reading() as db:
        in_force = releases.standing(db, RECIPE, at)
    found = []
    for name, one in in_force.items():
        case, release = _whose(one, conversation_id)
        recipe = _recipe(release) if release else None
        if case and recipe and recipe.trigger.kind == BUTTON and _is_for(recipe, case, NOTHING, at):
            found.append(Button(name, recipe.trigger.button or recipe.title or name))
    return found
