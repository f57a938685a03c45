"""Copies of what another team built: the button that makes one, and on the copy where it is from and what was measured there."""

import streamlit as st

from automations import copying as recipes_copied
from classifiers import copying as classifiers_copied
from classifiers import kinds
from data import access
from data.tables import Case, Classifier, EvalSet, Person, Version
from evals import rubrics
from portal import acts, catalog, widgets

LONGEST, LONGEST_RUBRIC = 60, 2_000


def recipe(version: Version, *, by: Person) -> str:
    """Draws the button; the name of the copy once it is made."""
    with st.popover("Make a copy", icon=":material/content_copy:", key=f"automations_copy_{version.target_name}"):  # closed on the copy
        st.caption(
            f"A recipe of your own that begins as version {version.target_number} of this one. It is a draft; what was measured here "
            "stands beside it."
        )
        name = st.text_input("Its name", key=f"automations_copy_name_{version.target_name}", max_chars=LONGEST)
        pressed = st.button("Copy it", key="automations_copy_do", icon=":material/check:")
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
            f":material/content_copy: Copied from **{widgets.plain(origin.title)}** {origin.number}. There "
            f"{widgets.plain(_ended(origin.told))} Here nothing of that is known: try it on your own conversations under Backtest.",
        )
        open_original({"recipe": origin.name, "version": str(origin.number)})


def open_original(address: dict[str, str]) -> None:
    """On the same page, where a link would leave the address as it is."""
    go, icon = st.query_params.from_dict, ":material/arrow_forward:"
    st.button("Open the original", key="copying_original", type="tertiary", icon=icon, on_click=go, args=(address,))


def _ended(told: str) -> str:
    return told if told.endswith(".") else f"{told}."


def classifier(chosen: Classifier, *, by: Person) -> None:
    """There is one for intents, of all teams, so that is not copied."""
    if chosen is kinds.INTENTS or not access.may(by, "classifier.add"):
        return
    with st.expander(f"Make a copy of {widgets.plain(chosen.name)}", icon=":material/content_copy:"):
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
        open_original({"classifier": origin.name})


def rubric(eval_set: EvalSet, case: Case, *, by: Person) -> None:
    """Into one case, with its words open to be changed. What is not an answer's case has none."""
    if eval_set.purpose == "classifier":
        return
    with st.popover("Take over a rubric", icon=":material/content_copy:"):
        found = [one for one in rubrics.known(by=by) if one.words != case.expected.get("rubric")]
        if not found:
            st.caption("No set has a case that is judged by a rubric of its own words. A file of cases brings them.")
            return
        chosen = st.selectbox("A rubric of the sets", found, format_func=lambda one: one.words, key=f"case_rubric_{case.id}")
        st.caption(f"There: {widgets.plain(chosen.told)}. Here the next run measures it.")
        key = f"case_rubric_words_{case.id}_{found.index(chosen)}"
        words = st.text_area("Its words here", chosen.words, key=key, height=140, max_chars=LONGEST_RUBRIC)
        if st.button("Judge this case by it", key=f"case_rubric_take_{case.id}", icon=":material/check:"):
            acts.attempt(
                lambda: rubrics.copy(chosen, eval_set.id, case.key, words=words or "", known=catalog.graders_for(by), by=by),
                done="The case is judged by it once the set is frozen.",
            )
            st.rerun()
