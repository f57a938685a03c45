"""Where alerts are told outside: which addresses, what came of the last ones, and another one that a second person approves."""

import json
from pathlib import Path

import streamlit as st

from data import access, approvals, webhooks
from data.tables import Delivery, Person, Proposal
from data.webhooks import PORTAL, SHAPES, SLACK, TEAMS, WEBHOOK, Webhook
from portal import acts, alerting, monitor_page, widgets

TITLES = {PORTAL: "Portal: all figures, signed", SLACK: "Slack, and what speaks like it", TEAMS: "Microsoft Teams"}
LATELY = 5  # of what was told, at once
CHECK = Path(__file__).parent / "receiving.py"


def show(person: Person) -> None:
    found = webhooks.listed(by=person)
    st.caption(
        "Each alert is told to all of them: figures and names of measures, no conversations. What is not taken is tried again for a day."
    )
    if not found:
        st.info(
            "Alerts go to inboxes and by mail so far. A webhook tells them to a chat room or to who is on call.", icon=":material/webhook:"
        )  # fmt: skip
    told = alerting.lately(by=person) if found else {}
    for one in found:
        _one(one, told.get(one.name, []), person)
    _waiting(person)
    if access.may(person, "connection.propose"):
        with st.expander("Propose a webhook", icon=":material/add_link:", expanded=not found):
            _propose(person)
    else:
        st.caption(":material/lock: An engineer or an admin proposes one; another admin approves it.")
    with st.expander("How the receiver checks that it is ours", icon=":material/verified_user:"):
        _how_to_check()


def _one(one: Webhook, lately: list[Delivery], person: Person) -> None:
    with st.container(border=True, key=f"monitors_webhook_{one.name}", gap="xsmall"):
        st.markdown(
            f":material/webhook: **{widgets.plain(one.name)}** to {widgets.plain(one.host)} :gray[· {widgets.plain(TITLES[one.shape])}]"
        )
        for delivery in lately[:LATELY]:
            st.markdown(f":small[{monitor_page.delivered(delivery)}]")
        if not lately:
            st.caption("Nothing was told there yet.")
        with st.container(horizontal=True):
            if access.may(person, "monitor.change") and st.button("Send a test", icon=":material/send:", key=f"monitors_try_{one.name}"):
                _try(one.name, person)
            if access.may(person, "connection.propose"):
                with st.popover("Stop", icon=":material/link_off:"):
                    _stop(one.name, person)


def _try(name: str, person: Person) -> None:
    with st.spinner("Telling it that this is a test"):
        acts.attempt(lambda: alerting.try_webhook(name, by=person), done=f"{name} took the test.")
    st.rerun()


def _stop(name: str, person: Person) -> None:
    st.markdown("Nothing is told there from now on. To tell it again, propose it again.")
    why = st.text_input("Why", key=f"monitors_stop_why_{name}")
    if st.button("Stop telling it", key=f"monitors_stop_{name}"):
        acts.attempt(lambda: webhooks.stop(name, why=why or "", by=person), done=f"Nothing is told to {name} any more.")
        st.rerun()


def _waiting(person: Person) -> None:
    for proposal in approvals.waiting(by=person):
        if is_one(proposal):
            st.page_link(
                "screens/approvals.py", label=f"Waits for a second person: {widgets.plain(proposal.title)}",
                icon=":material/hourglass_top:", query_params={"proposal": proposal.id},
            )  # fmt: skip


def _propose(person: Person) -> None:
    with st.form("monitors_webhook", border=False, enter_to_submit=False):
        first, second = st.columns(2)
        name = first.text_input("Name", placeholder="on-call", help="1 to 30 small letters, digits and hyphens")
        shape = second.selectbox("Told as", list(SHAPES), format_func=TITLES.__getitem__)
        url = st.text_input(
            "Address", placeholder="https://hooks.example.com/…", help="It is sealed: whoever approves reads the host alone."
        )
        secret = st.text_input(
            "Key that the signature is made with", type="password", autocomplete="off",
            help=f"{webhooks.LEAST_SECRET} signs or more, which the receiver has too. Slack and Teams look at none: leave it empty there.",
        )  # fmt: skip
        why = st.text_input("Why", placeholder="The approver reads it first")
        sent = st.form_submit_button("Propose it", icon=":material/how_to_vote:")
    if sent:
        acts.attempt(
            lambda: webhooks.propose(name, url, secret, shape=shape, why=why, by=person), done="Proposed. An admin who is not you decides."
        )  # fmt: skip
        st.rerun()


def _how_to_check() -> None:
    st.markdown(
        "Each message has two headers. `Portal-Signature` is made with the key that you and the receiver have, over the time and the "
        "body as it came; `Portal-Delivery` stays the same when a message is tried again."
    )
    st.code(CHECK.read_text(), language="python")
    st.caption("Slack and Teams check nothing: there the address is the key, and it is sealed here.")


# -- before it is approved ----------------------------------------------------------------------------------------------------------------


def is_one(proposal: Proposal) -> bool:
    return proposal.kind == "change_connection" and str(proposal.payload.get("name", "")).startswith(WEBHOOK)


def evidence(proposal: Proposal, *, by: Person) -> None:
    """What would be sent where, and in the place of what."""
    value = proposal.payload["value"]
    name, host, shape = (str(value.get(one, "")) for one in ("name", "host", "shape"))
    there = {one.name: one for one in webhooks.listed(by=by)} if access.may(by, "monitor.read") else {}
    before = there.get(name)
    st.markdown(f":material/webhook: To **{widgets.plain(host)}**, and nowhere else: what sends on elsewhere is not followed.")
    if before and proposal.state == "open":
        same = "the same host" if before.host == host else before.host
        st.markdown(f":material/swap_horiz: In the place of '{widgets.plain(name)}', which goes to {widgets.plain(same)}.")
    others = len([one for one in there if one != name])
    if others:
        st.markdown(f":material/hub: {others:,} {'other is' if others == 1 else 'others are'} told already.")
    secure = ":material/lock: The address and its key are sealed; nobody reads them here, whoever approves neither."
    st.markdown(f"{secure} The proposer typed them: ask them whose address it is." if proposal.state == "open" else secure)
    with st.expander("What a message looks like", icon=":material/data_object:"):
        st.code(json.dumps(alerting.shaped(alerting.EXAMPLE, shape), indent=2, ensure_ascii=False), language="json")
