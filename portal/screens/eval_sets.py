"""Eval sets: what was flagged, typed or brought in files becomes a set of tests that never changes, and things are run on it."""

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data import access, examples, people, tasks
from data.measures import percent
from data.tables import Case, EvalSet, SetVersion
from evals import changes, compare, freezing, reading, runs, sets, targets
from evals.cases import NewCase
from evals.graders import expect
from portal import acts, answers, casing, catalog, copying, jobs, transcript, waiting_cases, widgets

person = st.session_state["person"]
who = people.names()
KINDS = {"regression": "must stay right", "capability": "may be hard"}
PAGE = 500  # cases of a table
MOST_MB = targets.LARGEST // 1_000_000
TABS = {"results": "Results", "cases": "Cases", "waiting": "Waiting", "changes": "Changes"}


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
        margin = st.slider("So much may be lost and still counts as no worse", 0, 20, 2, format="%d points", key="eval_sets_margin")
        if st.form_submit_button("Create the set", type="primary") and acts.attempt(
            lambda: sets.create(name, purpose=purpose, kind=kind, by=person, bar=max(bar, 1) / 100, margin=margin / 100), done="Created."
        ):
            st.rerun()


def measured_on(known: list[EvalSet]) -> None:
    agreed = sets.latest_for("classifier")
    if not agreed:
        return
    must = f"bar {percent(sets.bar_of(agreed[0]))}, {sets.loss(agreed[0])}"
    st.markdown(f":material/gavel: Releases are measured on **{widgets.plain(agreed[0].name)}** {agreed[1].number}, {must}.")
    if access.may(person, "gate.propose"):
        with st.popover("Propose to change what a release must pass", icon=":material/how_to_vote:"):
            chosen = st.selectbox("Measured on", known, format_func=lambda one: one.name, index=known.index(agreed[0]), key="gate_set")
            share = st.slider("Bar", 1, 100, round(sets.bar_of(agreed[0]) * 100), format="%d %%", key="gate_bar")
            lost = st.slider("No worse: at most so much is lost", 0, 20, round(sets.margin_of(agreed[0]) * 100), format="%d points")
            people_needed = st.radio(
                "Who says yes to a release", [1, 2], format_func=lambda n: f"{n} other {'person' if n == 1 else 'people'}"
            )
            why = st.text_input("Why", key="gate_why", placeholder="The approver reads it first")
            if st.button("Propose it", key="gate_propose"):
                acts.attempt(
                    lambda: sets.propose_gate(chosen.id, bar=share / 100, margin=lost / 100, approvers=people_needed, why=why, by=person),
                    done="Proposed. Another lead or engineer decides.",
                )
                st.rerun()


def line(eval_set: EvalSet) -> None:
    newest, waits = sets.latest(eval_set.id), waiting_cases.count(eval_set)
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(widgets.plain(eval_set.name), anchor=False, width="stretch")
            st.button(
                f"Open {widgets.plain(eval_set.name)}", key=f"eval_sets_open_{eval_set.id}", icon=":material/arrow_forward:",
                on_click=lambda: st.query_params.update({"set": eval_set.id}),
            )  # fmt: skip
            freeze_button(eval_set, waits)
        about(eval_set)
        cases = f"**{counted(sets.case_count(newest.id))}** in version {newest.number}" if newest else "Not frozen yet"
        waiting = f" · {waits:,} {'waits' if waits == 1 else 'wait'} to be frozen" if waits else ""
        ran = runs.newest(by=person, eval_set_id=eval_set.id, most=1)
        last = f" · last run: {answers.of(ran[0].run)} {answers.outcome(ran[0], by=person)}" if ran else ""
        st.markdown(f"{cases}{waiting}{widgets.plain(last)}")


def counted(cases: int) -> str:
    return f"{cases:,} {'case' if cases == 1 else 'cases'}"


def about(eval_set: EvalSet) -> None:
    owner = f"{widgets.plain(who.get(eval_set.owner_id or '', 'nobody'))} looks after it"
    must = f"must pass {percent(sets.bar_of(eval_set))}, may lose {sets.points(sets.margin_of(eval_set))}"
    st.caption(f"Tests {sets.PURPOSES[eval_set.purpose]} · {KINDS[eval_set.kind]} · {must} · {owner}")


def hand_over(eval_set: EvalSet) -> None:
    with st.popover("Hand over", icon=":material/person:"):
        others = {one.id: one.name for one in people.everybody(by=person) if one.disabled_at is None and one.id != eval_set.owner_id}
        owner = st.selectbox("Who looks after it from now on", list(others), format_func=others.__getitem__, key="eval_sets_owner")
        if st.button("Hand it over", key="eval_sets_hand_over"):
            acts.attempt(lambda: sets.hand_over(eval_set.id, owner, by=person), done="Handed over.")
            st.rerun()


def freeze_button(eval_set: EvalSet, waits: int) -> None:
    if not access.may(person, "eval_set.freeze"):
        return
    words = f"Freeze {waits:,} {'flagged' if waits == examples.loose_count(eval_set.id) else 'waiting'}" if waits else "Nothing to freeze"
    if st.button(words, key=f"eval_sets_freeze_{eval_set.id}", type="primary", icon=":material/ac_unit:", disabled=not waits):
        acts.attempt(lambda: freezing.freeze(eval_set.id, by=person), done=lambda made: f"Frozen as version {made.number}.")
        st.rerun()


# -- one set ------------------------------------------------------------------------------------------------------------------------------


def one_set(eval_set: EvalSet) -> None:
    if st.button("All sets", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    versions, waits = sets.versions(eval_set.id, by=person), waiting_cases.count(eval_set)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(widgets.plain(eval_set.name), anchor=False, width="stretch")
        if access.may(person, "eval_set.hand_over"):
            hand_over(eval_set)
        freeze_button(eval_set, waits)
    about(eval_set)
    tabs, beside = st.columns([4, 1.5], vertical_alignment="center")
    shown = tabs.segmented_control(
        "Show", list(TABS), format_func=lambda tab: f"{TABS[tab]} {waits:,}" if tab == "waiting" and waits else TABS[tab],
        default="results", required=True, key="eval_sets_show", label_visibility="collapsed",
    )  # fmt: skip
    if shown == "results":
        results(eval_set, versions)
    elif shown == "cases":
        cases_of(eval_set, versions, beside)
    elif shown == "changes":
        history(versions)
    else:
        waiting_cases.waiting(eval_set, versions[0] if versions else None, person=person)


def history(versions: list[SetVersion]) -> None:
    for version in versions:
        told = f"**Version {version.number}** · {widgets.when(version.at)} · {widgets.plain(version.changelog)}"
        st.markdown(told, help=f"Named by its content: {version.sha[:16]}")
    if not versions:
        st.caption("It was not frozen yet. Each version then says here what was added, changed and taken out, and by whom.")


def results(eval_set: EvalSet, versions: list[SetVersion]) -> None:
    if not versions:
        st.markdown("Freeze what was flagged, and things can be run and compared on it.")
        return
    if access.may(person, "eval.run"):
        run_something(eval_set, versions)
    ran = runs.newest(by=person, eval_set_id=eval_set.id)
    if not ran:
        st.caption("Nothing was run on it yet.")
    for told in ran:
        result(told)


def result(told: runs.Told) -> None:
    """The name is the way to it: heard alone, as a screen reader lists links, it says where it leads."""
    run, compared = told.run, compare.latest_of(told.run, by=person)
    asked = {"comparison": compared.id} if compared else {"run": run.id}
    with st.container(gap=None, key=f"eval_sets_result_{run.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            name = f"**{widgets.plain(answers.of(run))}**"
            st.page_link("screens/runs.py", label=name, icon=":material/arrow_forward:", query_params=asked, width="content")
            by_whom = widgets.plain(who.get(run.by_person_id or "", "The portal"))
            outcome, about_it = widgets.plain(answers.outcome(told, by=person)), f"version {told.number}, {by_whom}, {widgets.when(run.at)}"
            st.markdown(f"{outcome} :gray[· {about_it}]", width="content")
        if compared and (live := reading.about(compared.live_run_id, by=person)):
            st.markdown(widgets.plain(f"Beside {answers.of(live.run)}: {compared.sentence}"))


def run_something(eval_set: EvalSet, versions: list[SetVersion]) -> None:
    known = catalog.known_targets(eval_set, by=person)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        candidate = st.selectbox(
            "Run", list(known), format_func=known.__getitem__, index=None, key="eval_sets_candidate", placeholder="Choose"
        )
        beside = st.selectbox(
            "and compare it with", [told for told in known if told != candidate], format_func=known.__getitem__, index=None,
            key="eval_sets_beside", placeholder="Nothing",
        )  # fmt: skip
        often = st.selectbox(
            "each case", range(1, runs.MOST_REPEATS + 1), format_func=lambda n: "once" if n == 1 else f"{n} times", width=110,
            key="eval_sets_repeats", help="For what may answer otherwise next time. A case then passes when it passes each time.",
        )  # fmt: skip
        if st.button("Run", type="primary", key="eval_sets_run", disabled=candidate is None, icon=":material/play_arrow:"):
            chosen = [told for told in (candidate, beside) if told]
            arguments = {"set_version_id": versions[0].id, "targets": chosen, "repeats": often}
            acts.attempt(lambda: jobs.start("run_eval", arguments, title=f"Run on {eval_set.name} {versions[0].number}", by=person))
            st.rerun()
        with st.popover("Bring a file of outputs", icon=":material/upload_file:"):
            bring_outputs(versions[0])
    ours = {version.id for version in versions}
    job = next((one for one in tasks.recent(by=person) if one.name == "run_eval" and one.arguments.get("set_version_id") in ours), None)
    if job and job.state != "done":  # what it showed stands below
        widgets.follow(job, by=person)


def bring_outputs(version: SetVersion) -> None:
    st.caption('What something answered, one line a case: {"case": 41, "reply": "…"} or {"key": "…", "label": "…"}. It is kept, masked.')
    brought = st.file_uploader("The file", type=["jsonl"], key="eval_sets_outputs", label_visibility="collapsed", max_upload_size=MOST_MB)
    if brought is not None and st.button("Keep it", key="eval_sets_keep_outputs"):
        kept: list[targets.Asked] = []
        if acts.attempt(lambda: kept.append(targets.of_file(brought.name, brought.getvalue(), by=person))):
            name, number = kept[0].target.name, kept[0].target.number
            if answers_none := targets.answers_none(f"{name}@{number}", version.id, by=person):
                acts.refuse(answers_none)
            else:
                acts.attempt(lambda: None, done=f"Kept as {name} {number}. Choose it beside Run.")
        st.rerun()


# -- its cases ----------------------------------------------------------------------------------------------------------------------------


def cases_of(eval_set: EvalSet, versions: list[SetVersion], beside: DeltaGenerator) -> None:
    if not versions:
        st.caption("It has no case yet.")
        return
    version = versions[0]
    if len(versions) > 1:
        version = beside.selectbox(
            "Version", versions, format_func=lambda one: f"Version {one.number}, {widgets.short(one.at)}", key="eval_sets_version",
            label_visibility="collapsed",
        )  # fmt: skip
    start = which_page(version)
    cases = sets.page(version.id, by=person, start=start, most=PAGE)
    place = [case.number or start + number for number, case in enumerate(cases, start=1)]
    found = st.dataframe(
        pd.DataFrame(
            {
                "Case": place,
                "Customer wrote": [casing.begins(sets.text_of(case), 200) for case in cases],
                "Expected": [expect.sentence(case.expected, case.graders) for case in cases],
                "Channel": [widgets.CHANNEL_WORDS.get(case.slices.get("channel", ""), "–") for case in cases],
                "Flagged as": [case.slices.get("kind", "–") for case in cases],
            }
        ),
        hide_index=True, height=246, on_select="rerun", selection_mode="single-row", key=f"eval_sets_cases_{version.id}_{start}",
        column_config={
            "Case": st.column_config.NumberColumn(width=50), "Customer wrote": st.column_config.TextColumn(width=390),
            "Expected": st.column_config.TextColumn(width=320), "Channel": st.column_config.TextColumn(width=70),
            "Flagged as": st.column_config.TextColumn(width=80),
        },
    )  # fmt: skip
    chosen = found.selection.rows
    if chosen:
        one_case(eval_set, cases[chosen[0]], place[chosen[0]], newest=version.id == versions[0].id)
    else:
        st.caption("Choose a case to read it.")


def which_page(version: SetVersion) -> int:
    """Of a large set a part at a time: the first case that is shown, counted from 0."""
    count = sets.case_count(version.id)
    if count <= PAGE:
        return 0
    return st.selectbox(
        "Cases", range(0, count, PAGE), format_func=lambda first: f"{first + 1:,} to {min(first + PAGE, count):,} of {count:,} cases",
        key=f"eval_sets_page_{version.id}", label_visibility="collapsed", width=280,
    )  # fmt: skip


def one_case(eval_set: EvalSet, case: Case, number: int, *, newest: bool) -> None:
    left, right = st.columns([4, 4], gap="medium")
    with left:
        channel = case.slices.get("channel", "chat")
        transcript.show_frozen(case.input.get("subject_line", ""), sets.asked_of(case), channel, key=case.id, height=250)
    with right:
        st.markdown(f"**Case {number}** expects: {widgets.plain(expect.sentence(case.expected, case.graders))}")
        if origin := reading.origin(case, by=person):
            by_whom = widgets.plain(who.get(origin.person_id or "", "the console"))
            st.markdown(f":small[{origin.how} by {by_whom}, {widgets.when(origin.at)}: {widgets.plain(origin.why)}]")
        if case.slices:
            st.caption(" · ".join(widgets.plain(f"{name}: {said}") for name, said in case.slices.items()))
        if newest and access.may(person, "case.change"):
            change_case(eval_set, case)


def change_case(eval_set: EvalSet, case: Case) -> None:
    with st.container(horizontal=True):
        with st.popover("Change what it expects", icon=":material/edit:"):
            told = casing.expectation(case.id, case.expected, case.graders, eval_set.purpose, eval_set.about)
            why = st.text_input("Why", key=f"case_why_{case.id}", placeholder="It stands in the set's changelog")
            if st.button("Change it", key=f"case_change_{case.id}"):
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
        copying.rubric(eval_set, case, by=person)


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
