"""What one's own work changed: the largest of it first, the weeks as a chart, then kind by kind, each figure one click from its things."""

import streamlit as st

from data import access, work_changed, work_rows
from data.tables import Person
from data.work_changed import PERIODS, Work
from evals import brief
from portal import my_work_drawn, my_work_text, widgets
from portal.my_work_text import Block, Opens, Said

PAGE = 15
WEEKS = "my_work_weeks"
ICONS = {
    work_rows.CONVERSATIONS: ":material/chat_bubble:", work_rows.FLAGS: ":material/flag:", work_rows.RUNS: ":material/account_tree:",
    work_rows.ARTICLES: ":material/menu_book:", work_rows.ANSWERS: ":material/contact_support:",
    work_rows.PROPOSALS: ":material/how_to_vote:",
}  # fmt: skip
BEGIN = (  # where one begins: screen, words, icon, the right without which it is not offered
    ("review", "Review a conversation", ":material/rate_review:", "review.record"),
    ("ask", "Ask what we know, and say what is missing", ":material/contact_support:", "knowledge.ask"),
    ("approvals", "See what waits for a decision", ":material/how_to_vote:", "proposal.read"),
)


def show(person: Person) -> None:
    work = work_changed.of(by=person, weeks=_weeks())
    if work.is_empty:
        _nothing(work, person)
        return
    for place, sentence in enumerate(my_work_text.headline(work)):
        st.markdown(f"{'' if place else '#### '}{widgets.plain(sentence)}")
    my_work_drawn.weeks(work)
    for block in my_work_text.blocks(work):
        _block(block, person)
    if access.reach(person, "conversation.read") == access.TEAM:
        st.caption("Answers, runs and conversations with an intent are counted as far as they belong to your team, or to none.")
    if access.may(person, "calibration.take"):
        st.page_link("screens/calibration.py", label="How far you agree with the gold examples", icon=":material/straighten:")


def _weeks() -> int:
    """Kept in the address, so that a link says what it shows."""
    names = {words: weeks for weeks, words in PERIODS.items()}
    asked = st.query_params.get("weeks", "")
    default = PERIODS.get(int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else 12, PERIODS[12])
    chosen = st.segmented_control("Over", list(names), default=default, required=True, key=WEEKS, label_visibility="collapsed")
    weeks = names[chosen or default]
    if asked != str(weeks) and (asked or weeks != 12):
        st.query_params["weeks"] = str(weeks)
    return weeks


def _nothing(work: Work, person: Person) -> None:
    st.info(
        f"Nothing of yours stands from {my_work_text.span(work)} yet. Whatever you review, flag, write or propose comes here, with what "
        "became of it.",
        icon=":material/volunteer_activism:",
    )
    for page, words, icon, right in BEGIN:
        if access.may(person, right):
            st.page_link(f"screens/{page}.py", label=words, icon=icon)


def _block(block: Block, person: Person) -> None:
    with st.container(border=True, gap="small", key=f"my_work_block_{block.key}"):
        st.markdown(f"**{block.icon} {block.title}**")
        for said in block.said:
            _said(said, person)
        if block.more:
            with st.expander(
                f"{len(block.more)} more" if block.key != "flags" else f"{len(block.more)} runs", key=f"my_work_more_{block.key}"
            ):
                for said in block.more:
                    _said(said, person)
        if block.note:
            st.caption(block.note)


def _said(said: Said, person: Person) -> None:
    with st.container(gap="xsmall"):
        st.markdown(widgets.plain(said.sentence))
        ways = [one for one in said.opens if one.key or brief.may_open(one.page, person)]
        if ways:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                for one in ways:
                    _way(one)
        for one in ways:
            if one.key and st.query_params.get("open") == one.key:
                _things(one, person)


def _way(one: Opens) -> None:
    if one.page:
        st.page_link(
            f"screens/{one.page}.py", label=widgets.plain(one.label), icon=":material/arrow_forward:", query_params=dict(one.query),
            width="content",
        )  # fmt: skip
        return
    is_open = st.query_params.get("open") == one.key
    st.button(
        widgets.plain(one.label), key=f"my_work_open_{one.key}", type="tertiary", on_click=_turn, args=("" if is_open else one.key,),
        icon=":material/expand_less:" if is_open else ":material/expand_more:", help="Close them" if is_open else "Open them",
    )  # fmt: skip


def _turn(key: str) -> None:
    if key:
        st.query_params["open"] = key
    else:
        st.query_params.pop("open", None)


def _things(one: Opens, person: Person) -> None:
    """The things that the figure counts, a page of them at a time."""
    with st.container(border=True, gap="xsmall", key=f"my_work_things_{one.key}"):
        pages = -(-len(one.ids) // PAGE)
        page = (st.pagination(pages, key=f"my_work_page_{one.key}_{pages}") if pages > 1 else 1) or 1
        told = work_rows.lines(one.kind, one.ids[(page - 1) * PAGE : page * PAGE], by=person)
        within = [line for line in told if line.words]
        for line in within:
            if line.page and brief.may_open(line.page, person):
                st.page_link(f"screens/{line.page}.py", label=widgets.plain(line.words), icon=ICONS[one.kind], query_params=line.query)
            else:
                st.markdown(f":gray[{ICONS[one.kind]} {widgets.plain(line.words)}]")
        if hidden := len(told) - len(within):
            whose = "belongs to another team, so it is not shown." if hidden == 1 else "belong to other teams, so they are not shown."
            st.caption(f"{hidden:,} of these {len(told):,} {whose}")
