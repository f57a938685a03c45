"""Digest: a week as it was known on the Monday after, each number with the place it is at."""

from datetime import date

import streamlit as st

from data import behind, config, downloads, people
from evals import brief, digest, digested
from evals.digest import Written
from evals.digested import Line, Number, Section
from portal import acts, digest_text, session, widgets

person = st.session_state["person"]
ICONS = {True: ":material/priority_high: ", False: "", None: ""}


def go_to(page: str, query: dict[str, str] | None) -> None:
    if page == "quality" and not query:
        st.switch_page("screens/quality.py")
    st.switch_page(f"screens/{page}.py", query_params=dict(query or {}))


def called(week: date) -> str:
    return behind.span(week, digest.last_of(week))


def chosen(known: list[date]) -> date:
    """The week of the address, else the newest; the others are one choice away."""
    try:
        asked = digest.monday_of(date.fromisoformat(st.query_params.get("week", "")))
    except ValueError:
        asked = known[0]
    if asked not in known:
        asked = known[0]
    week = st.selectbox("Week", known, index=known.index(asked), format_func=called, key=f"digest_week_{asked}", width=260)
    if week != asked:
        st.query_params["week"] = week.isoformat()
        st.rerun()
    return week


def three_sentences(written: Written) -> None:
    told = written.told.brief
    with st.container(border=True):
        st.markdown(f"**{widgets.plain(told.moved)}**")
        st.markdown(widgets.plain(told.why))
        st.markdown(widgets.plain(told.needs))
        with st.container(horizontal=True):
            for place, step in enumerate(told.steps):
                if brief.may_open(step.page, person) and st.button(step.label, key=f"digest_step_{place}", icon=":material/arrow_forward:"):
                    go_to(step.page, dict(step.query))


def number(written: Written, one: Number, since: dict[str, str]) -> None:
    title, value, change = st.columns([2.4, 3.2, 3.4], vertical_alignment="center", gap="small")
    what = f"What stands behind {one.title.lower()}"
    if title.button(f"**{widgets.plain(one.title)}**", key=f"digest_open_{one.measure}", type="tertiary", help=what):
        go_to(one.page, dict(one.query))
    days = digest_text.days_of(written, one).removeprefix(", ")
    value.markdown(widgets.plain(one.value) + (f" :gray[{widgets.plain(days)}]" if days else ""))
    if one.measure in since:
        value.caption(f"Since corrected: {widgets.plain(since[one.measure])}")
    before = f" from {one.before}" if one.before and one.change != "the same" else ""
    told = digest_text.change_of(one)
    change.markdown(ICONS[one.beyond] + widgets.plain(told.replace(one.change, f"{one.change}{before}", 1) if one.change else told))


def section(one: Section, place: int) -> None:
    st.subheader(one.title, anchor=False)
    if not one.lines:
        st.caption(one.nothing)
    with st.container(gap="xxsmall"):
        for at, line in enumerate(one.lines):
            happened(line, f"digest_line_{place}_{at}")


def happened(line: Line, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=key.replace("_line_", "_row_")):
        st.markdown(widgets.plain(line.text), width="content")
        opens = bool(line.page) and brief.may_open(line.page, person)
        if opens and st.button("Open", key=key, type="tertiary", help=widgets.plain(line.text)):
            go_to(line.page, dict(line.query or {}))


def download(written: Written) -> None:
    """As Markdown, through a ticket for this person alone."""
    kept: dict[str, str] = {}

    def act() -> None:
        file = downloads.keep(digest_text.markdown(written, by=person).encode(), "md")
        kept["ticket"] = downloads.offer(file, f"digest-{written.week}.md", by=person, right="measure.read")

    if acts.attempt(act):
        session.go(f"/api/v1/downloads/{kept['ticket']}")


def by_mail() -> None:
    """Their own choice; the page is there either way."""
    if person.demo:
        return
    wanted = st.toggle("Send it to me on Mondays", value=not person.no_digest, key="digest_mail", help="To your own address, at nine.")
    if wanted == person.no_digest:
        done = "It comes by mail on Mondays." if wanted else "No more digest by mail. It stands here all the same."
        acts.attempt(lambda: people.mail_digest(wanted, by=person), done=done)
        st.rerun()


known = digest.weeks(by=person)
if not known:
    widgets.page("Digest", "Each week in numbers and in three sentences, written on the Monday after.")
    st.info(
        f"There is no digest yet. One is written each Monday at {digest.HOUR:02}:00 ({config.settings().time_zone}) for the week before, "
        "once a conversation came in it.",
        icon=":material/newspaper:",
    )
    st.stop()
widgets.page("Digest", f"What {digested.names_of_team(brief.whose_of(person))} did in a week, as it was known on the Monday after.")
row = st.container(horizontal=True, vertical_alignment="bottom")
with row:
    week = chosen(known)
    written = digest.required(week, by=person)
    if st.button("Markdown", icon=":material/download:", help="The same as a file, with its links"):
        download(written)
    by_mail()
three_sentences(written)
since = digest.corrected(written, by=person)
st.subheader("The numbers", anchor=False)
st.caption(
    "Beside the four weeks before, with 95 % intervals; a name opens what stands behind it. Beyond chance: over all of these together, "
    "chance alone hardly does that."
)
with st.container(gap="xxsmall", key="digest_numbers"):
    for one in written.told.numbers:
        number(written, one, since)
for place, each in enumerate(written.told.sections):
    section(each, place)
st.caption(f"Written {widgets.exact(written.at)}. What is written stays as it is; where later days changed a number, it says so.")
