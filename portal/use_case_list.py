"""The portfolio: each goal of the business, the use cases that serve it, and what they did to their KPI."""

from itertools import groupby

import streamlit as st

from data import access, defined, people, use_case_bars, use_cases
from data.tables import Person, UseCase
from portal import use_case_text, widgets

NO_GOAL = "No goal named yet"
COLOURS = {"define": "gray", "develop": "blue", "evaluate": "blue", "beta": "orange", "production": "green", "upkeep": "green"}


def show(found: list[UseCase], person: Person) -> None:
    for told in use_case_text.too_many(found):
        st.warning(widgets.plain(told), icon=":material/stacks:")
    if access.may(person, "use_case.write") and st.button("Begin a use case", icon=":material/add:", type="primary"):
        go("begin", "new")
    open_ones = [one for one in found if one.stopped_at is None]
    if not open_ones:
        st.info(
            "None is under way. Opportunities names what is worth it: what comes often, takes people long, and is answered alike.",
            icon=":material/flag_circle:",
        )
    names = people.names()
    for goal, some in groupby(sorted(open_ones, key=_by_goal), key=lambda one: one.goal or NO_GOAL):
        st.subheader(widgets.plain(goal), anchor=False)
        for case in some:
            _line(case, names, person)
    _stopped([one for one in found if one.stopped_at is not None], names)


def _by_goal(case: UseCase) -> tuple[bool, str, int]:
    return not case.goal, case.goal, -use_cases.STAGES.index(case.stage)


def _line(case: UseCase, names: dict[str, str], person: Person) -> None:
    stands, kpi = use_case_bars.of(case, by=person), use_cases.kpi_of(case)
    with st.container(border=True, gap="xxsmall", key=f"use_cases_line_{case.id}"):
        what, figures = st.columns([3, 4], vertical_alignment="center", gap="small")
        with what.container(gap="xxsmall"):
            if st.button(f"**{widgets.plain(case.name)}**", key=f"use_cases_open_{case.id}", type="tertiary"):
                go("case", case.id)
            owner = widgets.plain(names.get(case.owner_id, "somebody who left"))
            team = widgets.plain(people.teams().get(case.team_id or "", "all teams"))
            st.markdown(f"{stage_badge(case)} :small[:gray[{owner} · {team}]]")
        with figures.container(gap="xxsmall"):
            if kpi is None:
                st.markdown(":gray[No KPI is chosen yet.]")
            else:
                title, told = defined.of(kpi.measure).title, use_case_text
                now = widgets.unbroken(told.is_now(kpi, stands.now))
                target = f"target {told.target(kpi)}" if kpi.target is not None else told.target(kpi)
                st.markdown(f"**{widgets.plain(title)}** {widgets.plain(told.was(kpi))} → **{widgets.plain(now)}** · {target}")
            icon = ":green[:material/check_circle:]" if stands.next and not stands.missing else ":gray[:material/pending:]"
            st.markdown(f":small[{icon} :gray[{widgets.plain(use_case_text.missing(stands))}]]")


def stage_badge(case: UseCase) -> str:
    if case.stopped_at is not None:
        return ":gray-badge[Stopped]"
    return f":{COLOURS[case.stage]}-badge[{use_case_text.TITLES[case.stage]}]"


def _stopped(found: list[UseCase], names: dict[str, str]) -> None:
    if not found:
        return
    with st.expander(f"Stopped: {len(found)}", icon=":material/block:"):
        for case in found:
            if st.button(widgets.plain(case.name), key=f"use_cases_open_{case.id}", type="tertiary"):
                go("case", case.id)
            st.caption(f"{widgets.plain(case.stopped_why)} · {widgets.plain(names.get(case.owner_id, 'somebody who left'))}")


def go(name: str, value: str) -> None:
    st.query_params.from_dict({name: value} if name else {})
    st.rerun()
