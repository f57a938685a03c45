"""A second agent, grown on evidence: begun from cases that failed, and judged afterwards on them and on as many that went well.

Both versions, the one before and the one that has it, are run on the same conversations as they stood. Nothing leaves: effects are noted
at the door. Whether it helped is a paired test's word, with what it costs beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from automations import RECIPE, filling, recipes, rerunning
from automations.agents.agent import Agent, Tool
from automations.agents.checks import MOST_AGENTS, STEP
from automations.backtest import SETTLED, Looked, Progress
from automations.causes import CAUSES, CORRECTED
from automations.conditions import named
from automations.conversing import Connected
from automations.recipe import Recipe
from automations.rerunning import FAILING, WELL, Both
from automations.running import DONE, Steps
from automations.steps.face import Declarations
from data import access, conversations, store, versions
from data.errors import Refused
from data.tables import Conversation, Person, Study, Trace, Version
from data.values import LIVE, Target, now
from evals.graders import BY_NAME
from evals.graders.face import Graders

BEGUN, GROWN = "begun", "grown"  # studies: of the version before, what a new agent is for; of the one that has it, whether it helped
MOST = 50  # cases that failed, and as many that went well: each is done by both versions, and models cost money
READ = 10 * MOST  # runs that are read to find so many conversations


@dataclass(frozen=True)
class Plan:
    """What a new agent is to be judged on, kept before anybody wrote what it does."""

    agent: str
    cause: str
    before: int  # the version that has no such agent
    since: datetime
    at: datetime
    failing: tuple[str, ...]  # conversations, the newest first
    well: tuple[str, ...]


# -- the draft ----------------------------------------------------------------------------------------------------------------------------


def with_another(recipe: Recipe, cause: str, declarations: Declarations) -> tuple[Recipe, Agent]:
    """One more behind a handoff, named after the cause, with the first one's look-ups. What it does, people write."""
    first = first_of(recipe)
    if first is None:
        raise Refused("No agent was added: this recipe works without one. Give it a step 'agent' first.")
    if cause not in CAUSES:
        raise Refused(f"No agent was added: there is no such cause. There are: {', '.join(CAUSES)}.")
    if len(recipe.agents) >= MOST_AGENTS:
        raise Refused(f"No agent was added: a recipe has at most {MOST_AGENTS}, and this one has {len(recipe.agents)}. Take one out first.")
    told = CAUSES[cause]
    made = Agent(
        _free_name(recipe, told.words), told.words, f"Cases where {told.means}.", model=first.model, tools=_look_ups(first, declarations),
        guardrails=first.guardrails, says=first.says,
    )  # fmt: skip
    hands = replace(first, hands_to=(*first.hands_to, made.name))
    return replace(recipe, agents=(*(hands if one is first else one for one in recipe.agents), made)), made


def first_of(recipe: Recipe) -> Agent | None:
    """Whom the conversation comes to."""
    begins = (str(act.given.get("agent") or "") for _, _, act in recipe.walk() if act.step == STEP)
    return next((agent for name in begins if (agent := recipe.agent(name))), None)


def _look_ups(first: Agent, declarations: Declarations) -> tuple[Tool, ...]:
    """What changes nothing, as far as it needs nothing that only another tool gives."""
    looks = [one for one in first.tools if one.step in declarations and not declarations[one.step].changes]
    away = {one.name for one in first.tools} - {one.name for one in looks}
    return tuple(one for one in looks if not away & {name.split(".")[0] for name in _asks_for(one)})


def _asks_for(tool: Tool) -> list[str]:
    gaps = [name for value in tool.given.values() for name in filling.names_in(value)]
    return [*gaps, *(named(tool.when) if tool.when else [])]


def _free_name(recipe: Recipe, words: str) -> str:
    base = "_".join("".join(sign if sign.isascii() and sign.isalnum() else " " for sign in words.lower()).split())[:36]
    taken = {one.name for one in recipe.agents} | {tool.name.removeprefix("to_") for one in recipe.agents for tool in one.tools}
    return base if base not in taken else next(f"{base}_{n}" for n in range(2, 100) if f"{base}_{n}" not in taken)


# -- what it is for -----------------------------------------------------------------------------------------------------------------------


def begin(target: Target, cause: str, *, agent: str, since: datetime, by: Person, at: datetime | None = None) -> Plan:
    """Remember which conversations the new agent is for, within the person's reach: those it is made from are those it is judged on."""
    access.require(by, "automation.draft")
    version, moment = versions.get(target), at or now()
    failing, well = _both(target.name, cause, since, by)
    if not failing:
        raise Refused("No agent was begun: none of the runs that failed so is within your reach. A lead or an engineer sees them all.")
    told = {"agent": agent, "cause": cause, "since": since.isoformat(), "failing": failing, "well": well}
    with store.writing() as db:
        study = Study(version_id=version.id, kind=BEGUN, told=told, by_person_id=access.whose(by), at=moment)
        db.add(study)
    return _plan(study, version)


def plan_for(target: Target, *, by: Person) -> Plan | None:
    """Of the newest agent that was begun so and that this version has; where it was renamed since, of what is new in it."""
    access.require(by, "automation.read")
    names = _agents_of(versions.get(target))
    query = (
        select(Study, Version)
        .join(Version, col(Version.id) == col(Study.version_id))
        .where(Version.target_kind == target.kind, Version.target_name == target.name, Version.target_number < target.number)
        .where(Study.kind == BEGUN)
        .order_by(col(Study.at).desc(), col(Study.id).desc())
    )
    with store.reading() as db:
        found = [_plan(study, version) for study, version in db.exec(query) if names - _agents_of(version)]
    return next((one for one in found if one.agent in names), found[0] if found else None)


def _plan(study: Study, version: Version) -> Plan:
    told = study.told
    return Plan(
        told["agent"], told["cause"], version.target_number, datetime.fromisoformat(told["since"]), study.at, tuple(told["failing"]),
        tuple(told["well"]),
    )  # fmt: skip


def _agents_of(version: Version) -> set[str]:
    return {str(one.get("name")) for one in version.body.get("agents") or ()}


def _both(name: str, cause: str, since: datetime, by: Person, *, before: int | None = None) -> tuple[list[str], list[str]]:
    """Conversations whose run failed so, and as many in which nothing did; `before` this version: its own runs are no evidence of what it
    is to mend."""
    own = (Trace.target_kind == RECIPE, Trace.target_name == name, Trace.mode == LIVE, Trace.at >= since)
    older = own if before is None else (*own, Trace.target_number < before)
    failing = _conversations(by, *older, Trace.cause == cause)
    wrong = select(Trace.conversation_id).where(*own, Trace.cause != "", col(Trace.conversation_id).is_not(None))
    well = _conversations(
        by, *older, Trace.cause == "", Trace.state == DONE, col(Trace.outcome).not_in(CORRECTED), col(Trace.conversation_id).not_in(wrong)
    )
    return failing[:MOST], well[: min(MOST, len(failing))]


def _conversations(by: Person, *conditions: Any) -> list[str]:
    """Within reach, the newest first, each once."""
    reach = access.require(by, "conversation.read")
    here = (access.within(reach, by, col(Conversation.team_id)), col(Conversation.hidden_at).is_(None))
    query = select(Conversation.id).join(Trace, col(Trace.conversation_id) == col(Conversation.id)).where(*conditions, *here)
    with store.reading() as db:
        return list(dict.fromkeys(db.exec(query.order_by(col(Trace.at).desc(), col(Trace.id).desc()).limit(READ))))


# -- whether it helped --------------------------------------------------------------------------------------------------------------------


def compare(
    target: Target, *, connected: Connected, steps: Steps, by: Person, known: Graders = BY_NAME,
    progress: Progress = lambda _share, _doing: None, at: datetime | None = None,
) -> Study:  # fmt: skip
    """Both versions on the same cases: those it was begun from, and those that came since. Kept beside the version that has it."""
    access.require(by, "automation.draft")
    version, moment = versions.get(target), at or now()
    plan = plan_for(target, by=by)
    if plan is None:
        raise Refused("Not compared: no agent of this version was begun from cases that failed. Begin one under Failure points.")
    before, after = (recipes.read(versions.get(replace(target, number=number))) for number in (plan.before, target.number))
    for one in (before, after):
        recipes.require_whole(one, steps)
    both = Both(before, after, connected, steps, known)
    cases = _cases(plan, target, both, by, moment)
    pairs = []
    for done, case in enumerate(cases):
        progress(done / len(cases), f"{done:,} of {len(cases):,} conversations, each by both versions")
        pairs.append(both.pair(case, later_first=done % 2 == 1))
    head = {"number": target.number, "before": plan.before, "agent": plan.agent, "cause": plan.cause, "currency": after.limits.currency}
    told = head | {"begun": _parts(plan, cases)} | rerunning.told(pairs, plan.agent, both.talks)
    told |= {"inputs": rerunning.inputs(cases, versions.get(replace(target, number=plan.before)).sha, version.sha)}
    with store.writing() as db:
        made = Study(version_id=version.id, kind=GROWN, told=told, by_person_id=access.whose(by), at=moment)
        db.add(made)
        return made


def _cases(plan: Plan, target: Target, both: Both, by: Person, moment: datetime) -> list[rerunning.Twice]:
    """What it was made from and what came since, as far as it is within reach and it is known what people did."""
    failing, well = _both(target.name, plan.cause, plan.since, by, before=target.number)
    reach = set(conversations.reachable([*plan.failing, *plan.well, *failing, *well], by=by))
    groups: dict[str, Sequence[str]] = {FAILING: list(dict.fromkeys([*plan.failing, *failing]))[:MOST]}
    wrong = {*plan.failing, *failing}
    groups[WELL] = [one for one in dict.fromkeys([*plan.well, *well]) if one not in wrong][: len(groups[FAILING])]
    asked = [(one, group) for group, ids in groups.items() for one in ids if one in reach]
    moved = rerunning.moved_by_runs(RECIPE, target.name, [one for one, _ in asked])
    made = (both.twice(one, group, moved) for one, group in asked)
    cases = [one for one in made if one is not None and one.opened_at < moment - SETTLED]
    if not any(one.group == FAILING for one in cases):
        raise Refused(
            f"Not compared: of {len(groups[FAILING]):,} cases that failed none is within your reach and older than a day; what people do "
            "with younger ones is not known yet. Compare them tomorrow."
        )
    return cases


def _parts(plan: Plan, cases: Sequence[rerunning.Twice]) -> dict[str, int]:
    """How many of those that failed were there when it was begun: whoever wrote it may have read them."""
    failing = [one.conversation_id for one in cases if one.group == FAILING]
    return {"then": sum(one in plan.failing for one in failing), "since": sum(one not in plan.failing for one in failing)}


def newest(target: Target, *, by: Person) -> Looked | None:
    """The last comparison: its figures whole, and of its conversations those within reach."""
    access.require(by, "automation.read")
    version = versions.get(target)
    query = select(Study).where(Study.version_id == version.id, Study.kind == GROWN).order_by(col(Study.at).desc(), col(Study.id).desc())
    with store.reading() as db:
        study = db.exec(query.limit(1)).first()
    if study is None:
        return None
    lines: Sequence[Mapping[str, Any]] = study.told["lines"]
    seen = set(conversations.reachable([str(one["conversation"]) for one in lines], by=by))
    shown = [one for one in lines if one["conversation"] in seen]
    return Looked(study.id, study.at, {**study.told, "lines": shown}, len(lines) - len(shown))


def sentence_of(target: Target, *, by: Person) -> str:
    """For whoever approves the version; empty where nothing was compared."""
    found = newest(target, by=by)
    return f"Whether the agent '{found.told['agent']}' helps: {found.told['sentence']}" if found else ""
