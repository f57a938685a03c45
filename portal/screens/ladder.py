"""Ladder: how a question finds its article, rung by rung: what each brings and costs. What is worth it becomes a candidate."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from data import access, connections, releases, versions
from data.tables import EvalSet, SetVersion, Study, Version
from evals import sets
from knowledge import ANSWERER, answerers, in_force, ladder, rephrased
from knowledge.answerers import NAME
from portal import acts, charts, climbing, instructing, jobs, widgets

person = st.session_state["person"]
MEASURES = {
    "r1": "Right article first",
    "r5": "Right one among five",
    "answers": "Answered right",
    "mrr5": "How early",
}
TITLES = {
    "r1": "How often the right article comes first",
    "r5": "How often the right article is among the first five",
    "answers": "How often the answer stands on the right article, or is silence where nothing covers it",
    "mrr5": "How early the right article comes: 100 % is always first, 50 % always second",
}
WORTH = {"first": "–", "worth it": "Worth it", "open": "Cannot tell", "not worth it": "Not worth it"}
ICONS = {"worth it": "trending_up", "open": "help", "not worth it": "trending_down"}


def everything() -> None:
    widgets.page(
        "Ladder", "How a question finds its article. Climb a set rung by rung, keep what is worth it, and release that as a new version."
    )
    if not in_force.anything_published():
        st.info(
            "No article is published, so no question finds one. Write some or bring the help pages you have.", icon=":material/menu_book:"
        )
        st.page_link("screens/knowledge.py", label="Open Knowledge", icon=":material/arrow_forward:")
        return
    frozen = {one.id: (one, version) for one in sets.all_sets(by=person) if (version := climbable(one))}
    if not frozen:
        no_set()
        return
    made = versions.all_of(ANSWERER, NAME)
    eval_set, version, number = choose(frozen, made)
    study = ladder.newest(eval_set.id, by=person, number=number)
    if study is None:
        st.info(
            f"{sets.case_count(version.id):,} questions wait. Climbed, they show what each way to find brings, and which is not worth it.",
            icon=":material/stairs:",
        )
    else:
        stairs(study)
    if access.may(person, "answerer.make"):
        climbing.candidate(number, version, person)
        instructing.section(number, version, person)
    climbing.all_versions(made, person)


def climbable(eval_set: EvalSet) -> SetVersion | None:
    return sets.latest(eval_set.id) if eval_set.purpose == answerers.MEASURED else None


def no_set() -> None:
    begun = [one for one in sets.all_sets(by=person) if one.purpose == answerers.MEASURED]
    st.info(
        f"'{begun[0].name}' was not frozen yet. Freeze it, then climb it."
        if begun
        else "Create an eval set that tests knowledge: questions, and with each the article that answers it, or none.",
        icon=":material/fact_check:",
    )
    address = {"set": begun[0].id} if begun else {}
    st.page_link("screens/eval_sets.py", label="Open Eval sets", icon=":material/arrow_forward:", query_params=address)


# -- which set, which version -------------------------------------------------------------------------------------------------------------


def choose(frozen: Mapping[str, tuple[EvalSet, SetVersion]], made: list[Version]) -> tuple[EvalSet, SetVersion, int]:
    row = st.columns([3, 3, 1.4], vertical_alignment="bottom")
    chosen = row[0].selectbox(
        "Questions of", list(frozen), key="ladder_set", bind="query-params",
        format_func=lambda made: f"{frozen[made][0].name} {frozen[made][1].number}",
    )  # fmt: skip
    eval_set, version = frozen[chosen]
    numbers = [one.target_number for one in made] or [0]
    number = row[1].selectbox(
        "As it finds in", numbers, index=numbers.index(at_first(eval_set, numbers)), key=f"ladder_number_{eval_set.id}",
        format_func=lambda number: f"Version {number}{live_in_words(number)}" if number else "What ships; no version was made yet",
    )  # fmt: skip
    climb_it(row[2], version, number)
    return eval_set, version, number


def at_first(eval_set: EvalSet, numbers: list[int]) -> int:
    """What is in force; where nothing is, what was climbed last."""
    live = releases.live(ANSWERER, NAME)
    climbed = ladder.newest(eval_set.id, by=person)
    wanted = live.target_number if live else climbed.told["answerer"] if climbed else numbers[0]
    return wanted if wanted in numbers else numbers[0]


def live_in_words(number: int) -> str:
    live = releases.live(ANSWERER, NAME)
    return ", live" if live and live.target_number == number else ""


def climb_it(place: Any, version: SetVersion, number: int) -> None:
    job = widgets.newest_job("climb", by=person, arguments={"set_version_id": version.id})
    busy = job is not None and job.state in ("waiting", "running")
    if not access.may(person, "answerer.make"):
        return
    asks = connections.endpoint() is not None and st.toggle(
        "Also in a model's words", key="ladder_asks_model",
        help=f"One rung more: a model says each question as a help page would. That is a call for each, {rephrased.MOST} at most.",
    )  # fmt: skip
    if place.button("Climb it", type="primary", icon=":material/stairs:", disabled=busy, width="stretch"):
        arguments = {"set_version_id": version.id, "number": number, "rephrases": asks}
        acts.attempt(lambda: jobs.start("climb", arguments, title="Climb the ladder", by=person))
        st.rerun()
    if job is not None and job.state != "done":
        widgets.follow(job, by=person)


# -- what came of it ----------------------------------------------------------------------------------------------------------------------


def stairs(study: Study) -> None:
    told = study.told
    st.markdown(f"**{widgets.plain(told['sentence'])}**")
    st.caption(
        f"{told['answerable']:,} questions that an article answers, {told['questions'] - told['answerable']:,} that none does, "
        f"in {told['articles']:,} articles · climbed {widgets.when(study.at)}"
    )
    if since := ladder.grown_old(study):
        st.warning(f"{widgets.plain(since)} Climb it again to see what is true now.", icon=":material/update:")
    measure = st.segmented_control(
        "Measure", list(MEASURES), default="r1", required=True, format_func=MEASURES.__getitem__, label_visibility="collapsed",
        key="ladder_measure",
    )  # fmt: skip
    st.altair_chart(charts.staircase(told["rungs"], measure, title=TITLES[measure], axis=MEASURES[measure]))
    st.altair_chart(charts.rungs_wait(told["rungs"], title="How long a question is looked for"))
    if told["encoding_ms"]:
        st.caption(f"Where meanings are compared, a question that is new takes {told['encoding_ms']:.0f} ms more.")
    table(told["rungs"])
    with st.expander("Rung by rung, in words", icon=":material/notes:"):
        for one in told["rungs"]:
            if "sentence" in one:
                st.markdown(f":material/{ICONS[one['worth']]}: {widgets.plain(one['sentence'])}")
    if written := told.get("written"):
        st.markdown(f":material/edit: {widgets.plain(written['sentence'])}")
    for one in told["skipped"]:
        st.caption(f"Not climbed: {widgets.plain(one['title'])}; {widgets.plain(one['why'])}.")
    how_we_know()
    climbing.suggestion(study)


def table(rungs: list[dict[str, Any]]) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "Rung": [f"{one['title']}{'' if one['on'] else ' (tried only)'}" for one in rungs],
                "First": [climbing.in_words(one["r1"]) for one in rungs],
                "Among five": [climbing.in_words(one["r5"]) for one in rungs],
                "How early": [climbing.in_words(one["mrr5"]) for one in rungs],
                "Answered right": [climbing.in_words(one["answers"]) for one in rungs],
                "ms": [one["ms"] for one in rungs],
                "Points": [one.get("points", "–") for one in rungs],
                "The step up": [WORTH[one["worth"]] for one in rungs],
            }
        ),
        hide_index=True, height="content",
        column_config={
            "First": st.column_config.TextColumn(help="R@1: the right article stands first"),
            "Among five": st.column_config.TextColumn(help="R@5: a right article is among the first five"),
            "How early": st.column_config.TextColumn(help="MRR@5: 1 for first, 1/2 for second, down to 1/5, else 0; on average"),
            "Answered right": st.column_config.TextColumn(help="Of all questions, those that nothing covers too"),
            "Points": st.column_config.TextColumn(help="More of the right articles first than on the rung before, of 100 questions"),
            "ms": st.column_config.NumberColumn(format="%.1f", help="Half of the questions were looked for faster"),
        },
    )  # fmt: skip


def how_we_know() -> None:
    with st.expander("How we know", icon=":material/science:"):
        st.markdown(
            "Each rung is added to those below it that the version has. A rung that it lacks is tried in its place and taken off again. "
            "The same questions are asked on both steps, and each step up is judged by the right article standing first: McNemar's exact "
            "test, with customers counted where one asked several, and the surer the more rungs are asked at once (Holm). Intervals are "
            "95 %. **Earlier choices** and **Learned order** are measured as if people had chosen the right article for four fifths of "
            "the questions; the last fifth is asked, five times in turn. What they bring on live questions depends on how many people "
            "choose."
        )


everything()
