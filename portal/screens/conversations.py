"""Conversations: find them, read them."""

from datetime import datetime

import pandas as pd
import streamlit as st

from data import access, conversations, examples, labels, people, predictions, reviews, search
from data.conversations import PAGE, Filter
from data.errors import Refused
from data.intake import revising, seals
from data.measures import next_week
from portal import acts, widgets

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
        happened(conversation_id)
        reveal(conversation_id)


SIGNALS = {
    "tag_changed": "Tag changed", "intent_changed": "Intent changed", "macro_used": "Macro used", "reassigned": "Reassigned",
    "reopened": "Opened again", "draft_sent": "Machine's draft sent as it was", "draft_edited": "Machine's draft edited",
    "draft_discarded": "Machine's draft thrown away", "rated": "Rated",
}  # fmt: skip


def happened(conversation_id: str) -> None:
    """What people did with it in the help desk, and what it was before it changed there."""
    signals, before = revising.told(conversation_id, by=person)
    if signals:
        with st.expander(f"In the help desk: {len(signals)} things happened", icon=":material/timeline:"):
            st.caption("Weak signs: they order what you see, and are never taken for what is right.")
            for signal in signals:
                what = f": {signal.value}" if signal.value else ""
                st.text(f"{SIGNALS.get(signal.kind, signal.kind)}{what} · {widgets.exact(signal.at)}")
    if before:
        with st.expander(f"It changed {len(before)} times at its source", icon=":material/history:"):
            for revision in before:
                st.text(f"{widgets.exact(revision.at)}: {in_words(revision.was)}")


def in_words(was: dict) -> str:
    told = [f"{name.replace('_', ' ')} was {value if value not in (None, '', []) else 'empty'}" for name, value in was["columns"].items()]
    for seq, changed in was["messages"].items():
        told.append(
            f"message {seq} was deleted there" if list(changed) == ["gone_at"] else f"message {seq} was “{changed.get('text', '…')}”"
        )
    if was["new_messages"]:
        told.append(f"{was['new_messages']} messages came")
    return "; ".join(told) or "nothing that is shown"


def _of_a_message(changed: dict) -> str:
    if list(changed) == ["gone_at"]:
        return "came back there" if changed["gone_at"] else "was deleted there"
    return f"was “{changed['text']}”" if "text" in changed else "was marked otherwise"


def reveal(conversation_id: str) -> None:
    """The original behind a placeholder, for who may see it and says why."""
    sealed = seals.sealed_in(conversation_id, by=person) if access.may(person, "personal_data.reveal") else []
    if not sealed:
        return
    with st.popover("Show what was replaced", icon=":material/visibility:"):
        st.caption("Who looked, at what and why stands in the record. Originals are kept for 30 days.")
        names = {seal.id: f"‹{seal.kind.upper()} {seal.number}›" for seal in sealed}
        chosen = st.selectbox("Which", list(names), format_func=names.get, key=f"conversations_seal_{conversation_id}")
        why = st.text_input("What you need it for", key=f"conversations_why_{conversation_id}")
        if st.button("Show it", key=f"conversations_show_{conversation_id}"):
            seal = next(one for one in sealed if one.id == chosen)
            shown = {}
            if acts.attempt(lambda: shown.update(text=seals.reveal(conversation_id, seal.kind, seal.number, why=why or "", by=person))):
                st.code(shown["text"], language=None)  # drawn once: with the next click it is gone
            else:
                st.rerun()


def many() -> None:
    widgets.page("Conversations", "Everything that came in, newest first. Narrow it down, then choose a line to read it.")
    chosen = _filter()
    try:
        total = conversations.counted(chosen, by=person)
    except Refused as refused:  # a search that cannot be understood
        st.warning(widgets.plain(str(refused)), icon=":material/search_off:")
        how_to_search(opened=True)
        return
    if not total:
        st.info(
            "No conversation fits. Take a filter away." if not chosen.is_empty() else "Nothing is here yet. Import a file to begin.",
            icon=":material/search_off:",
        )
        if chosen.is_empty() and access.may(person, "conversation.import"):
            st.page_link("screens/imports.py", label="Import conversations", icon=":material/upload_file:")
        return
    pages = -(-min(total, conversations.MOST_COUNTED) // PAGE)
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.caption(f"{conversations.in_words(total)} conversation{'' if total == 1 else 's'}")
    with right, st.container(horizontal_alignment="right"):
        page = st.pagination(pages, key=f"conversations_page_{hash(chosen)}") if pages > 1 else 1
    listed = conversations.listed(chosen, by=person, page=(page or 1) - 1)
    _table(listed)
    how_to_search(opened=False)


def how_to_search(*, opened: bool) -> None:
    with st.expander("How to search", expanded=opened, icon=":material/help:"):
        rows = "\n".join(f"| `{example}` | {told} |" for example, told in search.HELP)
        st.markdown(f"| You type | and find what |\n|---|---|\n{rows}")


def _filter() -> Filter:
    """The row of filters. What is chosen stands in the address in the words that are shown, so that a link says what it opens."""
    channels = {words: channel for channel, words in widgets.CHANNEL_WORDS.items()}
    row = st.columns([3, 1.6, 2.2, 1.8], vertical_alignment="bottom")
    words = row[0].text_input(
        "Search", key="words", bind="query-params", placeholder='Words, "phrases", intent:refund', icon=":material/search:"
    )
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
            "Channel": st.column_config.TextColumn(width=70),
            "Customer": st.column_config.TextColumn(width=122),
            "Begins": st.column_config.TextColumn(width=222),
            "Intent": st.column_config.TextColumn(width=150, help="What the live classifier said first"),
            "Sure": st.column_config.NumberColumn(format="%.0f %%", width=58),
            "Rated": st.column_config.TextColumn(width=58),
            "Reviewed": st.column_config.CheckboxColumn(width=82),
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
