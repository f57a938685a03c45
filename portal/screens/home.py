"""Home: what waits for me, and a walk through the loop."""

import streamlit as st

from data import access, approvals, conversations, people, reviews, tasks
from data.conversations import Filter
from data.measures import week_of
from data.values import now
from portal import tour, widgets

WORDS = {4: "four", 6: "six"}

person = st.session_state["person"]
hello = person.name.split(" ")[0]

unreviewed = conversations.counted(Filter(reviewed=False), by=person)
deciding = [proposal for proposal in approvals.waiting(by=person) if approvals.may_decide(proposal, person) is None]
mine = reviews.tally(by=person, since=week_of(now()))

widgets.page(f"Hello {widgets.plain(hello)}", "This is what waits for you. Each review makes the machines a little better at helping.")

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
    st.page_link("screens/quality.py", label="See what they change", icon=":material/arrow_forward:")

running = [task for task in tasks.recent(by=person, most=5) if task.state in ("waiting", "running")]
if running:
    st.subheader("Under way", anchor=False)
    for task in running:
        widgets.follow(task, by=person)

if person.tour_dismissed_at is None:
    done, steps = tour.done(person), tour.steps_for(person)
    with st.container(border=True):
        head, close = st.columns([5, 1], vertical_alignment="center")
        head.subheader(f"A walk through the loop, in {WORDS[len(steps)]} clicks", anchor=False)
        if close.button("Do not show again", key="home_dismiss", type="tertiary", width="content"):
            people.dismiss_tour(by=person)
            st.rerun()
        st.caption(f"{len(done)} of {len(steps)} done. Each step is a real screen with real work on it.")
        for row in (steps[:3], steps[3:]):
            for place, step in zip(st.columns(3), row, strict=False):
                with place:
                    mark = ":green[:material/check_circle:] done" if step.key in done else ":gray[:material/radio_button_unchecked:] to do"
                    st.page_link(f"screens/{step.page}.py", label=f"**{steps.index(step) + 1}. {step.title}**", icon=step.icon)
                    st.caption(f"{step.what}  \n{mark}")
