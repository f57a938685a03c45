"""Review: read, judge, correct, flag; the next one is there at once."""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data import access, conversations, drafts, effects, labels, predictions, queue, reviews
from data.tables import Conversation, Message, Prediction
from portal import acts, transcript, widgets
from portal.judging import Form

QUEUE = 12
BLIND = (
    ":material/visibility_off: Several people judge this one, each for themselves. What the machine and others said comes once you saved."
)

person = st.session_state["person"]
reviews_here = access.may(person, "review.record")
state = st.session_state


def first_queue() -> str:
    """My own last chats where there are any; else what the team has to look at."""
    return "mine" if queue.mine(by=person, size=1) else "team"


# -- where one is -------------------------------------------------------------------------------------------------------------------------


def start_over() -> None:
    """To what comes first now."""
    state.pop("review_chosen", None)
    st.query_params.pop("conversation", None)


def go_on(made: str, judged: bool) -> None:
    """To the next of those that stood beside it: it is drawn before the queue is looked through again."""
    if judged:
        state.setdefault("review_looked_at", []).append(made)
    start_over()
    line = state.get("review_stood", [])
    after = line[line.index(made) + 1 :] if made in line else line
    if after:
        state["review_chosen"] = state["review_by_itself"] = after[0]


def choose(conversation_id: str) -> None:
    state["review_chosen"] = conversation_id
    st.query_params.pop("conversation", None)


def change_queue() -> None:
    start_over()
    state.pop("review_looked_at", None)
    st.query_params.pop("from", None)
    st.query_params["queue"] = state["review_queue"]


def to_team() -> None:
    start_over()
    st.query_params.pop("from", None)
    st.query_params["queue"] = state["review_queue"] = "team"


def come_from() -> str:
    """The source to which the queue is narrowed, as one click elsewhere put it in the address: its first one comes first."""
    source = st.query_params.get("from", "")
    if source:
        st.query_params["queue"] = "team"
    if state.get("review_from", "") != source:
        state["review_from"] = source
        state.pop("review_chosen", None)
    return source


def look_up() -> None:
    text = state["review_pasted"].strip()
    if text and (meant := queue.pasted(text, by=person)):
        st.query_params["conversation"] = meant
        state["review_pasted"] = ""
    elif text:
        state["review_not_found"] = text


# -- the page -----------------------------------------------------------------------------------------------------------------------------


def head(chosen_queue: str, sentence: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Review", anchor=False, width="content")
        st.segmented_control(
            "Which ones", list(queue.QUEUES), format_func=lambda name: queue.QUEUES[name][0], default=chosen_queue, required=True,
            label_visibility="collapsed", key="review_queue", on_change=change_queue,
        )  # fmt: skip
        st.text_input(
            "Open one by its address", key="review_pasted", on_change=look_up, label_visibility="collapsed",
            placeholder="Paste an address or a number from the help desk", icon=":material/link:",
        )  # fmt: skip
    st.caption(sentence)
    if not_found := state.pop("review_not_found", None):
        st.info(
            f"No conversation within your reach is known as '{widgets.plain(not_found[:80])}'. Has it been imported?",
            icon=":material/search_off:",
        )


def narrowed(waiting: list[queue.Item]) -> None:
    """What alone comes now, and the way out."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        told = f"{len(waiting):,}, {'each ' if len(waiting) > 1 else ''}{waiting[0].why}" if waiting else "nothing is left"
        st.markdown(f"Looking through: {widgets.plain(told)}", width="content")
        st.button("All the queue", key="review_all", type="tertiary", icon=":material/close:", on_click=to_team)


def line(waiting: list[queue.Item], shown: str) -> None:
    begun = set(drafts.begun(by=person)) if reviews_here else set()
    for item in waiting:
        one = item.listed
        told = f"in hand of {item.in_hand_of}" if item.in_hand_of else "you began it" if one.id in begun else item.why
        st.button(
            f"{one.customer.removeprefix('Customer ')} · {widgets.short(one.opened_at)}  \n:small[{widgets.plain(told)}]",
            key=f"review_open_{one.id}",
            icon=widgets.CHANNEL_ICONS[one.channel],
            width="stretch",
            type="primary" if one.id == shown else "secondary",
            on_click=choose,
            args=(one.id,),
        )


def read(conversation: Conversation, messages: list[Message], prediction: Prediction | None, blind: bool, form: Form) -> None:
    st.markdown(
        f"{widgets.CHANNEL_ICONS[conversation.channel]} **{conversations.pseudonym(conversation.customer_id)}** · "
        f"{widgets.CHANNEL_WORDS[conversation.channel]} · {widgets.when(conversation.opened_at)}"
        + (f" · rated {conversation.csat} of 5" if conversation.csat else "")
    )
    if blind:
        st.caption(BLIND)
    else:
        words, wrong = st.columns([4, 1.2], vertical_alignment="center")
        with words:
            widgets.machine_said(prediction, labels.names())
        if reviews_here and prediction and prediction.label_id:
            wrong.button(
                "Wrong (M)", key=f"review_wrong_{conversation.id}", type="tertiary",
                on_click=form.machine_is_wrong,
                help="The machine is wrong here: takes its intent away, so that you choose the right one.",
            )  # fmt: skip
    transcript.show(conversation, messages, height=500)


def three_done() -> None:
    """After three: what they changed, and the way on."""
    head("three", "Three looked at. This is what came of them.")
    for sentence in effects.of(state["review_looked_at"], by=person):
        st.markdown(f"- {widgets.plain(sentence)}")
    st.button("Three more", type="primary", key="review_three_more", on_click=lambda: state.pop("review_looked_at", None))


def main() -> None:
    source = come_from()
    if st.query_params.get("queue") not in queue.QUEUES:
        st.query_params["queue"] = first_queue()
    chosen_queue = st.query_params["queue"]
    asked_for = st.query_params.get("conversation")
    if chosen_queue == "three" and not asked_for and len(state.get("review_looked_at", [])) >= queue.THREE:
        three_done()
        return
    found, waiting = reached(asked_for or state.get("review_chosen")), None
    if found is None and not asked_for:
        waiting = look_through(chosen_queue, source)
        found = reached(waiting[0].listed.id) if waiting else None
    above = st.container()
    if found is not None:
        desk(*found, above, chosen_queue, source, waiting)
        return
    with above:
        told = "You looked through all of it." if source else "Nothing waits for review here."
        head(chosen_queue, f"{told} New conversations appear here as they come in.")
        if source:
            narrowed([])
    if asked_for:
        st.info("That conversation is not here, or it belongs to another team.", icon=":material/search_off:")
    if chosen_queue == "mine" and not asked_for:
        st.button("See the team's", type="primary", key="review_to_team", on_click=to_team)
    st.page_link("screens/imports.py", label="Import conversations", icon=":material/upload_file:")


def reached(made: str | None) -> tuple[Conversation, list[Message]] | None:
    """The conversation, taken in hand; none where it cannot be read, or where a colleague was faster and it came up by itself."""
    found = conversations.get(made, by=person) if made else None
    if found is None or not made or not reviews_here or state.get("review_shown") == made:
        return found
    state["review_shown"], state["review_began"] = made, time.monotonic()
    claims: list[object] = []
    acts.attempt(lambda: claims.append(queue.claim(made, by=person)))  # a database that is busy keeps nobody from reading
    if claims == [None] and state.get("review_by_itself") == made:
        return None
    return found


def look_through(chosen_queue: str, source: str) -> list[queue.Item]:
    if source:
        return queue.from_source(source, by=person)
    return queue.QUEUES[chosen_queue][1](by=person)[:QUEUE]


def desk(
    conversation: Conversation, messages: list[Message], above: DeltaGenerator, chosen_queue: str, source: str,
    waiting: list[queue.Item] | None,
) -> None:  # fmt: skip
    """What is read comes first, then what is said of it; the queue is looked through last, and nobody waits for it."""
    with st.container(key="review_desk"):
        left, middle, right = st.columns([1.7, 4.4, 3.4], gap="medium")
    form, blind = Form(conversation.id, person, go_on), reviews.is_blind(conversation.id, by=person)
    prediction = None if blind else predictions.of_conversation(conversation.id)
    with middle:
        read(conversation, messages, prediction, blind, form)
    with above:
        head(chosen_queue, "Strong or weak? Correct the intent if it is wrong; what teaches most comes first.")
    with right:
        if reviews_here:
            form.draw(prediction.label_id if prediction else None)  # where it kept silent, nothing is put in anybody's mouth
        else:
            st.info("Admins read conversations but do not review them.")
    waiting = look_through(chosen_queue, source) if waiting is None else waiting
    state["review_stood"] = [item.listed.id for item in waiting]
    if source:
        with above:
            narrowed(waiting)
    with left, st.container(height=600, border=False, gap="xxsmall", key="review_line"):
        line(waiting[:QUEUE], conversation.id)


main()
