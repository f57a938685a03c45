"""An answer as a machine gave it: sentence by sentence with the passage each stands on, or its silence and why."""

from typing import Any

import streamlit as st

from data import access
from data.measures import percent
from data.tables import Person, Trace
from portal import widgets


def show(trace: Trace, *, by: Person) -> None:
    said = trace.said or {}
    if said.get("declined"):
        st.markdown(f":gray[:material/do_not_disturb_on:] **I should not answer this.** {widgets.plain(said.get('why', ''))}")
        nearest(said, by=by)
        looked_for(said)
        return
    sources: list[dict[str, Any]] = said.get("sources", [])
    for sentence in said.get("sentences", []):
        number = sentence["source"] + 1
        st.markdown(f"{widgets.plain(sentence['text'])} :gray[[{number}]]")
    for number, source in enumerate(sources, start=1):
        one_source(number, source, by=by)
    how(trace)


def one_source(number: int, source: dict[str, Any], *, by: Person) -> None:
    with st.container(gap=None):
        under = f", under {source['heading']}" if source.get("heading") else ""
        words = f"{number}. {source['title']}{under}"
        if access.may(by, "article.read"):
            st.page_link(
                "screens/knowledge.py", label=widgets.plain(words), icon=":material/menu_book:",
                query_params={"article": source["article"]}, help=f"Version {source['number']} of the article",
            )  # fmt: skip
        else:
            st.caption(widgets.plain(words))
        if source.get("kind") == "macro":
            st.caption("A ready reply that two people approved.")


def nearest(said: dict[str, Any], *, by: Person) -> None:
    """What came closest, so that somebody who knows better can say that it does cover it."""
    if close := said.get("nearest"):
        st.caption("Closest, and not enough:")
        one_source(1, close, by=by)


def how(trace: Trace) -> None:
    said = trace.said or {}
    written = f"written by {said['model']}, each sentence checked against its passage" if said.get("model") else "quoted word for word"
    sure = f" · {percent(said['confidence'])} sure" if isinstance(said.get("confidence"), int | float) else ""
    version = f" · answerer {trace.target_number}" if trace.target_number else ""
    st.caption(f":material/smart_toy: Machine: {widgets.plain(f'{written}{sure}{version}')}")
    if told := said.get("note"):
        st.caption(widgets.plain(told))
    looked_for(said)
    if (kept := said.get("written") or {}).get("by_model"):
        beside(kept)


def looked_for(said: dict[str, Any]) -> None:
    """In which other words, so that a rep can tell why it was found, or that it was looked for."""
    if other := said.get("other_words"):
        lines = " · ".join(f"“{line}”" for line in other["lines"])
        st.caption(widgets.plain(f"Also looked for in a model's words: {lines}" if lines else other["why"]))


def beside(written: dict[str, Any]) -> None:
    """What would have been quoted, and what the model wrote that no source says: nobody takes it for the answer."""
    with st.expander("Word for word, as it would be quoted", icon=":material/format_quote:"):
        st.markdown(widgets.plain(written["quoted"]))
        for one in written["removed"]:
            st.caption(f"Taken out: {widgets.plain(one['text'])} ({widgets.plain(one['why'])})")
