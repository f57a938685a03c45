"""Policy: of each intent what machines may do alone, what they may only propose, and what is people's work."""

from collections.abc import Sequence

import streamlit as st

from automations import mandated
from automations.mandated import Row, Shown
from automations.mandates import ALONE, DAYS, NEVER, PROPOSE, WORDS
from data import access, people
from portal import policy_change, widgets

person = st.session_state["person"]
BADGES = {
    NEVER: (":material/back_hand:", "orange"), PROPOSE: (":material/edit_note:", "blue"), ALONE: (":material/smart_toy:", "gray"),
}  # fmt: skip
EVERY, PAGE, SHOWN = "All", 30, 30
HELP = {
    f"{DAYS} days": "Conversations of the last 30 days within your reach",
    "By machine": "Conversations of these in which a recipe did something; that it called a person does not count",
}
PARTS = [2.9, 2.8, 1.0, 1.2, 1.1]


def head(found: Shown) -> None:
    widgets.page(
        "Policy",
        "What machines may do, intent by intent. Every recipe is held to it, whatever it says itself. Stricter holds at once; looser needs "
        "a second person.",
    )
    if not found.is_set:
        st.info(
            "There is no policy yet: each recipe is held to its own limits alone. Choose an intent below and say what machines may do "
            "there; begin with what takes a person's judgement, such as complaints about staff.",
            icon=":material/policy:",
        )
        return
    who = people.names().get(found.by_person_id or "", "the console")
    since = f", {widgets.when(found.since)}" if found.since else ""
    st.caption(f"Number {found.number}, by {widgets.plain(who)}{since}", help=widgets.exact(found.since) if found.since else None)
    if found.any_intent:
        many = "1 recipe begins" if len(found.any_intent) == 1 else f"{len(found.any_intent):,} recipes begin"
        names = widgets.plain(", ".join(found.any_intent))
        st.caption(f"{many} with any intent, and each conversation decides what it may do: {names}")


def chosen(rows: Sequence[Row]) -> list[Row]:
    """Those that the filter leaves, each answer with its count."""
    counts = {may: sum(row.line.may == may for row in rows) for may in (NEVER, PROPOSE, ALONE)}
    words = {EVERY: f"All {len(rows):,}"} | {may: f"{WORDS[may]} {count:,}" for may, count in counts.items()}
    shown = st.segmented_control(
        "Show", list(words), format_func=words.__getitem__, default=EVERY, required=True, label_visibility="collapsed", key="policy_shown"
    )
    return [row for row in rows if shown in (None, EVERY, row.line.may)]


def table(rows: Sequence[Row]) -> None:
    if not rows:
        st.info("No intent is held to that.", icon=":material/search_off:")
        return
    pages = -(-len(rows) // PAGE)
    page = (st.pagination(pages, key=f"policy_pages_{len(rows)}") if pages > 1 else 1) or 1
    titles = st.columns(PARTS, vertical_alignment="bottom")
    for column, words in zip(titles, ("Intent", "What holds", f"{DAYS} days", "By machine", ""), strict=True):
        column.caption(words, help=HELP.get(words))
    for row in rows[(page - 1) * PAGE : page * PAGE]:
        line(row)


def line(row: Row) -> None:
    open_now = st.query_params.get("intent") == row.key
    with st.container(key=f"policy_line_{row.key.replace(' ', '_')}", gap="xsmall"):
        parts = st.columns(PARTS, vertical_alignment="center")
        title = f"**{widgets.plain(row.title)}**" if row.own else widgets.plain(row.title)
        parts[0].markdown(title + below(f":material/account_tree: {widgets.plain(', '.join(row.recipes))}" if row.recipes else ""))
        parts[1].markdown(holds(row))
        for column, count in zip(parts[2:4], numbers(row), strict=True):
            column.markdown(count)
        if access.may(person, "guardrail.tighten") and parts[4].button(
            "Close" if open_now else "Change", key=f"policy_open_{row.key.replace(' ', '_')}", type="tertiary",
            help=f"What machines may do on '{widgets.plain(row.title)}'",
        ):  # fmt: skip
            st.query_params.from_dict({} if open_now else {"intent": row.key})
            st.rerun()
        for proposal in row.waiting:
            st.page_link(
                "screens/approvals.py", label=f"Waits for a second person: {widgets.plain(proposal.title)}",
                icon=":material/hourglass_top:", query_params={"proposal": proposal.id},
            )  # fmt: skip
        if open_now and access.may(person, "guardrail.tighten"):
            policy_change.form(row, person)


def changes() -> None:
    """Who changed what and why, newest first."""
    found, who = mandated.changes(by=person), people.names()
    if not found:
        return
    with st.expander(f"What was changed: {len(found):,}", icon=":material/history:", key="policy_changes"):
        for one in found[:SHOWN]:
            st.markdown(f"**{one.number}** · {widgets.plain(one.sentence)}")
            name = widgets.plain(who.get(one.by_person_id or "", "the console"))
            st.caption(f"{widgets.plain(one.why)} · {name}, {widgets.when(one.at)}", help=widgets.exact(one.at))


def holds(row: Row) -> str:
    """Said by itself it stands out; what is held to everything else is quiet."""
    icon, colour = BADGES[row.line.may]
    if not row.own:
        return f":small[:gray[{icon} {WORDS[row.line.may]}, as everything else]]"
    judgement = " :orange-badge[:material/psychology: Judgement work]" if row.line.judgement else ""
    return f":{colour}-badge[{icon} {WORDS[row.line.may]}]{judgement}" + below(widgets.plain(row.line.note))


def below(words: str) -> str:
    """A second, smaller line of the same piece."""
    return f"  \n:small[:gray[{words}]]" if words else ""


def numbers(row: Row) -> tuple[str, str]:
    if row.figures is None:
        return "–", "–"
    return f"{row.figures.conversations:,}", f"{row.figures.by_machine:,}"


found = mandated.shown(by=person)
head(found)
if not any(row.is_intent for row in found.rows):
    st.info("No intent is in use yet. Once a classifier has some, each of them stands here.", icon=":material/category:")
table(chosen(found.rows))
changes()
st.caption(
    "What a conversation is about is what a person said on Review, else what the classifier said when it came; of several intents the "
    "strictest counts."
)
