"""What a proposed act of a recipe is decided on: who asks for what, how much it comes to, what the policy says, what people said before."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from automations import precedents, recipes
from automations.precedents import Precedent
from data import access, approvals, conversations, masking
from data.tables import Person, Proposal
from portal import widgets

KINDS = precedents.KINDS
AMOUNTS = {"this": "This", "this run before": "This run, before", "the recipe today before": "The recipe, today before"}
LONGEST_WORDS = 1_500  # characters of what the customer wrote last


def show(proposal: Proposal, names: Mapping[str, str], *, by: Person) -> None:
    told, known = masking.everywhere(proposal.payload), masking.everywhere(proposal.evidence)
    _act(told, by)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _said_last(str(proposal.payload.get("conversation") or ""), by)
        _policy(known.get("policy") or {}, by)
    with right:
        _amounts(known.get("amounts") or {})
        _like(proposal, names, by)
    _yes(proposal, names)


def _act(told: Mapping[str, Any], by: Person) -> None:
    """Who asks: the title says what would be done. What would be written stands here whole."""
    if access.may(by, "automation.read"):
        title = next((one.title for one in recipes.listed(by=by) if one.name == told["recipe"]), str(told["recipe"]))
        with st.container(horizontal=True, vertical_alignment="center", gap=None):
            st.markdown(f":material/bolt: Asked by the step '{widgets.plain(str(told['step']))}' of", width="content")
            st.page_link(
                "screens/automations.py", label=f"{widgets.plain(title)}, version {told['number']}", icon=":material/account_tree:",
                query_params={"recipe": str(told["recipe"]), "version": str(told["number"])}, width="content",
            )  # fmt: skip
    if text := str((told.get("what") or {}).get("text") or ""):
        with st.container(border=True):
            st.text(text)


def _said_last(conversation_id: str, by: Person) -> None:
    """The customer's last words, for who may read them."""
    st.markdown("**What the customer wrote last**")
    found = conversations.get(conversation_id, by=by) if conversations.reachable([conversation_id], by=by) else None
    if found is None:
        st.caption(":material/lock: This conversation is not within your reach.")
        return
    said = [
        message
        for message in found[1]
        if message.role == "customer" and not message.private and message.gone_at is None and message.text.strip()
    ]
    with st.container(border=True):
        if said:
            st.text(masking.masked(said[-1].text[:LONGEST_WORDS]) + ("…" if len(said[-1].text) > LONGEST_WORDS else ""))
            st.caption(widgets.when(said[-1].at), help=widgets.exact(said[-1].at))
        else:
            st.caption("The customer wrote nothing that is still here.")
    began = masking.masked(conversations.beginnings([conversation_id], most=140).get(conversation_id, ""))
    if began and len(said) > 1:
        st.caption(f"It began: {widgets.plain(began)}")
    st.page_link(
        "screens/conversation.py", label="Read the whole conversation", icon=":material/chat_bubble:",
        query_params={"conversation": conversation_id},
    )  # fmt: skip


def _amounts(told: Mapping[str, str]) -> None:
    """With what was moved before, each counted without this one."""
    currency = told.get("currency", "")
    rows = {AMOUNTS.get(name) or _of_customer(name): amount for name, amount in told.items() if name != "currency"}
    if not rows:
        return
    st.markdown("**Amounts**")
    st.table(pd.DataFrame({"What": list(rows), currency or "Amount": list(rows.values())}), hide_index=True, border="horizontal")


def _of_customer(name: str) -> str:
    """As the door names it: customer in 60 days."""
    return f"The {name.replace(' in', ', in', 1)} before" if name.startswith("customer in") else name.capitalize()


def _policy(passage: Mapping[str, Any], by: Person) -> None:
    st.markdown("**What the policy says**")
    if not passage.get("text"):
        st.caption("No article is named for it. Whoever sets the limit of a customer on Automations can name one.")
        return
    with st.container(border=True):
        under = f" › {passage['heading']}" if passage.get("heading") else ""
        st.markdown(f"{widgets.plain(str(passage.get('title') or ''))}{widgets.plain(under)}")
        st.text(str(passage["text"]))
    if passage.get("slug") and access.may(by, "article.read"):
        st.page_link(
            "screens/knowledge.py", label="Open the article", icon=":material/menu_book:", query_params={"article": str(passage["slug"])}
        )


def _like(proposal: Proposal, names: Mapping[str, str], by: Person) -> None:
    """How often people said yes to the same step so far, and the last ones."""
    approved, decided = precedents.counted(proposal, by=by)
    st.markdown(f"**Like it: {approved:,} of {decided:,} approved**" if decided else "**Like it: none was decided so far**")
    for one in precedents.like(proposal, by=by):
        _before(one, names)


def _before(one: Precedent, names: Mapping[str, str]) -> None:
    """A way into it: on the same page, where a link would leave the address as it is."""
    with st.container(gap=None):
        st.button(
            widgets.plain(_capital(masking.masked(one.title))), key=f"approvals_like_{one.proposal_id}", type="tertiary",
            icon=":material/check:" if one.approved else ":material/close:", on_click=st.query_params.update,
            args=({"proposal": one.proposal_id},),
        )  # fmt: skip
        who = " and ".join(widgets.plain(names.get(person_id, "somebody")) for person_id in one.person_ids) or "somebody"
        why = f": {widgets.plain(masking.masked(one.why))}" if one.why else ""
        when = f", {widgets.when(one.at)}" if one.at else ""
        st.caption(f"{'approved' if one.approved else 'refused'} by {who}{when}{why}")


def _capital(title: str) -> str:
    return title[:1].upper() + title[1:]


def _yes(proposal: Proposal, names: Mapping[str, str]) -> None:
    given = [names.get(one.approver_id, "Somebody") for one in approvals.approvers([proposal]).get(proposal.id, [])]
    roles = " or ".join(access.a(str(role)) for role in proposal.evidence.get("decide") or ()) or "a person"
    needs = f"{_capital(roles)} has to say yes" if proposal.needs == 1 else f"{proposal.needs} people have to say yes, each {roles}"
    so_far = f"{len(given)} of {proposal.needs} said yes: {', '.join(map(widgets.plain, given))}" if given else "Nobody has so far"
    st.markdown(f":material/how_to_reg: {needs}. {so_far}.")
