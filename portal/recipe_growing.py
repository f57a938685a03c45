"""A second agent on a screen: begun beside the cause of what failed, and whether it helped, on the page of the version that has it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from automations import RECIPE, growing, recipes
from automations.backtest import Looked
from automations.causes import CAUSES
from automations.failures import Point
from automations.growing import Plan
from automations.rerunning import FAILING, REPLIES, RIGHT, WELL
from data import access, conversations
from data.measures import percent
from data.tables import Person
from data.values import Target
from portal import acts, jobs, recipe_copy, recipe_tabs, widgets
from portal.recipe_begun import copies, declared

JOB = "compare_agents"
MOST_SHOWN = 50
TO_READ = "automations_grown_to_read"
LOOKS = {
    "better": (":material/trending_up:", "green"), "worse": (":material/trending_down:", "red"),
    "cannot_tell": (":material/hourglass_empty:", "gray"),
}  # fmt: skip
GROUPS = {FAILING: "Failed", WELL: "Went well"}
CHANGES = {"broken": "broken", "fixed": "fixed", "unasked": "a model gave no answer"}  # in the order in which they are looked at
ASKED = {RIGHT: "What goes right", REPLIES: "How close replies come"}


# -- beside a cause -----------------------------------------------------------------------------------------------------------------------


def offer(name: str, point: Point, since: datetime, person: Person) -> None:
    """Where a recipe works with agents, and one of the runs that failed so is within reach."""
    if not point.examples or not access.may(person, "automation.draft") or not recipes.get(name, by=person).body.get("agents"):
        return
    st.button(
        "Add an agent for these", icon=":material/smart_toy:", type="tertiary", key=f"failures_grow_{point.cause}", on_click=begin,
        args=(name, point.cause, since, person),
        help="A draft with the first one's look-ups, behind a handoff. You write what it does; it is judged on these cases.",
    )  # fmt: skip


def begin(name: str, cause: str, since: datetime, person: Person) -> None:
    """Into what this person works on; nothing is saved by it."""
    if acts.attempt(
        lambda: _begun(name, cause, since, person),
        done="Added to the draft. Say what it does, save it, then compare both versions under Backtest.",
    ):
        recipe_tabs.turn_to("steps", recipe=name)


def _begun(name: str, cause: str, since: datetime, person: Person) -> Plan:
    newest = recipes.get(name, by=person)
    copy = copies().get(name) or recipe_copy.copy_of(recipes.read(newest), newest.target_number)
    grown, made = growing.with_another(copy.recipe(), cause, declared())
    target = Target(RECIPE, name, copy.based_on or newest.target_number)
    plan = growing.begin(target, cause, agent=made.name, since=since, by=person)
    card = recipe_copy.copy_of(grown, None).agents[-1]  # numbered in a range of its own
    for one, now_so in zip(copy.agents, grown.agents, strict=False):
        one.head = replace(one.head, hands_to=now_so.hands_to)
    copy.agents.append(card)
    copy.opened.add(card.uid)
    copies()[name] = copy
    return plan


# -- on the page of the version that has it -----------------------------------------------------------------------------------------------


def section(name: str, number: int, person: Person) -> None:
    """Nothing where no agent of this version was begun so."""
    target = Target(RECIPE, name, number)
    plan = growing.plan_for(target, by=person)
    if plan is None:
        return
    study = growing.newest(target, by=person)
    with st.container(border=True, key="automations_grown", gap="small"):
        st.markdown(f":material/smart_toy: **Does the agent '{widgets.plain(plan.agent)}' help?**")
        st.caption(widgets.plain(_about(plan, number)))
        look(target, study, person)
        if study is not None:
            drawn(study, person)


def _about(plan: Plan, number: int) -> str:
    failing, well = len(plan.failing), len(plan.well)
    return (
        f"It was begun for {failing:,} {'case' if failing == 1 else 'cases'} that failed: {CAUSES[plan.cause].words.lower()}. Version "
        f"{plan.before}, without it, and version {number} are run on these and on {well:,} that went well, and on what came since. "
        "Nothing is sent or paid."
    )


def look(target: Target, study: Looked | None, person: Person) -> None:
    arguments: dict[str, Any] = {"name": target.name, "number": target.number}
    job = widgets.newest_job(JOB, by=person, arguments=arguments)
    busy = job is not None and job.state in ("waiting", "running")
    if access.may(person, "automation.draft") and not busy:
        kind, icon = "secondary" if study else "primary", ":material/compare_arrows:"
        words = "Compare on these cases again" if study else "Compare on these cases"
        if st.button(words, type=kind, icon=icon, key=f"automations_compare_{target.number}"):  # type: ignore[arg-type]
            title = f"Compare the agents of {target.name} {target.number}"
            acts.attempt(lambda: jobs.start(JOB, arguments, title=title, by=person))
            st.rerun()
    if job is not None and job.state != "done":
        widgets.follow(job, by=person)


def drawn(study: Looked, person: Person) -> None:
    told = study.told
    icon, colour = LOOKS[told["verdict"]]
    word, _, rest = str(told["sentence"]).partition(": ")
    st.markdown(f":{colour}[{icon} **{widgets.plain(word)}**]: {widgets.plain(rest)}")
    st.caption(f"{widgets.plain(_looked_at(told))} · compared {widgets.when(study.at)}", help=widgets.exact(study.at))
    st.dataframe(
        figures(told), hide_index=True, height="content", key=f"automations_grown_figures_{study.id}",
        column_config={"Measure": st.column_config.TextColumn(width=235)},
    )  # fmt: skip
    with st.expander("How that is known", icon=":material/science:"):
        for sentence in hows(told):
            st.markdown(widgets.plain(sentence))
    changed(study, person)


def _looked_at(told: Mapping[str, Any]) -> str:
    begun, models = told["begun"], " and ".join(told["models"]) if told["talks"] else "the embedded planner"
    since = f"; {begun['since']:,} of those that failed came after it was begun" if begun["since"] else ""
    unasked = f"; {told['unasked']:,} left out, since a model gave no answer" if told["unasked"] else ""
    return f"Version {told['before']} beside version {told['number']}, decided by {models or 'nobody'}{since}{unasked}"


def figures(told: Mapping[str, Any]) -> pd.DataFrame:
    """A line for each measure; both groups, before and with it."""
    there = [group for group in GROUPS if told["figures"][group]["after"]["cases"]]
    sides = {f"{GROUPS[group]}, {words}": told["figures"][group][side]
             for group in there for side, words in (("before", f"version {told['before']}"), ("after", "with it"))}  # fmt: skip
    measures = {name: said for name, said in MEASURES.items() if told["talks"] or name not in OF_MODELS}
    return pd.DataFrame({"Measure": list(measures)} | {title: [said(one) for said in measures.values()] for title, one in sides.items()})


def _of_all(name: str) -> Any:
    return lambda one: f"{one[name]:,} of {one['cases']:,}"


def _each(name: str, digits: int) -> Any:
    return lambda one: f"{one[name] / max(one['cases'], 1):,.{digits}f}"


MEASURES: Mapping[str, Any] = {
    "Goes right: served, with the right money": _of_all("right"),
    "Served to its end": _of_all("handled"),
    "… of these with the right money": lambda one: f"{one['agrees']:,} of {one['handled']:,}",
    "Money moved, and what was right": lambda one: f"{Decimal(one['machine']):,.2f} of {Decimal(one['due']):,.2f}",
    "Replies close to what people wrote": lambda one: f"{percent(one['close'][0])}, n = {one['close'][1]:,}" if one["close"] else "–",
    "Stopped by a limit or a guardrail": _of_all("breaches"),
    "Handed to it": _of_all("reached"),
    "Calls of models, a case": _each("calls", 1),
    "Tokens, a case": _each("tokens", 0),
    "Cost of models, a case": _each("cost", 4),
    "Seconds, of half and of 19 of 20": lambda one: f"{one['p50']:,.2f}, {one['p95']:,.2f}",
}
OF_MODELS = ("Calls of models, a case", "Tokens, a case", "Cost of models, a case")


def hows(told: Mapping[str, Any]) -> list[str]:
    judged = [(group, name, one) for group in GROUPS for name, one in told["groups"][group]["judged"].items()]
    return [
        "A case goes right where it is served to its end and moves the money that people moved, or that an earlier run moved with nobody "
        "saying that it was wrong.",
        *(f"{GROUPS[group]}, {ASKED[name].lower()}: {one['sentence']} {one['how']}" for group, name, one in judged),
        "Time runs until the agents of a case were done, the embedded planner's or the endpoint's waiting included.",
    ]


# -- the cases that changed ---------------------------------------------------------------------------------------------------------------


def changed(study: Looked, person: Person) -> None:
    lines = [one for one in study.told["lines"] if one["change"]]
    if not lines:
        st.caption("No case within your reach changed.")
        return
    lines.sort(key=lambda one: list(CHANGES).index(one["change"]))
    st.markdown(f"**{len(lines):,} {'case' if len(lines) == 1 else 'cases'} changed**{_left_out(len(lines), study.hidden)}")
    table(lines[:MOST_SHOWN], study.id)


def _left_out(count: int, hidden: int) -> str:
    parts = [f"the first {MOST_SHOWN} are shown"] if count > MOST_SHOWN else []
    parts += [f"{hidden:,} of all that were looked at belong to other teams"] if hidden else []
    return f" :gray[{', '.join(parts)}]" if parts else ""


def table(lines: Sequence[Mapping[str, Any]], study_id: str) -> None:
    begins = conversations.beginnings([str(one["conversation"]) for one in lines], most=110)
    frame = pd.DataFrame(
        {
            "Open": [":material/open_in_full:"] * len(lines),
            "Change": [CHANGES[one["change"]] for one in lines],
            "Before": [GROUPS[one["group"]].lower() for one in lines],
            "Begins": [" ".join(begins[str(one["conversation"])].split()) for one in lines],
            "Right money": [f"{Decimal(one['after']['due']):,.2f}" for one in lines],
            "Without it": [did(one["before"]) for one in lines],
            "With it": [did(one["after"]) for one in lines],
        }
    )
    st.dataframe(
        frame, hide_index=True, height="content", key=f"automations_grown_table_{study_id}",
        column_config={
            "Open": st.column_config.ButtonColumn("", width=44, type="tertiary", key=TO_READ, help="Read it"),
            "Change": st.column_config.TextColumn(width=65), "Before": st.column_config.TextColumn("It", width=80),
            "Begins": st.column_config.TextColumn(width=210), "Right money": st.column_config.TextColumn(width=95),
        },
    )  # fmt: skip
    if pressed := st.session_state.get(TO_READ):
        st.switch_page("screens/conversation.py", query_params={"conversation": str(lines[pressed["row"]]["conversation"])})


def did(one: Mapping[str, Any]) -> str:
    """In a line: whether it served the customer, with how much money, and by whom."""
    from portal.recipe_backtest import STATES  # which shows this section

    served = "served" if one["handled"] else STATES.get(str(one["state"]), str(one["state"]))
    money = f", {Decimal(one['machine']):,.2f}" if Decimal(one["machine"]) else ", no money" if one["handled"] else ""
    over = f", by {one['agents'][-1]}" if one["agents"] else ""
    why = f": {one['breach'] or one['why']}" if not one["handled"] and (one["breach"] or one["why"]) else ""
    return f"{served}{money}{over}{why}"
