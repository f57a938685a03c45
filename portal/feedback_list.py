"""What was written up for product teams, a line each: its status, whose it is, and how many conversations are about it."""

from collections.abc import Sequence

import streamlit as st

from data import access, feedback_evidence, people, product_feedback
from data.errors import Refused
from data.measures import Share
from data.product_feedback import ACCEPTED, BUILDING, CHANGED, DECLINED, HANDED_OVER, NOTED, OPEN, STATES
from data.tables import Person, ProductFeedback
from portal import widgets

PAGE = 12
BADGES = {  # icon, colour
    NOTED: (":material/edit_note:", "gray"), HANDED_OVER: (":material/outbox:", "orange"), ACCEPTED: (":material/thumb_up:", "blue"),
    BUILDING: (":material/construction:", "blue"), CHANGED: (":material/published_with_changes:", "green"),
    DECLINED: (":material/do_not_disturb_on:", "gray"),
}  # fmt: skip


def badge(found: ProductFeedback) -> str:
    icon, colour = BADGES[found.state]
    return f":{colour}-badge[{icon} {STATES[found.state]}]"


def sentence(found: Sequence[ProductFeedback]) -> str:
    """Under the title."""
    if not found:
        return "Write a fault of the product up once, with its evidence, hand it to a product team, and see whether it went away."
    open_, noted = sum(one.state in OPEN for one in found), sum(one.state == NOTED for one in found)
    told = f"{open_:,} {'fault is' if open_ == 1 else 'faults are'} open with product teams or on the way to them"
    if not noted:
        return f"{told}."
    return f"{told}; {noted:,} {'waits' if noted == 1 else 'wait'} to be handed over."


def show(found: Sequence[ProductFeedback], person: Person) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        left = _narrowed(found)
        if access.may(person, "feedback.write"):
            _begin()
    if not found:
        st.info(
            "Nothing was written up yet. When customers keep writing about the same fault of the product, say so here once: its "
            "conversations, what they cost and what becomes of them are counted for you.",
            icon=":material/campaign:",
        )  # fmt: skip
        return
    pages = -(-len(left) // PAGE)
    page = (st.pagination(pages, key=f"feedback_pages_{len(left)}") if pages > 1 else 1) or 1
    shown = left[(page - 1) * PAGE : page * PAGE]
    for one, share in zip(shown, _shares(shown, person), strict=True):
        _line(one, share)


def _begin() -> None:
    if st.button("Write up a fault", type="primary", icon=":material/campaign:", key="feedback_new"):
        st.query_params.from_dict({"new": "1"})
        st.rerun()


def _narrowed(found: Sequence[ProductFeedback]) -> list[ProductFeedback]:
    """By status, where there are several."""
    there = [state for state in STATES if any(one.state == state for one in found)]
    if len(there) < 2:
        return list(found)
    counts = {state: sum(one.state == state for one in found) for state in there} | {"": len(found)}
    shown = st.segmented_control(
        "Status", ["", *there], default="", required=True, label_visibility="collapsed", key="feedback_shown", wrap=True,
        format_func=lambda state: f"{STATES.get(state, 'All')} {counts[state]:,}",
    )  # fmt: skip
    return [one for one in found if not shown or one.state == shown]


def _shares(found: Sequence[ProductFeedback], person: Person) -> list[Share | None]:
    """None: its search is understood no more, such as that of an intent of another name."""
    try:
        return list(feedback_evidence.shares([product_feedback.words_of(one) for one in found], by=person))
    except Refused:
        return [_share(one, person) for one in found]


def _share(one: ProductFeedback, person: Person) -> Share | None:
    try:
        return feedback_evidence.shares([product_feedback.words_of(one)], by=person)[0]
    except Refused:
        return None


def _line(one: ProductFeedback, share: Share | None) -> None:
    with st.container(border=True, key=f"feedback_line_{one.id}"):
        left, right = st.columns([3, 2], vertical_alignment="center")
        with left.container(gap=None):
            if st.button(f"**{widgets.plain(one.title)}**", key=f"feedback_open_{one.id}", type="tertiary"):
                st.query_params.from_dict({"feedback": one.id})
                st.rerun()
            st.caption(_whose(one))
        with right.container(gap="xsmall"):
            st.markdown(badge(one))
            st.markdown(f":small[{_size(share)}]")


def _whose(one: ProductFeedback) -> str:
    who = widgets.plain(people.names().get(one.by_person_id or "", "The portal"))
    to = f"For {widgets.plain(one.product_team)} · " if one.product_team else ""
    return f"{to}{who}, {widgets.when(one.at)}"


def _size(share: Share | None) -> str:
    if share is None:
        return "Its search is not understood any more."
    if not share.n:
        return "No conversation came in the last four weeks."
    return widgets.plain(widgets.unbroken(f"{share.k:,} in four weeks: {feedback_evidence.told_share(share)}"))
