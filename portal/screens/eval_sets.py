"""Eval sets: what was flagged becomes a set of tests that never changes."""

import pandas as pd
import streamlit as st

from data import access, examples, people
from data.measures import percent
from data.tables import Case
from evals import runs, scores, sets
from portal import acts, widgets

person = st.session_state["person"]
widgets.page("Eval sets", "Flagged conversations become test cases. Freeze a set, and two results on it can be compared.")

known = sets.all_sets(by=person)
may_write = access.may(person, "eval_set.create")
if not known:
    st.info("There is no eval set yet. Create one, then flag conversations for it on Review.", icon=":material/fact_check:")

if may_write:
    with st.expander("Create an eval set", expanded=not known), st.form("eval_sets_new", border=False):
        name = st.text_input("Name", placeholder="Everyday intents")
        purpose = st.selectbox("It tests", list(sets.PURPOSES), format_func=sets.PURPOSES.__getitem__, key="eval_sets_purpose")
        bar = st.slider(
            "A candidate must pass at least", 0, 100, 80, format="%d %%", help="Below this share of the cases nothing can be proposed."
        )
        if st.form_submit_button("Create the set") and acts.attempt(
            lambda: sets.create(name, purpose=purpose, by=person, bar=max(bar, 1) / 100), done="Created."
        ):
            st.rerun()
    acts.show_notice()


def expectation(case: Case) -> str:
    """What the case expects, in the words of who reads it."""
    expected = case.expected
    if "tool_calls" in expected:
        return "Steps: " + ", ".join(str(call["name"]) for call in expected["tool_calls"])
    if "not_reply" in expected:
        return f"Not again: {expected['not_reply']}"
    return str(expected.get("label") or expected.get("reply", ""))


agreed = sets.latest_for("classifier")
if agreed:
    bar = percent(sets.bar_of(agreed[0]))
    st.markdown(f":material/gavel: Releases are measured on **{widgets.plain(agreed[0].name)}** {agreed[1].number}, bar {bar}.")
    if access.may(person, "gate.propose"):
        with st.popover("Propose to change what a release must pass", icon=":material/how_to_vote:"):
            chosen = st.selectbox("Measured on", known, format_func=lambda one: one.name, index=known.index(agreed[0]), key="gate_set")
            share = st.slider("Bar", 1, 100, round(sets.bar_of(agreed[0]) * 100), format="%d %%", key="gate_bar")
            people_needed = st.radio(
                "Who says yes to a release", [1, 2], format_func=lambda n: f"{n} other {'person' if n == 1 else 'people'}"
            )
            why = st.text_input("Why", key="gate_why", placeholder="The approver reads it first")
            if st.button("Propose it", key="gate_propose"):
                acts.attempt(
                    lambda: sets.propose_gate(chosen.id, bar=share / 100, approvers=people_needed, why=why, by=person),
                    done="Proposed. Another lead or engineer decides.",
                )
                st.rerun()

for eval_set in known:
    versions = sets.versions(eval_set.id, by=person)
    loose = examples.loose_count(eval_set.id)
    with st.container(border=True):
        head, action = st.columns([4, 1.4], vertical_alignment="center")
        head.subheader(widgets.plain(eval_set.name), anchor=False)
        bar = percent(sets.bar_of(eval_set))
        head.caption(f"Tests {sets.PURPOSES[eval_set.purpose]} · a candidate must pass {bar} of the cases")
        with action:
            if access.may(person, "eval_set.freeze") and st.button(
                f"Freeze {loose} flagged" if loose else "Nothing to freeze",
                key=f"eval_sets_freeze_{eval_set.id}",
                type="primary",
                icon=":material/ac_unit:",
                disabled=not loose,
                width="stretch",
            ):
                acts.attempt(
                    lambda eval_set=eval_set: sets.freeze(eval_set.id, by=person), done=lambda made: f"Frozen as version {made.number}."
                )
                st.rerun()
        if not versions:
            st.markdown(f"{loose} flagged examples wait. Freeze them, and classifiers can be compared on them.")
            continue
        newest = versions[0]
        cases = sets.cases(newest.id)
        numbers = st.columns(3)
        numbers[0].metric(
            "Cases in the newest version", f"{len(cases):,}", help=f"Version {newest.number}, frozen {widgets.exact(newest.at)}"
        )
        numbers[1].metric("Flagged, not frozen yet", f"{loose:,}")
        ran = runs.of_version(newest.id, by=person)
        numbers[2].metric("Runs on it", f"{len(ran):,}")
        shown = st.segmented_control(
            "Show", ["Results", "Cases", "Changes"], default="Results", key=f"eval_sets_show_{eval_set.id}", label_visibility="collapsed"
        )
        if shown == "Results":
            if not ran:
                st.caption("Nothing was run on this version yet. Compare a candidate on the Classifiers page.")
            who = people.names()
            for run in ran:
                st.markdown(
                    f"**{widgets.plain(run.target_name)} {run.target_number}** passes {scores.passed(run.id)} · "
                    f"{widgets.plain(who.get(run.by_person_id or '', 'Somebody'))}, {widgets.when(run.at)}"
                )
        elif shown == "Cases":
            numbered = sets.numbers(cases)
            st.dataframe(
                pd.DataFrame(
                    {
                        "Case": [numbered[case.key] for case in cases],
                        "Expected": [expectation(case) for case in cases],
                        "Customer wrote": [" ".join(sets.text_of(case).split())[:200] for case in cases],
                        "Channel": [widgets.CHANNEL_WORDS.get(case.slices.get("channel", ""), "–") for case in cases],
                        "Flagged as": [case.slices.get("kind", "–") for case in cases],
                    }
                ),
                hide_index=True,
                height=380,
                column_config={"Customer wrote": st.column_config.TextColumn(width="large")},
            )
        elif shown == "Changes":
            for version in versions:
                st.markdown(f"**Version {version.number}** · {widgets.when(version.at)} · {widgets.plain(version.changelog)}")
