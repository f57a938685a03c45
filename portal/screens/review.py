"""Review: read, judge, correct, flag; the next one is there at once."""

import time

import streamlit as st

from data import access, conversations, examples, labels, predictions, reviews
from data.measures import percent
from data.tables import EvalSet
from evals import sets
from portal import acts, cached, talk, widgets

QUEUE = 12
NONE = ""  # a choice of its own: the machine may have spoken and still no intent fits

person = st.session_state["person"]
skipped = st.session_state.setdefault("review_skipped", [])
asked_for = st.query_params.get("conversation")
waiting = conversations.waiting_for_review(by=person, size=QUEUE, skip=skipped)
chosen = asked_for or st.session_state.get("review_chosen") or (waiting[0].id if waiting else None)

widgets.page(
    "Review",
    "Was the answer strong or weak? Correct the intent if it is wrong. The least certain come first."
    if waiting or asked_for
    else "Nothing waits for review. New conversations appear here as they come in.",
)
found = conversations.get(chosen, by=person) if chosen else None
if found is None:
    if chosen:
        st.info("That conversation is not here, or it belongs to another team.", icon=":material/search_off:")
    st.page_link("screens/imports.py", label="Import conversations", icon=":material/upload_file:")
    st.stop()

conversation, messages = found
prediction = predictions.of_conversation(conversation.id)
names = labels.names()
if st.session_state.get("review_shown") != conversation.id:
    st.session_state["review_shown"], st.session_state["review_began"] = conversation.id, time.monotonic()


def next_one() -> None:
    st.session_state.pop("review_chosen", None)
    st.query_params.pop("conversation", None)


def save(verdict: str, eval_set: EvalSet | None) -> bool:
    key = conversation.id
    said = {
        "by": person,
        "label_id": st.session_state.get(f"review_intent_{key}") or None,
        "reply": st.session_state[f"review_reply_{key}"] or "",
        "note": st.session_state[f"review_note_{key}"] or "",
        "seconds": round(time.monotonic() - st.session_state["review_began"], 1),
    }
    if eval_set is None:
        return acts.attempt(lambda: reviews.record(key, verdict, **said), done="Saved.")
    why = st.session_state[f"review_why_{key}"] or ""
    return acts.attempt(
        lambda: examples.review_and_flag(key, verdict, why=why, eval_set_id=eval_set.id, **said),
        done=f"Saved and flagged for '{eval_set.name}'.",
    )


queue, middle, form = st.columns([2, 4.2, 3.4], gap="medium")
with queue:
    st.caption("Least certain first")
    with st.container(height=560, border=False, gap="xxsmall"):
        for item in waiting:
            sure = percent(item.confidence) if item.confidence is not None else "new"
            icon = widgets.CHANNEL_ICONS[item.channel]
            if st.button(
                f"{item.customer}  \n:small[{widgets.short(item.opened_at)} · {sure}]",
                key=f"review_open_{item.id}",
                icon=icon,
                width="stretch",
                type="primary" if item.id == conversation.id else "secondary",
            ):
                st.session_state["review_chosen"] = item.id
                st.query_params.pop("conversation", None)
                st.rerun()

with middle:
    st.markdown(
        f"{widgets.CHANNEL_ICONS[conversation.channel]} **{conversations.pseudonym(conversation.customer_id)}** · "
        f"{widgets.CHANNEL_WORDS[conversation.channel]} · {widgets.when(conversation.opened_at)}"
        + (f" · rated {conversation.csat} of 5" if conversation.csat else "")
    )
    widgets.machine_said(prediction, names)
    widgets.transcript(conversation, messages, height=500, bubble=340)

with form:
    if not access.may(person, "review.record"):
        st.info("Admins read conversations but do not review them.")
        st.stop()
    available = labels.of()
    ids = [*(label.id for label in available), NONE]
    guess = prediction.label_id if prediction else None  # where it kept silent, nothing is put in the reviewer's mouth
    earlier = [review for review in reviews.of_conversation(conversation.id, by=person) if review.by_person_id == person.id]
    chosen_label = earlier[0].label_id if earlier else guess
    key = conversation.id
    eval_sets = sets.all_sets(by=person)
    flag = None
    if eval_sets:
        wants = st.toggle("Flag it as an example", key=f"review_flag_{key}", help="It becomes a test case when its eval set is frozen.")
        flag = eval_sets[0] if wants else None
    with st.form(f"review_form_{key}", enter_to_submit=False):
        if flag is not None:
            if len(eval_sets) > 1:
                flag = st.selectbox("Eval set", eval_sets, format_func=lambda made: made.name, key=f"review_set_{key}")
            st.text_input(
                f"Why it is a good test for '{flag.name}'",
                key=f"review_why_{key}",
                placeholder="A sentence that everybody who reads the case will see",
            )
        st.selectbox(
            "Intent",
            ids,
            index=ids.index(chosen_label) if chosen_label in ids else None,
            format_func=lambda label_id: names.get(label_id, "None of ours fits"),
            key=f"review_intent_{key}",
            placeholder="Choose the intent",
        )
        st.text_area(
            "A better reply",
            value=earlier[0].reply if earlier else "",
            key=f"review_reply_{key}",
            height=90,
            placeholder="Leave empty if it was fine",
        )
        st.text_input("Note", value=earlier[0].note if earlier else "", key=f"review_note_{key}")
        left, right = st.columns(2, gap="xsmall")
        strong = left.form_submit_button("Strong", shortcut="S", width="stretch")
        weak = right.form_submit_button("Weak", shortcut="W", width="stretch")
        neither = st.form_submit_button("Neither", shortcut="N", width="stretch")
    verdict = "strong" if strong else "weak" if weak else "none" if neither else ""
    if verdict:
        if save(verdict, flag):
            cached.forget()
            next_one()
        st.rerun()
    if earlier:
        st.caption(f"You reviewed this {widgets.when(earlier[0].at)} as {earlier[0].verdict}. Saving again corrects it.")
    elif st.button("Skip for now", icon=":material/skip_next:", shortcut="K", key="review_skip", type="tertiary"):
        skipped.append(conversation.id)
        next_one()
        st.rerun()
    for example in examples.of_conversation(conversation.id, by=person):
        st.caption(f":material/flag: Flagged as a {example.kind} example: {widgets.plain(example.why)}")
        with st.popover("Discuss it", icon=":material/chat_bubble:", key=f"review_talk_{example.id}"):
            talk.show("example", example.id, by=person)
