"""The forms of a use case: begun with a name, completed part by part. What was entered stays where a part is refused."""

from typing import Any

import pandas as pd
import streamlit as st

from automations import opportunities
from data import access, defined, labels, people, use_cases
from data.tables import Person, UseCase
from data.use_cases import LONGEST, LONGEST_NAME, RISKS, Kpi, Link
from portal import acts, opportunity_words, use_case_list, use_case_text, widgets

ROOM = "use_cases_form_"
STEPS = ("what", "who", "minutes")


# -- begun --------------------------------------------------------------------------------------------------------------------------------


def begin(person: Person, *, intent: str) -> None:
    """From nothing, or from an opportunity: then its intent and what it is measured by are there already."""
    if st.button("All use cases", icon=":material/arrow_back:", type="tertiary"):
        use_case_list.go("", "")
    names = labels.names()
    about = names.get(intent, "")
    st.subheader("A new use case", anchor=False)
    with st.form(f"{ROOM}begin", border=False, enter_to_submit=False):
        name = st.text_input("What is it called?", about, max_chars=LONGEST_NAME, placeholder="Such as: Change of address")
        goal = _goal("", person)
        problem = st.text_area(
            "Which problem does it solve?", _known_of(intent, person) if about else "", max_chars=LONGEST,
            placeholder="Who waits for what, how often, and what it costs them",
        )  # fmt: skip
        sent = st.form_submit_button("Begin it", type="primary")
    if sent:
        told: dict[str, Any] = {"goal": goal, "problem": problem or ""}
        if about:
            told["kpi"] = {"measure": "handling", "intent": intent}
        made: list[UseCase] = []
        if acts.attempt(
            lambda: made.append(use_cases.begin(name or "", by=person, **told)), done="Begun. What it needs stands on its page."
        ):
            use_case_list.go("case", made[0].id)
        st.rerun()


def _known_of(intent: str, person: Person) -> str:
    """What the opportunity says, to be gone on from; who began it keeps the figures it was begun for."""
    told = opportunities.newest(by=person) if access.may(person, "opportunity.read") else None
    found = next((one for one in told.found if one.key == intent), None) if told else None
    return opportunity_words.sentence(found) if found else ""


def _goal(kept: str, person: Person) -> str:
    """One that others serve already, or a new one."""
    known = sorted({one.goal for one in use_cases.all_of(by=person) if one.goal})
    chosen = st.selectbox(
        "Which goal of the business does it serve?", known, index=known.index(kept) if kept in known else None, accept_new_options=True,
        placeholder="Choose one, or type a new one", key=f"{ROOM}goal",
    )  # fmt: skip
    return chosen or ""


# -- changed ------------------------------------------------------------------------------------------------------------------------------


def change(case: UseCase, person: Person) -> None:
    """All of it on one page; kept as a whole."""
    told: dict[str, Any] = {}
    left, right = st.columns(2, gap="large")
    with left:
        told |= _words(case, person)
        told["kpi"] = _kpi(case, person)
    with right:
        told |= _risk(case)
        told["links"] = _links(case, person)
    st.markdown("**The work on one conversation**")
    before, after = st.columns(2, gap="large")
    with before:
        told["before"] = _steps("Before", "before", case.before)
    with after:
        told["after"] = _steps("After", "after", case.after)
    with st.container(horizontal=True):
        if st.button("Keep it", type="primary", key=f"{ROOM}keep"):
            if acts.attempt(lambda: use_cases.change(case.id, seen=case.number, by=person, **told), done="Kept."):
                use_case_list.go("case", case.id)
            st.rerun()
        if st.button("Leave it as it was", key=f"{ROOM}leave"):
            use_case_list.go("case", case.id)


def _words(case: UseCase, person: Person) -> dict[str, Any]:
    name = st.text_input("Name", case.name, max_chars=LONGEST_NAME, key=f"{ROOM}name")
    goal = _goal(case.goal, person)
    problem = st.text_area("Problem", case.problem, max_chars=LONGEST, key=f"{ROOM}problem")
    workers = {one.id: one.name for one in people.everybody(by=person) if one.disabled_at is None or one.id == case.owner_id}
    options = sorted(workers, key=lambda one: workers[one])
    owner = st.selectbox(
        "Owner", options, index=options.index(case.owner_id) if case.owner_id in options else None, format_func=workers.__getitem__,
        key=f"{ROOM}owner",
    )  # fmt: skip
    return {"name": name or "", "goal": goal, "problem": problem or "", **({"owner_id": owner} if owner != case.owner_id else {})}


def _kpi(case: UseCase, person: Person) -> dict[str, Any]:
    kept = use_cases.kpi_of(case)
    offered = [one for one in defined.ALL if one.kind not in ("count", "sum")]
    known = [one.name for one in offered]
    if kept and kept.measure not in known:
        known.append(kept.measure)
    measure = st.selectbox(
        "KPI: by what is it told whether it was worth it?", known, index=known.index(kept.measure) if kept else None,
        format_func=lambda name: defined.of(name).title, placeholder="Choose a measure", key=f"{ROOM}measure",
    )  # fmt: skip
    if measure is None:
        return {}
    st.caption(widgets.plain(defined.of(measure).definition))
    first, second = st.columns(2)
    with first:
        intent = _choice(
            "Intent", {one.id: labels.names().get(one.id, "") for one in labels.of()}, kept.intent if kept else "", "All intents"
        )
    with second:
        channel = _choice("Channel", dict(widgets.CHANNEL_WORDS), kept.channel if kept else "", "All channels")
    return {"measure": measure, "intent": intent, "channel": channel, "target": _target(measure, kept)}


def _target(measure: str, kept: Kpi | None) -> float | None:
    found = defined.of(measure)
    per, unit = (
        (0.01, "in percent") if found.kind == "share" else (60.0, "in minutes") if found.unit == "seconds" else (1.0, f"in {found.unit}")
    )
    now = round(kept.target / per, 3) if kept and kept.measure == measure and kept.target is not None else None
    was = f"Before: {use_case_text.was(kept)}" if kept and kept.baseline and kept.measure == measure else None
    told = st.number_input(f"Target, {unit}", 0.0, 100.0 if per == 0.01 else None, now, key=f"{ROOM}target_{measure}", help=was)
    return None if told is None else float(told) * per


def _choice(title: str, names: dict[str, str], kept: str, everything: str) -> str:
    options = ["", *sorted(names, key=lambda one: names[one].lower())]
    if kept not in options:
        options.append(kept)
    return st.selectbox(
        title, options, index=options.index(kept), format_func=lambda one: names.get(one, one) if one else everything,
        key=f"{ROOM}{title.lower()}",
    ) or ""  # fmt: skip


def _risk(case: UseCase) -> dict[str, Any]:
    systems = st.multiselect(
        "Systems and data that it touches", case.systems, case.systems, accept_new_options=True, key=f"{ROOM}systems",
        placeholder="Type one and press Enter", help="Such as: Shop: orders, Customer addresses",
    )  # fmt: skip
    risk = st.segmented_control(
        "Risk", list(RISKS), default=case.risk or None, format_func=str.capitalize, key=f"{ROOM}risk",
        help="What it may cost a customer or the company when it goes wrong.",
    )  # fmt: skip
    why = st.text_area("Why is the risk so large?", case.risk_why, max_chars=LONGEST, key=f"{ROOM}risk_why", height=90)
    again = st.date_input("Looked at again on", case.review_on, key=f"{ROOM}review_on", format="YYYY-MM-DD")
    return {"systems": systems, "risk": risk or "", "risk_why": why or "", "review_on": again or None}


def _links(case: UseCase, person: Person) -> list[Link]:
    kept = use_cases.links_of(case)
    offered = list(dict.fromkeys([*kept, *use_cases.offered(by=person)]))
    words = {one: use_case_text.linked(one.kind, one.name, by=person)[0] for one in offered}
    return list(
        st.multiselect(
            "What it is made of", offered, kept, format_func=words.__getitem__, key=f"{ROOM}links",
            placeholder="Eval sets, classifiers, recipes, articles, monitors",
        )
    )  # fmt: skip


def _steps(title: str, which: str, kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A table that grows by a line."""
    hands = {words: who for who, words in use_case_text.HANDS.items()}
    frame = pd.DataFrame([{**one, "who": use_case_text.HANDS[one["who"]]} for one in kept], columns=list(STEPS))
    frame = frame.astype({"what": "str", "who": "str", "minutes": "float"})
    told = st.data_editor(
        frame, num_rows="dynamic", hide_index=True, key=f"{ROOM}steps_{which}",
        column_config={
            "what": st.column_config.TextColumn(title, width=230, max_chars=200),
            "who": st.column_config.SelectboxColumn("Who", options=list(hands), default=use_case_text.HANDS["person"], width=120),
            "minutes": st.column_config.NumberColumn(
                "Minutes", help="Of a person.", width=80, min_value=0.0, max_value=use_cases.MOST_MINUTES, step=0.5, default=0.0
            ),
        },
    )  # fmt: skip
    rows = [one for one in told.to_dict("records") if str(one["what"] or "").strip() not in ("", "None", "nan")]
    return [{"what": str(one["what"]), "who": hands.get(one["who"], "person"), "minutes": _number(one["minutes"])} for one in rows]


def _number(value: Any) -> float:
    return 0.0 if value is None or value != value else float(value)
