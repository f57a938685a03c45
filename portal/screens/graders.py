"""Graders: how far each agrees with people, outputs to judge without its word, and what they look at each night."""

from datetime import timedelta

import streamlit as st

from data import access
from data.measures import percent
from evals import checks, continuous, sets
from evals.graders import expect
from evals.graders.face import Grader
from portal import acts, answers, catalog, charts, transcript, widgets

person = st.session_state["person"]
known = catalog.graders_for(person)
state = st.session_state


def line(grader: Grader) -> None:
    found, judged = checks.latest(grader), checks.judged_count(grader)
    row, way = st.columns([6, 1.8], vertical_alignment="center")
    if grader.PERSON_WROTE:
        mark, told = ":green-badge[may stop a release]", "A person writes down what is right, so it needs no check."
    elif found is not None:
        mark = ":green-badge[may stop a release]" if found.may_gate else ":orange-badge[may not stop a release]"
        told = found.why
    else:
        mark = ":gray-badge[not checked yet]"
        told = f"{judged} of {checks.FEWEST} outputs were judged by people. Until then it is shown, and stops nothing."
    row.markdown(f"**{widgets.plain(grader.NAME)}** {mark}  \n:gray[{widgets.plain(told)}]")
    if not grader.PERSON_WROTE and access.may(person, "grader.check"):
        words = f"Judge for '{widgets.plain(grader.NAME)}'"
        way.button(words, key=f"graders_judge_{grader.NAME}", on_click=begin, args=(grader.NAME,), width="stretch", wrap=True)


def begin(name: str) -> None:
    st.query_params["judge"] = name


def say(result_id: str, passed: bool) -> None:
    acts.attempt(lambda: checks.say(result_id, passed, by=person, why=state.get(f"graders_why_{result_id}") or ""), done="Kept.")


def judge(grader: Grader) -> None:
    """One output after the other, as a person would judge it: the grader's word is nowhere."""
    if st.button("All graders", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    st.title(f"Is this right? For '{widgets.plain(grader.NAME)}'", anchor=False)
    found = checks.next_one(grader.NAME, by=person)
    judged = checks.judged_count(grader)
    needed = f"{judged} of the {checks.FEWEST} that a check needs" if judged < checks.FEWEST else f"{judged}, enough for a check"
    st.progress(min(judged / checks.FEWEST, 1.0), text=f"Judged by people: {needed}")
    if found is None:
        st.info("You judged every output that this grader looked at. Run something on an eval set, and more come.", icon=":material/check:")
        return
    left, right = st.columns([4, 5], gap="medium")
    with left:
        channel = found.case.slices.get("channel", "chat")
        transcript.show_frozen(found.case.input.get("subject_line", ""), sets.asked_of(found.case), channel, key=found.case.id, height=440)
    with right:
        st.markdown(f"**Expected**: {widgets.plain(expect.sentence(found.case.expected, found.case.graders))}")
        with st.container(border=True):
            answers.output(found.result.output, found.result.error)
        with st.container(horizontal=True):
            for words, passed, key in (("Right (Y)", True, "graders_right_"), ("Wrong (N)", False, "graders_wrong_")):
                st.button(words, key=f"{key}{found.result.id}", on_click=say, args=(found.result.id, passed), width="stretch")
        st.text_input("Why, if you want to say", key=f"graders_why_{found.result.id}", placeholder="Whoever mends the grader reads it")


# -- each night ---------------------------------------------------------------------------------------------------------------------------


def each_night() -> None:
    agreed = continuous.plan()
    st.subheader("Each night", anchor=False)
    if agreed.graders:
        names, look = widgets.plain(", ".join(agreed.graders)), "look" if len(agreed.graders) > 1 else "looks"
        st.markdown(
            f"**{names}** {look} at {percent(agreed.share)} of yesterday's conversations in each channel and intent, at most "
            f"{agreed.most:,}, for at most {agreed.money:.2f} a day. The worst wait on Review."
        )
    else:
        st.markdown("No grader looks at what went out yesterday. A lead or an engineer can choose some; the worst then wait on Review.")
    if access.may(person, "continuous.change"):
        with st.popover("Change what they look at", icon=":material/tune:"):
            change(agreed)
    for name in agreed.graders:
        trend(name)


def change(agreed: continuous.Plan) -> None:
    live = sorted(name for name, grader in known.items() if grader.LIVE)
    chosen = st.multiselect("Graders", live, default=[name for name in agreed.graders if name in live], key="graders_live")
    share = st.slider("Of the conversations", 1, 100, round(agreed.share * 100), format="%d %%", key="graders_share")
    most = st.number_input("At most a day", 1, 5_000, agreed.most, key="graders_most")
    money = st.number_input("Money a day, for graders that ask a model", 0.0, 1_000.0, agreed.money, key="graders_money")
    if st.button("From tonight on", key="graders_change"):
        acts.attempt(
            lambda: continuous.change(chosen=chosen, share=share / 100, most=int(most), money=money, known=known, by=person),
            done=lambda made: f"From tonight on. It is number {made.number}.",
        )
        st.rerun()


def trend(name: str) -> None:
    days = continuous.trend(name, by=person, since=widgets.now() - timedelta(days=60))
    if len(days) < 2:
        st.caption(f"{widgets.plain(name)}: its trend stands here after two nights.")
        return
    latest = days[-1]
    title = f"{name}: {percent(latest.mean)} on {widgets.short(latest.day)}, as {latest.n} conversations tell it"
    st.altair_chart(charts.mean_by_day(days, title=title))


def main() -> None:
    asked = st.query_params.get("judge")
    if asked and (grader := known.get(asked)) and access.may(person, "grader.check"):
        judge(grader)
        return
    widgets.page("Graders", "What judges outputs, and whether people agree with it. One that nobody checked stops no release.")
    checked = [grader for grader in known.values() if not grader.PERSON_WROTE]
    for grader in sorted(checked, key=lambda grader: grader.NAME):
        line(grader)
    with st.expander(f"{len(known) - len(checked)} that need no check: a person writes what is right", icon=":material/edit_note:"):
        for grader in sorted(known.values(), key=lambda grader: grader.NAME):
            if grader.PERSON_WROTE:
                st.markdown(f"- **{widgets.plain(grader.NAME)}**")
    each_night()


main()
