"""Pieces of the page Ladder: whether a model writes and what it is told, tried side by side on a few cases before a version is made."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import streamlit as st

from data import access, connections, versions
from data.tables import Person, SetVersion, Study, Version
from data.values import Target
from knowledge import ANSWERER, answerers, diff, instructing
from knowledge.answerers import LONGEST, NAME, Setup
from portal import acts, article_versions, jobs, widgets

MOST_EXAMPLES = 5  # that the screen offers
PASSES = {True: ":green[:material/check: passes]", False: ":orange[:material/close: fails]", None: ":gray[:material/help: not judged]"}
NOBODY_WRITES = (
    "No model writes here, so answers are quoted word for word and instructions change nothing. "
    "An engineer or an admin proposes a model endpoint under Installation."
)
REPHRASES = {True: "It looks in a model's words too.", False: "It looks in the customer's words only."}
WRITES, QUOTES = "a model writes", "quotes"  # of a version, in a word


def section(number: int, version: SetVersion, person: Person) -> None:
    """For who may make a version."""
    target = Target(ANSWERER, NAME, number)
    with st.expander("How it writes", icon=":material/edit:", expanded=bool(st.session_state.get(typed_in(number)))):
        if connections.endpoint() is None:
            st.info(NOBODY_WRITES, icon=":material/power_off:")
            if access.may(person, "backup.make"):
                st.page_link("screens/installation.py", label="Open Installation", icon=":material/arrow_forward:")
        else:
            form(target, answerers.setup_of(target), version, person)
            if study := instructing.newest(target, by=person):
                tried(target, study, person)
        history()


def way(version: Version) -> str:
    return WRITES if answerers.setup_of(versions.target_of(version)).writes else QUOTES


def without_endpoint() -> None:
    """Said to everybody who looks at the versions."""
    live = answerers.target_in_force()
    if answerers.would_quote(live):
        st.info(
            f"Version {live.number} is live and has a model write its answers. No model endpoint is set, so they are quoted word for word.",
            icon=":material/power_off:",
        )


# -- what is tried ------------------------------------------------------------------------------------------------------------------------


def typed_in(number: int) -> str:
    return f"ladder_instructions_{number}"


def form(target: Target, setup: Setup, version: SetVersion, person: Person) -> None:
    if not setup.writes:
        st.caption("This version quotes word for word. On the cases below you see its answers beside those that a model would write.")
    writes = st.toggle("A model writes the answers", value=True, key=f"ladder_writes_{target.number}")
    st.caption(
        "Each sentence has to be supported by the passage that it names, whatever stands here. Say how it should sound: short or long, "
        "which words, what comes first."
    )
    rephrases = st.toggle(
        "It looks in the model's words too", value=setup.rephrases, key=f"ladder_rephrases_{target.number}", disabled=not writes,
        help="A model first says the question as a help page would. That is one call more for each answer.",
    )  # fmt: skip
    key = typed_in(target.number)
    st.session_state.setdefault(key, setup.instructions)
    typed = st.text_area(
        "Instructions", key=key, height=140, max_chars=LONGEST, placeholder="Begin with the answer. No more than two sentences."
    )
    examples = st.slider(
        "Worked examples", 0, MOST_EXAMPLES, min(setup.examples, MOST_EXAMPLES), key=f"ladder_examples_{target.number}",
        help="Replies that people found strong and whose question is like this one. Nothing that an eval set tests with is among them.",
    )  # fmt: skip
    if typed.strip() != setup.instructions.strip():
        between(setup.instructions, typed, "What would change")
    asked = {
        "number": target.number, "set_version_id": version.id, "instructions": typed, "examples": examples, "writes": writes,
        "rephrases": rephrases and writes,
    }  # fmt: skip
    job = widgets.newest_job("try_instructions", by=person, arguments={"number": target.number})
    busy = job is not None and job.state in ("waiting", "running")
    if st.button("Try on 20 cases", icon=":material/compare:", key=f"ladder_try_{target.number}", disabled=busy):
        title = f"Try how a model would write beside answerer {target.number}"
        acts.attempt(lambda: jobs.start("try_instructions", asked, title=title, by=person))
        st.rerun()
    if job is not None and job.state != "done":
        widgets.follow(job, by=person)


def between(before: str, after: str, title: str) -> None:
    with st.container(border=True):
        st.caption(widgets.plain(f"{title}: {diff.in_words(before, after)}"))
        article_versions.changes(diff.readable(before, after))


# -- what came of it ----------------------------------------------------------------------------------------------------------------------


def tried(target: Target, study: Study, person: Person) -> None:
    told = study.told
    st.markdown(f"**{widgets.plain(told['sentence'])}**")
    st.caption(
        f"{widgets.plain(told['eval_set'])} {told['set_number']}, {widgets.when(study.at)}. So few cases show how it reads; whether it is "
        "better, the comparison of the candidate on all of them says."
    )
    writes = {"old": told.get("writes_before", True), "new": told.get("writes", True)}  # until a version said so, both were written
    if told["before"] != told["instructions"]:
        between(told["before"], told["instructions"], "The instructions that were tried")
    if told["examples"] != told["examples_before"]:
        st.caption(f"Worked examples: {told['examples']} instead of {told['examples_before']}.")
    if told.get("rephrases", False) != told.get("rephrases_before", False):
        st.caption(REPHRASES[told["rephrases"]])
    with st.expander(f"{len(told['cases'])} cases side by side", icon=":material/view_column_2:"):
        for one in told["cases"]:
            case(one, writes)
    why = st.text_input("Why", key=f"ladder_instructions_why_{study.id}", placeholder="Answers were too long", max_chars=300)
    if st.button("Make a candidate", icon=":material/add:", key=f"ladder_instructions_make_{study.id}"):
        new = replace(
            answerers.setup_of(target), instructions=told["instructions"], examples=told["examples"], writes=writes["new"],
            rephrases=told.get("rephrases", False),
        )  # fmt: skip
        done = acts.attempt(
            lambda: answerers.make(new, why=why, by=person),
            done=lambda made: f"Version {made.target_number} is a candidate. Compare it with what is live.",
        )
        if done:
            st.session_state.pop(typed_in(target.number), None)
        st.rerun()


def case(one: Mapping[str, Any], writes: Mapping[str, bool]) -> None:
    st.markdown(f"**Case {one['number']}.** {widgets.plain(one['question'])}")
    columns = st.columns(2, gap="medium")
    for place, (side, words) in enumerate((("old", "As it is"), ("new", "As it would be"))):
        with columns[place], st.container(border=True, gap="xsmall"):
            said = one[side]
            cost = f" · cost {said['cost']:.4f}" if said["cost"] else ""
            st.caption(f"{words} · {PASSES[said['passed']]}{cost}")
            st.markdown(widgets.plain(said["reply"]))
            if not writes[side]:
                st.caption("Quoted word for word.")
            elif not said["by_model"] or said["removed"]:
                st.caption(widgets.plain(said["note"] or "Quoted: it is a ready reply."))
            if said["passed"] is False:
                st.caption(widgets.plain(said["why"]))


# -- what an approver reads, and what became of the instructions ---------------------------------------------------------------------------


def against_live(target: Target) -> None:
    """Whether a candidate has a model write and what it tells it, beside how that is now."""
    before, after = answerers.in_force(), answerers.setup_of(target)
    if before.writes != after.writes:
        st.caption(answerers.WRITES_NOW if after.writes else answerers.QUOTES_NOW)
    if before.instructions.strip() != after.instructions.strip():
        between(before.instructions, after.instructions, "Instructions")
    if before.examples != after.examples:
        st.caption(f"Worked examples: {after.examples} instead of {before.examples}.")
    if before.rephrases != after.rephrases:
        st.caption(REPHRASES[after.rephrases])


def history() -> None:
    """Between two versions that are told different things."""
    found = instructing.with_instructions()
    steps = [
        (before[0].number, after[0].number, before[1], after[1]) for after, before in pairwise(found)
        if after[1] != before[1]
    ]  # fmt: skip
    if not steps:
        return
    chosen = st.selectbox(
        "What was told differently", range(len(steps)), key="ladder_instructions_history",
        format_func=lambda place: f"From version {steps[place][0]} to {steps[place][1]}",
    )  # fmt: skip
    _, _, before, after = steps[chosen]
    between(before, after, "Instructions")
