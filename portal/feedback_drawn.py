"""The share of conversations that are about a fault, week by week, with the day on which the product changed."""

import streamlit as st

from data.amounts import Amount
from data.defined import Measure
from data.feedback_evidence import Evidence, Stretch
from data.tables import ProductFeedback
from data.trends import Point
from evals.causes import Marker
from portal import charts, graphs

SHARE = Measure(
    "feedback_share", "Share of conversations", "share", "share", "less", "Of all conversations of these days, those that are about it."
)
HIGH = 200


def weeks(found: ProductFeedback, evidence: Evidence, *, alt_text: str) -> Stretch | None:
    """The week that was picked."""
    points = [Point(one.since, _amount(one)) for one in evidence.weeks]
    line = graphs.Line(
        SHARE, points, points[0].day, points[-1].day, open=frozenset({points[-1].day}), days=7, dark=graphs.is_dark(),
        markers=[(found.changed_on, _marker(found))] if found.changed_on else [],
    )  # fmt: skip
    event = st.altair_chart(
        graphs.trend(line, height=HIGH), key=f"feedback_weeks_{found.state}", on_select="rerun", selection_mode=charts.PICK, alt=alt_text
    )
    picked = graphs.picked(event)
    return next((one for one in evidence.weeks if one.since.isoformat() == picked), None)


def words(one: Stretch) -> str:
    return f"Week of {graphs.said(one.since)}: {one.share.k:,}"


def _amount(one: Stretch) -> Amount:
    k, n = one.share.k, one.share.n
    return Amount(n=n, weight=n, sum=k, sum_sq=k)


def _marker(found: ProductFeedback) -> Marker:
    return Marker("note", "The product has changed", None, found.at)
