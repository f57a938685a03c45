"""My work, exercises: the path of three steps, and what a lead set. How far one is, is nobody else's."""

import streamlit as st

from data import coaching, exercises
from data.exercises import Given, Stood
from data.tables import Person
from portal import coaching_words
from portal.widgets import plain


def show(person: Person) -> None:
    given = exercises.mine(by=person)
    for one in [one for one in given if not one.done]:
        _set(one)
    st.subheader("The path", anchor=False)
    st.caption("Conversations on which two colleagues agreed what is right. You answer first, then you see it. Only you see your answers.")
    for place, (column, stood) in enumerate(
        zip(st.columns(len(exercises.PATH), border=True), exercises.path(by=person), strict=True), start=1
    ):
        with column:
            _step(place, stood)
    done = [one for one in given if one.done]
    if done:
        with st.expander(f"Exercises that you have done: {len(done)}", icon=":material/check_circle:"):
            for one in done:
                st.markdown(f"{plain(exercises.KINDS[one.exercise.kind])} :gray[{plain(coaching_words.progress(one, lead=False))}]")
    _what_a_lead_sees(person)


def _set(one: Given) -> None:
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.markdown(
            f":material/school: **{plain(exercises.KINDS[one.exercise.kind])}** :gray[{plain(coaching_words.progress(one, lead=False))}]"
        )
        left.text(one.exercise.why)
        with right:
            st.page_link(
                "screens/calibration.py", label="Go on" if one.answered else "Begin", icon=":material/arrow_forward:",
                query_params={"exercise": one.exercise.id},
            )  # fmt: skip


def _step(place: int, stood: Stood) -> None:
    mark = ":green[:material/check_circle:] " if stood.passed_on else ""
    st.markdown(f"{mark}**{place}. {stood.step.title}**")
    st.caption(stood.step.what)
    st.progress(min(1.0, stood.answers / stood.step.needs), text=plain(stood.sentence))
    if stood.waiting:
        label = f"Go on: {stood.waiting} {'waits' if stood.waiting == 1 else 'wait'}"
        st.page_link("screens/calibration.py", label=label, icon=":material/arrow_forward:", query_params={"step": stood.step.key})
    elif stood.answers:
        st.caption("You have answered all of them. New ones come as they are approved.")


def _what_a_lead_sees(person: Person) -> None:
    if not person.team_id:
        return
    found = coaching.of_mine(by=person)
    st.subheader("What a lead sees of you", anchor=False)
    if not found:
        st.caption(
            f"Nothing: in the last {coaching_words.WEEKS} weeks your work differs from the team's by no more than chance. "
            "Your lead sees how far you are with an exercise that they set, never your answers."
        )
    for one in found:
        with st.container(border=True):
            st.markdown(f"**{plain(one.criterion.title)}**")
            coaching_words.finding(one, "your", by=person)
