"""Agreement: how far people see the same, what they take for each other, and what a lead settles; what reviews ask."""

import pandas as pd
import streamlit as st

from classifiers.labels import settle
from data import access, agreements, conversations, disputes, labels, people, reviews, rubric, settings
from data.agreement import Agreement
from data.disputes import Open
from data.tables import Review
from portal import acts, cached, transcript, widgets

person = st.session_state["person"]
names, who = labels.names(), people.names()
SHOWN = 5  # disputes at once: the next ones come as these are settled
NONE = ""  # none of ours fits
HALVES = {"do": "What belongs to it", "dont": "What does not"}

found = agreements.overview(by=person)
waiting = disputes.open_ones(by=person)
asked = rubric.current()
widgets.page("Agreement", agreements.finding(found, len(waiting), names))


def figure(title: str, told: Agreement, icon: str) -> None:
    st.metric(title, f"{told.value:z.2f}" if told.value is not None else "–", icon=icon, help="1 is full agreement, 0 is chance.")
    st.caption(widgets.plain(told.sentence))


def figures() -> None:
    top = st.columns(3, border=True)
    with top[0]:
        figure("Intents", found.intent, ":material/label:")
    with top[1]:
        figure("Strong or weak", found.verdict, ":material/thumbs_up_down:")
    with top[2]:
        st.metric("Looked at by several", f"{found.conversations:,}", icon=":material/group:")
        st.caption(
            f"{widgets.percent(asked.double)} of conversations are looked at by {asked.reviewers} people."
            if asked.double
            else "No share of the conversations is looked at by several people."
        )


# -- what is seen differently -------------------------------------------------------------------------------------------------------------


def seen_differently() -> None:
    if not waiting:
        st.info("Nothing waits for a decision. Where two people see a conversation differently, it comes here.", icon=":material/balance:")
    else:
        row = st.columns([5, 3], vertical_alignment="bottom")
        with row[0]:
            pair = choose_pair()
        with row[1]:
            guidelines(pair)
        of_pair = [one for one in waiting if one.pair == pair]
        for one in of_pair[:SHOWN]:
            dispute(one)
        if len(of_pair) > SHOWN:
            st.caption(f"{len(of_pair) - SHOWN} more of these come as you settle.")
    settled_lately()


def choose_pair() -> tuple[str, str]:
    pairs = list(dict.fromkeys(one.pair for one in waiting))
    counts = {pair: sum(one.pair == pair for one in waiting) for pair in pairs}
    return st.selectbox(
        "Which two are taken for each other", pairs, format_func=lambda pair: f"{words_of(pair)} · {counts[pair]}",
        key="agreement_pair", width=520,
    )  # fmt: skip


def words_of(pair: tuple[str, str]) -> str:
    return " ↔ ".join(names.get(one, one.capitalize()) for one in pair)


def guidelines(pair: tuple[str, str]) -> None:
    known = [label for label in labels.of() if label.id in pair]
    if known:
        with st.popover("What the guidelines say", icon=":material/menu_book:", width="stretch"):
            for label in known:
                st.markdown(f"**{widgets.plain(label.name)}**")
                st.text(labels.guideline(label) or "Nothing yet. A decision below can add the first sentence.")


def dispute(one: Open) -> None:
    opened = conversations.get(one.conversation_id, by=person)
    if opened is None:
        return
    conversation, messages = opened
    with st.container(border=True):
        left, right = st.columns([5, 6], gap="medium")
        with left:
            st.markdown(
                f"{widgets.CHANNEL_ICONS[conversation.channel]} **{conversations.pseudonym(conversation.customer_id)}** · "
                f"{widgets.CHANNEL_WORDS[conversation.channel]} · {widgets.when(conversation.opened_at)}"
            )
            transcript.show(conversation, messages, height=430, key=f"agreement_{conversation.id}")
        with right:
            for column, review in zip(st.columns(min(len(one.said), 3)) * len(one.said), one.said, strict=False):
                with column:
                    said(review)
            decide(one)


def said(review: Review) -> None:
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f"**{widgets.plain(who.get(review.by_person_id or '', 'Somebody'))}** :gray[· {widgets.short(review.at)}]")
        widgets.verdict_badge(review.verdict)
        st.text(f"Intent: {names.get(review.label_id or '', 'none of ours')}")
        if review.note:
            st.text(f"Note: {review.note}")


def decide(one: Open) -> None:
    if not access.may(person, "dispute.settle"):
        st.caption(":material/lock: A lead of the team settles this.")
        return
    if any(review.by_person_id == person.id for review in one.said):
        st.caption(
            ":material/lock: You are one of those who see it differently. Another lead decides, or one of you corrects their review."
        )
        return
    key = one.conversation_id
    available = labels.of()
    with st.form(f"agreement_settle_{key}", border=False, enter_to_submit=False):
        row = st.columns([1, 1])
        verdict = row[0].selectbox(
            "It was", list(reviews.VERDICTS), index=None, placeholder="Choose", key=f"agreement_verdict_{key}",
            format_func=lambda verdict: reviews.VERDICTS[verdict].capitalize(),
        )  # fmt: skip
        label_id = row[1].selectbox(
            "Its intent is", [*(label.id for label in available), NONE], index=None, placeholder="Choose the intent",
            format_func=lambda label_id: names.get(label_id, "None of ours fits"), key=f"agreement_intent_{key}",
        )  # fmt: skip
        reason = st.text_input("Because", key=f"agreement_reason_{key}", placeholder="Those who saw it differently read this")
        row = st.columns([1, 1])
        guideline_for = row[0].selectbox(
            "Add it to the guideline of", [label.id for label in available], index=None, placeholder="Nothing is added",
            format_func=lambda label_id: names[label_id], key=f"agreement_for_{key}",
        )  # fmt: skip
        half = row[1].selectbox("As", list(HALVES), format_func=lambda half: HALVES[half], key=f"agreement_half_{key}")
        if st.form_submit_button("Settle it", icon=":material/gavel:", type="primary", key=f"agreement_save_{key}"):
            save(one, verdict, label_id, reason, guideline_for, half)


def save(one: Open, verdict: str | None, label_id: str | None, reason: str, guideline_for: str | None, half: str) -> None:
    told = "Settled. Those who saw it differently are told" + (", and the guideline says it." if guideline_for else ".")
    if acts.attempt(
        lambda: settle(
            one.conversation_id, verdict or "", label_id or None, reason, guideline_for=guideline_for, guideline_is=half, by=person
        ),
        done=told,
    ):
        cached.forget()
    st.rerun()


def settled_lately() -> None:
    decided = disputes.settled(by=person)
    if not decided:
        return
    with st.expander(f"Settled lately: {len(decided)}", icon=":material/gavel:"):
        for one in decided:
            intent = f", {widgets.plain(names.get(one.label_id, '?'))}" if one.label_id else ""
            st.markdown(
                f"**{reviews.VERDICTS[one.verdict].capitalize()}{intent}** :gray[· {widgets.plain(who.get(one.by_person_id or '', ''))}, "
                f"{widgets.when(one.at)}]  \n{widgets.plain(one.reason)}"
            )
            st.page_link(
                "screens/conversation.py", label="Open it", icon=":material/chat:", query_params={"conversation": one.conversation_id}
            )


# -- the figures in detail ----------------------------------------------------------------------------------------------------------------


def table(first: str, rows: dict[str, Agreement]) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                first: list(rows),
                "Agreement": [brief(told) for told in rows.values()],
                "In words": [told.sentence.rpartition(":")[0] if told.value is not None else told.sentence for told in rows.values()],
            }
        ),
        hide_index=True,
        height="content",
        column_config={"Agreement": st.column_config.TextColumn(width=190), "In words": st.column_config.TextColumn(width="large")},
    )


def brief(told: Agreement) -> str:
    """The number, its 95 % interval and how many."""
    return f"{told.value:z.2f} ({told.low:z.2f} to {told.high:z.2f}, n = {told.n:,})" if told.value is not None else "–"


def by_intent() -> None:
    if not found.labels:
        nothing_yet()
        return
    st.caption("Each intent against all others: was it given by all who looked, or by some? In brackets its 95 % interval.")
    table("Intent", {names.get(label_id, "?"): told for label_id, told in found.labels.items()})
    if found.confused:
        st.subheader("Taken for each other", anchor=False)
        pairs = [(names.get(str(one.one), "?"), names.get(str(one.other), "?"), one.count, len(one.units)) for one in found.confused[:15]]
        st.dataframe(
            pd.DataFrame(pairs, columns=["One said", "Another said", "Pairs of people", "Conversations"]), hide_index=True, height="content"
        )
    if found.marks:
        st.subheader("What reviews ask beside", anchor=False)
        table("Question", found.marks)


def two_by_two() -> None:
    if not found.pairs:
        st.info(f"Two people appear here once both have looked at {agreements.BOTH} of the same conversations.", icon=":material/group:")
        return
    st.caption("By name. A low figure says that the two see intents differently, not who is right. A dash: it cannot be told yet.")
    st.dataframe(
        pd.DataFrame(
            {
                "One": [pair.one for pair in found.pairs],
                "Another": [pair.other for pair in found.pairs],
                "Both looked at": [pair.both for pair in found.pairs],
                "On intents": [brief(pair.intent) for pair in found.pairs],
                "On strong and weak": [brief(pair.verdict) for pair in found.pairs],
            }
        ),
        hide_index=True,
        height="content",
    )


# -- what reviews ask ---------------------------------------------------------------------------------------------------------------------


def what_reviews_ask() -> None:
    if not access.may(person, "rubric.change"):
        for item in asked.items:
            st.markdown(f"- {widgets.plain(item.question)}")
        st.caption(f"Asked in {widgets.percent(asked.share)} of conversations that are reviewed. Leads change this.")
        return
    with st.form("agreement_rubric", border=False, enter_to_submit=False):
        left, right = st.columns([5, 3], gap="large")
        with left:
            st.markdown(f"**Up to {rubric.MOST} questions**, each answered by yes, no or not sure. Leave a row empty to ask less.")
            given = [question_row(place) for place in range(rubric.MOST)]
        with right:
            share = st.slider("Share of reviews that ask them", 0, 100, round(asked.share * 100), format="%d %%", key="agreement_share")
            double = st.slider(
                "Share that several people look at", 0, 100, round(asked.double * 100), format="%d %%", key="agreement_double"
            )
            reviewers = st.slider("So many people look at those", 2, 5, asked.reviewers, key="agreement_reviewers")
            st.caption("Each of them judges without seeing the others' word or the machine's.")
        if st.form_submit_button("Change what reviews ask", type="primary", icon=":material/check:"):
            items = [(name, question) for name, question in given if name.strip() or question.strip()]
            acts.attempt(
                lambda: rubric.change(items, share=share / 100, double=double / 100, reviewers=reviewers, by=person),
                done=lambda made: f"From now on reviews ask this: number {made.number}.",
            )
            st.rerun()
    numbers()


def question_row(place: int) -> tuple[str, str]:
    item = asked.items[place] if place < len(asked.items) else None
    row = st.columns([1, 3])
    shown = "visible" if place == 0 else "collapsed"
    return (
        row[0].text_input("In a word", item.name if item else "", key=f"agreement_name_{place}", label_visibility=shown),
        row[1].text_input("The question", item.question if item else "", key=f"agreement_question_{place}", label_visibility=shown),
    )


def numbers() -> None:
    history = settings.history(rubric.NAME)
    if not history:
        st.caption("These are the questions that a new portal asks. Nobody changed them yet.")
        return
    with st.expander(f"In force: number {history[0].number}", icon=":material/history:"):
        for row in history:
            made = rubric.Rubric.model_validate(row.value)
            questions = " ".join(item.question for item in made.items) or "no question"
            st.markdown(
                f"**Number {row.number}** · {widgets.plain(who.get(row.by_person_id or '', 'Somebody'))}, {widgets.when(row.at)}  \n"
                f"{widgets.plain(questions)} In {widgets.percent(made.share)} of reviews; {widgets.percent(made.double)} of conversations "
                f"by {made.reviewers} people."
            )


def nothing_yet() -> None:
    if asked.double:
        st.info(
            f"{widgets.percent(asked.double)} of conversations are looked at by {asked.reviewers} people. Figures stand here once ten "
            "were looked at.",
            icon=":material/group:",
        )
        return
    st.info("Two people have to look at the same conversation. A lead chooses on what share of them.", icon=":material/group:")
    if access.may(person, "rubric.change") and st.button("Choose the share", icon=":material/tune:", key="agreement_choose"):
        st.session_state["agreement_to"] = "asks"
        st.rerun()


PARTS = {
    "differ": ("Seen differently", seen_differently),
    "intents": ("By intent", by_intent),
    "pairs": ("Two by two", two_by_two),
    "asks": ("What reviews ask", what_reviews_ask),
}
if to := st.session_state.pop("agreement_to", None):
    st.session_state["agreement_part"] = to
part = st.segmented_control(
    "Part", list(PARTS), format_func=lambda part: PARTS[part][0], default="differ", key="agreement_part", required=True,
    label_visibility="collapsed",
)  # fmt: skip
if part == "intents" or not found.conversations:
    figures()
else:
    st.caption(f"**Intents.** {widgets.plain(found.intent.sentence)} **Strong or weak.** {widgets.plain(found.verdict.sentence)}")
if part == "differ" and not found.conversations:
    nothing_yet()
else:
    PARTS[part][1]()
