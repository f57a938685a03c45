"""One fault: how it stands, how large it is and what it costs, week by week, what customers say, and what became of it."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from data import access, feedback_evidence, people, product_feedback
from data.errors import Refused
from data.feedback_evidence import METHOD, Evidence, Followed, Stretch, percent
from data.product_feedback import ANSWERS, CHANGED, HANDED_OVER, LONGEST, LONGEST_NAME, NOTED, STATES
from data.tables import Person, ProductFeedback, ProductFeedbackSent
from portal import acts, cached, feedback_document, feedback_drawn, feedback_samples, feedback_sending, session, widgets
from portal.feedback_list import BADGES, badge

CONVERSATIONS = "screens/conversations.py"
VERDICTS = {  # icon, colour
    "fewer": (":material/trending_down:", "green"), "more": (":material/trending_up:", "orange"),
    "open": (":material/trending_flat:", "gray"), "too early": (":material/hourglass_empty:", "gray"),
}  # fmt: skip
SENT = {"waiting": (":material/schedule:", "orange", "on its way"), "done": (":material/check:", "green", "taken"),
        "given_up": (":material/close:", "red", "given up")}  # fmt: skip


def show(found: ProductFeedback, person: Person) -> None:
    if st.button("All product feedback", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    _head(found, person)
    try:
        words = product_feedback.words_of(found)
        evidence = feedback_evidence.of(words, by=person, changed_on=found.changed_on)
    except Refused as refused:
        st.warning(widgets.plain(str(refused)), icon=":material/search_off:")
        evidence = None
    if evidence:
        if evidence.followed:
            _followed(evidence, evidence.followed)
        elif found.state == CHANGED:
            st.info("The product changed today. From tomorrow on, the days since stand here beside the days before.")
        _figures(evidence)
        _weeks(found, evidence)
    samples, happened = st.columns([3, 2], gap="large")
    with samples:
        _samples(found, person)
    with happened:
        _history(found, person)
    if evidence:
        st.caption(f"Found by the search `{evidence.words.replace('`', ' ')}`. {widgets.plain(METHOD)}")


def _head(found: ProductFeedback, person: Person) -> None:
    told, actions = st.columns([1, 1], vertical_alignment="top")
    with told:
        st.subheader(widgets.plain(found.title), anchor=False)
        to = f" for {widgets.plain(found.product_team)}" if found.product_team else ""
        who = widgets.plain(people.names().get(found.by_person_id or "", "the portal"))
        st.markdown(f"{badge(found)}{to} :small[:gray[· written up by {who}, {widgets.when(found.at)}]]")
    with actions, st.container(horizontal=True, horizontal_alignment="right"):
        _actions(found, person)
    st.markdown(widgets.plain(found.text))
    if found.wish:
        st.markdown(f":material/lightbulb: **What would help:** {widgets.plain(found.wish)}")
    if pattern := product_feedback.pattern(found.pattern_id, by=person):
        st.page_link(
            "screens/patterns.py", label=f"Began with the pattern {widgets.plain(pattern.name)}", icon=":material/bubble_chart:",
            query_params={"pattern": pattern.id},
        )  # fmt: skip


# -- what can be done ---------------------------------------------------------------------------------------------------------------------


def _actions(found: ProductFeedback, person: Person) -> None:
    which = f"{found.id}_{len(product_feedback.steps(found.id, by=person))}"  # after each step they are shut, and empty
    if access.may(person, "feedback.hand_over"):
        label = "Hand over" if found.state == NOTED else "Hand over again"
        with st.popover(label, icon=":material/outbox:", key=f"feedback_over_{which}"):
            _hand_over(found, f"feedback_hand_{which}", person)
    if access.may(person, "feedback.write"):
        with st.popover("Status", icon=":material/flag:", key=f"feedback_status_{which}"):
            _step(found, f"feedback_step_{which}", person)
    with st.popover("More", icon=":material/more_horiz:"):
        _files(found, person)
        if access.may(person, "feedback.write"):
            if st.button("Change it", icon=":material/edit:", key="feedback_edit", type="tertiary"):
                st.query_params.from_dict({"feedback": found.id, "change": "1"})
                st.rerun()
            if st.button("Take it back", icon=":material/delete:", key="feedback_back", type="tertiary", help="The record keeps it."):
                if acts.attempt(lambda: product_feedback.take_back(found.id, by=person), done="Taken back. The record keeps it."):
                    st.query_params.clear()
                st.rerun()


def _hand_over(found: ProductFeedback, key: str, person: Person) -> None:
    hooks = product_feedback.places(by=person)
    known = ", ".join(product_feedback.teams(by=person))
    to = st.text_input(
        "Product team", found.product_team, key=f"{key}_to", max_chars=LONGEST_NAME, placeholder="Its name",
        help=widgets.plain(f"So far: {known}.") if known else None,
    )  # fmt: skip
    said = st.text_area("What you ask of them", key=f"{key}_said", max_chars=LONGEST, height=90)
    hook = ""
    if hooks:
        hook = st.selectbox("Also send it to", hooks, index=None, key=f"{key}_hook", placeholder="No webhook") or ""
        st.caption("A webhook is sent figures, what colleagues wrote and links: nothing that customers said.")
    st.caption("The page that they read is under More, as Markdown.")
    if st.button("Hand it over", type="primary", key=f"{key}_do"):
        acts.attempt(lambda: feedback_sending.hand_over(found.id, to, said, by=person, webhook=hook), done=f"Handed to {to}.")
        st.rerun()


def _step(found: ProductFeedback, key: str, person: Person) -> None:
    may = [CHANGED] if found.state == NOTED else list(ANSWERS)
    state = st.selectbox("It is", may, format_func=STATES.__getitem__, key=f"{key}_state", index=0)
    today = feedback_evidence.today()
    day = st.date_input("Since", today, max_value=today, key=f"{key}_day")
    said = st.text_area("What the product team said", key=f"{key}_said", max_chars=LONGEST, height=90)
    if state == CHANGED:
        st.caption("The days before and since are compared here. Who may write on Quality's timeline marks it there with this.")
    elif found.state == NOTED:
        st.caption("The other answers come once it was handed over.")
    if st.button("Keep the status", type="primary", key=f"{key}_do"):
        acts.attempt(lambda: product_feedback.step(found.id, state, said, by=person, day=day), done=f"Kept: {STATES[state].lower()}.")
        cached.forget()
        st.rerun()


def _files(found: ProductFeedback, person: Person) -> None:
    if st.button("The page, as Markdown", icon=":material/description:", key="feedback_markdown", type="tertiary"):
        _download(partial(feedback_document.offer_markdown, found.id, by=person))
    may = access.may(person, "conversation.export")
    if may and st.button("The samples, as CSV", icon=":material/table:", key="feedback_csv", type="tertiary"):
        _download(partial(feedback_document.offer_samples, found.id, by=person))


def _download(offer: Callable[[], str]) -> None:
    """Through a ticket for this person alone."""
    kept: dict[str, str] = {}
    if acts.attempt(lambda: kept.update(ticket=offer())):
        session.go(f"/api/v1/downloads/{kept['ticket']}")


# -- how large it is ----------------------------------------------------------------------------------------------------------------------


def _followed(evidence: Evidence, followed: Followed) -> None:
    icon, colour = VERDICTS[followed.verdict]
    with st.container(border=True, key="feedback_followed"):
        st.markdown(f":{colour}[{icon}] **{widgets.plain(followed.sentence)}**")
        with st.container(horizontal=True):
            for told, one in (("before", followed.before), ("since", followed.since)):
                low, high = one.share.interval
                label = f"{one.share.k:,} of {one.share.n:,} {told}, {low * 100:.1f}–{high * 100:.1f}\u00a0%"
                _way(widgets.plain(label), evidence.words, one)


def _figures(evidence: Evidence) -> None:
    st.markdown(widgets.plain(evidence.sentence))
    now, cost = evidence.now, evidence.cost
    parts = st.columns(4, gap="small")
    low, high = now.share.interval
    parts[0].metric("Share", percent(now.share.value), help=f"Of all conversations of four weeks, 95 %: {low * 100:.1f}–{high * 100:.1f} %")
    parts[1].metric("A week", f"{evidence.a_week:,.0f}", help="Conversations, over the last four weeks")
    if cost:
        low, high = cost.interval
        hours = f"{cost.hours_a_week:,.1f}" if cost.hours_a_week < 10 else f"{cost.hours_a_week:,.0f}"
        parts[2].metric("Hours a week", hours, help=f"Of people's time, 95 %: {low:,.1f}–{high:,.1f}")
        parts[3].metric("Hours a year", f"{cost.hours_a_year:,.0f}", help="If it goes on like this")
        st.caption(widgets.plain(cost.sentence))
    if now.share.k:
        _way(f"The {now.share.k:,} conversations of the last four weeks", evidence.words, now)


def _weeks(found: ProductFeedback, evidence: Evidence) -> None:
    if not any(one.share.k for one in evidence.weeks):
        return
    title = f"Share of all conversations, week by week: {found.title}"
    st.markdown("**Share of all conversations, week by week**")
    picked = feedback_drawn.weeks(found, evidence, alt_text=title)
    if found.changed_on:
        st.caption("N: the product changed. The last week is not over.")
    ways = {feedback_drawn.words(one): one for one in evidence.weeks if one.share.k}
    asked = st.selectbox(
        "Open the conversations of a week", list(ways), index=None, key="feedback_weeks_open", label_visibility="collapsed", width=320,
        placeholder="Open the conversations of a week",
    )  # fmt: skip
    chosen = picked or ways.get(asked or "")
    if chosen:
        st.switch_page(CONVERSATIONS, query_params=address(evidence.words, chosen))


def address(words: str, one: Stretch) -> dict[str, str]:
    """Exactly these, on the page of conversations."""
    found = feedback_evidence.filter_of(words, one.since, one.until)
    return {
        "words": words,
        "since": found.since.isoformat() if found.since else "",
        "until": found.until.isoformat() if found.until else "",
    }


def _way(label: str, words: str, one: Stretch) -> None:
    st.page_link(CONVERSATIONS, label=label, icon=":material/forum:", query_params=address(words, one), width="content")


# -- what customers say, and what became of it --------------------------------------------------------------------------------------------


def _samples(found: ProductFeedback, person: Person) -> None:
    st.markdown("**What customers say**")
    samples = feedback_document.samples_of(found, by=person)
    if not samples:
        st.caption("None of its samples is within your reach.")
    feedback_samples.show(samples, key="page")


def _history(found: ProductFeedback, person: Person) -> None:
    st.markdown("**What happened**")
    names = people.names()
    for one in reversed(product_feedback.steps(found.id, by=person)):
        icon, _ = BADGES[one.state]
        to = f" to {widgets.plain(one.product_team)}" if one.state == HANDED_OVER else ""
        who = widgets.plain(names.get(one.by_person_id or "", "the portal"))
        st.markdown(
            f"{icon} **{STATES[one.state]}**{to}, {one.day.day} {one.day:%B}  \n{widgets.plain(one.sentence)}  \n:small[:gray[{who}]]"
        )
    for sent in product_feedback.sent(found.id, by=person):
        st.markdown(_delivered(sent))


def _delivered(one: ProductFeedbackSent) -> str:
    icon, colour, words = SENT[one.state]
    tries = f", {one.tries:,} {'try' if one.tries == 1 else 'tries'}" if one.tries else ""
    why = f": {widgets.plain(one.why)}" if one.why else ""
    return f":small[:{colour}[{icon}] Webhook {widgets.plain(one.receiver)}: {words}{tries}{why}]"
