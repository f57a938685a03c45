"""Copies of what another team built: the button that makes one, and on the copy where it is from and what was measured there."""

import streamlit as st

from automations import copying as recipes_copied
from classifiers import copying as classifiers_copied
from classifiers import kinds
from data import access
from data.tables import Classifier, Person, Version
from portal import acts, widgets

LONGEST = 60


def recipe(version: Version, *, by: Person) -> str:
    """Draws the button; the name of the copy once it is made."""
    with st.popover("Make a copy", icon=":material/content_copy:", key="automations_copy"):
        st.caption(
            f"A recipe of your own that begins as version {version.target_number} of this one. It is a draft; what was measured here "
            "stands beside it."
        )
        name = st.text_input("Its name", key=f"automations_copy_name_{version.target_name}", max_chars=LONGEST)
        pressed = st.button("Copy it", type="primary", key="automations_copy_do", icon=":material/check:")
    if not pressed:
        return ""
    kept: list[Version] = []
    done = "Copied. Try it on your own conversations under Backtest."
    if acts.attempt(
        lambda: kept.append(recipes_copied.copy(version.target_name, version.target_number, name or "", by=by)), done=lambda _: done
    ):
        return kept[0].target_name
    st.rerun()
    return ""


def recipe_origin(name: str, *, by: Person) -> None:
    """Its steps may be other ones by now; this is about what it began as."""
    origin = recipes_copied.origin(name, by=by)
    if origin is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="automations_origin"):
        st.markdown(
            f":material/content_copy: Copied from **{widgets.plain(origin.title)}** {origin.number}. There: "
            f"{widgets.plain(_ended(origin.told))} Here nothing of that is known: try it on your own conversations under Backtest.",
        )
        address = {"recipe": origin.name, "version": str(origin.number)}
        st.page_link("screens/automations.py", label="Open the original", icon=":material/arrow_forward:", query_params=address)


def _ended(told: str) -> str:
    return told if told.endswith(".") else f"{told}."


def classifier(chosen: Classifier, *, by: Person) -> None:
    """There is one for intents, of all teams, so that is not copied."""
    if chosen is kinds.INTENTS or not access.may(by, "classifier.add"):
        return
    with st.expander("Make a copy", icon=":material/content_copy:"):
        st.markdown(
            "A classifier of your own with the same question, labels and examples, as far as you may read them. How good it is, is "
            "measured anew once you trained it."
        )
        name = st.text_input("Its name", key=f"classifiers_copy_name_{chosen.name}", max_chars=LONGEST)
        if st.button("Copy it", key="classifiers_copy_do", icon=":material/check:"):
            made: list[classifiers_copied.Copied] = []
            with st.spinner("Taking over its examples"):
                copied = acts.attempt(
                    lambda: made.append(classifiers_copied.copy(chosen.name, name or "", by=by)), done=lambda _: made[0].sentence
                )
            if copied:
                st.query_params["classifier"] = made[0].classifier.name
            st.rerun()


def classifier_origin(name: str, *, by: Person) -> None:
    origin = classifiers_copied.origin(name, by=by)
    if origin is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="classifiers_origin"):
        st.markdown(
            f":material/content_copy: Copied from **{widgets.plain(origin.name)}**, {widgets.plain(origin.told)}. How good it is here is "
            "known once it was trained here."
        )
        st.page_link(
            "screens/classifiers.py", label="Open the original", icon=":material/arrow_forward:", query_params={"classifier": origin.name}
        )
