"""Pieces of the page Ladder: what is worth it, a candidate from chosen rungs, and the answerer's versions on their way."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from data import access, approvals, encoding, people, releases, versions
from data.errors import Refused
from data.measures import percent
from data.tables import Person, Release, SetVersion, Study, Version
from data.values import Target
from evals import runs, sets
from evals.candidates import Evidence
from knowledge import ANSWERER, answerers, learning, release, steps
from knowledge.answerers import NAME, Setup
from knowledge.retrieval.combination import Combination
from knowledge.retrieval.rungs import HYBRID, RERANKER, RUNGS, VECTORS
from portal import acts, catalog, instructing, jobs, widgets

SWITCHES = [rung for rung in RUNGS if rung.name != HYBRID]  # that both find together follows from the two
AS_IT_IS, CHOSEN, LEARNED = "As before", "From a sureness that I choose", "Learned from these questions"
TARGETS = (0.8, 0.9, 0.95)
TAKEN = "ladder_taken"
LATEST = 10  # versions that are shown


def in_words(told: Mapping[str, Any]) -> str:
    """43 % (30–56)"""
    return f"{percent(told['value'])} ({told['low'] * 100:.0f}–{told['high'] * 100:.0f})"


# -- what is worth it ---------------------------------------------------------------------------------------------------------------------


def switch(number: int, rung: str) -> str:
    """Its key: each version has switches of its own."""
    return f"ladder_on_{number}_{rung}"


def suggestion(study: Study) -> None:
    best = study.told["best"]
    names = ", ".join(rung.title for rung in SWITCHES if rung.name in best["rungs"])
    if best["learns"]:
        names = "Learned order, which weighs the rungs below it by itself"
    with st.container(border=True, gap="small"):
        st.markdown(f":material/lightbulb: **What is worth it:** {widgets.plain(names)}.")
        st.markdown(widgets.plain(best["sentence"]))
        if later := best.get("later"):
            st.caption(widgets.plain(later))
        if "r1" in best:
            st.caption(f"Right article first {in_words(best['r1'])} · answered right {in_words(best['answers'])}")
            st.button(
                "Take these rungs", icon=":material/arrow_downward:", key="ladder_take", on_click=take, args=(best, study.told["answerer"])
            )


def take(best: Mapping[str, Any], number: int) -> None:
    """The switches below stand as it suggests."""
    st.session_state[TAKEN] = True
    wanted = {*best["rungs"], *([RERANKER] if best["learns"] else [])}
    for rung in SWITCHES:
        st.session_state[switch(number, rung.name)] = rung.name in wanted


# -- a candidate --------------------------------------------------------------------------------------------------------------------------


def candidate(number: int, version: SetVersion, person: Person) -> None:
    setup = answerers.setup_of(Target(ANSWERER, NAME, number))
    with st.expander("Make it a candidate", icon=":material/add_circle:", expanded=bool(st.session_state.get(TAKEN))):
        wanted = switches(setup.combination, number)
        asked = how_sure(setup)
        told = learnt(number, wanted, version, asked[1], person) if asked is not None and asked[0] == LEARNED else None
        why = st.text_input("Why", key="ladder_why", placeholder="Titles brought nothing on our questions", max_chars=300)
        if st.button("Make it a candidate", icon=":material/add:", key="ladder_make"):
            make(setup, wanted, version, asked, told, why, person)
            st.rerun()


def switches(combination: Combination, number: int) -> frozenset[str]:
    """A switch for each rung, each with what it does."""
    there = steps.has(combination)
    encoded = encoding.in_force() is not None
    columns = st.columns(2, gap="large")
    on = []
    for place, rung in enumerate(SWITCHES):
        st.session_state.setdefault(switch(number, rung.name), rung.name in there)
        with columns[place * 2 // len(SWITCHES)], st.container(gap="xxsmall"):
            missing = rung.name == VECTORS and not encoded
            if st.toggle(rung.title, key=switch(number, rung.name), disabled=missing) and not missing:
                on.append(rung.name)
            st.caption("No sentence encoder is installed." if missing else rung.explanation)
    return frozenset(on)


def how_sure(setup: Setup) -> tuple[str, float] | None:
    """From where on it speaks: as before, from a share that somebody chose, or so that it is right so often."""
    how = st.radio("It speaks", [AS_IT_IS, CHOSEN, LEARNED], key="ladder_how", horizontal=True)
    if how == CHOSEN:
        before = round(100 * (setup.threshold if setup.threshold is not None else 0.8))
        return CHOSEN, st.slider("From so sure on", 0, 100, before, format="%d %%", key="ladder_from") / 100
    if how == LEARNED:
        return LEARNED, st.segmented_control(
            "So that so many of its answers are right", TARGETS, default=TARGETS[1], required=True, format_func=percent, key="ladder_target"
        )
    return None


def learnt(number: int, wanted: frozenset[str], version: SetVersion, precision: float, person: Person) -> Study | None:
    """What it learns is looked at before a version is made of it; it belongs to these switches."""
    asked: dict[str, Any] = {"number": number, "rungs": sorted(wanted), "set_version_id": version.id, "precision": precision}
    job = widgets.newest_job("learn_order", by=person, arguments=asked)
    busy = job is not None and job.state in ("waiting", "running")
    if st.button("Learn it", icon=":material/school:", key="ladder_learn", disabled=busy):
        title = f"Learn from {sets.case_count(version.id):,} questions how sure an answerer has to be"
        acts.attempt(lambda: jobs.start("learn_order", asked, title=title, by=person))
        st.rerun()
    if job and job.state != "done":
        widgets.follow(job, by=person)
    found = learning.newest(Target(ANSWERER, NAME, number), asked["rungs"], version.id, precision=precision, by=person)
    if found:
        st.markdown(f":material/school: {widgets.plain(found.told['sentence'])}")
    return found


def make(
    setup: Setup, wanted: frozenset[str], version: SetVersion, asked: tuple[str, float] | None, told: Study | None, why: str,
    person: Person,
) -> None:  # fmt: skip
    if asked is not None and asked[0] == LEARNED and (told is None or not told.told["speaks"]):
        acts.refuse(
            "Not made: press 'Learn it' first, and see from where on it would speak."
            if told is None
            else f"Not made: {told.told['sentence']}"
        )
        return

    def new() -> Version:
        if told is not None:
            return answerers.make(learning.setup_of(told), why=why, by=person)
        threshold = asked[1] if asked else setup.threshold
        combination = learning.combined(setup, sorted(wanted), version.id, by=person)
        return answerers.make(replace(setup, combination=combination, threshold=threshold), why=why, by=person)

    if acts.attempt(new, done=lambda made: f"Version {made.target_number} is a candidate. Compare it with what is live."):
        st.session_state.pop(TAKEN, None)


# -- versions -----------------------------------------------------------------------------------------------------------------------------


def all_versions(made: list[Version], person: Person) -> None:
    st.subheader("Versions of the answerer", anchor=False)
    if not made:
        st.caption("None was made yet: what ships answers, word for word from articles, and only where it is quite sure.")
        return
    instructing.without_endpoint()
    who, live, under_way = people.names(), releases.live(ANSWERER, NAME), releases.under_way(ANSWERER, NAME)
    went_live = {one.target_number: one for one in releases.history(ANSWERER, NAME)}
    proposed = {one.payload["target_number"] for one in approvals.waiting(by=person) if one.kind == "ship_answerer"}
    for version in made[:LATEST]:
        row = st.columns([1.7, 3.5, 2.4, 2.1], vertical_alignment="center")
        row[0].markdown(f"**Version {version.target_number}**")
        row[1].markdown(widgets.plain(version.manifest.get("why") or "No reason was given"))
        row[1].caption(
            f"{widgets.plain(who.get(version.by_person_id or '', 'Somebody'))}, {widgets.when(version.at)} · {instructing.way(version)} · "
            f"{passes(version, person)}"
        )
        stage = stage_of(version, live, under_way, proposed, went_live)
        with row[2]:
            badge(stage, went_live.get(version.target_number), under_way)
        with row[3], st.container(horizontal=True):
            acts_on(version, stage, person, under_way)
    if len(made) > LATEST:
        st.caption(f"{len(made) - LATEST:,} older ones are not shown.")


def passes(version: Version, person: Person) -> str:
    """On the set that releases are measured on."""
    measured = sets.latest_for(answerers.MEASURED)
    run = next(
        (one for one in runs.of_target(versions.target_of(version), by=person) if measured and one.set_version_id == measured[1].id), None
    )
    return f"passes {run.passed:,} of {run.cases:,} cases" if run else "not tried on the cases yet"


def stage_of(
    version: Version, live: Release | None, under_way: Release | None, proposed: set[int], went_live: Mapping[int, Release]
) -> str:  # fmt: skip
    number = version.target_number
    if live and live.target_number == number:
        return "live"
    if under_way and under_way.target_number == number:
        return "on its way"
    if number in proposed:
        return "waits"
    return "was live" if number in went_live else "candidate"


def badge(stage: str, went: Release | None, under_way: Release | None) -> None:
    if stage == "live":
        st.badge("Live", icon=":material/verified:", color="green")
    elif stage == "waits":
        st.badge("Waits for approval", icon=":material/how_to_vote:", color="violet")
    elif stage == "on its way" and under_way:
        beside = under_way.stage == "shadow"
        st.badge("Runs beside the live one" if beside else f"Answers for {under_way.percent} %", icon=":material/moving:", color="violet")
    elif stage == "was live" and went:
        st.caption(f"was live from {widgets.day(went.started_at)} · {widgets.plain(went.ended_why)}")
    else:
        st.badge("Candidate", color="gray")


def acts_on(version: Version, stage: str, person: Person, under_way: Release | None) -> None:
    """What a version waits for: to be compared, to be proposed, to be gone back to."""
    target = versions.target_of(version)
    if stage == "candidate":
        compare_or_propose(target, person)
    elif stage == "waits":
        st.page_link("screens/approvals.py", label="See the proposal", icon=":material/arrow_forward:")
    elif stage == "on its way" and under_way is not None:
        on_its_way(under_way, person)
    elif stage == "was live" and access.may(person, "answerer.roll_back"):
        go_back(target, person)


def on_its_way(under_way: Release, person: Person) -> None:
    """How far it is and what the next step asks; on, or stopped, by hand."""
    known = catalog.graders_for(person)
    with st.popover("How it does", icon=":material/moving:"):
        found = release.progress_of(under_way, known=known, by=person)
        st.markdown(widgets.plain(" ".join([found.sentence, *found.asks])))
        why = st.text_input("Why", key=f"ladder_step_why_{under_way.id}", placeholder="It stands beside the release afterwards")
        if access.may(person, "answerer.approve") and st.button("Take the next step", key=f"ladder_step_{under_way.id}"):
            acts.attempt(lambda: release.advance(under_way.id, why=why, known=known, by=person), done="It goes on.")
            st.rerun()
        if access.may(person, "answerer.roll_back") and st.button("Stop it", key=f"ladder_stop_{under_way.id}"):
            acts.attempt(lambda: release.stop(under_way.id, why=why, by=person), done="Stopped. The live one answers everybody.")
            st.rerun()


def compare_or_propose(target: Target, person: Person) -> None:
    found = evidence_of(target, person)
    job = widgets.newest_job("evaluate_answerer", by=person, arguments={"number": target.number})
    if job and job.state != "done":
        widgets.follow(job, by=person)
    if isinstance(found, str):
        busy = job is not None and job.state in ("waiting", "running")
        if access.may(person, "eval.run") and st.button(
            "Compare", icon=":material/compare_arrows:", key=f"ladder_compare_{target.number}", disabled=busy, help=found
        ):
            title = f"Compare answerer {target.number} with what is live"
            acts.attempt(lambda: jobs.start("evaluate_answerer", {"number": target.number}, title=title, by=person))
            st.rerun()
        return
    with st.popover("What it changes", icon=":material/compare_arrows:"):
        st.markdown(widgets.plain(found.sentence))
        instructing.against_live(target)
        if found.comparison:
            st.page_link(
                "screens/runs.py", label="Case by case", icon=":material/arrow_forward:", query_params={"comparison": found.comparison.id}
            )
        if (reason := found.stops()) and not found.for_a_trial:
            st.markdown(f":orange[:material/block:] It cannot be proposed: {widgets.plain(reason)}")
        elif access.may(person, "answerer.propose"):
            propose(target, found, person)


def evidence_of(target: Target, person: Person) -> Evidence | str:
    """Or what is missing to tell."""
    try:
        return answerers.evidence_of(target, known=catalog.graders_for(person), by=person)
    except Refused as not_yet:
        return str(not_yet)


def propose(target: Target, found: Evidence, person: Person) -> None:
    if reason := found.stops():
        st.markdown(f":blue[:material/experiment:] It can be proposed for a trial beside the live version. {widgets.plain(reason)}")
    why = st.text_input("Why it should go live", key=f"ladder_propose_why_{target.number}", placeholder="The approver reads this first")
    if st.button("Propose it", key=f"ladder_propose_{target.number}", icon=":material/how_to_vote:", type="primary"):
        known = catalog.graders_for(person)
        acts.attempt(lambda: answerers.propose(target, why=why, known=known, by=person), done="Proposed. A lead or an engineer decides.")
        st.rerun()


def go_back(target: Target, person: Person) -> None:
    with st.popover("Roll back", icon=":material/undo:"):
        st.markdown(f"Version {target.number} answers again, at once.")
        why = st.text_input("Why", key=f"ladder_back_why_{target.number}")
        if st.button("Roll back to it", key=f"ladder_back_{target.number}", type="primary"):
            acts.attempt(lambda: answerers.roll_back(target, why=why, by=person), done="Rolled back.")
            st.rerun()
