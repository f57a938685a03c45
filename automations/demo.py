"""The demo's recipes: begun from the ready ones, tried on what came before, released step by step, run, one of them stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from automations import (
    RECIPE,
    arriving,
    backtest,
    drafted,
    failures,
    gallery,
    going_on,
    limits,
    mandates,
    recipes,
    release,
    settling,
    stopping,
    waiting,
)
from automations.arriving import Means
from automations.conversing import Connected
from automations.recipe import Act, Limits
from automations.steps.all import STEPS
from data import approvals, releases, settings, store, tasks
from data.tables import Conversation, Person, Proposal, Release, Trace
from data.values import Target
from evals.graders import BY_NAME

WHY = {
    "where-is-my-order": "Asked more often than anything else.",
    "late-parcel": "We pay five euros back by hand, twenty times a week.",
    "answer-from-articles": "What the articles say, nobody should have to type.",
    "complaint-first": "Complaints waited behind parcels.",
    "refund-agent": "Each of these is a little different, and no two recipes fit.",
    "refund-agents": "To find out, to answer and to decide about money are three things.",
}
TRIED = 100  # conversations of the backtest


BEGAN = timedelta(days=9)  # before now: the first was released
READ_BY = timedelta(minutes=3)  # after a conversation came
FIRST, MONEY, COMPLAINTS, AGENT = "where-is-my-order", "late-parcel", "complaint-first", "refund-agent"
DRAFTS_WAITING = 4
BETTER = "Your parcel is with the courier, and I have asked them for a new date. I write to you again tomorrow by noon."
HELD = (  # intent, what machines may do, judgement work, note, why, by whom
    ("Complaint about service", "never", True, "Somebody who complains wants to be heard by a person.",
     "It marked every thank-you as urgent, and one real complaint got a template.", "Lena Hoffmann"),
    ("Delete my account", "never", False, "The law gives a person 30 days for it.", "Nobody takes back what was deleted.", "Nora Engel"),
    ("Charged twice", "propose", False, "", "The bank has to be looked at first.", "Marco Silva"),
)  # fmt: skip
STOPPED = 0  # in the place of a percentage
YES = 4  # of so many payments in a row a person refuses one


@dataclass(frozen=True)
class Came:
    """A conversation as the story tells it."""

    conversation_id: str
    at: datetime


def draft(staff: Mapping[str, Person], *, connected: Connected, at: datetime) -> None:
    """By reps and an engineer, and looked at beside what people did."""
    ready = {one.name: one for one in gallery.ready()}
    authors = ("Alma Berger", "Nora Engel", "Elif Kaya", "Alma Berger", "Alma Berger", "Nora Engel")
    began = at - BEGAN
    for place, ((name, why), author) in enumerate(zip(WHY.items(), authors, strict=True)):
        recipes.save(ready[name], why=why, based_on=None, by=staff[author], at=began - timedelta(days=9 - place))
    one = ready[FIRST]
    nora = staff["Nora Engel"]
    backtest.run(Target(RECIPE, one.name, 1), connected=connected, steps=STEPS, by=nora, most=TRIED, at=began - timedelta(days=3))
    marked = Act("tag", "marked", {"tag": "where-is-it"})
    limits = Limits(runs_per_day=150)
    changed = replace(one, acts=(*one.acts, marked), limits=limits, alone=replace(one.alone, changes=(*one.alone.changes, "tag")))
    recipes.save(changed, why="So that we can count them.", based_on=1, by=staff["Alma Berger"], at=began - timedelta(days=2))
    for target in (Target(RECIPE, FIRST, 2), Target(RECIPE, MONEY, 1), Target(RECIPE, COMPLAINTS, 1), Target(RECIPE, AGENT, 1)):
        backtest.run(target, connected=connected, steps=STEPS, by=nora, most=TRIED, at=began - timedelta(days=1))


def live_through(staff: Mapping[str, Person], came: Sequence[Came], *, means: Means, at: datetime) -> None:
    """Nine days: two recipes on their way, what they did, what people said yes to; the third was stopped after a day. Outside of any
    transaction: what leaves is written down first, also in a demo."""
    alma, lena, marco = staff["Alma Berger"], staff["Lena Hoffmann"], staff["Marco Silva"]
    began = at - BEGAN
    _limit_customers(staff, began - timedelta(days=1))
    first = _released(Target(RECIPE, FIRST, 2), "It writes what we type forty times a day.", alma, marco, began)
    money = _released(Target(RECIPE, MONEY, 1), "Each payment is asked for, so we can see how it does.", alma, marco, began)
    complaints = _released(Target(RECIPE, COMPLAINTS, 1), "Nobody who complains should wait behind parcels.", alma, marco, began)
    why = "One task, few customers, and a person decides on each payment."
    agent = _released(Target(RECIPE, AGENT, 1), why, alma, marco, began, audience={"channel": ["chat", "email"]})
    steps = [(began + timedelta(days=days), begun, percent) for days, begun, percent in (
        (1, first, 10), (1, money, 25), (1, complaints, 10), (1, agent, 5), (2, agent, 50), (3, first, 50), (4, complaints, STOPPED),
        (4, agent, None), (5, first, None), (6, money, 50),
    )]  # fmt: skip
    asked: list[Trace] = []
    drafts: list[Trace] = []
    for one in sorted(came, key=lambda one: one.at):
        when = one.at + READ_BY
        while steps and steps[0][0] <= when:
            _step(*steps.pop(0), staff)
        ran = arriving.arrived([one.conversation_id], means=means, at=when)
        asked += [trace for trace in ran.live if trace.state == "waiting"]
        drafts += [trace for trace in ran.live if trace.state == "done" and drafted.reply_of(trace)]
    for due, begun, percent in steps:
        _step(due, begun, percent, staff)
    leads = {person.team_id: person for person in (lena, marco)}
    for place, trace in enumerate(asked[:-2]):  # the last two wait
        _decide(trace, place, leads, means)
    for place, trace in enumerate(drafts[:-DRAFTS_WAITING]):
        _take(trace, place, leads)
    _hold(staff, at - timedelta(hours=30))
    failures.look(at=at)


def _hold(staff: Mapping[str, Person], at: datetime) -> None:
    """What is people's work, said after the one recipe had to be stopped."""
    for place, (intent, may, judgement, note, why, by) in enumerate(HELD):
        wanted = mandates.line(may, judgement=judgement, note=note)
        mandates.tighten(mandates.key_named(intent), wanted, why=why, by=staff[by], at=at + timedelta(hours=place))


def _limit_customers(staff: Mapping[str, Person], at: datetime) -> None:
    """What one customer gets from all recipes, as the policy has it."""
    why = "The policy says so, and nobody adds it up by hand."
    proposal = limits.propose(
        Decimal(40), "EUR", 60, article="policy-goodwill", heading="What may be given", why=why, by=staff["Nora Engel"], at=at
    )  # fmt: skip
    approvals.approve(proposal.id, by=staff["Otto Braun"], at=at + timedelta(hours=1))
    settings.carry_out(proposal.id, limits.KIND, at=at + timedelta(hours=1, minutes=1))
    _carried_out(at)


def _released(
    target: Target, why: str, by: Person, approver: Person, at: datetime, *, audience: releases.Audience | None = None
) -> Release:  # fmt: skip
    proposal = release.propose(target, why=why, audience=audience, steps=STEPS, known=BY_NAME, by=by, at=at)
    approvals.approve(proposal.id, by=approver, note="Read its backtest.", at=at + timedelta(hours=1))
    begun = release.publish_approved(proposal.id, at=at + timedelta(hours=1, minutes=1))
    _carried_out(at)
    return begun


def _step(at: datetime, begun: Release, percent: int | None, staff: Mapping[str, Person]) -> None:
    if percent == STOPPED:
        why = "It marks every thank-you that says 'complain' as urgent."
        stopping.stop(begun.target_name, why=why, by=staff["Lena Hoffmann"], at=at)
        return
    release.advance(begun.id, percent=percent, why="It did what it should.", steps=STEPS, known=BY_NAME, by=staff["Marco Silva"], at=at)


def _decide(trace: Trace, place: int, leads: Mapping[str | None, Person], means: Means) -> None:
    """Most are said yes to within the hour by the customer's team, done, and gone on with."""
    when = trace.at + timedelta(minutes=25)
    with store.reading() as db:
        by = leads[db.get_one(Proposal, trace.proposal_id).team_id]
    if place % YES == YES - 1:
        approvals.refuse(str(trace.proposal_id), by=by, why="This customer had money back for the same parcel last week.", at=when)
        settling.settle(ways=means.ways, at=when)
        return
    approvals.approve(str(trace.proposal_id), by=by, at=when)
    waiting.continue_run(str(trace.proposal_id), ways=means.ways, at=when)
    going_on.go_on(trace.id, ways=means.ways, connected=means.connected, steps=STEPS, at=when)
    _carried_out(when)


def _take(trace: Trace, place: int, leads: Mapping[str | None, Person]) -> None:
    """Of five drafts three are taken as they are, one with other words, and one is refused."""
    with store.reading() as db:
        conversation = db.get_one(Conversation, trace.conversation_id)
    outcome, better = {1: ("edited", BETTER), 3: ("refused", "")}.get(place % 5, ("accepted", ""))
    if conversation.team_id in leads:
        drafted.decide(trace.id, outcome, better=better, by=leads[conversation.team_id], at=trace.at + timedelta(minutes=2))


def _carried_out(at: datetime) -> None:
    """What the approval asked a worker for is done."""
    for task in tasks.waiting():
        if taken := tasks.take(task.id, "demo"):
            tasks.finish(taken, "Done.", at=at)
