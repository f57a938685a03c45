"""Review: read, judge, correct, flag; the next one is there at once."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data import access, conversations, drafts, effects, examples, labels, predictions, queue, reviews, rubric
from data.tables import Conversation, Message, Prediction, Review
from evals import flags
from portal import acts, cached, talk, transcript, widgets

QUEUE = 12
NONE = ""  # a choice of its own: the machine may have spoken and still no intent fits
NOT_MINE = ("I was part of it", "Not my language", "Too little to judge")
VERDICTS = {"strong": "Strong (S)", "weak": "Weak (W)", "none": "Neither (O)"}
ANSWERS = {"yes": "Yes", "no": "No", "unsure": "Not sure"}
FIELDS = {"verdict": "verdict", "why": "why", "label_id": "intent", "reply": "reply", "note": "note"}
FLAG = {"purpose": "purpose", "eval_set_id": "set"}  # what was chosen otherwise than proposed

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


def go_on(made: str) -> None:
    """To the next of those that stood beside it: it is drawn before the queue is looked through again."""
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
    st.query_params["queue"] = state["review_queue"]


def to_team() -> None:
    start_over()
    st.query_params["queue"] = state["review_queue"] = "team"


def look_up() -> None:
    text = state["review_pasted"].strip()
    if text and (meant := queue.pasted(text, by=person)):
        st.query_params["conversation"] = meant
        state["review_pasted"] = ""
    elif text:
        state["review_not_found"] = text


# -- what is said -------------------------------------------------------------------------------------------------------------------------


def proposed(made: str, earlier: Review | None, guess: str | None) -> dict[str, Any]:
    """What stands in the fields before anybody types."""
    if earlier:
        said = {"verdict": earlier.verdict, "label_id": earlier.label_id or NONE, "reply": earlier.reply, "note": earlier.note}
        return said | {"why": "", "marks": (earlier.rubric or {}).get("said", {})}
    return {"verdict": None, "label_id": guess, "reply": "", "note": "", "why": "", "marks": {}}


def typed(made: str) -> dict[str, Any]:
    """What stands in the fields now and is not what was proposed."""
    begins = state["review_begins"]
    kept: dict[str, Any] = {}
    for name, field in FIELDS.items():
        key = f"review_{field}_{made}"
        value = state.get(key, state["review_draft"].get(name, begins.get(name)))
        if value is not None and value != begins.get(name):
            kept[name] = value
    kept |= state[f"review_picked_{made}"]
    if (marks := marked(made)) != begins["marks"]:
        kept["marks"] = marks
    return kept


def marked(made: str) -> dict[str, str]:
    items = rubric.current().items
    return {item.name: said for number, item in enumerate(items, start=1) if (said := state.get(f"review_mark_{number}_{made}"))}


def pick(made: str, name: str) -> None:
    """The flag is to test something else than was proposed. Another purpose has sets of its own."""
    field = f"review_{FLAG[name]}_{made}"
    if field not in state:  # its panel was closed, and the browser tells once more what was proposed
        return
    picked = state[f"review_picked_{made}"]
    picked[name] = state[field]
    if name == "purpose":
        picked.pop("eval_set_id", None)
        state.pop(f"review_set_{made}", None)
    keep(made)


def keep(made: str) -> None:
    """A started review survives a closed tab, a lapsed claim and the night."""
    acts.attempt(lambda: drafts.keep(made, typed(made), by=person))


def flag_of(made: str) -> flags.Proposed | None:
    """What the sentence would make of it, as it was proposed or chosen."""
    said = state["review_begins"] | state["review_draft"] | {
        name: state[key] for name, field in FIELDS.items() if (key := f"review_{field}_{made}") in state
    } | state[f"review_picked_{made}"]  # fmt: skip
    if said["verdict"] not in ("strong", "weak"):
        return None
    return flags.proposed(
        made, said["verdict"], by=person, label_id=said["label_id"] or None, reply=said["reply"] or "",
        purpose=said.get("purpose") or "", eval_set_id=said.get("eval_set_id") or "",
    )  # fmt: skip


def save(made: str) -> None:
    verdict, why = state.get(f"review_verdict_{made}") or "", (state.get(f"review_why_{made}") or "").strip()
    said = {
        "by": person, "label_id": state.get(f"review_intent_{made}") or None, "reply": state.get(f"review_reply_{made}") or "",
        "note": state.get(f"review_note_{made}") or "", "marks": marked(made),
        "seconds": round(time.monotonic() - state["review_began"], 1),
    }  # fmt: skip
    was_blind = reviews.is_blind(made, by=person)
    flag = flag_of(made) if why else None
    if not why:
        saved = acts.attempt(lambda: reviews.record(made, verdict, **said), done=lambda _: told_after(made, was_blind, "Saved."))
    elif flag is None:
        acts.refuse(
            "Not saved: a flagged example is strong or weak. Press S or W, or empty the sentence." if verdict not in ("strong", "weak")
            else "Not saved: no eval set can take this flag. Choose the intent or correct the reply, or empty the sentence."
        )  # fmt: skip
        saved = False
    else:
        asks = {"why": why, "eval_set_id": flag.eval_set.id, "grader": flag.grader, "expected": flag.expected}
        saved = acts.attempt(
            lambda: examples.review_and_flag(made, verdict, **asks, **said),
            done=lambda _: told_after(made, was_blind, f"Saved and flagged for '{flag.eval_set.name}'."),
        )
    if saved:
        state.setdefault("review_looked_at", []).append(made)
        cached.forget()
        go_on(made)


def told_after(made: str, was_blind: bool, sentence: str) -> str:
    """What was hidden until one's own word was said."""
    return " ".join([sentence, *(effects.others_said(made, by=person) if was_blind else [])])


def skip(made: str, reason: str) -> None:
    if acts.attempt(lambda: queue.skip(made, reason, by=person), done="Skipped; it went back to the others."):
        go_on(made)


def skip_for(made: str) -> None:
    if reason := (state.get(f"review_skip_why_{made}") or "").strip():
        skip(made, reason)


def hold(made: str, held: bool) -> None:
    if held:
        acts.attempt(lambda: queue.hand_back(made, by=person), done="Handed back: the others' queue shows it again.")
        return
    acts.attempt(
        lambda: queue.claim(made, by=person),
        done=lambda claim: (
            "In your hand for a quarter of an hour." if claim else "A colleague has it in hand; you may review it all the same."
        ),
    )


def machine_is_wrong(made: str) -> None:
    state[f"review_intent_{made}"] = NONE
    keep(made)


def throw_away(made: str) -> None:
    acts.attempt(lambda: drafts.throw_away(made, by=person), done="Thrown away what you typed.")
    for key in [key for key in state if str(key).startswith("review_") and str(key).endswith(made)]:
        state.pop(key, None)


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


def read(conversation: Conversation, messages: list[Message], prediction: Prediction | None, blind: bool) -> None:
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
                on_click=machine_is_wrong, args=(conversation.id,),
                help="The machine is wrong here: takes its intent away, so that you choose the right one.",
            )  # fmt: skip
    transcript.show(conversation, messages, height=500)


def form(conversation: Conversation, guess: str | None) -> None:
    """Only the verdict is required. With a sentence it is flagged; what the flag becomes stands below."""
    made = conversation.id
    earlier = reviews.mine(made, by=person)
    draft = drafts.of(made, by=person)
    state["review_begins"], state["review_draft"] = begins, _ = proposed(made, earlier, guess), draft
    state.setdefault(f"review_picked_{made}", {name: draft[name] for name in FLAG if name in draft})
    now = begins | draft
    st.segmented_control(
        "Was the answer strong or weak?", list(VERDICTS), format_func=VERDICTS.__getitem__, default=now["verdict"],
        key=f"review_verdict_{made}", on_change=keep, args=(made,), width="stretch",
    )  # fmt: skip
    st.text_input(
        "Why, in a sentence: then it is a test case", value=now["why"], key=f"review_why_{made}", on_change=keep, args=(made,),
        placeholder="Enter saves; empty, it is only reviewed",
    )  # fmt: skip
    flag_line(made)
    marks(made, now["marks"])
    ids = [*(label.id for label in labels.of()), NONE]
    names = labels.names()
    st.selectbox(
        "Intent (I)", ids, index=ids.index(now["label_id"]) if now["label_id"] in ids else None,
        format_func=lambda label_id: names.get(label_id, "None of ours fits"), key=f"review_intent_{made}", on_change=keep, args=(made,),
        placeholder="Choose the intent",
    )  # fmt: skip
    st.text_area(
        "A better reply", value=now["reply"], key=f"review_reply_{made}", on_change=keep, args=(made,), height=76,
        placeholder="A better reply (E), unless it was fine", label_visibility="collapsed",
    )  # fmt: skip
    st.text_input(
        "Note", value=now["note"], key=f"review_note_{made}", on_change=keep, args=(made,), placeholder="A note (T)",
        label_visibility="collapsed",
    )  # fmt: skip
    last_line(made, earlier, bool(draft))
    for example in examples.of_conversation(made, by=person):
        st.caption(f":material/flag: Flagged as a {example.kind} example: {widgets.plain(example.why)}")
        about = partial(talk.show, "example", example.id, by=person)
        opened("Discuss it", f"review_talk_{example.id}", about, icon=":material/chat_bubble:", type="secondary")


def flag_line(made: str) -> None:
    flag = flag_of(made)
    told, change = st.columns([4, 1.1], vertical_alignment="center", gap="xsmall")
    if flag:
        told.caption(
            f":material/flag: Tests {flags.PURPOSES[flag.purpose]}: {widgets.plain(flag.sentence)} · *{widgets.plain(flag.eval_set.name)}*"
        )
    elif state.get(f"review_verdict_{made}") in ("strong", "weak"):
        told.caption(":material/flag: With an intent or a better reply it can be a test, unless it is one already.")
    else:
        told.caption(":material/flag: Choose strong or weak, and what it would test stands here.")
    with change:
        opened("Flag (F)", f"review_flag_{made}", lambda: flag_choice(made, flag), width="stretch")


def opened(words: str, key: str, draw: Callable[[], None], **look: Any) -> None:
    """What it holds is drawn only while it is open: the next conversation waits for nothing that nobody looks at."""
    panel = st.popover(words, key=key, on_change="rerun", **({"type": "tertiary"} | look))
    if panel.open:
        with panel:
            draw()


def flag_choice(made: str, flag: flags.Proposed | None) -> None:
    choices = [purpose for purpose in flags.PURPOSES if flags.sets_for(purpose, by=person)]
    if not choices:
        st.caption("There is no eval set yet. A lead or an engineer creates one on Eval sets.")
        return
    st.segmented_control(
        "It tests", choices, format_func=flags.PURPOSES.__getitem__, default=flag.purpose if flag else None,
        key=f"review_purpose_{made}", on_change=pick, args=(made, "purpose"),
    )  # fmt: skip
    purpose = state[f"review_picked_{made}"].get("purpose") or (flag.purpose if flag else choices[0])
    known = {one.id: one.name for one in flags.sets_for(purpose, by=person)}
    st.selectbox(
        "In the eval set", list(known), format_func=known.get, key=f"review_set_{made}", on_change=pick, args=(made, "eval_set_id"),
        index=list(known).index(flag.eval_set.id) if flag and flag.eval_set.id in known else 0,
    )  # fmt: skip
    if flag:
        st.caption(f"Judged by *{widgets.plain(flag.grader)}*, which {widgets.plain(flag.sentence)}.")


def marks(made: str, said: dict[str, str]) -> None:
    """On a sample: the rubric, one line a question."""
    asked = rubric.current()
    if not asked.asks(made):
        return
    for number, item in enumerate(asked.items, start=1):
        question, answer = st.columns([1.3, 1.7], vertical_alignment="center", gap="xsmall")
        question.markdown(f":small[{widgets.plain(item.question)} ({number})]")
        answer.segmented_control(
            widgets.plain(item.question), list(ANSWERS), format_func=ANSWERS.__getitem__, default=said.get(item.name),
            key=f"review_mark_{number}_{made}", label_visibility="collapsed", on_change=keep, args=(made,), width="stretch",
        )  # fmt: skip


def last_line(made: str, earlier: Review | None, begun: bool) -> None:
    st.button(
        "Save the correction (Ctrl+Enter)" if earlier else "Save and go on (Ctrl+Enter)", key=f"review_save_{made}",
        type="primary", width="stretch", on_click=save, args=(made,),
    )  # fmt: skip
    with st.container(horizontal=True, gap="xsmall"):
        held = queue.held(made, by=person)
        st.button(
            "Hand back (H)" if held else "Take in hand (H)",
            key=f"review_hold_{made}",
            type="tertiary",
            on_click=hold,
            args=(made, held),
        )
        if not earlier:
            opened("Not for me", f"review_skip_{made}", lambda: not_for_me(made))
        if begun:
            st.button(
                "Throw away", key=f"review_drop_{made}", type="tertiary", on_click=throw_away, args=(made,), help="What you typed here"
            )
    if earlier:
        st.caption(f"You reviewed this {widgets.when(earlier.at)}. Saving again corrects it.")


def not_for_me(made: str) -> None:
    st.caption("It goes back to the others. Why?")
    for number, reason in enumerate(NOT_MINE):
        st.button(reason, key=f"review_skip_{number}_{made}", type="tertiary", on_click=skip, args=(made, reason))
    st.text_input("Another reason", key=f"review_skip_why_{made}", on_change=skip_for, args=(made,))


def three_done() -> None:
    """After three: what they changed, and the way on."""
    head("three", "Three looked at. This is what came of them.")
    for sentence in effects.of(state["review_looked_at"], by=person):
        st.markdown(f"- {widgets.plain(sentence)}")
    st.button("Three more", type="primary", key="review_three_more", on_click=lambda: state.pop("review_looked_at", None))


def main() -> None:
    if st.query_params.get("queue") not in queue.QUEUES:
        st.query_params["queue"] = first_queue()
    chosen_queue = st.query_params["queue"]
    asked_for = st.query_params.get("conversation")
    if chosen_queue == "three" and not asked_for and len(state.get("review_looked_at", [])) >= queue.THREE:
        three_done()
        return
    found, waiting = reached(asked_for or state.get("review_chosen")), None
    if found is None and not asked_for:
        waiting = look_through(chosen_queue)
        found = reached(waiting[0].listed.id) if waiting else None
    above = st.container()
    if found is not None:
        desk(*found, above, chosen_queue, waiting)
        return
    with above:
        head(chosen_queue, "Nothing waits for review here. New conversations appear here as they come in.")
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


def look_through(chosen_queue: str) -> list[queue.Item]:
    return queue.QUEUES[chosen_queue][1](by=person)[:QUEUE]


def desk(
    conversation: Conversation, messages: list[Message], above: DeltaGenerator, chosen_queue: str, waiting: list[queue.Item] | None
) -> None:
    """What is read comes first, then what is said of it; the queue is looked through last, and nobody waits for it."""
    with st.container(key="review_desk"):
        left, middle, right = st.columns([1.7, 4.4, 3.4], gap="medium")
    blind = reviews.is_blind(conversation.id, by=person)
    prediction = None if blind else predictions.of_conversation(conversation.id)
    with middle:
        read(conversation, messages, prediction, blind)
    with above:
        head(chosen_queue, "Strong or weak? Correct the intent if it is wrong; what teaches most comes first.")
    with right:
        if reviews_here:
            form(conversation, prediction.label_id if prediction else None)  # where it kept silent, nothing is put in anybody's mouth
        else:
            st.info("Admins read conversations but do not review them.")
    waiting = look_through(chosen_queue) if waiting is None else waiting
    state["review_stood"] = [item.listed.id for item in waiting]
    with left, st.container(height=600, border=False, gap="xxsmall", key="review_line"):
        line(waiting, conversation.id)


main()
