"""Review: read, judge, correct, flag; the next one is there at once."""

import time

import streamlit as st

from data import access, conversations, drafts, examples, labels, predictions, queue, reviews
from data.tables import EvalSet
from evals import sets
from portal import acts, cached, talk, widgets

QUEUE = 12
NONE = ""  # a choice of its own: the machine may have spoken and still no intent fits
NOT_MINE = ("I was part of it", "Not my language", "Too little to judge")

person = st.session_state["person"]
reviews_here = access.may(person, "review.record")


def first_queue() -> str:
    """My own last chats where there are any; else what the team has to look at."""
    return "mine" if queue.mine(by=person, size=1) else "team"


def go_on() -> None:
    """To what comes first now."""
    st.session_state.pop("review_chosen", None)
    st.query_params.pop("conversation", None)


def look_up() -> None:
    text = st.session_state["review_pasted"].strip()
    if text and (meant := queue.pasted(text, by=person)):
        st.query_params["conversation"] = meant
        st.session_state["review_pasted"] = ""
    elif text:
        st.session_state["review_not_found"] = text


if st.query_params.get("queue") not in queue.QUEUES:
    st.query_params["queue"] = first_queue()
chosen_queue = st.query_params["queue"]
waiting = queue.QUEUES[chosen_queue][1](by=person)[:QUEUE]
asked_for = st.query_params.get("conversation")
chosen = asked_for or st.session_state.get("review_chosen") or (waiting[0].listed.id if waiting else None)

widgets.page(
    "Review",
    "Was the answer strong or weak? Correct the intent if it is wrong. What teaches most comes first."
    if waiting or asked_for
    else "Nothing waits for review here. New conversations appear here as they come in.",
)
where, paste = st.columns([5, 3], vertical_alignment="bottom")
with where:
    picked = st.segmented_control(
        "Which ones", list(queue.QUEUES), format_func=lambda name: queue.QUEUES[name][0], default=chosen_queue, required=True,
        label_visibility="collapsed", key="review_queue",
    )  # fmt: skip
    if picked != chosen_queue:
        go_on()
        st.query_params["queue"] = picked
        st.rerun()
with paste:
    st.text_input(
        "Open one by its address", key="review_pasted", on_change=look_up, label_visibility="collapsed",
        placeholder="Paste an address or a number from the help desk", icon=":material/link:",
    )  # fmt: skip
if not_found := st.session_state.pop("review_not_found", None):
    st.info(f"No conversation within your reach is known as '{not_found[:80]}'. Has it been imported?", icon=":material/search_off:")

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
    if reviews_here:
        acts.attempt(lambda: queue.claim(conversation.id, by=person))  # a database that is busy keeps nobody from reading
draft = drafts.of(conversation.id, by=person) if reviews_here else {}


def typed() -> dict[str, str]:
    """What stands in the fields now, also in those that are not shown at this moment."""
    fields = {"note": "note", "reply": "reply", "why": "why", "label_id": "intent"}
    return draft | {
        name: st.session_state[key] or "" for name, of in fields.items() if (key := f"review_{of}_{conversation.id}") in st.session_state
    }


def keep() -> None:
    """A started review survives a closed tab, a lapsed claim and the night."""
    acts.attempt(lambda: drafts.keep(conversation.id, typed(), by=person))


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


begun = set(drafts.begun(by=person)) if reviews_here else set()
line, middle, form = st.columns([2, 4.2, 3.4], gap="medium")
with line, st.container(height=560, border=False, gap="xxsmall"):
    for item in waiting:
        one = item.listed
        told = f"in hand of {item.in_hand_of}" if item.in_hand_of else "you began it" if one.id in begun else item.why
        if st.button(
            f"{one.customer} · {widgets.short(one.opened_at)}  \n:small[{widgets.plain(told)}]",
            key=f"review_open_{one.id}",
            icon=widgets.CHANNEL_ICONS[one.channel],
            width="stretch",
            type="primary" if one.id == conversation.id else "secondary",
        ):
            st.session_state["review_chosen"] = one.id
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
    if not reviews_here:
        st.info("Admins read conversations but do not review them.")
        st.stop()
    available = labels.of()
    ids = [*(label.id for label in available), NONE]
    guess = prediction.label_id if prediction else None  # where it kept silent, nothing is put in the reviewer's mouth
    earlier = [review for review in reviews.of_conversation(conversation.id, by=person) if review.by_person_id == person.id]
    chosen_label = draft.get("label_id", earlier[0].label_id if earlier else guess)
    key = conversation.id
    eval_sets = sets.all_sets(by=person)
    flag = None
    if eval_sets:
        wants = st.toggle(
            "Flag it as an example",
            key=f"review_flag_{key}",
            value="why" in draft,
            help="It becomes a test case when its eval set is frozen.",
        )
        flag = eval_sets[0] if wants else None
    if flag is not None:
        if len(eval_sets) > 1:
            flag = st.selectbox("Eval set", eval_sets, format_func=lambda made: made.name, key=f"review_set_{key}")
        st.text_input(
            f"Why it is a good test for '{widgets.plain(flag.name)}'",
            value=draft.get("why", ""),
            key=f"review_why_{key}",
            on_change=keep,
            placeholder="A sentence that everybody who reads the case will see",
        )
    st.selectbox(
        "Intent",
        ids,
        index=ids.index(chosen_label) if chosen_label in ids else None,
        format_func=lambda label_id: names.get(label_id, "None of ours fits"),
        key=f"review_intent_{key}",
        on_change=keep,
        placeholder="Choose the intent",
    )
    before = earlier[0] if earlier else None
    st.text_area(
        "A better reply",
        value=draft.get("reply", before.reply if before else ""),
        key=f"review_reply_{key}",
        on_change=keep,
        height=90,
        placeholder="Leave empty if it was fine",
    )
    st.text_input("Note", value=draft.get("note", before.note if before else ""), key=f"review_note_{key}", on_change=keep)
    left, right = st.columns(2, gap="xsmall")
    strong = left.button("Strong", shortcut="S", width="stretch", key=f"review_strong_{key}")
    weak = right.button("Weak", shortcut="W", width="stretch", key=f"review_weak_{key}")
    neither = st.button("Neither", shortcut="N", width="stretch", key=f"review_none_{key}")
    verdict = "strong" if strong else "weak" if weak else "none" if neither else ""
    if verdict:
        if save(verdict, flag):
            cached.forget()
            go_on()
        st.rerun()
    if earlier:
        st.caption(f"You reviewed this {widgets.when(earlier[0].at)} as {earlier[0].verdict}. Saving again corrects it.")
    else:
        with st.popover("Not for me", icon=":material/skip_next:", type="tertiary", key=f"review_skip_{key}"):
            st.caption("It goes back to the others. Why?")
            for number, reason in enumerate(NOT_MINE):
                if st.button(reason, key=f"review_skip_{number}_{key}", type="tertiary"):
                    acts.attempt(lambda reason=reason: queue.skip(key, reason, by=person), done="Skipped; it went back to the others.")
                    go_on()
                    st.rerun()
            own = st.text_input("Another reason", key=f"review_skip_why_{key}")
            if own and acts.attempt(lambda: queue.skip(key, own, by=person), done="Skipped; it went back to the others."):
                go_on()
                st.rerun()
    if draft and st.button("Throw away what I typed", icon=":material/delete_sweep:", type="tertiary", key=f"review_drop_{key}"):
        drafts.throw_away(key, by=person)
        for field in ("note", "reply", "why", "intent", "flag"):
            st.session_state.pop(f"review_{field}_{key}", None)
        st.rerun()
    for example in examples.of_conversation(conversation.id, by=person):
        st.caption(f":material/flag: Flagged as a {example.kind} example: {widgets.plain(example.why)}")
        with st.popover("Discuss it", icon=":material/chat_bubble:", key=f"review_talk_{example.id}"):
            talk.show("example", example.id, by=person)
