"""Quality: is it getting better, and which conversations say so."""

import streamlit as st

from data import releases
from portal import cached, charts, findings, tour, widgets

person = st.session_state["person"]
widgets.page(
    "Quality",
    "Week by week: does the machine agree with people, are customers satisfied. A click on a point opens its conversations.",
)

tour.looked_at_trend(person)

channels = {words: channel for channel, words in widgets.CHANNEL_WORDS.items()}
chosen = st.segmented_control("Channel", list(channels), key="channel", bind="query-params", default=None)
channel = channels.get(chosen)
weeks = cached.weekly(person, channel)
if not weeks:
    st.info(
        "There is nothing to draw yet. Import conversations and review some of them, and the weeks appear here.",
        icon=":material/monitoring:",
    )
    st.stop()
markers = releases.history("classifier", "intent")

drawn = [
    (
        charts.share_by_week(weeks, "agreement", markers, title=findings.agreement(weeks), axis="Agrees with people"),
        "Agreement: where a person gave an intent and the live classifier spoke, how often both said the same.",
        {"state": "Machine disagrees"},
    ),
    (
        charts.volume_by_week(weeks, markers, title=findings.volume(weeks)),
        "Volume: conversations by the week in which they were opened. The last week is not over.",
        {},
    ),
    (
        charts.share_by_week(weeks, "satisfied", markers, title=findings.satisfied(weeks), axis="Rated 4 or 5"),
        "Satisfied: of the customers who answered the question, the share who gave 4 or 5 of 5.",
        {},
    ),
]
for place, (chart, definition, narrowing) in enumerate(drawn):
    if chart is None:
        st.caption("Agreement appears once a classifier is live and conversations that it saw are reviewed.")
        continue
    event = st.altair_chart(chart, key=f"quality_chart_{place}_{channel}", on_select="rerun", selection_mode=charts.PICK)
    st.caption(definition)
    week = charts.picked_week(event)
    if week:
        st.switch_page("screens/conversations.py", query_params={"week": week, **narrowing, **({"channel": chosen} if chosen else {})})

with st.expander("The numbers as a table"):
    st.dataframe(charts.as_table(weeks), hide_index=True, height="content")
    st.caption("Intervals are 95 % Wilson intervals. A dashed line marks the moment a version went live.")
