"""One conversation: what was said, what the machine and people made of it, and what else this customer wrote."""

from pathlib import Path

import streamlit as st

from data import access, conversations, examples, labels, people, predictions, reviews
from data.conversations import Listed
from data.intake import revising, seals
from data.tables import Conversation
from portal import acts, recipe_buttons, recipe_did, suggested, transcript, visitors, widgets

MARKS = {"yes": "yes", "no": "no", "unsure": "not sure"}
USES = {"loose": "waits for the next freeze", "train": "is learned from", "eval": "is a test case", "gold": "is a gold example"}

person = st.session_state["person"]


def ways_on(conversation_id: str) -> None:
    """Back to the list as it was narrowed; and on to saying something oneself, where one may."""
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        narrowed = st.session_state.get("conversations_narrowed", {})
        st.page_link("screens/conversations.py", label="All conversations", icon=":material/arrow_back:", query_params=narrowed)
        if conversation_id and access.may(person, "review.record"):
            address = {"conversation": conversation_id}
            with st.container(key="conversation_flag_", width="content"):
                st.page_link("screens/review.py", label="Review or flag it (F)", icon=":material/rate_review:", query_params=address)
        if conversation_id and access.may(person, "label.draft"):
            alike = {"like": conversation_id}
            st.page_link("screens/examples.py", label="Find more like this", icon=":material/library_add:", query_params=alike)
        if conversation_id and access.may(person, "automation.draft"):
            begun = {"begin": "new", "from": conversation_id}
            st.page_link("screens/automations.py", label="Automate this", icon=":material/account_tree:", query_params=begun)


def about(conversation: Conversation) -> str:
    told = [f"Opened {widgets.exact(conversation.opened_at)}", conversation.status]
    if conversation.csat:
        told.append(f"rated {conversation.csat} of 5")
    if conversation.handle_seconds:
        told.append(f"{conversation.handle_seconds // 60} minutes of work")
    return ", ".join(told)


def made_of_it(conversation_id: str) -> None:
    """What the machine said, and what people said; neither before one's own word where several are to judge for themselves."""
    names = labels.names()
    if reviews.is_blind(conversation_id, by=person):
        st.caption(
            ":material/visibility_off: Several people judge this one, each for themselves: what the machine and others said "
            "comes after you review it."
        )
        return
    widgets.machine_said(predictions.of_conversation(conversation_id), names)
    for answer in predictions.beside_intent(conversation_id):
        widgets.machine_said(answer, names, asked=answer.target_name)
    st.subheader("What people said", anchor=False)
    said, who = reviews.of_conversation(conversation_id, by=person), people.names()
    for review in said:
        with st.container(border=True, gap="xxsmall"):
            widgets.verdict_badge(review.verdict)
            st.caption(f"{widgets.plain(who.get(review.by_person_id or '', 'Somebody'))} · {widgets.when(review.at)}")
            st.text(f"Intent: {names.get(review.label_id or '', 'none of ours')}")
            marks = ", ".join(f"{item} {MARKS[answer]}" for item, answer in ((review.rubric or {}).get("said") or {}).items())
            for words, text in (("Better", review.reply), ("Note", review.note), ("Asked", marks)):
                if text:
                    st.text(f"{words}: {text}")
    if not said:
        st.caption("Nobody has reviewed it yet.")
    for example in examples.of_conversation(conversation_id, by=person):
        state = USES.get(example.use, example.use)
        st.caption(f":material/flag: Flagged as {example.kind}: {widgets.plain(example.why)} It {state}.")


def of_the_customer(conversation: Conversation) -> None:
    """What else they wrote: a second question often explains the first."""
    others = conversations.of_customer(conversation.id, by=person)
    later = [row for row in others if row.opened_at > conversation.opened_at]
    earlier = [row for row in others if row.opened_at <= conversation.opened_at]
    with st.container(key="conversation_others"):
        for title, rows in (("Later conversations of this customer", later), ("Earlier conversations of this customer", earlier)):
            if rows:
                st.subheader(title, anchor=False)
            for row in rows:
                link(row)


def link(row: Listed) -> None:
    begins = " ".join(f"{row.subject} {row.opening}".split())
    about = row.intent or ("Kept silent" if row.confidence is not None else "")
    with st.container(gap=None):
        st.page_link(
            "screens/conversation.py",
            label=f"{widgets.day(row.opened_at)} · {widgets.CHANNEL_WORDS[row.channel]}",
            icon=widgets.CHANNEL_ICONS[row.channel],
            query_params={"conversation": row.id},
        )
        st.caption((f"**{widgets.plain(about)}** · " if about else "") + widgets.plain(begins[:90] + ("…" if len(begins) > 90 else "")))


SIGNALS = {
    "tag_changed": "Tag changed", "intent_changed": "Intent changed", "macro_used": "Macro used", "reassigned": "Reassigned",
    "reopened": "Opened again", "draft_sent": "Machine's draft sent as it was", "draft_edited": "Machine's draft edited",
    "draft_discarded": "Machine's draft thrown away", "rated": "Rated",
}  # fmt: skip


def happened(conversation_id: str) -> None:
    """What people did with it in the help desk, and what it was before it changed there."""
    signals, before = revising.told(conversation_id, by=person)
    if signals:
        with st.expander(
            f"In the help desk: {len(signals)} thing{' happened' if len(signals) == 1 else 's happened'}", icon=":material/timeline:"
        ):
            st.caption("Weak signs: they order what you see, and are never taken for what is right.")
            for signal in signals:
                what = f": {signal.value}" if signal.value else ""
                st.text(f"{SIGNALS.get(signal.kind, signal.kind)}{what} · {widgets.exact(signal.at)}")
    if before:
        times = "once" if len(before) == 1 else f"{len(before)} times"
        with st.expander(f"It changed {times} at its source", icon=":material/history:"):
            for revision in before:
                st.text(f"{widgets.exact(revision.at)}: {in_words(revision.was)}")


def in_words(was: dict) -> str:
    told = [f"{name.replace('_', ' ')} was {value if value not in (None, '', []) else 'empty'}" for name, value in was["columns"].items()]
    told += [f"message {seq} {of_a_message(changed)}" for seq, changed in was["messages"].items()]
    if was["new_messages"]:
        told.append(f"{was['new_messages']} messages came")
    return "; ".join(told) or "nothing that is shown"


def of_a_message(changed: dict) -> str:
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
        chosen = st.selectbox("Which", list(names), format_func=names.get, key=f"conversation_seal_{conversation_id}")
        why = st.text_input("What you need it for", key=f"conversation_why_{conversation_id}")
        if st.button("Show it", key=f"conversation_show_{conversation_id}"):
            seal = next(one for one in sealed if one.id == chosen)
            shown = {}
            if acts.attempt(lambda: shown.update(text=seals.reveal(conversation_id, seal.kind, seal.number, why=why or "", by=person))):
                st.code(shown["text"], language=None)  # drawn once: with the next click it is gone
            else:
                st.rerun()


st.html(Path(__file__).with_suffix(".css"))
wanted = st.query_params.get("conversation", "")
found = conversations.get(wanted, by=person) if wanted else None
ways_on(wanted if found else "")
if found is None:
    st.title("Conversation", anchor=False)
    st.info("That conversation is not here, or it belongs to another team.", icon=":material/search_off:")
    st.stop()

conversation, messages = found
widgets.page(
    f"{conversations.pseudonym(conversation.customer_id)}, {widgets.CHANNEL_WORDS[conversation.channel].lower()}", about(conversation)
)
with st.container(key="conversation_sides"):
    left, right = st.columns([3, 1.5], gap="large")
with left:
    transcript.show(conversation, messages)
    visitors.answer(conversation.id, by=person)
with right:
    recipe_buttons.show(conversation.id, by=person)
    if not recipe_did.show(conversation.id, by=person):
        suggested.show(conversation.id, by=person)
    made_of_it(conversation.id)
    happened(conversation.id)
    reveal(conversation.id)
    of_the_customer(conversation)
