"""From a mark of Quality to its conversations: by a click on it, or by a list for whoever has no mouse."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

import altair as alt
import streamlit as st

from data import behind
from data.behind import Behind
from data.trends import Slice
from evals import brief
from portal import charts, graphs, widgets

CONVERSATIONS = "screens/conversations.py"
PAGES = frozenset(
    {
        "conversations", "quality", "automations", "classifiers", "ladder", "knowledge", "policy", "approvals", "inbox", "review", "gaps",
        "monitors", "digest", "opportunities", "use_cases", "product_feedback",
        "eval_sets", "patterns", "agreement", "graders", "installation",
    }
)  # fmt: skip
Ways = Mapping[str, Behind]  # a mark's words -> its conversations


def of(measure: str, days: tuple[date, date], part: Slice) -> Behind:
    return Behind(measure, days[0], days[1], part)


def drawn(chart: alt.LayerChart, ways: Ways, keys: Mapping[str, Behind], *, key: str, alt_text: str, asks: str) -> None:
    """A chart whose marks open their conversations, and under it the same as a list."""
    clickable(chart, keys, key=key, alt_text=alt_text)
    listed(ways, key=key, asks=asks)


def clickable(chart: alt.LayerChart, keys: Mapping[str, Behind], *, key: str, alt_text: str) -> None:
    event = st.altair_chart(chart, key=key, on_select="rerun", selection_mode=charts.PICK, alt=alt_text)
    if (found := keys.get(graphs.picked(event) or "")) is not None:
        opened(found)


def listed(ways: Ways, *, key: str, asks: str) -> None:
    """Marks cannot be reached by keyboard; this can."""
    if not ways:
        return
    chosen = st.selectbox(
        asks, list(ways), index=None, key=f"{key}_open", placeholder=asks, label_visibility="collapsed", width=320,
    )  # fmt: skip
    if chosen:
        opened(ways[chosen])


def opened(found: Behind) -> None:
    st.switch_page(CONVERSATIONS, query_params=behind.address(found))


def way(label: str, page: str, query: Mapping[str, str], *, icon: str | None = None) -> None:
    """A link to a page of ours; where it is not theirs, its words."""
    name, _, asked = page.removeprefix("/").partition("?")
    if name not in PAGES or not brief.may_open(name, st.session_state["person"]):
        st.markdown(widgets.plain(label))
        return
    told: dict[str, Any] = {**dict(parse_qsl(asked, keep_blank_values=True)), **query}
    st.page_link(f"screens/{name}.py", label=widgets.plain(label), icon=icon, query_params=told)
