"""One use case: what stands between it and its next stage, what it did to its KPI, the work before and after, and how it came here."""

from datetime import date
from typing import Any

import streamlit as st

from data import access, behind, defined, downloads, people, use_case_bars, use_cases
from data.behind import Behind
from data.tables import Person, UseCase
from data.use_case_bars import Bar, Stands
from data.use_cases import STAGES, Kpi
from evals import brief
from portal import acts, quality_links, session, use_case_drawn, use_case_form, use_case_list, use_case_text, widgets

ROOM = "use_cases_"


def show(case: UseCase, person: Person) -> None:
    if st.button("All use cases", icon=":material/arrow_back:", type="tertiary"):
        use_case_list.go("", "")
    stands = use_case_bars.of(case, by=person)
    _head(case, person)
    if "change" in st.query_params and use_cases.may(case, "use_case.write", by=person) and case.stopped_at is None:
        use_case_form.change(case, person)
        return
    _stages(case)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _kpi(case, stands, person)
        _work(case, stands, person)
    with right:
        _next(case, stands, person)
        _facts(case, person)
    _history(case, person)
    _report(case, person)


def _head(case: UseCase, person: Person) -> None:
    told, actions = st.columns([3, 2], vertical_alignment="center")
    with told:
        st.subheader(widgets.plain(case.name), anchor=False)
        owner = widgets.plain(people.names().get(case.owner_id, "somebody who left"))
        team = widgets.plain(people.teams().get(case.team_id or "", "all teams"))
        st.markdown(f"{use_case_list.stage_badge(case)} :small[:gray[{owner} · {team} · since {widgets.day(case.stage_since)}]]")
    with actions, st.container(horizontal=True, horizontal_alignment="right"):
        _acts(case, person)
    if case.stopped_at is not None:
        st.info(f"Stopped {widgets.when(case.stopped_at)}: {widgets.plain(case.stopped_why)}", icon=":material/block:")
    st.markdown(f"**Goal:** {widgets.plain(case.goal) or ':gray[none is named yet]'}")
    st.markdown(widgets.plain(case.problem) or ":gray[The problem is not told yet.]")


def _acts(case: UseCase, person: Person) -> None:
    if case.stopped_at is not None:
        if use_cases.may(case, "use_case.move", by=person) and st.button("Take it up again", icon=":material/play_arrow:"):
            acts.attempt(lambda: use_cases.take_up(case.id, by=person), done=f"{case.name} goes on.")
            st.rerun()
        return
    if use_cases.may(case, "use_case.write", by=person) and "change" not in st.query_params and st.button("Change", icon=":material/edit:"):
        st.query_params.from_dict({"case": case.id, "change": "1"})
        st.rerun()
    if use_cases.may(case, "use_case.move", by=person):
        with st.popover("Stop", icon=":material/block:"):
            st.markdown("It is not gone on with. What was released of it stays as it is.")
            why = st.text_input("Why", key=f"{ROOM}stop_why", max_chars=use_cases.LONGEST)
            if st.button("Stop it", key=f"{ROOM}stop"):
                acts.attempt(lambda: use_cases.stop(case.id, why=why or "", by=person), done=f"Stopped {case.name}.")
                st.rerun()


# -- stages -------------------------------------------------------------------------------------------------------------------------------


def _stages(case: UseCase) -> None:
    """Where it is, as a line that reads from left to right."""
    place = STAGES.index(case.stage)
    told = [
        f":green[:material/check_circle: {use_case_text.TITLES[one]}]" if at < place
        else f"**:material/radio_button_checked: {use_case_text.TITLES[one]}**" if at == place
        else f":gray[:material/radio_button_unchecked: {use_case_text.TITLES[one]}]"
        for at, one in enumerate(STAGES)
    ]  # fmt: skip
    with st.container(horizontal=True, gap="small", key=f"{ROOM}stages"):
        for one in told:
            st.markdown(one, width="content")


def _next(case: UseCase, stands: Stands, person: Person) -> None:
    with st.container(border=True, key=f"{ROOM}next"):
        if stands.next is None:
            st.markdown("**In upkeep.** Its monitors watch it; somebody looks at it again on the day that is named.")
        else:
            st.markdown(f"**Before {use_case_text.TITLES[stands.next].lower()}**")
        for bar in stands.bars.get(case.stage, []):
            _bar(bar)
        if stands.owed:
            st.markdown("**Still open from before**")
            for bar in stands.owed:
                _bar(bar)
        if case.stopped_at is None and use_cases.may(case, "use_case.move", by=person):
            _move(case, stands, person)
        elif stands.next and case.stopped_at is None:
            st.caption("A lead or an engineer takes it on.")


def _bar(bar: Bar) -> None:
    icon = ":green[:material/check:]" if bar.met else ":orange[:material/radio_button_unchecked:]"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        words = widgets.plain(bar.sentence)
        st.markdown(f"{icon} {f':gray[{words}]' if bar.met else words}", width="stretch")
        page, _, asked = bar.page.partition("?")
        if not bar.met and page and page != "use_cases" and brief.may_open(page, st.session_state["person"]):
            key, _, value = asked.partition("=")
            query = {key: value} if key else None
            st.page_link(f"screens/{page}.py", label="Open", icon=":material/arrow_forward:", query_params=query, width="content")


def _move(case: UseCase, stands: Stands, person: Person) -> None:
    why = ""
    title = use_case_text.TITLES[stands.next].lower() if stands.next else ""
    held = [*stands.owed, *stands.missing] if not stands.may_go_without else stands.missing
    if stands.next and held and not stands.may_go_without:
        st.markdown(f":orange[:material/lock:] Into {title} nobody goes without what is open here.")
    elif stands.next:
        if held:
            why = st.text_input(
                "Why it goes on without", key=f"{ROOM}why_{case.stage}", max_chars=use_cases.LONGEST,
                placeholder="Such as: the fair is next week; the minutes are measured there",
            )  # fmt: skip
        if st.button(f"Go on to {title}", type="primary", key=f"{ROOM}go_on", icon=":material/arrow_forward:"):
            acts.attempt(lambda: use_case_bars.go_on(case.id, why=why or "", by=person), done=f"{case.name} is in {title} now.")
            st.rerun()
    if case.stage != STAGES[0]:
        with st.popover("Go back a stage", icon=":material/undo:", type="tertiary"):
            reason = st.text_input("Why", key=f"{ROOM}back_why", max_chars=use_cases.LONGEST)
            if st.button("Go back", key=f"{ROOM}back"):
                acts.attempt(lambda: use_case_bars.go_back(case.id, why=reason or "", by=person), done=f"{case.name} went back a stage.")
                st.rerun()


# -- its KPI ------------------------------------------------------------------------------------------------------------------------------


def _kpi(case: UseCase, stands: Stands, person: Person) -> None:
    kpi = use_cases.kpi_of(case)
    if kpi is None:
        st.markdown("**KPI**")
        st.markdown(":gray[Not chosen yet: by which measure it will be told whether it was worth it.]")
        return
    measure = defined.of(kpi.measure)
    st.markdown(
        f"**{widgets.plain(measure.title)}** of {widgets.plain(use_case_text.about(case, kpi))}", help=widgets.plain(measure.definition)
    )
    st.markdown(widgets.plain(use_case_text.finding(kpi, stands)))
    figures = (("Before", use_case_text.was(kpi)), ("Now", use_case_text.is_now(kpi, stands.now)), ("Target", use_case_text.target(kpi)))
    sees, days = use_cases.may_see_figures(case, by=person), counted_on(kpi, stands)
    for place, (title, told) in zip(st.columns([4, 6, 3]), figures, strict=True):
        with place:
            st.markdown(f":small[:gray[{title}]]  \n**{widgets.plain(told)}**")
            if sees and title in days:
                query = behind.address(Behind(kpi.measure, *days[title], kpi.of(case)))
                quality_links.way("Open them", "conversations", query, icon=":material/forum:")
    if not sees:
        st.caption("Its figures are of everybody's conversations; you see your team's.")
        return
    use_case_drawn.chart(case, kpi, stands, person)
    if not kpi.baseline and case.stopped_at is None and use_cases.may(case, "use_case.write", by=person):
        _baseline(case, kpi, person)


def counted_on(kpi: Kpi, stands: Stands) -> dict[str, tuple[date, date]]:
    """The days of each figure that was counted on any conversation."""
    found: dict[str, tuple[date, date]] = {}
    if kpi.baseline:
        found["Before"] = date.fromisoformat(kpi.baseline["since"]), date.fromisoformat(kpi.baseline["until"])
    if stands.now and stands.now.n and stands.since and stands.until:
        found["Now"] = stands.since, stands.until
    return found


def _baseline(case: UseCase, kpi: Kpi, person: Person) -> None:
    if case.stage in ("define", "develop", "evaluate") and st.button(
        "Take the baseline", icon=":material/straighten:", key=f"{ROOM}baseline"
    ):
        acts.attempt(lambda: use_cases.take_baseline(case.id, by=person), done="The baseline is taken: the last four weeks that are known.")
        st.rerun()


# -- the work, and what it touches --------------------------------------------------------------------------------------------------------


def _work(case: UseCase, stands: Stands, person: Person) -> None:
    st.markdown("**The work on one conversation**")
    told = use_case_text.minutes(case, stands, by=person)
    before, after = st.columns(2, gap="medium")
    with before:
        _steps("Before", case.before, told.before_words)
    with after:
        _steps("After", case.after, told.after_words)


def _steps(title: str, told: list[dict[str, Any]], sum_of_it: str) -> None:
    st.markdown(f":small[:gray[{title}]]")
    for place, one in enumerate(use_cases.steps_of(told), start=1):
        minutes = f", {one.minutes:g} min" if one.minutes else ""
        st.markdown(f"{place}. {widgets.plain(one.what)} :small[:gray[{use_case_text.HANDS[one.who]}{minutes}]]")
    st.caption(sum_of_it or "Not written down yet.")


def _facts(case: UseCase, person: Person) -> None:
    st.markdown("**Systems and data**")
    st.markdown(widgets.plain(", ".join(case.systems)) or ":gray[None is named yet.]")
    risk = f"{case.risk.capitalize()}: {widgets.plain(case.risk_why)}" if case.risk else ":gray[Not told yet.]"
    st.markdown(f"**Risk**  \n{risk}")
    _signed(case, person)
    if case.links:
        st.markdown("**Made of**")
        for one in use_cases.links_of(case):
            words, page = use_case_text.linked(one.kind, one.name, by=person)
            _link(words, page)
    if case.review_on:
        st.caption(f"Looked at again on {case.review_on.day} {case.review_on:%B %Y}.")


def _link(words: str, page: str) -> None:
    name, _, asked = page.partition("?")
    key, _, value = asked.partition("=")
    if brief.may_open(name, st.session_state["person"]):
        st.page_link(f"screens/{name}.py", label=widgets.plain(words), icon=":material/link:", query_params={key: value} if key else None)
    else:
        st.markdown(widgets.plain(words))


def _signed(case: UseCase, person: Person) -> None:
    if use_cases.is_signed(case) and case.signed_by_id and case.signed_at:
        who = widgets.plain(people.names().get(case.signed_by_id, "somebody who left"))
        st.markdown(f":green[:material/verified:] Signed off by {who}, {widgets.when(case.signed_at)}")
        return
    again = "What it touches was changed since it was signed." if case.signed_by_id else "No engineer has signed it off yet."
    st.markdown(f":orange[:material/ink_pen:] {again}")
    if case.stopped_at is None and access.may(person, "use_case.sign") and case.owner_id != person.id:
        _sign(case, person)


def _sign(case: UseCase, person: Person) -> None:
    read = "You have read which systems and data it touches, and its risk."
    if st.button("Sign off", icon=":material/verified:", key=f"{ROOM}sign", help=read):
        acts.attempt(lambda: use_cases.sign_off(case.id, by=person), done="Signed. Another word in it opens it again.")
        st.rerun()


# -- how it came here ---------------------------------------------------------------------------------------------------------------------


def _history(case: UseCase, person: Person) -> None:
    found, names = use_cases.moves(case.id, by=person), people.names()
    with st.expander(f"How it came here: {len(found) + 1} {'step' if not found else 'steps'}", icon=":material/history:"):
        began = widgets.plain(names.get(case.by_person_id or "", "the portal"))
        st.markdown(f"Begun by {began}, {widgets.when(case.at)}")
        for one in found:
            words = use_case_text.move_words(one.before, one.after, names.get(one.by_person_id or "", "the portal"))
            why = f": {widgets.plain(one.why)}" if one.why else ""
            st.markdown(f"{widgets.plain(words[:1].upper() + words[1:])}, {widgets.when(one.at)}{why}", help=widgets.exact(one.at))
            for missing in one.missing:
                st.caption(f":material/warning: went on without: {widgets.plain(missing)}")


def _report(case: UseCase, person: Person) -> None:
    with st.expander("Its report, a page for whoever was not there", icon=":material/description:"):
        text = use_case_text.markdown(case, by=person)
        st.markdown(text)
        if st.button("Download the report", icon=":material/download:", key=f"{ROOM}report"):
            _download(case, text, person)


def _download(case: UseCase, text: str, person: Person) -> None:
    """As Markdown, through a ticket for this person alone."""
    kept: dict[str, str] = {}

    def act() -> None:
        file = downloads.keep(text.encode(), "md")
        kept["ticket"] = downloads.offer(file, f"use-case-{case.id[-8:]}.md", by=person, right="use_case.read")

    if acts.attempt(act):
        session.go(f"/api/v1/downloads/{kept['ticket']}")
