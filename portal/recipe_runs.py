"""What a recipe did, run by run: a list, and one run with its steps in time, what left, whose yes it waits for, and the same done again."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from automations import RECIPE, marking, ran, replay
from automations.ran import Listed, Run
from automations.replay import Replayed
from data import access, conversations, masking, people, versions
from data.errors import Refused
from data.tables import Action, Person, Span, Trace
from data.values import Target
from portal import acts, charts, decision_record, recipe_trying, talk, widgets
from portal.recipe_begun import go_to

ALL, STEPS, RECORD = "all", "steps", "record"
TO_OPEN = "automations_run_to_open"
STATES = {
    "running": ("sync", "blue", "at work"), "waiting": ("hourglass_top", "orange", "waits"), "done": ("check_circle", "green", "done"),
    "handed_over": ("support_agent", "orange", "with people"), "stopped": ("block", "gray", "stopped"),
    "failed": ("error", "red", "failed"),
}  # fmt: skip
STEP_STATES = {
    "done": ("check", "green", "done"), "skipped": ("redo", "gray", "left out"), "failed": ("error", "red", "failed"),
    "waiting": ("hourglass_top", "orange", "waited"),
}  # fmt: skip
ACT_STATES = {
    "done": ("check", "green", "left"), "refused": ("block", "red", "did not leave"), "planned": ("schedule", "gray", "is about to leave"),
    "sent": ("schedule", "orange", "left; what became of it is asked"), "unknown": ("help", "orange", "what became of it is not known yet"),
}  # fmt: skip
LONGEST = 300


def section(name: str, *, person: Person) -> None:
    chosen = st.query_params.get("run", "")
    if not chosen:
        listing(name, person)
        return
    try:
        run = ran.one(chosen, by=person)
    except Refused:
        run = None
    if run is None or run.trace.target_name != name:
        back(name)
        st.info("That run is not here.", icon=":material/search_off:")
        return
    one(run, person)


def back(name: str) -> None:
    if st.button("All runs", icon=":material/arrow_back:", type="tertiary", key="automations_runs_back"):
        go_to(recipe=name, tab="runs")


# -- the list -----------------------------------------------------------------------------------------------------------------------------


def listing(name: str, person: Person) -> None:
    counted = ran.counted(name, by=person)
    if not counted:
        st.info(
            "It has not run yet. Once a version is released, each run stands here with every step, what it was given and what it gave.",
            icon=":material/timeline:",
        )
        return
    there = [ALL, *counted]
    chosen = st.segmented_control(
        "Which runs", there, default=ALL, required=True, key=f"automations_runs_{name}", label_visibility="collapsed",
        format_func=lambda state: f"All {sum(counted.values()):,}" if state == ALL else f"{state_words(state)} {counted[state]:,}",
    )  # fmt: skip
    listed = ran.newest(name, by=person, state="" if chosen in (None, ALL) else chosen)
    many = sum(counted.values()) if chosen in (None, ALL) else counted[chosen]
    if many > len(listed):
        st.caption(f"The newest {len(listed):,} of {many:,}.")
    table(name, listed)


def state_words(state: str) -> str:
    return STATES[state][2].capitalize() if state in STATES else state


def table(name: str, listed: Sequence[Listed]) -> None:
    begins = conversations.beginnings([str(one.trace.conversation_id) for one in listed], most=120)
    frame = pd.DataFrame(
        {
            "Open": ["Open"] * len(listed),
            "When": [widgets.when(one.trace.at) for one in listed],
            "State": [state_words(one.trace.state) for one in listed],
            "Version": [one.trace.target_number for one in listed],
            "Conversation": [" ".join(begins.get(str(one.trace.conversation_id), "").split()) for one in listed],
            "What left": ["; ".join(told(action) for action in one.did) or "nothing" for one in listed],
            "Why": [why(one.trace) for one in listed],
        }
    )
    st.dataframe(
        frame, hide_index=True, height="content", key=f"automations_runs_table_{hash(tuple(one.trace.id for one in listed))}",
        column_config={
            "Open": st.column_config.ButtonColumn("", key=TO_OPEN, type="tertiary", width=60),
            "When": st.column_config.TextColumn(width=110), "State": st.column_config.TextColumn(width=90),
            "Version": st.column_config.NumberColumn(width=60), "Conversation": st.column_config.TextColumn(width=260),
            "What left": st.column_config.TextColumn(width=300),
        },
    )  # fmt: skip
    if pressed := st.session_state.get(TO_OPEN):
        go_to(recipe=name, run=listed[pressed["row"]].trace.id)


def told(action: Action) -> str:
    said = spoken(action.payload["told"])
    return said if action.state == "done" else f"{said} ({ACT_STATES.get(action.state, ('', '', action.state))[2]})"


def why(trace: Trace) -> str:
    return spoken((trace.state_json or {}).get("why") or "")


def spoken(text: Any) -> str:
    """As people read it: masked, and without the numbers by which the portal and the shop know each other's things."""
    return masking.OUR_ID.sub("…", masking.masked(str(text)))


# -- one run ------------------------------------------------------------------------------------------------------------------------------


def one(run: Run, person: Person) -> None:
    head(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = st.segmented_control(
            "Show", (STEPS, RECORD), format_func={STEPS: "Step by step", RECORD: "Decision record"}.__getitem__, default=STEPS,
            required=True, label_visibility="collapsed", key=f"automations_run_shows_{run.trace.id}", width="content",
        )  # fmt: skip
        found = again(run, person)
    came_to(found)
    if shown == RECORD:
        decision_record.show(run.trace.id, by=person)
        return
    in_time(run, person)
    left(run)
    said(run, person)


def head(run: Run) -> None:
    trace = run.trace
    icon, colour, words = STATES[trace.state]
    who = people.names().get(trace.by_person_id or "", "the portal")
    with st.container(horizontal=True, vertical_alignment="center"):
        back(trace.target_name)
        st.badge(words.capitalize(), icon=f":material/{icon}:", color=colour)  # type: ignore[arg-type]
        st.markdown(
            f"Version {trace.target_number}, {widgets.when(trace.at)}, in the name of {widgets.plain(who)}", width="content",
            help=widgets.exact(trace.at),
        )  # fmt: skip
        st.page_link(
            "screens/conversation.py", label="The conversation", icon=":material/chat_bubble:",
            query_params={"conversation": str(trace.conversation_id)},
        )  # fmt: skip
    if reason := why(trace):
        st.markdown(widgets.plain(reason))
    for proposal in run.proposals:
        state = "Waits for a yes" if proposal.state == "open" else f"Asked, and {proposal.state}"
        st.page_link(
            "screens/approvals.py", label=f"{state}: {widgets.plain(spoken(proposal.title))}", icon=":material/how_to_reg:",
            query_params={"proposal": proposal.id},
        )  # fmt: skip


def again(run: Run, person: Person) -> Replayed | None:
    """The same run from what was frozen of it: what came of that stays beside it until the page is left."""
    key = f"automations_again_{run.trace.id}"
    about = "The same version on what was frozen when it ran. Nobody is asked anything, and nothing leaves."
    if st.button("Do it again", icon=":material/replay:", key="automations_run_again", help=about):
        done: list[Replayed] = []
        if acts.attempt(lambda: done.append(played(run, person))):
            st.session_state[key] = done[0]
        else:
            st.rerun()
    found: Replayed | None = st.session_state.get(key)
    return found


def came_to(found: Replayed | None) -> None:
    if found is None:
        return
    if found.exact:
        st.success(widgets.plain(found.sentence), icon=":material/check_circle:")
        return
    st.warning(widgets.plain(found.sentence), icon=":material/difference:")
    for said in found.differs[replay.MOST :]:
        st.markdown(f"- {widgets.plain(said)}")


def played(run: Run, person: Person) -> Replayed:
    from automations.connectors import connecting
    from automations.outside import sources

    return replay.replay(
        run.trace.id, steps=recipe_trying.every_step(), by=person, services=connecting.in_force(), tools=sources.in_force()
    )


# -- its steps ----------------------------------------------------------------------------------------------------------------------------


def in_time(run: Run, person: Person) -> None:
    if not run.steps:
        st.info("No step of it was kept: it ended before the first one was done.", icon=":material/timeline:")
        return
    st.altair_chart(charts.steps_in_time(bars(run), title=took(run)), width="stretch", key="automations_run_chart")
    key = f"automations_step_of_{run.trace.id}"
    chosen = next((one for one in run.steps if one.seq == st.session_state.get(key)), first(run))
    names, details = st.columns([2, 3], gap="medium")
    with names:
        st.caption("J, K")
        for one in run.steps:
            st.button(
                label(one), key=f"recipe_step_{one.id}", width="stretch", type="primary" if one is chosen else "secondary",
                on_click=choose, args=(key, one.seq),
            )  # fmt: skip
    with details:
        detail(run, chosen, person)


def first(run: Run) -> Span:
    """The one to look at: where it went wrong, else where it began."""
    return next((one for one in run.steps if state_of(one) == "failed"), run.steps[0])


def choose(key: str, seq: int) -> None:
    st.session_state[key] = seq


def state_of(one: Span) -> str:
    return str((one.output or {}).get("state") or "")


def step_title(one: Span) -> str:
    return str(one.input.get("step") or "").capitalize()


def called(one: Span) -> str:
    """What an agent does is named behind its step, with a number by which it is not done twice: people read what it is."""
    words = one.name.split(".")[1].replace("_", " ") if "." in one.name else one.name
    return {"model": f"{words} decides", "guardrail": f"guardrail: {words}", "handoff": f"over to {words}"}.get(one.kind, words)


def label(one: Span) -> str:
    icon = STEP_STATES.get(state_of(one), ("circle", "", ""))[0]
    return f":material/{icon}: {one.seq} · {widgets.plain(step_title(one))}  \n:small[{widgets.plain(called(one))} · {ms(one.ms)}]"


def ms(took_ms: float) -> str:
    return f"{took_ms:,.0f} ms" if took_ms < 1_000 else f"{took_ms / 1_000:,.1f} s"


def took(run: Run) -> str:
    steps = "1 step" if len(run.in_turn) == 1 else f"{len(run.in_turn):,} steps"
    slowest = max(run.in_turn, key=lambda one: one.ms)
    return f"{steps} took {ms(run.ms)}" + (f", most of it '{called(slowest)}'" if len(run.in_turn) > 1 and slowest.ms > run.ms / 2 else "")


def bars(run: Run) -> list[dict[str, Any]]:
    """Each where it was: what looked beside a model stands below it."""
    rows = []
    for at, one in zip(run.starts, run.in_turn, strict=True):
        words = STEP_STATES.get(state_of(one), ("", "", state_of(one)))[2]
        rows.append({"step": f"{one.seq} · {called(one)}", "starts": at, "ends": at + one.ms, "state": words, "took": ms(one.ms)})
    return rows


def detail(run: Run, chosen: Span, person: Person) -> None:
    gave, (icon, colour, words) = chosen.output or {}, STEP_STATES.get(state_of(chosen), ("circle", "gray", state_of(chosen)))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{chosen.seq} · {widgets.plain(step_title(chosen))}** :{colour}-badge[:material/{icon}: {words}]", width="content")
        if access.may(person, "example.flag"):
            flag(run, chosen, person)
    if reason := spoken(gave.get("why") or ""):
        st.markdown(widgets.plain(f"It was left out: it is not so that {reason}." if state_of(chosen) == "skipped" else reason))
    if chosen.tokens:
        st.caption(f":material/smart_toy: {chosen.tokens:,} tokens of a model" + (f", {chosen.cost:,.4f} in money" if chosen.cost else ""))
    with st.expander("What it was given", expanded=True, icon=":material/input:"):
        values(chosen.input.get("given") or {}, "Nothing: it took what the conversation says.")
    with st.expander("What it gave", expanded=True, icon=":material/output:"):
        values(gave.get("gave") or {}, "Nothing.")


def values(told_of: Mapping[str, Any], nothing: str) -> None:
    if not told_of:
        st.caption(nothing)
    for name, value in told_of.items():
        st.markdown(f":gray[{widgets.plain(str(name).replace('_', ' ').capitalize())}]  \n{widgets.plain(in_words(value))}")


def in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {in_words(inner)}" for name, inner in value.items()) or "nothing"
    if isinstance(value, list):
        return ", ".join(in_words(inner) for inner in value) or "nothing"
    text = "nothing" if value is None or value == "" else masking.OUR_ID.sub("…", str(value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"


def flag(run: Run, chosen: Span, person: Person) -> None:
    """In one act; the line above the page takes it back."""
    about = "Becomes a test case of this recipe, or a word on its version where it has no eval set yet"
    if st.button("Flag this step (F)", icon=":material/flag:", key=f"recipe_flag_{run.trace.id}", help=about):
        acts.attempt(lambda: marking.flag(run.trace.id, chosen.seq, by=person), done=lambda made: made.sentence)
        st.rerun()


# -- what left ----------------------------------------------------------------------------------------------------------------------------


def left(run: Run) -> None:
    st.markdown("**What left**")
    if not run.did:
        st.caption("Nothing left.")
    for action in run.did:
        icon, colour, words = ACT_STATES.get(action.state, ("circle", "gray", action.state))
        ref = f" · reference {action.provider_ref}" if action.provider_ref else ""
        reason = f" {spoken(action.why)}" if action.why else ""
        st.markdown(
            f":{colour}[:material/{icon}:] {widgets.plain(spoken(action.payload['told']))} "
            f":gray[{words}{widgets.plain(ref)}]{widgets.plain(reason)}"
        )


def said(run: Run, person: Person) -> None:
    """Where a step is flagged and no eval set was made for the recipe yet, it stands here."""
    if access.may(person, "proposal.comment"):
        version = versions.get(Target(RECIPE, run.trace.target_name, run.trace.target_number))
        with st.expander(f"Said beside version {version.target_number}", icon=":material/forum:"):
            talk.show("version", version.id, by=person)
