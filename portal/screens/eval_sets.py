"""Eval sets: what was flagged, typed or brought in files becomes a set of tests that never changes, and things are run on it."""

import pandas as pd
import streamlit as st

from data import access, examples, people
from data.measures import percent
from data.tables import Case, CaseChange, EvalSet, SetVersion
from evals import changes, compare, files, freezing, runs, sets, targets
from evals.cases import NewCase
from evals.graders import expect
from portal import acts, casing, catalog, jobs, transcript, widgets

person = st.session_state["person"]
who = people.names()
KINDS = {"regression": "must stay right", "capability": "may be hard"}
PAGE = 50


# -- the list -----------------------------------------------------------------------------------------------------------------------------


def everything() -> None:
    widgets.page("Eval sets", "Flagged conversations become test cases. Freeze a set, and two results on it can be compared.")
    known = sets.all_sets(by=person)
    if not known:
        st.info("There is no eval set yet. Create one, then flag conversations for it on Review.", icon=":material/fact_check:")
    create(open_at_once=not known)
    acts.show_notice()
    measured_on(known)
    for eval_set in known:
        line(eval_set)


def create(*, open_at_once: bool) -> None:
    if not access.may(person, "eval_set.create"):
        return
    with st.expander("Create an eval set", expanded=open_at_once), st.form("eval_sets_new", border=False):
        name = st.text_input("Name", placeholder="Everyday intents")
        purpose = st.selectbox("It tests", list(sets.PURPOSES), format_func=sets.PURPOSES.__getitem__, key="eval_sets_purpose")
        kind = st.radio("Its cases", list(KINDS), format_func=KINDS.__getitem__, horizontal=True, key="eval_sets_kind")
        bar = st.slider(
            "A candidate must pass at least", 0, 100, 80, format="%d %%", help="Below this share of the cases nothing can be proposed."
        )
        if st.form_submit_button("Create the set") and acts.attempt(
            lambda: sets.create(name, purpose=purpose, kind=kind, by=person, bar=max(bar, 1) / 100), done="Created."
        ):
            st.rerun()


def measured_on(known: list[EvalSet]) -> None:
    agreed = sets.latest_for("classifier")
    if not agreed:
        return
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


def line(eval_set: EvalSet) -> None:
    newest, waits = sets.latest(eval_set.id), waiting_count(eval_set)
    with st.container(border=True, gap="xsmall"):
        head, way, action = st.columns([4, 1, 1.5], vertical_alignment="center")
        head.subheader(widgets.plain(eval_set.name), anchor=False)
        way.button(
            "Open",
            key=f"eval_sets_open_{eval_set.id}",
            icon=":material/arrow_forward:",
            on_click=lambda: st.query_params.update({"set": eval_set.id}),
        )
        with action:
            freeze_button(eval_set, waits)
        about(eval_set)
        cases = f"**{sets.case_count(newest.id):,} cases** in version {newest.number}" if newest else "Not frozen yet"
        ran = runs.newest(by=person, eval_set_id=eval_set.id, most=1)
        last = f" · last run: {ran[0].run.target_name} {ran[0].run.target_number}, passes {ran[0].passed}" if ran else ""
        st.markdown(f"{cases} · {waits:,} {'waits' if waits == 1 else 'wait'} to be frozen{widgets.plain(last)}")


def about(eval_set: EvalSet) -> None:
    owner = f" · {widgets.plain(who.get(eval_set.owner_id or '', 'nobody'))} looks after it"
    st.caption(
        f"Tests {sets.PURPOSES[eval_set.purpose]} · {KINDS[eval_set.kind]} · a candidate must pass {percent(sets.bar_of(eval_set))}{owner}"
    )


def waiting_count(eval_set: EvalSet) -> int:
    return examples.loose_count(eval_set.id) + len(changes.waiting(eval_set.id, by=person))


def freeze_button(eval_set: EvalSet, waits: int) -> None:
    if not access.may(person, "eval_set.freeze"):
        return
    words = f"Freeze {waits:,} {'flagged' if waits == examples.loose_count(eval_set.id) else 'waiting'}" if waits else "Nothing to freeze"
    if st.button(
        words, key=f"eval_sets_freeze_{eval_set.id}", type="primary", icon=":material/ac_unit:", disabled=not waits, width="stretch"
    ):
        acts.attempt(lambda: freezing.freeze(eval_set.id, by=person), done=lambda made: f"Frozen as version {made.number}.")
        st.rerun()


# -- one set ------------------------------------------------------------------------------------------------------------------------------


def one_set(eval_set: EvalSet) -> None:
    if st.button("All sets", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    versions, waits = sets.versions(eval_set.id, by=person), waiting_count(eval_set)
    head, action = st.columns([4, 1.5], vertical_alignment="center")
    head.title(widgets.plain(eval_set.name), anchor=False)
    with action:
        freeze_button(eval_set, waits)
    about(eval_set)
    tabs = ["Results", "Cases", f"Waiting {waits}" if waits else "Waiting", "Changes"]
    shown = st.segmented_control("Show", tabs, default=tabs[0], required=True, key="eval_sets_show", label_visibility="collapsed")
    if shown == "Results":
        results(eval_set, versions)
    elif shown == "Cases":
        cases_of(eval_set, versions)
    elif shown == "Changes":
        for version in versions:
            told = f"**Version {version.number}** · {widgets.when(version.at)} · {widgets.plain(version.changelog)}"
            st.markdown(told, help=f"Named by its content: {version.sha[:16]}")
    else:
        waiting(eval_set)


def results(eval_set: EvalSet, versions: list[SetVersion]) -> None:
    if not versions:
        st.markdown("Freeze what was flagged, and things can be run and compared on it.")
        return
    if access.may(person, "eval.run"):
        run_something(eval_set, versions[0])
    ran = runs.newest(by=person, eval_set_id=eval_set.id)
    if not ran:
        st.caption("Nothing was run on it yet.")
    for told in ran:
        run = told.run
        compared = compare.latest_of(run, by=person)
        row, way = st.columns([6, 1], vertical_alignment="center")
        state = {"running": "is under way or was cut off", "stopped": "was stopped"}.get(run.state, f"passes {told.passed}")
        row.markdown(
            f"**{widgets.plain(run.target_name)} {run.target_number or ''}** {widgets.plain(state)} of version {told.number} "
            f":gray[· {widgets.plain(who.get(run.by_person_id or '', 'The portal'))}, {widgets.when(run.at)}]"
            + (f"  \n{widgets.plain(compared.sentence)}" if compared else "")
        )
        asked = {"comparison": compared.id} if compared else {"run": run.id}
        with way:
            st.page_link("screens/runs.py", label="Look", icon=":material/arrow_forward:", query_params=asked)


def run_something(eval_set: EvalSet, version: SetVersion) -> None:
    known = catalog.known_targets(eval_set.purpose, by=person)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        candidate = st.selectbox(
            "Run", list(known), format_func=known.__getitem__, index=None, key="eval_sets_candidate", placeholder="Choose"
        )
        beside = st.selectbox(
            "and compare it with", [told for told in known if told != candidate], format_func=known.__getitem__, index=None,
            key="eval_sets_beside", placeholder="Nothing",
        )  # fmt: skip
        if st.button("Run", type="primary", key="eval_sets_run", disabled=candidate is None, icon=":material/play_arrow:"):
            chosen = [told for told in (candidate, beside) if told]
            arguments = {"set_version_id": version.id, "targets": chosen}
            acts.attempt(lambda: jobs.start("run_eval", arguments, title=f"Run on {eval_set.name} {version.number}", by=person))
            st.rerun()
        with st.popover("Bring a file of outputs", icon=":material/upload_file:"):
            bring_outputs()
    if job := widgets.newest_job("run_eval", by=person):
        widgets.follow(job, by=person)


def bring_outputs() -> None:
    st.caption('What something answered, one line a case: {"case": 41, "reply": "…"} or {"key": "…", "label": "…"}. It is kept, masked.')
    brought = st.file_uploader("The file", type=["jsonl"], key="eval_sets_outputs", label_visibility="collapsed")
    if brought is not None and st.button("Keep it", key="eval_sets_keep_outputs"):
        acts.attempt(
            lambda: targets.of_file(brought.name, brought.getvalue(), by=person),
            done=lambda asked: f"Kept as {asked.target.name} {asked.target.number}. Choose it beside Run.",
        )
        st.rerun()


# -- its cases ----------------------------------------------------------------------------------------------------------------------------


def cases_of(eval_set: EvalSet, versions: list[SetVersion]) -> None:
    if not versions:
        st.caption("It has no case yet.")
        return
    version = versions[0]
    if len(versions) > 1:
        version = st.selectbox("Version", versions, format_func=lambda one: f"{one.number}, {widgets.day(one.at)}", key="eval_sets_version")
    cases = sorted(sets.cases(version.id), key=lambda case: case.number)
    place = sets.numbers(cases)
    found = st.dataframe(
        pd.DataFrame(
            {
                "Case": [place[case.key] for case in cases],
                "Expected": [expect.sentence(case.expected, case.graders) for case in cases],
                "Customer wrote": [" ".join(sets.text_of(case).split())[:200] for case in cases],
                "Channel": [widgets.CHANNEL_WORDS.get(case.slices.get("channel", ""), "–") for case in cases],
                "Flagged as": [case.slices.get("kind", "–") for case in cases],
            }
        ),
        hide_index=True,
        height=360,
        on_select="rerun",
        selection_mode="single-row",
        key=f"eval_sets_cases_{version.id}",
        column_config={"Customer wrote": st.column_config.TextColumn(width="large")},
    )
    chosen = found.selection.rows
    if chosen:
        one_case(eval_set, cases[chosen[0]], place[cases[chosen[0]].key], newest=version is versions[0] or version.id == versions[0].id)
    else:
        st.caption("Choose a case to read it.")


def one_case(eval_set: EvalSet, case: Case, number: int, *, newest: bool) -> None:
    left, right = st.columns([4, 4], gap="medium")
    with left:
        channel = case.slices.get("channel", "chat")
        transcript.show_frozen(case.input.get("subject_line", ""), sets.asked_of(case), channel, key=case.id, height=320)
    with right:
        st.markdown(f"**Case {number}** expects: {widgets.plain(expect.sentence(case.expected, case.graders))}")
        st.caption(" · ".join(widgets.plain(f"{name}: {said}") for name, said in case.slices.items()))
        if newest and access.may(person, "case.change"):
            change_case(eval_set, case)


def change_case(eval_set: EvalSet, case: Case) -> None:
    with st.container(horizontal=True):
        with st.popover("Change what it expects", icon=":material/edit:"):
            told = casing.expectation(case.id, case.expected, case.graders, eval_set.purpose)
            why = st.text_input("Why", key=f"case_why_{case.id}", placeholder="It stands in the set's changelog")
            if st.button("Change it", key=f"case_change_{case.id}", type="primary"):
                new = NewCase(tuple(case.input["messages"]), told[0], told[1], case.input.get("subject_line", ""), case.slices)
                acts.attempt(
                    lambda: changes.change(eval_set.id, case.key, new, known=catalog.graders_for(person), why=why, by=person),
                    done="It changes when the set is frozen.",
                )
                st.rerun()
        with st.popover("Take it out", icon=":material/delete:"):
            why_out = st.text_input("Why", key=f"case_out_why_{case.id}", placeholder="It stands in the set's changelog")
            if st.button("Take it out", key=f"case_out_{case.id}"):
                acts.attempt(
                    lambda: changes.retire(eval_set.id, case.key, why=why_out, by=person), done="It is taken out when the set is frozen."
                )
                st.rerun()


# -- what waits ---------------------------------------------------------------------------------------------------------------------------


def waiting(eval_set: EvalSet) -> None:
    with st.container(horizontal=True):
        if access.may(person, "case.add"):
            with st.popover("Type a case", icon=":material/edit_note:"):
                type_one(eval_set)
            with st.popover("Bring a file of cases", icon=":material/upload_file:"):
                bring_cases(eval_set)
    alike(eval_set)
    for change in changes.waiting(eval_set.id, by=person):
        line_of_change(change)
    for one in examples.waiting(eval_set.id, by=person):
        by_whom = widgets.plain(who.get(one.by_person_id or "", "Somebody"))
        st.markdown(f":material/flag: Flagged as {one.kind} by {by_whom}: {widgets.plain(one.why)} :gray[· {widgets.when(one.at)}]")


def alike(eval_set: EvalSet) -> None:
    """The same question twice counts twice."""
    found = freezing.before_freezing(eval_set.id, by=person)
    if not found:
        return
    with st.expander(f"{len(found)} say nearly the same as another", icon=":material/content_copy:", expanded=len(found) < 4):
        for near in found[:20]:
            st.markdown(
                f"{percent(near.share)} alike: *{widgets.plain(near.new_text[:120])}*  \nand *{widgets.plain(near.known_text[:120])}*"
            )


def line_of_change(change: CaseChange) -> None:
    words = {"add": "Will be added", "change": "Will be changed", "retire": "Will be taken out"}[change.change]
    opening = casing.opening(change.case) if change.case else ""
    row, way = st.columns([6, 1], vertical_alignment="center")
    by_whom = widgets.plain(who.get(change.by_person_id or "", "The console"))
    row.markdown(f":material/edit_note: {words}, by {by_whom}: {widgets.plain(change.why)}  \n:gray[{widgets.plain(opening)}]")
    if (change.by_person_id == person.id or access.may(person, "case.change")) and way.button(
        "Take back", key=f"change_back_{change.id}", type="tertiary"
    ):
        acts.attempt(lambda: changes.take_back(change.id, by=person), done="Taken back.")
        st.rerun()


def type_one(eval_set: EvalSet) -> None:
    wrote = st.text_area("The customer writes", key="case_new_text", height=100)
    expected, graders = casing.expectation("new", {}, (), eval_set.purpose)
    why = st.text_input("Why it is a good test", key="case_new_why")
    if st.button("Add it", key="case_new", type="primary"):
        new = NewCase(({"role": "customer", "text": wrote or ""},), expected, graders, why=why or "typed")
        if acts.attempt(
            lambda: changes.add(eval_set.id, [new], known=catalog.graders_for(person), by=person),
            done="Added. It is in the set once it is frozen.",
        ):
            st.session_state["case_new_text"] = ""
        st.rerun()


def bring_cases(eval_set: EvalSet) -> None:
    st.caption("Inspect (JSONL), promptfoo (YAML) or OpenAI evals (JSONL).")
    brought = st.file_uploader("The file", type=["jsonl", "yaml", "yml", "json"], key="eval_sets_file", label_visibility="collapsed")
    if brought is None:
        return
    name = files.guess(brought.name, brought.getvalue())
    if name is None:
        st.warning("This is none of the three.", icon=":material/help:")
        return
    kept: list = []
    if acts.attempt(lambda: kept.append(files.READERS[name](brought.getvalue()))):
        read = kept[0]
        st.markdown(f"{len(read.cases):,} cases, as {name} writes them.")
        for lost in read.lost[:10]:
            st.caption(f"Not kept: {widgets.plain(lost)}")
        for number, why in read.refused[:10]:
            st.caption(f"Line {number}: {widgets.plain(why)}")
        if read.cases and st.button(f"Add {len(read.cases):,}", key="eval_sets_add_file", type="primary"):
            acts.attempt(
                lambda: changes.add(eval_set.id, read.cases, known=catalog.graders_for(person), by=person, why=f"from {brought.name[:80]}"),
                done=lambda made: f"Added {len(made):,}. They are in the set once it is frozen.",
            )
            st.rerun()
    acts.show_notice()


def main() -> None:
    asked = st.query_params.get("set")
    found = next((one for one in sets.all_sets(by=person) if one.id == asked), None)
    if found:
        one_set(found)
        return
    if asked:
        st.info("That set is not here.", icon=":material/search_off:")
    everything()


main()
