"""Home: what waits for me, and the next steps of my first week."""

import streamlit as st

from data import access, approvals, conversations, reviews, tasks
from data.conversations import Filter
from data.measures import week_of
from data.values import now
from portal import first_week, first_week_drawn, widgets

person = st.session_state["person"]
hello = person.name.split(" ")[0]

unreviewed = conversations.counted(Filter(reviewed=False), by=person)
deciding = [proposal for proposal in approvals.waiting(by=person) if approvals.may_decide(proposal, person) is None]
mine = reviews.tally(by=person, since=week_of(now()))

widgets.page(f"Hello {widgets.plain(hello)}", "This is what waits for you. Each review makes the machines a little better at helping.")

with st.container(key="home_waits"):
    waits = st.columns(3, border=True)
with waits[0]:
    st.metric("Not reviewed yet", conversations.in_words(unreviewed), icon=":material/rate_review:")
    if access.may(person, "review.record"):
        st.page_link("screens/review.py", label="Review what teaches most", icon=":material/arrow_forward:")
    else:
        st.page_link("screens/conversations.py", label="Read conversations", icon=":material/arrow_forward:")
with waits[1]:
    st.metric("Wait for your decision", f"{len(deciding)}", icon=":material/how_to_vote:")
    st.page_link(
        "screens/approvals.py", label="Look at the evidence" if deciding else "See what was decided", icon=":material/arrow_forward:"
    )
with waits[2]:
    st.metric("Your reviews this week", f"{mine.reviewed:,}", icon=":material/check:", help=f"{mine.labelled:,} of them with an intent.")
    st.page_link(
        "screens/my_work.py" if access.may(person, "work.read") else "screens/quality.py", label="See what they change",
        icon=":material/arrow_forward:",
    )  # fmt: skip

running = [task for task in tasks.recent(by=person, most=5) if task.state in ("waiting", "running")]
if running:
    st.subheader("Under way", anchor=False)
    for task in running:
        widgets.follow(task, by=person)

if first_week.is_on(person):
    first_week_drawn.card(first_week.of(person))
