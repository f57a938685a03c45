"""A recipe's release: what speaks against it, for whom it would be, how far it is, what would stop it by itself, and the switch."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from automations import RECIPE, arms, gate, release, stopping, tripping
from automations.recipe import CHANNELS
from automations.recipes import Kept
from automations.steps.all import STEPS
from data import access, approvals, people, releases
from data.measures import percent
from data.tables import Person, Release
from data.values import Target, now
from evals import sets
from evals.releasing import Progress
from evals.verdict import points
from portal import acts, catalog, jobs, recipe_backtest, recipe_tabs, widgets

JOB = "evaluate_recipe"
LEADS_TO = (  # words of what speaks against it -> the section that mends it
    ("fault", "steps", "Open the steps", ":material/build:"),
    ("backtest", "backtest", "Open Backtest", ":material/history:"),
    ("limit or the shop", "backtest", "Open Backtest", ":material/history:"),
    ("people about the money", "backtest", "Open Backtest", ":material/history:"),
    ("moves money without asking", "backtest", "Open Backtest", ":material/history:"),
)
VERDICTS: dict[str, tuple[str, str, str]] = {
    "better": ("Better", ":material/trending_up:", "green"), "worse": ("Worse", ":material/trending_down:", "red"),
    "no_worse": ("No worse", ":material/trending_flat:", "green"), "cannot_tell": ("Cannot tell yet", ":material/hourglass_empty:", "gray"),
}  # fmt: skip
NAMES = {"resolution": "Resolved", "satisfaction": "4 or 5 stars", "hand-over": "Handed over"}
STOPS = "Nothing more leaves by it from then on. What it had begun goes to people, and what waits for a yes is withdrawn."


# -- in the list --------------------------------------------------------------------------------------------------------------------------


def state(one: Kept) -> str:
    """In a line of the list: what is in force, and what is only kept."""
    steps, newest = releases.steps(RECIPE, one.name), one.newest.target_number
    standing = [each for each in steps if each.stage != "ended"]
    told = [_in_words(each) for each in standing]
    if steps and not standing:
        told = [f"stopped {steps[-1].target_number}"]
    is_known = newest in {each.target_number for each in standing or steps[-1:]}
    return ", ".join(told if is_known else [*told, f"draft {newest}"])


def how_far(coming: Release) -> str:
    return "tried with nothing leaving" if coming.stage == "shadow" else f"for {coming.percent} % of customers"


def in_force(listed: Sequence[Kept], person: Person) -> None:
    """What may act now, each with its switch, and one for all."""
    there = [(one, found) for one in listed if (found := _of(one.name))]
    if not there:
        return
    words = "1 recipe is in force" if len(there) == 1 else f"{len(there):,} recipes are in force"
    with st.expander(words, icon=":material/bolt:", key="automations_in_force"):
        for one, found in there:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{widgets.plain(one.title)}** · {', '.join(_in_words(each) for each in found)}", width="stretch")
                switch(one.name, person)
        if access.may(person, "guardrail.tighten"):
            stop_all(person)


def _of(name: str) -> list[Release]:
    return [one for one in (releases.live(RECIPE, name), releases.under_way(RECIPE, name)) if one is not None]


def _in_words(one: Release) -> str:
    return f"live {one.target_number}" if one.stage == "live" else f"{one.target_number} {how_far(one)}"


# -- the switch ---------------------------------------------------------------------------------------------------------------------------


def switch(name: str, person: Person) -> None:
    """One person is enough."""
    if not access.may(person, "guardrail.tighten") or not _of(name):
        return
    with st.popover("Stop", icon=":material/stop_circle:", key=f"automations_stop_{name}"):
        st.markdown(f"**It stops at once.** {STOPS} To begin again it is proposed anew.")
        why = st.text_input("Why", key=f"automations_stop_why_{name}", placeholder="Whoever gets the open runs reads it")
        if st.button("Stop this recipe", type="primary", key=f"automations_do_stop_{name}"):
            acts.attempt(lambda: stopping.stop(name, why=why, by=person), done=lambda stopped: stopped.sentence)
            st.rerun()


def stop_all(person: Person) -> None:
    with st.popover("Stop all recipes", icon=":material/dangerous:", key="automations_stop_all"):
        st.markdown(f"**Every recipe stops at once.** {STOPS} Each is proposed anew to begin again.")
        why = st.text_input("Why", key="automations_stop_all_why", placeholder="Whoever gets the open runs reads it")
        if st.button("Stop all of them", type="primary", key="automations_do_stop_all"):
            acts.attempt(lambda: stopping.stop_all(why=why, by=person), done=lambda stopped: stopped.sentence)
            st.rerun()


# -- one recipe ---------------------------------------------------------------------------------------------------------------------------


def section(name: str, number: int, *, changed: bool, person: Person) -> None:
    """Of a version that was saved; what is only typed is released by nobody."""
    if changed:
        st.info(f"It is about version {number} as it was saved. What was changed since is not in it.", icon=":material/edit:")
    target, live, coming = Target(RECIPE, name, number), releases.live(RECIPE, name), releases.under_way(RECIPE, name)
    if coming is not None:
        on_its_way(coming, person)
    if live is not None:
        is_live(live, person)
    if not (live or coming):
        was_stopped(name)
    if target not in [releases.target_of(one) for one in (live, coming) if one]:
        to_release(target, person)
    history(name, live, person)


def was_stopped(name: str) -> None:
    """Whoever proposes it again reads why it ended."""
    if steps := releases.steps(RECIPE, name):
        last = steps[-1]
        ended = widgets.when(last.ended_at) if last.ended_at else ""
        st.warning(
            f"Version {last.target_number} was stopped {ended}: {widgets.plain(last.ended_why)}", icon=":material/stop_circle:"
        )  # fmt: skip


# -- what speaks against it, and for whom -------------------------------------------------------------------------------------------------


def to_release(target: Target, person: Person) -> None:
    st.markdown(f"#### Release version {target.number}")
    shown = gate.shown(target, steps=STEPS, known=catalog.graders_for(person), by=person)
    st.markdown(f"{widgets.plain(shown.sentence)}")
    for place, told in enumerate(shown.against):
        against(told, place)
    if not shown.against:
        st.markdown(":green[:material/check:] Nothing speaks against it.")
    eval_set(target, person)
    waiting = _waiting(target.name, person)
    for proposal in waiting:
        st.page_link(
            "screens/approvals.py", label=f"Waits for a second person: {widgets.plain(proposal.title)}", icon=":material/hourglass_top:",
            query_params={"proposal": proposal.id},
        )  # fmt: skip
    if not waiting:
        form(target, shown, person)


def against(told: str, place: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":orange[:material/block:] {widgets.plain(told)}", width="stretch")
        for words, tab, label, icon in LEADS_TO:
            if words in told:
                st.button(label, icon=icon, type="tertiary", key=f"automations_mend_{place}", on_click=recipe_tabs.turn_to,
                          args=(tab,), kwargs={"keep": True})  # fmt: skip
                break


def _waiting(name: str, person: Person) -> list[Any]:
    if not access.may(person, "proposal.read"):
        return []
    kinds = (release.SMALL, release.WHOLE)
    return [one for one in approvals.waiting(by=person) if one.kind in kinds and one.payload["target_name"] == name]


def eval_set(target: Target, person: Person) -> None:
    """The sets that were made for it: each release passes them."""
    made = [one for one in sets.all_sets(by=person) if (one.purpose, one.about) == (gate.PURPOSE, target.name)]
    arguments: dict[str, Any] = {"name": target.name, "number": target.number}
    job = widgets.newest_job(JOB, by=person, arguments=arguments)
    with st.container(horizontal=True, vertical_alignment="center"):
        if not made:
            st.caption("No eval set was made for it. One holds cases that every version of it has to pass.", width="stretch")
            if access.may(person, "eval_set.create") and st.button("Make an eval set", icon=":material/fact_check:", type="tertiary"):
                acts.attempt(lambda: make_set(target.name, person), done="Made. Add cases on its page, then freeze it.")
                st.rerun()
        for one in made:
            st.page_link(
                "screens/eval_sets.py", label=f"Eval set '{widgets.plain(one.name)}'", icon=":material/fact_check:",
                query_params={"set": one.id},
            )  # fmt: skip
        busy = job is not None and job.state in ("waiting", "running")
        may_run = bool(sets.measured_on(gate.PURPOSE, target.name)) and access.may(person, "automation.draft") and not busy
        if may_run and st.button("Run the set", icon=":material/play_arrow:", key="automations_run_set"):
            acts.attempt(lambda: jobs.start(JOB, arguments, title=f"Run the eval set of {target.name} {target.number}", by=person))
            st.rerun()
    if job is not None and job.state != "done":
        widgets.follow(job, by=person)


def make_set(name: str, person: Person) -> object:
    return sets.create(f"Recipe: {name}", purpose=gate.PURPOSE, about=name, by=person)


def form(target: Target, shown: gate.Shown, person: Person) -> None:
    """Low stakes need nobody else, of those who may publish; all else a second person."""
    alone = shown.stake == gate.LOW and access.may(person, "automation.publish")
    kinds = ("small_publication.propose", "publication.propose")
    if not alone and not any(access.may(person, right) for right in kinds):
        st.caption("A rep, a lead or an engineer proposes it.")
        return
    st.markdown("**For whom**")
    row = st.columns(3)
    wanted = {
        "team": row[0].multiselect("Teams", sorted(people.teams().values()), key="automations_for_team", placeholder="All teams"),
        "channel": row[1].multiselect(
            "Channels", CHANNELS, format_func=lambda one: widgets.CHANNEL_WORDS.get(one, one), key="automations_for_channel",
            placeholder="All channels",
        ),
        "segment": row[2].multiselect("Customers", _segments(shown), key="automations_for_segment", placeholder="All customers"),
    }  # fmt: skip
    st.caption(
        "It only tags, routes, drafts and notes: one lead or engineer is enough. It begins with nothing leaving."
        if shown.stake == gate.LOW
        else "It moves money, sends something or calls another program: a second person says yes first. It begins with nothing leaving."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        why = st.text_input("Why", key="automations_release_why", placeholder="The approver reads it first")
        words = f"Release version {target.number}" if alone else f"Propose version {target.number}"
        icon = ":material/rocket_launch:" if alone else ":material/how_to_reg:"
        pressed = st.button(words, type="primary", icon=icon, key="automations_release", disabled=bool(shown.against))
    if pressed:
        act = release.publish if alone else release.propose
        known = catalog.graders_for(person)
        done = "Released. It runs with nothing leaving for now." if alone else "Proposed. Somebody who is not you decides."
        acts.attempt(lambda: act(target, why=why, steps=STEPS, known=known, by=person, audience=wanted), done=done)
        st.rerun()


def _segments(shown: gate.Shown) -> list[str]:
    """That its backtest came across."""
    rows = shown.backtest.told["slices"].get("segment", []) if shown.backtest else []
    return sorted(str(row["name"]) for row in rows if row["name"] != "not known")


# -- on its way ---------------------------------------------------------------------------------------------------------------------------


def on_its_way(coming: Release, person: Person) -> None:
    found = release.progress_of(coming, steps=STEPS, known=catalog.graders_for(person), by=person)
    with st.container(border=True, key="automations_under_way"):
        st.markdown(f":violet[:material/moving:] **Version {coming.target_number}** {so_far(found)}")
        st.caption(f"Begun {widgets.when(coming.started_at)} · {for_whom(coming)}", help=widgets.exact(coming.started_at))
        for asked in found.asks:
            st.markdown(f":gray[:material/hourglass_empty: {widgets.plain(asked)}]")
        if found.ready:
            says = "it is taken within a minute" if coming.by_itself else "somebody takes it here"
            st.markdown(f":green[:material/check:] All that the next step asks is met; {says}.")
        further(coming, person)
        if coming.stage == "percent":
            compared(coming, person)
        watched(coming, person)


def so_far(found: Progress) -> str:
    if found.release.stage == "shadow":
        return f"is tried with nothing leaving: it looked at {found.seen:,} conversations."
    beside = f", and was tried on {found.seen - found.answered:,} of the others with nothing leaving"
    return f"answers for {found.release.percent} % of customers: {found.answered:,} conversations{beside}."


def for_whom(one: Release) -> str:
    told = [", ".join(widgets.CHANNEL_WORDS.get(value, value) for value in values) for values in (one.audience or {}).values() if values]
    return f"for {widgets.plain(' · '.join(told))}" if told else "for everybody that it is for"


def further(coming: Release, person: Person) -> None:
    """The next step, by hand."""
    stake = gate.shown(releases.target_of(coming), steps=STEPS, known=catalog.graders_for(person), by=person).stake
    if not access.may(person, "publication.approve" if stake == gate.HIGH else "automation.publish"):
        st.caption("A lead or an engineer leads it on.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        why = st.text_input("Lead it on: why", key=f"automations_on_why_{coming.id}", placeholder="It stands beside the release afterwards")
        now_at = coming.percent if coming.stage == "percent" else 0
        for share in (*(one for one in (10, 25, 50) if one > now_at), 100):
            words = "For all" if share == 100 else f"{share} %"
            if st.button(words, key=f"automations_on_{share}"):
                acts.attempt(partial(lead_on, coming, share, why, person), done="Changed.")
                st.rerun()


def lead_on(coming: Release, share: int, why: str, person: Person) -> object:
    known = catalog.graders_for(person)
    return release.advance(coming.id, percent=None if share == 100 else share, why=why, steps=STEPS, known=known, by=person)


# -- live ---------------------------------------------------------------------------------------------------------------------------------


def is_live(live: Release, person: Person) -> None:
    held_out = live.salt and live.started_at > now() - releases.WATCHED
    with st.container(border=True, key="automations_live"):
        st.markdown(f":green[:material/verified:] **Version {live.target_number} is live**, {for_whom(live)}.")
        until = (
            f" · {releases.HELD_OUT} % of customers are held out until {widgets.day(live.started_at + releases.WATCHED)}"
            if held_out
            else ""
        )
        st.caption(f"Since {widgets.when(live.started_at)}{until}", help=widgets.exact(live.started_at))
        if held_out:
            compared(live, person)
        watched(live, person)


def watched(one: Release, person: Person) -> None:
    """What it did lately, and what would stop it by itself."""
    found = tripping.of(one, steps=STEPS, known=catalog.graders_for(person), by=person)
    with st.container(horizontal=True, gap="small"):
        figure = recipe_backtest.figure
        figure("Runs", (f"{found.runs:,}", "in a day"), "That counted, within the last 24 hours")
        figure("To people", (f"{found.handed_over:,}", f"failed {found.failed:,}"), "Handed over, within the last 24 hours")
        if found.limit:
            figure(f"Money today, {found.currency}", (f"{found.money:,.2f}", f"of {found.limit:,.2f}"), "By all versions of it")
    with st.expander("What would stop it by itself", icon=":material/health_and_safety:"):
        told = tripping.marks(found)
        frame = pd.DataFrame(
            {"What": [mark.what for mark in told], "So far": [mark.so_far for mark in told], "Stops it": [mark.trips_at for mark in told]}
        )
        st.dataframe(frame, hide_index=True, height="content", column_config={"Stops it": st.column_config.TextColumn(width="large")})
        st.caption("Looked at each minute. Who answers for it hears why, and what it had begun goes to people.")


def compared(one: Release, person: Person) -> None:
    """Beside the customers whom it does not answer, of those that it is for."""
    found = arms.compare(one, by=person)
    _, icon, colour = VERDICTS[found.verdict]
    st.markdown(f":{colour}[{icon}] {widgets.plain(found.sentence)}")
    if not found.measures:
        return
    frame = pd.DataFrame(
        {
            "Measure": [NAMES.get(one.name, one.name) for one in found.measures],
            "Verdict": [VERDICTS[one.verdict][0] for one in found.measures],
            "With it": [str(one.with_it) if one.with_it.n else "–" for one in found.measures],
            "Without": [str(one.without) if one.without.n else "–" for one in found.measures],
            "Difference, in points": [reach(one) for one in found.measures],
        }
    )
    st.dataframe(frame, hide_index=True, height="content")
    st.caption(
        "Customers are drawn by chance, and each counts once. The intervals hold however often somebody looks: over all measures a "
        f"difference that is not there is told in at most {percent(arms.WRONGLY)}."
    )


def reach(one: arms.Measure) -> str:
    if one.interval is None:
        return f"from {arms.FEWEST} customers in each"
    low, high = one.interval
    return f"{points(one.with_it.value - one.without.value)} ({points(low)} to {points(high)})"


# -- before -------------------------------------------------------------------------------------------------------------------------------


def history(name: str, live: Release | None, person: Person) -> None:
    steps = list(reversed(releases.steps(RECIPE, name)))
    if not steps:
        return
    who = people.names()
    with st.expander(f"{len(steps):,} {'release' if len(steps) == 1 else 'releases'} so far", icon=":material/history:"):
        frame = pd.DataFrame(
            {
                "Version": [one.target_number for one in steps],
                "State": [_state(one) for one in steps],
                "For whom": [for_whom(one).removeprefix("for ") for one in steps],
                "Begun": [widgets.when(one.started_at) for one in steps],
                "By": [who.get(one.by_person_id or "", "the portal") for one in steps],
                "Ended": [widgets.when(one.ended_at) if one.ended_at else "" for one in steps],
                "Why it ended": [one.ended_why for one in steps],
            }
        )
        st.dataframe(frame, hide_index=True, height="content", column_config={"Why it ended": st.column_config.TextColumn(width="large")})
        if live is not None and access.may(person, "automation.publish"):
            go_back(live, steps, person)


def _state(one: Release) -> str:
    return {"live": "live", "ended": "ended"}.get(one.stage) or how_far(one)


def go_back(live: Release, steps: Sequence[Release], person: Person) -> None:
    """To one that was live: the safe direction."""
    once = {one.target_number for one in steps if one.percent == releases.EVERYBODY and one.stage == "ended"} - {live.target_number}
    if not once:
        return
    with st.popover("Go back to a version before", icon=":material/undo:", key="automations_back_to"):
        number = st.selectbox("Version", sorted(once, reverse=True), key="automations_back_number")
        why = st.text_input("Why", key="automations_back_why", placeholder="It stands beside the release afterwards")
        if st.button("Go back", type="primary", key="automations_do_back"):
            target = Target(RECIPE, live.target_name, int(number))
            acts.attempt(lambda: release.roll_back(target, why=why, by=person), done=f"Version {number} is live again.")
            st.rerun()
