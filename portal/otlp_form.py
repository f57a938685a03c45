"""Traces on Installation: where they go, how far they are, and where another collector is proposed or the sending is turned off."""

import streamlit as st

from data import access, collector
from data.tables import Person
from portal import acts, widgets


def show(person: Person) -> None:
    st.subheader("Traces to a collector", anchor=False)
    found = collector.in_force()
    note, wrong = collector.in_words()
    st.markdown(widgets.plain(note))
    if wrong:
        st.warning(widgets.plain(wrong), icon=":material/cloud_off:")
    if not found:
        st.caption("Any OpenTelemetry collector that takes OTLP over HTTP can have what recipes, agents and models did.")
    if not access.may(person, "connection.propose"):
        return
    if found:
        _turn_off(person)
    with st.expander("Propose another collector" if found else "Propose a collector"):
        _propose(person)


def _turn_off(person: Person) -> None:
    with st.popover("Turn it off", icon=":material/block:"):
        why = st.text_input("Why", key="installation_collector_off_why")
        if st.button("Turn it off now", key="installation_collector_off"):
            acts.attempt(lambda: collector.stop(why=why or "", by=person), done="Traces stay here from now on.")
            st.rerun()


def _propose(person: Person) -> None:
    with st.form("installation_collector", enter_to_submit=False, border=False):
        url = st.text_input("Address", placeholder="https://otel.example.com:4318", key="installation_collector_url",
                            help="/v1/traces is added to it.")  # fmt: skip
        row = st.columns(2)
        header = row[0].text_input(
            "Header of the key", placeholder="empty: Authorization, as a bearer's token", key="installation_collector_header"
        )
        secret = row[1].text_input("Key", type="password", key="installation_collector_secret", help="It is typed anew with each change.")
        contents = st.checkbox("Send redacted contents too", key="installation_collector_contents",
                               help="Without it: names, times, tokens, costs and states only.")  # fmt: skip
        why = st.text_input("Why", placeholder="The approver reads it first", key="installation_collector_why")
        if st.form_submit_button("Propose the collector"):
            acts.attempt(
                lambda: collector.propose(url or "", header or "", secret or "", contents=contents, why=why or "", by=person),
                done="Proposed. An admin decides.",
            )
            st.rerun()
