"""Runs: what a target answered on a frozen set, and two of them side by side, with the cases that changed."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from data import people
from data.measures import Share
from data.tables import Case, Comparison, Run
from evals import compare, passes, reading, runs, sets
from evals.graders import expect
from evals.scores import Unjudged
from evals.verdict import FEWEST_CASES
from portal import answers, casing, catalog, transcript, widgets

person = st.session_state["person"]
who = people.names()
VERDICTS = {  # verdict: colour, icon
    "better": ("green", "trending_up"), "worse": ("red", "trending_down"), "no_worse": ("blue", "check"), "cannot_tell": ("orange", "help"),
}  # fmt: skip
WHICH = {
    "broken": "Broken", "fixed": "Fixed", "unjudged": "Not judged", "failing": "Still failing", "passing": "Still passing",
}  # fmt: skip
PARTS = {"failing": "Failed", "unjudged": "Not judged", "passing": "Passed"}


def target_of(run: Run) -> str:
    return widgets.plain(answers.of(run))


# -- the list -----------------------------------------------------------------------------------------------------------------------------


def everything() -> None:
    widgets.page("Runs", "What was tried on the eval sets, and what comparing it showed.")
    compared, ran = compare.newest(by=person), runs.newest(by=person)
    if not ran:
        st.info("Nothing was run yet. Freeze an eval set, then run something on it.", icon=":material/play_circle:")
        st.page_link("screens/eval_sets.py", label="Eval sets", icon=":material/fact_check:")
        return
    if compared:
        st.subheader("Comparisons", anchor=False)
    for one in compared:
        line_of_comparison(one)
    st.subheader("Runs", anchor=False)
    for told in ran:
        line_of_run(told)


def line_of_comparison(one: Comparison) -> None:
    found, live = reading.about(one.candidate_run_id, by=person), reading.about(one.live_run_id, by=person)
    if found is None or live is None:
        return
    colour, icon = VERDICTS[one.verdict]
    line(
        f"**{target_of(found.run)}** beside {target_of(live.run)}",
        f"on {widgets.plain(found.eval_set.name)} {found.version.number} · {widgets.when(one.at)}",
        f":{colour}[:material/{icon}:] {widgets.plain(one.sentence)}",
        {"comparison": one.id},
    )


def line(name: str, of: str, showed: str, to: dict[str, str]) -> None:
    """The name is the way to it: heard alone, as a screen reader lists what can be pressed, it says where it leads."""
    key = f"runs_look_{next(iter(to.values()))}"
    with st.container(gap=None, key=f"runs_line_{key}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                name, key=key, type="tertiary", icon=":material/arrow_forward:", on_click=lambda: st.query_params.update(to), wrap=True
            )
            st.markdown(f":gray[{of}]", width="content")
        st.markdown(showed)


def line_of_run(told: runs.Told) -> None:
    run, by_whom = told.run, who.get(told.run.by_person_id or "", "The portal")
    outcome = answers.outcome(told, by=person)
    outcome = f"{outcome[:1].upper()}{outcome[1:]}"
    times = f", each case {run.repeats} times" if run.repeats > 1 else ""
    line(
        f"**{target_of(run)}**",
        f"on {widgets.plain(told.eval_set.name)} {told.number}{times} · {widgets.plain(by_whom)}, {widgets.when(run.at)}",
        widgets.plain(outcome),
        {"run": run.id},
    )


# -- one comparison -----------------------------------------------------------------------------------------------------------------------


def comparison(one: Comparison) -> None:
    found, live = reading.about(one.candidate_run_id, by=person), reading.about(one.live_run_id, by=person)
    back()
    colour, icon = VERDICTS[one.verdict]
    st.title(f"{target_of(found.run)} beside {target_of(live.run)}", anchor=False)
    st.markdown(f":{colour}[:material/{icon}:] **{widgets.plain(one.sentence)}**")
    st.caption(f"On {widgets.plain(found.eval_set.name)} {found.version.number} · {widgets.when(one.at)}", help=widgets.exact(one.at))
    with st.container(gap="xsmall"):
        if found.run.repeats > 1 or live.run.repeats > 1:
            now_so, before = (passes.of_run(made, by=person) for made in (found.run, live.run))
            st.markdown(f":material/repeat: {widgets.plain(passes.beside(now_so, before))}")
        gate(found, one)
        for made in (found.run, live.run):
            doubts(made, reading.unjudged(made.id, by=person), f"{answers.of(made)}: ")
    parts(one)
    counts = compare.counts(one)
    chosen = choice(WHICH, vars(counts))
    if chosen:
        page = partial(compare.cases_of, one, chosen)
        desk(page, vars(counts)[chosen], [("Before", live.run), ("Now", found.run)])


def gate(found: reading.About, one: Comparison) -> None:
    """What a release would hear: the verdict alone is no yes."""
    known = catalog.graders_for(person)
    decision = compare.decide([(found.run, one)], known=known, by=person)
    bar = next((f": {rule.told}" for rule in decision.rules if rule.name == "bar"), "")
    st.markdown(f":material/gavel: The gate would be {'open' if decision.is_open else 'closed'}{widgets.plain(bar)}.")
    for rule in decision.rules:
        if not rule.met and rule.name not in ("bar", "graders checked"):
            st.markdown(f":orange[:material/block:] {widgets.plain(f'{rule.told[:1].upper()}{rule.told[1:]}. {rule.opens}')}")
    for told in compare.unconfirmed(one.set_version_id, known=known, by=person):
        st.markdown(f":orange[:material/help:] {widgets.plain(told[:1].upper() + told[1:])}")


def doubts(made: Run, unjudged: Unjudged, before: str = "") -> None:
    """What its share does not say by itself."""
    if unjudged.cases:
        st.markdown(f":orange[:material/help:] {widgets.plain(f'{before}{unjudged}. A case that is not judged is no pass.')}")
    if told := reading.given_back(made, by=person):
        st.markdown(f":orange[:material/info:] {widgets.plain(told)}")


def parts(one: Comparison) -> None:
    beside = compare.beside(one, by=person)
    graders, slices = [part for part in beside if not part.slice], [part for part in beside if part.slice]
    with st.container(horizontal=True):
        if slices:
            with st.popover(f"By channel, language and more: {len(slices)}", icon=":material/pie_chart:"):
                by_slice(slices)
        if graders:
            with st.popover(f"By grader: {len(graders)}", icon=":material/rule:"):
                for part in graders:
                    said(part.grader_name + (", as a score" if part.measure == "scores" else ""), part)
        with st.popover("How we know", icon=":material/functions:"):
            st.text(one.how or "It was compared before the method was kept beside it.")


def by_slice(slices: Sequence[Comparison]) -> None:
    """Those with enough cases to tell by; the others are named on one line."""
    few = [part for part in slices if part.cases < FEWEST_CASES]
    for part in slices:
        if part not in few:
            said(part.slice, part)
    if few:
        st.caption("Too few cases to tell: " + ", ".join(widgets.plain(f"{part.slice} ({part.cases})") for part in few))


def said(name: str, part: Comparison) -> None:
    colour, icon = VERDICTS[part.verdict]
    st.markdown(f":{colour}[:material/{icon}:] **{widgets.plain(name)}**  \n{widgets.plain(part.sentence)}", help=widgets.plain(part.how))


# -- one run ------------------------------------------------------------------------------------------------------------------------------


def run(found: reading.About) -> None:
    back()
    one, pace = found.run, reading.pace(found.run.id, by=person)
    st.title(f"{target_of(one)} on {widgets.plain(found.eval_set.name)} {found.version.number}", anchor=False)
    task = answers.job_of(one, by=person)
    told = answers.ended(one, task) or f"passes {Share(one.passed, one.cases)} of the cases"
    st.markdown(f"**{widgets.plain(told[:1].upper() + told[1:])}**")
    times = f"each case asked {one.repeats} times" if one.repeats > 1 else ""
    half = f"half of the answers within {pace.ms / 1000:,.1f} s" if pace.ms >= 50 else ""
    cost = f"cost {pace.cost:.2f}" if pace.cost else ""
    faults = runs.faults(one.id, most=3) if pace.errors else []
    failed = f"{pace.errors:,} without an answer" if pace.errors else ""
    about = [part for part in (times, half, cost, failed, widgets.when(one.at)) if part]
    st.caption(" · ".join(about), help=widgets.exact(one.at))
    if task and one.state == "running":
        widgets.follow(task, by=person)
    if one.state != "done":
        return
    if one.repeats > 1:
        tried = passes.of_run(one, by=person)
        st.markdown(f":material/repeat: {widgets.plain(tried.sentence)}", help=widgets.plain(tried.how))
    for error, count in faults:
        st.caption(widgets.plain(f"{count:,} without an answer: {error}"))
    unjudged = reading.unjudged(one.id, by=person)
    doubts(one, unjudged)
    if rest := one.error.removeprefix(str(unjudged)).removeprefix("; "):
        st.caption(f":material/info: {widgets.plain(rest)}")
    sizes = {"failing": one.cases - one.passed - unjudged.cases, "unjudged": unjudged.cases, "passing": one.passed}
    chosen = choice(PARTS, sizes)
    if chosen:
        page = partial(reading.cases, one.id, passed=chosen == "passing", unjudged=chosen == "unjudged", by=person)
        desk(page, sizes[chosen], [("Answer", one)])


# -- the cases, one at a time -------------------------------------------------------------------------------------------------------------


def choice(words: dict[str, str], sizes: dict[str, int]) -> str | None:
    there = [which for which in words if sizes[which]]
    return st.segmented_control(
        "Which cases", there, format_func=lambda which: f"{words[which]} {sizes[which]:,}", default=there[0] if there else None,
        required=True, key="runs_which", label_visibility="collapsed", on_change=start_over,
    )  # fmt: skip


def start_over() -> None:
    st.session_state.pop("runs_chosen", None)
    st.session_state["runs_page"] = 0


def choose(case_id: str) -> None:
    st.session_state["runs_chosen"] = case_id


def turn(by: int) -> None:
    start = st.session_state.get("runs_page", 0)
    start_over()
    st.session_state["runs_page"] = start + by


def desk(page, count: int, columns: Sequence[tuple[str, Run]]) -> None:
    """The cases beside each other: J and K step through them."""
    start = st.session_state.get("runs_page", 0)
    cases = page(start=start * reading.PAGE, most=reading.PAGE)
    if not cases:
        return
    shown = next((case for case in cases if case.id == st.session_state.get("runs_chosen")), cases[0])
    with st.container(key="runs_desk"):
        left, middle, right = st.columns([1.7, 3.4, 4.1], gap="medium")
    with left:
        lines(cases, shown, start, count)
    with middle:
        subject, channel = shown.input.get("subject_line", ""), shown.slices.get("channel", "chat")
        transcript.show_frozen(subject, sets.asked_of(shown), channel, key=shown.id, height=420)
    with right:
        st.markdown(f"**Expected**: {widgets.plain(expect.sentence(shown.expected, shown.graders))}")
        for name, one in columns:
            with st.container(border=True, gap="xsmall"):
                st.markdown(f"**{name}** :gray[· {target_of(one)}]")
                answers.show(reading.said(one.id, shown.id, by=person))


def lines(cases: Sequence[Case], shown: Case, start: int, count: int) -> None:
    st.caption(f"{start * reading.PAGE + 1:,}–{start * reading.PAGE + len(cases):,} of {count:,} · J, K")
    with st.container(height=420, border=False, gap="xxsmall", key="runs_cases"):
        for case in cases:
            opening = casing.begins(sets.text_of(case), 60) or "No words"
            st.button(
                f"Case {case.number}  \n:small[{widgets.plain(opening)}]" if case.number else widgets.plain(opening),
                key=f"runs_case_{case.id}", width="stretch", type="primary" if case.id == shown.id else "secondary",
                on_click=choose, args=(case.id,),
            )  # fmt: skip
    with st.container(horizontal=True):
        if start:
            st.button("Before", key="runs_before", icon=":material/chevron_left:", on_click=turn, args=(-1,))
        if (start + 1) * reading.PAGE < count:
            st.button("More", key="runs_more", icon=":material/chevron_right:", on_click=turn, args=(1,))


def back() -> None:
    if st.button("All runs", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.clear()
        start_over()
        st.rerun()


def main() -> None:
    asked_comparison, asked_run = st.query_params.get("comparison"), st.query_params.get("run")
    asked = asked_comparison or asked_run
    if st.session_state.get("runs_of") != asked:
        st.session_state["runs_of"] = asked
        start_over()
    if asked_comparison and (one := compare.get(asked_comparison, by=person)):
        comparison(one)
    elif asked_run and (found := reading.about(asked_run, by=person)):
        run(found)
    else:
        if asked:
            st.info("That run is not here.", icon=":material/search_off:")
        everything()


main()
