"""Conversations: find them, read them."""

from datetime import datetime

import pandas as pd
import streamlit as st

from data import access, conversations, examples, labels, people, predictions, reviews
from data.conversations import PAGE, Filter
from data.measures import next_week
from portal import widgets

person = st.session_state["person"]


def one(conversation_id: str) -> None:
    found = conversations.get(conversation_id, by=person)
    if st.button("Back to the list", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.pop("conversation")
        st.rerun()
    if found is None:
        st.info("That conversation is not here, or it belongs to another team.", icon=":material/search_off:")
        return
    conversation, messages = found
    names = labels.names()
    widgets.page(
        f"{conversations.pseudonym(conversation.customer_id)}, {widgets.CHANNEL_WORDS[conversation.channel].lower()}",
        f"Opened {widgets.exact(conversation.opened_at)}, {conversation.status}"
        + (f", rated {conversation.csat} of 5" if conversation.csat else "")
        + (f", {conversation.handle_seconds // 60} minutes of work" if conversation.handle_seconds else ""),
    )
    left, right = st.columns([3, 1.5], gap="large")
    with left:
        widgets.transcript(conversation, messages)
    with right:
        widgets.machine_said(predictions.of_conversation(conversation_id), names)
        if access.may(person, "review.record"):
            st.page_link(
                "screens/review.py",
                label="Review this conversation",
                icon=":material/rate_review:",
                query_params={"conversation": conversation_id},
            )
        st.subheader("What people said", anchor=False)
        said = reviews.of_conversation(conversation_id, by=person)
        who = people.names()
        for review in said:
            with st.container(border=True, gap="xxsmall"):
                widgets.verdict_badge(review.verdict)
                st.caption(f"{widgets.plain(who.get(review.by_person_id or '', 'Somebody'))} · {widgets.when(review.at)}")
                st.text(f"Intent: {names.get(review.label_id or '', 'none of ours')}")
                for words, text in (("Better", review.reply), ("Note", review.note)):
                    if text:
                        st.text(f"{words}: {text}")
        if not said:
            st.caption("Nobody has reviewed it yet.")
        for example in examples.of_conversation(conversation_id, by=person):
            state = {"loose": "waits for the next freeze", "eval": "is a test case"}.get(example.use, example.use)
            st.caption(f":material/flag: Flagged as {example.kind}: {widgets.plain(example.why)} It {state}.")


def many() -> None:
    widgets.page("Conversations", "Everything that came in, newest first. Narrow it down, then choose a line to read it.")
    chosen = _filter()
    total = conversations.counted(chosen, by=person)
    if not total:
        st.info(
            "No conversation fits. Take a filter away." if not chosen.is_empty() else "Nothing is here yet. Import a file to begin.",
            icon=":material/search_off:",
        )
        if chosen.is_empty() and access.may(person, "conversation.import"):
            st.page_link("screens/imports.py", label="Import conversations", icon=":material/upload_file:")
        return
    pages = -(-total // PAGE)
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.caption(f"{total:,} conversations")
    with right, st.container(horizontal_alignment="right"):
        page = st.pagination(pages, key=f"conversations_page_{hash(chosen)}") if pages > 1 else 1
    listed = conversations.listed(chosen, by=person, page=(page or 1) - 1)
    _table(listed)


def _filter() -> Filter:
    """The row of filters. What is chosen stands in the address in the words that are shown, so that a link says what it opens."""
    channels = {words: channel for channel, words in widgets.CHANNEL_WORDS.items()}
    row = st.columns([2.2, 2, 2.2, 2], vertical_alignment="bottom")
    words = row[0].text_input("Words", key="words", bind="query-params", placeholder="Any words in it", icon=":material/search:")
    channel = row[1].selectbox("Channel", list(channels), index=None, key="channel", bind="query-params", placeholder="All")
    intents = [label.name for label in labels.of()]
    intent = row[2].selectbox(
        "Intent, by the machine", [SILENT, *intents], index=None, key="intent", bind="query-params", placeholder="All"
    )
    state = row[3].selectbox("Review", list(STATES), index=None, key="state", bind="query-params", placeholder="All")
    week = _week()
    reviewed, agreed = STATES.get(state, (None, None))
    return Filter(
        channel=channels.get(channel),
        intent="none" if intent == SILENT else intent,
        words=words or "",
        reviewed=reviewed,
        agreed=agreed,
        since=week,
        until=next_week(week) if week else None,
    )


SILENT = "Kept silent"
STATES = {  # reviewed, agreed
    "Reviewed": (True, None),
    "Not reviewed": (False, None),
    "Machine agrees": (None, True),
    "Machine disagrees": (None, False),
}


def _week() -> datetime | None:
    """A week that a chart's point led to; it stands in the address and can be taken away."""
    raw = st.query_params.get("week")
    try:
        week = datetime.fromisoformat(raw) if raw else None
    except ValueError:
        week = None
    if week is None or week.tzinfo is None:
        return None
    if st.button(f"Week of {widgets.day(week)}", icon=":material/close:", help="Take this filter away"):
        st.query_params.pop("week")
        st.rerun()
    return week


def _table(listed: list[conversations.Listed]) -> None:
    frame = pd.DataFrame(
        {
            "Opened": [widgets.when(row.opened_at) for row in listed],
            "Channel": [widgets.CHANNEL_WORDS[row.channel] for row in listed],
            "Customer": [row.customer for row in listed],
            "Begins": [" ".join(f"{row.subject} {row.opening}".split())[:160] for row in listed],
            "Intent": [row.intent or ("kept silent" if row.confidence is not None else "–") for row in listed],
            "Sure": [row.confidence * 100 if row.confidence is not None else None for row in listed],
            "Rated": [f"{row.csat} of 5" if row.csat else "" for row in listed],
            "Reviewed": [row.reviewed for row in listed],
        }
    )
    event = st.dataframe(
        frame,
        hide_index=True,
        height="content",
        key=f"conversations_table_{hash(tuple(row.id for row in listed))}",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Opened": st.column_config.TextColumn(width=100),
            "Channel": st.column_config.TextColumn(width=65),
            "Customer": st.column_config.TextColumn(width=112),
            "Begins": st.column_config.TextColumn(width=250),
            "Intent": st.column_config.TextColumn(width=150, help="What the live classifier said first"),
            "Sure": st.column_config.NumberColumn(format="%.0f %%", width=58),
            "Rated": st.column_config.TextColumn(width=58),
            "Reviewed": st.column_config.CheckboxColumn(width=70),
        },
    )
    if event.selection.rows:
        st.query_params["conversation"] = listed[event.selection.rows[0]].id
        st.rerun()


wanted = st.query_params.get("conversation")
if wanted:
    one(wanted)
else:
    many()
