"""Calibration: conversations of which it is known what is right, asked blind; then where one differs, and how far one agrees."""

import time
from dataclasses import replace

import streamlit as st

from data import access, approvals, calibration, conversations, exercises, labels, people, queue, reviews
from data.calibration import MISSING, NONE_FITS, Figures, Item, Told, Wanted
from data.errors import Refused
from portal import acts, transcript, widgets

person = st.session_state["person"]
names, who = labels.names(), people.names()
NONE = ""  # none of ours fits
DIFFERS = {"verdict": "verdict", "intent": "intent", "gap": "thing that was missing"}


def asked_in_turn() -> tuple[list[str] | None, str]:
    """Of an exercise or a step of the path, whichever the address names (None: whatever waits), and why that is not to be had."""
    exercise, step = st.query_params.get("exercise"), st.query_params.get("step")
    try:
        if exercise:
            return exercises.waiting_in(exercise, by=person), ""
        if step:
            return exercises.of_step(step, by=person), ""
    except Refused as refused:
        return None, str(refused)
    return None, ""


mine = calibration.my_figures(by=person)
among, not_to_be_had = asked_in_turn()
item = calibration.next_item(by=person, among=among)
told = calibration.told(st.session_state.get("calibration_answered", ""), by=person)

widgets.page(
    "Calibration",
    "Two people agreed what is right here. Say it before you see it, and see where you differ."
    + (f" {item.left} {'waits' if item.left == 1 else 'wait'} for you." if item else ""),
)


def occasion() -> None:
    """What it belongs to, where it does not ask whatever waits."""
    if not_to_be_had:
        st.error(widgets.plain(not_to_be_had), icon=":material/block:")
    elif st.query_params.get("exercise"):
        given = next((one for one in exercises.mine(by=person) if one.exercise.id == st.query_params["exercise"]), None)
        if given:
            st.info(f"**{widgets.plain(given.lead)} asks:** {widgets.plain(given.exercise.why)}", icon=":material/school:")
    elif step := next((one for one in exercises.PATH if one.key == st.query_params.get("step")), None):
        st.caption(f":material/school: {step.title}: {step.what}")


# -- what is asked, and what is right -----------------------------------------------------------------------------------------------------


def ask(asked: Item) -> None:
    """Nothing here tells what is right, what the machine says or what others said."""
    key = asked.example_id
    if st.session_state.get("calibration_shown") != key:
        st.session_state["calibration_shown"], st.session_state["calibration_began"] = key, time.monotonic()
    left, right = st.columns([5, 4], gap="medium")
    with left:
        transcript.show(asked.conversation, asked.messages, height=430)
    with right:
        available = labels.of()
        label_id = st.selectbox(
            "Intent (I)", [*(label.id for label in available), NONE], index=None, placeholder="Choose the intent",
            format_func=lambda label_id: names.get(label_id, "None of ours fits"), key=f"calibration_intent_{key}",
        )  # fmt: skip
        missing = ""
        if asked.asks_missing:
            missing = st.selectbox(
                "What was missing", list(MISSING), index=None, placeholder="What has to be built or mended", format_func=MISSING.get,
                key=f"calibration_missing_{key}",
            )  # fmt: skip
        with st.container(key=f"calibration_verdict_{key}", gap="xsmall"):  # its buttons have keys of their own: s, w, o (keys.py)
            one, other = st.columns(2, gap="xsmall")
            strong = one.button("Strong (S)", width="stretch", key=f"calibration_strong_{key}")
            weak = other.button("Weak (W)", width="stretch", key=f"calibration_weak_{key}")
            neither = st.button("Neither (O)", width="stretch", key=f"calibration_none_{key}")
        first = "First the intent and what was missing" if asked.asks_missing else "First the intent"
        st.caption(f"{first}, then strong or weak. Each is asked once: what is right shows as soon as you have said it.")
        if chosen := next((label for label in available if label.id == label_id), None):
            st.caption("  \n".join(widgets.plain(line) for line in labels.guideline(chosen).splitlines()))
        if verdict := "strong" if strong else "weak" if weak else "none" if neither else "":
            if label_id is None:
                st.error("Not saved yet: choose the intent first, or that none of ours fits.", icon=":material/block:")
            elif missing is None:
                st.error("Not saved yet: say also what was missing, or that nothing was.", icon=":material/block:")
            else:
                save(key, verdict, label_id, missing)


def save(key: str, verdict: str, label_id: str, missing: str) -> None:
    seconds = round(time.monotonic() - st.session_state["calibration_began"], 1)
    if acts.attempt(lambda: calibration.answer(key, verdict, label_id or None, missing=missing, seconds=seconds, by=person)):
        st.session_state["calibration_answered"] = key
    st.rerun()


def show_right(given: Told) -> None:
    opened = conversations.get(given.conversation_id, by=person)
    left, right = st.columns([5, 4], gap="medium")
    with left:
        if opened:
            transcript.show(*opened, height=430)
    with right:
        if given.differs:
            differs = " and the ".join(DIFFERS[one] for one in given.differs)
            st.markdown(f":orange-badge[:material/compare_arrows: You differ in the {differs}]")
        else:
            st.markdown(":green-badge[:material/check: You said the same]")
        with st.container(border=True, gap="xxsmall"):
            st.markdown("**Right is**")
            widgets.verdict_badge(given.verdict)
            st.text(f"Intent: {in_words(given.label_id)}" if given.label_id else "No intent was asked.")
            if given.missing:
                st.text(f"Missing: {MISSING[given.missing]}")
            st.text(f"Because: {given.why}")
        with st.container(border=True, gap="xxsmall"):
            st.markdown("**You said**")
            widgets.verdict_badge(given.answer.verdict)
            st.text(f"Intent: {in_words(given.answer.label_id)}")
            if given.answer.missing:
                st.text(f"Missing: {MISSING[given.answer.missing]}")
        if st.button(
            "Next one (Ctrl+Enter)" if item else "Done", type="primary", icon=":material/arrow_forward:", key="calibration_save_next"
        ):
            del st.session_state["calibration_answered"]
            st.rerun()


def in_words(label_id: str | None) -> str:
    return "None of ours fits" if label_id in (None, NONE_FITS) else names.get(label_id, "?")


# -- how far one agrees -------------------------------------------------------------------------------------------------------------------


def figures(found: Figures) -> None:
    for title, one in (("Intents", found.intent), ("Strong and weak", found.verdict)):
        st.markdown(
            f"**{title}.** {widgets.plain(one.sentence.replace('by both', 'by you and by the gold examples').replace('They ', 'You ', 1))}"
        )


def my_own() -> None:
    with st.container(border=True):
        st.markdown(f"**You and the gold examples** :gray[· {mine.n} {'answer' if mine.n == 1 else 'answers'}]")
        if mine.n:
            figures(mine)
        if mine.n < calibration.FEWEST and access.reach(person, "calibration.take") == access.TEAM:
            st.caption(f"You alone see this. From {calibration.FEWEST} answers on, leads of your team see the figures, never the answers.")


def where_i_differ() -> None:
    if not mine.differing:
        return
    with st.expander(f"Where you differ: {len(mine.differing)} of {mine.n}", icon=":material/compare_arrows:"):
        for one in mine.differing:
            right = f"{reviews.VERDICTS[one.verdict]}{f', {in_words(one.label_id)}' if one.label_id else ''}{lacking(one.missing)}"
            own = f"{reviews.VERDICTS[one.answer.verdict]}, {in_words(one.answer.label_id)}{lacking(one.answer.missing)}"
            st.markdown(f"Right: **{widgets.plain(right)}**. You: **{widgets.plain(own)}**.  \n{widgets.plain(one.why)}")
            st.page_link(
                "screens/conversation.py", label="Open it", icon=":material/chat:", query_params={"conversation": one.conversation_id}
            )


def lacking(missing: str) -> str:
    return f", {MISSING[missing].lower()}" if missing else ""


def colleagues() -> None:
    found = calibration.colleagues(by=person)
    st.subheader("Colleagues", anchor=False)
    if not found:
        st.caption(f"From {calibration.FEWEST} answers on, the figures of your team stand here, by name.")
    for one in found:
        with st.container(border=True, gap="xxsmall"):
            st.markdown(f"**{widgets.plain(one.name)}** :gray[· {one.answers} {'answer' if one.answers == 1 else 'answers'}]")
            try:
                theirs = calibration.figures_of(one.id, by=person)
            except Refused as not_yet:
                st.caption(widgets.plain(str(not_yet)))
                continue
            figures(theirs)
            if theirs.taken_for:
                mixed = "; ".join(f"{in_words(right)} as {in_words(said)} ({count})" for right, said, count in theirs.taken_for[:3])
                st.caption(f"Taken for something else: {widgets.plain(mixed)}")


# -- the gold examples --------------------------------------------------------------------------------------------------------------------


def gold() -> None:
    kept = calibration.all_gold(by=person)
    waiting = [proposal for proposal in approvals.waiting(by=person) if proposal.kind == calibration.KIND]
    st.subheader("The gold examples", anchor=False)
    for proposal in waiting:
        look_before_deciding(proposal)
    with st.popover("Propose a gold example", icon=":material/how_to_vote:"):
        propose()
    if kept:
        with st.expander(f"In force within your reach: {len(kept)}", icon=":material/straighten:"):
            for one in kept:
                line(one)


def look_before_deciding(proposal) -> None:
    with st.expander(f"Waits for a second person: {widgets.plain(proposal.title)}", icon=":material/hourglass_top:"):
        st.caption("Whoever decides on these is not asked them later.")
        for wanted in calibration.proposed(proposal):
            st.text(f"{reviews.VERDICTS[wanted.kind].capitalize()}, {in_words(wanted.label_id)}{lacking(wanted.missing)}. {wanted.why}")
            address = {"conversation": wanted.conversation_id}
            st.page_link("screens/conversation.py", label="Look at it", icon=":material/chat:", query_params=address)
        st.page_link("screens/approvals.py", label="Decide", icon=":material/how_to_vote:", query_params={"proposal": proposal.id})


def line(one: calibration.Kept) -> None:
    row = st.columns([3, 3, 2], vertical_alignment="center")
    row[0].page_link(
        "screens/conversation.py", label="The conversation", icon=":material/chat:", query_params={"conversation": one.conversation_id}
    )
    row[1].caption(f"{one.answers} {'answer' if one.answers == 1 else 'answers'} · since {widgets.day(one.since)}")
    with row[2].popover("Take it out", type="tertiary", key=f"calibration_out_{one.example_id}"):
        why = st.text_input("Why", key=f"calibration_out_why_{one.example_id}", placeholder="A second person decides and reads this")
        if st.button("Propose to take it out", key=f"calibration_out_yes_{one.example_id}"):
            acts.attempt(
                lambda: calibration.propose_taking_out([one.example_id], why=why, by=person),
                done="Proposed. A lead or an engineer decides.",
            )
            st.rerun()


def propose() -> None:
    flags = calibration.flags_that_wait(by=person)
    chosen = st.selectbox(
        "A flag that waits", flags, index=None, placeholder="Or paste a conversation below", key="calibration_flag",
        format_func=lambda wanted: f"{wanted.kind.capitalize()}, {in_words(wanted.label_id)}: {wanted.why[:60]}",
    )  # fmt: skip
    wanted = chosen or another()
    missing = st.selectbox(
        "What was missing", list(MISSING), index=None, placeholder="Not asked", format_func=MISSING.get, key="calibration_missing",
        help="Who answers it says also what has to be built or mended so that the next customer is helped at once.",
    )  # fmt: skip
    why = st.text_input("Why people should be measured by it", key="calibration_why", placeholder="The approver reads this first")
    if st.button("Propose it", type="primary", icon=":material/how_to_vote:", key="calibration_propose"):
        if wanted is None:
            st.error("No conversation within your reach is known by that address.", icon=":material/search_off:")
            return
        held = replace(wanted, missing=missing or "")
        acts.attempt(lambda: calibration.propose_gold([held], why=why, by=person), done="Proposed. A lead or an engineer decides.")
        st.rerun()


def another() -> Wanted | None:
    pasted = st.text_input("A conversation's address or number", key="calibration_pasted")
    kind = st.segmented_control("Right is", ["strong", "weak"], format_func=str.capitalize, default="strong", key="calibration_kind")
    label_id = st.selectbox(
        "Its intent", [label.id for label in labels.of()], index=None, format_func=lambda label_id: names[label_id], key="calibration_label"
    )
    because = st.text_input("Because", key="calibration_because", placeholder="Shown to everybody who answered it")
    meant = queue.pasted(pasted, by=person) if pasted.strip() else None
    return Wanted(meant, kind or "", label_id, because) if meant else None


occasion()
if told:
    show_right(told)
elif item:
    ask(item)
elif among is not None:
    st.success("That is all of it for now. What you answered is kept.", icon=":material/check_circle:")
    st.page_link("screens/my_work.py", label="Back to your exercises", icon=":material/school:", query_params={"part": "Exercises"})
elif mine.n:
    st.info(
        "You have answered every gold example within your reach. New ones are asked as they are approved.", icon=":material/straighten:"
    )
else:
    st.info(
        "There is no gold example for you yet. A lead or an engineer holds conversations up as right, and a second person approves.",
        icon=":material/straighten:",
    )
my_own()
where_i_differ()
if access.may(person, "calibration.read"):
    colleagues()
if access.may(person, "gold.propose"):
    gold()
